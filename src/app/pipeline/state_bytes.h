// Parts of a saved state: numbers of 8 bytes, texts with their length before them. RowBinary's take_u64 reads the numbers.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "app/pipeline/row_binary.h"

namespace tocsin::app {

inline void append_u64(std::uint64_t value, std::string& out) {
  for (int shift = 0; shift < 64; shift += 8) out += static_cast<char>(value >> shift);
}
inline void append_i64(std::int64_t value, std::string& out) { append_u64(static_cast<std::uint64_t>(value), out); }
inline void append_text(std::string_view text, std::string& out) {
  append_u64(text.size(), out);
  out += text;
}

inline bool take_i64(std::string_view& in, std::int64_t& out) {
  std::uint64_t value = 0;
  if (!take_u64(in, value)) return false;
  out = static_cast<std::int64_t>(value);
  return true;
}
inline bool take_text(std::string_view& in, std::string& out) {
  std::uint64_t size = 0;
  if (!take_u64(in, size) || size > in.size()) return false;
  out.assign(in.substr(0, size));
  in.remove_prefix(size);
  return true;
}

}  // namespace tocsin::app
