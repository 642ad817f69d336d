// Sigma's string values: escapes and wildcards to a Pattern, and the value modifiers that rewrite strings.
//
// Pure functions. Limits: an expansion gives at most `max` patterns, or nothing (the caller reports it).
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "detect/sigma/ast.h"

namespace tocsin::detect::sigma {

// `\` escapes `*`, `?` and itself; before anything else (and at the end) it is an ordinary character.
Pattern parse_pattern(std::string_view text);
Pattern literal_pattern(std::string_view text);
bool has_wildcard(const Pattern& pattern);
// The text of a pattern without wildcards.
std::string plain_text(const Pattern& pattern);
std::size_t length_bytes(const Pattern& pattern);

// Puts `*` before or behind, unless one is there.
void add_leading_run(Pattern& pattern);
void add_trailing_run(Pattern& pattern);

// windash: each `-` or `/` that begins an option becomes each of - / en dash, em dash, horizontal bar. Empty where more
// than `max` patterns would result.
std::optional<std::vector<Pattern>> windash(const Pattern& pattern, std::size_t max);

enum class Utf16 : std::uint8_t { kLittle, kBig, kLittleWithMark };
Pattern to_utf16(const Pattern& pattern, Utf16 form);

std::string base64(std::string_view bytes);
// The part of the three encodings that does not depend on the bytes around. An entry is empty where nothing is fixed.
std::vector<std::string> base64_offsets(std::string_view bytes);

// An IPv4 or IPv6 network, or one address. The error is a sentence; for host bits it names the network meant.
core::Result<Cidr> parse_cidr(std::string_view text);

}  // namespace tocsin::detect::sigma
