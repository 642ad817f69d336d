// Where does the tail end? The last segment is read whole: it ends behind its last entry that is right. What follows was
// torn by a crash, or damaged later; the two cannot be told apart. Its sequences are not given out again, for readers may
// have had them and event ids are made of them: the next one is past every head seen, every mark seen, and every saved
// position.
//
//   ... entry 7 | entry 8, payload damaged | half of entry 9      segment ends behind 7; the next entry is 11, in a new
//   segment
//                                                                 whose head says that the one before ends with 7.
#include "stream/journal/open.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>

namespace tocsin::stream {
namespace {

constexpr std::string_view kSegmentSuffix = ".segment";
constexpr std::size_t kSegmentDigits = 20;

core::Result<void> lock_folder(const std::string& folder, OpenJournal& out) {
  const std::string path = folder + "/lock";
  out.lock = TOCSIN_TRY(open_file(path, O_RDWR | O_CREAT));
  if (::flock(out.lock.get(), LOCK_EX | LOCK_NB) == 0) return {};
  if (errno != EWOULDBLOCK) return io_error("lock", path, errno);
  return core::Error{core::ErrorCode::kDenied, folder + " is in use by another process; a journal has one at a time"};
}

// 0: not a segment's name.
std::uint64_t sequence_in_name(std::string_view name) {
  if (name.size() != kSegmentDigits + kSegmentSuffix.size() || !name.ends_with(kSegmentSuffix)) return 0;
  std::uint64_t value = 0;
  for (const char c : name.substr(0, kSegmentDigits)) {
    if (c < '0' || c > '9' || value > kMaxSequence) return 0;
    value = value * 10 + static_cast<std::uint64_t>(c - '0');
  }
  return value <= kMaxSequence ? value : 0;
}

struct Names {
  std::vector<std::uint64_t> segments;
  std::vector<std::string> positions;
};

core::Result<Names> list_folder(const std::string& folder) {
  Names names;
  std::error_code error;
  for (std::filesystem::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    const std::string name = at->path().filename().string();
    if (const std::uint64_t first = sequence_in_name(name); first != 0) names.segments.push_back(first);
    if (name.starts_with(kPositionPrefix) && is_position_name(std::string_view(name).substr(kPositionPrefix.size()))) {
      names.positions.push_back(name.substr(kPositionPrefix.size()));
    }
    if (name.ends_with(".tmp")) ::unlink(at->path().c_str());  // Left by a crash while it was written aside.
  }
  if (error) return io_error("list", folder, error.value());
  std::sort(names.segments.begin(), names.segments.end());
  return names;
}

core::Result<std::shared_ptr<Segment>> open_segment(const std::string& folder, std::uint64_t first, bool writable) {
  auto segment = std::make_shared<Segment>();
  segment->path = folder + "/" + segment_name(first);
  segment->file = TOCSIN_TRY(open_file(segment->path, writable ? O_RDWR : O_RDONLY));
  segment->end_bytes = TOCSIN_TRY(file_bytes(segment->file, segment->path));
  std::string head(static_cast<std::size_t>(std::min<std::uint64_t>(kSegmentHeadBytes, segment->end_bytes)), '\0');
  TOCSIN_TRY(read_at(segment->file, segment->path, 0, head.data(), head.size()));
  const std::optional<SegmentHead> decoded = decode_segment_head(head);
  segment->readable = decoded && decoded->first_sequence == first;
  if (segment->readable) segment->head = *decoded;
  segment->head.first_sequence = first;
  segment->last = first - 1;
  segment->sealed = !writable;
  return segment;
}

// What a segment's end is by the head of the one after.
void end_before(Segment& segment, const Segment& next) {
  segment.last = next.first() - 1;
  if (next.readable) segment.last = std::clamp(next.head.previous_last, segment.first() - 1, next.first() - 1);
  segment.sealed = true;
}

core::Result<void> find_tail(OpenJournal& out) {
  Segment& tail = *out.segments.back();
  TOCSIN_TRY(
      sync_data(tail.file, tail.path));  // What a killed process wrote is kept, so it must be on disk before it is read.
  SegmentCursor cursor(tail, tail.head);
  std::uint64_t end_bytes = kSegmentHeadBytes;
  SegmentCursor::Extent extent;
  extent.end_bytes = tail.end_bytes;
  while (TOCSIN_TRY(cursor.next(extent))) {
    tail.last = cursor.sequence();
    if (!cursor.front().once_key.empty()) ++out.once_key_count;
    if (!tail.newest_received.known() || tail.newest_received < cursor.front().received_at) {
      tail.newest_received = cursor.front().received_at;
    }
  }
  for (const SequenceRange& range : cursor.take_damage()) out.damage.add(range);
  end_bytes = cursor.valid_end_bytes();
  out.next_sequence = cursor.unused_sequence();
  out.need_segment = false;
  if (end_bytes < tail.end_bytes) {
    out.truncated_bytes += tail.end_bytes - end_bytes;
    tail.end_bytes = end_bytes;
    out.next_sequence += 1;
    out.need_segment = true;
  }
  return {};
}

core::Result<void> open_segments(const std::string& folder, std::vector<std::uint64_t> firsts, OpenJournal& out) {
  while (!firsts.empty()) {  // A segment whose head was not written whole holds nothing.
    const std::shared_ptr<Segment> last = TOCSIN_TRY(open_segment(folder, firsts.back(), true));
    if (last->readable || last->end_bytes > kSegmentHeadBytes) break;
    out.truncated_bytes += last->end_bytes;
    out.next_sequence = std::max(out.next_sequence, last->first());
    ::unlink(last->path.c_str());
    firsts.pop_back();
  }
  for (const std::uint64_t first : firsts) {
    out.segments.push_back(TOCSIN_TRY(open_segment(folder, first, first == firsts.back())));
    if (out.segments.size() > 1) end_before(*out.segments[out.segments.size() - 2], *out.segments.back());
  }
  if (out.segments.empty()) return {};
  const std::uint64_t floor = out.next_sequence;
  Segment& tail = *out.segments.back();
  out.once_key_count = tail.head.once_keys;
  if (tail.readable) {
    TOCSIN_TRY(find_tail(out));
  } else {  // What it held is not known: as many entries as it has room for.
    tail.last = std::min(tail.first() + tail.end_bytes / kEntryHeadBytes, kMaxSequence - 1);
    out.next_sequence = tail.last + 1;
  }
  out.next_sequence = std::max(out.next_sequence, floor);
  return {};
}

core::Result<void> load_positions(const std::string& folder, const std::vector<std::string>& names, OpenJournal& out) {
  for (const std::string& name : names) {
    const core::Result<std::uint64_t> done = read_kept_number(folder + "/" + std::string(kPositionPrefix) + name);
    if (!done.ok() && done.error().code != core::ErrorCode::kInvalid) return done.error();
    // A damaged one holds everything until its reader saves or forgets it.
    out.positions[name] = done.ok() && done.value() <= kMaxSequence ? done.value() : 0;
    out.next_sequence = std::max(out.next_sequence, out.positions[name] + 1);
  }
  return {};
}

core::Result<void> load_checkpoints(const std::string& folder, OpenJournal& out) {
  const core::Result<KeptFile> kept = read_kept(folder + "/" + std::string(kCheckpointsName));
  if (kept.ok()) {
    if (kept->number <= kMaxSequence && out.checkpoints.decode(kept->bytes)) out.snapshot_sequence = kept->number;
  } else if (kept.error().code != core::ErrorCode::kNotFound && kept.error().code != core::ErrorCode::kInvalid) {
    return kept.error();
  }
  out.next_sequence = std::max(out.next_sequence, out.snapshot_sequence + 1);
  return {};
}

core::Result<void> remember(const Segment& segment, OpenJournal& out) {
  if (!segment.readable) return {};
  SegmentCursor cursor(segment, segment.head);
  SegmentCursor::Extent extent;
  extent.end_bytes = segment.end_bytes;
  extent.last = segment.last;
  extent.payload = false;
  while (TOCSIN_TRY(cursor.next(extent))) {
    const EntryFront& front = cursor.front();
    if (!front.once_key.empty()) out.once_keys.add(front.once_key, cursor.sequence());
    if (!front.checkpoint_key.empty() && cursor.sequence() > out.snapshot_sequence) {
      out.checkpoints.set(front.checkpoint_key, front.checkpoint_value, cursor.sequence());
    }
  }
  for (const SequenceRange& range : cursor.take_damage()) out.damage.add(range);
  return {};
}

// Reads the fronts of those segments that hold the newest once keys, or checkpoints later than the file of them.
core::Result<void> rebuild_memory(OpenJournal& out) {
  std::vector<char> wanted(out.segments.size(), 0);
  std::uint64_t after = out.once_key_count;
  std::uint64_t once_keys = 0;
  for (std::size_t i = out.segments.size(); i-- > 0;) {
    const Segment& segment = *out.segments[i];
    const std::uint64_t here = segment.readable && after > segment.head.once_keys ? after - segment.head.once_keys : 0;
    wanted[i] = segment.last > out.snapshot_sequence || (here > 0 && once_keys < kOnceKeysKept) ? 1 : 0;
    once_keys += here;
    if (segment.readable) after = segment.head.once_keys;
  }
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (wanted[i] != 0) TOCSIN_TRY(remember(*out.segments[i], out));
  }
  return {};
}

}  // namespace

