#include "detect/match/text_match.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "core/time.h"
#include "core/unicode.h"

namespace tocsin::detect {
namespace {

using sigma::Pattern;
using sigma::PatternPart;
using Kind = sigma::PatternPart::Kind;

std::size_t code_point_length(std::string_view text, std::size_t at) {
  std::size_t next = at;
  core::next_code_point(text, next);
  return next - at;
}

// Matches parts[first, last) (no kAnyRun among them) at `at`; the end of the match, or npos.
std::size_t match_run(const Pattern& parts, std::size_t first, std::size_t last, std::string_view text, std::size_t at) {
  for (std::size_t i = first; i < last; ++i) {
    if (parts[i].kind == Kind::kLiteral) {
      if (text.compare(at, parts[i].text.size(), parts[i].text) != 0 || at + parts[i].text.size() > text.size()) {
        return std::string_view::npos;
      }
      at += parts[i].text.size();
    } else {
      if (at >= text.size()) return std::string_view::npos;
      at += code_point_length(text, at);
    }
  }
  return at;
}

// The first place at or after `at` where parts[first, last) match, with the end of the match; npos where none.
Span find_run(const Pattern& parts, std::size_t first, std::size_t last, std::string_view text, std::size_t at) {
  while (at <= text.size()) {
    if (parts[first].kind == Kind::kLiteral) {
      at = text.find(parts[first].text, at);
      if (at == std::string_view::npos) break;
    }
    const std::size_t end = match_run(parts, first, last, text, at);
    if (end != std::string_view::npos) return {at, end - at};
    if (at >= text.size()) break;
    at += parts[first].kind == Kind::kLiteral ? 1 : code_point_length(text, at);
  }
  return {std::string_view::npos, 0};
}

// The start of the run parts[first, last) when it must end at the end of `text`; npos where it does not.
std::size_t match_run_at_end(const Pattern& parts, std::size_t first, std::size_t last, std::string_view text) {
  std::size_t end = text.size();
  for (std::size_t i = last; i > first; --i) {
    const PatternPart& part = parts[i - 1];
    if (part.kind == Kind::kLiteral) {
      if (part.text.size() > end || text.compare(end - part.text.size(), part.text.size(), part.text) != 0) {
        return std::string_view::npos;
      }
      end -= part.text.size();
    } else {
      if (end == 0) return std::string_view::npos;
      std::size_t start = end - 1;
      // Back to the first byte of the code point; a stray byte stands for itself.
      while (start > 0 && end - start < 4 && (static_cast<unsigned char>(text[start]) & 0xC0) == 0x80) --start;
      if (start + code_point_length(text, start) != end) start = end - 1;
      end = start;
    }
  }
  return end;
}

// Leftmost greedy matching of the runs between the stars is exact for globs: an earlier match of one run never makes a
// later run impossible.
std::optional<Span> match_glob(const Pattern& parts, std::string_view text) {
  std::size_t first = 0;
  std::size_t at = 0;
  std::optional<std::size_t> begin;
  while (first < parts.size()) {
    const bool starred = parts[first].kind == Kind::kAnyRun;
    if (starred) ++first;
    std::size_t last = first;
    while (last < parts.size() && parts[last].kind != Kind::kAnyRun) ++last;
    if (last == first) break;  // A trailing star.
    if (!starred) {
      const std::size_t end = match_run(parts, first, last, text, at);
      if (end == std::string_view::npos || (last == parts.size() && end != text.size())) return {};
      begin = at;
      at = end;
    } else if (last == parts.size()) {
      const std::size_t start = match_run_at_end(parts, first, last, text);
      if (start == std::string_view::npos || start < at) return {};
      if (!begin) begin = start;
      at = text.size();
    } else {
      const Span found = find_run(parts, first, last, text, at);
      if (found.position == std::string_view::npos) return {};
      if (!begin) begin = found.position;
      at = found.position + found.length;
    }
    first = last;
  }
  return Span{begin.value_or(0), at - begin.value_or(0)};
}

struct Address {
  bool v6 = false;
  std::array<std::uint8_t, 16> bytes{};
};

std::optional<Address> parse_address(std::string_view text) {
  std::array<char, INET6_ADDRSTRLEN> buffer{};
  const std::string_view bare = text.substr(0, text.find('%'));
  if (bare.empty() || bare.size() >= buffer.size() || bare.find('\0') != std::string_view::npos) return {};
  std::memcpy(buffer.data(), bare.data(), bare.size());
  Address out;
  // Only IPv6 addresses have zones.
  if (bare.size() == text.size() && inet_pton(AF_INET, buffer.data(), out.bytes.data()) == 1) return out;
  out.v6 = true;
  if (inet_pton(AF_INET6, buffer.data(), out.bytes.data()) != 1) return {};
  return out;
}

// ISO 8601: week 1 is the one with the year's first Thursday.
int iso_week(const core::CivilTime& civil) {
  const std::int64_t day = core::days_from_civil(civil.year, civil.month, civil.day);
  const std::int64_t weekday = ((day % 7) + 10) % 7;  // 0 = Monday.
  const core::CivilTime thursday = core::to_civil(core::Timestamp{(day - weekday + 3) * 86'400 * 1'000'000'000});
  const std::int64_t first = core::days_from_civil(thursday.year, 1, 1);
  return static_cast<int>((day - weekday + 3 - first) / 7 + 1);
}

}  // namespace

CompiledPattern compile_pattern(const Pattern& pattern, bool cased) {
  CompiledPattern out;
  out.cased = cased;
  Pattern parts = pattern;
  if (!cased) {
    for (PatternPart& part : parts) part.text = core::fold_utf8(part.text);
  }
  const auto is = [&](std::size_t i, Kind kind) { return parts[i].kind == kind; };
  if (parts.empty()) return out;
  if (parts.size() == 1) {
    if (is(0, Kind::kAnyRun))
      out.shape = Shape::kAny;
    else if (is(0, Kind::kLiteral))
      out = {Shape::kExact, cased, parts[0].text, {}};
    else
      out = {Shape::kGlob, cased, {}, parts};
    return out;
  }
  if (parts.size() == 2 && is(0, Kind::kLiteral) && is(1, Kind::kAnyRun)) return {Shape::kPrefix, cased, parts[0].text, {}};
  if (parts.size() == 2 && is(0, Kind::kAnyRun) && is(1, Kind::kLiteral)) return {Shape::kSuffix, cased, parts[1].text, {}};
  if (parts.size() == 3 && is(0, Kind::kAnyRun) && is(1, Kind::kLiteral) && is(2, Kind::kAnyRun)) {
    return {Shape::kContains, cased, parts[1].text, {}};
  }
  return {Shape::kGlob, cased, {}, parts};
}

std::optional<Span> find_pattern(const CompiledPattern& pattern, std::string_view value, std::string_view folded) {
  const std::string_view text = pattern.cased ? value : folded;
  const std::string_view literal = pattern.literal;
  switch (pattern.shape) {
    case Shape::kEmpty: return text.empty() ? std::optional(Span{}) : std::nullopt;
    case Shape::kAny: return Span{0, text.size()};
    case Shape::kExact: return text == literal ? std::optional(Span{0, text.size()}) : std::nullopt;
    case Shape::kPrefix: return text.starts_with(literal) ? std::optional(Span{0, literal.size()}) : std::nullopt;
    case Shape::kSuffix:
      return text.ends_with(literal) ? std::optional(Span{text.size() - literal.size(), literal.size()}) : std::nullopt;
    case Shape::kContains: {
      const std::size_t found = find_text(text, literal);
      if (found == std::string_view::npos) return {};
      return Span{found, literal.size()};
    }
    case Shape::kGlob: return match_glob(pattern.parts, text);
  }
  return {};
}

bool pattern_matches(const CompiledPattern& pattern, std::string_view value, std::string_view folded) {
  const std::string_view text = pattern.cased ? value : folded;
  const std::string_view literal = pattern.literal;
  switch (pattern.shape) {
    case Shape::kEmpty: return text.empty();
    case Shape::kAny: return true;
    case Shape::kExact: return text == literal;
    case Shape::kPrefix: return text.starts_with(literal);
    case Shape::kSuffix: return text.ends_with(literal);
    case Shape::kContains: return find_text(text, literal) != std::string_view::npos;
    case Shape::kGlob: return match_glob(pattern.parts, text).has_value();
  }
  return false;
}

// Sixteen places at a time: those where the first and the last byte of the literal both fit are compared whole.
std::size_t find_text(std::string_view text, std::string_view literal) {
  if (literal.empty()) return 0;
  if (literal.size() > text.size()) return std::string_view::npos;
  const std::size_t last = literal.size() - 1;
  const std::size_t places = text.size() - last;
  const char* data = text.data();
  std::size_t at = 0;
#ifdef __SSE2__
  const __m128i first_byte = _mm_set1_epi8(literal[0]);
  const __m128i last_byte = _mm_set1_epi8(literal[last]);
  std::size_t wasted = 0;
  for (; at + 16 <= places; at += 16) {
    const __m128i firsts = _mm_loadu_si128(reinterpret_cast<const __m128i*>(data + at));
    const __m128i lasts = _mm_loadu_si128(reinterpret_cast<const __m128i*>(data + at + last));
    auto mask = static_cast<unsigned>(
        _mm_movemask_epi8(_mm_and_si128(_mm_cmpeq_epi8(firsts, first_byte), _mm_cmpeq_epi8(lasts, last_byte))));
    for (; mask != 0; mask &= mask - 1) {
      const std::size_t place = at + static_cast<unsigned>(std::countr_zero(mask));
      if (std::memcmp(data + place, literal.data(), literal.size()) == 0) return place;
      ++wasted;
    }
    // A text made to look like the literal everywhere would cost text x literal; memmem is linear.
    if (wasted > 4096) break;
  }
#endif
  if (at >= places) return std::string_view::npos;
  const void* found = memmem(data + at, text.size() - at, literal.data(), literal.size());
  return found == nullptr ? std::string_view::npos : static_cast<std::size_t>(static_cast<const char*>(found) - data);
}

std::string_view required_literal(const CompiledPattern& pattern) {
  if (pattern.shape != Shape::kGlob) return pattern.literal;
  std::string_view best;
  for (const PatternPart& part : pattern.parts) {
    if (part.kind == Kind::kLiteral && part.text.size() > best.size()) best = part.text;
  }
  return best;
}

std::string regex_text(const sigma::Leaf& leaf) {
  std::string flags;
  if (leaf.flag_i) flags += 'i';
  if (leaf.flag_m) flags += 'm';
  if (leaf.flag_s) flags += 's';
  return flags.empty() ? leaf.text : "(?" + flags + ")" + leaf.text;
}

bool cidr_contains(const sigma::Cidr& cidr, std::string_view address) {
  constexpr std::array<std::uint8_t, 12> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
  auto parsed = parse_address(address);
  if (!parsed) return false;
  // ::ffff:10.0.0.1 is 10.0.0.1 for IPv4 networks, and itself for IPv6 ones.
  if (parsed->v6 && !cidr.v6 && std::equal(kMapped.begin(), kMapped.end(), parsed->bytes.begin())) {
    parsed->v6 = false;
    std::memmove(parsed->bytes.data(), parsed->bytes.data() + 12, 4);
  }
  if (parsed->v6 != cidr.v6) return false;
  const unsigned whole = cidr.prefix_bits / 8;
  const unsigned rest = cidr.prefix_bits % 8;
  if (std::memcmp(parsed->bytes.data(), cidr.bytes, whole) != 0) return false;
  return rest == 0 || (parsed->bytes[whole] >> (8 - rest)) == (cidr.bytes[whole] >> (8 - rest));
}

std::optional<double> parse_number(std::string_view text) {
  const auto is_digit = [&](std::size_t at) { return at < text.size() && text[at] >= '0' && text[at] <= '9'; };
  const std::size_t first = !text.empty() && text[0] == '-' ? 1 : 0;
  if (!is_digit(first)) return {};  // .5, inf and nan are no decimal numbers.
  if (const std::size_t point = text.find('.'); point != std::string_view::npos && !is_digit(point + 1)) return {};
  double value = 0;
  const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (status != std::errc{} || end != text.data() + text.size() || !std::isfinite(value)) return {};
  return value;
}

bool number_matches(sigma::Op op, double limit, std::string_view value) {
  const auto number = parse_number(value);
  if (!number) return false;
  switch (op) {
    case sigma::Op::kLess: return *number < limit;
    case sigma::Op::kLessEqual: return *number <= limit;
    case sigma::Op::kGreater: return *number > limit;
    case sigma::Op::kGreaterEqual: return *number >= limit;
    default: return false;
  }
}

bool time_part_matches(const sigma::Leaf& leaf, std::string_view value) {
  const auto time = core::parse_any_time(value);
  if (!time) return false;
  const core::CivilTime civil = core::to_civil(*time);
  double part = 0;
  switch (leaf.time_part) {
    case sigma::TimePart::kMinute: part = civil.minute; break;
    case sigma::TimePart::kHour: part = civil.hour; break;
    case sigma::TimePart::kDay: part = civil.day; break;
    case sigma::TimePart::kWeek: part = iso_week(civil); break;
    case sigma::TimePart::kMonth: part = civil.month; break;
    case sigma::TimePart::kYear: part = civil.year; break;
  }
  switch (leaf.compare) {
    case sigma::Compare::kEqual: return part == leaf.number;
    case sigma::Compare::kLess: return part < leaf.number;
    case sigma::Compare::kLessEqual: return part <= leaf.number;
    case sigma::Compare::kGreater: return part > leaf.number;
    case sigma::Compare::kGreaterEqual: return part >= leaf.number;
  }
  return false;
}

bool reference_matches(sigma::RefMode mode, std::string_view value, std::string_view other) {
  switch (mode) {
    case sigma::RefMode::kEquals: return value == other;
    case sigma::RefMode::kContains: return value.find(other) != std::string_view::npos;
    case sigma::RefMode::kStartsWith: return value.starts_with(other);
    case sigma::RefMode::kEndsWith: return value.ends_with(other);
  }
  return false;
}

std::size_t original_position(std::string_view value, std::size_t folded_position) {
  std::size_t at = 0;
  std::size_t folded = 0;
  std::string scratch;
  while (at < value.size() && folded < folded_position) {
    scratch.clear();
    core::append_utf8(core::fold_code_point(core::next_code_point(value, at)), scratch);
    folded += scratch.size();
  }
  return at;
}

namespace {

constexpr std::uint64_t kHighBits = 0x8080'8080'8080'8080;

// Eight ASCII bytes: a byte gets its high bit where it is from A on, loses it where it is past Z; what is left, moved to
// bit 5, makes lower case.
std::uint64_t fold_word(std::uint64_t word) {
  constexpr std::uint64_t kOnes = 0x0101'0101'0101'0101;
  const std::uint64_t from_a = word + (0x80 - 'A') * kOnes;
  const std::uint64_t past_z = word + (0x80 - 'Z' - 1) * kOnes;
  return word | ((from_a & ~past_z & kHighBits) >> 2);
}

}  // namespace

#if defined(__x86_64__)
namespace {

// Whole vectors of 32 bytes; returns how far it got, or npos where a byte is not ASCII.
__attribute__((target("avx2"))) std::size_t fold_by_32(std::string_view text, char* out) {
  std::size_t i = 0;
  __m256i seen = _mm256_setzero_si256();
  for (; i + 32 <= text.size(); i += 32) {
    const __m256i bytes = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(text.data() + i));
    seen = _mm256_or_si256(seen, bytes);
    const __m256i above = _mm256_cmpgt_epi8(bytes, _mm256_set1_epi8('A' - 1));
    const __m256i upper = _mm256_andnot_si256(_mm256_cmpgt_epi8(bytes, _mm256_set1_epi8('Z')), above);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + i),
                        _mm256_or_si256(bytes, _mm256_and_si256(upper, _mm256_set1_epi8(0x20))));
  }
  return _mm256_movemask_epi8(seen) != 0 ? std::string_view::npos : i;
}

}  // namespace
#endif

