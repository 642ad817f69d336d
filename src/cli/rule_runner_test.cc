#include "cli/rule_runner.h"

#include <gtest/gtest.h>

namespace tocsin::cli {
namespace {

detect::RuleSet rules() {
  return detect::load_rules(
      {{"a.yml",
        "title: A\nname: a\nlogsource: {product: acme}\ndetection:\n  s: {x: 1}\n  t: {y: 2}\n  condition: s and not t\n"},
       {"b.yml", "title: B\nlogsource: {product: acme}\ndetection:\n  s: {x: '*'}\n  condition: s\n"},
       {"c.yml", "title: C\ncorrelation:\n  type: event_count\n  rules: [a]\n  timespan: 1m\n  condition: {gte: 2}\n"}},
      {});
}
RunnerOptions acme() {
  RunnerOptions out;
  out.input_source.product = "acme";
  return out;
}
constexpr std::string_view kLines =
    "{\"x\":1,\"timestamp\":\"2026-11-17T09:00:00Z\"}\n{\"x\":1,\"timestamp\":\"2026-11-17T09:00:05Z\"}\n{\"x\":1,\"y\":2}"
    "\n";

TEST(RuleRunner, CountsMatchesOfRulesAndCorrelations) {
  const detect::RuleSet set = rules();
  const detect::LogSourceMap sources;
  RuleRunner runner(set, sources, acme());
  const RunOutcome outcome = runner.run("n", kLines, model::Format::kJson);
  EXPECT_EQ(outcome.events, 3U);
  EXPECT_EQ(outcome.rule_counts, (std::vector<std::uint64_t>{2, 3}));
  EXPECT_EQ(outcome.correlation_counts, std::vector<std::uint64_t>{1});
  EXPECT_EQ(outcome.reasons.size(), 1U);
  EXPECT_EQ(outcome.events_without_time, 1U);
}

TEST(RuleRunner, EachRunStandsAlone) {
  const detect::RuleSet set = rules();
  const detect::LogSourceMap sources;
  RuleRunner runner(set, sources, acme());
  const std::string_view first = kLines.substr(0, kLines.find('\n') + 1);
  for (int i = 0; i < 2; ++i) EXPECT_EQ(runner.run("n", first, model::Format::kJson).correlation_counts[0], 0U);
}

TEST(RuleRunner, OnlyEnabledRulesAreEvaluated) {
  const detect::RuleSet set = rules();
  const detect::LogSourceMap sources;
  RunnerOptions options = acme();
  options.enabled = {false, true};
  RuleRunner runner(set, sources, options);
  EXPECT_EQ(runner.run("n", kLines, model::Format::kJson).rule_counts, (std::vector<std::uint64_t>{0, 3}));
}

TEST(RuleRunner, BadRecordsAndBytesThatAreNoLogAreProblems) {
  const detect::RuleSet set = rules();
  const detect::LogSourceMap sources;
  RuleRunner runner(set, sources, acme());
  const RunOutcome bad = runner.run("n", "{\"x\":1}\n{\"x\":\n", model::Format::kJson);
  EXPECT_EQ(bad.events, 1U);
  EXPECT_EQ(bad.bad_records, 1U);
  EXPECT_EQ(bad.problems.size(), 1U);
  const RunOutcome none = runner.run("n", std::string(512, '\0'), {});
  EXPECT_EQ(none.events, 0U);
  EXPECT_EQ(none.problems.size(), 1U);
}

TEST(RuleRunner, HitsKeptOfOneRuleAreBounded) {
  const detect::RuleSet set = rules();
  const detect::LogSourceMap sources;
  RuleRunner runner(set, sources, acme());
  std::string lines;
  for (std::size_t i = 0; i < kMaxShownHits + 1; ++i) lines += "{\"x\":2}\n";
  const RunOutcome outcome = runner.run("n", lines, model::Format::kJson);
  EXPECT_EQ(outcome.rule_counts[1], kMaxShownHits + 1);
  EXPECT_EQ(outcome.hits.size(), kMaxShownHits);
}

TEST(SelectionsThatHold, NamesThemEventByEvent) {
  const auto lines = selections_that_hold(rules().rules[0], "{\"x\":1,\"y\":2}\n{\"z\":0}\n{}\n", model::Format::kJson, 2);
  EXPECT_EQ(lines, (std::vector<std::string>{"event 1: held: s, t; did not hold: none",
                                             "event 2: held: none; did not hold: s, t"}));
}

}  // namespace
}  // namespace tocsin::cli
