#include "core/yaml.h"

#include <yaml.h>

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "core/unicode.h"

namespace tocsin::core {
namespace {

// Syntax errors after which a file is given up: each costs a new parser.
constexpr std::size_t kMaxSyntaxErrors = 100;
constexpr std::size_t kMaxIssuesPerDocument = 20;
// Text of one document with aliases counted as copies: twice what a file may hold.
constexpr std::size_t kMaxExpandedBytes = 2 * kMaxYamlBytes;

bool is_one_of(std::string_view text, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), text) != words.end();
}

bool digits(std::string_view text, std::size_t& pos) {
  const std::size_t start = pos;
  while (pos < text.size() && text[pos] >= '0' && text[pos] <= '9') ++pos;
  return pos > start;
}

// Decimal integers and floats of the YAML 1.2 core schema. Hexadecimal and octal stay text: logs show them as written.
bool is_number(std::string_view text) {
  std::size_t pos = !text.empty() && (text[0] == '-' || text[0] == '+') ? 1 : 0;
  const bool whole = digits(text, pos);
  bool fraction = false;
  if (pos < text.size() && text[pos] == '.') {
    ++pos;
    fraction = digits(text, pos);
  }
  if (!whole && !fraction) return false;
  if (pos < text.size() && (text[pos] == 'e' || text[pos] == 'E')) {
    ++pos;
    if (pos < text.size() && (text[pos] == '-' || text[pos] == '+')) ++pos;
    if (!digits(text, pos)) return false;
  }
  return pos == text.size();
}

YamlNode::Kind plain_kind(std::string_view text) {
  if (text.empty()) return YamlNode::Kind::kNull;
  // Nearly all scalars are words that none of these begin.
  if (std::string_view("nN~tTfF+-.0123456789").find(text[0]) == std::string_view::npos) return YamlNode::Kind::kText;
  if (is_one_of(text, {"null", "Null", "NULL", "~"})) return YamlNode::Kind::kNull;
  if (is_one_of(text, {"true", "True", "TRUE", "false", "False", "FALSE"})) return YamlNode::Kind::kBool;
  return is_number(text) ? YamlNode::Kind::kNumber : YamlNode::Kind::kText;
}

std::string_view bytes(const yaml_char_t* text) { return text == nullptr ? "" : reinterpret_cast<const char*>(text); }

std::size_t count_points(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0u) != 0x80u; }));
}

std::pair<std::uint32_t, std::uint32_t> place_of(std::string_view text, std::size_t offset) {
  const std::string_view before = text.substr(0, offset);
  const auto line = static_cast<std::uint32_t>(std::count(before.begin(), before.end(), '\n'));
  const std::size_t start = before.rfind('\n');
  const std::string_view row = start == std::string_view::npos ? before : before.substr(start + 1);
  return {line + 1, static_cast<std::uint32_t>(count_points(row)) + 1};
}

// Builds the trees of the part of a file that begins at line `line_base` (from 0).
class Builder {
 public:
  Builder(YamlFile& file, std::string_view text, std::uint32_t line_base) : file_(file), text_(text), line_base_(line_base) {
    if (yaml_parser_initialize(&parser_) == 0) return;
    ready_ = true;
    yaml_parser_set_encoding(&parser_, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser_, reinterpret_cast<const unsigned char*>(text.data()), text.size());
  }
  Builder(const Builder&) = delete;
  Builder& operator=(const Builder&) = delete;
  ~Builder() {
    if (ready_) yaml_parser_delete(&parser_);
  }

  enum class End : std::uint8_t { kDone, kSyntax, kLimit };
  End run() {
    if (!ready_) return limit(0, 0, "no memory for the YAML parser");
    for (;;) {
      yaml_event_t event;
      if (yaml_parser_parse(&parser_, &event) == 0) {
        syntax_error();
        return End::kSyntax;
      }
      const yaml_event_type_t type = event.type;
      const bool good = handle(event);
      yaml_event_delete(&event);
      if (!good) return End::kLimit;
      if (type == YAML_STREAM_END_EVENT || type == YAML_NO_EVENT) return End::kDone;
    }
  }
  // Lines from the start of this part to the syntax error.
  [[nodiscard]] std::uint32_t error_line() const { return error_line_; }

 private:
  struct Open {
    YamlNode* node;
    const YamlNode* key = nullptr;  // Of a map: the key whose value comes next.
    std::string anchor;
  };

  std::uint32_t line(const yaml_mark_t& mark) const { return static_cast<std::uint32_t>(mark.line) + 1 + line_base_; }
  static std::uint32_t column(const yaml_mark_t& mark) { return static_cast<std::uint32_t>(mark.column) + 1; }

