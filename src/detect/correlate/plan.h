// Correlation rules prepared for running: which match feeds which correlation, with which fields, under which condition.
//
// Built once from a RuleSet, immutable after; keeps pointers into it.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "detect/rule_set.h"

namespace tocsin::detect::correlate {

inline constexpr std::uint32_t kNoSlot = UINT32_MAX;

// One correlation's interest in one rule (or in one correlation before it).
struct Use {
  std::uint32_t correlation = 0;
  std::vector<std::uint32_t> positions;    // Where the rule stands in the correlation's list; more than one only if ordered.
  std::vector<std::uint32_t> group_slots;  // Per group-by name: place in the occurrence's values, or kNoSlot.
  std::vector<std::uint32_t> value_slots;  // Per value field, the same.
  bool of_correlation = false;
};

enum class Timing : std::uint8_t {
  kRising,   // Decided at each event: there is a floor (gt, gte, eq) that the value must reach.
  kClosing,  // Decided when the window is over: only lt, lte, neq.
};

struct CorrelationPlan {
  const sigma::CorrelationRule* rule = nullptr;
  Timing timing = Timing::kRising;
  std::vector<sigma::CountCondition> floors;  // gt, gte: hold at an event, or it does not count.
  std::vector<sigma::CountCondition> caps;    // The rest: hold for the highest value reached, or all is dropped.
  std::vector<sigma::CountCondition> shown;   // As written, or the default: for the reason.
  std::int64_t timespan_ns = 0;
  bool temporal = false;          // Or temporal_ordered.
  bool metric = false;            // Sum, mean or percentile: values are numbers.
  bool has_values = false;        // Values are used: metric or value_count.
  std::uint64_t fingerprint = 0;  // Of all that its windows depend on; the same in another rule set where that is the same.
  std::vector<Use> consumers;
};

struct Plan {
  explicit Plan(const RuleSet& rules);

  const RuleSet* rules;
  std::vector<CorrelationPlan> correlations;
  std::vector<std::vector<Use>> rule_uses;            // Per rule.
  std::vector<std::vector<std::string>> rule_fields;  // Per rule: what its occurrences must carry.
  // Of the rules, then the correlations: a name that stays when others come and go. The id, or path and title where there
  // is none; those of one name are numbered in their order.
  std::vector<std::string> stable_names;
};

// The place of `field` among `fields`, or kNoSlot.
[[nodiscard]] std::uint32_t slot_in(const std::vector<std::string>& fields, std::string_view field);
[[nodiscard]] bool holds(const sigma::CountCondition& condition, double value);
[[nodiscard]] bool all_hold(const std::vector<sigma::CountCondition>& conditions, double value);

}  // namespace tocsin::detect::correlate
