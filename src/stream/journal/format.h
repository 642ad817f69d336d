// How segments and entries look on disk. Pure functions; the layout is in src/stream/README.md.
//
// Every segment has a random 64-bit mark that starts each of its entries. Senders cannot know it, so nothing they send can
// pass for an entry when a damaged place is skipped by searching for the next mark.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/result.h"
#include "model/delivery.h"

namespace tocsin::stream {

inline constexpr std::uint64_t kMaxSequence = (std::uint64_t{1} << (64 - model::kEventIndexBits)) - 1;
inline constexpr std::size_t kMaxNameBytes = 8u << 10;     // Of peer, checkpoint key and value: paths have at most 4,096.
inline constexpr std::size_t kMaxOnceKeyBytes = 512;       // kOnceKeysKept of them are held in memory.
inline constexpr std::size_t kMaxHeaderBytes = 16u << 20;  // As long as the longest record of a decoder.

struct SegmentHead {
  std::uint64_t mark = 0;
  std::uint64_t first_sequence = 0;
  std::uint64_t previous_last = 0;  // Last entry of the segment before: what is between was never given out.
  std::uint64_t once_keys = 0;      // Entries with a once_key in all segments before, so that opening can pass over some.
  bool operator==(const SegmentHead&) const = default;
};
inline constexpr std::size_t kSegmentHeadBytes = 96;  // Two copies, so that no single damaged byte costs the segment.
std::string encode(const SegmentHead& head);
std::optional<SegmentHead> decode_segment_head(std::string_view bytes);

struct EntryHead {
  std::uint64_t sequence = 0;
  std::uint32_t front_bytes = 0, payload_bytes = 0, front_crc = 0, payload_crc = 0;
  [[nodiscard]] std::uint64_t total_bytes() const;
};
inline constexpr std::size_t kEntryHeadBytes = 36;
// Empty where the mark, the checksum or a number is wrong.
std::optional<EntryHead> decode_entry_head(std::string_view bytes, std::uint64_t mark);

std::size_t encoded_bytes(const model::Delivery& delivery);
// REQUIRES: check_limits(delivery).ok().
void append_entry(std::string& out, std::uint64_t mark, std::uint64_t sequence, const model::Delivery& delivery);
core::Result<void> check_limits(const model::Delivery& delivery);

// The front of an entry: all but the header and the bytes. Views into what was decoded.
struct EntryFront {
  std::uint32_t source = 0;
  core::Timestamp received_at;
  model::Format format = model::Format::kUnknown;
  std::uint32_t header_bytes = 0;
  std::string_view peer, checkpoint_key, checkpoint_value, once_key;
};
std::optional<EntryFront> decode_front(std::string_view front);
// Empty where the payload is shorter than the front says.
std::optional<model::Delivery> to_delivery(const EntryFront& front, std::string_view payload);

}  // namespace tocsin::stream
