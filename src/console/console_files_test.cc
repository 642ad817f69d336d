#include "console/console_files.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace tocsin::console {
namespace {

TEST(ConsoleFiles, GivesTheStartPageForEachPage) {
  const ConsoleFile* start = find_console_file("/index.html");
  ASSERT_NE(start, nullptr);
  EXPECT_EQ(start->content_type, "text/html; charset=utf-8");
  EXPECT_FALSE(start->bytes.empty());
  EXPECT_FALSE(start->immutable);
  for (const char* path : {"/", "/findings", "/rules/0793a79f-978c-43a5-b0ae-fa44502c3959", "/settings/audit"}) {
    EXPECT_EQ(find_console_file(path), start) << path;
  }
}

TEST(ConsoleFiles, HasNoFileThatWasNotMade) {
  for (const char* path :
       {"", "index.html", "/assets/none.js", "/../index.html", "/console_table.inc", "/.vite/manifest.json"}) {
    EXPECT_EQ(find_console_file(path), nullptr) << path;
  }
}

TEST(ConsoleFiles, AreSortedWithTypeAndQuotedTag) {
  const auto files = console_files();
  EXPECT_TRUE(std::ranges::is_sorted(files, {}, &ConsoleFile::path));
  for (const ConsoleFile& file : files) {
    EXPECT_EQ(find_console_file(file.path), &file);
    EXPECT_FALSE(file.content_type.empty()) << file.path;
    ASSERT_GT(file.etag.size(), 2u) << file.path;
    EXPECT_TRUE(file.etag.starts_with('"') && file.etag.ends_with('"')) << file.path;
  }
}

TEST(ConsoleFiles, AreGzipWhereTheConsoleWasBuilt) {
  if (!console_is_built()) GTEST_SKIP() << "web/dist is absent: the target `console` makes it";
  EXPECT_GT(console_files().size(), 5u);
  for (const ConsoleFile& file : console_files()) {
    EXPECT_EQ(file.encoding, "gzip");
    EXPECT_TRUE(file.bytes.starts_with("\x1f\x8b\x08")) << file.path;
    EXPECT_EQ(file.immutable, file.path.starts_with("/assets/")) << file.path;
  }
}

TEST(ConsoleFiles, SaysHowToBuildTheConsoleWhereItWasNot) {
  if (console_is_built()) GTEST_SKIP() << "the console was built";
  EXPECT_NE(find_console_file("/")->bytes.find("--target console"), std::string_view::npos);
  EXPECT_EQ(find_console_file("/")->encoding, "");
}

}  // namespace
}  // namespace tocsin::console
