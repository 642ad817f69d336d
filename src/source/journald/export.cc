#include "source/journald/export.h"

#include <algorithm>
#include <cstdint>

namespace tocsin::source::journald {

void append_field(std::string& out, std::string_view key, std::string_view value) {
  const bool text = std::ranges::none_of(value, [](char c) { return (c >= 0 && c < ' ' && c != '\t') || c == 127; });
  out.append(key);
  if (text) {
    out += '=';
  } else {
    out += '\n';
    for (unsigned shift = 0; shift < 64; shift += 8) {
      out += static_cast<char>(static_cast<std::uint64_t>(value.size()) >> shift & 0xFF);
    }
  }
  out.append(value).push_back('\n');
}

}  // namespace tocsin::source::journald
