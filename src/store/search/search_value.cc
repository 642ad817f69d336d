#include "store/search/search_value.h"

#include <arpa/inet.h>
#include <re2/re2.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "core/text.h"
#include "core/unicode.h"
#include "store/sql_guard.h"

namespace tocsin::store {
namespace {

constexpr std::size_t kMaxNearBytes = 32;  // No name of a column is as long.
static_assert(kMaxNearBytes <= core::kMaxComparedBytes);

std::string like_pattern(std::string_view text, bool quoted) {
  std::string out;
  for (const char c : text) {
    if (!quoted && (c == '*' || c == '?')) {
      out += c == '*' ? '%' : '_';
      continue;
    }
    if (c == '%' || c == '_' || c == '\\') out += '\\';
    out += core::ascii_lower(c);
  }
  return out;
}
bool has_wildcard(const Value& value) { return !value.quoted && value.text.find_first_of("*?") != std::string::npos; }

std::string contains(const std::string& column, std::string_view text, bool quoted) {
  return "lower(" + column + ") LIKE " + sql_quoted("%" + like_pattern(text, quoted) + "%");
}
std::string text_condition(const std::string& column, const Value& value) {
  if (has_wildcard(value)) return "lower(" + column + ") LIKE " + sql_quoted(like_pattern(value.text, false));
  return "lower(" + column + ") = " + sql_quoted(core::ascii_lower(value.text));
}

std::string hash_condition(const std::string& column, const Value& value) {
  if (value.text.empty()) return column + " = ''";
  const bool token = std::ranges::all_of(value.text, [](char c) {
    return (core::ascii_lower(c) >= 'a' && core::ascii_lower(c) <= 'z') || (c >= '0' && c <= '9');
  });
  if (token) return "hasToken(lower(" + column + "), " + sql_quoted(core::ascii_lower(value.text)) + ")";
  return contains(column, value.text, value.quoted);
}

// Addresses are kept as they came; the canonical way to write one is looked for too.
std::string address_condition(const std::string& column, const Value& value) {
  if (has_wildcard(value)) return text_condition(column, value);
  const std::string as_written = column + " = " + sql_quoted(value.text);
  in6_addr address{};
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (inet_pton(AF_INET6, value.text.c_str(), &address) != 1) return as_written;
  if (inet_ntop(AF_INET6, &address, text.data(), text.size()) == nullptr || value.text == text.data()) return as_written;
  return "(" + as_written + " OR " + column + " = " + sql_quoted(text.data()) + ")";
}

// isIPAddressInRange() throws for what is no address, and no order of evaluation is promised: it never sees such a text.
std::string network_condition(const std::string& column, const Value& value) {
  const std::string is = (value.ipv6 ? "isIPv6String(" : "isIPv4String(") + column + ")";
  return "(" + is + " AND isIPAddressInRange(if(" + is + ", " + column + (value.ipv6 ? ", '::'), " : ", '0.0.0.0'), ") +
         sql_quoted(value.text) + "))";
}

std::string range_condition(const std::string& number, const Value& value) {
  if (value.low.empty() && value.high.empty()) return number + " >= 0";
  if (value.low.empty()) return number + " <= " + value.high;
  if (value.high.empty()) return number + " >= " + value.low;
  return number + " BETWEEN " + value.low + " AND " + value.high;
}
std::string regex_condition(const std::string& column, const Value& value) {
  return "match(" + column + ", " + sql_quoted("(?i)" + value.text) + ")";
}

std::string sorted(std::string text) {
  std::ranges::sort(text);
  return text;
}

}  // namespace

bool is_whole_number(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

std::size_t first_bad_byte(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t start = at;
    const char32_t code = core::next_code_point(text, at);
    if (code == 0 || (code >= core::kStrayByte && code <= core::kStrayByte + 0xff)) return start;
  }
  return text.size();
}

std::string regex_problem(const std::string& pattern) {
  RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(1 << 20);
  const RE2 compiled("(?i)" + pattern, options);
  return compiled.ok() ? "" : compiled.error();
}

std::string nearest(std::string_view name, const std::vector<SearchField>& fields) {
  if (name.size() < 4 || name.size() > kMaxNearBytes) return "";
  std::size_t best = name.size() >= 8 ? 3 : 2;
  std::string out;
  for (const SearchField& field : fields) {
    if (field.native || field.name.size() > kMaxNearBytes) continue;
    const std::size_t far = core::edit_distance(core::ascii_lower(name), core::ascii_lower(field.name));
    if (far >= best || far == 0) continue;
    // Short words are too near to each other for more than swapped letters: size is no site.
    if (name.size() < 6 && sorted(core::ascii_lower(name)) != sorted(core::ascii_lower(field.name))) continue;
    best = far;
    out = field.name;
  }
  return out;
}

bool read_comparison(Value& value) {
  std::string_view number = value.text;
  std::string_view sign = "=";
  for (const std::string_view known : {">=", "<=", ">", "<"}) {
    if (!number.starts_with(known)) continue;
    sign = known;
    number.remove_prefix(known.size());
    break;
  }
  if (!is_whole_number(number)) return false;
  value.form = Value::kCompare;
  value.text = std::string(sign) + " " + std::string(number);
  return true;
}

void read_network(Value& value) {
  const std::size_t slash = value.text.find('/');
  if (slash == std::string::npos) return;
  const std::string address = value.text.substr(0, slash), bits = value.text.substr(slash + 1);
  in6_addr binary{};
  const bool ipv6 = address.find(':') != std::string::npos;
  if (inet_pton(ipv6 ? AF_INET6 : AF_INET, address.c_str(), &binary) != 1) return;
  if (bits.size() > 3 || !is_whole_number(bits) || std::stoul(bits) > (ipv6 ? 128u : 32u)) return;
  value.form = Value::kNetwork;
  value.ipv6 = ipv6;
}

std::string anywhere(std::string_view text, bool quoted) {
  // Every event: not to be found by reading the texts of each.
  if (!quoted && text.find_first_not_of('*') == std::string_view::npos) return "1";
  return "(" + contains("message", text, quoted) + " OR " + contains("process_cmd_line", text, quoted) + " OR " +
         contains("raw", text, quoted) + ")";
}

std::string column_condition(const std::string& column, SearchKind kind, const Value& value) {
  switch (value.form) {
    case Value::kPresent: return column + (kind == SearchKind::kNumber ? " != 0" : " != ''");
    case Value::kRegex: return regex_condition(column, value);
    case Value::kCompare: return column + " " + value.text;
    case Value::kRange: return range_condition(column, value);
    case Value::kNetwork: return network_condition(column, value);
    case Value::kText: break;
  }
  if (kind == SearchKind::kHashes) return hash_condition(column, value);
  return kind == SearchKind::kAddress ? address_condition(column, value) : text_condition(column, value);
}

std::string attribute_condition(std::string_view name, const Value& value) {
  if (value.form == Value::kPresent) return "has(attr.name, " + sql_quoted(name) + ")";
  const std::string number = "toInt128OrNull(v)";
  std::string sql;
  switch (value.form) {
    case Value::kRegex: sql = regex_condition("v", value); break;
    case Value::kCompare: sql = "ifNull(" + number + " " + value.text + ", 0)"; break;
    case Value::kRange: sql = "ifNull(" + range_condition(number, value) + ", 0)"; break;
    case Value::kNetwork: sql = "(" + network_condition("v", value) + " OR " + text_condition("v", value) + ")"; break;
    default: sql = text_condition("v", value);
  }
  return "arrayExists((n, v) -> n = " + sql_quoted(name) + " AND " + sql + ", attr.name, attr.value)";
}

namespace {
// The value was read without regard to the column. Empty: the column holds no such value.
std::string moved_condition(const SearchField& field, const Value& value) {
  const std::string& column = field.column;
  const bool is_number = field.kind == SearchKind::kNumber;
  const std::string number = "toInt128OrNull(toString(" + column + "))";
  switch (value.form) {
    case Value::kRegex: return regex_condition(is_number ? "toString(" + column + ")" : column, value);
    case Value::kCompare: return is_number ? column + " " + value.text : "ifNull(" + number + " " + value.text + ", 0)";
    case Value::kRange:
      return is_number ? range_condition(column, value) : "ifNull(" + range_condition(number, value) + ", 0)";
    case Value::kNetwork:
      if (is_number) return "";
      return "(" + network_condition(column, value) + " OR " + text_condition(column, value) + ")";
    case Value::kText:
      if (!is_number) break;
      return is_whole_number(value.text) ? column + " = " + value.text : "";
    case Value::kPresent: break;
  }
  return column_condition(column, field.kind, value);
}
}  // namespace

std::string own_field_condition(std::string_view name, const std::vector<const SearchField*>& columns, const Value& value) {
  std::string sql;
  for (const SearchField* field : columns) {
    if (const std::string one = moved_condition(*field, value); !one.empty()) sql += one + " OR ";
  }
  const std::string left_over = attribute_condition(name, value);
  return sql.empty() ? left_over : "(" + sql + left_over + ")";
}

}  // namespace tocsin::store
