#include "decode/json/json_text.h"

#include <cstdint>
#include <cstring>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace tocsin::decode::json {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// The four digits at `at`, or -1.
int hex4(const char* at, const char* end) {
  if (end - at < 4) return -1;
  int value = 0;
  for (int i = 0; i < 4; ++i) {
    const int digit = hex_digit(at[i]);
    if (digit < 0) return -1;
    value = value * 16 + digit;
  }
  return value;
}

// Writes at most 4 bytes.
char* write_utf8(char* out, std::uint32_t code) {
  const auto put = [&out](std::uint32_t byte) { *out++ = static_cast<char>(byte); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xC0 | (code >> 6));
    put(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    put(0xE0 | (code >> 12));
    put(0x80 | ((code >> 6) & 0x3F));
    put(0x80 | (code & 0x3F));
  } else {
    put(0xF0 | (code >> 18));
    put(0x80 | ((code >> 12) & 0x3F));
    put(0x80 | ((code >> 6) & 0x3F));
    put(0x80 | (code & 0x3F));
  }
  return out;
}

bool is_high(std::uint32_t unit) { return unit >= 0xD800 && unit < 0xDC00; }
bool is_low(std::uint32_t unit) { return unit >= 0xDC00 && unit < 0xE000; }

// `in` is just behind "\u". Null where the digits are missing.
const char* unescape_unicode(const char* in, const char* end, char*& out) {
  const int first = hex4(in, end);
  if (first < 0) return nullptr;
  in += 4;
  auto code = static_cast<std::uint32_t>(first);
  if (is_high(code)) {
    const int second = end - in >= 6 && in[0] == '\\' && in[1] == 'u' ? hex4(in + 2, end) : -1;
    if (second >= 0 && is_low(static_cast<std::uint32_t>(second))) {
      code = 0x10000 + ((code - 0xD800) << 10) + (static_cast<std::uint32_t>(second) - 0xDC00);
      in += 6;
    } else {
      code = 0xFFFD;
    }
  } else if (is_low(code)) {
    code = 0xFFFD;
  }
  out = write_utf8(out, code);
  return in;
}

char simple_escape(char c) {
  switch (c) {
    case '"': return '"';
    case '\\': return '\\';
    case '/': return '/';
    case 'b': return '\b';
    case 'f': return '\f';
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    default: return '\0';
  }
}

// Length of the valid sequence at `at` (0 where invalid); `skip` is then how many bytes one U+FFFD stands for.
std::size_t sequence_length(const unsigned char* at, const unsigned char* end, std::size_t& skip) {
  skip = 1;
  const unsigned char lead = *at;
  if (lead < 0x80) return 1;
  std::size_t length = 0;
  unsigned char low = 0x80, high = 0xBF;
  if (lead >= 0xC2 && lead <= 0xDF) {
    length = 2;
  } else if (lead >= 0xE0 && lead <= 0xEF) {
    length = 3;
    if (lead == 0xE0) low = 0xA0;
    if (lead == 0xED) high = 0x9F;
  } else if (lead >= 0xF0 && lead <= 0xF4) {
    length = 4;
    if (lead == 0xF0) low = 0x90;
    if (lead == 0xF4) high = 0x8F;
  } else {
    return 0;
  }
  for (std::size_t i = 1; i < length; ++i) {
    if (at + i >= end || at[i] < low || at[i] > high) {
      skip = i;
      return 0;
    }
    low = 0x80;
    high = 0xBF;
  }
  return length;
}

}  // namespace

const char* find_backslash(const char* begin, const char* end) {
#ifdef __SSE2__
  const __m128i wanted = _mm_set1_epi8('\\');
  for (; begin < end; begin += 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(begin));
    const auto found = static_cast<unsigned>(_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, wanted)));
    if (found != 0) {
      const char* at = begin + __builtin_ctz(found);
      return at < end ? at : end;
    }
  }
  return end;
#else
  const void* at = std::memchr(begin, '\\', static_cast<std::size_t>(end - begin));
  return at == nullptr ? end : static_cast<const char*>(at);
#endif
}

const char* find_string_stop(const char* begin, const char* end) {
#ifdef __SSE2__
  const __m128i quote = _mm_set1_epi8('"'), backslash = _mm_set1_epi8('\\'), line = _mm_set1_epi8('\n');
  for (; end - begin >= 16; begin += 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(begin));
    const __m128i hit = _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(bytes, quote), _mm_cmpeq_epi8(bytes, backslash)),
                                     _mm_cmpeq_epi8(bytes, line));
    const auto found = static_cast<unsigned>(_mm_movemask_epi8(hit));
    if (found != 0) return begin + __builtin_ctz(found);
  }
