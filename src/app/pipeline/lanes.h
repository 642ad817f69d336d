// Correlations of live events, in lanes. Tenants never mix: each has a lane, and one more for each sender that brings older
// events than those that are late by then (a backlog, files of another day), so that they are correlated among themselves.
//
// One thread. A function of what it is given: no clock, no I/O. Time passes by the entries of the journal (JournalTime).
#pragma once
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/metrics.h"
#include "core/time.h"
#include "detect/correlator.h"

namespace tocsin::app {

inline constexpr std::size_t kMaxSenderLanes = 64;

// How much time has passed, told by the journal. Arrivals are of a clock that people set: from one entry to the next at most
// `max_gap` counts, forwards or back, so that a clock which jumps by a day ends no window. What is missing then, where
// nothing came for long, a tick says: it was measured by a clock that nobody sets.
class JournalTime {
 public:
  // Well below the lateness that events are given: a jump takes so much of it away.
  explicit JournalTime(std::chrono::nanoseconds max_gap) : max_gap_ns_(max_gap.count()) {}
  void entry(core::Timestamp received_at);
  void tick(core::Timestamp received_at, std::chrono::nanoseconds missing);
  [[nodiscard]] std::int64_t passed_ns() const { return passed_ns_; }

 private:
  friend class Lanes;
  std::int64_t max_gap_ns_;
  std::int64_t passed_ns_ = 0;
  core::Timestamp last_;
};

struct LaneOptions {
  std::chrono::nanoseconds lateness{0};
  std::uint64_t hash_seed = 0;
  // Its events are a recording, played at many times its pace and in parts that overlap by so much. Empty: none.
  std::string recording_tenant;
  std::chrono::nanoseconds recording_lateness{0};
};

struct LaneFinding {
  std::string tenant;
  detect::CorrelationFinding finding;
};

class Lanes {
 public:
  Lanes(LaneOptions options, core::Metrics& metrics);

  // Other rules; correlations that are as they were go on, those that are not begin anew and are counted. Must outlive it.
  void adopt(const detect::RuleSet& rules);
  // REQUIRES for all below: rules were adopted.
  [[nodiscard]] bool wants(std::uint32_t rule_index) const { return plan_->wants(rule_index); }
  [[nodiscard]] std::span<const std::string> needed_fields(std::uint32_t rule_index) const {
    return plan_->needed_fields(rule_index);
  }

  // Of each entry of the journal, before what it brings.
  void entry(core::Timestamp received_at) { time_.entry(received_at); }
  // Its findings are appended to `out`. `sender`: who sent it, told from all others of the tenant; `sequence` of its
  // delivery.
  void add(const std::string& tenant, const std::string& sender, detect::Occurrence occurrence, std::uint64_t sequence,
           std::vector<LaneFinding>& out);
  // Time passes, as a tick of the journal says.
  void tick(core::Timestamp received_at, std::chrono::nanoseconds missing, std::vector<LaneFinding>& out);
  // Whether something waits that a tick of so much would let go on.
  [[nodiscard]] bool due(std::chrono::nanoseconds missing) const;
  // At the end of each entry: where there are many lanes, and after a tick, those of senders in which nothing is open go,
  // and the one used longest ago where there are still too many.
  void bound(std::vector<LaneFinding>& out);
  [[nodiscard]] std::int64_t passed_ns() const { return time_.passed_ns(); }

  void save(std::string& out) const;
  // Takes what save() wrote from the front of `in`. False: it is cut short; what was read goes on.
  bool load(std::string_view& in);
  // As it was saved before there was JournalTime.
  void load_version_2(std::string_view in);

  struct Counts {
    std::uint64_t late = 0, evicted = 0, without_time = 0, state_dropped = 0;
  };
  [[nodiscard]] Counts counts() const;

 private:
  struct Lane {
    std::unique_ptr<detect::Correlator> correlator;
    std::uint64_t used = 0;             // Sequence of the last delivery that had something for it.
    core::Timestamp newest;             // The newest event time seen ...
    std::int64_t newest_passed_ns = 0;  // ... and when: from there on time passes.
    [[nodiscard]] core::Timestamp time_at(std::int64_t passed_ns) const;
  };
  Lane& lane(const std::string& name);
  Lane& lane_for(const std::string& tenant, const std::string& sender, core::Timestamp event_time,
                 std::vector<LaneFinding>& out);
  void restore(const std::string& name, const std::string& state);
  void hand_over(const std::string& name, std::vector<LaneFinding>& out);
  [[nodiscard]] std::unique_ptr<detect::Correlator> make(const std::string& name) const;

  const LaneOptions options_;
  core::Counter& backlog_;
  const detect::RuleSet* rules_ = nullptr;
  std::unique_ptr<detect::Correlator> plan_;  // Of the rules; holds no state.
  std::map<std::string, Lane> lanes_;         // By tenant, or tenant, kLaneMark, sender.
  JournalTime time_;
  std::vector<detect::CorrelationFinding> found_;
  bool ticked_ = false;  // By the entry at hand.
  std::uint64_t state_dropped_ = 0;
};

}  // namespace tocsin::app
