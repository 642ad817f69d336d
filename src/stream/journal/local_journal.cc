#include "stream/journal/local_journal.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>

namespace tocsin::stream {

JournalMeters::JournalMeters(core::Metrics& metrics)
    : appended_entries(metrics.counter("tocsin_journal_appended_entries_total", "Entries written and synced.")),
      appended_bytes(metrics.counter("tocsin_journal_appended_bytes_total", "Bytes of entries written and synced.")),
      duplicates(metrics.counter("tocsin_journal_duplicates_total", "Deliveries not kept again, by their once key.")),
      refused(metrics.counter("tocsin_journal_refused_total", "Appends refused: over a limit, or while stopping.")),
      commits(metrics.counter("tocsin_journal_commits_total", "Groups written and synced.")),
      failures(
          metrics.counter("tocsin_journal_failed_commits_total", "Attempts to write a group that failed or had no room.")),
      damaged(metrics.counter("tocsin_journal_damaged_entries_total", "Entries found damaged and skipped.")),
      removed_segments(
          metrics.counter("tocsin_journal_removed_segments_total", "Segments removed, all done, to make room.")),
      forgotten_checkpoints(
          metrics.counter("tocsin_journal_forgotten_checkpoints_total", "Checkpoints dropped for want of room.")),
      commit_seconds(
          metrics.gauge("tocsin_journal_commit_seconds", "Time spent in commits since the start, waiting included.")),
      queued_bytes(metrics.gauge("tocsin_journal_queued_bytes", "Bytes of appends not yet synced.")),
      bytes(metrics.gauge("tocsin_journal_bytes", "Bytes of all segments.")),
      blocked(metrics.gauge("tocsin_journal_blocked", "1 while appends wait for the disk or for room.")) {}

LocalJournal::LocalJournal(JournalOptions options, const core::Clock& clock, core::Metrics& metrics, OpenJournal opened)
    : options_(std::move(options)),
      clock_(clock),
      meters_(metrics),
      lock_(std::move(opened.lock)),
      folder_(std::move(opened.folder)),
      segments_(opened.segments.begin(), opened.segments.end()),
      synced_last_(opened.next_sequence - 1),
      positions_(std::move(opened.positions)),
      checkpoints_(std::move(opened.checkpoints)),
      damage_(std::move(opened.damage)),
      truncated_bytes_(opened.truncated_bytes),
      need_segment_(opened.need_segment),
      next_sequence_(opened.next_sequence),
      once_key_count_(opened.once_key_count),
      snapshot_sequence_(opened.snapshot_sequence),
      once_keys_(std::move(opened.once_keys)) {
  if (!opened.segments.empty()) tail_ = opened.segments.back();
  meters_.damaged.add(damage_.count());
  meters_.bytes.set(static_cast<double>(total_bytes()));
  thread_ = std::thread([this] { run(); });
}

LocalJournal::~LocalJournal() {
  {
    const core::Lock lock(mutex_);
    stop_ = true;
  }
  work_.notify_all();
  thread_.join();
}

void LocalJournal::append(model::Delivery delivery, Done done) {
  Pending pending{.delivery = std::move(delivery), .done = std::move(done), .since = std::chrono::steady_clock::now()};
  pending.bytes = encoded_bytes(pending.delivery);
  core::Result<void> accepted = check_limits(pending.delivery);
  if (accepted.ok() && pending.bytes > options_.max_bytes / 2) {
    accepted = core::Error{core::ErrorCode::kLimit, "a delivery of " + std::to_string(pending.bytes) +
                                                        " bytes is more than half of the journal's " +
                                                        std::to_string(options_.max_bytes)};
  }
  if (accepted.ok()) {
    const core::Lock lock(mutex_);
    if (stop_) {
      accepted = core::Error{core::ErrorCode::kIo, "the journal is stopping"};
    } else if (queued_bytes_ + pending.bytes > options_.max_queued_bytes) {
      accepted = core::Error{core::ErrorCode::kLimit, "the journal has " + std::to_string(queued_bytes_) +
                                                          " bytes waiting to be written, at most " +
                                                          std::to_string(options_.max_queued_bytes)};
    } else {
      queued_bytes_ += pending.bytes;
      meters_.queued_bytes.set(static_cast<double>(queued_bytes_));
      queue_.push_back(std::move(pending));
    }
  }
  if (accepted.ok()) {
    work_.notify_one();
    return;
  }
  meters_.refused.add();
  pending.done(accepted.error());
}

std::string LocalJournal::checkpoint(std::string_view key) const {
  const core::Lock lock(mutex_);
  return checkpoints_.get(key);
}

std::unique_ptr<Journal::Reader> LocalJournal::read(std::uint64_t from) { return make_reader(*this, from); }

std::optional<LocalJournal::View> LocalJournal::view(std::uint64_t sequence) const {
  const core::Lock lock(mutex_);
  const auto at = std::partition_point(segments_.begin(), segments_.end(),
                                       [&](const std::shared_ptr<Segment>& segment) { return segment->last < sequence; });
  if (at == segments_.end()) return std::nullopt;
  return View{*at, (*at)->end_bytes, (*at)->last};
}

LocalJournal::View LocalJournal::view_of(const std::shared_ptr<Segment>& segment) const {
  const core::Lock lock(mutex_);
  return {segment, segment->end_bytes, segment->last};
}

void LocalJournal::wait_for(std::uint64_t sequence, std::chrono::steady_clock::time_point until) const {
  core::Lock lock(mutex_);
  while (synced_last_ < sequence) {
    const auto left = until - std::chrono::steady_clock::now();
    if (left <= left.zero() || !lock.wait_for(synced_, left)) return;
  }
}

void LocalJournal::note_damage(const std::vector<SequenceRange>& ranges) {
  const core::Lock lock(mutex_);
  for (const SequenceRange& range : ranges) meters_.damaged.add(damage_.add(range));
}

core::Result<void> LocalJournal::save_position(std::string_view name, const Position& position) {
  if (!is_position_name(name) || position.done_sequence > kMaxSequence) {
    return core::Error{core::ErrorCode::kInvalid, "a position's name is of 1 to 64 of a-z 0-9 _ -, its sequence at most " +
                                                      std::to_string(kMaxSequence)};
  }
  const std::string path = options_.folder + "/" + std::string(kPositionPrefix) + std::string(name);
  const std::string scratch = path + "." + std::to_string(++scratch_count_) + ".tmp";
  TOCSIN_TRY(write_kept(folder_, path, scratch, position.done_sequence, position.state));
  {
    const core::Lock lock(mutex_);
    positions_[std::string(name)] = position.done_sequence;
    retry_now_ = true;
  }
  work_.notify_all();
  return {};
}

core::Result<std::optional<Journal::Position>> LocalJournal::load_position(std::string_view name) {
  if (!is_position_name(name)) return std::optional<Position>();
  core::Result<KeptFile> kept = read_kept(options_.folder + "/" + std::string(kPositionPrefix) + std::string(name));
  if (!kept.ok() && kept.error().code == core::ErrorCode::kNotFound) return std::optional<Position>();
  if (!kept.ok()) return kept.error();
  return std::optional(Position{.done_sequence = kept->number, .state = std::move(kept->bytes)});
}

void LocalJournal::forget_position(std::string_view name) {
  if (!is_position_name(name)) return;
  ::unlink((options_.folder + "/" + std::string(kPositionPrefix) + std::string(name)).c_str());
  sync_all(folder_, options_.folder).ignore("after a crash the name may be there again and is forgotten again");
  {
    const core::Lock lock(mutex_);
    if (const auto at = positions_.find(name); at != positions_.end()) positions_.erase(at);
    retry_now_ = true;
  }
  work_.notify_all();
}

std::uint64_t LocalJournal::total_bytes() const {
  const core::Lock lock(mutex_);
  std::uint64_t bytes = 0;
  for (const std::shared_ptr<Segment>& segment : segments_) bytes += segment->end_bytes;
  return bytes;
}

JournalHealth LocalJournal::health() const {
  JournalHealth out;
  out.bytes = total_bytes();
  const core::Lock lock(mutex_);
  out.problem = problem_;
  for (const std::shared_ptr<Segment>& segment : segments_) {
    if (segment->last < segment->first()) continue;
    if (out.first_sequence == 0) out.first_sequence = segment->first();
    out.last_sequence = segment->last;
  }
  out.queued_bytes = queued_bytes_;
  out.damaged_entries = damage_.count();
  out.truncated_bytes = truncated_bytes_;
  return out;
}

core::Result<std::unique_ptr<Journal>> Journal::open(JournalOptions options, const core::Clock& clock,
                                                     core::Metrics& metrics) {
  if (options.folder.empty()) return core::Error{core::ErrorCode::kInvalid, "the journal has no folder"};
  // So small that room can be made piece by piece.
  options.segment_bytes = std::min<std::size_t>(options.segment_bytes, static_cast<std::size_t>(options.max_bytes / 4));
  if (options.first_sequence > kMaxSequence) {
    return core::Error{core::ErrorCode::kInvalid, "the journal's first sequence is above " + std::to_string(kMaxSequence)};
  }
  OpenJournal opened = TOCSIN_TRY(open_folder(options.folder));
  if (opened.next_sequence <
      options.first_sequence) {  // A new segment, whose head says that what is between was not given out.
    opened.next_sequence = options.first_sequence;
    opened.need_segment = true;
  }
  return std::unique_ptr<Journal>(std::make_unique<LocalJournal>(std::move(options), clock, metrics, std::move(opened)));
}

}  // namespace tocsin::stream