  End limit(std::uint32_t at_line, std::uint32_t at_column, std::string message) {
    file_.issues.push_back({at_line, at_column, "limit", std::move(message), "split the file or remove nested aliases"});
    return End::kLimit;
  }

  void issue(const yaml_mark_t& mark, std::string code, std::string message, std::string hint) {
    if (document_.issues.size() < kMaxIssuesPerDocument) {
      document_.issues.push_back({line(mark), column(mark), std::move(code), std::move(message), std::move(hint)});
    }
  }

  void syntax_error() {
    const std::string problem = parser_.problem == nullptr ? "the text is not YAML" : parser_.problem;
    yaml_mark_t mark = parser_.problem_mark;
    if (parser_.error == YAML_READER_ERROR) {
      const auto [bad_line, bad_column] = place_of(text_, std::min(parser_.problem_offset, text_.size()));
      mark.line = bad_line - 1;
      mark.column = bad_column - 1;
    }
    error_line_ = static_cast<std::uint32_t>(mark.line);
    std::string message = problem;
    if (parser_.context != nullptr) message = std::string(parser_.context) + ": " + problem;
    std::string hint = "check indentation, quotes and colons near this place";
    if (problem.find("cannot start any token") != std::string::npos) {
      hint = "put the value in single quotes; a tab cannot indent YAML, use spaces";
    } else if (problem.find("mapping values are not allowed") != std::string::npos) {
      hint = "put a value that holds ': ' in single quotes, or check the indentation";
    } else if (problem.find("unknown escape") != std::string::npos) {
      hint = "in double quotes a backslash begins an escape: use single quotes";
    } else if (problem.find("undefined alias") != std::string::npos || message.find("alias") != std::string::npos) {
      hint = "a value that begins with '*' or '&' needs single quotes";
    } else if (parser_.error == YAML_READER_ERROR) {
      hint = "remove control characters; save the file as UTF-8";
    }
    file_.issues.push_back({line(mark), column(mark), "yaml-syntax", std::move(message), std::move(hint)});
  }

  // False: a limit was reached, and is reported.
  bool handle(const yaml_event_t& event) {
    switch (event.type) {
      case YAML_DOCUMENT_START_EVENT:
        document_ = {};
        document_.first_line = line(event.start_mark);
        anchors_.clear();
        return true;
      case YAML_DOCUMENT_END_EVENT:
        document_.last_line = line(event.end_mark);
        file_.documents.push_back(std::move(document_));
        document_ = {};
        return true;
      case YAML_SCALAR_EVENT: return scalar(event);
      case YAML_ALIAS_EVENT: return alias(event);
      case YAML_SEQUENCE_START_EVENT:
        return open(event, YamlNode::Kind::kList, event.data.sequence_start.anchor, bytes(event.data.sequence_start.tag));
      case YAML_MAPPING_START_EVENT:
        return open(event, YamlNode::Kind::kMap, event.data.mapping_start.anchor, bytes(event.data.mapping_start.tag));
      case YAML_SEQUENCE_END_EVENT:
      case YAML_MAPPING_END_EVENT: return close(event);
      default: return true;
    }
  }

  YamlNode& make(const yaml_event_t& event, YamlNode::Kind kind) {
    YamlNode& node = file_.nodes.add();
    node.kind = kind;
    node.line = line(event.start_mark);
    node.column = column(event.start_mark);
    return node;
  }

  bool open(const yaml_event_t& event, YamlNode::Kind kind, const yaml_char_t* anchor, std::string_view tag) {
    if (!tag.empty() && !is_one_of(tag, {"!", YAML_MAP_TAG, YAML_SEQ_TAG})) foreign_tag(event, tag);
    YamlNode& node = make(event, kind);
    if (kind == YamlNode::Kind::kList)
      node.items.reserve(8);
    else
      node.entries.reserve(8);
    stack_.push_back({&node, nullptr, std::string(bytes(anchor))});
    if (stack_.size() > kMaxYamlDepth) {
      limit(line(event.start_mark), column(event.start_mark),
            "nested deeper than " + std::to_string(kMaxYamlDepth) + " levels");
      return false;
    }
    return true;
  }

  void foreign_tag(const yaml_event_t& event, std::string_view tag) {
    issue(event.start_mark, "yaml-tag", "the tag " + clip(tag) + " has no meaning in a rule", "remove the tag");
  }

