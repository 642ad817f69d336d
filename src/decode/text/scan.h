// The small scanners all text decoders share: characters, tokens, numbers, lines, valid UTF-8. Pure, linear.
#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

#include "core/arena.h"
#include "model/event.h"

namespace tocsin::decode::text {

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
constexpr bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
constexpr bool is_alpha(char c) { return is_upper(c) || (c >= 'a' && c <= 'z'); }
constexpr bool is_alnum(char c) { return is_alpha(c) || is_digit(c); }
constexpr bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\v' || c == '\f'; }
constexpr char lower(char c) { return is_upper(c) ? static_cast<char>(c + 32) : c; }
constexpr int hex_digit(char c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool equal_no_case(std::string_view a, std::string_view b);
std::string_view trim(std::string_view text);
std::string_view trim_left(std::string_view text);

// Removes a prefix; false where it is not there.
bool skip(std::string_view& text, std::string_view prefix);
// Cuts the token before `separator` (or the whole rest) off `text`, with the separator.
std::string_view take_until(std::string_view& text, char separator);
// Cuts the leading digits off `text`; empty where there are none, or more than `max_digits` (then nothing is cut).
std::string_view take_digits(std::string_view& text, std::size_t max_digits = 19);
// The whole text as a decimal number; empty where it is none or too large.
std::optional<std::uint64_t> to_number(std::string_view text);

// Whether `text` is a JSON number (at most 24 characters): what may have ValueType::kNumber.
bool is_json_number(std::string_view text);
inline model::ValueType type_of(std::string_view text) {
  return is_json_number(text) ? model::ValueType::kNumber : model::ValueType::kText;
}

// An IPv4 or IPv6 address by its looks (characters and separators), enough to tell it from a host name.
bool looks_like_ip(std::string_view text);

// The same view where it is valid UTF-8; else a copy in `arena` with each bad byte replaced by U+FFFD.
std::string_view clean_utf8(std::string_view text, core::Arena& arena);

// Hex text to bytes in `arena`; empty where it is not an even number of hex digits.
std::optional<std::string_view> unhex(std::string_view hex, core::Arena& arena);

// A backslash before `\` or one of `escapes` goes away; the same view where there is none.
std::string_view unescape(std::string_view text, std::string_view escapes, core::Arena& arena);

}  // namespace tocsin::decode::text
