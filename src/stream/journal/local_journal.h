// The journal on a local disk.
//
// append() and the getters: any thread. One commit thread owns the tail, the once keys and the sequence numbers; what
// readers see of the segments is under one lock, never held over I/O or a call out.
#pragma once
#include <atomic>
#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "core/mutex.h"
#include "stream/journal.h"
#include "stream/journal/open.h"

namespace tocsin::stream {

struct JournalMeters {
  explicit JournalMeters(core::Metrics& metrics);
  core::Counter &appended_entries, &appended_bytes, &duplicates, &refused, &commits, &failures, &damaged, &removed_segments,
      &forgotten_checkpoints;
  core::Gauge &commit_seconds, &queued_bytes, &bytes, &blocked;
};

class LocalJournal final : public Journal {
 public:
  LocalJournal(JournalOptions options, const core::Clock& clock, core::Metrics& metrics, OpenJournal opened);
  ~LocalJournal() override;
  void append(model::Delivery delivery, Done done) override;
  [[nodiscard]] std::string checkpoint(std::string_view key) const override;
  std::unique_ptr<Reader> read(std::uint64_t from) override;
  std::uint64_t sequence_at(core::Timestamp time) override;
  core::Result<void> save_position(std::string_view name, const Position& position) override;
  core::Result<std::optional<Position>> load_position(std::string_view name) override;
  void forget_position(std::string_view name) override;
  [[nodiscard]] JournalHealth health() const override;

  // For readers: the first segment that may hold `sequence` or a later one, as far as it is synced.
  struct View {
    std::shared_ptr<Segment> segment;
    std::uint64_t end_bytes = 0, last = 0;
  };
  [[nodiscard]] std::optional<View> view(std::uint64_t sequence) const;
  [[nodiscard]] View view_of(const std::shared_ptr<Segment>& segment) const;
  // Until `sequence` is synced or the time is up.
  void wait_for(std::uint64_t sequence, std::chrono::steady_clock::time_point until) const;
  void note_damage(const std::vector<SequenceRange>& ranges);

 private:
  struct Pending {
    model::Delivery delivery;
    Done done;
    std::size_t bytes = 0;
    std::chrono::steady_clock::time_point since;
    std::uint64_t sequence = 0;
    bool duplicate = false;
  };
  using Group = std::vector<Pending>;

  // The commit thread (commit.cc).
  void run();
  Group take_group();
  void commit(Group& group);
  void assign(Group& group);
  core::Result<void> write_group(const Group& group);
  core::Result<void> make_room(std::uint64_t needed_bytes, std::uint64_t next_sequence);
  core::Result<bool> remove_oldest(std::uint64_t next_sequence);
  core::Result<void> roll(std::uint64_t next_sequence);
  core::Result<void> write_checkpoints();
  [[nodiscard]] core::Result<std::uint64_t> free_bytes() const;
  bool wait_to_retry(const core::Error& problem);
  void publish(const Group& group, std::uint64_t end_bytes);
  void answer(Group& group, const core::Result<void>& result);
  [[nodiscard]] std::uint64_t total_bytes() const;
  [[nodiscard]] std::string slowest_position() const;
  Segment* active() { return need_segment_ ? nullptr : tail_.get(); }

  const JournalOptions options_;
  const core::Clock& clock_;
  JournalMeters meters_;
  Descriptor lock_, folder_;

  mutable core::Mutex mutex_;
  mutable std::condition_variable work_, synced_;
  std::deque<Pending> queue_ GUARDED_BY(mutex_);
  std::size_t queued_bytes_ GUARDED_BY(mutex_) = 0;
  bool stop_ GUARDED_BY(mutex_) = false;
  bool retry_now_ GUARDED_BY(mutex_) = false;
  std::string problem_ GUARDED_BY(mutex_);
  std::deque<std::shared_ptr<Segment>> segments_ GUARDED_BY(mutex_);
  std::uint64_t synced_last_ GUARDED_BY(mutex_) = 0;
  std::map<std::string, std::uint64_t, std::less<>> positions_ GUARDED_BY(mutex_);
  Checkpoints checkpoints_ GUARDED_BY(mutex_);
  DamageLog damage_ GUARDED_BY(mutex_);
  const std::uint64_t truncated_bytes_;
  std::atomic<std::uint64_t> scratch_count_{0};

  // Of the commit thread.
  std::shared_ptr<Segment> tail_;
  bool need_segment_;
  bool out_of_space_ = false;  // The last write failed for want of space, whatever the file system says is free.
  bool given_up_ = false;      // Stopping, and a write failed.
  std::uint64_t next_sequence_;
  std::uint64_t once_key_count_;
  std::uint64_t snapshot_sequence_;
  OnceKeys once_keys_;
  std::string buffer_;
  std::thread thread_;
};

std::unique_ptr<Journal::Reader> make_reader(LocalJournal& journal, std::uint64_t from);

}  // namespace tocsin::stream
