#include "cli/content.h"

#include <gtest/gtest.h>

#include "testing/paths.h"
#include "testing/temporary_folder.h"

namespace tocsin::cli {
namespace {

TEST(Content, WhatIsBuiltInIsTheContentFolder) {
  const auto built_in = Content::load("");
  const auto folder = Content::load((testing::project_root() / "content").string());
  ASSERT_TRUE(built_in.ok());
  ASSERT_TRUE(folder.ok());
  EXPECT_GT(built_in->rules().size(), 100U);
  const auto rules = folder->rules();
  ASSERT_EQ(built_in->rules().size(), rules.size());
  for (std::size_t i = 0; i < rules.size(); ++i) {
    EXPECT_EQ(built_in->rules()[i].path, rules[i].path);
    EXPECT_EQ(built_in->rules()[i].text, rules[i].text);
  }
  EXPECT_FALSE(built_in->log_sources().empty());
}

TEST(Content, EveryRuleOfOursLoadsWithoutAWord) {
  const auto content = Content::load("");
  ASSERT_TRUE(content.ok());
  const auto set = detect::load_rules(content->rules(), {});
  for (const auto& problem : set.diagnostics) ADD_FAILURE() << detect::format_diagnostic(problem);
}

TEST(Content, AFolderThatIsNotThereIsAnError) { EXPECT_FALSE(Content::load("/no/such/folder").ok()); }

TEST(Content, AFolderGivesBothYamlSuffixesUnderNamesFromItsRoot) {
  const testing::TemporaryFolder folder;
  folder.write("rules/x/a.yml", "a");
  folder.write("rules/b.yaml", "b");
  folder.write("rules/c.txt", "c");
  const auto content = Content::load(folder.path().string() + "/");
  ASSERT_TRUE(content.ok());
  std::vector<std::string> paths;
  for (const auto& rule : content->rules()) paths.push_back(rule.path);
  EXPECT_EQ(paths, (std::vector<std::string>{"rules/b.yaml", "rules/x/a.yml"}));
}

TEST(Content, TellsRuleFilesByTheirNames) {
  for (const char* path : {"a.yml", "x/b.yaml", "rules/info.yml"}) EXPECT_TRUE(is_rule_file(path)) << path;
  for (const char* path : {"a.test.yml", "a.test.yaml", "a.txt", "yml", "x/.hidden.yml", "regression_data/x/info.yml"}) {
    EXPECT_FALSE(is_rule_file(path)) << path;
  }
}

TEST(Content, RuleFilesComeSortedFromFoldersAndInTheOrderOfThePaths) {
  const testing::TemporaryFolder folder;
  folder.write("r/b.yml", "b");
  folder.write("r/a/z.yml", "z");
  folder.write("r/.git/x.yml", "x");
  folder.write("r/c.test.yml", "t");
  const std::string single = folder.write("0.txt", "any name, if it is given");
  const auto files = read_rule_files({(folder.path() / "r").string(), single});
  ASSERT_TRUE(files.ok());
  std::vector<std::string> texts;
  for (const auto& file : files.value()) texts.push_back(file.text);
  EXPECT_EQ(texts, (std::vector<std::string>{"z", "b", "any name, if it is given"}));
}

TEST(Content, APathThatIsNotThereIsAnErrorAndAFileThatIsTooLargeInAFolderIsTold) {
  const testing::TemporaryFolder folder;
  EXPECT_FALSE(read_rule_files({(folder.path() / "missing").string()}).ok());
  folder.write("r/a.yml", std::string(detect::kMaxRuleFileBytes + 1, '#'));
  folder.write("r/b.yml", std::string(detect::kMaxRuleFileBytes, '#'));
  const auto files = read_rule_files({(folder.path() / "r").string()});
  ASSERT_TRUE(files.ok());
  ASSERT_EQ(files->size(), 2U);
  EXPECT_NE(files.value()[0].unreadable, "");
  EXPECT_EQ(files.value()[1].unreadable, "");
}

TEST(Content, ATextFileIsReadToItsLimit) {
  const testing::TemporaryFolder folder;
  const std::string path = folder.write("a", "12345");
  EXPECT_EQ(read_text_file(path, 5).value(), "12345");
  EXPECT_FALSE(read_text_file(path, 4).ok());
  EXPECT_FALSE(read_text_file(folder.path().string(), 100).ok());
}

}  // namespace
}  // namespace tocsin::cli
