// One file that is followed: what is known of it, and reading its next whole records. One thread.
#pragma once
#include <chrono>
#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "source/live.h"
#include "source/live/descriptor.h"
#include "source/live/worker.h"
#include "source/tail/mark.h"

namespace tocsin::source::tail {

inline constexpr std::size_t kPieceBytes = 1u << 20;  // Handed in at once, unless one record is longer.

// What was at a path before: files there that nothing is known of and that were written since came in between.
struct Predecessor {
  std::int64_t mtime_ns = 0;  // When its content was written; 0: there is none.
  Mark read = {};             // Where it no longer says so itself: what was read of it, which a copy would begin with.
};

struct FollowedFile {
  std::uint64_t number = 0;  // Names it within the follower.
  FileId id;
  std::string path;  // Where it is or, once it no longer matches, was.
  std::string key;   // Of its checkpoint.
  Descriptor file;
  std::list<std::uint64_t>::iterator open_place;  // Valid while `file` is open.
  Mark read;                                      // Handed in up to here,
  Mark safe;                                      // and known to be on disk up to here.
  std::unique_ptr<Cutter> cutter;
  model::Format format = model::Format::kUnknown;  // As told before it was truncated.

  bool matched = true;  // Its path matches; false: rotated, deleted or a copy, and let go when it rests.
  bool by_pattern = true;
  bool frozen = false;   // Nobody writes to it any more: its last line is whole.
  bool ignored = false;  // No log, or compressed.
  bool origin_checked = false;
  bool queued = false, under_way = false, dirty = false;
  std::string problem;  // That lasts: why it is ignored.
  bool more = false;    // The last piece was not the end.
  std::size_t under_way_bytes = 0, under_way_records = 0;
  std::uint64_t seen_size = 0;       // At the last look at all files,
  std::int64_t seen_mtime_ns = 0;    // with this.
  std::size_t pending_bytes = 0;     // Of a last record without end.
  SteadyTime grown_at{};             // When those came.
  SteadyTime active_at{};            // When anything was read, or it was rotated.
  SteadyTime try_at{};               // Not to be read before.
  std::optional<StoredMark> before;  // Truncated, and no copy of this was found at once.
  Predecessor missed_since;          // Files between that and this one are looked for once more.
  std::optional<SteadyTime> timer;
  std::optional<std::uint64_t> copy_of;  // Held: it says what that file says.
  std::set<std::uint64_t> waits_for;     // Files to be finished first.
};

struct Piece {
  enum class Kind {
    kUnits,    // `bytes` to hand in; file.read is behind them.
    kSkipped,  // Part of a long line was passed over; go on.
    kWait,     // No record ends yet: file.pending_bytes of one are there.
    kEnd,      // All is read.
    kChanged,  // The file is not the one that was read: truncated or written anew.
    kFailed,   // The system would not read it: `error`.
    kNoLog,
  };
  Kind kind = Kind::kEnd;
  std::string bytes;
  bool more = false;      // There is more to read at once.
  bool too_long = false;  // The piece is the beginning of a line past kMaxTailLineBytes.
  bool compressed = false;
  int error = 0;
};

// Reads the next whole records; `last`: what has no end is whole too, unless it has grown. REQUIRES: file.file is open,
// nothing under way.
Piece read_piece(FollowedFile& file, const Formats& formats, model::Format format, bool last);

}  // namespace tocsin::source::tail
