#include "normalise/ocsf/value.h"

#include <charconv>
#include <cmath>
#include <string>

#include "normalise/ocsf.h"

namespace tocsin::normalise::ocsf {
namespace {

// A value whose event has used up its budget is cut to this: enough to see what it is.
constexpr std::size_t kSpentValueBytes = 256;
// The longest text of a 64-bit integer or a double in full precision; longer numbers are kept as text, as written.
constexpr std::size_t kMaxNumberBytes = 32;

bool digit(char c) { return c >= '0' && c <= '9'; }

// The JSON grammar of numbers; `whole` says whether there is neither fraction nor exponent.
bool json_number(std::string_view text, bool& whole) {
  std::size_t at = text.starts_with('-') ? 1 : 0;
  const std::size_t first = at;
  while (at < text.size() && digit(text[at])) ++at;
  if (at == first || (text[first] == '0' && at - first > 1)) return false;
  whole = at == text.size();
  if (at < text.size() && text[at] == '.') {
    const std::size_t fraction = ++at;
    while (at < text.size() && digit(text[at])) ++at;
    if (at == fraction) return false;
  }
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    ++at;
    if (at < text.size() && (text[at] == '+' || text[at] == '-')) ++at;
    const std::size_t exponent = at;
    while (at < text.size() && digit(text[at])) ++at;
    if (at == exponent) return false;
  }
  return at == text.size();
}

template <class T>
bool fits(std::string_view text) {
  T value{};
  const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), value);
  return status == std::errc{} && end == text.data() + text.size();
}

}  // namespace

std::string_view cut_utf8(std::string_view text, std::size_t max_bytes) {
  if (text.size() <= max_bytes) return text;
  std::size_t end = max_bytes;
  for (int back = 0; back < 3 && end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0u) == 0x80u; ++back) --end;
  return text.substr(0, end);
}

void write_text(std::string_view text, core::JsonWriter& out, Budget& budget) {
  const std::size_t max_bytes = budget.spent(out) ? kSpentValueBytes : kMaxValueBytes;
  if (text.size() <= max_bytes) {
    out.text(text);
    return;
  }
  ++budget.cut_value_count;
  std::string shown(cut_utf8(text, max_bytes));
  shown += "...[cut, " + std::to_string(text.size()) + " bytes in all]";
  out.text(shown);
}

bool is_safe_number(std::string_view text) {
  bool whole = false;
  if (text.size() > kMaxNumberBytes || !json_number(text, whole)) return false;
  if (whole) return text.starts_with('-') ? fits<std::int64_t>(text) : fits<std::uint64_t>(text);
  double value = 0;
  const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), value);
  return status == std::errc{} && end == text.data() + text.size() && std::isfinite(value);
}

void write_number(std::string_view text, core::JsonWriter& out, Budget& budget) {
  if (is_safe_number(text)) {
    out.raw(text);
  } else {
    write_text(text, out, budget);
  }
}

void write_value(const model::Field& field, core::JsonWriter& out, Budget& budget) {
  switch (field.type) {
    case model::ValueType::kNull: out.null(); return;
    case model::ValueType::kNumber: write_number(field.text, out, budget); return;
    case model::ValueType::kBool:
      if (field.text == "true" || field.text == "false") {
        out.raw(field.text);
        return;
      }
      break;
    case model::ValueType::kText: break;
  }
  write_text(field.text, out, budget);
}

}  // namespace tocsin::normalise::ocsf
