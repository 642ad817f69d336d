// Restores a state from outside bytes, then feeds events: nothing may crash, whatever the state says.
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

void feed(Engine& engine, std::vector<CorrelationFinding>& out) {
  for (std::uint64_t i = 0; i < 12; ++i) {
    Occurrence occurrence;
    occurrence.rule_index = static_cast<std::uint32_t>(i % 2);
    occurrence.event_time.ns = static_cast<std::int64_t>(i) * kSecond;
    occurrence.order = i;
    occurrence.values = {{i % 3 == 0 ? "a" : "b"}, {std::to_string(i)}};
    occurrence.file = "f";
    occurrence.host = "h" + std::to_string(i % 4);
    engine.add(std::move(occurrence), out);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const RuleBuilder kRules = all_types();
  CorrelatorOptions options;
  options.lateness_ns = 2 * kSecond;
  options.max_groups = 12;
  options.max_events_per_group = 50;
  Engine engine(kRules.set(), options);
  std::string state = state_head(engine.plan().fingerprint, 0);
  state.append(reinterpret_cast<const char*>(data), size);
  append_u64(state, state_checksum(state));
  if (!engine.load(state).ok()) return 0;
  const std::string again = engine.save();
  Engine copy(kRules.set(), options);
  if (!copy.load(again).ok() || copy.save() != again) __builtin_trap();  // What we write, we read the same.
  std::vector<CorrelationFinding> out;
  feed(engine, out);
  engine.finish(out);
  return 0;
}
