// All sources there are, who they belong to and what became of them: the directory that sources ask, the counts that the
// processor keeps, and the states that people see.
//
// Any thread. Entries are never removed while the program runs: events of a source that was deleted still come out of the
// journal.
#pragma once
#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/platform.h"
#include "core/clock.h"
#include "core/metrics.h"
#include "core/mutex.h"
#include "model/delivery.h"
#include "model/rule_info.h"
#include "source/live.h"

namespace tocsin::app {

// Observed rates of one source by hour of the week, from which silence is told. Plain data.
struct Baseline {
  static constexpr std::size_t kHours = 168;
  std::array<float, kHours> mean{};           // Records an hour.
  std::array<std::uint16_t, kHours> weeks{};  // How often that hour was seen whole.
  float hourly = 0;                           // Over all hours so far, the newer ones count more.
  std::uint32_t hours = 0;                    // Seen whole.

  void learn(core::Timestamp hour_begin, double records);
  // Records expected in the hour of `at`: of that hour of the week where it was seen, else of all hours; none: too little
  // seen.
  [[nodiscard]] std::optional<double> expected(core::Timestamp at) const;
  [[nodiscard]] std::string to_text() const;
  static std::optional<Baseline> from_text(std::string_view text);
};
inline constexpr std::chrono::minutes kMinSilence{5};
inline constexpr double kSilenceSurprise = 14;  // Silence is told once exp(-14), some one in a million, is left for chance.
inline constexpr std::uint32_t kMinLearnedHours = 2;

// How long a source with this rate may be quiet.
std::chrono::nanoseconds silence_limit(double expected_per_hour);

// Whether events of that kind are among those a rule for this log source wants.
bool fits(const model::LogSource& wanted, const model::LogSource& kind);

class SourceEntry {
 public:
  SourceEntry(source::SourceRef ref_in, std::string kind_in, std::string origin_in)
      : ref(std::move(ref_in)), kind(std::move(kind_in)), origin(std::move(origin_in)) {}
  const source::SourceRef ref;
  const std::string kind, origin;
  std::string where, config;  // Set before it is added.
  std::string token_hash;
  std::vector<std::string> certificates;
  bool enabled = true;

  // By the processor.
  std::atomic<std::uint64_t> events{0}, bad_records{0};
  // Records of the self-test that were sent to it: they are no sign that the source itself is there.
  std::atomic<std::uint64_t> test_records{0};
  std::atomic<std::int64_t> lag_ns{-1};  // Smoothed: from the time of an event to its arrival. Below 0: not known.
};

class SourceBoard final : public source::SourceDirectory {
 public:
  SourceBoard(const core::Clock& clock, core::Metrics& metrics);

  // Replaces an entry of the same id, whose counts and baseline go on.
  std::shared_ptr<SourceEntry> put(std::shared_ptr<SourceEntry> entry);
  void remove(std::string_view name);
  // Never null: a source that is not known is "unknown-<id>" of tenant "default".
  std::shared_ptr<SourceEntry> of(model::SourceId id);
  [[nodiscard]] std::shared_ptr<SourceEntry> named(std::string_view name) const;
  [[nodiscard]] std::vector<std::shared_ptr<SourceEntry>> all() const;  // By name, without the removed.
  // The meter of that name: one for the life of the program.
  std::shared_ptr<source::SourceMeter> meter(const std::string& name);

  [[nodiscard]] std::optional<source::SourceRef> by_token(std::string_view token) const override;
  [[nodiscard]] std::optional<source::SourceRef> by_name(std::string_view name) const override;
  [[nodiscard]] std::optional<source::SourceRef> by_certificate(std::string_view subject) const override;

  // Once a second, by one thread: counts rates, learns, and answers the sources whose state changed.
  struct Change {
    std::shared_ptr<SourceEntry> entry;
    std::string from, to;  // States, as in api::SourceStatus.
    core::Timestamp silent_since;
    std::optional<double> expected_per_hour;
  };
  std::vector<Change> tick();
  [[nodiscard]] api::SourceStatus status(const SourceEntry& entry) const;
  [[nodiscard]] api::Rates rates() const;
  // An event of this source was taken for this.
  void saw(const model::LogSource& kind, model::SourceId id, core::Timestamp at);
  // Why a rule for this log source cannot fire at present; empty: it can.
  [[nodiscard]] std::string blind(const model::LogSource& wanted) const;
  // How many of these log sources the source feeds.
  [[nodiscard]] std::vector<model::LogSource> kinds_of(model::SourceId id) const;
  void count_findings(std::uint64_t count) { findings_.fetch_add(count, std::memory_order_relaxed); }

  // What log sources were seen, and when last, as lines of text; and the same read again.
  [[nodiscard]] std::string kinds() const;
  void set_kinds(std::string_view text);
  // What was learned, by source id; to be kept by the caller.
  [[nodiscard]] std::map<std::uint32_t, std::string> baselines() const;
  void set_baseline(model::SourceId id, std::string_view text);
  // It was silent since then when the program ended: it still is until something comes.
  void set_silent(model::SourceId id, core::Timestamp since);

 private:
  struct Watch {
    Baseline baseline;
    std::string state = "waiting";
    core::Timestamp silent_since;
    core::Timestamp silent_before;                                   // As set_silent() said.
    std::int64_t hour = -1;                                          // Of the epoch, that is being counted.
    bool whole_hour = false;                                         // Watched from its begin.
    std::uint64_t hour_records = 0;                                  // At its begin, without those of the self-test.
    std::uint64_t records = 0, tests = 0;                            // All so far; of them the self-test's.
    core::Timestamp last_own;                                        // When a record came that is not the self-test's.
    std::array<std::uint64_t, 61> minute_events{};                   // Totals at the ends of the last minutes; newest last.
    std::array<std::uint64_t, 61> second_records{}, second_bytes{};  // Totals, a ring of seconds.
    std::size_t second = 0;
    std::int64_t minute = -1;
  };
  void watch_one(SourceEntry& entry, Watch& watch, core::Timestamp now, std::vector<Change>& out) REQUIRES_LOCK(mutex_);

  const core::Clock& clock_;
  core::Metrics& metrics_;
  const core::Timestamp started_;
  std::atomic<std::uint64_t> findings_{0};
  mutable core::Mutex mutex_;
  std::map<std::uint32_t, std::shared_ptr<SourceEntry>> entries_ GUARDED_BY(mutex_);
  std::map<std::uint32_t, Watch> watches_ GUARDED_BY(mutex_);
  std::map<std::string, std::shared_ptr<source::SourceMeter>> meters_ GUARDED_BY(mutex_);
  std::map<std::string, std::uint32_t, std::less<>> names_ GUARDED_BY(mutex_);
  std::array<std::uint64_t, 61> finding_totals_ GUARDED_BY(mutex_){};
  std::size_t finding_second_ GUARDED_BY(mutex_) = 0;
  struct Seen {
    model::LogSource kind;
    std::map<std::uint32_t, core::Timestamp> sources;  // The last event of each.
  };
  std::map<std::string, Seen> seen_ GUARDED_BY(mutex_);  // By product/category/service.
};

}  // namespace tocsin::app
