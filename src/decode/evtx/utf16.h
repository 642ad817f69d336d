// UTF-16LE (as in EVTX chunks and UTF-16 XML) to UTF-8. Pure functions.
//
// Input is bytes, at any alignment. Lone surrogates become U+FFFD. Output never exceeds kMaxUtf8PerUnit bytes per unit.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>

namespace tocsin::decode::evtx {

inline constexpr std::size_t kMaxUtf8PerUnit = 3;

struct Utf16Result {
  std::size_t units_read = 0;  // Up to and without the NUL, where it stopped at one.
  std::size_t bytes_written = 0;
};

// Writes at most unit_count * kMaxUtf8PerUnit bytes to `out`, which must have that room and 8 bytes more; stops at the
// first NUL unit.
Utf16Result utf16_to_utf8(const char* units, std::size_t unit_count, char* out);

enum class ByteOrder : std::uint8_t { kLittle, kBig };
// The whole of `units`, NULs kept: for text files. An odd last byte is U+FFFD.
void append_utf16(const char* units, std::size_t size_bytes, ByteOrder order, std::string& out);

}  // namespace tocsin::decode::evtx