#endif
  while (begin < end && *begin != '"' && *begin != '\\' && *begin != '\n') ++begin;
  return begin;
}

// Copies in steps of 16 bytes up to the next backslash, as Windows paths have one every few bytes.
std::optional<std::string_view> unescape(std::string_view inside, core::Arena& arena) {
  const char* in = inside.data();
  const char* const end = in + inside.size();
  const char* stop = find_backslash(in, end);
  if (stop == end) return inside;
  char* const begin = arena.allocate(inside.size() + kSlackBytes);
  char* out = begin;
  while (true) {
    for (const char* from = in; from < stop; from += 16) std::memcpy(out + (from - in), from, 16);
    out += stop - in;
    if (stop == end) break;
    if (end - stop < 2) return {};
    in = stop + 2;
    if (stop[1] == 'u') {
      in = unescape_unicode(in, end, out);
      if (in == nullptr) return {};
    } else {
      const char c = simple_escape(stop[1]);
      if (c == '\0') return {};
      *out++ = c;
    }
    stop = find_backslash(in, end);
  }
  const auto size = static_cast<std::size_t>(out - begin);
  arena.give_back(inside.size() + kSlackBytes - size);
  return std::string_view{begin, size};
}

bool is_number(std::string_view text) {
  const char* at = text.data();
  const char* const end = at + text.size();
  const auto digits = [&at, end] {
    const char* const first = at;
    while (at < end && *at >= '0' && *at <= '9') ++at;
    return at - first;
  };
  if (at < end && *at == '-') ++at;
  const bool leading_zero = at < end && *at == '0';
  const auto whole = digits();
  if (whole == 0 || (leading_zero && whole > 1)) return false;
  if (at < end && *at == '.') {
    ++at;
    if (digits() == 0) return false;
  }
  if (at < end && (*at == 'e' || *at == 'E')) {
    ++at;
    if (at < end && (*at == '+' || *at == '-')) ++at;
    if (digits() == 0) return false;
  }
  return at == end;
}

std::string_view repair(std::string_view text, core::Arena& arena, bool& had_bad_utf8) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string out;
  out.reserve(text.size() + 64);
  had_bad_utf8 = false;
  bool in_string = false;
  const auto* at = reinterpret_cast<const unsigned char*>(text.data());
  const auto* const end = at + text.size();
  while (at < end) {
    std::size_t skip = 1;
    const std::size_t length = sequence_length(at, end, skip);
    if (length == 0) {
      out += kReplacement;
      had_bad_utf8 = true;
      at += skip;
      continue;
    }
    if (in_string && *at < 0x20 && *at != '\n' && *at != '\r') {
      out += "\\u00";
      out += kHex[*at >> 4];
      out += kHex[*at & 15];
    } else if (in_string && *at == '\\' && at + 1 < end && at[1] >= 0x20 && at[1] < 0x80) {
      out.append(reinterpret_cast<const char*>(at), 2);
      ++at;
    } else {
      if (*at == '"') in_string = !in_string;
      out.append(reinterpret_cast<const char*>(at), length);
    }
    at += length;
  }
  char* copy = arena.allocate(out.size() + kSlackBytes);
  std::memcpy(copy, out.data(), out.size());
  std::memset(copy + out.size(), 0, kSlackBytes);
  return {copy, out.size()};
}

void append_utf16(std::string_view bytes, bool big_endian, std::string& out) {
  const auto unit = [bytes, big_endian](std::size_t at) -> std::uint32_t {
    const auto a = static_cast<unsigned char>(bytes[at]), b = static_cast<unsigned char>(bytes[at + 1]);
    return big_endian ? static_cast<std::uint32_t>(a << 8 | b) : static_cast<std::uint32_t>(b << 8 | a);
  };
  for (std::size_t at = 0; at + 1 < bytes.size(); at += 2) {
    std::uint32_t code = unit(at);
    if (is_high(code) && at + 3 < bytes.size() && is_low(unit(at + 2))) {
      code = 0x10000 + ((code - 0xD800) << 10) + (unit(at + 2) - 0xDC00);
      at += 2;
    } else if (is_high(code) || is_low(code)) {
      code = 0xFFFD;
    }
    char buffer[4];
    out.append(buffer, static_cast<std::size_t>(write_utf8(buffer, code) - buffer));
  }
}

std::string_view cut_utf8(std::string_view text, std::size_t size_bytes) {
  if (text.size() <= size_bytes) return text;
  while (size_bytes > 0 && (static_cast<unsigned char>(text[size_bytes]) & 0xC0) == 0x80) --size_bytes;
  return text.substr(0, size_bytes);
}

}  // namespace tocsin::decode::json
