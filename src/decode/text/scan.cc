#include "decode/text/scan.h"

#include <simdjson.h>

#include <charconv>

namespace tocsin::decode::text {
namespace {

// Length of the valid UTF-8 sequence at the front, 0 where there is none.
std::size_t sequence_length(std::string_view s) {
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(s[i]); };
  const unsigned first = at(0);
  if (first < 0x80) return 1;
  const std::size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || s.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((at(i) & 0xC0) != 0x80) return 0;
  }
  if (first == 0xE0 && at(1) < 0xA0) return 0;   // Overlong.
  if (first == 0xED && at(1) >= 0xA0) return 0;  // Surrogates.
  if (first == 0xF0 && at(1) < 0x90) return 0;   // Overlong.
  if (first == 0xF4 && at(1) >= 0x90) return 0;  // Above U+10FFFF.
  return length;
}

}  // namespace

bool equal_no_case(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (lower(a[i]) != lower(b[i])) return false;
  }
  return true;
}

std::string_view trim_left(std::string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  return text;
}

std::string_view trim(std::string_view text) {
  text = trim_left(text);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

bool skip(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

std::string_view take_until(std::string_view& text, char separator) {
  const std::size_t end = text.find(separator);
  const std::string_view token = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return token;
}

std::string_view take_digits(std::string_view& text, std::size_t max_digits) {
  std::size_t count = 0;
  while (count < text.size() && is_digit(text[count])) {
    if (++count > max_digits) return {};
  }
  const std::string_view digits = text.substr(0, count);
  text.remove_prefix(count);
  return digits;
}

std::optional<std::uint64_t> to_number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return {};
  return value;
}

bool is_json_number(std::string_view text) {
  if (text.empty() || text.size() > 24) return false;
  if (text.front() == '-') text.remove_prefix(1);
  const std::string_view whole = take_digits(text, 24);
  if (whole.empty() || (whole.size() > 1 && whole.front() == '0')) return false;
  if (skip(text, ".") && take_digits(text, 24).empty()) return false;
  if (!text.empty() && (text.front() == 'e' || text.front() == 'E')) {
    text.remove_prefix(1);
    if (!text.empty() && (text.front() == '+' || text.front() == '-')) text.remove_prefix(1);
    if (take_digits(text, 24).empty()) return false;
  }
  return text.empty();
}

bool looks_like_ip(std::string_view text) {
  if (text.empty() || text.size() > 64) return false;
  if (text.front() == '[' && text.back() == ']') text = text.substr(1, text.size() - 2);
  std::size_t dots = 0, colons = 0;
  bool letters = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '%' && colons >= 2) break;  // A zone.
    dots += c == '.';
    colons += c == ':';
    if (c != '.' && c != ':' && hex_digit(c) < 0) return false;
    letters = letters || is_alpha(c);
  }
  return colons >= 2 || (colons == 0 && dots == 3 && !letters);
}

std::string_view clean_utf8(std::string_view text, core::Arena& arena) {
  if (simdjson::validate_utf8(text.data(), text.size())) return text;
  const std::size_t reserved = 3 * text.size();
  char* const out = arena.allocate(reserved);
  std::size_t used = 0;
  while (!text.empty()) {
    const std::size_t length = sequence_length(text);
    const std::string_view piece = length == 0 ? std::string_view("\xEF\xBF\xBD") : text.substr(0, length);
    std::memcpy(out + used, piece.data(), piece.size());
    used += piece.size();
    text.remove_prefix(length == 0 ? 1 : length);
  }
  arena.give_back(reserved - used);
  return {out, used};
}

std::optional<std::string_view> unhex(std::string_view hex, core::Arena& arena) {
  if (hex.empty() || hex.size() % 2 != 0) return {};
  for (const char c : hex) {
    if (hex_digit(c) < 0) return {};
  }
  char* const out = arena.allocate(hex.size() / 2);
  for (std::size_t i = 0; i < hex.size(); i += 2) {
    out[i / 2] = static_cast<char>(hex_digit(hex[i]) * 16 + hex_digit(hex[i + 1]));
  }
  return std::string_view(out, hex.size() / 2);
}

std::string_view unescape(std::string_view text, std::string_view escapes, core::Arena& arena) {
  if (text.find('\\') == std::string_view::npos) return text;
  char* const out = arena.allocate(text.size());
  std::size_t used = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool escape = text[i] == '\\' && i + 1 < text.size() &&
                        (text[i + 1] == '\\' || escapes.find(text[i + 1]) != std::string_view::npos);
    if (escape) ++i;
    out[used++] = text[i];
  }
  arena.give_back(text.size() - used);
  return {out, used};
}

}  // namespace tocsin::decode::text
