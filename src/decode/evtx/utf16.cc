#include "decode/evtx/utf16.h"

#include <cstring>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace tocsin::decode::evtx {
namespace {

constexpr std::uint32_t kReplacement = 0xFFFD;

std::uint32_t load_unit(const char* at) {
  std::uint16_t unit = 0;
  std::memcpy(&unit, at, sizeof unit);
  return unit;
}

char* put(std::uint32_t code, char* out) {
  if (code < 0x80) {
    *out++ = static_cast<char>(code);
  } else if (code < 0x800) {
    *out++ = static_cast<char>(0xC0 | (code >> 6));
    *out++ = static_cast<char>(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    *out++ = static_cast<char>(0xE0 | (code >> 12));
    *out++ = static_cast<char>(0x80 | ((code >> 6) & 0x3F));
    *out++ = static_cast<char>(0x80 | (code & 0x3F));
  } else {
    *out++ = static_cast<char>(0xF0 | (code >> 18));
    *out++ = static_cast<char>(0x80 | ((code >> 12) & 0x3F));
    *out++ = static_cast<char>(0x80 | ((code >> 6) & 0x3F));
    *out++ = static_cast<char>(0x80 | (code & 0x3F));
  }
  return out;
}

bool is_surrogate(std::uint32_t unit) { return unit >= 0xD800 && unit < 0xE000; }

// The code point at `at`, which is a surrogate; `used` is 1 or 2 units.
std::uint32_t pair(std::uint32_t high, bool has_next, std::uint32_t low, std::size_t& used) {
  used = 1;
  if (high >= 0xDC00 || !has_next || low < 0xDC00 || low >= 0xE000) return kReplacement;
  used = 2;
  return 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00);
}

#ifdef __SSE2__
// Copies 8 units at a time as long as all are ASCII and none is NUL; returns how many it copied.
std::size_t copy_ascii(const char* units, std::size_t unit_count, char* out) {
  const __m128i not_ascii = _mm_set1_epi16(static_cast<short>(0xFF80));
  const __m128i zero = _mm_setzero_si128();
  std::size_t i = 0;
  for (; i + 8 <= unit_count; i += 8) {
    const __m128i block = _mm_loadu_si128(reinterpret_cast<const __m128i*>(units + 2 * i));
    const __m128i wide = _mm_cmpeq_epi16(_mm_and_si128(block, not_ascii), zero);  // All ones where ASCII.
    const __m128i good = _mm_andnot_si128(_mm_cmpeq_epi16(block, zero), wide);
    if (_mm_movemask_epi8(good) != 0xFFFF) break;
    _mm_storel_epi64(reinterpret_cast<__m128i*>(out + i), _mm_packus_epi16(block, block));
  }
  return i;
}
#else
std::size_t copy_ascii(const char* units, std::size_t unit_count, char* out) {
  std::size_t i = 0;
  for (; i + 8 <= unit_count; i += 8) {
    std::uint32_t all = 0;
    bool zero = false;
    for (std::size_t k = 0; k < 8; ++k) {
      const std::uint32_t unit = load_unit(units + 2 * (i + k));
      all |= unit;
      zero |= unit == 0;
      out[i + k] = static_cast<char>(unit);
    }
    if (zero || all >= 0x80) break;
  }
  return i;
}
#endif

}  // namespace

Utf16Result utf16_to_utf8(const char* units, std::size_t unit_count, char* out) {
  std::size_t i = copy_ascii(units, unit_count, out);
  char* to = out + i;
  while (i < unit_count) {
    const std::uint32_t unit = load_unit(units + 2 * i);
    if (unit == 0) break;
    if (unit < 0x80) {
      *to++ = static_cast<char>(unit);
      ++i;
      continue;
    }
    if (!is_surrogate(unit)) {
      to = put(unit, to);
      ++i;
    } else {
      std::size_t used = 1;
      const bool has_next = i + 1 < unit_count;
      to = put(pair(unit, has_next, has_next ? load_unit(units + 2 * i + 2) : 0, used), to);
      i += used;
    }
    const std::size_t ascii = copy_ascii(units + 2 * i, unit_count - i, to);
    i += ascii;
    to += ascii;
  }
  return {i, static_cast<std::size_t>(to - out)};
}

void append_utf16(const char* units, std::size_t size_bytes, ByteOrder order, std::string& out) {
  const auto load = [&](std::size_t at) {
    const auto a = static_cast<unsigned char>(units[at]);
    const auto b = static_cast<unsigned char>(units[at + 1]);
    return static_cast<std::uint32_t>(order == ByteOrder::kLittle ? a | (b << 8) : b | (a << 8));
  };
  char bytes[4];
  std::size_t at = 0;
  while (at + 2 <= size_bytes) {
    std::uint32_t code = load(at);
    std::size_t used = 1;
    if (is_surrogate(code)) {
      const bool has_next = at + 4 <= size_bytes;
      code = pair(code, has_next, has_next ? load(at + 2) : 0, used);
    }
    out.append(bytes, static_cast<std::size_t>(put(code, bytes) - bytes));
    at += 2 * used;
  }
  if (at < size_bytes) out.append(bytes, static_cast<std::size_t>(put(kReplacement, bytes) - bytes));
}

}  // namespace tocsin::decode::evtx
