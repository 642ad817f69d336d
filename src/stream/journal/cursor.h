// Walks the entries of one segment in order, past what is damaged.
//
// One thread. Rules: an entry whose head is right has a length to trust, so damage behind the head costs that entry alone;
// a damaged head costs a search for the next mark. Sequences only rise: a lower one is left from a write that was repeated
// and is passed over; a gap is damage. Time is linear in the segment whatever it holds; memory is one entry.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "stream/journal/format.h"
#include "stream/journal/memory.h"

namespace tocsin::stream {

class SegmentBytes {
 public:
  virtual ~SegmentBytes() = default;
  virtual core::Result<void> read(std::uint64_t offset, char* out, std::size_t size_bytes) const = 0;
};

inline constexpr std::uint64_t kLastUnknown = ~std::uint64_t{0};

class SegmentCursor {
 public:
  // Both must outlive the cursor.
  SegmentCursor(const SegmentBytes& bytes, const SegmentHead& head)
      : bytes_(bytes), mark_(head.mark), expected_(head.first_sequence) {}

  struct Extent {
    std::uint64_t end_bytes = 0;        // Where the last whole entry ends; rises from call to call.
    std::uint64_t last = kLastUnknown;  // Of those entries: what is missing of them at the end is damage.
    std::uint64_t wanted = 0;           // Entries before it are passed over unread.
    bool payload = true;                // False: payload() is empty and not checked.
  };
  // False at the end; then a later call with a further end goes on. An error is of the disk; try again.
  core::Result<bool> next(const Extent& extent);

  // Of the present entry, until the next call.
  [[nodiscard]] std::uint64_t sequence() const { return sequence_; }
  [[nodiscard]] const EntryFront& front() const { return front_; }
  [[nodiscard]] std::string_view payload() const { return payload_; }

  // What was found damaged since the last call.
  std::vector<SequenceRange> take_damage() { return std::exchange(damage_, {}); }
  // Behind the last entry that was whole, for the repair of a tail.
  [[nodiscard]] std::uint64_t valid_end_bytes() const { return valid_end_; }
  // No entry seen so far, whole or not, can have had this sequence or a later one.
  [[nodiscard]] std::uint64_t unused_sequence() const { return expected_ + searches_; }

 private:
  // At least `least` bytes from `offset` on (all that is buffered), until the next call.
  core::Result<std::string_view> fetch(std::uint64_t offset, std::size_t least, const Extent& extent);
  core::Result<void> search_mark(const Extent& extent);
  core::Result<bool> load(const EntryHead& head, std::uint64_t at, const Extent& extent);
  void note(std::uint64_t first, std::uint64_t last);

  const SegmentBytes& bytes_;
  std::uint64_t mark_;
  std::uint64_t position_ = kSegmentHeadBytes, valid_end_ = kSegmentHeadBytes;
  std::uint64_t expected_;
  std::uint64_t searches_ = 0;  // For a mark, since the last head that was right.
  std::string buffer_;
  std::uint64_t buffer_at_ = 0;
  std::vector<SequenceRange> damage_;
  std::uint64_t sequence_ = 0;
  EntryFront front_;
  std::string_view payload_;
};

}  // namespace tocsin::stream
