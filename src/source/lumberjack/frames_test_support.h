// Writes Lumberjack frames. Used by tests only.
#pragma once
#include <zlib.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tocsin::source::testing {

inline std::string be32(std::uint32_t value) {
  std::string out;
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(value >> shift & 0xFF);
  return out;
}
inline std::string window_frame(std::uint32_t size, char version = '2') { return std::string{version, 'W'} + be32(size); }
inline std::string json_frame(std::uint32_t sequence, std::string_view json) {
  return "2J" + be32(sequence) + be32(static_cast<std::uint32_t>(json.size())) + std::string(json);
}
inline std::string pairs_frame(std::uint32_t sequence, const std::vector<std::pair<std::string, std::string>>& pairs) {
  std::string out = "1D" + be32(sequence) + be32(static_cast<std::uint32_t>(pairs.size()));
  for (const auto& [name, value] : pairs) {
    out += be32(static_cast<std::uint32_t>(name.size())) + name + be32(static_cast<std::uint32_t>(value.size())) + value;
  }
  return out;
}
inline std::string deflated(std::string_view plain) {
  std::string out(compressBound(static_cast<uLong>(plain.size())), '\0');
  uLongf size = static_cast<uLongf>(out.size());
  compress2(reinterpret_cast<Bytef*>(out.data()), &size, reinterpret_cast<const Bytef*>(plain.data()),
            static_cast<uLong>(plain.size()), 1);
  out.resize(size);
  return out;
}
inline std::string compressed_frame_of(std::string_view zlib_data) {
  return "2C" + be32(static_cast<std::uint32_t>(zlib_data.size())) + std::string(zlib_data);
}
inline std::string compressed_frame(std::string_view frames) { return compressed_frame_of(deflated(frames)); }
inline std::string ack_frame(std::uint32_t sequence, char version = '2') {
  return std::string{version, 'A'} + be32(sequence);
}

}  // namespace tocsin::source::testing
