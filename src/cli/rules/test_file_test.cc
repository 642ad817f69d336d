#include "cli/rules/test_file.h"

#include <gtest/gtest.h>

namespace tocsin::cli {
namespace {

std::string error_of(std::string_view text) {
  const auto tests = parse_tests(text);
  return tests.ok() ? "" : tests.error().text;
}

TEST(TestFile, EventsBecomeJsonLines) {
  const auto tests = parse_tests(
      "tests:\n- name: n\n  expect: 2\n  logsource: {product: Azure, service: signinlogs}\n"
      "  events:\n  - {a: 1}\n  - {b: 'x'}\n");
  ASSERT_TRUE(tests.ok()) << tests.error().text;
  ASSERT_EQ(tests->size(), 1U);
  const RuleTest& test = tests.value()[0];
  EXPECT_EQ(test.name, "n");
  EXPECT_EQ(test.expect, 2U);
  EXPECT_FALSE(test.at_least);
  EXPECT_EQ(test.bytes, "{\"a\":1}\n{\"b\":\"x\"}\n");
  EXPECT_EQ(test.format, model::Format::kJson);
  EXPECT_EQ(test.logsource.product, "azure");
  EXPECT_EQ(test.logsource.service, "signinlogs");
}

TEST(TestFile, LinesAreTakenAsTheyAre) {
  const auto tests =
      parse_tests("tests:\n- expect: 0\n  format: auditd\n  rule: other\n  lines: |\n    type=A\n    type=B\n");
  ASSERT_TRUE(tests.ok()) << tests.error().text;
  EXPECT_EQ(tests.value()[0].bytes, "type=A\ntype=B\n");
  EXPECT_EQ(tests.value()[0].format, model::Format::kAuditd);
  EXPECT_EQ(tests.value()[0].rule, "other");
  EXPECT_EQ(tests.value()[0].name, "test at line 2");
}

TEST(TestFile, RefusesWhatCouldPassByMistake) {
  EXPECT_NE(error_of("tests:\n- events: []\n").find("'expect' is missing"), std::string::npos);
  EXPECT_NE(error_of("tests:\n- expect: 1\n").find("exactly one of"), std::string::npos);
  EXPECT_NE(error_of("tests:\n- {expect: 1, lines: a, events: []}\n").find("exactly one of"), std::string::npos);
  EXPECT_NE(error_of("tests:\n- {expect: one, lines: a}\n").find("whole number"), std::string::npos);
  EXPECT_NE(error_of("tests:\n- {expect: -1, lines: a}\n").find("whole number"), std::string::npos);
  EXPECT_NE(error_of("tests:\n- {expects: 1, lines: a}\n").find("unknown key 'expects'"), std::string::npos);
  EXPECT_NE(error_of("tests:\n- {expect: 1, lines: a, format: pdf}\n").find("'pdf' is not known"), std::string::npos);
  EXPECT_NE(error_of("tests:\n- {expect: 1, lines: a, logsource: {os: x}}\n").find("unknown key 'os'"), std::string::npos);
  EXPECT_NE(error_of("tests:\n- {expect: 1, events: [text]}\n").find("expected a map"), std::string::npos);
  EXPECT_NE(error_of("tests:\n- {expect: 1, expect: 0, lines: a}\n").find("line 2: the key 'expect'"), std::string::npos);
  EXPECT_NE(error_of("tests: [\n").find("line "), std::string::npos);
  EXPECT_NE(error_of("").find("empty"), std::string::npos);
  EXPECT_NE(error_of("test: []\n").find("a list 'tests'"), std::string::npos);
}

TEST(TestFile, SamplesStayBelowTheirFolder) {
  EXPECT_TRUE(stays_below("a/b.evtx"));
  EXPECT_TRUE(stays_below("..a/b"));
  for (const char* path : {"", "/etc/passwd", "..", "../a", "a/../../b", "a/.."}) EXPECT_FALSE(stays_below(path)) << path;
  EXPECT_NE(error_of("tests:\n- {expect: 1, file: ../x}\n").find("below the test's folder"), std::string::npos);
}

TEST(RegressionInfo, CountIsAMinimumAndOneWhereAbsent) {
  const auto tests = parse_regression_info(
      "id: x\nregression_tests_info:\n- {name: a, type: evtx, path: r/a.evtx}\n"
      "- {name: b, type: evtx, provider: p, match_count: 4, path: r/b.evtx}\n");
  ASSERT_TRUE(tests.ok()) << tests.error().text;
  ASSERT_EQ(tests->size(), 2U);
  EXPECT_EQ(tests.value()[0].expect, 1U);
  EXPECT_TRUE(tests.value()[0].at_least);
  EXPECT_EQ(tests.value()[1].expect, 4U);
  EXPECT_EQ(tests.value()[1].file, "r/b.evtx");
}

TEST(RegressionInfo, PathIsReadFromTheFirstColumnOnly) {
  EXPECT_EQ(regression_path_of("title: x\nregression_tests_path: a/info.yml\n"), "a/info.yml");
  EXPECT_EQ(regression_path_of("regression_tests_path: 'a/info.yml'  # why\r\n"), "a/info.yml");
  EXPECT_EQ(regression_path_of("# regression_tests_path: a/info.yml\n"), "");
  EXPECT_EQ(regression_path_of("x:\n  regression_tests_path: a/info.yml\n"), "");
  EXPECT_EQ(regression_path_of("regression_tests_path:\nid: x\n"), "");
}

}  // namespace
}  // namespace tocsin::cli
