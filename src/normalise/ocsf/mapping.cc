#include "normalise/ocsf/mapping.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <tuple>

#include "core/unicode.h"
#include "core/yaml.h"
#include "normalise/ocsf/convert_names.h"
#include "normalise/ocsf/value.h"

namespace tocsin::normalise::ocsf {
namespace {

using core::YamlNode;
using Kind = core::YamlNode::Kind;

std::optional<int> to_int(std::string_view text) {
  int value = 0;
  const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (status != std::errc{} || end != text.data() + text.size()) return {};
  return value;
}

// "4 Service Ticket" is the number 4 and its caption; other text is itself.
Meaning to_meaning(const YamlNode& node) {
  const std::string_view text = node.text;
  const std::size_t space = text.find(' ');
  if (const auto number = to_int(text.substr(0, space)); number && !(node.quoted && space == std::string_view::npos)) {
    return {true, *number, space == std::string_view::npos ? std::string() : std::string(text.substr(space + 1))};
  }
  return {false, 0, std::string(text)};
}

class Reader {
 public:
  Reader(const MappingText& source, Mappings& out) : source_(source), out_(out) {}

  void run() {
    const core::YamlFile file = core::parse_yaml(source_.text);
    for (const core::YamlIssue& issue : file.issues) report(issue);
    for (const core::YamlDocument& document : file.documents) {
      for (const core::YamlIssue& issue : document.issues) report(issue);
      if (document.root == nullptr || !document.issues.empty()) continue;
      read_document(*document.root);
    }
  }

 private:
  void report(const core::YamlIssue& issue) {
    out_.problems.push_back({source_.path, issue.line, issue.column, issue.message + "; " + issue.hint});
  }
  void problem(const YamlNode& node, std::string message) {
    good_ = false;
    out_.problems.push_back({source_.path, node.line, node.column, std::move(message)});
  }
  void wrong(const YamlNode& node, const std::string& what, const std::string& expected) {
    problem(node, what + " is " + core::describe(node) + "; expected " + expected);
  }

  void read_document(const YamlNode& root) {
    if (root.kind != Kind::kMap) {
      wrong(root, "the file", "a map with when, product, fields and rows");
      return;
    }
    good_ = true;
    MappingFile file;
    file.path = source_.path;
    file.order = out_.files.size();
    common_ = nullptr;
    product_ = nullptr;
    host_ = nullptr;
    const YamlNode* rows = nullptr;
    for (const auto& [key, value] : root.entries) {
      if (key->text == "when")
        read_when(*value, file.when);
      else if (key->text == "fields")
        common_ = value;
      else if (key->text == "product")
        product_ = value;
      else if (key->text == "host")
        host_ = value;
      else if (key->text == "columns")
        read_columns(*value, file.columns);
      else if (key->text == "rows")
        rows = value;
      else if (key->text == "priority")
        read_priority(*value, file);
      else if (key->text != "description")
        wrong(*key, "the key", "one of description, priority, when, product, host, columns, fields, rows");
    }
    if (rows == nullptr && root.find("columns") != nullptr) {
      keep_aliases(root, file);
      return;
    }
    if (rows == nullptr || rows->kind != Kind::kList) {
      wrong(rows == nullptr ? root : *rows, "rows", "a list of rows");
      return;
    }
    const auto is_host = [](const ColumnSource& column) { return column.column == rows::Column::kHost; };
    if (std::ranges::any_of(file.columns, is_host))
      wrong(*root.find("columns"), "the host", "under the key host of the file");
    if (!good_) return;
    for (const YamlNode* node : rows->items) read_row(*node, file);
    out_.files.push_back(std::move(file));
  }

  // A file of columns alone is about the events of all files.
  void keep_aliases(const YamlNode& root, MappingFile& file) {
    if (root.find("when") != nullptr || root.find("fields") != nullptr || root.find("product") != nullptr)
      wrong(root, "rows", "a list of rows, or a file of columns and nothing else");
    if (!good_) return;
    for (ColumnSource& column : file.columns) {
      if (column.column == rows::Column::kHost)
        out_.hosts.insert(out_.hosts.end(), column.source.from.begin(), column.source.from.end());
      out_.aliases.push_back(std::move(column));
    }
  }

