#include "cli/rules/rule_tests.h"

#include <gtest/gtest.h>

#include "cli/content.h"
#include "cli/rules/rule_input.h"
#include "testing/paths.h"
#include "testing/temporary_folder.h"

namespace tocsin::cli {
namespace {

constexpr const char* kTable = "product: acme\nrows:\n  - {service: door, when: {kind: door}}\n";
constexpr const char* kRule =
    "title: Door opened at night\nname: door_night\nid: 11111111-2222-3333-4444-555555555555\nlogsource: {product: acme, "
    "service: door}\n"
    "detection:\n  opened: {action: open}\n  known: {who: guard}\n  condition: opened and not known\n";
constexpr const char* kCorrelation =
    "title: Door opened often\ncorrelation:\n  type: event_count\n  rules: [door_night]\n  group-by: [who]\n  timespan: "
    "1m\n  condition: {gte: 2}\n";

class RuleTests : public ::testing::Test {
 protected:
  RuleTestReport run(const std::vector<std::string>& paths, const std::vector<std::string>& more = {}) {
    const Content content;
    const auto input = find_rules(paths, more, content);
    EXPECT_TRUE(input.ok()) << input.error().text;
    const auto rules = load_rule_files(input.value(), "");
    EXPECT_TRUE(rules.ok());
    const detect::LogSourceMap sources = detect::load_log_sources({{"t.yml", kTable}});
    EXPECT_TRUE(sources.diagnostics.empty());
    RuleTestOptions options;
    options.under_test = input.value().under_test;
    options.read = input.value().read;
    return run_rule_tests(rules.value(), sources, options);
  }
  std::string root() const { return folder_.path().string(); }
  static std::string all_why(const TestFailure& failure) {
    std::string out;
    for (const std::string& line : failure.why) out += line + "\n";
    return out;
  }
  testing::TemporaryFolder folder_;
};

TEST_F(RuleTests, PassingSamplesOfBothKindsAreCounted) {
  folder_.write("a.yml", kRule);
  folder_.write("a.test.yml",
                "tests:\n- {name: fires, expect: 1, events: [{kind: door, action: open, who: bob}]}\n"
                "- {name: silent, expect: 0, events: [{kind: door, action: open, who: guard}]}\n");
  const RuleTestReport report = run({root()});
  EXPECT_EQ(report.tests, 2U);
  EXPECT_EQ(report.failed, 0U);
  EXPECT_EQ(report.untested_rules, 0U);
}

TEST_F(RuleTests, SilenceIsExplainedBySelections) {
  folder_.write("a.yml", kRule);
  folder_.write("a.test.yml", "tests:\n- {name: n, expect: 1, events: [{kind: door, action: open, who: guard}]}\n");
  const RuleTestReport report = run({root()});
  ASSERT_EQ(report.failures.size(), 1U);
  EXPECT_EQ(report.failures[0].expected, "1");
  EXPECT_EQ(report.failures[0].got, "0");
  EXPECT_NE(all_why(report.failures[0]).find("event 1: held: opened, known; did not hold: none"), std::string::npos)
      << all_why(report.failures[0]);
}

TEST_F(RuleTests, SilenceBecauseOfTheSourceIsTold) {
  folder_.write("a.yml", kRule);
  folder_.write("a.test.yml", "tests:\n- {name: n, expect: 1, events: [{action: open, who: bob}]}\n");
  const RuleTestReport report = run({root()});
  ASSERT_EQ(report.failures.size(), 1U);
  EXPECT_NE(all_why(report.failures[0]).find("not recognised as product acme, service door"), std::string::npos)
      << all_why(report.failures[0]);
}

TEST_F(RuleTests, TheSourceOfATestMayBeGiven) {
  folder_.write("a.yml", kRule);
  folder_.write(
      "a.test.yml",
      "tests:\n- {name: n, expect: 1, logsource: {product: acme, service: door}, events: [{action: open, who: bob}]}\n");
  EXPECT_EQ(run({root()}).failed, 0U);
}

TEST_F(RuleTests, NoiseIsExplainedByPredicates) {
  folder_.write("a.yml", kRule);
  folder_.write("a.test.yml", "tests:\n- {name: n, expect: 0, events: [{kind: door, action: open, who: bob}]}\n");
  const RuleTestReport report = run({root()});
  ASSERT_EQ(report.failures.size(), 1U);
  EXPECT_NE(all_why(report.failures[0]).find("record 1: opened: action"), std::string::npos) << all_why(report.failures[0]);
}

TEST_F(RuleTests, ANegativeTestWithoutEventsProvesNothing) {
  folder_.write("a.yml", kRule);
  folder_.write("a.test.yml", "tests:\n- {name: n, expect: 0, events: []}\n");
  const RuleTestReport report = run({root()});
  ASSERT_EQ(report.failures.size(), 1U);
  EXPECT_NE(all_why(report.failures[0]).find("no event could be read"), std::string::npos);
}

TEST_F(RuleTests, ARuleThatIsRefusedFailsWithTheReason) {
  folder_.write("a.yml", "title: A\nlogsource: {product: acme}\ndetection:\n  s: {a|nosuch: b}\n  condition: s\n");
  folder_.write("a.test.yml", "tests:\n- {name: n, expect: 1, events: [{a: b}]}\n");
  const RuleTestReport report = run({root()});
  ASSERT_EQ(report.failures.size(), 1U);
  EXPECT_NE(all_why(report.failures[0]).find("unknown-modifier"), std::string::npos) << all_why(report.failures[0]);
}

TEST_F(RuleTests, CorrelationsFindTheRulesTheyReferTo) {
  folder_.write("a.yml", kRule);
  folder_.write("c.yml", kCorrelation);
  folder_.write("c.test.yml",
                "tests:\n- name: twice\n  expect: 1\n  events:\n"
                "  - {kind: door, action: open, who: bob, timestamp: '2026-11-17T09:00:00Z'}\n"
                "  - {kind: door, action: open, who: bob, timestamp: '2026-11-17T09:00:30Z'}\n"
                "- name: twice, but slowly\n  expect: 0\n  events:\n"
                "  - {kind: door, action: open, who: bob, timestamp: '2026-11-17T09:00:00Z'}\n"
                "  - {kind: door, action: open, who: bob, timestamp: '2026-11-17T09:05:30Z'}\n"
                "- name: the rule itself, though silenced\n  expect: 1\n  rule: door_night\n"
                "  events: [{kind: door, action: open, who: bob}]\n");
  const RuleTestReport report = run({root() + "/c.yml"}, {root() + "/a.yml"});
  EXPECT_EQ(report.tests, 3U);
  for (const TestFailure& failure : report.failures)
    ADD_FAILURE() << failure.name << ": got " << failure.got << "\n" << all_why(failure);
}

TEST_F(RuleTests, OfSeveralDocumentsTheLastIsTested) {
  folder_.write("a.yml", std::string(kRule) + "---\n" + kCorrelation);
  folder_.write("a.test.yml",
                "tests:\n- {name: one is not often, expect: 0, events: [{kind: door, action: open, who: bob, timestamp: "
                "'2026-11-17T09:00:00Z'}]}\n");
  EXPECT_EQ(run({root()}).failed, 0U);
}

TEST_F(RuleTests, ATestFileStandsForItsRule) {
  folder_.write("a.yml", kRule);
  folder_.write("b.yml", "title: B\nlogsource: {product: acme}\ndetection:\n  s: {a: b}\n  condition: s\n");
  const std::string test =
      folder_.write("a.test.yml", "tests:\n- {name: n, expect: 1, events: [{kind: door, action: open, who: bob}]}\n");
  const RuleTestReport report = run({test});
  EXPECT_EQ(report.rules, 1U);
  EXPECT_EQ(report.tests, 1U);
  EXPECT_EQ(report.failed, 0U);
}

TEST_F(RuleTests, ABadTestFileFails) {
  folder_.write("a.yml", kRule);
  folder_.write("a.test.yml", "tests:\n- {name: n, expect: 1}\n");
  const RuleTestReport report = run({root()});
  ASSERT_EQ(report.failures.size(), 1U);
  EXPECT_NE(report.failures[0].got.find("line 2"), std::string::npos);
}

TEST_F(RuleTests, SamplesMayBeFilesBesideTheTest) {
  folder_.write("a.yml", kRule);
  folder_.write(
      "s.json",
      "{\"kind\":\"door\",\"action\":\"open\",\"who\":\"bob\"}\n{\"kind\":\"door\",\"action\":\"open\",\"who\":\"eve\"}\n");
  folder_.write("a.test.yml", "tests:\n- {name: both, expect: 2, file: s.json}\n- {name: gone, expect: 0, file: t.json}\n");
  const RuleTestReport report = run({root()});
  EXPECT_EQ(report.tests, 2U);
  ASSERT_EQ(report.failures.size(), 1U);
  EXPECT_EQ(report.failures[0].name, "gone");
}

TEST_F(RuleTests, RegressionSamplesAreFoundUpwardAndCountIsAMinimum) {
  folder_.write("rules/x/a.yml", std::string(kRule) + "regression_tests_path: regression_data/a/info.yml\n");
  folder_.write(
      "regression_data/a/s.json",
      "{\"kind\":\"door\",\"action\":\"open\",\"who\":\"bob\"}\n{\"kind\":\"door\",\"action\":\"open\",\"who\":\"eve\"}\n");
  folder_.write("regression_data/a/info.yml",
                "regression_tests_info:\n- {name: one at least, type: json, path: regression_data/a/s.json}\n"
                "- {name: three are too many, type: json, match_count: 3, path: regression_data/a/s.json}\n");
  const RuleTestReport report = run({root() + "/rules"});
  EXPECT_EQ(report.tests, 2U);
  ASSERT_EQ(report.failures.size(), 1U);
  EXPECT_EQ(report.failures[0].expected, "at least 3");
  EXPECT_EQ(report.failures[0].got, "2");
}

TEST_F(RuleTests, RegressionSamplesThatAreNotHereAreCountedNotFailed) {
  folder_.write("rules/a.yml", std::string(kRule) + "regression_tests_path: regression_data/a/info.yml\n");
  const RuleTestReport report = run({root() + "/rules"});
  EXPECT_EQ(report.failed, 0U);
  EXPECT_EQ(report.missing_samples, 1U);
  EXPECT_EQ(report.untested_rules, 1U);
}

TEST_F(RuleTests, SharedRegressionSamplesAndTheirTwinsFire) {
  const auto data = testing::shared_data();
  if (data.empty()) GTEST_SKIP() << "the shared data is not here";
  const auto content = Content::load(testing::project_root() / "content");
  ASSERT_TRUE(content.ok());
  const std::string sigma = (data / "sigma").string();
  const auto input = find_rules({sigma + "/rules", sigma + "/rules-emerging-threats", sigma + "/rules-threat-hunting"}, {},
                                content.value());
  ASSERT_TRUE(input.ok());
  const auto rules = load_rule_files(input.value(), "");
  const auto sources = load_source_table(content.value(), {});
  ASSERT_TRUE(sources.ok()) << sources.error().text;
  RuleTestOptions options;
  options.under_test = input.value().under_test;
  options.read = input.value().read;
  const RuleTestReport report = run_rule_tests(rules.value(), sources.value(), options);
  EXPECT_GE(report.tests, 200U);
  for (const TestFailure& failure : report.failures)
    ADD_FAILURE() << failure.file << ": " << failure.got << "\n" << all_why(failure);
}

TEST(TestPath, AndRulePathAreEachOthersInverse) {
  EXPECT_EQ(test_path_of("a.b/x.yml"), "a.b/x.test.yml");
  EXPECT_EQ(test_path_of("x.yaml"), "x.test.yaml");
  EXPECT_EQ(rule_path_of("a.b/x.test.yml"), "a.b/x.yml");
  EXPECT_TRUE(is_test_path("x.test.yaml"));
  EXPECT_FALSE(is_test_path("x.yml"));
}

}  // namespace
}  // namespace tocsin::cli
