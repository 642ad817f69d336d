#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "source/file_input.h"
#include "testing/temporary_folder.h"

namespace tocsin::source {
namespace {

using testing::TemporaryFolder;

InputList list(const std::vector<std::string>& paths, const ListOptions& options = {}) {
  return list_inputs(paths, options);
}

// Names under the folder, in order.
std::vector<std::string> names(const InputList& found, const std::string& folder) {
  std::vector<std::string> out;
  for (const Input& input : found.inputs) {
    out.push_back(input.name.starts_with(folder + "/") ? input.name.substr(folder.size() + 1) : input.name);
  }
  return out;
}

std::vector<std::string> causes(const InputList& found) {
  std::vector<std::string> out;
  for (const Problem& problem : found.problems.kept()) out.push_back(problem.cause);
  return out;
}

using Strings = std::vector<std::string>;

TEST(ListInputs, WalksFoldersByNameAndKeepsTheOrderGiven) {
  const TemporaryFolder folder;
  for (const char* name : {"b/2.json", "b/10.json", "a.log", "b/c/x", "B", "z"}) folder.write(name, "12345");
  const std::string root = folder.path().string();
  const InputList found = list({root + "/z", root});
  EXPECT_EQ(names(found, root), (Strings{"z", "B", "a.log", "b/10.json", "b/2.json", "b/c/x", "z"}));
  EXPECT_EQ(found.total_bytes, 35U);
  EXPECT_EQ(found.problems.count(), 0U);
}

TEST(ListInputs, AFolderGivenWithASlashHasNoDoubleSlashInNames) {
  const TemporaryFolder folder;
  folder.write("x", "");
  const InputList found = list({folder.path().string() + "/"});
  ASSERT_EQ(found.inputs.size(), 1U);
  EXPECT_EQ(found.inputs[0].name, folder.path().string() + "/x");
}

TEST(ListInputs, StandardInputIsListedOnce) {
  const InputList found = list({"-", "-"});
  ASSERT_EQ(found.inputs.size(), 1U);
  EXPECT_TRUE(found.inputs[0].standard_input);
  EXPECT_EQ(found.inputs[0].name, "-");
}

TEST(ListInputs, WhatIsMissingOrSpecialIsAProblemAndTheRestGoesOn) {
  const TemporaryFolder folder;
  folder.write("good", "x");
  ASSERT_EQ(::mkfifo((folder.path() / "pipe").c_str(), 0600), 0);
  const std::string root = folder.path().string();
  const InputList found = list({root + "/absent", root + "/good/under-a-file", "/dev/null", "", root});
  EXPECT_EQ(names(found, root), Strings{"good"});
  EXPECT_EQ(causes(found), (Strings{"not-found", "not-found", "special-file", "not-found", "special-file"}));
}

TEST(ListInputs, LinksInsideAFolderAreCountedNotFollowed) {
  const TemporaryFolder folder;
  folder.write("real", "x");
  std::filesystem::create_symlink("/etc/passwd", folder.path() / "out");
  std::filesystem::create_directory_symlink("..", folder.path() / "up");
  const std::string root = folder.path().string();
  const InputList found = list({root});
  EXPECT_EQ(names(found, root), Strings{"real"});
  EXPECT_EQ(found.skipped_link_count, 2U);
  EXPECT_EQ(list({root + "/out"}).inputs.size(), 1U) << "a link that is given is followed";
}

TEST(ListInputs, FollowedLoopsEndAndFoldersAreWalkedOnce) {
  const TemporaryFolder folder;
  folder.write("a/file", "x");
  folder.write("b/other", "x");
  std::filesystem::create_directory_symlink("..", folder.path() / "a" / "loop");
  std::filesystem::create_directory_symlink("../a", folder.path() / "b" / "again");
  std::filesystem::create_symlink("self", folder.path() / "self");
  const std::string root = folder.path().string();
  const InputList found = list({root}, {.follow_links = true});
  EXPECT_EQ(names(found, root), (Strings{"a/file", "b/other"}));
  EXPECT_EQ(causes(found), (Strings{"loop", "loop"}));
}

TEST(ListInputs, StopsAtTheFileLimitAndSaysSoOnce) {
  const TemporaryFolder folder;
  for (const char* name : {"1", "2", "3", "d/4", "d/5"}) folder.write(name, "");
  const std::string root = folder.path().string();
  EXPECT_EQ(list({root}, {.max_files = 5}).problems.count(), 0U);
  const InputList found = list({root, root}, {.max_files = 4});
  EXPECT_EQ(names(found, root), (Strings{"1", "2", "3", "d/4"}));
  EXPECT_EQ(causes(found), Strings{"walk-limit"});
}

TEST(ListInputs, StopsAtTheDepthLimit) {
  const TemporaryFolder folder;
  folder.write("1/2/3/deep", "");
  folder.write("1/2/edge", "");
  const std::string root = folder.path().string();
  const InputList found = list({root}, {.max_folder_depth = 3});
  EXPECT_EQ(names(found, root), Strings{"1/2/edge"});
  EXPECT_EQ(causes(found), Strings{"walk-limit"});
}

// Ends the process: 0 where a forbidden folder and file gave a problem each and the other file was found.
[[noreturn]] void list_without_permission(const std::string& root) {
  if (::geteuid() == 0 && (::setgid(65534) != 0 || ::setuid(65534) != 0)) ::_exit(3);
  const InputList found = list({root});
  bool good = found.inputs.size() == 2 && causes(found) == Strings{"no-permission"};
  for (const Input& input : found.inputs) {
    InputReader reader(input);
    const bool open = reader.next() != nullptr;
    good = good && open == input.name.ends_with("/open");
    good = good && (open || reader.problems().kept()[0].cause == "no-permission");
  }
  ::_exit(good ? 0 : 1);
}

TEST(ListInputs, WhatMayNotBeReadIsAProblemAndTheRestGoesOn) {
  GTEST_FLAG_SET(death_test_style, "fast");
  const TemporaryFolder folder;
  folder.write("open", "x");
  folder.write("locked/file", "x");
  ::chmod(folder.path().c_str(), 0755);
  ::chmod(folder.write("secret", "x").c_str(), 0);
  ::chmod((folder.path() / "locked").c_str(), 0);
  EXPECT_EXIT(list_without_permission(folder.path().string()), ::testing::ExitedWithCode(0), "");
  ::chmod((folder.path() / "locked").c_str(), 0700);
}

TEST(DisplayName, IsOneLineOfUtf8) {
  EXPECT_EQ(display_name("plain/näme 日本.log"), "plain/näme 日本.log");
  EXPECT_EQ(display_name("a\nb\x1b[31m\x7f"), "a\\x0ab\\x1b[31m\\x7f");
  EXPECT_EQ(display_name("\xff\xc3"), "\\xff\\xc3");
  EXPECT_EQ(display_name("\xc0\xaf"), "\\xc0\\xaf") << "overlong";
  EXPECT_EQ(display_name("\xed\xa0\x80"), "\\xed\\xa0\\x80") << "surrogate";
  EXPECT_EQ(display_name("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80") << "past U+10FFFF";
  EXPECT_EQ(display_name("exe.\xe2\x80\xae"
                         "gpj"),
            "exe.\\xe2\\x80\\xaegpj")
      << "right-to-left override";
  EXPECT_EQ(display_name("\xc2\x9b"
                         "31m"),
            "\\xc2\\x9b31m")
      << "C1 control";
}

TEST(DisplayName, NamesThatTheSystemAllowsAreListedAndRead) {
  const TemporaryFolder folder;
  folder.write("new\nline", "1");
  folder.write("bad\xff", "2");
  const InputList found = list({folder.path().string()});
  ASSERT_EQ(found.inputs.size(), 2U);
  EXPECT_TRUE(found.inputs[0].name.ends_with("/bad\\xff"));
  EXPECT_TRUE(found.inputs[1].name.ends_with("/new\\x0aline"));
  for (const Input& input : found.inputs) {
    InputReader reader(input);
    Stream* stream = reader.next();
    ASSERT_NE(stream, nullptr);
    EXPECT_EQ(stream->head().size(), 1U);
  }
}

}  // namespace
}  // namespace tocsin::source
