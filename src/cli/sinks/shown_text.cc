#include "cli/sinks/shown_text.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include "core/unicode.h"

namespace tocsin::cli {
namespace {

struct Range {
  char32_t first, last;
};

template <std::size_t N>
bool is_in(const std::array<Range, N>& ranges, char32_t code) {
  return std::any_of(ranges.begin(), ranges.end(),
                     [&](const Range& range) { return code >= range.first && code <= range.last; });
}

// Controls of C1, invisible and direction-changing characters, line and paragraph separators, private use of no glyph.
constexpr std::array<Range, 12> kUnsafe{{{0x7f, 0x9f},
                                         {0xad, 0xad},
                                         {0x61c, 0x61c},
                                         {0x115f, 0x1160},
                                         {0x180e, 0x180e},
                                         {0x200b, 0x200f},
                                         {0x2028, 0x202e},
                                         {0x2060, 0x206f},
                                         {0xfeff, 0xfeff},
                                         {0xfff0, 0xfffb},
                                         {0xe0000, 0xe0fff},
                                         {0x10fffe, 0x10ffff}}};
constexpr std::array<Range, 12> kWide{{{0x1100, 0x115f},
                                       {0x2e80, 0x303e},
                                       {0x3041, 0x33ff},
                                       {0x3400, 0x4dbf},
                                       {0x4e00, 0x9fff},
                                       {0xa000, 0xa4cf},
                                       {0xac00, 0xd7a3},
                                       {0xf900, 0xfaff},
                                       {0xfe30, 0xfe6f},
                                       {0xff00, 0xff60},
                                       {0x1f300, 0x1faff},
                                       {0x20000, 0x3fffd}}};
constexpr std::array<Range, 6> kCombining{
    {{0x300, 0x36f}, {0x483, 0x489}, {0x591, 0x5bd}, {0x64b, 0x65f}, {0x20d0, 0x20ff}, {0xfe00, 0xfe0f}}};

void append_escape(const char* format, char32_t value, std::string& out) {
  std::array<char, 16> text{};
  std::snprintf(text.data(), text.size(), format, static_cast<unsigned>(value));
  out += text.data();
}

std::size_t columns_of(char32_t code) {
  if (code < 0x300) return 1;
  if (is_in(kCombining, code)) return 0;
  return is_in(kWide, code) ? 2 : 1;
}

}  // namespace

std::string shown_text(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const char32_t code = core::next_code_point(text, at);
    if (code == '\n')
      out += "\\n";
    else if (code == '\r')
      out += "\\r";
    else if (code == '\t')
      out += "\\t";
    else if (code < 0x20 || code == 0x7f)
      append_escape("\\x%02x", code, out);
    else if (code >= core::kStrayByte && code < core::kStrayByte + 0x100)
      append_escape("\\x%02x", code - core::kStrayByte, out);
    else if (is_in(kUnsafe, code))
      append_escape("\\u{%x}", code, out);
    else
      core::append_utf8(code, out);
  }
  return out;
}

std::size_t column_count(std::string_view shown) {
  std::size_t out = 0;
  for (std::size_t at = 0; at < shown.size();) out += columns_of(core::next_code_point(shown, at));
  return out;
}

std::string cut_to(std::string_view shown, std::size_t columns) {
  if (shown.size() <= columns || column_count(shown) <= columns) return std::string(shown);
  if (columns == 0) return {};
  std::size_t used = 0, end = 0;
  for (std::size_t at = 0; at < shown.size(); end = at) {
    used += columns_of(core::next_code_point(shown, at));
    if (used > columns - 1) break;
  }
  return std::string(shown.substr(0, end)) + "…";
}

std::string fit_to(std::string_view shown, std::size_t columns) {
  std::string out = cut_to(shown, columns);
  const std::size_t used = column_count(out);
  out.append(columns - std::min(columns, used), ' ');
  return out;
}

std::string grouped(std::uint64_t number) {
  std::string out = std::to_string(number);
  for (std::size_t at = out.size(); at > 3;) out.insert(at -= 3, ",");
  return out;
}

std::string shown_time(core::Timestamp time) {
  if (!time.known()) return "-";
  const core::CivilTime civil = core::to_civil(time);
  std::array<char, 48> text{};
  std::snprintf(text.data(), text.size(), "%04d-%02u-%02u %02u:%02u:%02u", civil.year, civil.month, civil.day, civil.hour,
                civil.minute, civil.second);
  return text.data();
}

}  // namespace tocsin::cli
