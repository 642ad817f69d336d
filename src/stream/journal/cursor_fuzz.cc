// First byte 0: the rest is a segment as found on disk. Else: the rest becomes entries, of which a few bytes are damaged;
// all others must be there.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

#include "stream/journal/cursor.h"

namespace {
using namespace tocsin::stream;

class Memory final : public SegmentBytes {
 public:
  explicit Memory(std::string_view bytes) : bytes_(bytes) {}
  tocsin::core::Result<void> read(std::uint64_t offset, char* out, std::size_t size_bytes) const override {
    if (offset > bytes_.size() || size_bytes > bytes_.size() - offset) std::abort();
    std::memcpy(out, bytes_.data() + offset, size_bytes);
    return {};
  }

 private:
  std::string_view bytes_;
};

void require(bool holds) {
  if (!holds) std::abort();
}

void read_raw(std::string_view bytes) {
  const std::optional<SegmentHead> head = decode_segment_head(bytes);
  if (!head) {
    static_cast<void>(decode_front(bytes));
    Checkpoints checkpoints;
    static_cast<void>(checkpoints.decode(bytes));
    return;
  }
  for (const bool payload : {true, false}) {
    const Memory memory(bytes);
    SegmentCursor cursor(memory, *head);
    SegmentCursor::Extent extent;
    extent.end_bytes = bytes.size();
    extent.payload = payload;
    std::uint64_t before = head->first_sequence - 1;
    while (cursor.next(extent).value()) {
      require(cursor.sequence() > before);
      before = cursor.sequence();
      if (payload) require(to_delivery(cursor.front(), cursor.payload()).has_value());
    }
    require(cursor.valid_end_bytes() <= bytes.size());
    for (const SequenceRange& range : cursor.take_damage()) require(range.first <= range.last);
  }
}

void damage_and_read(std::string_view data) {
  const auto byte = [&]() -> std::size_t {
    if (data.empty()) return 0;
    const auto value = static_cast<unsigned char>(data.front());
    data.remove_prefix(1);
    return value;
  };
  const std::size_t count = 1 + byte() % 8;
  const std::size_t place = byte() << 8 | byte();
  const SegmentHead head{.mark = 0x9E3779B97F4A7C15, .first_sequence = 1, .previous_last = 0, .once_keys = 0};
  std::string bytes = encode(head);
  std::size_t ends[10] = {bytes.size()};
  std::uint32_t flips = static_cast<std::uint32_t>(byte() | byte() << 8 | byte() << 16 | byte() << 24);
  tocsin::model::Delivery deliveries[10];
  for (std::size_t i = 1; i <= count; ++i) {
    const std::size_t size = std::min(data.size(), byte());
    deliveries[i].bytes = data.substr(0, std::min(size, data.size()));
    data.remove_prefix(deliveries[i].bytes.size());
    append_entry(bytes, head.mark, i, deliveries[i]);
    ends[i] = bytes.size();
  }
  // At most 32 bits in a row: such damage no CRC-32 misses.
  const std::size_t at = ends[0] + place % (bytes.size() - ends[0]);
  const std::size_t until = std::min(at + 4, bytes.size());
  for (std::size_t i = at; i < until; ++i, flips >>= 8) bytes[i] = static_cast<char>(bytes[i] ^ static_cast<char>(flips));
  const Memory memory(bytes);
  SegmentCursor cursor(memory, head);
  SegmentCursor::Extent extent;
  extent.end_bytes = bytes.size();
  extent.last = count;
  bool found[10] = {};
  std::size_t good = 0;
  while (cursor.next(extent).value()) {
    const std::size_t i = static_cast<std::size_t>(cursor.sequence());
    require(i >= 1 && i <= count && !found[i]);
    require(to_delivery(cursor.front(), cursor.payload())->bytes == deliveries[i].bytes);
    found[i] = true;
    ++good;
  }
  std::uint64_t lost = 0;
  for (const SequenceRange& range : cursor.take_damage()) lost += range.last - range.first + 1;
  require(good + lost == count);
  for (std::size_t i = 1; i <= count; ++i) require(found[i] || (at < ends[i] && until > ends[i - 1]));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (data[0] == 0) {
    read_raw(rest);
  } else {
    damage_and_read(rest);
  }
  return 0;
}
