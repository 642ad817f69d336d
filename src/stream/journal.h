// The durable queue in front of the pipeline: deliveries appended to segment files with checksums, read back in order.
//
// append() may be called by any thread; one thread inside writes and syncs groups (at most kCommitDelay after the first of a
// group), then calls `done`. What was acknowledged survives kill -9 and, with the disk's word, power loss; a torn or damaged
// tail costs only what was not acknowledged, a damaged entry inside costs itself and is counted. Readers see only synced
// entries. Format, limits and proofs: src/stream/README.md.
#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/clock.h"
#include "core/metrics.h"
#include "core/result.h"
#include "model/delivery.h"

namespace tocsin::stream {

struct JournalOptions {
  std::string folder;  // Made where absent. One process at a time (locked).
  std::size_t segment_bytes = 64u << 20;
  std::uint64_t max_bytes = 4ull << 30;       // Of all segments. Read ones go first; then appends wait for room.
  std::uint64_t min_free_bytes = 256u << 20;  // Of the file system: below it appends wait, as they do where a write fails
                                              // for want of space; retried each second, shown in health().
  std::chrono::microseconds commit_delay{5'000};
  std::size_t max_queued_bytes = 64u << 20;  // Of appends not yet written; past it append() answers kLimit at once.
  // No sequence below it is given out from now on: after a restore, ids made of sequences must not be those of stored
  // events.
  std::uint64_t first_sequence = 1;
};

struct StoredDelivery {
  std::uint64_t sequence = 0;  // From first_sequence, without gaps but for damaged entries.
  model::Delivery delivery;
};

struct JournalHealth {
  std::string problem;                                  // Empty: well. Else a sentence for people: what, where, what to do.
  std::uint64_t first_sequence = 0, last_sequence = 0;  // Kept and synced; last 0: empty.
  std::uint64_t bytes = 0, queued_bytes = 0, damaged_entries = 0, truncated_bytes = 0;
};

class Journal {
 public:
  // Opens, repairs the tail, rebuilds checkpoints. `clock` and `metrics` must outlive it.
  static core::Result<std::unique_ptr<Journal>> open(JournalOptions options, const core::Clock& clock,
                                                     core::Metrics& metrics);
  virtual ~Journal() = default;  // Syncs what is queued, within 2 s; calls every `done`.

  // `done` is called exactly once, on the commit thread, with the entry's sequence; where the append is refused at once
  // (kLimit, or stopping), within the call. A delivery with a once_key that was
  // appended within the last kOnceKeysKept keys is not appended again: done gets the first one's sequence.
  using Done = std::function<void(core::Result<std::uint64_t>)>;
  virtual void append(model::Delivery delivery, Done done) = 0;
  [[nodiscard]] virtual std::string checkpoint(std::string_view key) const = 0;  // "" where none.

  // A reader is one thread's and must be gone before the journal. `from`: the first sequence wanted (or the next one kept).
  class Reader {
   public:
    virtual ~Reader() = default;
    // Empty: nothing new within `wait`. An error is of the disk; the next call tries again.
    virtual core::Result<std::optional<StoredDelivery>> next(std::chrono::milliseconds wait) = 0;
  };
  virtual std::unique_ptr<Reader> read(std::uint64_t from) = 0;
  // The first sequence received at or after `time`; last + 1 where there is none. For replays.
  virtual std::uint64_t sequence_at(core::Timestamp time) = 0;

  // What readers have done, by name: durable, small (a correlator's state may be in `state`, up to 256 MB; kept in a file of
  // its own, written aside and renamed). Segments all of whose entries every named position is past may be removed when room
  // is needed.
  struct Position {
    std::uint64_t done_sequence = 0;  // All up to here are done.
    std::string state;
  };
  virtual core::Result<void> save_position(std::string_view name, const Position& position) = 0;
  virtual core::Result<std::optional<Position>> load_position(std::string_view name) = 0;
  virtual void forget_position(std::string_view name) = 0;

  [[nodiscard]] virtual JournalHealth health() const = 0;
};
inline constexpr std::size_t kOnceKeysKept = 100'000;

}  // namespace tocsin::stream
