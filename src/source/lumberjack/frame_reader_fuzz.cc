// Lumberjack frames: the same events however the bytes are cut; no event of more than one line; memory only as allowed.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "source/lumberjack/frame_reader.h"

namespace {

// All events and the error, as one text; at most 1 MB of it.
std::string read(std::string_view bytes, std::size_t step) {
  tocsin::source::FrameReader reader;
  std::string out;
  while (!bytes.empty()) {
    const std::string_view piece = bytes.substr(0, step);
    bytes.remove_prefix(piece.size());
    reader.feed(piece);
    while (true) {
      const std::size_t allowed = std::max(reader.wanted_bytes(), tocsin::source::kSmallFrameBytes);
      const auto frame = reader.next(allowed);
      if (!frame.ok()) return out + "!" + tocsin::core::to_string(frame.error().code);
      if (!frame->has_value()) {
        if (reader.wanted_bytes() > allowed) continue;
        break;
      }
      if ((*frame)->json.find('\n') != std::string_view::npos) std::abort();
      out += std::to_string((*frame)->version) + ":" + std::to_string((*frame)->number) + ":";
      out += (*frame)->json;
      if (out.size() > 1u << 20) return out.substr(0, 1u << 20);
    }
  }
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (read(bytes, bytes.size() + 1) != read(bytes, 1 + data[0] % 64)) std::abort();
  return 0;
}