  void read_columns(const YamlNode& node, std::vector<ColumnSource>& out) {
    if (node.kind != Kind::kMap) {
      wrong(node, "columns", "a map of column: field or list of fields");
      return;
    }
    for (const auto& [key, value] : node.entries) {
      const auto column = rows::find_column(key->text);
      if (!column) {
        wrong(*key, "the column", "one of " + rows::all_column_names());
        continue;
      }
      ColumnSource& added = out.emplace_back();
      added.column = *column;
      read_from(*value, added.source);
    }
  }

  void read_priority(const YamlNode& node, MappingFile& file) {
    const auto value = to_int(node.text);
    if (!value)
      wrong(node, "priority", "a whole number; lower ones are asked first, 50 is usual");
    else
      file.priority = *value;
  }

  void read_row(const YamlNode& node, MappingFile& file) {
    good_ = true;
    if (node.kind != Kind::kMap) {
      wrong(node, "a row", "a map with when, class, activity, fields");
      return;
    }
    if (++row_count_ > kMaxMappingRows) {
      problem(node, "more than " + std::to_string(kMaxMappingRows) + " rows in one file");
      return;
    }
    Row row;
    row.line = node.line;
    row.event_class = &base_event();
    row.severity = constant(1);
    row.activity = constant(0);
    if (product_ != nullptr) read_product(*product_, row);
    if (common_ != nullptr) read_fields(*common_, row);
    for (const auto& [key, value] : node.entries) read_row_key(*key, *value, row);
    check_activity(node, row);
    if (!good_) return;
    if (host_ != nullptr)
      read_host(*host_, row);
    else
      find_host(row);
    sort_children(row.root);
    sort_children(row.metadata);
    file.rows.push_back(std::move(row));
  }

  void read_row_key(const YamlNode& key, const YamlNode& value, Row& row) {
    if (key.text == "when")
      read_when(value, row.when);
    else if (key.text == "class")
      read_class(value, row);
    else if (key.text == "activity")
      row.activity = read_source(value, Convert::kInteger);
    else if (key.text == "severity")
      row.severity = read_source(value, Convert::kInteger);
    else if (key.text == "status") {
      row.status = read_source(value, Convert::kInteger);
      row.has_status = true;
    } else if (key.text == "fields") {
      read_fields(value, row);
    } else if (key.text == "product") {
      read_product(value, row);
    } else {
      wrong(key, "the key", "one of when, class, activity, severity, status, product, fields");
    }
  }

  static Source constant(int number) {
    Source out;
    out.has_constant = true;
    out.constant = {true, number, {}};
    out.convert = Convert::kInteger;
    out.constant_json = std::to_string(number);
    return out;
  }

  void read_class(const YamlNode& node, Row& row) {
    row.event_class = find_class(node.text);
    if (row.event_class != nullptr) return;
    wrong(node, "class", "the name of an OCSF class, such as process_activity");
    row.event_class = &base_event();
  }

  void check_activity(const YamlNode& node, const Row& row) {
    const auto check = [&](const Meaning& meaning) {
      if (!meaning.is_number || activity_caption(*row.event_class, meaning.number).empty()) {
        problem(node, "activity " + (meaning.is_number ? std::to_string(meaning.number) : core::clip(meaning.text)) +
                          " is not one of class " + std::string(row.event_class->name));
      }
    };
    if (row.activity.has_constant || row.activity.has_default) check(row.activity.constant);
    for (const auto& [value, meaning] : row.activity.meanings) check(meaning);
    for (const auto& [value, meaning] : row.activity.prefix_meanings) check(meaning);
  }

  void read_product(const YamlNode& node, Row& row) {
    if (node.kind != Kind::kMap) {
      wrong(node, "product", "a map with name and vendor_name");
      return;
    }
    for (const auto& [key, value] : node.entries) {
      Source source;
      source.has_constant = true;
      source.constant = {false, 0, value->text};
      source.constant_json = quoted(value->text);
      set_path(*key, "metadata.product." + key->text, std::move(source), row);
    }
  }

