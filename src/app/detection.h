// The rules that are live: loaded, compiled, with the state (off, draft, on) of each. Immutable; a change makes a new one.
//
// Shared by all who detect or show rules; whoever holds it may finish with it. Counts live in RuleCounts, which outlasts it.
#pragma once
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "app/suppression/filter.h"
#include "core/mutex.h"
#include "core/result.h"
#include "core/time.h"
#include "detect/engine.h"
#include "detect/log_source_map.h"
#include "detect/rule_set.h"
#include "ledger/rows.h"
#include "model/rule_info.h"
#include "normalise/ocsf.h"

namespace tocsin::app {

// Hits of a rule and what it costs, since the program started. Any thread.
struct RuleCount {
  std::atomic<std::uint64_t> hits{0};
  std::atomic<std::int64_t> last_hit_ns{core::kNoTime.ns};
  std::atomic<std::uint64_t> cost_samples{0};  // Evaluations that were timed (detect::RuleCost) ...
  std::atomic<std::int64_t> cost_ns{0};        // ... and what they took together.
};
class RuleCounts {
 public:
  // Stable for its life.
  RuleCount& of(std::string_view rule_id);

 private:
  core::Mutex mutex_;
  std::map<std::string, std::unique_ptr<RuleCount>, std::less<>> counts_ GUARDED_BY(mutex_);
};

// Matches that a suppression silenced, since the program started. Any thread.
struct SuppressionCount {
  std::atomic<std::uint64_t> silenced{0};
  std::atomic<std::int64_t> last_ns{core::kNoTime.ns};
};
// A suppression of one rule, for what arrives from `from` on and before `until`.
struct LiveSuppression {
  std::string rule_id;
  std::string tenant;  // Empty: all.
  core::Timestamp from, until;
  SuppressionFilter filter;
  std::shared_ptr<SuppressionCount> count;
};
using LiveSuppressionList = std::vector<std::shared_ptr<const LiveSuppression>>;
struct Detection;
// Those of the rules of a set: asked each time one is made, for a filter is read beside its rule.
using SuppressionMaker = std::function<LiveSuppressionList(const Detection&)>;

// What every rule set is made from besides the rules: read once at the start.
struct DetectionContent {
  detect::LogSourceMap log_sources;
  std::unique_ptr<normalise::Mapper> mapper;
};

struct LiveRule {
  std::string id;      // The rule's own, or one made of its path and title; unique in the set.
  std::string origin;  // "content", "user", "package".
  ledger::RuleMode mode = ledger::RuleMode::kOn;
  std::string changed_by;
  core::Timestamp changed_at;
  std::vector<std::string> tactics, techniques;
  bool gives_findings = true;  // On, and not silenced by a correlation that refers to it.
  bool counts = true;          // On or draft: hits are counted.
  RuleCount* count = nullptr;
  LiveSuppressionList suppressions;  // Of a plain rule; asked for each match.
};

// Where rules come from.
struct RuleSources {
  std::vector<detect::SourceText> content;
  std::vector<detect::SourceText> user;      // Of the folder the API writes to.
  std::vector<detect::SourceText> packages;  // Of the other folders.
  std::map<std::string, std::vector<std::string>> variables;
};

struct Detection {
  std::unique_ptr<const detect::RuleSet> rules;
  std::unique_ptr<const detect::CompiledRules> compiled;
  std::vector<LiveRule> live;                          // The plain rules of the set, then its correlations.
  std::unordered_map<std::string, std::size_t> by_id;  // In `live`.
  std::vector<bool> off;                               // Per rule: not asked at all.
  std::uint64_t number = 0;                            // Grows with each one made.
  [[nodiscard]] const model::RuleInfo& info(std::size_t index) const {
    return index < rules->rules.size() ? rules->rules[index].info : rules->correlations[index - rules->rules.size()].info;
  }
};

// `states` and suppressions of rules that are not there are passed over. Never fails: what cannot be loaded is in
// rules->diagnostics.
std::shared_ptr<const Detection> make_detection(const RuleSources& sources, const std::vector<ledger::RuleState>& states,
                                                const DetectionContent& content, RuleCounts& counts, std::uint64_t number,
                                                const SuppressionMaker& suppressions = {});

}  // namespace tocsin::app
