// CRC-32 (IEEE 802.3, reflected), as EVTX chunks carry it. Pure.
#pragma once
#include <cstddef>
#include <cstdint>

namespace tocsin::decode::evtx {

// Continues `crc` (0 to begin) over `size_bytes` bytes.
std::uint32_t crc32(std::uint32_t crc, const char* at, std::size_t size_bytes);

}  // namespace tocsin::decode::evtx
