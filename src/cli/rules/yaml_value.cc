#include "cli/rules/yaml_value.h"

#include <yaml.h>

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

namespace tocsin::cli {
namespace {

core::Error error_at(std::size_t line, const std::string& text) {
  return {core::ErrorCode::kInvalid, "line " + std::to_string(line) + ": " + text};
}

class Reader {
 public:
  explicit Reader(std::string_view text) {
    yaml_parser_initialize(&parser_);
    yaml_parser_set_encoding(&parser_, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser_, reinterpret_cast<const unsigned char*>(text.data()), text.size());
  }
  ~Reader() {
    drop();
    yaml_parser_delete(&parser_);
  }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  core::Result<YamlValue> read() {
    while (true) {
      TOCSIN_TRY(step());
      if (event_.type == YAML_STREAM_END_EVENT) return YamlValue{};
      if (event_.type == YAML_STREAM_START_EVENT || event_.type == YAML_DOCUMENT_START_EVENT) continue;
      return value(0);
    }
  }

 private:
  struct Done {};

  void drop() {
    if (has_event_) yaml_event_delete(&event_);
    has_event_ = false;
  }

  core::Result<Done> step() {
    drop();
    if (yaml_parser_parse(&parser_, &event_) == 0) {
      return error_at(parser_.problem_mark.line + 1, parser_.problem != nullptr ? parser_.problem : "this is no YAML");
    }
    has_event_ = true;
    return Done{};
  }

  static std::string text_of(const yaml_event_t& event) {
    return {reinterpret_cast<const char*>(event.data.scalar.value), event.data.scalar.length};
  }

  static std::string name_of(const yaml_char_t* anchor) {
    return anchor == nullptr ? std::string() : reinterpret_cast<const char*>(anchor);
  }

  // Counts one value more, or many by an alias.
  core::Result<Done> account(std::size_t line, std::size_t values, std::size_t bytes) {
    count_ += values;
    bytes_ += bytes;
    if (count_ > kMaxYamlValues) return error_at(line, "more than " + std::to_string(kMaxYamlValues) + " values");
    if (bytes_ > kMaxYamlBytes) return error_at(line, "more than " + std::to_string(kMaxYamlBytes) + " bytes of text");
    return Done{};
  }

  // Of the event at hand, whose end is then at hand.
  core::Result<YamlValue> value(std::size_t depth) {
    const std::size_t line = event_.start_mark.line + 1;
    if (depth > kMaxYamlValueDepth) return error_at(line, "nested deeper than " + std::to_string(kMaxYamlValueDepth));
    if (event_.type == YAML_ALIAS_EVENT) return alias(line, depth);
    YamlValue out;
    out.line = static_cast<std::uint32_t>(line);
    std::string anchor;
    if (event_.type == YAML_SCALAR_EVENT) {
      anchor = name_of(event_.data.scalar.anchor);
      out.text = text_of(event_);
      out.plain = event_.data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
      out.bytes = out.text.size();
      TOCSIN_TRY(account(line, 1, out.bytes));
    } else if (event_.type == YAML_SEQUENCE_START_EVENT) {
      anchor = name_of(event_.data.sequence_start.anchor);
      TOCSIN_TRY(account(line, 1, 0));
      TOCSIN_TRY(read_list(out, depth));
    } else if (event_.type == YAML_MAPPING_START_EVENT) {
      anchor = name_of(event_.data.mapping_start.anchor);
      TOCSIN_TRY(account(line, 1, 0));
      TOCSIN_TRY(read_map(out, depth));
    } else {
      return error_at(line, "expected a value");
    }
    if (!anchor.empty()) {
      TOCSIN_TRY(account(line, out.count, out.bytes));  // The copy kept.
      anchors_.insert_or_assign(anchor, out);
    }
    return out;
  }

  core::Result<YamlValue> alias(std::size_t line, std::size_t depth) {
    const auto found = anchors_.find(name_of(event_.data.alias.anchor));
    if (found == anchors_.end()) return error_at(line, "no value is anchored by that name");
    TOCSIN_TRY(account(line, found->second.count, found->second.bytes));
    if (depth + found->second.height > kMaxYamlValueDepth) return error_at(line, "nested deeper than " + std::to_string(kMaxYamlValueDepth));
    return found->second;
  }

