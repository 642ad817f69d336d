// From the journal to the store: reads deliveries in order, decodes them, asks the rules, makes rows and findings.
//
// One thread. What it does is a function of the journal, the rules and the saved position: after a crash it goes on from the
// position and leaves out what is in the store already. Time for correlations passes by the journal too: where nothing comes
// and something waits, it appends an entry of its own (source 0, kTickPeer),
// whose header says how many nanoseconds have passed that the arrivals of the entries do not tell (pipeline/lanes.h).
#pragma once
#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "app/board.h"
#include "app/detection.h"
#include "app/pipeline/finding_bound.h"
#include "app/store_writer.h"
#include "core/clock.h"
#include "core/metrics.h"
#include "core/mutex.h"
#include "core/result.h"
#include "store/store.h"
#include "stream/journal.h"

namespace tocsin::app {

inline constexpr const char* kTickPeer = "tick";
// Attribute of stored rows whose raw record needs it to be decoded again: the header of the CSV or Zeek file.
inline constexpr const char* kHeaderAttribute = "_header";
inline constexpr std::chrono::seconds kSavePositionEvery{5};
inline constexpr std::size_t kMaxBlockRows = 20'000;
inline constexpr std::size_t kMaxBlockBytes = 24u << 20;
// Findings that gather while others are being written; past that the processor waits. A few KB each.
inline constexpr std::size_t kMaxBlockFindings = 2'000;

struct ProcessorOptions {
  std::chrono::nanoseconds lateness = std::chrono::seconds(5);
  std::chrono::milliseconds event_delay{100};  // How long rows wait for others at most, while the store is idle.
  std::chrono::milliseconds finding_delay{4};
  FindingLimits findings;
  std::uint64_t hash_seed = 0;  // Of correlators; the same after a restart.
  // Its events are a recording, played at many times its pace and in parts that overlap by so much. Empty: none.
  std::string recording_tenant;
  std::chrono::nanoseconds recording_lateness{0};
};

class Processor {
 public:
  struct Context {
    stream::Journal& journal;
    store::Store& store;
    StoreWriter& writer;
    SourceBoard& board;
    const DetectionContent& content;
    const core::Clock& clock;
    core::Metrics& metrics;
  };
  Processor(Context context, ProcessorOptions options, std::shared_ptr<const Detection> detection);
  ~Processor();
  Processor(const Processor&) = delete;
  Processor& operator=(const Processor&) = delete;

  // Loads the position and what the store has behind it, then begins.
  core::Result<void> start();
  // The next delivery is asked these rules. State of correlations goes on where they are the same.
  void set_detection(std::shared_ptr<const Detection> detection);
  [[nodiscard]] std::shared_ptr<const Detection> detection() const;
  // Hands on what it has, saves where it is, ends; within `time`. What is left comes out of the journal again.
  void stop(std::chrono::milliseconds time);

  [[nodiscard]] std::uint64_t done_sequence() const { return done_sequence_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::string problem() const;
  struct Counts {
    std::uint64_t late = 0, evicted = 0, without_time = 0, correlation_state_dropped = 0, suppressed = 0;
    struct Folded {
      std::string rule_id, rule_title;
      model::SourceId source;
      std::uint64_t count = 0;
    };
    std::vector<Folded> folded;  // What `suppressed` is made of, without rules that are gone.
  };
  [[nodiscard]] Counts counts() const;

 private:
  class Work;  // What the thread has for itself.
  void run();

  const Context context_;
  const ProcessorOptions options_;
  mutable core::Mutex mutex_;
  std::shared_ptr<const Detection> detection_ GUARDED_BY(mutex_);
  std::string problem_ GUARDED_BY(mutex_);
  Counts counts_ GUARDED_BY(mutex_);
  std::atomic<bool> stopping_{false};
  std::atomic<std::uint64_t> done_sequence_{0};
  std::unique_ptr<Work> work_;
  std::thread thread_;
};

}  // namespace tocsin::app
