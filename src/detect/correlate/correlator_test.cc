#include "detect/correlator.h"

#include <gtest/gtest.h>

#include "detect/correlate/engine.h"
#include "detect/correlate/reason.h"
#include "detect/correlate/rule_builder.h"

namespace tocsin::detect {
namespace {

using correlate::Engine;
using correlate::kSecond;
using correlate::RuleBuilder;
using sigma::CorrelationType;
using sigma::CountOp;
using Fields = std::vector<std::pair<std::string, std::vector<std::string>>>;

// Feeds one Correlator; events are numbered in the order fed.
struct Feeder {
  explicit Feeder(RuleBuilder builder, CorrelatorOptions options = {})
      : rules(std::move(builder)), correlator(rules.set(), options) {}

  Feeder& at(double seconds, std::uint32_t rule = 0, const Fields& fields = {}) {
    ++order;
    return also(seconds, rule, fields);
  }
  // The same event matched by one more rule.
  Feeder& also(double seconds, std::uint32_t rule, const Fields& fields = {}) {
    Occurrence occurrence;
    occurrence.rule_index = rule;
    occurrence.event_time.ns = static_cast<std::int64_t>(seconds * static_cast<double>(kSecond));
    occurrence.order = order;
    occurrence.record = order;
    occurrence.file = "log";
    occurrence.host = "host";
    for (const std::string& name : correlator.needed_fields(rule)) {
      occurrence.values.emplace_back();
      for (const auto& [field, values] : fields) {
        if (field == name) occurrence.values.back() = values;
      }
    }
    correlator.add(std::move(occurrence), found);
    return *this;
  }
  std::vector<CorrelationFinding>& finish() {
    correlator.finish(found);
    return found;
  }

