// Compresses a text with gzip, reproducibly (no time, no name). Empty where it fails (out of memory).
#pragma once
#include <string>
#include <string_view>

namespace tocsin::cli {

std::string gzip(std::string_view text);
// RFC 4648, with padding.
std::string base64(std::string_view bytes);

}  // namespace tocsin::cli
