#include "stream/journal/cursor.h"

#include <algorithm>

#include "stream/journal/bytes.h"

namespace tocsin::stream {
namespace {
constexpr std::size_t kReadBytes = 256u << 10;
constexpr std::size_t kReadFrontsBytes = 16u << 10;  // Where payloads are passed over, reading far ahead is waste.
constexpr std::size_t kMarkBytes = 8;
}  // namespace

core::Result<std::string_view> SegmentCursor::fetch(std::uint64_t offset, std::size_t least, const Extent& extent) {
  if (offset < buffer_at_ || offset + least > buffer_at_ + buffer_.size()) {
    const std::size_t ahead = extent.payload ? kReadBytes : kReadFrontsBytes;
    const std::size_t size_bytes =
        static_cast<std::size_t>(std::min<std::uint64_t>(std::max(least, ahead), extent.end_bytes - offset));
    buffer_.clear();
    if (buffer_.capacity() > 4 * kReadBytes && size_bytes <= kReadBytes) buffer_.shrink_to_fit();
    buffer_.resize(size_bytes);
    buffer_at_ = offset;
    if (core::Result<void> read = bytes_.read(offset, buffer_.data(), size_bytes); !read.ok()) {
      buffer_.clear();
      return read.error();
    }
  }
  return std::string_view(buffer_).substr(static_cast<std::size_t>(offset - buffer_at_));
}

void SegmentCursor::note(std::uint64_t first, std::uint64_t last) {
  if (!damage_.empty() && damage_.back().last + 1 == first) {
    damage_.back().last = last;
  } else {
    damage_.push_back({first, last});
  }
}

// Moves to the next place after this one where the mark stands, or to the end.
core::Result<void> SegmentCursor::search_mark(const Extent& extent) {
  std::string mark;
  put_u64(mark, mark_);
  std::uint64_t at = position_ + 1;
  while (at + kEntryHeadBytes <= extent.end_bytes) {
    const std::string_view bytes = TOCSIN_TRY(fetch(at, kEntryHeadBytes, extent));
    const std::size_t found = bytes.find(mark);
    if (found != std::string_view::npos) {
      position_ = at + found;
      return {};
    }
    at += bytes.size() - (kMarkBytes - 1);
  }
  position_ = extent.end_bytes;
  return {};
}

core::Result<bool> SegmentCursor::load(const EntryHead& head, std::uint64_t at, const Extent& extent) {
  const std::size_t size_bytes = head.front_bytes + (extent.payload ? std::size_t{head.payload_bytes} : 0);
  const std::string_view bytes = TOCSIN_TRY(fetch(at + kEntryHeadBytes, size_bytes, extent));
  const std::string_view front = bytes.substr(0, head.front_bytes);
  payload_ = extent.payload ? bytes.substr(head.front_bytes, head.payload_bytes) : std::string_view{};
  if (crc32c(0, front) != head.front_crc) return false;
  if (extent.payload && crc32c(0, payload_) != head.payload_crc) return false;
  const std::optional<EntryFront> decoded = decode_front(front);
  if (!decoded || decoded->header_bytes > head.payload_bytes) return false;
  front_ = *decoded;
  sequence_ = head.sequence;
  return true;
}

core::Result<bool> SegmentCursor::next(const Extent& extent) {
  while (position_ + kEntryHeadBytes <= extent.end_bytes) {
    const std::string_view bytes = TOCSIN_TRY(fetch(position_, kEntryHeadBytes, extent));
    const std::optional<EntryHead> head = decode_entry_head(bytes.substr(0, kEntryHeadBytes), mark_);
    if (!head || head->total_bytes() > extent.end_bytes - position_ || head->sequence > extent.last) {
      TOCSIN_TRY(search_mark(extent));
      ++searches_;
      continue;
    }
    const std::uint64_t at = position_;
    const bool passed = head->sequence < std::max(expected_, extent.wanted);
    const bool whole = passed || TOCSIN_TRY(load(*head, at, extent));
    position_ = at + head->total_bytes();
    searches_ = 0;
    if (head->sequence < expected_) continue;
    if (head->sequence > expected_) note(expected_, head->sequence - 1);
    expected_ = head->sequence + 1;
    if (!whole) {
      note(head->sequence, head->sequence);
      continue;
    }
    valid_end_ = position_;
    if (!passed) return true;
  }
  if (extent.last != kLastUnknown) {
    if (expected_ <= extent.last) note(expected_, extent.last);
    expected_ = std::max(expected_, extent.last + 1);
    position_ = std::max(position_, extent.end_bytes);
    searches_ = 0;
  }
  return false;
}

}  // namespace tocsin::stream
