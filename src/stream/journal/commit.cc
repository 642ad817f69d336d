// The commit thread: takes what has gathered, makes room, writes one group at the end of the tail, syncs it, then shows it
// to readers and answers. A write or sync that failed leaves the tail cut back to what was synced; after a failed sync, or
// where it cannot be cut, the group goes to a new segment, because nobody knows what of the old pages is on disk. The group
// keeps its sequences whatever happens: readers have not seen them.
#include <fcntl.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <random>

#include "stream/journal/bytes.h"
#include "stream/journal/local_journal.h"

namespace tocsin::stream {
namespace {
constexpr std::size_t kGroupBytes = 8u << 20;  // A group this large is written without waiting for more.
constexpr std::chrono::seconds kRetryDelay{1};

std::uint64_t new_mark() {
  std::random_device device;
  std::uint64_t mark = 0;
  while (mark == 0) mark = std::uint64_t{device()} << 32 | device();
  return mark;
}
}  // namespace

void LocalJournal::run() {
  while (true) {
    Group group = take_group();
    if (group.empty()) return;
    commit(group);
  }
}

LocalJournal::Group LocalJournal::take_group() {
  const std::size_t most_bytes =
      static_cast<std::size_t>(std::min<std::uint64_t>({kGroupBytes, options_.segment_bytes, options_.max_bytes / 4}));
  core::Lock lock(mutex_);
  while (queue_.empty() && !stop_) lock.wait(work_);
  while (!stop_ && queued_bytes_ < most_bytes) {
    const auto left = queue_.front().since + options_.commit_delay - std::chrono::steady_clock::now();
    if (left <= left.zero() || !lock.wait_for(work_, left)) break;
  }
  Group group;
  std::size_t bytes = 0;
  while (!queue_.empty() && (group.empty() || bytes + queue_.front().bytes <= most_bytes)) {
    bytes += queue_.front().bytes;
    group.push_back(std::move(queue_.front()));
    queue_.pop_front();
  }
  return group;
}

void LocalJournal::assign(Group& group) {
  for (Pending& pending : group) {
    const std::string& key = pending.delivery.once_key;
    if (const auto first = key.empty() ? std::nullopt : once_keys_.find(key)) {
      pending.sequence = *first;
      pending.duplicate = true;
      continue;
    }
    pending.sequence = next_sequence_++;
    if (!key.empty()) once_keys_.add(key, pending.sequence);
  }
}

void LocalJournal::commit(Group& group) {
  if (given_up_) return answer(group, core::Error{core::ErrorCode::kIo, "the journal stopped before this was written"});
  const std::chrono::nanoseconds start = clock_.steady_now();
  assign(group);
  const bool fresh = std::any_of(group.begin(), group.end(), [](const Pending& pending) { return !pending.duplicate; });
  while (fresh) {
    core::Result<void> written = write_group(group);
    if (written.ok()) break;
    meters_.failures.add();
    if (wait_to_retry(written.error())) continue;
    given_up_ = true;
    return answer(group, written);
  }
  if (fresh) publish(group, tail_->end_bytes + buffer_.size());
  if (buffer_.capacity() > kGroupBytes * 2) std::string().swap(buffer_);
  meters_.commit_seconds.set(meters_.commit_seconds.value() +
                             std::chrono::duration<double>(clock_.steady_now() - start).count());
  answer(group, {});
}

core::Result<void> LocalJournal::write_group(const Group& group) {
  std::uint64_t first = 0;
  std::size_t bytes = 0;
  for (const Pending& pending : group) {
    if (pending.duplicate) continue;
    if (first == 0) first = pending.sequence;
    bytes += pending.bytes;
  }
  if (next_sequence_ > kMaxSequence) return core::Error{core::ErrorCode::kLimit, "the journal has no sequence numbers left"};
  TOCSIN_TRY(make_room(bytes + kSegmentHeadBytes, first));
  const bool full =
      active() != nullptr && tail_->last >= tail_->first() && tail_->end_bytes + bytes > options_.segment_bytes;
  if (active() == nullptr || full) TOCSIN_TRY(roll(first));
  buffer_.clear();
  for (const Pending& pending : group) {
    if (!pending.duplicate) append_entry(buffer_, tail_->head.mark, pending.sequence, pending.delivery);
  }
  core::Result<void> written = write_at(tail_->file, tail_->path, tail_->end_bytes, buffer_);
  const bool sync_failed = written.ok() && !(written = sync_data(tail_->file, tail_->path)).ok();
  if (written.ok()) return {};
  out_of_space_ = written.error().code == core::ErrorCode::kLimit;
  const bool cut = ::ftruncate(tail_->file.get(), static_cast<off_t>(tail_->end_bytes)) == 0;
  if (sync_failed || !cut) need_segment_ = true;
  return written;
}

core::Result<std::uint64_t> LocalJournal::free_bytes() const {
  struct statvfs status{};
  if (::fstatvfs(folder_.get(), &status) != 0) return io_error("look at", options_.folder, errno);
  return static_cast<std::uint64_t>(status.f_bavail) * status.f_frsize;
}

core::Result<void> LocalJournal::make_room(std::uint64_t needed_bytes, std::uint64_t next_sequence) {
  while (true) {
    const std::uint64_t total = total_bytes();
    const std::uint64_t free = TOCSIN_TRY(free_bytes());
    const bool over_own = total + needed_bytes > options_.max_bytes;
    const bool over_disk = free < options_.min_free_bytes + needed_bytes;
    if (!over_own && !over_disk && !std::exchange(out_of_space_, false)) return {};
    if (TOCSIN_TRY(remove_oldest(next_sequence))) continue;
    if (!over_own && !over_disk) return {};
    const std::string why = over_own ? "the journal in " + options_.folder + " has " + std::to_string(total) +
                                           " bytes of at most " + std::to_string(options_.max_bytes)
                                     : "the disk of " + options_.folder + " has " + std::to_string(free) + " bytes free, " +
                                           std::to_string(options_.min_free_bytes) + " must stay free";
    return core::Error{core::ErrorCode::kLimit, why + "; new deliveries wait. " + slowest_position()};
  }
}

std::string LocalJournal::slowest_position() const {
  const core::Lock lock(mutex_);
  if (positions_.empty()) return "Nothing may be removed: no reader has saved a position yet";
  const auto slowest = std::min_element(positions_.begin(), positions_.end(),
                                        [](const auto& a, const auto& b) { return a.second < b.second; });
  return "The reader furthest behind is " + slowest->first + ", done up to " + std::to_string(slowest->second) + " of " +
         std::to_string(synced_last_);
}

// False where nothing may go. The tail goes too, where all of it is done: a new one is begun first.
core::Result<bool> LocalJournal::remove_oldest(std::uint64_t next_sequence) {
  std::shared_ptr<Segment> oldest;
  {
    const core::Lock lock(mutex_);
    if (segments_.empty() || positions_.empty()) return false;
    oldest = segments_.front();
    for (const auto& [name, done] : positions_) {
      if (done < oldest->last) return false;
    }
  }
  if (oldest == tail_) {
    if (oldest->last < oldest->first()) return false;
    TOCSIN_TRY(roll(next_sequence));
  }
  if (oldest->last > snapshot_sequence_) TOCSIN_TRY(write_checkpoints());
  if (::unlink(oldest->path.c_str()) != 0 && errno != ENOENT) return io_error("remove", oldest->path, errno);
  {
    const core::Lock lock(mutex_);
    segments_.pop_front();
    damage_.forget_before(oldest->last + 1);
  }
  meters_.removed_segments.add();
  meters_.bytes.set(static_cast<double>(total_bytes()));
  return true;
}

core::Result<void> LocalJournal::write_checkpoints() {
  std::string bytes;
  std::uint64_t sequence = 0;
  {
    const core::Lock lock(mutex_);
    bytes = checkpoints_.encode();
    sequence = synced_last_;
  }
  const std::string path = options_.folder + "/" + std::string(kCheckpointsName);
  TOCSIN_TRY(write_kept(folder_, path, path + ".tmp", sequence, bytes));
  snapshot_sequence_ = sequence;
  return {};
}

core::Result<void> LocalJournal::roll(std::uint64_t next_sequence) {
  if (tail_ && tail_->last > snapshot_sequence_) TOCSIN_TRY(write_checkpoints());
  auto segment = std::make_shared<Segment>();
  segment->head = {.mark = new_mark(),
                   .first_sequence = next_sequence,
                   .previous_last = tail_ ? std::min(tail_->last, next_sequence - 1) : 0,
                   .once_keys = once_key_count_};
  segment->path = options_.folder + "/" + segment_name(next_sequence);
  segment->last = next_sequence - 1;
  segment->end_bytes = kSegmentHeadBytes;
  const bool replaces = tail_ && tail_->first() == next_sequence;  // It holds nothing that was synced.
  if (::unlink(segment->path.c_str()) != 0 && errno != ENOENT) return io_error("remove", segment->path, errno);
  const auto create = [&]() -> core::Result<void> {
    segment->file = TOCSIN_TRY(open_file(segment->path, O_RDWR | O_CREAT | O_EXCL));
    TOCSIN_TRY(write_at(segment->file, segment->path, 0, encode(segment->head)));
    TOCSIN_TRY(sync_all(segment->file, segment->path));
    return sync_all(folder_, options_.folder);
  };
  if (core::Result<void> created = create(); !created.ok()) {
    ::unlink(segment->path.c_str());
    if (replaces) need_segment_ = true;
    return created;
  }
  // What is torn behind its end is not needed any more; where it stays it is passed over.
  if (tail_ && tail_->file.open() && !replaces && need_segment_ && tail_->readable &&
      ::ftruncate(tail_->file.get(), static_cast<off_t>(tail_->end_bytes)) != 0) {
    meters_.failures.add();
  }
  const core::Lock lock(mutex_);
  if (tail_) tail_->sealed = true;
  if (replaces) segments_.pop_back();
  segments_.push_back(segment);
  tail_ = segment;
  need_segment_ = false;
  return {};
}

bool LocalJournal::wait_to_retry(const core::Error& problem) {
  meters_.blocked.set(1);
  core::Lock lock(mutex_);
  problem_ = problem.text;
  const auto until = std::chrono::steady_clock::now() + kRetryDelay;
  while (!stop_ && !retry_now_) {
    const auto left = until - std::chrono::steady_clock::now();
    if (left <= left.zero() || !lock.wait_for(work_, left)) break;
  }
  retry_now_ = false;
  return !stop_;
}

void LocalJournal::publish(const Group& group, std::uint64_t end_bytes) {
  std::uint64_t forgotten = 0;
  std::uint64_t entries = 0;
  {
    const core::Lock lock(mutex_);
    for (const Pending& pending : group) {
      if (pending.duplicate) continue;
      const model::Delivery& delivery = pending.delivery;
      tail_->last = pending.sequence;
      tail_->newest_received = std::max(tail_->newest_received, delivery.received_at);
      if (!delivery.checkpoint_key.empty()) {
        forgotten += checkpoints_.set(delivery.checkpoint_key, delivery.checkpoint_value, pending.sequence);
      }
      if (!delivery.once_key.empty()) ++once_key_count_;
      ++entries;
    }
    tail_->end_bytes = end_bytes;
    synced_last_ = tail_->last;
    problem_.clear();
    retry_now_ = false;
  }
  synced_.notify_all();
  meters_.blocked.set(0);
  meters_.appended_entries.add(entries);
  meters_.appended_bytes.add(buffer_.size());
  meters_.commits.add();
  meters_.forgotten_checkpoints.add(forgotten);
  meters_.bytes.set(static_cast<double>(total_bytes()));
}

void LocalJournal::answer(Group& group, const core::Result<void>& result) {
  {
    const core::Lock lock(mutex_);
    for (const Pending& pending : group) queued_bytes_ -= pending.bytes;
    meters_.queued_bytes.set(static_cast<double>(queued_bytes_));
  }
  for (Pending& pending : group) {
    if (result.ok()) {
      meters_.duplicates.add(pending.duplicate ? 1 : 0);
      pending.done(pending.sequence);
    } else {
      pending.done(result.error());
    }
  }
}

}  // namespace tocsin::stream
