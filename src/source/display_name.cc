#include "source/problem.h"

namespace tocsin::source {
namespace {

// The length of the well-formed UTF-8 character that `text` begins with, or 0; its number in `code`.
std::size_t utf8_length(std::string_view text, std::uint32_t& code) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned first = byte(0);
  if (first < 0x80) {
    code = first;
    return 1;
  }
  const std::size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || text.size() < length) return 0;
  code = first & (0xFFU >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0U) != 0x80U) return 0;
    code = code << 6 | (byte(i) & 0x3FU);
  }
  const bool overlong = (length == 3 && code < 0x800) || (length == 4 && code < 0x1'0000);
  if (overlong || code > 0x10'FFFF || (code >= 0xD800 && code <= 0xDFFF)) return 0;
  return length;
}

bool is_harmless(std::uint32_t code) {
  if (code < 0x20 || (code >= 0x7F && code <= 0x9F)) return false;  // C0, DEL, C1: terminals obey them.
  if (code == 0x200E || code == 0x200F || code == 0x2028 || code == 0x2029) return false;
  return !(code >= 0x202A && code <= 0x202E) && !(code >= 0x2066 && code <= 0x2069);  // Direction overrides.
}

}  // namespace

std::string display_name(std::string_view bytes) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string out;
  out.reserve(bytes.size());
  while (!bytes.empty()) {
    std::uint32_t code = 0;
    const std::size_t length = utf8_length(bytes, code);
    if (length != 0 && is_harmless(code)) {
      out += bytes.substr(0, length);
      bytes.remove_prefix(length);
      continue;
    }
    for (std::size_t i = 0; i < (length == 0 ? 1 : length); ++i) {
      const auto byte = static_cast<unsigned char>(bytes[i]);
      out += "\\x";
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    }
    bytes.remove_prefix(length == 0 ? 1 : length);
  }
  return out;
}

}  // namespace tocsin::source
