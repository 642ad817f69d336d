// Sigma correlation rules over the matches of other rules, by event time.
//
// Pure state machine, one thread: no clock, no I/O. The caller hands over each match of a rule that a correlation
// refers to; matches may come in any order within `lateness`. Sliding windows; bounded state, every limit counted in
// stats(). Source: Sigma correlation rules specification 2.1.0; what it leaves open is decided in docs/correlation.md.
// RuleSet must outlive the Correlator.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "core/result.h"
#include "core/time.h"
#include "detect/rule_set.h"
#include "model/finding.h"

namespace tocsin::detect {

// A match of a plain rule, with what correlations need to know of its event.
struct Occurrence {
  std::uint32_t rule_index = 0;
  core::Timestamp event_time;  // kNoTime: cannot be correlated; counted.
  std::uint64_t order = 0;     // Place in the input: breaks ties of equal times.
  // One per Correlator::needed_fields(rule_index), in its order; all values of the field; empty where absent.
  std::vector<std::vector<std::string>> values;
  std::string file;  // Origin, for the finding.
  std::uint64_t record = 0;
  std::string host;  // For reports; may be empty.
};

struct CorrelationFinding {
  std::uint32_t correlation_index = 0;                     // In RuleSet::correlations.
  core::Timestamp first, last;                             // Of the contributing events; the finding's time is `last`.
  std::vector<std::pair<std::string, std::string>> group;  // group-by name and value; empty where none.
  double value = 0;                                        // The count, sum, mean or percentile that met the condition.
  std::uint64_t event_count = 0;                           // All contributing events.
  std::vector<model::Contribution> events;                 // The first kMaxContributions of them, by time.
  std::vector<std::string> hosts;                          // Distinct, at most 16.
  std::string reason;                                      // One sentence: "12 events of 'X' within 5m (>= 10), user=bob".
  std::uint64_t run = 0;  // Tells findings apart; the two parts of one share it (emit_on_first).
  bool ongoing = false;   // Given out as soon as the condition held; a second part with the total follows.
  bool update = false;    // That second part: not a finding more.
};
inline constexpr std::size_t kMaxContributions = 100;
inline constexpr std::size_t kMaxFindingHosts = 16;
inline constexpr std::size_t kMaxGroupValueBytes = 256;    // A longer value is cut; a hash of the whole is put behind it.
inline constexpr std::size_t kMaxValuesPerField = 16;      // Of one event; the rest is not looked at.
inline constexpr std::size_t kMaxCombinations = 16;        // Groups (or value tuples) that one event with lists may enter.
inline constexpr std::size_t kMaxChainedPerEvent = 4'096;  // Occurrences that correlations hand on because of one event.

struct CorrelatorOptions {
  std::int64_t lateness_ns = 0;                // An event up to this much older than the newest seen is still in order.
  std::size_t max_groups = 1'000'000;          // Over all correlations; past it the least recently touched goes.
  std::size_t max_events_per_group = 100'000;  // Past it the oldest of the window goes.
  std::size_t max_pending = 1'000'000;         // Reorder buffer; past it the oldest are released early.
  std::size_t max_events = 4'000'000;  // In all windows and open findings (about 50 bytes each); past it as max_groups.
  std::size_t max_pending_bytes = 256u << 20;  // As max_pending.
  bool emit_on_first = false;                  // Live: give a finding out when its condition first holds, then its total.
  std::int64_t max_finding_ns = 86'400'000'000'000;  // A finding that goes on for longer (and than its timespan) is ended
                                                     // and the next one begins; 0: no bound.
  std::uint64_t hash_seed = 0;                       // A secret random number where the input may be made to collide.
};

struct CorrelatorStats {
  std::uint64_t occurrences = 0, without_time = 0, late = 0, groups_evicted = 0, events_evicted = 0, released_early = 0;
  std::uint64_t without_group_field = 0;
  std::uint64_t without_value = 0;     // No value of the counted field (or no number): took no part.
  std::uint64_t values_cut = 0;        // Values longer than kMaxGroupValueBytes, and lists past kMaxValuesPerField.
  std::uint64_t combinations_cut = 0;  // Events past kMaxCombinations.
  std::uint64_t chained_dropped = 0;   // Past kMaxChainedPerEvent.
  std::uint64_t findings = 0;          // Ended ones.
};

// What of a saved state found its place in the rule set of now. Correlations that had no windows are not spoken of.
struct RestoreReport {
  std::uint64_t kept_correlations = 0, kept_groups = 0;
  std::uint64_t dropped_correlations = 0, dropped_groups = 0;  // Gone or changed: their windows and open findings.
  std::uint64_t dropped_occurrences = 0;  // Waiting ones of rules that are gone or that no correlation refers to any more.
  [[nodiscard]] bool dropped_any() const { return dropped_correlations > 0 || dropped_occurrences > 0; }
};

class Correlator {
 public:
  Correlator(const RuleSet& rules, CorrelatorOptions options);
  ~Correlator();
  Correlator(Correlator&&) noexcept;

  // Whether matches of this rule are wanted at all, and which fields of their events.
  [[nodiscard]] bool wants(std::uint32_t rule_index) const;
  [[nodiscard]] std::span<const std::string> needed_fields(std::uint32_t rule_index) const;

  // Appends the findings that become certain to `out`; those of one call in order of time.
  void add(Occurrence occurrence, std::vector<CorrelationFinding>& out);
  // Time has come to `newest` without an event to show it: as if one of that time had come. Never goes back.
  void advance(core::Timestamp newest, std::vector<CorrelationFinding>& out);
  // Occurrences before it are late and take no part; kNoTime: none is.
  [[nodiscard]] core::Timestamp watermark() const;
  // The earliest `newest` for which advance() would have something to do; kNoTime: nothing waits.
  [[nodiscard]] core::Timestamp due() const;
  // No more will come (end of input): releases what waits.
  void finish(std::vector<CorrelationFinding>& out);

  [[nodiscard]] const CorrelatorStats& stats() const;

  // State as bytes, versioned. It may be restored with another rule set: a correlation of the same id (path and title where
  // it has none) and meaning goes on, over rules of the same ids; the others are dropped. restore fails on a damaged state
  // or one of another version, and then leaves this unchanged.
  [[nodiscard]] std::string save() const;
  [[nodiscard]] core::Result<RestoreReport> restore(const std::string& state);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tocsin::detect