// Whole vectors and words; the last may overlap the one before: the same bytes again give the same.
bool fold_ascii(std::string_view text, char* out) {
  const std::size_t size = text.size();
  const char* const data = text.data();
  const auto fold_8 = [&](std::size_t at) {
    std::uint64_t word = 0;
    std::memcpy(&word, data + at, 8);
    const std::uint64_t folded = fold_word(word);
    std::memcpy(out + at, &folded, 8);
    return word;
  };
  if (size < 8) {
    unsigned char seen = 0;
    for (std::size_t i = 0; i < size; ++i) {
      const auto byte = static_cast<unsigned char>(data[i]);
      seen |= byte;
      out[i] = static_cast<char>(static_cast<unsigned>(byte - 'A') < 26U ? byte | 0x20U : byte);
    }
    return seen < 0x80;
  }
  if (size < 16) return ((fold_8(0) | fold_8(size - 8)) & kHighBits) == 0;
#ifdef __SSE2__
  std::size_t i = 0;
#if defined(__x86_64__)
  static const bool has_avx2 = __builtin_cpu_supports("avx2") != 0;
  if (has_avx2 && size >= 64) {
    i = fold_by_32(text, out);
    if (i == std::string_view::npos) return false;
  }
#endif
  __m128i seen = _mm_setzero_si128();
  const auto fold_16 = [&](std::size_t at) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(data + at));
    seen = _mm_or_si128(seen, bytes);
    const __m128i above = _mm_cmpgt_epi8(bytes, _mm_set1_epi8('A' - 1));
    const __m128i upper = _mm_andnot_si128(_mm_cmpgt_epi8(bytes, _mm_set1_epi8('Z')), above);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out + at), _mm_or_si128(bytes, _mm_and_si128(upper, _mm_set1_epi8(0x20))));
  };
  for (; i + 16 <= size; i += 16) fold_16(i);
  if (i < size) fold_16(size - 16);
  return _mm_movemask_epi8(seen) == 0;
#else
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i + 8 <= size; i += 8) seen |= fold_8(i);
  return ((seen | fold_8(size - 8)) & kHighBits) == 0;
#endif
}

}  // namespace tocsin::detect