  bool scalar(const yaml_event_t& event) {
    const auto& data = event.data.scalar;
    const std::string_view text(reinterpret_cast<const char*>(data.value), data.length);
    const std::string_view tag = bytes(data.tag);
    YamlNode& node = make(event, YamlNode::Kind::kText);
    node.text = text;
    node.expanded_bytes = static_cast<std::uint32_t>(text.size());
    const bool text_tag = !tag.empty() && is_one_of(tag, {"!", YAML_STR_TAG});
    const bool core_tag = !tag.empty() && is_one_of(tag, {YAML_INT_TAG, YAML_FLOAT_TAG, YAML_BOOL_TAG, YAML_NULL_TAG});
    if (!tag.empty() && !text_tag && !core_tag) foreign_tag(event, tag);
    node.quoted = text_tag || (data.style != YAML_PLAIN_SCALAR_STYLE && !core_tag);
    if (!node.quoted) node.kind = plain_kind(text);
    const bool in_quotes = data.style == YAML_SINGLE_QUOTED_SCALAR_STYLE || data.style == YAML_DOUBLE_QUOTED_SCALAR_STYLE;
    node.text_column = node.column + (in_quotes ? 1 : 0);
    if (tag.empty() && data.anchor == nullptr && event.start_mark.line == event.end_mark.line) {
      const auto length = static_cast<std::size_t>(event.end_mark.column - event.start_mark.column);
      node.exact_columns = length == count_points(text) + (in_quotes ? 2 : 0);
    }
    return place(event, node, bytes(data.anchor));
  }

  bool alias(const yaml_event_t& event) {
    const std::string name(bytes(event.data.alias.anchor));
    const auto found = anchors_.find(name);
    if (found == anchors_.end()) {
      issue(event.start_mark, "yaml-alias", "the alias *" + clip(name) + " has no anchor before it",
            "a value that begins with '*' needs single quotes");
      return place(event, make(event, YamlNode::Kind::kNull), "");
    }
    const YamlNode& target = *found->second;
    if (stack_.size() + target.height > kMaxYamlDepth) {
      limit(line(event.start_mark), column(event.start_mark),
            "nested deeper than " + std::to_string(kMaxYamlDepth) + " levels by aliases");
      return false;
    }
    return place(event, target, "");
  }

  bool close(const yaml_event_t& event) {
    Open top = std::move(stack_.back());
    stack_.pop_back();
    if (top.node->kind == YamlNode::Kind::kMap) check_keys(*top.node);
    return place(event, *top.node, top.anchor);
  }

  // Puts a complete node where it belongs and counts it.
  bool place(const yaml_event_t& event, const YamlNode& node, std::string_view anchor) {
    if (!anchor.empty()) anchors_[std::string(anchor)] = &node;
    if (stack_.empty()) {
      document_.root = &node;
      total_count_ += node.expanded_count;
    } else {
      Open& top = stack_.back();
      top.node->height = std::max(top.node->height, node.height + 1);
      top.node->expanded_count += node.expanded_count;
      if (top.node->kind == YamlNode::Kind::kList) {
        top.node->items.push_back(&node);
      } else if (top.key == nullptr) {
        top.key = &node;
      } else {
        top.node->entries.emplace_back(top.key, &node);
        top.key = nullptr;
      }
      top.node->expanded_bytes += node.expanded_bytes;
      if (top.node->expanded_count > kMaxYamlNodes) total_count_ = kMaxYamlNodes + 1;
      if (top.node->expanded_bytes > kMaxExpandedBytes) total_count_ = kMaxYamlNodes + 1;
    }
    if (total_count_ > kMaxYamlNodes || file_.nodes.size() > kMaxYamlNodes) {
      limit(line(event.start_mark), column(event.start_mark),
            "more than " + std::to_string(kMaxYamlNodes) + " nodes, or too much text (aliases count as copies)");
      return false;
    }
    return true;
  }

  void check_keys(const YamlNode& map) {
    std::unordered_set<std::string_view> seen;
    for (std::size_t i = 0; i < map.entries.size(); ++i) {
      const YamlNode& key = *map.entries[i].first;
      yaml_mark_t mark{};
      mark.line = key.line - 1 - line_base_;
      mark.column = key.column - 1;
      if (!key.is_scalar() || (key.kind == YamlNode::Kind::kNull && !key.quoted)) {
        issue(mark, "yaml-key", "a key must be text, found " + describe(key), "put the key in single quotes");
        continue;
      }
      if (key.text == "<<" && !key.quoted) {
        issue(mark, "yaml-merge", "merge keys (<<) are not part of YAML 1.2", "write the merged keys out");
        continue;
      }
      bool duplicate = false;
      if (map.entries.size() <= 12) {
        for (std::size_t j = 0; j < i && !duplicate; ++j) duplicate = map.entries[j].first->text == key.text;
      } else {
        duplicate = !seen.insert(key.text).second;
      }
      if (duplicate) {
        issue(mark, "duplicate-key", "the key '" + clip(key.text) + "' stands twice in one map",
              "merge the two into one list, or use a list of maps");
      }
    }
  }