  static void add_to(YamlValue& parent, const YamlValue& child) {
    parent.count += child.count;
    parent.bytes += child.bytes;
    parent.height = std::max(parent.height, child.height + 1);
  }

  core::Result<Done> read_list(YamlValue& out, std::size_t depth) {
    out.kind = YamlValue::Kind::kList;
    while (true) {
      TOCSIN_TRY(step());
      if (event_.type == YAML_SEQUENCE_END_EVENT) return Done{};
      out.items.push_back(TOCSIN_TRY(value(depth + 1)));
      add_to(out, out.items.back());
    }
  }

  core::Result<Done> read_map(YamlValue& out, std::size_t depth) {
    out.kind = YamlValue::Kind::kMap;
    std::unordered_set<std::string> keys;
    while (true) {
      TOCSIN_TRY(step());
      if (event_.type == YAML_MAPPING_END_EVENT) return Done{};
      const std::size_t line = event_.start_mark.line + 1;
      if (event_.type != YAML_SCALAR_EVENT) return error_at(line, "a key must be a text");
      std::string key = text_of(event_);
      TOCSIN_TRY(step());
      if (key == "<<") return error_at(line, "merge keys are not read here; write the entries out");
      if (!keys.insert(key).second) return error_at(line, "the key '" + key + "' is there twice");
      out.bytes += key.size();
      out.entries.emplace_back(std::move(key), TOCSIN_TRY(value(depth + 1)));
      add_to(out, out.entries.back().second);
    }
  }

  yaml_parser_t parser_{};
  yaml_event_t event_{};
  bool has_event_ = false;
  std::size_t count_ = 0, bytes_ = 0;
  std::unordered_map<std::string, YamlValue> anchors_;
};

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// JSON's own grammar of numbers.
bool is_json_number(std::string_view text) {
  std::size_t at = 0;
  const auto digits = [&] {
    const std::size_t begin = at;
    while (at < text.size() && is_digit(text[at])) ++at;
    return at - begin;
  };
  if (at < text.size() && text[at] == '-') ++at;
  const std::size_t whole = at;
  const std::size_t count = digits();
  if (count == 0 || (count > 1 && text[whole] == '0')) return false;
  if (at < text.size() && text[at] == '.') {
    ++at;
    if (digits() == 0) return false;
  }
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    ++at;
    if (at < text.size() && (text[at] == '+' || text[at] == '-')) ++at;
    if (digits() == 0) return false;
  }
  return at == text.size();
}

bool is_null_word(std::string_view text) { return text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL"; }
bool is_true_word(std::string_view text) { return text == "true" || text == "True" || text == "TRUE"; }
bool is_false_word(std::string_view text) { return text == "false" || text == "False" || text == "FALSE"; }

void write_scalar(const YamlValue& value, core::JsonWriter& out) {
  if (value.is_null()) out.null();
  else if (value.plain && is_true_word(value.text)) out.boolean(true);
  else if (value.plain && is_false_word(value.text)) out.boolean(false);
  else if (value.plain && is_json_number(value.text)) out.raw(value.text);
  else out.text(value.text);
}

}  // namespace

const YamlValue* YamlValue::find(std::string_view key) const {
  const auto found = std::find_if(entries.begin(), entries.end(), [&](const auto& entry) { return entry.first == key; });
  return found == entries.end() ? nullptr : &found->second;
}

bool YamlValue::is_null() const { return kind == Kind::kScalar && plain && is_null_word(text); }

core::Result<YamlValue> read_yaml(std::string_view text) { return Reader(text).read(); }

void write_json(const YamlValue& value, core::JsonWriter& out) {
  switch (value.kind) {
    case YamlValue::Kind::kScalar:
      write_scalar(value, out);
      return;
    case YamlValue::Kind::kList:
      out.begin_array();
      for (const YamlValue& item : value.items) write_json(item, out);
      out.end_array();
      return;
    case YamlValue::Kind::kMap:
      out.begin_object();
      for (const auto& [key, item] : value.entries) {
        out.key(key);
        write_json(item, out);
      }
      out.end_object();
      return;
  }
}

}  // namespace tocsin::cli
