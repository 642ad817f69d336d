// The correlator against a plain, slow implementation of docs/correlation.md, on random streams.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <set>
#include <tuple>

#include "detect/correlate/random_streams.h"

namespace tocsin::detect {
namespace {

using namespace correlate;  // NOLINT(google-build-using-namespace)

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
      ASSERT_EQ(broken->save(), state);
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
