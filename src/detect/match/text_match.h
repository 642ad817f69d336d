// Comparing one value with one predicate: what the program falls back to once a rule is reached, and what explains.
//
// Pure functions over views. `folded` is the value after core::fold_utf8; cased patterns look at the value itself.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "detect/sigma/ast.h"

namespace re2 {
class RE2;
}

namespace tocsin::detect {

// How a pattern is compared: the cheapest form that is exact.
enum class Shape : std::uint8_t { kEmpty, kAny, kExact, kPrefix, kSuffix, kContains, kGlob };

struct CompiledPattern {
  Shape shape = Shape::kEmpty;
  bool cased = false;
  std::string literal;   // kExact .. kContains; folded unless cased.
  sigma::Pattern parts;  // kGlob; folded unless cased.
};

CompiledPattern compile_pattern(const sigma::Pattern& pattern, bool cased);

// Where in the text a pattern matched, in bytes of the text compared (folded or not).
struct Span {
  std::size_t position = 0, length = 0;
};
// Where `literal` first stands in `text`, or npos; faster than memmem on the short texts of events.
std::size_t find_text(std::string_view text, std::string_view literal);
bool pattern_matches(const CompiledPattern& pattern, std::string_view value, std::string_view folded);
std::optional<Span> find_pattern(const CompiledPattern& pattern, std::string_view value, std::string_view folded);

// A text every match of the pattern must contain, folded; the longest literal part. Empty: none.
std::string_view required_literal(const CompiledPattern& pattern);
// What a text must have for a regular expression to match somewhere in it: cheap to check before RE2 is asked.
struct RegexNeeds {
  std::string literal;          // Folded: the longest run of plain characters outside groups, classes and alternatives.
  std::uint64_t bytes[2] = {};  // All ASCII characters of such runs, folded, as a set (bit c % 64 of word c / 64).
  std::size_t min_length = 0;   // In bytes, of the match.
};
RegexNeeds regex_needs(std::string_view expression);

// An expression that only asks for a long line, ".{1000,}": the number in it; 0: another expression. RE2 keeps a thousand
// states for it and needs milliseconds for a few KB, so such are decided by counting.
std::size_t line_length_asked(const sigma::Leaf& leaf);
// The first run of at least `length` characters without a newline, up to its end: what RE2 finds for such an expression.
// REQUIRES: `text` is valid UTF-8; length > 0.
std::optional<Span> find_long_line(std::string_view text, std::size_t length);

// The RE2 text with its flags; compiled objects are shared by the caller.
std::string regex_text(const sigma::Leaf& leaf);

bool cidr_contains(const sigma::Cidr& cidr, std::string_view address);
// A JSON number or the like; the whole text must be one.
std::optional<double> parse_number(std::string_view text);
bool number_matches(sigma::Op op, double limit, std::string_view value);
bool time_part_matches(const sigma::Leaf& leaf, std::string_view value);
bool reference_matches(sigma::RefMode mode, std::string_view value, std::string_view other);

// The byte of `value` whose folded form begins at or covers `folded_position`.
std::size_t original_position(std::string_view value, std::size_t folded_position);

// ASCII letters to lower case; returns false where `text` has a byte above 0x7F (then `out` is not to be used). `out`
// has text.size() bytes.
bool fold_ascii(std::string_view text, char* out);

}  // namespace tocsin::detect
