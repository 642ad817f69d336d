// Small pure functions over JSON text: escapes, numbers, damaged bytes, UTF-16.
//
// No state. Reads up to 16 bytes past the end of a given text: the callers' blocks and arena copies are padded.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "core/arena.h"

namespace tocsin::decode::json {

constexpr bool is_space(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

// Bytes an arena copy needs after it, so that it can be read like a block.
inline constexpr std::size_t kSlackBytes = 64;

// The first backslash at or after `begin`, or `end`. Reads in steps of 16 bytes.
const char* find_backslash(const char* begin, const char* end);
// The first quote, backslash or line feed in [begin, end), or `end`.
const char* find_string_stop(const char* begin, const char* end);

// The text of a string token's inside: the view itself where nothing is escaped, else a copy in `arena`. Lone surrogates
// become U+FFFD, \u0000 is a NUL byte. Empty where an escape is not one of JSON's.
std::optional<std::string_view> unescape(std::string_view inside, core::Arena& arena);

// Whether the whole of `text` is a JSON number.
bool is_number(std::string_view text);

// A copy in which invalid UTF-8 is U+FFFD (one per invalid byte or cut sequence) and control bytes inside strings are
// escaped (tab, NUL ...; not line ends, which no writer puts there unescaped except by tearing a record). The copy has
// kSlackBytes readable bytes after it. `had_bad_utf8` tells which it was.
std::string_view repair(std::string_view text, core::Arena& arena, bool& had_bad_utf8);

// Appends UTF-16 units as UTF-8; lone surrogates become U+FFFD. An odd last byte is dropped.
void append_utf16(std::string_view bytes, bool big_endian, std::string& out);

// `text` cut to at most `size_bytes`, not inside a UTF-8 sequence.
std::string_view cut_utf8(std::string_view text, std::size_t size_bytes);

}  // namespace tocsin::decode::json
