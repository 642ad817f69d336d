// Blocks to the store, in the order they come, each until it is in: events on one thread, findings on another so that they
// do not wait behind a large block of events. Positions of the journal are saved behind what they cover.
#pragma once
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "api/platform.h"
#include "core/clock.h"
#include "core/metrics.h"
#include "core/mutex.h"
#include "store/store.h"
#include "stream/journal.h"

namespace tocsin::app {

inline constexpr const char* kPositionName = "store";

class StoreWriter {
 public:
  using Publish = std::function<void(const api::LiveEvent&)>;
  // All outlive it. `publish` is called once a finding can be found in the store.
  StoreWriter(store::Store& store, stream::Journal& journal, const core::Clock& clock, core::Metrics& metrics,
              Publish publish);
  ~StoreWriter();
  StoreWriter(const StoreWriter&) = delete;
  StoreWriter& operator=(const StoreWriter&) = delete;

  // Events and dead letters, and the position that is reached with them and all findings put before. Waits while
  // kMaxWaiting blocks wait. False: it is stopping, nothing was taken (and nothing may be put behind it). `oldest`: when the
  // first of it was received.
  bool put(store::Block block, core::Timestamp oldest, std::optional<stream::Journal::Position> after);
  bool put_findings(store::Block block, core::Timestamp oldest, std::vector<api::LiveEvent> live);
  // No block of events waits or is being written.
  [[nodiscard]] bool idle() const;
  [[nodiscard]] bool findings_idle() const;  // The same of findings.
  // A block to fill, with the memory of one that was written where there is one.
  store::Block empty_block() { return taken_from(&StoreWriter::spare_); }
  store::Block empty_finding_block() { return taken_from(&StoreWriter::spare_findings_); }
  // From now on nobody waits for room: what there is none for is not taken, and comes out of the journal again.
  void hurry();
  // Waits until all that was put is in the store. False: time is up.
  bool drain(std::chrono::milliseconds time);
  // What is not written yet is left: it comes out of the journal again.
  void stop();

  [[nodiscard]] std::string problem() const;  // Empty: well.
  // From arrival to being in the store: smoothed over the last blocks, in nanoseconds.
  [[nodiscard]] std::int64_t event_lag_ns() const { return event_lag_ns_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::int64_t finding_lag_ns() const { return finding_lag_ns_.load(std::memory_order_relaxed); }
  static constexpr std::size_t kMaxWaiting = 2;

 private:
  struct Item {
    store::Block block;
    core::Timestamp oldest;
    std::optional<stream::Journal::Position> after;
    std::uint64_t finding_ticket = 0;  // Findings that must be in before `after` is saved.
    std::vector<api::LiveEvent> live;
  };
  void run_events();
  void run_findings();
  bool write(const store::Block& block);
  store::Block taken_from(std::vector<store::Block> StoreWriter::* spare);
  std::optional<Item> next(std::deque<Item>& queue, bool& busy);

  store::Store& store_;
  stream::Journal& journal_;
  const core::Clock& clock_;
  const Publish publish_;
  core::Counter& retries_;
  core::Counter& events_written_;
  core::Counter& findings_written_;
  core::Counter& event_blocks_;
  core::Counter& finding_blocks_;
  std::atomic<std::int64_t> event_lag_ns_{0}, finding_lag_ns_{0};
  mutable core::Mutex mutex_;
  mutable std::condition_variable changed_;
  std::deque<Item> events_ GUARDED_BY(mutex_), findings_ GUARDED_BY(mutex_);
  std::vector<store::Block> spare_ GUARDED_BY(mutex_), spare_findings_ GUARDED_BY(mutex_);
  bool events_busy_ GUARDED_BY(mutex_) = false, findings_busy_ GUARDED_BY(mutex_) = false,
                    stopping_ GUARDED_BY(mutex_) = false, hurry_ GUARDED_BY(mutex_) = false;
  std::uint64_t findings_put_ GUARDED_BY(mutex_) = 0, findings_done_ GUARDED_BY(mutex_) = 0;
  std::string problem_ GUARDED_BY(mutex_);
  std::thread event_thread_, finding_thread_;
};

}  // namespace tocsin::app
