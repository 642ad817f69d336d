// A connection's bytes, whole and in pieces that the first byte chooses: the same lines, within their limits.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "source/syslog/frames.h"

namespace {

using tocsin::source::syslog::Batch;
using tocsin::source::syslog::FrameCutter;
using tocsin::source::syslog::FrameTroubles;

constexpr std::size_t kMaxBytes = 24;

void check(bool holds) {
  if (!holds) std::abort();
}

Batch cut(std::string_view bytes, std::size_t piece_bytes, FrameTroubles& troubles) {
  FrameCutter cutter(kMaxBytes);
  Batch out;
  while (!bytes.empty()) {
    const std::string_view piece = bytes.substr(0, piece_bytes);
    const std::size_t before = out.bytes.size();
    cutter.feed(piece, out, troubles);
    check(out.bytes.size() - before <= 4 * (kMaxBytes + piece.size()));
    bytes.remove_prefix(piece.size());
  }
  cutter.finish(out, troubles);
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  FrameTroubles whole_troubles, troubles;
  const Batch whole = cut(bytes, bytes.size() + 1, whole_troubles);
  const Batch pieces = cut(bytes, 1 + data[0] % 16, troubles);
  check(whole.bytes == pieces.bytes && whole.message_count == pieces.message_count);
  check(whole_troubles.too_long == troubles.too_long && whole_troubles.bad_frame == troubles.bad_frame &&
        whole_troubles.cut_off == troubles.cut_off);
  check(static_cast<std::uint64_t>(std::ranges::count(whole.bytes, '\n')) == whole.message_count);
  std::size_t begin = 0;
  while (begin < whole.bytes.size()) {
    const std::size_t end = whole.bytes.find('\n', begin);
    check(end != std::string::npos && end > begin && end - begin <= 4 * kMaxBytes);
    begin = end + 1;
  }
  return 0;
}