  static std::string quoted(std::string_view text) {
    std::string out = "\"";
    core::append_json_escaped(text, out);
    return out += '"';
  }

  Slot slot(const YamlNode& node, std::string_view name) {
    const auto found = out_.slots.find(name);
    if (found != out_.slots.end()) return found->second;
    if (out_.slots.size() >= kMaxMappedNames) {
      problem(node, "more than " + std::to_string(kMaxMappedNames) + " names of event fields in all mappings");
      return 0;
    }
    const auto next = static_cast<Slot>(out_.slots.size());
    out_.slots.emplace(std::string(name), next);
    return next;
  }

  // A map, or a list of maps of which one must hold.
  void read_when(const YamlNode& node, Conditions& out) {
    if (node.kind != Kind::kList) {
      read_conditions(node, out.emplace_back());
      return;
    }
    for (const YamlNode* item : node.items) read_conditions(*item, out.emplace_back());
  }

  void read_conditions(const YamlNode& node, std::vector<Condition>& out) {
    if (node.kind != Kind::kMap) {
      wrong(node, "when", "a map of field: value, list of values, '*' (present) or null (absent); or a list of such maps");
      return;
    }
    for (const auto& [key, value] : node.entries) {
      Condition condition;
      if (key->text == "_format")
        condition.what = Condition::What::kFormat;
      else if (key->text == "_payload")
        condition.what = Condition::What::kPayload;
      else
        condition.slot = slot(*key, key->text);
      if (value->kind == Kind::kNull)
        condition.absent = true;
      else if (value->is_scalar() && value->text == "*")
        condition.present = true;
      else if (value->is_scalar())
        add_value(value->text, condition);
      else if (value->kind == Kind::kList) {
        for (const YamlNode* item : value->items) {
          if (item->is_scalar())
            add_value(item->text, condition);
          else
            wrong(*item, "a value of when", "text or a number");
        }
      } else {
        wrong(*value, "a value of when", "text, a number or a list of them");
      }
      out.push_back(std::move(condition));
    }
  }

  static void add_value(std::string_view text, Condition& condition) {
    if (text.size() > 1 && text.ends_with('*'))
      condition.prefixes.push_back(core::fold_utf8(text.substr(0, text.size() - 1)));
    else
      condition.values.push_back(core::fold_utf8(text));
  }

  void read_fields(const YamlNode& node, Row& row) {
    if (node.kind != Kind::kMap) {
      wrong(node, "fields", "a map of OCSF attribute: event field");
      return;
    }
    for (const auto& [key, value] : node.entries) {
      const std::string_view path = key->text;
      if (value->kind == Kind::kNull) {  // Takes back what the file's fields say.
        remove_path(path, row);
        continue;
      }
      const std::size_t dot = path.rfind('.');
      std::string_view leaf = dot == std::string_view::npos ? path : path.substr(dot + 1);
      set_path(*key, path, read_source(*value, convert_by_name(leaf)), row);
    }
  }

  Source read_source(const YamlNode& node, Convert by_name) {
    Source out;
    out.convert = by_name;
    if (node.kind == Kind::kMap) {
      read_source_map(node, out);
    } else if (by_name == Convert::kInteger && node.kind == Kind::kNumber) {
      read_constant(node, out, out.has_constant);
    } else {
      read_from(node, out);
    }
    return out;
  }

