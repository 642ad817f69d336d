// The correlator against a plain, slow implementation of docs/correlation.md, on random streams.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <tuple>

#include "detect/correlate/rule_builder.h"
#include "detect/correlator.h"

namespace tocsin::detect {
namespace {

using correlate::kSecond;
using correlate::RuleBuilder;
using sigma::CorrelationType;
using sigma::CountOp;

struct PlainEvent {
  std::int64_t time = 0;
  std::uint64_t order = 0;
  std::uint32_t rule = 0;
  std::vector<std::string> users, values;
};

using Found = std::tuple<std::string, std::int64_t, std::int64_t, double, std::uint64_t, std::vector<std::uint64_t>>;

bool compare(const sigma::CountCondition& condition, double value) {
  switch (condition.op) {
    case CountOp::kGreater: return value > condition.value;
    case CountOp::kGreaterEqual: return value >= condition.value;
    case CountOp::kLess: return value < condition.value;
    case CountOp::kLessEqual: return value <= condition.value;
    case CountOp::kEqual: return value == condition.value;
    case CountOp::kNotEqual: return value != condition.value;
  }
  return false;
}

// One group of one correlation, with all its events; every window is counted anew.
class PlainGroup {
 public:
  PlainGroup(const sigma::CorrelationRule& rule, std::string name, std::vector<PlainEvent> events, std::int64_t longest)
      : rule_(rule), name_(std::move(name)), events_(std::move(events)), longest_(std::max(longest, rule.timespan_ns)) {
    for (const auto& condition : rule.conditions) {
      const bool rising =
          condition.op == CountOp::kGreater || condition.op == CountOp::kGreaterEqual || condition.op == CountOp::kEqual;
      closing_ = closing_ && !rising;
    }
    if (rule.conditions.empty()) closing_ = false;
  }

  std::vector<Found> findings() { return closing_ ? closing() : rising(); }

 private:
  using Part = std::vector<PlainEvent>;

  double value(const Part& part) const {
    switch (rule_.type) {
      case CorrelationType::kEventCount: return static_cast<double>(part.size());
      case CorrelationType::kValueCount: {
        std::set<std::string> distinct;
        for (const auto& event : part) distinct.insert(event.values.begin(), event.values.end());
        return static_cast<double>(distinct.size());
      }
      case CorrelationType::kTemporal: {
        std::set<std::uint32_t> distinct;
        for (const auto& event : part) distinct.insert(event.rule);
        return static_cast<double>(distinct.size());
      }
      case CorrelationType::kTemporalOrdered: return steps(part);
      default: return metric(part);
    }
  }
  // The earliest event for each step: if any chain gets that far, this one does.
  double steps(const Part& part) const {
    std::size_t step = 0;
    std::optional<std::pair<std::int64_t, std::uint64_t>> last;
    for (const auto& event : part) {
      const std::pair<std::int64_t, std::uint64_t> at{event.time, event.order};
      if (last && at <= *last) continue;
      if (step < rule_.rules.size() && event.rule == rule_.rules[step]) {
        ++step;
        last = at;
      } else if (step < rule_.rules.size()) {
        continue;
      }
    }
    return static_cast<double>(step);
  }
  double metric(const Part& part) const {
    std::vector<double> numbers;
    double sum = 0;
    for (const auto& event : part) {
      for (const auto& text : event.values) numbers.push_back(std::stod(text));
    }
    for (const double number : numbers) sum += number;
    if (rule_.type == CorrelationType::kValueSum) return sum;
    if (rule_.type == CorrelationType::kValueAvg) return sum / static_cast<double>(numbers.size());
    std::sort(numbers.begin(), numbers.end());
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      if (static_cast<double>(i + 1) * 100 >= rule_.percentile * static_cast<double>(numbers.size())) return numbers[i];
    }
    return 0;
  }

  // gt and gte, and eq as a floor.
  bool floor_holds(double v) const {
    for (const auto& condition : rule_.conditions) {
      if (condition.op == CountOp::kEqual && v < condition.value) return false;
      const bool floor = condition.op == CountOp::kGreater || condition.op == CountOp::kGreaterEqual;
      if (floor && !compare(condition, v)) return false;
    }
    if (!rule_.conditions.empty()) return true;
    return v >= static_cast<double>(rule_.rules.size());
  }
  bool everything_holds(double v) const {
    return std::all_of(rule_.conditions.begin(), rule_.conditions.end(), [&](const auto& c) { return compare(c, v); });
  }

