// Numbers as little-endian bytes, and CRC-32C (Castagnoli), the checksum of everything the journal writes. Pure functions.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace tocsin::stream {

// The CRC of what `crc` covers followed by `bytes`; start with 0.
std::uint32_t crc32c(std::uint32_t crc, std::string_view bytes);

inline void put_u32(std::string& out, std::uint32_t value) {
  for (unsigned shift = 0; shift < 32; shift += 8) out += static_cast<char>(value >> shift);
}
inline void put_u64(std::string& out, std::uint64_t value) {
  for (unsigned shift = 0; shift < 64; shift += 8) out += static_cast<char>(value >> shift);
}

// Reads numbers and pieces from the front of a view. Past the end it gives zeros and empty pieces, and ok() turns false.
class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) : rest_(bytes) {}
  std::uint64_t number(std::size_t size_bytes) {
    std::uint64_t value = 0;
    const std::string_view piece = take(size_bytes);
    for (std::size_t i = 0; i < piece.size(); ++i) value |= std::uint64_t{static_cast<unsigned char>(piece[i])} << (8 * i);
    return value;
  }
  std::uint32_t u32() { return static_cast<std::uint32_t>(number(4)); }
  std::uint64_t u64() { return number(8); }
  std::string_view take(std::size_t size_bytes) {
    if (size_bytes > rest_.size()) {
      ok_ = false;
      rest_ = {};
      return {};
    }
    const std::string_view piece = rest_.substr(0, size_bytes);
    rest_.remove_prefix(size_bytes);
    return piece;
  }
  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] bool finished() const { return ok_ && rest_.empty(); }

 private:
  std::string_view rest_;
  bool ok_ = true;
};

}  // namespace tocsin::stream
