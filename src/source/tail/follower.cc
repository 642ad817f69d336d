// Turns.
//
// A file is ready when there may be something to read in it: after a notice of the kernel, a timer, an answer with more
// behind it. Ready files take turns; a turn reads whole records of one file (some 1 MB) and hands them in. A file has one
// delivery under way at most: its checkpoint says "all before is safe", so nothing behind a delivery that may yet fail can
// be handed in. Where the Intake refuses, the file goes back to what is safe and tries again later.
#include "source/tail/follower.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "source/problem.h"

namespace tocsin::source::tail {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using Kind = Piece::Kind;

namespace {

constexpr milliseconds kRetry{1'000};      // After the Intake or the disk said no.
constexpr milliseconds kLookAgain{1'000};  // At a file that left its folder's notices.
constexpr milliseconds kGather{5};         // Notices are fetched no faster: a write a line must not be a wake-up a line.
constexpr std::size_t kReadAgainBytesPerMs = 64 * 1024;  // A long record without end is read again at this rate at most.
constexpr std::size_t kTurnsBetweenLooks = 64;

std::size_t record_count(std::string_view bytes, model::Format format) {
  if (format == model::Format::kEvtx || bytes.empty()) return 0;
  const auto lines = static_cast<std::size_t>(std::count(bytes.begin(), bytes.end(), '\n'));
  return lines + (bytes.back() == '\n' ? 0 : 1);
}

}  // namespace

Follower::Follower(TailOptions options, SourceRef source, const SourceContext& context, Globs globs)
    : options_(std::move(options)), source_(std::move(source)), context_(context), globs_(std::move(globs)) {}

FollowedFile* Follower::by_number(std::uint64_t number) {
  const auto found = files_.find(number);
  return found == files_.end() ? nullptr : found->second.get();
}

FollowedFile* Follower::by_id(const FileId& id) {
  const auto found = ids_.find(id);
  return found == ids_.end() ? nullptr : by_number(found->second);
}

void Follower::run() {
  while (!stopping()) {
    notices();
    answers();
    run_timers();
    const auto now = steady_clock::now();
    if (now >= scan_at_ || (need_scan_ && now >= scan_not_before_)) scan();
    work();
    show_problem();
    const SteadyTime quiet_until = notices_at_ + kGather;
    const bool gathering = steady_clock::now() < quiet_until;
    const SteadyTime until = gathering ? std::min(next_wake(), quiet_until) : next_wake();
    sleep(gathering ? -1 : watch_.descriptor(), until);
  }
  while (await_answer()) answers();
}

SteadyTime Follower::next_wake() const {
  const bool room = under_way_bytes_ < kBacklogBytes;
  if (room && !ready_.empty()) return steady_clock::now();
  SteadyTime at = scan_at_;
  if (need_scan_) at = std::min(at, scan_not_before_);
  if (!timers_.empty()) at = std::min(at, timers_.begin()->first);
  return at;
}

void Follower::work() {
  for (std::size_t count = 0; count < kTurnsBetweenLooks && !ready_.empty(); ++count) {
    if (under_way_bytes_ >= kBacklogBytes || stopping()) return;
    const std::uint64_t number = ready_.front();
    ready_.pop_front();
    if (FollowedFile* file = by_number(number)) {
      file->queued = false;
      turning_ = number;
      turn(*file);
      turning_ = 0;
    }
  }
}

void Follower::enqueue(FollowedFile& file) {
  file.dirty = true;
  if (!file.waits_for.empty()) waiting_.insert(file.number);
  if (file.queued || file.under_way) return;
  file.queued = true;
  ready_.push_back(file.number);
}

void Follower::set_timer(FollowedFile& file, SteadyTime at) {
  if (file.timer) timers_.erase({*file.timer, file.number});
  file.timer = at;
  timers_.insert({at, file.number});
}

void Follower::run_timers() {
  const auto now = steady_clock::now();
  while (!timers_.empty() && timers_.begin()->first <= now) {
    FollowedFile& file = *by_number(timers_.begin()->second);
    timers_.erase(timers_.begin());
    file.timer.reset();
    enqueue(file);
  }
}

bool Follower::is_waiting(FollowedFile& file) {
  std::erase_if(file.waits_for, [&](std::uint64_t number) { return by_number(number) == nullptr; });
  if (file.waits_for.empty()) {
    waiting_.erase(file.number);
    return false;
  }
  waiting_.insert(file.number);
  return true;
}

void Follower::turn(FollowedFile& file) {
  if (file.under_way) return;
  file.dirty = false;
  if (file.ignored) return caught_up(file);
  if (is_waiting(file) || !open(file)) return;
  const auto now = steady_clock::now();
  if (now < file.try_at) return set_timer(file, file.try_at);
  if (file.before && found_copy_late(file)) return enqueue(file);
  if (file.read.offset == 0 && !file.origin_checked && !check_origin(file)) return;
  const std::size_t pending_before = file.pending_bytes;
  const bool last = file.frozen || (file.pending_bytes > 0 && now - file.grown_at >= options_.idle);
  const bool first = file.read.offset == 0;
  Piece piece = read_piece(file, context_.formats, source_.format, last);
  if (first && file.missed_since.mtime_ns != 0 && missed_more(file)) return enqueue(file);
  if (file.pending_bytes != pending_before) file.grown_at = now;
  if (piece.kind == Kind::kUnits || piece.kind == Kind::kSkipped) file.active_at = now;
  act(file, std::move(piece));
}

void Follower::act(FollowedFile& file, Piece piece) {
  const auto now = steady_clock::now();
  switch (piece.kind) {
    case Kind::kUnits: file.more = piece.more; return hand_in(file, std::move(piece.bytes), piece.too_long);
    case Kind::kSkipped: return enqueue(file);
    case Kind::kWait:
      file.active_at = std::max(file.active_at, file.grown_at);
      if (file.pending_bytes > kPieceBytes / 16) {
        file.try_at = now + milliseconds(file.pending_bytes / kReadAgainBytesPerMs);
      }
      set_timer(file, std::max(file.grown_at + options_.idle, file.try_at));
      return caught_up(file);
    case Kind::kEnd: return caught_up(file);
    case Kind::kChanged: return truncated(file);
    case Kind::kFailed:
      problems_[file.path] = display_name(file.path) + " cannot be read: " + std::strerror(piece.error) + ".";
      return set_timer(file, now + kRetry);
    case Kind::kNoLog:
      file.ignored = true;
      if (!piece.compressed) {
        source_.meter->refused("not-a-log");
        file.problem =
            display_name(file.path) + " is no log that can be read; exclude it, or name the format of the source.";
        problems_[file.path] = file.problem;
      }
      return caught_up(file);
  }
}

void Follower::hand_in(FollowedFile& file, std::string bytes, bool too_long) {
  if (too_long) source_.meter->refused("too-long");
  model::Delivery delivery;
  delivery.source = source_.id;
  delivery.received_at = context_.clock.now();
  delivery.format = file.cutter ? file.cutter->format() : model::Format::kText;
  delivery.peer = display_name(file.path);
  if (file.cutter) delivery.header = file.cutter->header();
  delivery.checkpoint_key = file.key;
  delivery.checkpoint_value = to_text(file.read, file.path);
  file.under_way = true;
  file.under_way_bytes = bytes.size();
  file.under_way_records = record_count(bytes, delivery.format);
  under_way_bytes_ += bytes.size();
  delivery.bytes = std::move(bytes);
  submit(context_.intake, file.number, std::move(delivery));
}

void Follower::mark_only(FollowedFile& file) {
  file.more = true;
  hand_in(file, {}, false);
}

void Follower::answers() {
  for (const Answers::Answer& answer : take_answers()) {
    FollowedFile& file = *by_number(answer.number);  // Kept while something is under way.
    file.under_way = false;
    under_way_bytes_ -= file.under_way_bytes;
    if (answer.result.ok()) {
      file.safe = file.read;
      if (file.under_way_bytes > 0) {
        source_.meter->received(file.under_way_records, file.under_way_bytes, context_.clock.now());
      }
      problems_.erase("");
    } else {
      file.read = file.safe;
      file.cutter.reset();
      file.more = true;
      file.try_at = steady_clock::now() + kRetry;
      problems_[""] = "The intake takes nothing now and is asked again: " + answer.result.error().text;
    }
    if (file.more || file.dirty) {
      enqueue(file);
    } else {
      caught_up(file);
    }
  }
}

void Follower::release_waiting(FollowedFile& file) {
  const std::vector<std::uint64_t> waiting(waiting_.begin(), waiting_.end());
  for (const std::uint64_t number : waiting) {
    FollowedFile* const other = by_number(number);
    if (other != nullptr && other->waits_for.erase(file.number) > 0 && other->waits_for.empty()) enqueue(*other);
  }
}

// Nothing more to read for now, and all is safe.
void Follower::caught_up(FollowedFile& file) {
  release_waiting(file);
  if (!file.matched) rest(file);
}

// A file that no longer matches is let go once it has not grown for a while.
void Follower::rest(FollowedFile& file) {
  const auto now = steady_clock::now();
  const bool done = file.ignored || file.frozen || now - file.active_at >= options_.rotated;
  if (done && file.pending_bytes == 0 && !file.under_way) return forget(file);
  const SteadyTime again = now + std::min(kLookAgain, options_.rotated);
  if (!file.timer || again < *file.timer) set_timer(file, again);
}

void Follower::forget(FollowedFile& file) {
  const std::set<std::uint64_t> held = held_;
  for (const std::uint64_t number : held) {
    FollowedFile* const copy = by_number(number);
    if (copy != nullptr && copy->copy_of == file.number) release_copy(*copy, file.read);
  }
  release_waiting(file);
  if (!file.matched) {
    remember_rotated(file.path, predecessor(file));
  }
  if (file.file.ok()) open_.erase(file.open_place);
  if (file.timer) timers_.erase({*file.timer, file.number});
  ids_.erase(file.id);
  if (const auto at = paths_.find(file.path); at != paths_.end() && at->second == file.number) paths_.erase(at);
  unmatched_.erase(file.number);
  waiting_.erase(file.number);
  held_.erase(file.number);
  files_.erase(file.number);
}

void Follower::adopt(FollowedFile& file, Descriptor descriptor) {
  file.file = std::move(descriptor);
  file.open_place = open_.insert(open_.end(), file.number);
  close_idle_files();
}

void Follower::close_idle_files() {
  for (auto it = open_.begin(); open_.size() > std::max<std::size_t>(options_.max_open_files, 1) && it != open_.end();) {
    FollowedFile& file = *by_number(*it);
    // The one just opened is the last; one that left its name could not be found again.
    if (std::next(it) == open_.end()) return;
    if (file.under_way || !file.matched || file.pending_bytes > 0 || file.number == turning_) {
      ++it;
      continue;
    }
    it = open_.erase(it);
    file.file.reset();
  }
}

bool Follower::open(FollowedFile& file) {
  if (file.file.ok()) {
    open_.splice(open_.end(), open_, file.open_place);
    return true;
  }
  struct stat info{};
  Descriptor descriptor = open_path(file.path, file.by_pattern, info);
  if (!descriptor.ok() || id_of(info) != file.id) {
    descriptor.reset();
    for (const Sibling& sibling : siblings(file.path, false)) {
      if (id_of(sibling.info) != file.id) continue;
      descriptor = open_path(sibling.path, true, info);
      if (descriptor.ok() && id_of(info) == file.id) break;
      descriptor.reset();
    }
    need_scan_ = true;
  }
  if (descriptor.ok()) {
    adopt(file, std::move(descriptor));
    return true;
  }
  // Deleted, out of reach, or for a moment nowhere: what was handed in is safe; the next scan starts it again.
  if (problems_.contains(file.path)) {
    set_timer(file, steady_clock::now() + kRetry);
    caught_up(file);
  } else {
    forget(file);
  }
  return false;
}

void Follower::notices() {
  const auto now = steady_clock::now();
  if (now < notices_at_ + kGather) return;
  std::vector<FolderWatch::Notice> notices;
  if (!watch_.read(notices)) {
    need_scan_ = true;
    for (const auto& [number, file] : files_) enqueue(*file);
  }
  if (!notices.empty()) notices_at_ = now;
  for (const FolderWatch::Notice& notice : notices) {
    const std::string path = (notice.folder == "/" ? "" : notice.folder) + "/" + notice.name;
    const auto target = link_targets_.find(path);
    const auto found = paths_.find(target == link_targets_.end() ? path : target->second);
    if (found != paths_.end()) enqueue(*by_number(found->second));
    if (notice.written) continue;
    // Names and rights: only what a pattern may be about costs a look at everything.
    if (touched_.size() < options_.max_files && globs_.matches(path)) touched_.insert(path);
    need_scan_ =
        need_scan_ || notice.name.empty() || found != paths_.end() || globs_.matches(path) || globs_.on_the_way(path);
  }
}

void Follower::show_problem() {
  std::string text;
  if (!problems_.empty()) {
    text = problems_.begin()->second;
    if (problems_.size() > 1) text += " (" + std::to_string(problems_.size() - 1) + " more like this.)";
  } else if (!complete_) {
    text = "More than " + std::to_string(options_.max_files) +
           " files match; the rest is not followed. Make the patterns narrower, or split them over several sources.";
  } else if (skipped_link_count_ > 0) {
    text = std::to_string(skipped_link_count_) + " links match and are not followed; allow it with follow_links.";
  }
  if (text == shown_problem_) return;
  shown_problem_ = text;
  source_.meter->problem(std::move(text));
}

}  // namespace tocsin::source::tail

namespace tocsin::source {

core::Result<std::unique_ptr<LiveSource>> start_tail(TailOptions options, SourceRef source, const SourceContext& context) {
  auto globs = TOCSIN_TRY(tail::Globs::make(options.globs, options.exclude, options.follow_links));
  auto follower = std::make_unique<tail::Follower>(std::move(options), std::move(source), context, std::move(globs));
  follower->start();
  return core::Result<std::unique_ptr<LiveSource>>(std::move(follower));
}

}  // namespace tocsin::source
