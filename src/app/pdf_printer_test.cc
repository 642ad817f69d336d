#include "app/pdf_printer.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <future>
#include <thread>

#include "testing/paths.h"
#include "testing/patience.h"
#include "testing/temporary_folder.h"

namespace tocsin::app {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;

class PdfPrinterTest : public ::testing::Test {
 protected:
  void SetUp() override { fs::create_directories(work()); }
  [[nodiscard]] std::string work() const { return (folder_.path() / "work").string(); }
  // A program in the place of a browser. $out is the file that it should write.
  std::string browser(const std::string& script) {
    const std::string path = folder_.write(
        "browser", "#!/bin/sh\nfor a in \"$@\"; do case $a in --print-to-pdf=*) out=${a#*=};; esac; done\n" + script + "\n");
    fs::permissions(path, fs::perms::owner_all);
    return path;
  }
  std::string error_of(const std::string& script, milliseconds time = tocsin::testing::kPatience) {
    PdfPrinter printer({browser(script), work(), time});
    const auto made = printer.print("<p>page</p>");
    return made.ok() ? "made" : made.error().text;
  }
  testing::TemporaryFolder folder_;
};

TEST_F(PdfPrinterTest, AnswersWhatTheBrowserWroteAndLeavesNothingBehind) {
  PdfPrinter printer({browser("printf '%%PDF-1.4 ' > $out; cat ${out%out.pdf}page.html >> $out"), work()});
  const auto made = printer.print("<p>page</p>");
  ASSERT_TRUE(made.ok()) << made.error().text;
  EXPECT_EQ(*made, "%PDF-1.4 <p>page</p>");
  EXPECT_TRUE(fs::is_empty(work()));
}

TEST_F(PdfPrinterTest, ABrowserThatWritesNoneOrNoPdfOrIsNotThereIsAnError) {
  EXPECT_NE(error_of("exit 1").find("wrote none"), std::string::npos);
  EXPECT_NE(error_of("echo hello > $out").find("is no PDF"), std::string::npos);
  PdfPrinter absent({(folder_.path() / "none").string(), work()});
  EXPECT_NE(absent.print("x").error().text.find("cannot start"), std::string::npos);
  PdfPrinter homeless({browser("exit 0"), (folder_.path() / "no/such").string()});
  EXPECT_NE(homeless.print("x").error().text.find("no folder"), std::string::npos);
  EXPECT_TRUE(fs::is_empty(work()));
}

// The child of the browser too.
TEST_F(PdfPrinterTest, OneThatHangsIsEndedWithAllThatItStarted) {
  const std::string pid_file = (folder_.path() / "pid").string();
  EXPECT_NE(error_of("sleep 1000 & echo $! > " + pid_file + "; wait", milliseconds(2'000)).find("took longer"),
            std::string::npos);
  const int pid = std::stoi(testing::read_file(pid_file));
  ASSERT_GT(pid, 1);
  const auto until = std::chrono::steady_clock::now() + tocsin::testing::kPatience;
  while (::kill(pid, 0) == 0 && std::chrono::steady_clock::now() < until) {
    // Killed, but perhaps not yet waited for by whoever has it now.
    const std::string stat = testing::read_file("/proc/" + std::to_string(pid) + "/stat");
    if (stat.find(") Z ") != std::string::npos) break;
    std::this_thread::yield();
  }
  EXPECT_LT(std::chrono::steady_clock::now(), until);
  EXPECT_TRUE(fs::is_empty(work()));
}

TEST_F(PdfPrinterTest, MoreThanSomeAtOnceAreRefused) {
  const std::string gate = (folder_.path() / "gate").string();
  PdfPrinter printer(
      {browser("touch " + gate + ".$$; while ! [ -e " + gate + " ]; do sleep 0.05; done; printf %%PDF- > $out"), work(),
       tocsin::testing::kPatience});
  std::vector<std::future<bool>> running;
  for (unsigned i = 0; i < kMaxPrintsAtOnce; ++i) {
    running.push_back(std::async(std::launch::async, [&] { return printer.print("x").ok(); }));
  }
  const auto started = [&] {
    return static_cast<unsigned>(std::ranges::count_if(fs::directory_iterator(folder_.path()), [](const auto& entry) {
      return entry.path().filename().string().starts_with("gate.");
    }));
  };
  const auto until = std::chrono::steady_clock::now() + tocsin::testing::kPatience;
  while (started() < kMaxPrintsAtOnce && std::chrono::steady_clock::now() < until) std::this_thread::yield();
  ASSERT_EQ(started(), kMaxPrintsAtOnce);
  EXPECT_EQ(printer.print("x").error().code, core::ErrorCode::kLimit);
  folder_.write("gate", "");
  for (auto& one : running) EXPECT_TRUE(one.get());
  EXPECT_TRUE(printer.print("x").ok());
}

TEST_F(PdfPrinterTest, ChromiumMakesAPdf) {
  const auto found = find_browser("/usr/local/bin:/usr/bin:/bin");
  if (!found) GTEST_SKIP() << "Chromium is not installed: run tools/setup.sh";
  PdfPrinter printer({*found, work(), tocsin::testing::kPatience});
  const auto made = printer.print("<!doctype html><title>t</title><p>page</p>");
  ASSERT_TRUE(made.ok()) << made.error().text;
  EXPECT_GT(made->size(), 1'000u);
  EXPECT_NE(made->find("%%EOF"), std::string::npos);
  EXPECT_TRUE(fs::is_empty(work()));
}

TEST_F(PdfPrinterTest, TheBrowserIsFoundInTheFoldersThatAreNamedOnly) {
  EXPECT_FALSE(find_browser("").has_value());
  EXPECT_FALSE(find_browser(folder_.path().string()).has_value());
  const std::string path = folder_.write("bin/chromium", "");
  EXPECT_FALSE(find_browser("relative:" + (folder_.path() / "bin").string()).has_value());  // It cannot be run.
  fs::permissions(path, fs::perms::owner_all);
  EXPECT_EQ(find_browser("/no/such:" + (folder_.path() / "bin").string()), path);
}

}  // namespace
}  // namespace tocsin::app
