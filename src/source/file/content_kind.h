// Tells compressed files and archives from plain ones by their first bytes. Pure.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace tocsin::source {

enum class ContentKind : std::uint8_t {
  kPlain,
  kCompressed,  // One stream, whose content may be anything again: gzip, zstd, xz, bzip2, lz4, lzip.
  kTar,
  kZip,       // Has its index at its end.
  kSevenZip,  // As kZip.
  kRefused,   // An archive that we do not read: rar, cab.
};

// A tar header is the longest thing looked at.
inline constexpr std::size_t kContentHeadBytes = 512;

ContentKind content_kind(std::string_view head);

}  // namespace tocsin::source