  const RuleBuilder rules;
  Correlator correlator;
  std::vector<CorrelationFinding> found;
  std::uint64_t order = 0;
};

Fields user(const std::string& name) { return {{"user", {name}}}; }
Fields value(const std::string& text) { return {{"v", {text}}}; }

RuleBuilder count_rule(CountOp op, double threshold, std::int64_t seconds = 10) {
  return RuleBuilder().add(CorrelationType::kEventCount, {0}, seconds).when(op, threshold);
}

TEST(EventCount, FiresAtThresholdAndNotOneBelow) {
  EXPECT_EQ(Feeder(count_rule(CountOp::kGreaterEqual, 3)).at(0).at(1).finish().size(), 0u);
  Feeder three(count_rule(CountOp::kGreaterEqual, 3));
  ASSERT_EQ(three.at(0).at(1).at(2).finish().size(), 1u);
  EXPECT_EQ(three.found[0].value, 3);
  EXPECT_EQ(three.found[0].event_count, 3u);
  EXPECT_EQ(three.found[0].events.size(), 3u);
  EXPECT_EQ(three.found[0].hosts, std::vector<std::string>{"host"});
  EXPECT_EQ(three.found[0].events[2].record, 3u);
  EXPECT_EQ(three.found[0].events[2].file, "log");
  EXPECT_EQ(Feeder(count_rule(CountOp::kGreater, 3)).at(0).at(1).at(2).finish().size(), 0u);
  EXPECT_EQ(Feeder(count_rule(CountOp::kGreater, 3)).at(0).at(1).at(2).at(3).finish().size(), 1u);
}

TEST(EventCount, EventsExactlyTheTimespanApartAreTogether) {
  EXPECT_EQ(Feeder(count_rule(CountOp::kGreaterEqual, 2)).at(0).at(10).finish().size(), 1u);
  EXPECT_EQ(Feeder(count_rule(CountOp::kGreaterEqual, 2)).at(0).at(10.000000001).finish().size(), 0u);
}

TEST(EventCount, WindowsSlideOverBucketBorders) {
  // Two before and two after the border at 10: no bucket of 10 s holds four.
  EXPECT_EQ(Feeder(count_rule(CountOp::kGreaterEqual, 4)).at(7).at(9).at(11).at(13).finish().size(), 1u);
}

TEST(EventCount, BurstIsOneFindingWithTheWholeCount) {
  Feeder feeder(count_rule(CountOp::kGreaterEqual, 5));
  for (int i = 0; i < 3558; ++i) feeder.at(i);
  ASSERT_EQ(feeder.finish().size(), 1u);
  EXPECT_EQ(feeder.found[0].event_count, 3558u);
  EXPECT_EQ(feeder.found[0].value, 11);
  EXPECT_EQ(feeder.found[0].events.size(), kMaxContributions);
  EXPECT_EQ(feeder.found[0].reason, "11 events of 'A' within 10s (>= 5); 3558 events in all over 3557s");
}

TEST(EventCount, SilenceSeparatesFindings) {
  Feeder feeder(count_rule(CountOp::kGreaterEqual, 2));
  ASSERT_EQ(feeder.at(0).at(1).at(100).at(101).at(102).finish().size(), 2u);
  EXPECT_EQ(feeder.found[0].event_count, 2u);
  EXPECT_EQ(feeder.found[1].event_count, 3u);
}

TEST(EventCount, EventsOfAnEndedFindingAreUsedUp) {
  // At 11 the window [1, 11] holds 4 and 11 only: the finding ends, and 11 must not be joined with 4 again.
  Feeder feeder(count_rule(CountOp::kGreaterEqual, 3));
  ASSERT_EQ(feeder.at(0).at(0).at(4).at(11).at(12).finish().size(), 1u);
  EXPECT_EQ(feeder.found[0].event_count, 3u);
  Feeder more(count_rule(CountOp::kGreaterEqual, 3));
  EXPECT_EQ(more.at(0).at(0).at(4).at(11).at(12).at(13).finish().size(), 2u);
}

TEST(EventCount, FindingIsEndedAtTheLongestDuration) {
  CorrelatorOptions options;
  options.max_finding_ns = 100 * kSecond;
  Feeder feeder(count_rule(CountOp::kGreaterEqual, 2), options);
  for (int i = 0; i <= 150; ++i) feeder.at(i);
  ASSERT_EQ(feeder.finish().size(), 2u);
  EXPECT_EQ(feeder.found[0].event_count, 101u);
  EXPECT_EQ(feeder.found[1].event_count, 50u);
}

TEST(EventCount, EventMatchedByTwoRulesCountsOnce) {
  const RuleBuilder rules = RuleBuilder().add(CorrelationType::kEventCount, {0, 1}, 10).when(CountOp::kGreaterEqual, 3);
  EXPECT_EQ(Feeder(rules).at(0, 0).also(0, 1).at(1, 0).finish().size(), 0u);
  EXPECT_EQ(Feeder(rules).at(0, 0).also(0, 1).at(1, 0).at(1, 1).finish().size(), 1u);
}

TEST(EventCount, EqualMeansTheDensestWindowHoldsExactlyThat) {
  EXPECT_EQ(Feeder(count_rule(CountOp::kEqual, 3)).at(0).at(1).finish().size(), 0u);
  EXPECT_EQ(Feeder(count_rule(CountOp::kEqual, 3)).at(0).at(1).at(2).finish().size(), 1u);
  EXPECT_EQ(Feeder(count_rule(CountOp::kEqual, 3)).at(0).at(1).at(2).at(3).finish().size(), 0u);
}

TEST(EventCount, LessIsDecidedWhenTheWindowIsOver) {
  Feeder feeder(count_rule(CountOp::kLess, 3));
  feeder.at(0).at(1).at(10);
  EXPECT_TRUE(feeder.found.empty());
  feeder.at(50).at(51);
  EXPECT_TRUE(feeder.found.empty()) << "three events are not fewer than three";
  feeder.at(61);
  ASSERT_EQ(feeder.found.size(), 1u);
  EXPECT_EQ(feeder.found[0].event_count, 2u);
  EXPECT_EQ(feeder.found[0].first.ns, 50 * kSecond);
  EXPECT_EQ(feeder.found[0].reason, "2 events of 'A' within 10s (< 3)");
  EXPECT_EQ(feeder.finish().size(), 2u) << "the window begun at 61 is over at the end of the input";
}

TEST(EventCount, LessEqualAndNotEqualAtTheEdge) {
  EXPECT_EQ(Feeder(count_rule(CountOp::kLessEqual, 2)).at(0).at(1).finish().size(), 1u);
  EXPECT_EQ(Feeder(count_rule(CountOp::kLessEqual, 2)).at(0).at(1).at(2).finish().size(), 0u);
  EXPECT_EQ(Feeder(count_rule(CountOp::kNotEqual, 2)).at(0).at(1).finish().size(), 0u);
  EXPECT_EQ(Feeder(count_rule(CountOp::kNotEqual, 2)).at(0).at(1).at(2).finish().size(), 1u);
  EXPECT_EQ(Feeder(count_rule(CountOp::kLess, 3)).finish().size(), 0u) << "no event, no group";
}

TEST(EventCount, RangeHoldsForTheDensestWindow) {
  const RuleBuilder rules = count_rule(CountOp::kGreater, 2).when(CountOp::kLessEqual, 4);
  EXPECT_EQ(Feeder(rules).at(0).at(1).finish().size(), 0u);
  Feeder four(rules);
  ASSERT_EQ(four.at(0).at(1).at(2).at(3).finish().size(), 1u);
  EXPECT_EQ(four.found[0].reason, "4 events of 'A' within 10s (> 2 and <= 4)");
  EXPECT_EQ(Feeder(rules).at(0).at(1).at(2).at(3).at(4).finish().size(), 0u);
}

TEST(GroupBy, GroupsAreCountedApart) {
  const RuleBuilder rules = count_rule(CountOp::kGreaterEqual, 2).by({"user"});
  Feeder feeder(rules);
  ASSERT_EQ(feeder.at(0, 0, user("ann")).at(1, 0, user("bob")).at(2, 0, user("bob")).finish().size(), 1u);
  EXPECT_EQ(feeder.found[0].group, (std::vector<std::pair<std::string, std::string>>{{"user", "bob"}}));
  EXPECT_EQ(feeder.found[0].reason, "2 events of 'A' within 10s (>= 2), user=bob");
}

TEST(GroupBy, NamesAndValuesDoNotRunTogether) {
  const RuleBuilder rules = count_rule(CountOp::kGreaterEqual, 2).by({"a", "b"});
  Feeder feeder(rules);
  feeder.at(0, 0, {{"a", {"xy"}}, {"b", {"z"}}}).at(1, 0, {{"a", {"x"}}, {"b", {"yz"}}});
  EXPECT_EQ(feeder.finish().size(), 0u);
}

TEST(GroupBy, EventWithoutTheFieldTakesNoPart) {
  Feeder feeder(count_rule(CountOp::kGreaterEqual, 1).by({"user"}));
  EXPECT_EQ(feeder.at(0).finish().size(), 0u);
  EXPECT_EQ(feeder.correlator.stats().without_group_field, 1u);
}

TEST(GroupBy, ListPutsTheEventIntoEachGroupOnce) {
  Feeder feeder(count_rule(CountOp::kGreaterEqual, 2).by({"user"}));
  feeder.at(0, 0, {{"user", {"ann", "bob", "bob"}}}).at(1, 0, user("bob"));
  ASSERT_EQ(feeder.finish().size(), 1u);
  EXPECT_EQ(feeder.found[0].group[0].second, "bob");
  EXPECT_EQ(feeder.found[0].event_count, 2u);
}

TEST(GroupBy, CombinationsOfListsAreBounded) {
  Feeder feeder(count_rule(CountOp::kGreaterEqual, 1).by({"a", "b"}));
  const std::vector<std::string> five = {"1", "2", "3", "4", "5"};
  EXPECT_EQ(feeder.at(0, 0, {{"a", five}, {"b", five}}).finish().size(), kMaxCombinations);
  EXPECT_EQ(feeder.correlator.stats().combinations_cut, 1u);
}

TEST(GroupBy, LongValuesAreCutAndStayDistinct) {
  const std::string big(1'000'000, 'x');
  Feeder feeder(count_rule(CountOp::kGreaterEqual, 2).by({"user"}));
  ASSERT_EQ(feeder.at(0, 0, user(big + "1")).at(1, 0, user(big + "2")).at(2, 0, user(big + "2")).finish().size(), 1u);
  EXPECT_EQ(feeder.found[0].group[0].second.size(), kMaxGroupValueBytes);
  EXPECT_EQ(feeder.correlator.stats().values_cut, 3u);
}

TEST(GroupBy, AliasNamesTheFieldOfEachRule) {
  const RuleBuilder rules = RuleBuilder()
                                .add(CorrelationType::kTemporal, {0, 1}, 10)
                                .by({"ip"})
                                .alias("ip", {{0, "source.ip"}, {1, "destination.ip"}});
  Feeder feeder(rules);
  ASSERT_EQ(feeder.correlator.needed_fields(0).size(), 1u);
  EXPECT_EQ(feeder.correlator.needed_fields(0)[0], "source.ip");
  feeder.at(0, 0, {{"source.ip", {"1.1.1.1"}}}).at(1, 1, {{"destination.ip", {"1.1.1.1"}}, {"source.ip", {"9.9.9.9"}}});
  ASSERT_EQ(feeder.finish().size(), 1u);
  EXPECT_EQ(feeder.found[0].group[0], (std::pair<std::string, std::string>{"ip", "1.1.1.1"}));
}

RuleBuilder distinct_rule(double threshold) {
  return RuleBuilder().add(CorrelationType::kValueCount, {0}, 10).of({"v"}).when(CountOp::kGreaterEqual, threshold);
}

TEST(ValueCount, CountsDistinctValues) {
  EXPECT_EQ(Feeder(distinct_rule(3)).at(0, 0, value("a")).at(1, 0, value("b")).at(2, 0, value("b")).finish().size(), 0u);
  Feeder feeder(distinct_rule(3));
  ASSERT_EQ(feeder.at(0, 0, value("a")).at(1, 0, value("b")).at(2, 0, value("b")).at(3, 0, value("c")).finish().size(), 1u);
  EXPECT_EQ(feeder.found[0].reason, "3 distinct values of v in 4 events of 'A' within 10s (>= 3)");
}

TEST(ValueCount, ValuesBeforeTheWindowDoNotCount) {
  Feeder feeder(distinct_rule(3));
  EXPECT_EQ(feeder.at(0, 0, value("a")).at(9, 0, value("b")).at(11, 0, value("c")).finish().size(), 0u);
}

TEST(ValueCount, FieldsMakeATuple) {
  const RuleBuilder rules =
      RuleBuilder().add(CorrelationType::kValueCount, {0}, 10).of({"v", "w"}).when(CountOp::kGreaterEqual, 3);
  const auto pair = [](const char* v, const char* w) { return Fields{{"v", {v}}, {"w", {w}}}; };
  EXPECT_EQ(Feeder(rules).at(0, 0, pair("a", "1")).at(1, 0, pair("a", "2")).at(2, 0, pair("a", "1")).finish().size(), 0u);
  EXPECT_EQ(Feeder(rules).at(0, 0, pair("a", "1")).at(1, 0, pair("a", "2")).at(2, 0, pair("b", "1")).finish().size(), 1u);
}

TEST(ValueCount, EventWithoutTheFieldTakesNoPartAndListsCountEach) {
  Feeder feeder(distinct_rule(3));
  ASSERT_EQ(feeder.at(0).at(1, 0, {{"v", {"a", "b", "c"}}}).finish().size(), 1u);
  EXPECT_EQ(feeder.found[0].event_count, 1u);
  EXPECT_EQ(feeder.correlator.stats().without_value, 1u);
}

TEST(ValueSum, AddsUpWithinTheWindow) {
  const RuleBuilder rules = RuleBuilder().add(CorrelationType::kValueSum, {0}, 10).of({"v"}).when(CountOp::kGreater, 100);
  EXPECT_EQ(Feeder(rules).at(0, 0, value("60")).at(5, 0, value("40")).finish().size(), 0u);
  EXPECT_EQ(Feeder(rules).at(0, 0, value("60")).at(10.5, 0, value("60")).finish().size(), 0u);
  Feeder feeder(rules);
  ASSERT_EQ(feeder.at(0, 0, value("60")).at(5, 0, value("40")).at(6, 0, value("0.5")).finish().size(), 1u);
  EXPECT_EQ(feeder.found[0].value, 100.5);
}

TEST(ValueSum, SmallNumbersSurviveALargeOneLeaving) {
  const RuleBuilder rules = RuleBuilder().add(CorrelationType::kValueSum, {0}, 10).of({"v"}).when(CountOp::kEqual, 3);
  // After 1e200 has left, 1 + 2 is exactly 3.
  EXPECT_EQ(Feeder(rules).at(0, 0, value("-1e200")).at(9, 0, value("1")).at(18, 0, value("2")).finish().size(), 1u);
}

TEST(ValueSum, TextIsNoNumber) {
  Feeder feeder(RuleBuilder().add(CorrelationType::kValueSum, {0}, 10).of({"v"}).when(CountOp::kGreaterEqual, -1e300));
  for (const char* text : {"", "x", "1x", "nan", "inf", "1e999", "0x10", "--1", "+-1"}) feeder.at(1, 0, value(text));
  EXPECT_EQ(feeder.finish().size(), 0u);
  EXPECT_EQ(feeder.correlator.stats().without_value, 9u);
}

TEST(ValueAvg, IsTheMeanOfTheWindow) {
  const RuleBuilder rules = RuleBuilder().add(CorrelationType::kValueAvg, {0}, 10).of({"v"}).when(CountOp::kLess, 5);
  EXPECT_EQ(Feeder(rules).at(0, 0, value("1")).at(5, 0, value("9")).finish().size(), 0u);
  Feeder feeder(rules);
  ASSERT_EQ(feeder.at(0, 0, value("1")).at(5, 0, value("8")).finish().size(), 1u);
  EXPECT_EQ(feeder.found[0].value, 4.5);
  EXPECT_EQ(feeder.found[0].reason, "mean 4.5 of v in 2 events of 'A' within 10s (< 5)");
}

TEST(ValuePercentile, IsTheNearestRank) {
  const auto rules = [](double percentile, double threshold) {
    return RuleBuilder()
        .add(CorrelationType::kValuePercentile, {0}, 100)
        .of({"v"})
        .percentile(percentile)
        .when(CountOp::kLessEqual, threshold);
  };
  const auto value_at = [&](double percentile) {
    Feeder feeder(rules(percentile, 1e9));
    for (int i = 20; i > 0; --i) feeder.at(20 - i, 0, value(std::to_string(i)));
    return feeder.finish().at(0).value;
  };
  EXPECT_EQ(value_at(0), 1);
  EXPECT_EQ(value_at(50), 10);
  EXPECT_EQ(value_at(95), 19);
  EXPECT_EQ(value_at(95.1), 20);
  EXPECT_EQ(value_at(100), 20);
}

TEST(Temporal, AllRulesWithinTheTimespanInAnyOrder) {
  const RuleBuilder rules = RuleBuilder().add(CorrelationType::kTemporal, {0, 1, 2}, 10);
  EXPECT_EQ(Feeder(rules).at(0, 2).at(5, 0).at(10, 1).finish().size(), 1u);
  EXPECT_EQ(Feeder(rules).at(0, 2).at(5, 0).at(10.1, 1).finish().size(), 0u);
  EXPECT_EQ(Feeder(rules).at(0, 2).at(5, 2).at(6, 1).finish().size(), 0u);
}

TEST(Temporal, OneEventMayServeTwoRules) {
  const RuleBuilder rules = RuleBuilder().add(CorrelationType::kTemporal, {0, 1}, 10);
  EXPECT_EQ(Feeder(rules).at(0, 0).also(0, 1).finish().size(), 1u);
}

TEST(Temporal, ConditionIsOnTheNumberOfDistinctRules) {
  const RuleBuilder rules = RuleBuilder().add(CorrelationType::kTemporal, {0, 1, 2}, 10).when(CountOp::kGreaterEqual, 2);
  EXPECT_EQ(Feeder(rules).at(0, 2).at(5, 2).finish().size(), 0u);
  EXPECT_EQ(Feeder(rules).at(0, 2).at(5, 1).finish().size(), 1u);
}

TEST(Temporal, GroupByIsEnforced) {
  const RuleBuilder rules = RuleBuilder().add(CorrelationType::kTemporal, {0, 1}, 10).by({"user"});
  EXPECT_EQ(Feeder(rules).at(0, 0, user("ann")).at(1, 1, user("bob")).finish().size(), 0u);
  EXPECT_EQ(Feeder(rules).at(0, 0, user("ann")).at(1, 1, user("ann")).finish().size(), 1u);
}

TEST(TemporalOrdered, OrderIsEnforcedPastTheFirstRule) {
  const RuleBuilder rules = RuleBuilder().add(CorrelationType::kTemporalOrdered, {0, 1, 2}, 10);
  EXPECT_EQ(Feeder(rules).at(0, 0).at(1, 1).at(2, 2).finish().size(), 1u);
  EXPECT_EQ(Feeder(rules).at(0, 0).at(1, 2).at(2, 1).finish().size(), 0u);
  EXPECT_EQ(Feeder(rules).at(0, 1).at(1, 0).at(2, 2).finish().size(), 0u);
  EXPECT_EQ(Feeder(rules).at(0, 0).at(1, 2).at(2, 1).at(3, 2).finish().size(), 1u);
  EXPECT_EQ(Feeder(rules).at(0, 0).at(5, 1).at(10, 2).finish().size(), 1u);
  EXPECT_EQ(Feeder(rules).at(0, 0).at(5, 1).at(10.1, 2).finish().size(), 0u);
  EXPECT_EQ(Feeder(rules).at(0, 0).at(5, 1).at(6, 0).at(10.1, 2).finish().size(), 0u) << "the later A has no B after it";
}

TEST(TemporalOrdered, EqualTimesGoByPlaceInTheInputAndOneEventIsOneStep) {
  const RuleBuilder rules = RuleBuilder().add(CorrelationType::kTemporalOrdered, {0, 1}, 10);
  EXPECT_EQ(Feeder(rules).at(5, 0).at(5, 1).finish().size(), 1u);
  EXPECT_EQ(Feeder(rules).at(5, 1).at(5, 0).finish().size(), 0u);
  EXPECT_EQ(Feeder(rules).at(5, 0).also(5, 1).finish().size(), 0u);
  const RuleBuilder twice = RuleBuilder().add(CorrelationType::kTemporalOrdered, {0, 0, 1}, 10);
  EXPECT_EQ(Feeder(twice).at(1, 0).at(2, 1).finish().size(), 0u);
  EXPECT_EQ(Feeder(twice).at(1, 0).at(2, 0).at(3, 1).finish().size(), 1u);
}

RuleBuilder spray_then_success() {
  RuleBuilder rules;
  rules.add(CorrelationType::kEventCount, {0}, 10).by({"user"}).when(CountOp::kGreaterEqual, 3);
  rules.add(CorrelationType::kTemporalOrdered, {rules.correlation(0), 1}, 30).by({"user"});
  return rules;
}

TEST(Chaining, FindingIsAnOccurrenceForTheNextCorrelation) {
  const RuleBuilder rules = spray_then_success();
  Feeder feeder(rules);
  feeder.at(0, 0, user("bob")).at(1, 0, user("bob")).at(2, 0, user("bob")).at(20, 1, user("bob"));
  ASSERT_EQ(feeder.finish().size(), 2u);
  const CorrelationFinding& outer = feeder.found[1];
  EXPECT_EQ(outer.correlation_index, 1u);
  EXPECT_EQ(outer.first.ns, 2 * kSecond);
  EXPECT_EQ(outer.last.ns, 20 * kSecond);
  ASSERT_EQ(outer.events.size(), 2u);
  EXPECT_EQ(outer.events[0].rule_index, rules.correlation(0));
  EXPECT_EQ(outer.reason, "2 rules of 'C0', 'B' matched in this order within 30s (>= 2), user=bob");
}

TEST(Chaining, TwoFailuresAreNoFinding) {
  const RuleBuilder rules = spray_then_success();
  EXPECT_EQ(Feeder(rules).at(0, 0, user("bob")).at(2, 0, user("bob")).at(20, 1, user("bob")).finish().size(), 0u);
}

TEST(Chaining, SuccessInTheMidstOfALongAttackIsFound) {
  const RuleBuilder rules = spray_then_success();
  Feeder feeder(rules);
  for (int i = 0; i < 1000; ++i) feeder.at(i, 0, user("bob"));
  feeder.at(1000, 1, user("bob"));
  for (int i = 1001; i < 1100; ++i) feeder.at(i, 0, user("bob"));
  ASSERT_EQ(feeder.finish().size(), 2u);
}

TEST(Chaining, CountingTakesAFindingOnceOverTwoLevels) {
  RuleBuilder rules;
  rules.add(CorrelationType::kEventCount, {0}, 10).by({"user", "ip"}).when(CountOp::kGreaterEqual, 2);
  rules.add(CorrelationType::kValueCount, {rules.correlation(0)}, 100)
      .by({"ip"})
      .of({"user"})
      .when(CountOp::kGreaterEqual, 2);
  rules.add(CorrelationType::kEventCount, {rules.correlation(1)}, 1000).when(CountOp::kGreaterEqual, 2);
  Feeder feeder(rules);
  const auto burst = [&](double from, const char* name, const char* ip) {
    for (int i = 0; i < 5; ++i) feeder.at(from + i, 0, {{"user", {name}}, {"ip", {ip}}});
  };
  burst(0, "ann", "1");
  burst(20, "bob", "1");
  burst(40, "ann", "2");
  burst(60, "bob", "2");
  feeder.finish();
  std::vector<int> per_correlation(3);
  for (const auto& finding : feeder.found) ++per_correlation[finding.correlation_index];
  EXPECT_EQ(per_correlation, (std::vector<int>{4, 2, 1}));
  for (const auto& finding : feeder.found) {
    if (finding.correlation_index != 0) {
      EXPECT_EQ(finding.event_count, 2u);
    }
  }
}

TEST(Chaining, FindingCertainOnlyAtTheEndOfItsWindowCountsThen) {
  RuleBuilder rules;
  rules.add(CorrelationType::kEventCount, {0}, 10).when(CountOp::kLess, 3);
  rules.add(CorrelationType::kTemporalOrdered, {rules.correlation(0), 1}, 5);
  EXPECT_EQ(Feeder(rules).at(0, 0).at(9, 1).finish().size(), 1u) << "at 9 it is not known yet";
  EXPECT_EQ(Feeder(rules).at(0, 0).at(15, 1).finish().size(), 2u);
  EXPECT_EQ(Feeder(rules).at(0, 0).at(15.1, 1).finish().size(), 1u);
}

TEST(Chaining, FieldTheInnerCorrelationDoesNotGroupByIsMissing) {
  RuleBuilder rules;
  rules.add(CorrelationType::kEventCount, {0}, 10).by({"user"}).when(CountOp::kGreaterEqual, 1);
  rules.add(CorrelationType::kEventCount, {rules.correlation(0)}, 10).by({"ip"}).when(CountOp::kGreaterEqual, 1);
  Feeder feeder(rules);
  EXPECT_EQ(feeder.at(0, 0, {{"user", {"bob"}}, {"ip", {"1"}}}).finish().size(), 1u);
  EXPECT_EQ(feeder.correlator.stats().without_group_field, 1u);
}

TEST(Chaining, LatticeOfCorrelationsDoesNotExplode) {
  RuleBuilder rules;
  for (std::uint32_t c = 0; c < 40; ++c) {
    std::vector<std::uint32_t> refers = {0};
    for (std::uint32_t inner = 0; inner < c; ++inner) refers.push_back(rules.correlation(inner));
    rules.add(CorrelationType::kTemporal, refers, 10).when(CountOp::kGreaterEqual, 1);
  }
  Feeder feeder(rules);
  feeder.at(0).at(1).finish();
  EXPECT_EQ(feeder.found.size(), 40u);
  EXPECT_GT(feeder.correlator.stats().chained_dropped, 0u);
}

TEST(Lateness, OutOfOrderWithinItIsPutInOrder) {
  CorrelatorOptions options;
  options.lateness_ns = 5 * kSecond;
  const RuleBuilder rules = RuleBuilder().add(CorrelationType::kTemporalOrdered, {0, 1}, 10);
  Feeder feeder(rules, options);
  EXPECT_EQ(feeder.at(5, 1).at(0, 0).finish().size(), 1u);
  EXPECT_EQ(feeder.correlator.stats().late, 0u);
}

TEST(Lateness, OlderThanItIsCountedAndTakesNoPart) {
  CorrelatorOptions options;
  options.lateness_ns = 5 * kSecond;
  Feeder feeder(count_rule(CountOp::kGreaterEqual, 2), options);
  EXPECT_EQ(feeder.at(10).at(4.9).finish().size(), 0u);
  EXPECT_EQ(feeder.correlator.stats().late, 1u);
}

TEST(Lateness, PassingTimeReleasesWhatWaitsAndEndsWindows) {
  CorrelatorOptions options;
  options.lateness_ns = 5 * kSecond;
  options.emit_on_first = true;
  Feeder feeder(count_rule(CountOp::kGreaterEqual, 2), options);
  EXPECT_FALSE(feeder.correlator.due().known());
  feeder.at(10).at(11);
  const core::Timestamp due = feeder.correlator.due();
  ASSERT_TRUE(due.known());
  feeder.correlator.advance({due.ns - 1}, feeder.found);
  EXPECT_EQ(feeder.correlator.due(), due);
  feeder.correlator.advance(due, feeder.found);  // The first of the two: a window is open, the other one waits.
  EXPECT_TRUE(feeder.found.empty());
  feeder.correlator.advance(feeder.correlator.due(), feeder.found);
  ASSERT_EQ(feeder.found.size(), 1u);
  EXPECT_TRUE(feeder.found[0].ongoing);
  for (int step = 0; feeder.correlator.due().known(); ++step) {
    ASSERT_LT(step, 10);
    feeder.correlator.advance(feeder.correlator.due(), feeder.found);
  }
  ASSERT_EQ(feeder.found.size(), 2u);
  EXPECT_TRUE(feeder.found[1].update);
}

TEST(Lateness, FullBufferReleasesTheOldestEarly) {
  CorrelatorOptions options;
  options.lateness_ns = 1000 * kSecond;
  options.max_pending = 2;
  Feeder feeder(count_rule(CountOp::kGreaterEqual, 1, 1), options);
  feeder.at(50).at(10).at(90);
  EXPECT_EQ(feeder.correlator.stats().released_early, 1u);
  feeder.at(9);
  EXPECT_EQ(feeder.correlator.stats().late, 1u);
  EXPECT_EQ(feeder.finish().size(), 3u);
}

TEST(Lateness, EventWithoutTimeIsCounted) {
  Feeder feeder(count_rule(CountOp::kGreaterEqual, 1));
  Occurrence occurrence;
  feeder.correlator.add(occurrence, feeder.found);
  EXPECT_EQ(feeder.finish().size(), 0u);
  EXPECT_EQ(feeder.correlator.stats().without_time, 1u);
}

TEST(Lateness, TimesAtTheEndsOfTheRangeAreHarmless) {
  CorrelatorOptions options;
  options.lateness_ns = std::numeric_limits<std::int64_t>::max();
  for (const CountOp op : {CountOp::kGreaterEqual, CountOp::kLess}) {
    Feeder feeder(count_rule(op, 2), options);
    for (const std::int64_t time :
         {std::numeric_limits<std::int64_t>::min() + 1, std::numeric_limits<std::int64_t>::max()}) {
      Occurrence occurrence;
      occurrence.event_time.ns = time;
      feeder.correlator.add(occurrence, feeder.found);
    }
    EXPECT_EQ(feeder.finish().size(), op == CountOp::kLess ? 2u : 0u);
  }
}

TEST(EmitOnFirst, AlertsAtOnceAndGivesTheTotalAfter) {
  CorrelatorOptions options;
  options.emit_on_first = true;
  Feeder feeder(count_rule(CountOp::kGreaterEqual, 2), options);
  feeder.at(0).at(1);
  ASSERT_EQ(feeder.found.size(), 1u);
  EXPECT_TRUE(feeder.found[0].ongoing);
  EXPECT_FALSE(feeder.found[0].update);
  feeder.at(2).at(3).at(100);
  ASSERT_EQ(feeder.found.size(), 2u);
  EXPECT_FALSE(feeder.found[1].ongoing);
  EXPECT_TRUE(feeder.found[1].update);
  EXPECT_EQ(feeder.found[1].run, feeder.found[0].run);
  EXPECT_EQ(feeder.found[1].event_count, 4u);
  EXPECT_EQ(feeder.correlator.stats().findings, 1u);
}

TEST(Limits, LeastRecentlyTouchedGroupGoes) {
  CorrelatorOptions options;
  options.max_groups = 2;
  Feeder feeder(count_rule(CountOp::kGreaterEqual, 2).by({"user"}), options);
  feeder.at(0, 0, user("ann")).at(1, 0, user("bob")).at(2, 0, user("cat"));  // ann goes.
  feeder.at(3, 0, user("bob")).at(4, 0, user("dan")).at(5, 0, user("ann"));  // cat, then bob go.
  EXPECT_EQ(feeder.correlator.stats().groups_evicted, 3u);
  ASSERT_EQ(feeder.finish().size(), 1u) << "bob's finding is given out, although his group was evicted";
  EXPECT_EQ(feeder.found[0].group[0].second, "bob");
}

TEST(Limits, OldestEventOfAFullWindowGoesAndTheTotalStaysWhole) {
  CorrelatorOptions options;
  options.max_events_per_group = 5;
  Feeder feeder(count_rule(CountOp::kGreaterEqual, 3), options);
  for (int i = 0; i < 10; ++i) feeder.at(i / 10.0);
  ASSERT_EQ(feeder.finish().size(), 1u);
  EXPECT_EQ(feeder.correlator.stats().events_evicted, 5u);
  EXPECT_EQ(feeder.found[0].event_count, 10u);
}

TEST(Limits, EventsOfAllGroupsAreBounded) {
  CorrelatorOptions options;
  options.max_events = 4;
  Feeder feeder(count_rule(CountOp::kGreaterEqual, 3).by({"user"}), options);
  feeder.at(0, 0, user("ann")).at(1, 0, user("ann")).at(2, 0, user("bob")).at(3, 0, user("bob"));
  EXPECT_EQ(feeder.correlator.stats().groups_evicted, 0u);
  feeder.at(4, 0, user("cat"));  // ann goes.
  EXPECT_EQ(feeder.correlator.stats().groups_evicted, 1u);
  EXPECT_EQ(feeder.at(5, 0, user("ann")).finish().size(), 0u);
}

TEST(Limits, WaitingBytesAreBounded) {
  CorrelatorOptions options;
  options.lateness_ns = 1000 * kSecond;
  options.max_pending_bytes = 1'000;
  Feeder feeder(count_rule(CountOp::kGreaterEqual, 3).by({"user"}), options);
  for (int i = 0; i < 20; ++i) feeder.at(i, 0, user(std::string(200, 'u')));
  EXPECT_GT(feeder.correlator.stats().released_early, 10u);
  ASSERT_EQ(feeder.finish().size(), 1u);
  EXPECT_EQ(feeder.found[0].event_count, 20u);
}

TEST(Limits, NothingIsKeptOfGroupsThatAreOver) {
  const RuleBuilder rules = spray_then_success();
  Engine engine(rules.set(), {});
  std::vector<CorrelationFinding> out;
  for (std::uint64_t i = 0; i < 1000; ++i) {
    Occurrence occurrence;
    occurrence.rule_index = i % 2 == 0 ? 0 : 1;
    occurrence.event_time.ns = static_cast<std::int64_t>(i) * kSecond;
    occurrence.order = i;
    occurrence.values = {{"user" + std::to_string(i / 10)}};
    occurrence.file = "file" + std::to_string(i);
    occurrence.host = "host" + std::to_string(i);
    engine.add(occurrence, out);
    ASSERT_LE(engine.group_count(), 20u);
    ASSERT_LE(engine.text_count(), 400u);
  }
  EXPECT_GT(out.size(), 0u);
  engine.finish(out);
  EXPECT_EQ(engine.group_count(), 0u);
  EXPECT_EQ(engine.event_total(), 0u);
  EXPECT_EQ(engine.text_count(), 0u);
}

TEST(Correlator, WantsOnlyRulesThatACorrelationRefersTo) {
  Feeder feeder(count_rule(CountOp::kGreaterEqual, 1));
  EXPECT_TRUE(feeder.correlator.wants(0));
  EXPECT_FALSE(feeder.correlator.wants(1));
  EXPECT_FALSE(feeder.correlator.wants(99));
  EXPECT_EQ(feeder.at(0, 1).finish().size(), 0u);
  EXPECT_EQ(feeder.correlator.stats().occurrences, 0u);
}

TEST(Reason, DurationsAndHostileValues) {
  EXPECT_EQ(correlate::shown_duration(90 * kSecond), "90s");
  EXPECT_EQ(correlate::shown_duration(300 * kSecond), "5m");
  EXPECT_EQ(correlate::shown_duration(86400 * kSecond), "1d");
  EXPECT_EQ(correlate::shown_duration(1'500'000), "1500us");
  Feeder feeder(count_rule(CountOp::kGreaterEqual, 1).by({"user"}));
  feeder.at(0, 0, user("\x1b[31mred\n" + std::string(200, 'y')));
  EXPECT_EQ(feeder.finish().at(0).reason, "1 event of 'A' within 10s (>= 1), user=?[31mred?" + std::string(91, 'y') + "...");
}

}  // namespace
}  // namespace tocsin::detect
