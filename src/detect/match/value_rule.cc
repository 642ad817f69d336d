#include "detect/match/value_rule.h"

#include <charconv>

#include "core/unicode.h"

namespace tocsin::detect {
namespace {

bool same_prefix(std::string_view text, std::string_view prefix) {
  if (text.size() < prefix.size()) return false;
  for (std::size_t i = 0; i < prefix.size(); ++i) {
    const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; };
    if (lower(text[i]) != lower(prefix[i])) return false;
  }
  return true;
}

// \Device\HarddiskVolume3\Windows -> C:\Windows. Which letter a volume has is not in the event; C: is by far the likeliest.
std::string_view device_path(std::string_view text, core::Arena& arena) {
  constexpr std::string_view kPrefix = "\\device\\harddiskvolume";
  if (!same_prefix(text, kPrefix)) return text;
  std::size_t at = kPrefix.size();
  while (at < text.size() && text[at] >= '0' && text[at] <= '9') ++at;
  if (at == kPrefix.size() || at >= text.size() || text[at] != '\\') return text;
  const std::string_view rest = text.substr(at);
  char* out = arena.allocate(rest.size() + 2);
  out[0] = 'C';
  out[1] = ':';
  rest.copy(out + 2, rest.size());
  return {out, rest.size() + 2};
}

}  // namespace

std::string_view map_value(const FieldRule& rule, std::string_view text, core::Arena& arena) {
  for (const ValueRule& value : rule.values) {
    switch (value.kind) {
      case ValueRule::Kind::kEquals:
        if (text.size() == value.from.size() && same_prefix(text, value.from)) return value.to;
        break;
      case ValueRule::Kind::kPrefix:
        if (same_prefix(text, value.from)) {
          const std::string_view rest = text.substr(value.from.size());
          char* out = arena.allocate(value.to.size() + rest.size());
          value.to.copy(out, value.to.size());
          rest.copy(out + value.to.size(), rest.size());
          return {out, value.to.size() + rest.size()};
        }
        break;
      case ValueRule::Kind::kHexToDecimal:
        if (same_prefix(text, "0x")) {
          std::uint64_t number = 0;
          const auto [end, status] = std::from_chars(text.data() + 2, text.data() + text.size(), number, 16);
          if (status == std::errc{} && end == text.data() + text.size()) return arena.copy(std::to_string(number));
        }
        break;
      case ValueRule::Kind::kDevicePath: {
        const std::string_view mapped = device_path(text, arena);
        if (mapped.data() != text.data()) return mapped;
        break;
      }
    }
  }
  return text;
}

const FieldRule* rule_for(const SourceRow* row, std::string_view rule_field) {
  if (row == nullptr) return nullptr;
  for (const FieldRule& rule : row->fields) {
    if (rule.rule_field == rule_field) return &rule;
  }
  for (const FieldRule& rule : row->fields) {
    if (rule.rule_field.ends_with('*') &&
        rule_field.starts_with(std::string_view(rule.rule_field).substr(0, rule.rule_field.size() - 1))) {
      return &rule;
    }
  }
  return nullptr;
}

std::string event_name(const FieldRule* rule, std::string_view rule_field) {
  if (rule == nullptr) return std::string(rule_field);
  if (!rule->rule_field.ends_with('*') || !rule->event_field.ends_with('*')) return rule->event_field;
  std::string out = rule->event_field.substr(0, rule->event_field.size() - 1);
  out += rule_field.substr(rule->rule_field.size() - 1);
  return out;
}

std::vector<std::string> mapped_values(const SourceRow* row, const model::Event& event, std::string_view rule_field) {
  const FieldRule* rule = rule_for(row, rule_field);
  const std::string name = event_name(rule, rule_field);
  core::Arena arena(1024);
  std::vector<std::string> out;
  for (const model::Field& field : event.fields()) {
    if (field.type == model::ValueType::kNull || event.name(field) != name) continue;
    out.emplace_back(rule == nullptr ? field.text : map_value(*rule, field.text, arena));
  }
  return out;
}

}  // namespace tocsin::detect
