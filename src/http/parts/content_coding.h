// Content-Encoding of requests: gzip, deflate, zstd, identity. A result that would be longer than allowed is given up at
// once.
#pragma once
#include <cstddef>
#include <string>
#include <string_view>

#include "core/result.h"

namespace tocsin::http {

// `coding` as in the header, one coding only. Errors: unsupported (another coding, or several), limit (the decoded body is
// longer than `max_bytes`), invalid (broken or cut bytes). Memory: the output and one buffer of 64 KiB; a zstd window is at
// most 2^kMaxZstdWindowLog bytes.
core::Result<std::string> decode_content(std::string_view coding, std::string body, std::size_t max_bytes);
inline constexpr int kMaxZstdWindowLog = 23;  // 8 MiB: what RFC 8878 says every decoder should support.

}  // namespace tocsin::http
