#include "cli/rules/yaml_json.h"

namespace tocsin::cli {
namespace {

using Kind = core::YamlNode::Kind;

// JSON's own grammar of numbers: YAML's also knows "+1", ".5" and "007".
bool is_json_number(std::string_view text) {
  std::size_t at = 0;
  const auto digits = [&] {
    const std::size_t begin = at;
    while (at < text.size() && text[at] >= '0' && text[at] <= '9') ++at;
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

}  // namespace

void write_json(const core::YamlNode& value, core::JsonWriter& out) {
  switch (value.kind) {
    case Kind::kNull: out.null(); return;
    case Kind::kBool: out.boolean(value.text[0] == 't' || value.text[0] == 'T'); return;
    case Kind::kNumber:
      if (is_json_number(value.text))
        out.raw(value.text);
      else
        out.text(value.text);
      return;
    case Kind::kText: out.text(value.text); return;
    case Kind::kList:
      out.begin_array();
      for (const core::YamlNode* item : value.items) write_json(*item, out);
      out.end_array();
      return;
    case Kind::kMap:
      out.begin_object();
      for (const auto& [key, item] : value.entries) {
        out.key(key->text);
        write_json(*item, out);
      }
      out.end_object();
      return;
  }
}

}  // namespace tocsin::cli
