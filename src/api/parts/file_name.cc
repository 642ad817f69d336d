#include "api/parts/file_name.h"

#include <algorithm>

#include "core/text.h"
#include "core/unicode.h"

namespace tocsin::api {
namespace {

constexpr std::size_t kMaxEndingBytes = 20, kMaxMediaTypeBytes = 127;

bool is_letter_or_digit(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }

// Controls, and what changes how the text around it is shown: "gpj.exe" could be shown as "exe.jpg".
bool is_hidden(char32_t code) {
  return code < 0x20 || (code >= 0x7f && code < 0xa0) || code == 0xad || code == 0x61c ||
         (code >= 0x200b && code <= 0x200f) || (code >= 0x2028 && code <= 0x202e) || (code >= 0x2060 && code <= 0x206f) ||
         code == 0xfeff || (code >= 0xe0000 && code <= 0xe007f);
}

bool is_stray(char32_t code) { return code >= 0xd800 && code <= 0xdfff; }

// At most `bytes`, and no half character.
std::string_view cut(std::string_view text, std::size_t bytes) {
  if (text.size() <= bytes) return text;
  while (bytes > 0 && (static_cast<unsigned char>(text[bytes]) & 0xc0) == 0x80) --bytes;
  return text.substr(0, bytes);
}

std::string shortened(const std::string& name) {
  if (name.size() <= kMaxFileNameBytes) return name;
  const std::size_t dot = name.rfind('.');
  const std::string ending =
      dot != std::string::npos && dot > 0 && name.size() - dot <= kMaxEndingBytes ? name.substr(dot) : "";
  return std::string(cut(name, kMaxFileNameBytes - ending.size())) + ending;
}

}  // namespace

std::string clean_file_name(std::string_view name) {
  if (const std::size_t slash = name.find_last_of("/\\"); slash != std::string_view::npos) name.remove_prefix(slash + 1);
  std::string out;
  for (std::size_t at = 0; at < name.size();) {
    const char32_t code = core::next_code_point(name, at);
    if (is_stray(code)) {
      out += '_';
    } else if (!is_hidden(code)) {
      core::append_utf8(code, out);
    }
  }
  const std::size_t first = out.find_first_not_of(". ");
  if (first == std::string::npos) return "";
  out = out.substr(first, out.find_last_not_of(". ") + 1 - first);
  return shortened(out);
}

std::string attachment_header(std::string_view name) {
  constexpr char kHex[] = "0123456789ABCDEF";
  std::string plain, coded;
  for (std::size_t at = 0; at < name.size();) {
    const std::size_t begin = at;
    const char32_t code = core::next_code_point(name, at);
    // What a quoted text could end with, or what programs take for a code (%41), is not in the plain form.
    const bool simple = code >= 0x20 && code < 0x7f && code != '"' && code != '\\' && code != '%';
    plain += simple ? static_cast<char>(code) : '_';
    for (const char c : name.substr(begin, at - begin)) {
      if (is_letter_or_digit(c) || c == '.' || c == '-' || c == '_') {
        coded += c;
      } else {
        coded += '%';
        coded += kHex[static_cast<unsigned char>(c) >> 4];
        coded += kHex[static_cast<unsigned char>(c) & 15];
      }
    }
  }
  return "attachment; filename=\"" + plain + "\"; filename*=UTF-8''" + coded;
}

std::string clean_media_type(std::string_view header) {
  std::string_view type = header.substr(0, header.find(';'));
  while (!type.empty() && type.back() == ' ') type.remove_suffix(1);
  const std::size_t slash = type.find('/');
  const bool token = std::all_of(type.begin(), type.end(), [](char c) {
    return is_letter_or_digit(c) || std::string_view("/!#$&-^_.+").find(c) != std::string_view::npos;
  });
  if (type.size() > kMaxMediaTypeBytes || slash == std::string_view::npos || slash == 0 || slash + 1 == type.size() ||
      slash != type.rfind('/') || !token) {
    return "application/octet-stream";
  }
  return core::ascii_lower(type);
}

}  // namespace tocsin::api