  void give(std::vector<Found>& out, const Part& part, double v) const {
    std::vector<std::uint64_t> records;
    for (const auto& event : part) records.push_back(event.order);
    if (records.size() > kMaxContributions) records.resize(kMaxContributions);
    if (everything_holds(v)) {
      out.emplace_back(name_, part.front().time, part.back().time, v, part.size(), std::move(records));
    }
  }

  std::vector<Found> rising() {
    std::vector<Found> out;
    std::size_t start = 0;
    std::optional<Part> run;
    double peak = 0;
    const auto end_run = [&] {
      if (run) give(out, *run, peak);
      run.reset();
    };
    for (std::size_t i = 0; i < events_.size(); ++i) {
      const std::int64_t time = events_[i].time;
      if (run && (time - run->back().time > rule_.timespan_ns || time - run->front().time > longest_)) {
        end_run();
        start = i;
      }
      for (int again = 0; again < 2; ++again) {
        Part part;
        for (std::size_t j = start; j <= i; ++j) {
          if (time - events_[j].time <= rule_.timespan_ns) part.push_back(events_[j]);
        }
        const double v = value(part);
        if (floor_holds(v)) {
          if (run) {
            run->push_back(events_[i]);
            peak = std::max(peak, v);
          } else {
            run = part;
            peak = v;
          }
          break;
        }
        if (!run) break;
        end_run();
        start = i;
      }
    }
    end_run();
    return out;
  }

  std::vector<Found> closing() {
    std::vector<Found> out;
    for (std::size_t i = 0; i < events_.size();) {
      Part part;
      const std::int64_t end = events_[i].time + rule_.timespan_ns;
      for (; i < events_.size() && events_[i].time <= end; ++i) part.push_back(events_[i]);
      give(out, part, value(part));
    }
    return out;
  }

  const sigma::CorrelationRule& rule_;
  std::string name_;
  std::vector<PlainEvent> events_;
  std::int64_t longest_;
  bool closing_ = true;
};

std::vector<Found> plain(const sigma::CorrelationRule& rule, std::vector<PlainEvent> events, std::int64_t longest) {
  std::sort(events.begin(), events.end(), [](const PlainEvent& a, const PlainEvent& b) {
    return std::tie(a.time, a.order, a.rule) < std::tie(b.time, b.order, b.rule);
  });
  const bool temporal = rule.type == CorrelationType::kTemporal || rule.type == CorrelationType::kTemporalOrdered;
  std::map<std::string, std::vector<PlainEvent>> groups;
  for (const PlainEvent& event : events) {
    if (std::find(rule.rules.begin(), rule.rules.end(), event.rule) == rule.rules.end()) continue;
    if (!rule.fields.empty() && event.values.empty()) continue;
    std::set<std::string> names(event.users.begin(), event.users.end());
    if (rule.group_by.empty()) names = {""};
    for (const std::string& name : names) {
      auto& group = groups[name];
      if (!temporal && !group.empty() && group.back().time == event.time && group.back().order == event.order) continue;
      group.push_back(event);
    }
  }
  std::vector<Found> out;
  for (auto& [name, group] : groups) {
    auto found = PlainGroup(rule, name, std::move(group), longest).findings();
    out.insert(out.end(), found.begin(), found.end());
  }
  std::sort(out.begin(), out.end());
  return out;
}

class Random {
 public:
  explicit Random(std::uint64_t seed) : engine_(seed) {}
  std::int64_t below(std::int64_t bound) { return static_cast<std::int64_t>(engine_() % static_cast<std::uint64_t>(bound)); }
  bool one_in(std::int64_t n) { return below(n) == 0; }

