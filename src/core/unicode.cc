#include "core/unicode.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>

namespace tocsin::core {
namespace {

struct FoldRun {
  std::uint32_t first, last;
  std::uint32_t stride;
  std::int32_t delta;
};
constexpr FoldRun kFoldRuns[] = {
#include "core/unicode_fold.inc"
};

// One bit per 256 code points: whether any of them folds. Most scripts have no case; they skip the search.
constexpr std::size_t kPageCount = 0x110000 >> 8;
constexpr std::array<std::uint64_t, kPageCount / 64 + 1> make_pages() {
  std::array<std::uint64_t, kPageCount / 64 + 1> pages{};
  for (const FoldRun& run : kFoldRuns) {
    for (std::uint32_t page = run.first >> 8; page <= run.last >> 8; ++page) pages[page / 64] |= 1ull << (page % 64);
  }
  return pages;
}
constexpr auto kFoldPages = make_pages();

constexpr std::array<char, 256> make_ascii() {
  std::array<char, 256> table{};
  for (unsigned i = 0; i < 256; ++i) table[i] = static_cast<char>(i >= 'A' && i <= 'Z' ? i + 32 : i);
  return table;
}
constexpr auto kAsciiFold = make_ascii();

bool continues(std::string_view text, std::size_t pos) {
  return pos < text.size() && (static_cast<unsigned char>(text[pos]) & 0xC0u) == 0x80u;
}
char32_t tail(std::string_view text, std::size_t pos) { return static_cast<unsigned char>(text[pos]) & 0x3Fu; }

}  // namespace

char32_t fold_code_point(char32_t code) {
  if (code < 0x80) return static_cast<unsigned char>(kAsciiFold[code]);
  if (code >= 0x110000 || (kFoldPages[code >> 14] >> ((code >> 8) & 63) & 1) == 0) return code;
  const auto* run = std::upper_bound(std::begin(kFoldRuns), std::end(kFoldRuns), code,
                                     [](char32_t value, const FoldRun& r) { return value < r.first; });
  if (run == std::begin(kFoldRuns)) return code;
  --run;
  if (code > run->last || (code - run->first) % run->stride != 0) return code;
  return static_cast<char32_t>(static_cast<std::int64_t>(code) + run->delta);
}

char32_t next_code_point(std::string_view text, std::size_t& pos) {
  const auto lead = static_cast<unsigned char>(text[pos]);
  const std::size_t at = pos++;
  if (lead < 0x80) return lead;
  if (lead >= 0xC2 && lead <= 0xDF && continues(text, at + 1)) {
    pos = at + 2;
    return (lead & 0x1Fu) << 6 | tail(text, at + 1);
  }
  if (lead >= 0xE0 && lead <= 0xEF && continues(text, at + 1) && continues(text, at + 2)) {
    const char32_t code = (lead & 0x0Fu) << 12 | tail(text, at + 1) << 6 | tail(text, at + 2);
    if (code >= 0x800 && (code < 0xD800 || code > 0xDFFF)) {
      pos = at + 3;
      return code;
    }
  }
  if (lead >= 0xF0 && lead <= 0xF4 && continues(text, at + 1) && continues(text, at + 2) && continues(text, at + 3)) {
    const char32_t code = (lead & 0x07u) << 18 | tail(text, at + 1) << 12 | tail(text, at + 2) << 6 | tail(text, at + 3);
    if (code >= 0x10000 && code <= 0x10FFFF) {
      pos = at + 4;
      return code;
    }
  }
  return kStrayByte + lead;
}

void append_utf8(char32_t code, std::string& out) {
  if (code < 0x80) {
    out.push_back(static_cast<char>(code));
  } else if (code >= kStrayByte + 0x80 && code <= kStrayByte + 0xFF) {
    out.push_back(static_cast<char>(code - kStrayByte));
  } else if (code < 0x800) {
    out.push_back(static_cast<char>(0xC0u | code >> 6));
    out.push_back(static_cast<char>(0x80u | (code & 0x3Fu)));
  } else if (code < 0x10000) {
    out.push_back(static_cast<char>(0xE0u | code >> 12));
    out.push_back(static_cast<char>(0x80u | (code >> 6 & 0x3Fu)));
    out.push_back(static_cast<char>(0x80u | (code & 0x3Fu)));
  } else {
    out.push_back(static_cast<char>(0xF0u | code >> 18));
    out.push_back(static_cast<char>(0x80u | (code >> 12 & 0x3Fu)));
    out.push_back(static_cast<char>(0x80u | (code >> 6 & 0x3Fu)));
    out.push_back(static_cast<char>(0x80u | (code & 0x3Fu)));
  }
}

bool is_ascii(std::string_view text) {
  std::size_t i = 0;
  for (; i + 8 <= text.size(); i += 8) {
    std::uint64_t word;
    std::memcpy(&word, text.data() + i, 8);
    if ((word & 0x8080808080808080ull) != 0) return false;
  }
  for (; i < text.size(); ++i) {
    if (static_cast<unsigned char>(text[i]) >= 0x80) return false;
  }
  return true;
}

void fold_utf8(std::string_view text, std::string& out) {
  if (is_ascii(text)) {
    out.resize(text.size());
    std::transform(text.begin(), text.end(), out.begin(),
                   [](char c) { return static_cast<char>(c | (static_cast<unsigned char>(c - 'A') < 26 ? 0x20 : 0)); });
    return;
  }
  out.clear();
  out.reserve(text.size() + 8);
  for (std::size_t pos = 0; pos < text.size();) {
    const auto byte = static_cast<unsigned char>(text[pos]);
    if (byte < 0x80) {
      out.push_back(kAsciiFold[byte]);
      ++pos;
    } else {
      append_utf8(fold_code_point(next_code_point(text, pos)), out);
    }
  }
}

std::string fold_utf8(std::string_view text) {
  std::string out;
  fold_utf8(text, out);
  return out;
}

bool is_valid_utf8(std::string_view text) {
  if (is_ascii(text)) return true;
  for (std::size_t pos = 0; pos < text.size();) {
    const char32_t code = next_code_point(text, pos);
    if (code >= kStrayByte && code <= kStrayByte + 0xFF) return false;
  }
  return true;
}

}  // namespace tocsin::core