  void read_source_map(const YamlNode& node, Source& out) {
    for (const auto& [key, value] : node.entries) {
      if (key->text == "from")
        read_from(*value, out);
      else if (key->text == "as")
        read_convert(*value, out);
      else if (key->text == "map")
        read_meanings(*value, out);
      else if (key->text == "value")
        read_constant(*value, out, out.has_constant);
      else if (key->text == "default")
        read_constant(*value, out, out.has_default);
      else if (key->text == "otherwise")
        read_constant(*value, out, out.is_otherwise);
      else if (key->text == "key")
        out.key = value->text;
      else
        wrong(*key, "the key", "one of from, as, map, value, default, otherwise, key");
    }
    if (out.from.empty() && !out.has_constant && !out.has_default && !out.is_otherwise)
      wrong(node, "an attribute without from", "from or value");
    if (out.convert == Convert::kObjects && out.key.empty()) wrong(node, "as: objects", "key: the member of each object");
    if (out.has_constant && !out.from.empty())
      wrong(node, "value beside from", "default, which is used where the field is absent");
  }

  void read_from(const YamlNode& node, Source& out) {
    if (node.is_scalar() && node.kind != Kind::kNull) {
      out.from.push_back(slot(node, node.text));
      return;
    }
    if (node.kind != Kind::kList || node.items.empty()) {
      wrong(node, "the source of an attribute", "a field of the event, a list of fields, or {from, as, map, default}");
      return;
    }
    for (const YamlNode* item : node.items) {
      if (item->is_scalar())
        out.from.push_back(slot(*item, item->text));
      else
        wrong(*item, "a field", "text");
    }
  }

  void read_convert(const YamlNode& node, Source& out) {
    if (const auto convert = find_convert(node.text))
      out.convert = *convert;
    else
      wrong(node, "as", "one of " + all_convert_names());
  }

  void read_meanings(const YamlNode& node, Source& out) {
    if (node.kind != Kind::kMap) {
      wrong(node, "map", "a map of event value: OCSF number and caption, or text");
      return;
    }
    for (const auto& [key, value] : node.entries) {
      if (!value->is_scalar())
        wrong(*value, "a meaning", "a number, 'number caption', or text");
      else if (key->text.size() > 1 && key->text.ends_with('*')) {
        out.prefix_meanings.emplace_back(core::fold_utf8(std::string_view(key->text).substr(0, key->text.size() - 1)),
                                         to_meaning(*value));
      } else {
        out.meanings[core::fold_utf8(key->text)] = to_meaning(*value);
      }
    }
  }

  void read_constant(const YamlNode& node, Source& out, bool& kind) {
    if (!node.is_scalar()) {
      wrong(node, "a constant", "text, a number or a boolean");
      return;
    }
    kind = true;
    out.constant = to_meaning(node);
    if (out.constant.is_number) {
      out.constant_json = std::to_string(out.constant.number);
    } else if (node.kind == Kind::kBool) {
      out.constant_json = core::fold_utf8(node.text);
    } else if (node.kind == Kind::kNumber && is_safe_number(node.text)) {
      out.constant_json = node.text;
    } else {
      out.constant_json = quoted(node.text);
    }
  }

  // The node of `path` (made where missing), or null where the path is no path.
  Node* at_path(const YamlNode& where, std::string_view path, Row& row) {
    Node* node = &row.root;
    std::size_t depth = 0;
    if (path.starts_with("metadata.")) {
      node = &row.metadata;
      path.remove_prefix(std::string_view("metadata.").size());
    }
    while (!path.empty()) {
      const std::size_t dot = path.find('.');
      std::string_view key = path.substr(0, dot);
      path = dot == std::string_view::npos ? std::string_view() : path.substr(dot + 1);
      const bool array = key.ends_with("[]");
      if (array) key.remove_suffix(2);
      if (key.empty() || ++depth > kMaxPathDepth) {
        wrong(where, "an attribute", "an OCSF path such as actor.process.name, at most 10 names");
        return nullptr;
      }
      auto found = std::ranges::find_if(node->children, [&](const Node& child) { return child.key == key; });
      if (found == node->children.end()) {
        node->children.push_back({});
        found = node->children.end() - 1;
        found->key = key;
      }
      found->array = found->array || array;
      node = &*found;
    }
    return node;
  }

