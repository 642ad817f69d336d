// The fast evaluator: events to matches of Sigma rules, and why.
//
// CompiledRules is immutable for its users and shared by all threads (a lock inside is taken only when an event of a
// new kind is first seen, to build that kind's program). One Engine per thread. Both must not outlive the RuleSet.
// match() cannot fail; limits are counted in stats(). Text values are matched whole: decoders bound record sizes.
//
// How it works: match/program.h.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "detect/log_source_map.h"
#include "detect/rule_set.h"
#include "model/event.h"
#include "model/finding.h"

namespace tocsin::detect {

struct CompileOptions {
  bool any_source = false;        // --logsource any: every rule sees every event, fields as they are.
  model::LogSource input_source;  // --logsource product=..,category=..: what the whole input is; empty: told per event.
  std::vector<bool> enabled;      // Per rule; empty: all.
};

class CompiledRules {
 public:
  CompiledRules(const RuleSet& rules, const LogSourceMap& sources, CompileOptions options);
  ~CompiledRules();
  [[nodiscard]] const RuleSet& rules() const;

  struct Impl;
  [[nodiscard]] Impl& impl() const { return *impl_; }

 private:
  std::unique_ptr<Impl> impl_;
};

struct Match {
  std::uint32_t rule_index = 0;
  std::uint32_t view = 0;  // Which view of the event's fields held: kBaseView, or 1 + the row of the LogSourceMap.
};
inline constexpr std::uint32_t kBaseView = 0;

struct EngineStats {
  std::uint64_t events = 0;
  std::uint64_t unrouted_events = 0;  // Source not told by content, fields or option: only rules without product saw it.
  std::uint64_t candidate_rules = 0;  // Rules whose condition was evaluated.
  std::uint64_t scanned_bytes = 0;
};

// What a rule took in the sampled events that reached it: those which hold a text it looks for, or all of its log source
// where it looks for none. Its share of the search for texts, which all rules have in common, is not in it.
struct RuleCost {
  std::uint32_t rule_index = 0;
  std::uint64_t evaluations = 0;
  std::int64_t ns = 0;
};
using CostClock = std::int64_t (*)();  // Nanoseconds; the caller's, for there is none in here.

class Engine {
 public:
  // `rules` and `names` must outlive the engine; events must come from batches over `names`.
  Engine(const CompiledRules& rules, model::NameTable& names);
  ~Engine();

  // Appends one Match per matching rule, in rule order; never clears `out`.
  void match(const model::Event& event, std::vector<Match>& out);

  // What the event is taken for: the source that it or the options name, then the rows of the table that hold. Empty where
  // it cannot be told. For explaining and tests, not for the hot path.
  [[nodiscard]] std::vector<model::LogSource> sources(const model::Event& event);

  // Why: REQUIRES that match() gave `match` for this event.
  [[nodiscard]] model::Explanation explain(const model::Event& event, const Match& match) const;

  // All values of a rule's field as that view shows them, mapped; for correlations.
  [[nodiscard]] std::vector<std::string> values(const model::Event& event, const Match& match, std::string_view field) const;

  [[nodiscard]] const EngineStats& stats() const;

  // From now on every `every`th event is timed, rule by rule; 0: none is. Matches are the same.
  void sample_costs(CostClock clock, std::uint32_t every);
  // Appends what was measured since the last call, by rule.
  void take_costs(std::vector<RuleCost>& out);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tocsin::detect
