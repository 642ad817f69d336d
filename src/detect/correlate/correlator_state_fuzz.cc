// Restores a state from outside bytes, with the rules it was made with and with others, then feeds events: nothing may
// crash, whatever the state says.
//
// Input: the body of a state; head and checksum are put around it here, so that the fuzzer gets past them.
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "detect/correlate/engine.h"
#include "detect/correlate/rule_builder.h"
#include "detect/correlate/state.h"

using namespace tocsin::detect;             // NOLINT(google-build-using-namespace)
using namespace tocsin::detect::correlate;  // NOLINT(google-build-using-namespace)

namespace {

RuleBuilder all_types() {
  RuleBuilder rules;
  for (int type = 0; type < 7; ++type) {
    rules.add(static_cast<sigma::CorrelationType>(type), {0, 1}, 5).by({"user"}).of({"v"});
    rules.when(sigma::CountOp::kGreaterEqual, 2).percentile(60);
  }
  rules.add(sigma::CorrelationType::kEventCount, {0}, 9).when(sigma::CountOp::kLess, 3);
  rules.add(sigma::CorrelationType::kTemporal, {rules.correlation(0), rules.correlation(7)}, 20);
  return rules;
}

// The same after an edit: a rule more ahead of the others, another order, one correlation changed in the middle of a chain,
// one gone, one new that wants another field of what waits.
RuleSet edited(const RuleSet& set) {
  RuleSet other;
  other.rules = set.rules;
  other.rules.insert(other.rules.begin(), sigma::Rule{});
  const std::uint32_t first = static_cast<std::uint32_t>(other.rules.size());
  const std::uint32_t order[] = {6, 7, 0, 2, 3, 5, 1, 8};
  for (const std::uint32_t from : order) {
    other.correlations.push_back(set.correlations[from]);
    for (std::uint32_t& rule : other.correlations.back().rules) ++rule;
  }
  other.correlations[2].timespan_ns += kSecond;
  other.correlations[7].rules = {first + 2, first + 1};  // As before: the first and the eighth.
  sigma::CorrelationRule fresh = set.correlations[1];
  fresh.info.id = "new";
  fresh.group_by = {"host"};
  fresh.rules = {1};
  other.correlations.insert(other.correlations.begin(), fresh);
  for (std::uint32_t& rule : other.correlations.back().rules) ++rule;
  return other;
}

void feed(Engine& engine, std::uint32_t first_rule, std::vector<CorrelationFinding>& out) {
  for (std::uint64_t i = 0; i < 12; ++i) {
    Occurrence occurrence;
    occurrence.rule_index = first_rule + static_cast<std::uint32_t>(i % 2);
    occurrence.event_time.ns = static_cast<std::int64_t>(i) * kSecond;
    occurrence.order = i;
    occurrence.values = {{i % 3 == 0 ? "a" : "b"}, {std::to_string(i)}};
    occurrence.file = "f";
    occurrence.host = "h" + std::to_string(i % 4);
    engine.add(std::move(occurrence), out);
  }
}

void run(const RuleSet& rules, std::uint32_t first_rule, const std::string& state) {
  CorrelatorOptions options;
  options.lateness_ns = 2 * kSecond;
  options.max_groups = 12;
  options.max_events_per_group = 50;
  Engine engine(rules, options);
  if (!engine.load(state).ok()) return;
  const std::string again = engine.save();
  Engine copy(rules, options);
  const auto copied = copy.load(again);
  if (!copied.ok() || copied->dropped_any() || copy.save() != again) __builtin_trap();  // What we write, we read the same.
  std::vector<CorrelationFinding> out;
  feed(engine, first_rule, out);
  engine.finish(out);
  if (engine.text_count() != 0 || engine.event_total() != 0 || engine.group_count() != 0) __builtin_trap();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const RuleBuilder kRules = all_types();
  static const RuleSet kEdited = edited(kRules.set());
  std::string state = state_head(0);
  state.append(reinterpret_cast<const char*>(data), size);
  append_u64(state, state_checksum(state));
  run(kRules.set(), 0, state);
  run(kEdited, 1, state);
  return 0;
}
