#include "cli/rules/install.h"

#include <archive.h>
#include <archive_entry.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "cli/rules/package_files.h"
#include "cli/rules/sha256.h"
#include "testing/paths.h"
#include "testing/temporary_folder.h"

namespace tocsin::cli {
namespace {

namespace fs = std::filesystem;
using Entries = std::vector<std::pair<std::string, std::string>>;
constexpr core::Timestamp kNow{1'795'500'000'000'000'000};  // 2026-11-24

std::string a_rule(const std::string& title) {
  return "title: " + title + "\nlogsource: {product: windows}\ndetection:\n  s: {a: " + title + "}\n  condition: s\n";
}

la_ssize_t append(archive*, void* out, const void* data, std::size_t size) {
  static_cast<std::string*>(out)->append(static_cast<const char*>(data), size);
  return static_cast<la_ssize_t>(size);
}

std::string zip(const Entries& entries) {
  std::string out;
  archive* handle = archive_write_new();
  archive_write_set_format_zip(handle);
  archive_write_set_bytes_per_block(handle, 0);
  EXPECT_EQ(archive_write_open(handle, &out, nullptr, append, nullptr), ARCHIVE_OK);
  for (const auto& [name, bytes] : entries) {
    archive_entry* entry = archive_entry_new();
    archive_entry_set_pathname(entry, name.c_str());
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_entry_set_perm(entry, 0644);
    archive_entry_set_size(entry, static_cast<la_int64_t>(bytes.size()));
    EXPECT_GE(archive_write_header(handle, entry), ARCHIVE_WARN) << archive_error_string(handle);
    archive_write_data(handle, bytes.data(), bytes.size());
    archive_entry_free(entry);
  }
  EXPECT_EQ(archive_write_close(handle), ARCHIVE_OK);
  archive_write_free(handle);
  return out;
}

class Install : public ::testing::Test {
 protected:
  core::Result<Installed> install(const std::string& from, const std::string& sha256 = "") {
    return install_sigmahq({from, to(), sha256, kNow});
  }
  core::Result<Installed> install_zip(const Entries& entries) { return install(folder_.write("p.zip", zip(entries))); }
  std::string to() const { return (folder_.path() / "to").string(); }
  std::string base() const { return to() + "/sigmahq"; }
  // Names in the folder of versions, hidden ones too.
  std::vector<std::string> versions() const {
    std::vector<std::string> out;
    for (const auto& entry : fs::directory_iterator(base())) out.push_back(entry.path().filename().string());
    std::sort(out.begin(), out.end());
    return out;
  }
  testing::TemporaryFolder folder_;
};
using Names = std::vector<std::string>;

TEST(Sha256Of, IsThePublishedOne) {
  EXPECT_EQ(sha256_of("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256_of(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST_F(Install, AZipBecomesAFolderNamedByItsVersion) {
  const Entries entries{{"version.txt", "Release r2026-08-01\n"}, {"rules/a/x.yml", a_rule("X")}, {"LICENSE", "free"}};
  const auto installed = install_zip(entries);
  ASSERT_TRUE(installed.ok()) << installed.error().text;
  EXPECT_EQ(installed->version, "r2026-08-01");
  EXPECT_EQ(installed->rule_files, 1U);
  EXPECT_EQ(installed->sha256, sha256_of(zip(entries)));
  EXPECT_EQ(testing::read_file(fs::path(installed->current) / "rules/a/x.yml"), a_rule("X"));
  EXPECT_EQ(testing::read_file(fs::path(installed->folder) / "LICENSE"), "free");
  EXPECT_EQ(fs::read_symlink(installed->current), "r2026-08-01");
  EXPECT_EQ(versions(), (Names{"current", "r2026-08-01"}));
}

TEST_F(Install, AVersionThatIsNotToldIsTheDateAndTheChecksum) {
  const auto installed = install_zip({{"x.yml", a_rule("X")}});
  ASSERT_TRUE(installed.ok()) << installed.error().text;
  EXPECT_EQ(installed->version, "2026-11-24-" + installed->sha256.substr(0, 12));
}

TEST_F(Install, TheSamePackageAgainChangesNothing) {
  const Entries entries{{"x.yml", a_rule("X")}};
  ASSERT_TRUE(install_zip(entries).ok());
  const std::string mine = folder_.write("to/sigmahq/" + install_zip(entries)->version + "/mine.yml", "mine");
  const auto again = install_zip(entries);
  ASSERT_TRUE(again.ok());
  EXPECT_TRUE(again->was_there);
  EXPECT_EQ(testing::read_file(mine), "mine");
  EXPECT_EQ(versions().size(), 2U);
}

TEST_F(Install, ANewVersionStandsBesideTheOldOneAndBecomesCurrent) {
  ASSERT_TRUE(install_zip({{"version.txt", "r2026-08-01"}, {"x.yml", a_rule("X")}}).ok());
  const auto second = install_zip({{"version.txt", "r2026-09-01"}, {"x.yml", a_rule("Y")}});
  ASSERT_TRUE(second.ok());
  EXPECT_EQ(versions(), (Names{"current", "r2026-08-01", "r2026-09-01"}));
  EXPECT_EQ(testing::read_file(fs::path(second->current) / "x.yml"), a_rule("Y"));
  EXPECT_EQ(testing::read_file(fs::path(base()) / "r2026-08-01/x.yml"), a_rule("X"));
}

TEST_F(Install, AnotherPackageOfTheSameVersionGetsTheChecksumBehindIt) {
  ASSERT_TRUE(install_zip({{"version.txt", "r2026-08-01"}, {"x.yml", a_rule("X")}}).ok());
  const auto second = install_zip({{"version.txt", "r2026-08-01"}, {"x.yml", a_rule("Y")}});
  ASSERT_TRUE(second.ok());
  EXPECT_EQ(second->version, "r2026-08-01-" + second->sha256.substr(0, 12));
  EXPECT_EQ(testing::read_file(fs::path(base()) / "r2026-08-01/x.yml"), a_rule("X"));
}

TEST_F(Install, AUsersOwnCurrentIsNotTouched) {
  folder_.write("to/sigmahq/current/own.yml", "own");
  const auto installed = install_zip({{"x.yml", a_rule("X")}});
  ASSERT_FALSE(installed.ok());
  EXPECT_NE(installed.error().text.find("is not a link"), std::string::npos);
  EXPECT_EQ(versions(), Names{"current"});
}

TEST_F(Install, NamesThatLeadElsewhereRefuseThePackage) {
  for (const char* name : {"../x.yml", "/x.yml", "a/../../x.yml", "a/./x.yml", "c:x.yml", "a/..", "a\nb.yml"}) {
    const auto installed = install_zip({{"x.yml", a_rule("X")}, {name, a_rule("Y")}});
    EXPECT_FALSE(installed.ok()) << name;
    EXPECT_EQ(versions(), Names{}) << name;
  }
  EXPECT_FALSE(fs::exists(folder_.path() / "x.yml"));
  EXPECT_FALSE(fs::exists(folder_.path() / "to/x.yml"));
}

TEST_F(Install, TheSameNameTwiceRefusesThePackage) {
  EXPECT_FALSE(install_zip({{"x.yml", a_rule("X")}, {"x.yml", a_rule("Y")}}).ok());
  EXPECT_FALSE(install_zip({{"x.yml", a_rule("X")}, {"x.yml/y.yml", a_rule("Y")}}).ok());
}

TEST_F(Install, WhatIsNoRuleIsLeftOut) {
  const auto installed = install_zip({{"x.yml", a_rule("X")},
                                      {"config.yml", "a: b\n"},
                                      {".github/w.yml", a_rule("W")},
                                      {"regression_data/r/info.yml", a_rule("R")},
                                      {"tests/t.yml", a_rule("T")},
                                      {"run.sh", "#!/bin/sh\n"},
                                      {"inner.zip", zip({{"z.yml", a_rule("Z")}})}});
  ASSERT_TRUE(installed.ok()) << installed.error().text;
  EXPECT_EQ(installed->rule_files, 1U);
  EXPECT_EQ(installed->skipped_files, 5U);  // An archive in an archive is not even opened.
  std::size_t files = 0;
  for (const auto& entry : fs::recursive_directory_iterator(installed->folder)) files += entry.is_regular_file() ? 1 : 0;
  EXPECT_EQ(files, 2U);  // The rule and our note on where it came from.
}

TEST_F(Install, APackageWithoutRulesOrThatIsNoArchiveIsRefused) {
  EXPECT_FALSE(install_zip({{"a.txt", "x"}}).ok());
  EXPECT_FALSE(install(folder_.write("p.zip", "not a zip")).ok());
  EXPECT_FALSE(install((folder_.path() / "absent.zip").string()).ok());
  EXPECT_EQ(versions(), Names{});
}

TEST_F(Install, AFileLargerThanTheLimitIsRefused) {
  EXPECT_TRUE(install_zip({{"x.yml", a_rule("X") + std::string(kMaxPackageFileBytes - a_rule("X").size(), '#')}}).ok());
  EXPECT_FALSE(install_zip({{"x.yml", a_rule("X") + std::string(kMaxPackageFileBytes - a_rule("X").size() + 1, '#')}}).ok());
}

TEST_F(Install, ATornArchiveIsRefused) {
  std::string bytes = zip({{"x.yml", a_rule("X")}, {"y.yml", a_rule("Y") + std::string(100'000, '#')}});
  bytes.resize(bytes.size() / 2);
  EXPECT_FALSE(install(folder_.write("p.zip", bytes)).ok());
  EXPECT_EQ(versions(), Names{});
}

TEST_F(Install, AnotherChecksumThanAskedForIsRefused) {
  const std::string bytes = zip({{"x.yml", a_rule("X")}});
  const std::string file = folder_.write("p.zip", bytes);
  EXPECT_FALSE(install(file, sha256_of("other")).ok());
  EXPECT_EQ(versions(), Names{});
  EXPECT_TRUE(install(file, sha256_of(bytes)).ok());
}

TEST_F(Install, AFolderIsCopiedWithoutItsLinks) {
  folder_.write("from/rules/x.yml", a_rule("X"));
  folder_.write("from/.git/y.yml", a_rule("Y"));
  folder_.write("secret.yml", a_rule("S"));
  fs::create_symlink(folder_.path() / "secret.yml", folder_.path() / "from/rules/link.yml");
  const auto installed = install((folder_.path() / "from").string());
  ASSERT_TRUE(installed.ok()) << installed.error().text;
  EXPECT_EQ(installed->rule_files, 1U);
  EXPECT_TRUE(fs::exists(fs::path(installed->folder) / "rules/x.yml"));
  EXPECT_FALSE(fs::exists(fs::symlink_status(fs::path(installed->folder) / "rules/link.yml")));
}

TEST_F(Install, AFolderThatCannotBeReadWholeIsRefused) {
  if (::geteuid() == 0) GTEST_SKIP() << "root reads every folder";
  folder_.write("src/rules/a.yml", a_rule("a"));
  folder_.write("src/rules/closed/b.yml", a_rule("b"));
  const fs::path closed = folder_.path() / "src/rules/closed";
  fs::permissions(closed, fs::perms::none);
  const auto installed = install((folder_.path() / "src").string());
  fs::permissions(closed, fs::perms::owner_all);
  EXPECT_FALSE(installed.ok());
}

TEST_F(Install, OnlyEncryptedAddressesAreFetched) {
  const auto installed = install("http://127.0.0.1/x.zip");
  ASSERT_FALSE(installed.ok());
  EXPECT_NE(installed.error().text.find("only https://"), std::string::npos);
}

TEST(PathProblem, IsEmptyOnlyForPlainRelativePaths) {
  EXPECT_EQ(path_problem("rules/a b/x-1.yml"), "");
  EXPECT_EQ(path_problem("..a/x..yml"), "");
  EXPECT_EQ(path_problem(std::string(kMaxPackagePathBytes, 'a')), "");
  std::string deep = "a";
  for (std::size_t i = 1; i < kMaxPackagePathParts; ++i) deep += "/a";
  EXPECT_EQ(path_problem(deep), "");
  for (const std::string& path :
       {std::string(), std::string("/a"), std::string(".."), std::string("a/.."), std::string("a//b"), std::string("a/"),
        std::string("./a"), std::string("a\\b"), std::string("c:a"), std::string("a\nb"), std::string("a\0b", 3),
        std::string("a\xff"), std::string(kMaxPackagePathBytes + 1, 'a'), deep + "/a"}) {
    EXPECT_NE(path_problem(path), "") << path;
  }
}

TEST(VersionIn, TakesTheFirstWordThatLooksLikeOne) {
  EXPECT_EQ(version_in("Sigma release: r2026-08-01\nCreated on 2026-08-02"), "r2026-08-01");
  EXPECT_EQ(version_in("1.2.3"), "1.2.3");
  EXPECT_EQ(version_in("v0.9"), "v0.9");
  EXPECT_EQ(version_in("no version 5 here"), "");
  EXPECT_EQ(version_in("../../etc"), "");
  EXPECT_EQ(version_in(std::string(41, '1') + ".2"), "");
  EXPECT_EQ(version_in(""), "");
}

}  // namespace
}  // namespace tocsin::cli
