// Small questions about words: ASCII case, and how near two words are. Pure functions; any thread.
//
// Case beyond ASCII is core/unicode.h's.
#pragma once
#include <cstddef>
#include <string>
#include <string_view>

namespace tocsin::core {

constexpr char ascii_lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }
std::string ascii_lower(std::string_view text);
bool equal_ascii_case(std::string_view a, std::string_view b);  // The same but for the case of ASCII letters.

// Longer words are not compared: it takes the product of both lengths.
inline constexpr std::size_t kMaxComparedBytes = 40;
// Edits (insert, remove, replace a byte, swap neighbours) from one word to the other. REQUIRES: both at most
// kMaxComparedBytes.
std::size_t edit_distance(std::string_view a, std::string_view b);

}  // namespace tocsin::core
