// Random correlation rules and streams of matches, for tests.
#pragma once
#include <algorithm>
#include <cstdint>
#include <random>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "detect/correlate/rule_builder.h"
#include "detect/correlator.h"

namespace tocsin::detect::correlate {

using sigma::CorrelationType;
using sigma::CountOp;

struct PlainEvent {
  std::int64_t time = 0;
  std::uint64_t order = 0;
  std::uint32_t rule = 0;
  std::vector<std::string> users, values;
};

using Found = std::tuple<std::string, std::int64_t, std::int64_t, double, std::uint64_t, std::vector<std::uint64_t>>;

class Random {
 public:
  explicit Random(std::uint64_t seed) : engine_(seed) {}
  std::int64_t below(std::int64_t bound) { return static_cast<std::int64_t>(engine_() % static_cast<std::uint64_t>(bound)); }
  bool one_in(std::int64_t n) { return below(n) == 0; }

 private:
  std::mt19937_64 engine_;
};

inline RuleBuilder random_rule(Random& random, CorrelationType type) {
  RuleBuilder rules;
  std::vector<std::uint32_t> list = {0, 1, 2};
  list.resize(static_cast<std::size_t>(1 + random.below(3)));
  if (type == CorrelationType::kTemporalOrdered && random.one_in(4)) list.push_back(0);
  rules.add(type, list, 1 + random.below(20));
  if (random.one_in(2)) rules.by({"user"});
  const bool temporal = type == CorrelationType::kTemporal || type == CorrelationType::kTemporalOrdered;
  if (type != CorrelationType::kEventCount && !temporal) rules.of({"v"});
  if (!temporal || random.one_in(2)) {
    const auto op = static_cast<CountOp>(random.below(6));
    const double threshold = static_cast<double>(random.below(7));
    rules.when(op, threshold);
    if (random.one_in(3))
      rules.when(static_cast<CountOp>(random.below(6)), threshold + static_cast<double>(random.below(4)));
  }
  const double percentiles[] = {0, 1, 25, 50, 90, 99, 100};
  rules.percentile(percentiles[random.below(7)]);
  return rules;
}

inline std::vector<PlainEvent> random_stream(Random& random) {
  std::vector<PlainEvent> events;
  std::int64_t time = 1'000 * kSecond;
  const std::int64_t rate = 1 + random.below(8);
  const std::int64_t count = random.below(120);
  for (std::int64_t i = 0; i < count; ++i) {
    if (!random.one_in(4)) time += random.below(rate) * kSecond;
    if (random.one_in(30)) time += random.below(60) * kSecond;
    PlainEvent event{.time = time, .order = static_cast<std::uint64_t>(i), .rule = 0, .users = {}, .values = {}};
    if (!random.one_in(10)) event.users.push_back(std::string(1, static_cast<char>('a' + random.below(3))));
    if (random.one_in(10)) event.users.push_back(std::string(1, static_cast<char>('a' + random.below(3))));
    if (!random.one_in(10)) event.values.push_back(std::to_string(random.below(12) - 2));
    if (random.one_in(10)) event.values.push_back(std::to_string(random.below(12) - 2));
    const std::int64_t first = random.below(3);
    event.rule = static_cast<std::uint32_t>(first);
    events.push_back(event);
    if (random.one_in(6) && first < 2) {
      event.rule = static_cast<std::uint32_t>(first + 1);
      events.push_back(event);
    }
  }
  return events;
}

inline Occurrence occurrence_of(const PlainEvent& event, const Correlator& correlator) {
  Occurrence occurrence;
  occurrence.rule_index = event.rule;
  occurrence.event_time.ns = event.time;
  occurrence.order = occurrence.record = event.order;
  occurrence.file = "f";
  occurrence.host = event.users.empty() ? "" : "host-" + event.users[0];
  for (const std::string& name : correlator.needed_fields(event.rule)) {
    occurrence.values.push_back(name == "user" ? event.users : event.values);
  }
  return occurrence;
}

inline Found found_of(const CorrelationFinding& finding) {
  std::vector<std::uint64_t> records;
  for (const auto& event : finding.events) records.push_back(event.record);
  return {finding.group.empty() ? "" : finding.group[0].second,
          finding.first.ns,
          finding.last.ns,
          finding.value,
          finding.event_count,
          records};
}

// Every event at most `lateness` older than the newest before it.
inline std::vector<PlainEvent> shuffled(std::vector<PlainEvent> events, std::int64_t lateness, Random& random) {
  std::vector<std::pair<std::int64_t, PlainEvent>> keyed;
  for (const PlainEvent& event : events) keyed.emplace_back(event.time + random.below(lateness + 1), event);
  std::sort(keyed.begin(), keyed.end(), [](const auto& a, const auto& b) {
    return std::tie(a.first, a.second.order, a.second.rule) < std::tie(b.first, b.second.order, b.second.rule);
  });
  for (std::size_t i = 0; i < events.size(); ++i) events[i] = keyed[i].second;
  return events;
}

inline RuleBuilder all_types() {
  RuleBuilder rules;
  for (int type = 0; type < 7; ++type) {
    rules.add(static_cast<CorrelationType>(type), {0, 1}, 5 + type).by({"user"}).of({"v"});
    rules.when(CountOp::kGreaterEqual, 2).percentile(60);
    rules.add(static_cast<CorrelationType>(type), {0, 1, 2}, 9).of({"v"}).when(CountOp::kLess, 3).percentile(60);
  }
  rules.add(CorrelationType::kEventCount, {rules.correlation(0), rules.correlation(2)}, 20);
  rules.when(CountOp::kGreaterEqual, 2);
  rules.add(CorrelationType::kTemporalOrdered, {rules.correlation(1), rules.correlation(4)}, 20);
  return rules;
}

}  // namespace tocsin::detect::correlate
