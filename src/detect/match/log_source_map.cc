#include "detect/log_source_map.h"

#include <algorithm>
#include <iterator>

#include "core/unicode.h"
#include "core/yaml.h"

namespace tocsin::detect {
namespace {

using core::YamlNode;
using Kind = core::YamlNode::Kind;

class Reader {
 public:
  Reader(const SourceText& source, LogSourceMap& out) : source_(source), out_(out) {}

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
  void report(const core::YamlIssue& issue) { add(issue.line, issue.column, issue.code, issue.message, issue.hint); }

  void add(std::uint32_t line, std::uint32_t column, std::string code, std::string message, std::string hint) {
    sigma::Diagnostic out;
    out.path = source_.path;
    out.line = line;
    out.column = column;
    out.code = std::move(code);
    out.message = std::move(message);
    out.hint = std::move(hint);
    out_.diagnostics.push_back(std::move(out));
  }

  void wrong(const YamlNode& node, const std::string& what, const std::string& expected) {
    good_ = false;
    add(node.line, node.column, "log-source-table", what + " is " + core::describe(node), "expected " + expected);
  }

  void read_document(const YamlNode& root) {
    if (root.kind != Kind::kMap) {
      wrong(root, "the file", "a map with product and rows");
      return;
    }
    const YamlNode* product = root.find("product");
    const YamlNode* rows = root.find("rows");
    if (rows == nullptr || rows->kind != Kind::kList) {
      wrong(rows == nullptr ? root : *rows, "rows", "a list of rows");
      return;
    }
    for (const YamlNode* node : rows->items) {
      good_ = true;
      SourceRow row;
      row.path = source_.path;
      row.line = node->line;
      if (node->kind != Kind::kMap) {
        wrong(*node, "a row", "a map with category or service, when, fields");
        continue;
      }
      if (product != nullptr) row.source.product = core::fold_utf8(product->text);
      const YamlNode* when = nullptr;
      read_row(*node, row, when);
      if (good_) add_rows(*node, row, when);
    }
  }

  // `when` may be a list of maps: any of them. Each becomes a row.
  void add_rows(const YamlNode& node, const SourceRow& row, const YamlNode* when) {
    std::vector<const YamlNode*> alternatives;
    if (when != nullptr && when->kind == Kind::kList)
      alternatives = when->items;
    else if (when != nullptr)
      alternatives.push_back(when);
    if (alternatives.empty()) wrong(node, "a row without `when`", "at least one condition");
    std::vector<SourceRow> rows;
    for (const YamlNode* alternative : alternatives) {
      SourceRow& one = rows.emplace_back(row);
      read_when(*alternative, one);
      if (one.when.empty() && good_) wrong(node, "a row without `when`", "at least one condition");
    }
    if (good_) out_.rows.insert(out_.rows.end(), std::make_move_iterator(rows.begin()), std::make_move_iterator(rows.end()));
  }

  void read_row(const YamlNode& node, SourceRow& row, const YamlNode*& when) {
    for (const auto& [key, value] : node.entries) {
      if (key->text == "product")
        row.source.product = name(*value);
      else if (key->text == "category")
        row.source.category = name(*value);
      else if (key->text == "service")
        row.source.service = name(*value);
      else if (key->text == "when")
        when = value;
      else if (key->text == "fields")
        read_fields(*value, row);
      else
        wrong(*key, "the key", "one of product, category, service, when, fields");
    }
    if (row.source == model::LogSource{} && good_) wrong(node, "a row without a source", "product, category or service");
  }

  std::string name(const YamlNode& node) {
    if (!node.is_scalar() || node.text.empty()) wrong(node, "a log source name", "text");
    return core::fold_utf8(node.text);
  }

  void read_when(const YamlNode& node, SourceRow& row) {
    if (node.kind != Kind::kMap) {
      wrong(node, "when",
            "a map of field: value, list of values, '*' (present), null (absent) or {not: values}; or a list of such maps");
      return;
    }
    for (const auto& [key, value] : node.entries) {
      SourceCondition condition;
      condition.field = key->text;
      const YamlNode* values = value;
      if (value->kind == Kind::kMap) {
        values = value->entries.size() == 1 ? value->find("not") : nullptr;
        condition.negated = true;
      }
      if (value->kind == Kind::kNull)
        condition.absent = true;
      else if (value->is_scalar() && value->text == "*")
        condition.present = true;
      else if (values == nullptr)
        wrong(*value, "a condition", "{not: value or list of values}");
      else
        read_values(*values, condition);
      row.when.push_back(std::move(condition));
    }
  }

  void read_values(const YamlNode& node, SourceCondition& condition) {
    std::vector<const YamlNode*> items;
    if (node.kind == Kind::kList)
      items = node.items;
    else
      items.push_back(&node);
    for (const YamlNode* item : items) {
      if (!item->is_scalar() || item->kind == Kind::kNull || item->text.empty() || item->text == "*") {
        wrong(*item, "a value of when", "text or a number; text* for what begins with text");
        continue;
      }
      std::string text = core::fold_utf8(item->text);
      if (text.ends_with('*')) {
        text.pop_back();
        condition.prefixes.push_back(std::move(text));
      } else {
        condition.values.push_back(std::move(text));
      }
    }
    if (items.empty()) wrong(node, "a value of when", "at least one value");
  }

  void read_fields(const YamlNode& node, SourceRow& row) {
    if (node.kind != Kind::kMap) {
      wrong(node, "fields", "a map of rule field: event field");
      return;
    }
    for (const auto& [key, value] : node.entries) {
      FieldRule rule;
      rule.rule_field = key->text;
      if (value->is_scalar())
        rule.event_field = value->text;
      else if (value->kind == Kind::kMap)
        read_field_rule(*value, rule);
      else
        wrong(*value, "a field", "the event's field, or {from: field, values: {..}, prefixes: {..}, as: ..}");
      if (rule.event_field.ends_with('*') && !rule.rule_field.ends_with('*')) {
        wrong(*value, "a field", "a name, as the rule's field does not end in '*'");
      }
      row.fields.push_back(std::move(rule));
    }
  }

  void read_field_rule(const YamlNode& node, FieldRule& rule) {
    for (const auto& [key, value] : node.entries) {
      if (key->text == "from")
        rule.event_field = value->text;
      else if (key->text == "values")
        read_pairs(*value, ValueRule::Kind::kEquals, rule);
      else if (key->text == "prefixes")
        read_pairs(*value, ValueRule::Kind::kPrefix, rule);
      else if (key->text == "as" && value->text == "decimal")
        rule.values.push_back({ValueRule::Kind::kHexToDecimal, {}, {}});
      else if (key->text == "as" && value->text == "device-path")
        rule.values.push_back({ValueRule::Kind::kDevicePath, {}, {}});
      else
        wrong(*key, "the key", "from, values, prefixes, or as: decimal | device-path");
    }
    if (rule.event_field.empty()) wrong(node, "a field without `from`", "from: the event's field");
  }

  void read_pairs(const YamlNode& node, ValueRule::Kind kind, FieldRule& rule) {
    if (node.kind != Kind::kMap) {
      wrong(node, "values", "a map of event value: rule value");
      return;
    }
    for (const auto& [key, value] : node.entries) rule.values.push_back({kind, key->text, value->text});
  }

  const SourceText& source_;
  LogSourceMap& out_;
  bool good_ = true;
};

}  // namespace

LogSourceMap load_log_sources(const std::vector<SourceText>& sources) {
  LogSourceMap out;
  for (const SourceText& source : sources) Reader(source, out).run();
  return out;
}

}  // namespace tocsin::detect
