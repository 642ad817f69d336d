// Sigma correlation rules over the matches of other rules, by event time.
//
// Pure state machine, one thread: no clock, no I/O. The caller hands over each match of a rule that a correlation
// refers to; matches may come in any order within `lateness`. Sliding windows; bounded state, every limit counted in
// stats(). Source: Sigma correlation rules specification 2.1.0; what it leaves open is decided in docs/sigma.md.
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
  core::Timestamp event_time;            // kNoTime: cannot be correlated; counted.
  std::uint64_t order = 0;               // Place in the input: breaks ties of equal times.
  // One per Correlator::needed_fields(rule_index), in its order; all values of the field; empty where absent.
  std::vector<std::vector<std::string>> values;
  std::string file;                      // Origin, for the finding.
  std::uint64_t record = 0;
  std::string host;                      // For reports; may be empty.
};

struct CorrelationFinding {
  std::uint32_t correlation_index = 0;   // In RuleSet::correlations.
  core::Timestamp first, last;           // Of the contributing events; the finding's time is `last`.
  std::vector<std::pair<std::string, std::string>> group;  // group-by name and value; empty where none.
  double value = 0;                      // The count, sum, mean or percentile that met the condition.
  std::uint64_t event_count = 0;         // All contributing events.
  std::vector<model::Contribution> events;  // The first kMaxContributions of them, by time.
  std::vector<std::string> hosts;        // Distinct, at most 16.
  std::string reason;                    // One sentence: "12 events of 'X' within 5m (>= 10), user=bob".
};
inline constexpr std::size_t kMaxContributions = 100;

struct CorrelatorOptions {
  std::int64_t lateness_ns = 0;                 // An event up to this much older than the newest seen is still in order.
  std::size_t max_groups = 1'000'000;           // Over all correlations; past it the least recently touched goes.
  std::size_t max_events_per_group = 100'000;   // Past it the oldest of the window goes.
  std::size_t max_pending = 1'000'000;          // Reorder buffer; past it the oldest are released early.
};

struct CorrelatorStats {
  std::uint64_t occurrences = 0, without_time = 0, late = 0, groups_evicted = 0, events_evicted = 0, released_early = 0;
  std::uint64_t without_group_field = 0;
};

class Correlator {
 public:
  Correlator(const RuleSet& rules, CorrelatorOptions options);
  ~Correlator();
  Correlator(Correlator&&) noexcept;

  // Whether matches of this rule are wanted at all, and which fields of their events.
  [[nodiscard]] bool wants(std::uint32_t rule_index) const;
  [[nodiscard]] std::span<const std::string> needed_fields(std::uint32_t rule_index) const;

  // Appends the findings that become certain to `out`, in order of time.
  void add(Occurrence occurrence, std::vector<CorrelationFinding>& out);
  // No more will come (end of input): releases what waits.
  void finish(std::vector<CorrelationFinding>& out);

  [[nodiscard]] const CorrelatorStats& stats() const;

  // State as bytes, versioned; restore fails on another rule set or a damaged state, and then leaves this unchanged.
  [[nodiscard]] std::string save() const;
  [[nodiscard]] core::Result<void> restore(const std::string& state);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tocsin::detect
