// UTF-8 and Unicode simple case folding: the one definition of "equal but for case" that rules and events share.
//
// Folding is simple (one code point to one: statuses C and S of Unicode's CaseFolding.txt), so "ß" is not "ss" and "İ"
// stays itself, but "K" (Kelvin) is "k", "ſ" is "s" and "Σ", "σ", "ς" are one. It can change the length in bytes. Pure
// functions; none fails. A byte that is not part of valid UTF-8 stands for itself: it is carried through unchanged.
#pragma once
#include <cstddef>
#include <string>
#include <string_view>

namespace tocsin::core {

// Code points that next_code_point gives for a stray byte: kStrayByte + byte, in the surrogate range that valid UTF-8
// cannot hold.
inline constexpr char32_t kStrayByte = 0xDC00;

// Simple case folding of one code point.
char32_t fold_code_point(char32_t code);

// Replaces `out` by the folded text. ASCII costs about one pass.
void fold_utf8(std::string_view text, std::string& out);
std::string fold_utf8(std::string_view text);

// The code point at `pos`, which moves behind it. REQUIRES: pos < text.size().
char32_t next_code_point(std::string_view text, std::size_t& pos);

// Appends the UTF-8 form (a stray byte as that byte).
void append_utf8(char32_t code, std::string& out);

bool is_ascii(std::string_view text);
bool is_valid_utf8(std::string_view text);

}  // namespace tocsin::core
