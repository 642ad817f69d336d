#include "cli/rules/rule_check.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace tocsin::cli {
namespace {

std::string rule(const std::string& title, const std::string& detection, const std::string& more = "") {
  return "title: " + title + "\nlogsource: {product: windows, category: process_creation}\n" + more + "detection:\n" +
         detection;
}

detect::LogSourceMap windows_table() {
  return detect::load_log_sources({{"t.yml",
                                    "product: windows\nrows:\n  - {category: process_creation, when: {EventID: 1}}\n"
                                    "  - {service: security, when: {Channel: Security}}\n"}});
}

// "code@path:line", sorted as given.
std::vector<std::string> problems_of(const std::vector<detect::SourceText>& files) {
  std::vector<std::string> out;
  for (const auto& problem : check_rules(detect::load_rules(files, {}), windows_table())) {
    out.push_back(problem.code + "@" + problem.path + ":" + std::to_string(problem.line));
  }
  return out;
}

using Strings = std::vector<std::string>;

TEST(RuleCheck, AGoodRuleHasNoProblem) {
  EXPECT_EQ(problems_of(
                {{"a.yml", rule("A", "  s: {Image: x}\n  condition: s\n", "tags: [attack.t1059.001, attack.execution]\n")}}),
            Strings{});
}

TEST(RuleCheck, ASourceThatNoRowServesIsTold) {
  const std::string text =
      "title: A\nlogsource: {product: windows, category: no_such}\ndetection:\n  s: {a: b}\n  condition: s\n";
  EXPECT_EQ(problems_of({{"a.yml", text}}), Strings{"logsource-unknown@a.yml:1"});
}

TEST(RuleCheck, ServedNeedsAllPartsUnderOneProduct) {
  const detect::LogSourceMap table = windows_table();
  ASSERT_TRUE(table.diagnostics.empty());
  EXPECT_TRUE(is_served({"windows", "", ""}, table));
  EXPECT_TRUE(is_served({"", "process_creation", ""}, table));
  EXPECT_TRUE(is_served({"windows", "process_creation", ""}, table));
  EXPECT_TRUE(is_served({"windows", "process_creation", "security"}, table));
  EXPECT_TRUE(is_served({"", "", ""}, table));
  EXPECT_FALSE(is_served({"linux", "process_creation", ""}, table));
  EXPECT_FALSE(is_served({"linux", "", ""}, table));
  EXPECT_FALSE(is_served({"windows", "", "sysmon"}, table));
}

TEST(RuleCheck, ProblemsOfAllFilesAreSortedByPlace) {
  const auto found = problems_of(
      {{"b.yml", "title: B\n"}, {"a.yml", rule("A", "  s: {Image: x}\n  condition: s\n", "tags: [attack.t1]\n")}});
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0], "tag-format@a.yml:1");
  EXPECT_TRUE(found[1].ends_with("@b.yml:1")) << found[1];
}

TEST(RuleCheck, DetectionThatIsAlwaysFalseIsTold) {
  EXPECT_EQ(problems_of({{"a.yml", rule("A", "  s: {Image: x}\n  condition: s and not s\n")}}),
            Strings{"detection-always-false@a.yml:1"});
}

TEST(RuleCheck, DetectionThatIsAlwaysTrueIsTold) {
  EXPECT_EQ(problems_of({{"a.yml", rule("A", "  s: {Image: x}\n  f: {Image: y}\n  condition: s or f or not s\n")}}),
            Strings{"detection-always-true@a.yml:1"});
}

TEST(RuleCheck, ConstancyFallsBackToFoldingPastTheLimit) {
  std::string detection, condition = "s0 and not s0";
  for (std::size_t i = 0; i <= kMaxTriedSelections; ++i) {
    detection += "  s" + std::to_string(i) + ": {Image: x" + std::to_string(i) + "}\n";
    if (i > 0) condition += " and s" + std::to_string(i);
  }
  const auto rules = detect::load_rules({{"a.yml", rule("A", detection + "  condition: " + condition + "\n")}}, {});
  ASSERT_EQ(rules.rules.size(), 1U);
  EXPECT_EQ(constancy_of(rules.rules[0]), Constancy::kVaries);
}

TEST(RuleCheck, EqualDetectionsUnderDifferentIdsAreTold) {
  const std::string detection = "  s: {Image|endswith: x, CommandLine: [a, b]}\n  condition: s\n";
  const std::string renamed = "  other: {Image|endswith: x, CommandLine: [a, b]}\n  condition: other\n";
  EXPECT_EQ(problems_of({{"a.yml", rule("A", detection)}, {"b.yml", rule("B", renamed)}}),
            Strings{"duplicate-detection@b.yml:1"});
}

TEST(RuleCheck, DetectionsThatDifferInAnyPartAreNotEqual) {
  const auto with = [](const std::string& item) { return "  s: {" + item + "}\n  condition: s\n"; };
  EXPECT_EQ(problems_of({{"a.yml", rule("A", with("Image: x"))},
                         {"b.yml", rule("B", with("Image|cased: x"))},
                         {"c.yml", rule("C", with("Image|contains: x"))},
                         {"d.yml", rule("D", with("Image|re: x"))},
                         {"e.yml", rule("E", with("Image|re|i: x"))},
                         {"f.yml", rule("F", with("Image|exists: true"))},
                         {"g.yml", rule("G", with("Image|exists: false"))},
                         {"h.yml", rule("H", with("Image|gt: 1"))},
                         {"i.yml", rule("I", with("Image|gt: 2"))}}),
            Strings{});
}

TEST(RuleCheck, ATechniqueThatWasReplacedIsTold) {
  const std::string text = rule("A", "  s: {Image: x}\n  condition: s\n", "tags: [attack.t1086]\n");
  EXPECT_EQ(problems_of({{"a.yml", text}}), Strings{"tag-replaced@a.yml:1"});
}

TEST(TagProblem, KnowsAttackTags) {
  for (const char* tag :
       {"attack.t1059", "attack.t1059.001", "attack.ta0002", "attack.g0016", "attack.s0154", "attack.c0012", "attack.ds0009",
        "attack.dc0032", "attack.m1036", "attack.stealth", "attack.defense-evasion", "attack.command-and-control",
        "cve.2021-44228", "car.2013-05-002", "detection.emerging-threats", "tlp.amber-strict"}) {
    EXPECT_EQ(tag_problem(tag), "") << tag;
  }
  for (const char* tag : {"attack", "attack.", "attack.t105", "attack.t10590", "attack.t1059.01", "attack.T1059",
                          "attack.g0016.001", "attack.magic", "attack t1059", ".t1059", "a..b", "cve.2021-44228."}) {
    EXPECT_NE(tag_problem(tag), "") << tag;
  }
  EXPECT_EQ(tag_problem("attack.credential_access"), "write attack.credential-access");
}

}  // namespace
}  // namespace tocsin::cli
