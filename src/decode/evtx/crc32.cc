// Slicing by 16: sixteen tables, each giving the effect of a byte k places further from the end, so that 16 bytes take 16
// independent look-ups instead of a chain of 16.
#include "decode/evtx/crc32.h"

#include <array>

#include "decode/evtx/value.h"

namespace tocsin::decode::evtx {
namespace {

constexpr std::size_t kSlices = 16;
using Tables = std::array<std::array<std::uint32_t, 256>, kSlices>;

constexpr Tables make_tables() {
  Tables tables{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0xEDB8'8320U : 0U);
    tables[0][byte] = crc;
  }
  for (std::size_t slice = 1; slice < kSlices; ++slice) {
    for (std::size_t byte = 0; byte < 256; ++byte) {
      const std::uint32_t before = tables[slice - 1][byte];
      tables[slice][byte] = (before >> 8) ^ tables[0][before & 0xFF];
    }
  }
  return tables;
}
constexpr Tables kTables = make_tables();

// The effect of the four bytes of `word`, the last of which is `from_end` bytes before the end of the group.
std::uint32_t slice4(std::uint32_t word, std::size_t from_end) {
  return kTables[from_end + 3][word & 0xFF] ^ kTables[from_end + 2][(word >> 8) & 0xFF] ^
         kTables[from_end + 1][(word >> 16) & 0xFF] ^ kTables[from_end][word >> 24];
}

}  // namespace

std::uint32_t crc32(std::uint32_t crc, const char* at, std::size_t size_bytes) {
  crc = ~crc;
  for (; size_bytes >= kSlices; size_bytes -= kSlices, at += kSlices) {
    crc = slice4(load_u32(at) ^ crc, 12) ^ slice4(load_u32(at + 4), 8) ^ slice4(load_u32(at + 8), 4) ^
          slice4(load_u32(at + 12), 0);
  }
  for (; size_bytes > 0; --size_bytes, ++at) crc = (crc >> 8) ^ kTables[0][(crc ^ static_cast<unsigned char>(*at)) & 0xFF];
  return ~crc;
}

}  // namespace tocsin::decode::evtx
