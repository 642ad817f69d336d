#include "cli/rules_command.h"

#include <gtest/gtest.h>

#include <iostream>

#include "cli/cli.h"
#include "testing/paths.h"
#include "testing/temporary_folder.h"

namespace tocsin::cli {
namespace {

constexpr const char* kGood =
    "title: A\nid: 11111111-2222-3333-4444-555555555555\nlogsource: {product: windows, category: process_creation}\n"
    "detection:\n  s: {Image: x}\n  condition: s\n";
constexpr const char* kUnserved = "title: B\nlogsource: {product: nosuch}\ndetection:\n  s: {a: b}\n  condition: s\n";
constexpr const char* kRefused = "title: C\nlogsource: {product: windows}\ndetection:\n  s: {a|nosuch: b}\n  condition: s\n";

class RulesCommand : public ::testing::Test {
 protected:
  int run(RulesArguments arguments, const std::string& verb) {
    arguments.verb = verb;
    arguments.content = (testing::project_root() / "content").string();
    ::testing::internal::CaptureStdout();
    ::testing::internal::CaptureStderr();
    const int code = rules_main(arguments);
    out_ = ::testing::internal::GetCapturedStdout();
    err_ = ::testing::internal::GetCapturedStderr();
    return code;
  }
  RulesArguments of(const std::string& text) {
    RulesArguments out;
    out.paths = {folder_.write("r.yml", text)};
    return out;
  }
  testing::TemporaryFolder folder_;
  std::string out_, err_;
};

TEST_F(RulesCommand, CheckEndsWith0WhereNothingIsWrong) {
  EXPECT_EQ(run(of(kGood), "check"), kExitDone);
  EXPECT_EQ(out_, "1 files, 1 rules, 0 correlations, 0 filters: 0 errors, 0 warnings\n");
}

TEST_F(RulesCommand, CheckEndsWith1OnErrors) {
  EXPECT_EQ(run(of(kRefused), "check"), kExitFound);
  EXPECT_NE(out_.find("[unknown-modifier]"), std::string::npos);
  EXPECT_TRUE(out_.ends_with("1 errors, 0 warnings\n")) << out_;
}

TEST_F(RulesCommand, WarningsCountOnlyWhereStrict) {
  RulesArguments arguments = of(kUnserved);
  EXPECT_EQ(run(arguments, "check"), kExitDone);
  EXPECT_TRUE(out_.ends_with("0 errors, 1 warnings\n")) << out_;
  arguments.strict = true;
  EXPECT_EQ(run(arguments, "check"), kExitFound);
}

TEST_F(RulesCommand, CheckAsJsonIsLinesOnly) {
  RulesArguments arguments = of(kRefused);
  arguments.format = "json";
  EXPECT_EQ(run(arguments, "check"), kExitFound);
  EXPECT_TRUE(out_.starts_with("{\"severity\":\"error\",\"path\":")) << out_;
  EXPECT_EQ(std::count(out_.begin(), out_.end(), '\n'), 1);
}

TEST_F(RulesCommand, WrongUseEndsWith2) {
  RulesArguments arguments;
  arguments.paths = {"/no/such/rules"};
  EXPECT_EQ(run(arguments, "check"), kExitUsage);
  EXPECT_NE(err_.find("no rules at /no/such/rules"), std::string::npos);
  arguments = of(kGood);
  arguments.format = "xml";
  EXPECT_EQ(run(arguments, "check"), kExitUsage);
  arguments = of(kGood);
  arguments.levels = {"worst"};
  EXPECT_EQ(run(arguments, "list"), kExitUsage);
  arguments = of(kGood);
  arguments.log_sources = {"windows"};
  EXPECT_EQ(run(arguments, "list"), kExitUsage);
  arguments = {};
  arguments.package = "other";
  EXPECT_EQ(run(arguments, "install"), kExitUsage);
}

TEST_F(RulesCommand, ListAndStatsSayHowManyWereRefused) {
  EXPECT_EQ(run(of(kRefused), "list"), kExitDone);
  EXPECT_EQ(out_, "0 rules\n");
  EXPECT_NE(err_.find("1 rules could not be loaded"), std::string::npos);
  EXPECT_EQ(run(of(kRefused), "stats"), kExitDone);
}

TEST_F(RulesCommand, TestEndsWith1OnFailure) {
  const RulesArguments arguments = of(kGood);
  folder_.write(
      "r.test.yml",
      "tests:\n- {name: n, expect: 1, logsource: {product: windows, category: process_creation}, events: [{Image: x}]}\n");
  EXPECT_EQ(run(arguments, "test"), kExitDone);
  EXPECT_EQ(out_, "1 tests, 0 failed\n");
  folder_.write(
      "r.test.yml",
      "tests:\n- {name: n, expect: 2, logsource: {product: windows, category: process_creation}, events: [{Image: x}]}\n");
  EXPECT_EQ(run(arguments, "test"), kExitFound);
  EXPECT_NE(out_.find("expected 2, got 1"), std::string::npos);
}

TEST_F(RulesCommand, ATestWithoutItsRuleFails) {
  RulesArguments arguments;
  folder_.write("r.yml", kGood);
  folder_.write("gone.test.yml", "tests: []\n");
  arguments.paths = {folder_.path().string()};
  EXPECT_EQ(run(arguments, "test"), kExitFound);
  EXPECT_NE(out_.find("gone.yml"), std::string::npos);
}

TEST_F(RulesCommand, InstallShowsTheChecksumAndHowToUseIt) {
  folder_.write("from/rules/x.yml", kGood);
  RulesArguments arguments;
  arguments.package = "sigmahq";
  arguments.from = (folder_.path() / "from").string();
  arguments.to = (folder_.path() / "to").string();
  EXPECT_EQ(run(arguments, "install"), kExitDone);
  EXPECT_NE(out_.find("sha256   "), std::string::npos);
  EXPECT_NE(out_.find("loaded   1 rules"), std::string::npos);
  EXPECT_NE(out_.find("tocsin detect -r " + arguments.to + "/sigmahq/current"), std::string::npos);
  arguments = {};
  arguments.paths = {(folder_.path() / "to/sigmahq/current").string()};
  EXPECT_EQ(run(arguments, "list"), kExitDone);
  EXPECT_TRUE(out_.ends_with("1 rules\n")) << out_;
}

}  // namespace
}  // namespace tocsin::cli
