// The target of a request line: percent decoding, path and query. Pure functions; hostile input.
#pragma once
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "core/result.h"

namespace tocsin::http {

// More names in a query are refused: our own interfaces need a dozen.
inline constexpr std::size_t kMaxQueryNames = 256;

struct Target {
  std::string path;
  std::map<std::string, std::string> query;
};

// Empty where a '%' is not followed by two hexadecimal digits.
enum class Plus { kIsPlus, kIsSpace };
std::optional<std::string> percent_decode(std::string_view text, Plus plus);

// "/path?query" or "http://host/path?query". An error (invalid, limit) where the path does not begin with '/', holds NUL
// or a segment "." or ".." once decoded, where an escape is broken, or where there is a fragment.
core::Result<Target> parse_target(std::string_view target);

}  // namespace tocsin::http