  void set_path(const YamlNode& where, std::string_view path, Source source, Row& row) {
    constexpr std::array<std::string_view, 20> kOwn{"class_uid",
                                                    "class_name",
                                                    "category_uid",
                                                    "category_name",
                                                    "activity_id",
                                                    "activity_name",
                                                    "type_uid",
                                                    "type_name",
                                                    "severity_id",
                                                    "severity",
                                                    "status_id",
                                                    "status",
                                                    "unmapped",
                                                    "metadata",
                                                    "raw_data",
                                                    "raw_data_size",
                                                    "metadata.version",
                                                    "metadata.profiles",
                                                    "metadata.log_format",
                                                    "metadata.is_truncated"};
    if (path.empty() || std::ranges::find(kOwn, path) != kOwn.end()) {
      wrong(where, "an attribute", "one that is not made of class, activity, severity, status and the event itself");
      return;
    }
    Node* node = at_path(where, path, row);
    if (node == nullptr) return;
    node->has_source = true;
    if (source.convert == Convert::kInteger && node->key.ends_with("_id")) {
      node->caption_key = node->key.substr(0, node->key.size() - 3);
    }
    node->source = std::move(source);
    if (!node->children.empty() && !writes_members(node->source.convert)) {
      wrong(where, "an attribute with members of its own", "an attribute without, or as: file, user, endpoint, url ...");
    }
  }

  static void remove_path(std::string_view path, Row& row) {
    Node* node = &row.root;
    if (path.starts_with("metadata.")) {
      node = &row.metadata;
      path.remove_prefix(std::string_view("metadata.").size());
    }
    while (true) {
      const std::size_t dot = path.find('.');
      const std::string_view key = path.substr(0, dot);
      const auto found = std::ranges::find_if(node->children, [&](const Node& child) { return child.key == key; });
      if (found == node->children.end()) return;
      if (dot == std::string_view::npos) {
        node->children.erase(found);
        return;
      }
      node = &*found;
      path.remove_prefix(dot + 1);
    }
  }

  void read_host(const YamlNode& node, Row& row) {
    Source source;
    read_from(node, source);
    row.host = std::move(source.from);
  }

  static void find_host(Row& row) {
    for (const Node& child : row.root.children) {
      if (child.key != "device") continue;
      if (child.has_source && child.source.convert == Convert::kEndpoint) row.host = child.source.from;
      for (const Node& member : child.children) {
        if (member.key == "hostname" && member.has_source) row.host = member.source.from;
      }
    }
  }

  static bool opens(const Node& node) {
    if (node.has_source && (node.source.has_constant || !node.source.from.empty())) return true;
    return std::ranges::any_of(node.children, opens);
  }
  // Defaults ask whether their object is there already, so they come behind what may open it.
  static int rank(const Node& node) {
    if (node.source.is_otherwise) return 1;
    if (!opens(node)) return 3;
    return node.has_source && node.source.has_default && node.children.empty() ? 2 : 0;
  }

  static void sort_children(Node& node) {
    std::vector<Node> sorted;
    sorted.reserve(node.children.size());
    for (const int wanted : {0, 1, 2, 3}) {
      for (Node& child : node.children) {
        if (child.key.empty() || rank(child) != wanted) continue;  // Moved already, or not its turn.
        sorted.push_back(std::move(child));
        child.key.clear();
      }
    }
    node.children = std::move(sorted);
    for (Node& child : node.children) sort_children(child);
  }

  const MappingText& source_;
  Mappings& out_;
  const YamlNode* common_ = nullptr;
  const YamlNode* product_ = nullptr;
  const YamlNode* host_ = nullptr;
  std::size_t row_count_ = 0;
  bool good_ = true;
};

}  // namespace

bool writes_members(Convert convert) { return convert >= Convert::kFile; }

Mappings read_mappings(const std::vector<MappingText>& sources) {
  Mappings out;
  for (const MappingText& source : sources) Reader(source, out).run();
  std::ranges::sort(out.files, [](const MappingFile& a, const MappingFile& b) {
    return std::tie(a.priority, a.path, a.order) < std::tie(b.priority, b.path, b.order);
  });
  return out;
}

}  // namespace tocsin::normalise::ocsf
