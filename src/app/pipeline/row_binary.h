// Values of ClickHouse's RowBinary format, read from bytes as they come. False: not all there yet.
#pragma once
#include <cstdint>
#include <string_view>

namespace tocsin::app {

inline bool take_u64(std::string_view& in, std::uint64_t& out) {
  if (in.size() < 8) return false;
  out = 0;
  for (std::size_t i = 0; i < 8; ++i) out |= static_cast<std::uint64_t>(static_cast<unsigned char>(in[i])) << (8 * i);
  in.remove_prefix(8);
  return true;
}

inline bool take_string(std::string_view& in, std::string_view& out) {
  std::uint64_t size = 0;
  for (unsigned shift = 0;; shift += 7) {
    if (in.empty() || shift > 56) return false;
    const auto byte = static_cast<unsigned char>(in.front());
    in.remove_prefix(1);
    size |= static_cast<std::uint64_t>(byte & 0x7F) << shift;
    if ((byte & 0x80) == 0) break;
  }
  if (in.size() < size) return false;
  out = in.substr(0, size);
  in.remove_prefix(size);
  return true;
}

}  // namespace tocsin::app