std::string segment_name(std::uint64_t first_sequence) {
  const std::string digits = std::to_string(first_sequence);
  return std::string(kSegmentDigits - digits.size(), '0') + digits + std::string(kSegmentSuffix);
}

bool is_position_name(std::string_view name) {
  return !name.empty() && name.size() <= kMaxPositionNameBytes &&
         name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_-") == std::string_view::npos;
}

core::Result<OpenJournal> open_folder(const std::string& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) return io_error("make", folder, error.value());
  OpenJournal out;
  out.folder = TOCSIN_TRY(open_file(folder, O_RDONLY | O_DIRECTORY));
  TOCSIN_TRY(lock_folder(folder, out));
  Names names = TOCSIN_TRY(list_folder(folder));
  TOCSIN_TRY(open_segments(folder, std::move(names.segments), out));
  TOCSIN_TRY(load_positions(folder, names.positions, out));
  TOCSIN_TRY(load_checkpoints(folder, out));
  TOCSIN_TRY(rebuild_memory(out));
  // Sequences that are passed over stand between two segments.
  if (!out.segments.empty() && out.next_sequence != out.segments.back()->last + 1) out.need_segment = true;
  if (out.need_segment && !out.segments.empty()) out.segments.back()->sealed = true;
  return out;
}

}  // namespace tocsin::stream