 private:
  std::mt19937_64 engine_;
};

RuleBuilder random_rule(Random& random, CorrelationType type) {
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

std::vector<PlainEvent> random_stream(Random& random) {
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

Occurrence occurrence_of(const PlainEvent& event, const Correlator& correlator) {
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

Found found_of(const CorrelationFinding& finding) {
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
std::vector<PlainEvent> shuffled(std::vector<PlainEvent> events, std::int64_t lateness, Random& random) {
  std::vector<std::pair<std::int64_t, PlainEvent>> keyed;
  for (const PlainEvent& event : events) keyed.emplace_back(event.time + random.below(lateness + 1), event);
  std::sort(keyed.begin(), keyed.end(), [](const auto& a, const auto& b) {
    return std::tie(a.first, a.second.order, a.second.rule) < std::tie(b.first, b.second.order, b.second.rule);
  });
  for (std::size_t i = 0; i < events.size(); ++i) events[i] = keyed[i].second;
  return events;
}

class RandomStreams : public testing::TestWithParam<CorrelationType> {};

TEST_P(RandomStreams, AgreeWithThePlainImplementation) {
  std::size_t total = 0;
  for (std::uint64_t seed = 1; seed <= 600; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed * 7 + static_cast<std::uint64_t>(GetParam()));
    const RuleBuilder rules = random_rule(random, GetParam());
    const std::vector<PlainEvent> events = random_stream(random);
    CorrelatorOptions options;
    options.max_finding_ns = (5 + random.below(100)) * kSecond;
    options.lateness_ns = (1 + random.below(30)) * kSecond;  // At 0, equal times go by arrival.
    Correlator correlator(rules.set(), options);
    std::vector<CorrelationFinding> out;
    std::string state;
    for (const PlainEvent& event : shuffled(events, options.lateness_ns, random)) {
      correlator.add(occurrence_of(event, correlator), out);
    }
    correlator.finish(out);
    std::vector<Found> found;
    for (const auto& finding : out) found.push_back(found_of(finding));
    std::sort(found.begin(), found.end());
    ASSERT_EQ(found, plain(rules.set().correlations[0], events, options.max_finding_ns));
    ASSERT_EQ(correlator.stats().late, 0u);
    ASSERT_EQ(correlator.stats().findings, found.size());
    total += found.size();
  }
  EXPECT_GT(total, 500u) << "the streams must give findings to compare";
}

INSTANTIATE_TEST_SUITE_P(AllTypes, RandomStreams,
                         testing::Values(CorrelationType::kEventCount, CorrelationType::kValueCount,
                                         CorrelationType::kTemporal, CorrelationType::kTemporalOrdered,
                                         CorrelationType::kValueSum, CorrelationType::kValueAvg,
                                         CorrelationType::kValuePercentile));

RuleBuilder all_types() {
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

TEST(SavedState, ContinuesAsIfNeverInterrupted) {
  const RuleBuilder rules = all_types();
  std::size_t total = 0;
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    CorrelatorOptions options;
    options.lateness_ns = random.below(10) * kSecond;
    options.emit_on_first = random.one_in(2);
    options.hash_seed = seed;
    options.max_events_per_group = static_cast<std::size_t>(3 + random.below(60));
    options.max_groups = static_cast<std::size_t>(5 + random.below(60));
    Correlator whole(rules.set(), options);
    auto broken = std::make_unique<Correlator>(rules.set(), options);
    std::vector<CorrelationFinding> expected, found;
    for (const PlainEvent& event : shuffled(random_stream(random), options.lateness_ns, random)) {
      whole.add(occurrence_of(event, whole), expected);
      broken->add(occurrence_of(event, *broken), found);
      if (!random.one_in(5)) continue;
      const std::string state = broken->save();
      CorrelatorOptions other = options;
      other.hash_seed = 0;  // The state brings its own.
      broken = std::make_unique<Correlator>(rules.set(), other);
      ASSERT_TRUE(broken->restore(state).ok());
    }
    whole.finish(expected);
    broken->finish(found);
    ASSERT_EQ(found.size(), expected.size());
    for (std::size_t i = 0; i < found.size(); ++i) {
      ASSERT_EQ(found_of(found[i]), found_of(expected[i]));
      ASSERT_EQ(found[i].correlation_index, expected[i].correlation_index);
      ASSERT_EQ(found[i].reason, expected[i].reason);
      ASSERT_EQ(found[i].hosts, expected[i].hosts);
      ASSERT_EQ(std::tie(found[i].run, found[i].ongoing, found[i].update),
                std::tie(expected[i].run, expected[i].ongoing, expected[i].update));
    }
    ASSERT_EQ(broken->stats().findings, whole.stats().findings);
    ASSERT_EQ(broken->stats().events_evicted, whole.stats().events_evicted);
    total += found.size();
  }
  EXPECT_GT(total, 1000u);
}

}  // namespace
}  // namespace tocsin::detect
