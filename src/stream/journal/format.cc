#include "stream/journal/format.h"

#include "stream/journal/bytes.h"

namespace tocsin::stream {
namespace {

constexpr std::string_view kSegmentMagic = "TOCSINJ1";
constexpr std::size_t kSegmentCopyBytes = kSegmentHeadBytes / 2;
constexpr std::size_t kFrontFixedBytes = 4 + 8 + 1 + 5 * 4;
constexpr std::size_t kMaxFrontBytes = kFrontFixedBytes + 3 * kMaxNameBytes + kMaxOnceKeyBytes;
constexpr std::size_t kMaxPayloadBytes = kMaxHeaderBytes + model::kMaxDeliveryBytes;
constexpr auto kLastFormat = static_cast<std::uint8_t>(model::Format::kText);

std::optional<SegmentHead> decode_copy(std::string_view bytes) {
  ByteReader in(bytes);
  const bool magic = in.take(kSegmentMagic.size()) == kSegmentMagic;
  SegmentHead head;
  head.mark = in.u64();
  head.first_sequence = in.u64();
  head.previous_last = in.u64();
  head.once_keys = in.u64();
  const std::uint32_t reserved = in.u32();
  const std::uint32_t crc = in.u32();
  if (!in.ok() || !magic || reserved != 0 || crc != crc32c(0, bytes.substr(0, kSegmentCopyBytes - 4))) return std::nullopt;
  if (head.first_sequence == 0 || head.first_sequence > kMaxSequence || head.previous_last >= head.first_sequence) {
    return std::nullopt;
  }
  return head;
}

std::size_t front_bytes(const model::Delivery& delivery) {
  return kFrontFixedBytes + delivery.peer.size() + delivery.checkpoint_key.size() + delivery.checkpoint_value.size() +
         delivery.once_key.size();
}

}  // namespace

std::string encode(const SegmentHead& head) {
  std::string copy(kSegmentMagic);
  put_u64(copy, head.mark);
  put_u64(copy, head.first_sequence);
  put_u64(copy, head.previous_last);
  put_u64(copy, head.once_keys);
  put_u32(copy, 0);
  put_u32(copy, crc32c(0, copy));
  return copy + copy;
}

std::optional<SegmentHead> decode_segment_head(std::string_view bytes) {
  if (bytes.size() < kSegmentHeadBytes) return std::nullopt;
  const std::optional<SegmentHead> first = decode_copy(bytes.substr(0, kSegmentCopyBytes));
  return first ? first : decode_copy(bytes.substr(kSegmentCopyBytes, kSegmentCopyBytes));
}

std::uint64_t EntryHead::total_bytes() const { return kEntryHeadBytes + std::uint64_t{front_bytes} + payload_bytes; }

std::optional<EntryHead> decode_entry_head(std::string_view bytes, std::uint64_t mark) {
  ByteReader in(bytes);
  if (in.u64() != mark) return std::nullopt;
  EntryHead head;
  head.sequence = in.u64();
  head.front_bytes = in.u32();
  head.payload_bytes = in.u32();
  head.front_crc = in.u32();
  head.payload_crc = in.u32();
  const std::uint32_t crc = in.u32();
  if (!in.ok() || crc != crc32c(0, bytes.substr(0, kEntryHeadBytes - 4))) return std::nullopt;
  if (head.sequence == 0 || head.sequence > kMaxSequence) return std::nullopt;
  if (head.front_bytes > kMaxFrontBytes || head.payload_bytes > kMaxPayloadBytes) return std::nullopt;
  return head;
}

std::size_t encoded_bytes(const model::Delivery& delivery) {
  return kEntryHeadBytes + front_bytes(delivery) + delivery.header.size() + delivery.bytes.size();
}

void append_entry(std::string& out, std::uint64_t mark, std::uint64_t sequence, const model::Delivery& delivery) {
  std::string front;
  front.reserve(front_bytes(delivery));
  put_u32(front, static_cast<std::uint32_t>(delivery.source));
  put_u64(front, static_cast<std::uint64_t>(delivery.received_at.ns));
  front += static_cast<char>(delivery.format);
  for (const std::string* piece :
       {&delivery.peer, &delivery.checkpoint_key, &delivery.checkpoint_value, &delivery.once_key}) {
    put_u32(front, static_cast<std::uint32_t>(piece->size()));
  }
  put_u32(front, static_cast<std::uint32_t>(delivery.header.size()));
  front += delivery.peer;
  front += delivery.checkpoint_key;
  front += delivery.checkpoint_value;
  front += delivery.once_key;
  std::string head;
  put_u64(head, mark);
  put_u64(head, sequence);
  put_u32(head, static_cast<std::uint32_t>(front.size()));
  put_u32(head, static_cast<std::uint32_t>(delivery.header.size() + delivery.bytes.size()));
  put_u32(head, crc32c(0, front));
  put_u32(head, crc32c(crc32c(0, delivery.header), delivery.bytes));
  put_u32(head, crc32c(0, head));
  out += head;
  out += front;
  out += delivery.header;
  out += delivery.bytes;
}

core::Result<void> check_limits(const model::Delivery& delivery) {
  struct Part {
    const char* name;
    std::size_t bytes, most;
  };
  const Part parts[] = {{"bytes", delivery.bytes.size(), model::kMaxDeliveryBytes},
                        {"header", delivery.header.size(), kMaxHeaderBytes},
                        {"peer", delivery.peer.size(), kMaxNameBytes},
                        {"checkpoint key", delivery.checkpoint_key.size(), kMaxNameBytes},
                        {"checkpoint value", delivery.checkpoint_value.size(), kMaxNameBytes},
                        {"once key", delivery.once_key.size(), kMaxOnceKeyBytes}};
  for (const Part& part : parts) {
    if (part.bytes <= part.most) continue;
    return core::Error{core::ErrorCode::kLimit, std::string("a delivery's ") + part.name + " has " +
                                                    std::to_string(part.bytes) + " bytes; at most " +
                                                    std::to_string(part.most)};
  }
  return {};
}

std::optional<EntryFront> decode_front(std::string_view front) {
  ByteReader in(front);
  EntryFront out;
  out.source = in.u32();
  out.received_at.ns = static_cast<std::int64_t>(in.u64());
  const auto format = static_cast<std::uint8_t>(in.number(1));
  out.format = format <= kLastFormat ? static_cast<model::Format>(format) : model::Format::kUnknown;
  std::uint32_t sizes[4];
  for (std::uint32_t& size_bytes : sizes) size_bytes = in.u32();
  out.header_bytes = in.u32();
  out.peer = in.take(sizes[0]);
  out.checkpoint_key = in.take(sizes[1]);
  out.checkpoint_value = in.take(sizes[2]);
  out.once_key = in.take(sizes[3]);
  if (!in.finished()) return std::nullopt;
  return out;
}

std::optional<model::Delivery> to_delivery(const EntryFront& front, std::string_view payload) {
  if (front.header_bytes > payload.size()) return std::nullopt;
  model::Delivery out;
  out.source = static_cast<model::SourceId>(front.source);
  out.received_at = front.received_at;
  out.format = front.format;
  out.peer = front.peer;
  out.header = payload.substr(0, front.header_bytes);
  out.bytes = payload.substr(front.header_bytes);
  out.checkpoint_key = front.checkpoint_key;
  out.checkpoint_value = front.checkpoint_value;
  out.once_key = front.once_key;
  return out;
}

}  // namespace tocsin::stream
