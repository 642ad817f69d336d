// Occurrences per second through the Correlator, by type of correlation; one thread.
//
// 400,000 matches per line: 20 source addresses in turn, 1,800 distinct user names, 100 events per second, windows of 5
// minutes (so that one window of a group holds 1,500 events, of all groups 30,000). Prints rate and ns per match.
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

#include "detect/correlate/rule_builder.h"
#include "detect/correlator.h"

namespace {

using namespace tocsin::detect;  // NOLINT(google-build-using-namespace)
using correlate::kSecond;
using correlate::RuleBuilder;
using sigma::CorrelationType;
using sigma::CountOp;

constexpr std::uint64_t kEvents = 400'000;

std::vector<Occurrence> stream(const Correlator& correlator) {
  std::vector<Occurrence> occurrences(kEvents);
  for (std::uint64_t i = 0; i < kEvents; ++i) {
    Occurrence& occurrence = occurrences[i];
    occurrence.rule_index = static_cast<std::uint32_t>(i / 20 % 2);
    occurrence.event_time.ns = static_cast<std::int64_t>(i) * kSecond / 100;
    occurrence.order = occurrence.record = i;
    occurrence.file = "security.evtx";
    occurrence.host = "host-" + std::to_string(i / 1000 % 50);
    for (const std::string& name : correlator.needed_fields(occurrence.rule_index)) {
      const bool source = name == "source";
      const bool number = name == "bytes";
      const std::uint64_t pick = source ? i % 20 : i * 7919 % 1800;
      occurrence.values.push_back(
          {number ? std::to_string(pick) : (source ? "192.168.198." : "user.name.") + std::to_string(pick)});
    }
  }
  return occurrences;
}

void measure(const char* name, const RuleBuilder& rules, std::int64_t lateness_seconds) {
  CorrelatorOptions options;
  options.lateness_ns = lateness_seconds * kSecond;
  Correlator correlator(rules.set(), options);
  std::vector<Occurrence> occurrences = stream(correlator);
  std::vector<CorrelationFinding> out;
  const auto begin = std::chrono::steady_clock::now();
  for (Occurrence& occurrence : occurrences) correlator.add(std::move(occurrence), out);
  correlator.finish(out);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  std::printf("%-34s %7.2f M/s %7.0f ns  %zu findings\n", name,
              static_cast<double>(correlator.stats().occurrences) / took.count() / 1e6,
              took.count() * 1e9 / static_cast<double>(kEvents), out.size());
}

RuleBuilder rule(CorrelationType type, double threshold, bool grouped = true) {
  RuleBuilder rules;
  rules.add(type, {0, 1}, 300).when(CountOp::kGreaterEqual, threshold).percentile(95);
  if (grouped) rules.by({"source"});
  if (type == CorrelationType::kValueCount) rules.of({"user"});
  if (type >= CorrelationType::kValueSum) rules.of({"bytes"});
  return rules;
}

}  // namespace

int main() {
  measure("event_count by source", rule(CorrelationType::kEventCount, 10), 0);
  measure("event_count by source, never met", rule(CorrelationType::kEventCount, 1e9), 0);
  measure("event_count, 10 s lateness", rule(CorrelationType::kEventCount, 10), 10);
  measure("value_count by source", rule(CorrelationType::kValueCount, 50), 0);
  measure("value_count, 1800 per window", rule(CorrelationType::kValueCount, 1800, false), 0);
  measure("temporal by source", rule(CorrelationType::kTemporal, 2), 0);
  measure("temporal_ordered by source", rule(CorrelationType::kTemporalOrdered, 2), 0);
  measure("value_sum by source", rule(CorrelationType::kValueSum, 1e9), 0);
  measure("value_avg by source", rule(CorrelationType::kValueAvg, 1e9), 0);
  measure("value_percentile by source", rule(CorrelationType::kValuePercentile, 1e9), 0);
  return 0;
}