  YamlFile& file_;
  std::string_view text_;
  std::uint32_t line_base_;
  yaml_parser_t parser_{};
  bool ready_ = false;
  YamlDocument document_;
  std::vector<Open> stack_;
  std::unordered_map<std::string, const YamlNode*> anchors_;
  std::size_t total_count_ = 0;
  std::uint32_t error_line_ = 0;
};

// Whether the bytes can be read at all; reports why not.
bool check_bytes(std::string_view text, YamlFile& file) {
  if (text.size() > kMaxYamlBytes) {
    file.issues.push_back(
        {0, 0, "limit", "the file is larger than " + std::to_string(kMaxYamlBytes) + " bytes", "split it"});
    return false;
  }
  if (const std::size_t nul = text.find('\0'); nul != std::string_view::npos) {
    const auto [line, column] = place_of(text, nul);
    file.issues.push_back(
        {line, column, "not-text", "a NUL byte; rules are UTF-8 text", "save the file as UTF-8, not UTF-16"});
    return false;
  }
  if (is_valid_utf8(text)) return true;
  for (std::size_t pos = 0; pos < text.size();) {
    const std::size_t at = pos;
    const char32_t code = next_code_point(text, pos);
    if (code < kStrayByte || code > kStrayByte + 0xFF) continue;
    const auto [line, column] = place_of(text, at);
    file.issues.push_back({line, column, "invalid-utf8", "a byte that is not UTF-8", "save the file as UTF-8"});
    break;
  }
  return false;
}

// The offset of the next line "---" behind `offset`, or npos.
std::size_t next_document(std::string_view text, std::size_t offset) {
  for (std::size_t at = text.find("\n---", offset); at != std::string_view::npos; at = text.find("\n---", at + 1)) {
    const std::size_t end = at + 4;
    if (end == text.size() || text[end] == ' ' || text[end] == '\n' || text[end] == '\r') return at + 1;
  }
  return std::string_view::npos;
}

std::size_t offset_of_line(std::string_view text, std::uint32_t line) {
  std::size_t offset = 0;
  for (; line > 0; --line) {
    const std::size_t end = text.find('\n', offset);
    if (end == std::string_view::npos) return text.size();
    offset = end + 1;
  }
  return offset;
}

}  // namespace

const YamlNode* YamlNode::find(std::string_view key) const {
  for (const auto& [name, value] : entries) {
    if (name->is_scalar() && name->text == key) return value;
  }
  return nullptr;
}

YamlFile parse_yaml(std::string_view text) {
  YamlFile file;
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  file.refused = !check_bytes(text, file);
  std::size_t offset = 0;
  std::uint32_t line_base = 0;
  while (!file.refused && offset != std::string_view::npos) {
    const std::string_view part = text.substr(offset);
    Builder builder(file, part, line_base);
    const auto end = builder.run();
    if (end == Builder::End::kDone) break;
    if (end == Builder::End::kLimit || file.issues.size() >= kMaxSyntaxErrors) {
      file.refused = true;
      break;
    }
    const std::size_t bad_line = offset_of_line(part, builder.error_line());
    // The error may stand at the very "---" that ends the document: then that line begins the next one.
    const bool at_marker = bad_line > 0 && part.substr(bad_line).starts_with("---");
    const std::size_t next = at_marker ? bad_line : next_document(part, bad_line);
    if (next == std::string_view::npos) break;
    line_base +=
        static_cast<std::uint32_t>(std::count(part.begin(), part.begin() + static_cast<std::ptrdiff_t>(next), '\n'));
    offset += next;
  }
  if (file.refused) file.documents.clear();
  return file;
}

std::string describe(const YamlNode& node) {
  switch (node.kind) {
    case YamlNode::Kind::kNull: return "nothing (null)";
    case YamlNode::Kind::kBool: return "the boolean " + node.text;
    case YamlNode::Kind::kNumber: return "the number " + clip(node.text);
    case YamlNode::Kind::kText: return "the text '" + clip(node.text) + "'";
    case YamlNode::Kind::kList: return "a list";
    case YamlNode::Kind::kMap: return "a map";
  }
  return "";
}

std::string clip(std::string_view text, std::size_t max) {
  std::string out;
  for (std::size_t pos = 0; pos < text.size();) {
    if (out.size() >= max) return out + "...";
    const char32_t code = next_code_point(text, pos);
    if (code < 0x20 || code == 0x7F || (code >= kStrayByte && code <= kStrayByte + 0xFF)) {
      out.push_back('?');
    } else {
      append_utf8(code, out);
    }
  }
  return out;
}

}  // namespace tocsin::core
