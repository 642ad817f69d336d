#include "source/tail.h"

#include <gtest/gtest.h>
#include <sys/fsuid.h>
#include <sys/resource.h>

#include <algorithm>
#include <ctime>

#include "source/tail/tail_test_support.h"

namespace tocsin::source {
namespace {

using namespace std::chrono_literals;
using testing::append;
using testing::copy_truncate;
using testing::TailWorld;

TEST(Tail, GivesWhatIsThereAndWhatComesWithItsCheckpoint) {
  TailWorld world;
  append(world.at("app.log"), "one\ntwo\n");
  world.start();
  ASSERT_TRUE(world.wait_text("one\ntwo\n"));
  append(world.at("app.log"), "three\n");
  ASSERT_TRUE(world.wait_text("one\ntwo\nthree\n"));
  const model::Delivery last = world.intake.deliveries().back();
  EXPECT_EQ(last.source, model::SourceId{7});
  EXPECT_EQ(last.peer, world.at("app.log").string());
  EXPECT_EQ(last.format, model::Format::kText);
  EXPECT_TRUE(last.checkpoint_key.starts_with("tail:7:"));
  EXPECT_TRUE(last.checkpoint_value.starts_with("14 "));
  EXPECT_TRUE(TailWorld::eventually([&] { return world.source.meter->snapshot().records == 3; }));
  EXPECT_EQ(world.source.meter->snapshot().bytes, 14u);
}

TEST(Tail, FollowsFilesThatComeLaterAlsoInNewFolders) {
  TailWorld world("*/*.log");
  world.options.poll = 60s;  // The kernel's notices must do.
  world.start();
  std::filesystem::create_directory(world.at("x"));
  append(world.at("x/a.log"), "one\n");
  ASSERT_TRUE(world.wait_text("one\n"));
  append(world.at("x/b.txt"), "no\n");
  append(world.at("x/b.log"), "two\n");
  ASSERT_TRUE(world.wait_text("one\ntwo\n"));
}

TEST(Tail, HalfALineWaitsForItsEnd) {
  TailWorld world;
  append(world.at("app.log"), "one\ntw");
  world.start();
  ASSERT_TRUE(world.wait_text("one\n"));
  append(world.at("app.log"), "o\nthr");
  ASSERT_TRUE(world.wait_text("one\ntwo\n"));
  world.restart();
  append(world.at("app.log"), "ee\n");
  ASSERT_TRUE(world.wait_text("one\ntwo\nthree\n"));
}

TEST(Tail, HalfALineThatDoesNotGrowCountsAsWhole) {
  TailWorld world;
  world.options.idle = 50ms;
  append(world.at("app.log"), "one\ntwo");
  world.start();
  ASSERT_TRUE(world.wait_text("one\ntwo"));
  EXPECT_TRUE(TailWorld::eventually([&] { return world.source.meter->snapshot().records == 2; }));
}

TEST(Tail, GoesOnBehindWhatIsSafeAfterACrash) {
  TailWorld world;
  append(world.at("app.log"), "one\n");
  world.start();
  ASSERT_TRUE(world.wait_text("one\n"));
  world.tail.reset();
  append(world.at("app.log"), "two\n");
  world.start();
  ASSERT_TRUE(world.wait_text("one\ntwo\n"));
}

TEST(Tail, StartsAtTheEndOfFilesNeverReadOnlyAtTheFirstStart) {
  TailWorld world("*.log");
  world.options.first_seen = TailOptions::Start::kEnd;
  append(world.at("app.log"), "old\nhalf");
  world.start();
  ASSERT_TRUE(world.intake.wait_count(1));  // The checkpoint, without bytes.
  world.tail.reset();
  append(world.at("app.log"), " of it\nnew\n");
  world.start();
  ASSERT_TRUE(world.wait_text("new\n"));
  append(world.at("later.log"), "begin\n");
  ASSERT_TRUE(world.wait_text("new\nbegin\n"));
}

TEST(Tail, FinishesTheRenamedFileBeforeTheNewOne) {
  TailWorld world;
  append(world.at("app.log"), "one\n");
  world.start();
  ASSERT_TRUE(world.wait_text("one\n"));
  append(world.at("app.log"), "two\n");
  std::filesystem::rename(world.at("app.log"), world.at("app.log.1"));
  append(world.at("app.log"), "four\n");
  append(world.at("app.log.1"), "three\n");
  const bool all = world.intake.wait([](const auto& deliveries) { return TailWorld::text(deliveries).size() >= 19; });
  EXPECT_TRUE(all) << world.intake.bytes();
  const std::string got = world.intake.bytes();
  EXPECT_LT(got.find("two"), got.find("four"));
  EXPECT_NE(got.find("three"), std::string::npos);
}

TEST(Tail, FinishesFilesRotatedWhileItWasDown) {
  TailWorld world;
  append(world.at("app.log.1"), "from before it was installed\n");
  append(world.at("app.log"), "one\n");
  world.start();
  ASSERT_TRUE(world.wait_text("one\n"));
  world.tail.reset();
  append(world.at("app.log"), "two\n");
  std::filesystem::remove(world.at("app.log.1"));
  std::filesystem::rename(world.at("app.log"), world.at("app.log.2"));
  append(world.at("app.log.1"), "three\n");  // Begun and rotated, never seen.
  append(world.at("app.log"), "four\n");
  world.start();
  EXPECT_TRUE(world.wait_text("one\ntwo\nthree\nfour\n")) << world.intake.bytes();
}

TEST(Tail, FinishesARotatedFileThatHasNoSuccessor) {
  TailWorld world;
  append(world.at("app.log"), "one\n");
  world.start();
  ASSERT_TRUE(world.wait_text("one\n"));
  world.tail.reset();
  append(world.at("app.log"), "two\n");
  std::filesystem::rename(world.at("app.log"), world.at("old"));
  world.start();
  EXPECT_TRUE(world.wait_text("one\ntwo\n"));
}

TEST(Tail, ReadsATruncatedFileFromItsBeginning) {
  TailWorld world;
  append(world.at("app.log"), "one, a long line\n");
  world.start();
  ASSERT_TRUE(world.wait_text("one, a long line\n"));
  ASSERT_EQ(::truncate(world.at("app.log").c_str(), 0), 0);
  append(world.at("app.log"), "two\n");
  ASSERT_TRUE(world.wait_text("one, a long line\ntwo\n"));
}

TEST(Tail, KnowsATruncatedFileThatHasGrownPastWhereItWas) {
  TailWorld world;
  append(world.at("app.log"), "one\n");
  world.start();
  ASSERT_TRUE(world.wait_text("one\n"));
  world.tail.reset();
  ASSERT_EQ(::truncate(world.at("app.log").c_str(), 0), 0);
  append(world.at("app.log"), "another line\nand one\n");
  world.start();
  EXPECT_TRUE(world.wait_text("one\nanother line\nand one\n"));
}

TEST(Tail, FindsTheRestOfACopiedAndTruncatedFileInItsCopy) {
  for (const bool down : {false, true}) {
    for (const char* glob : {"app.log", "app.log*"}) {
      TailWorld world(glob);
      append(world.at("app.log"), "one\n");
      world.start();
      ASSERT_TRUE(world.wait_text("one\n"));
      world.intake.hold();  // Answers come late: it cannot have read on.
      append(world.at("app.log"), "two\n");
      ASSERT_TRUE(world.wait_text("one\ntwo\n"));
      if (down) world.tail.reset();
      append(world.at("app.log"), "three\n");
      copy_truncate(world.at("app.log"), world.at("app.log.1"));
      append(world.at("app.log"), "four\n");
      world.intake.release();
      if (down) world.start();
      EXPECT_TRUE(world.wait_text("one\ntwo\nthree\nfour\n")) << glob << down << world.intake.bytes();
    }
  }
}

TEST(Tail, ReadsADeletedFileToItsEndAndItsSuccessor) {
  TailWorld world;
  world.options.rotated = 50ms;
  append(world.at("app.log"), "one\n");
  world.start();
  ASSERT_TRUE(world.wait_text("one\n"));
  world.intake.hold();
  append(world.at("app.log"), "two\n");
  ASSERT_TRUE(world.wait_text("one\ntwo\n"));
  append(world.at("app.log"), "three\n");
  std::filesystem::remove(world.at("app.log"));
  append(world.at("app.log"), "four\n");
  world.intake.release();
  EXPECT_TRUE(world.wait_text("one\ntwo\nthree\nfour\n")) << world.intake.bytes();
}

// All of it between two looks: the intake holds an answer back, or nothing more is open than the tail may have.
TEST(Tail, ReadsACopyOnceWhoseOriginWasTruncatedAndDeletedUnseen) {
  for (const char* glob : {"app.log", "app.log*"}) {
    for (const std::size_t open_files : {1, 100}) {
      for (const bool rest : {false, true}) {
        TailWorld world(glob);
        world.options.max_open_files = open_files;
        append(world.at("app.log"), "one, a line\n");
        world.start();
        ASSERT_TRUE(world.wait_text("one, a line\n"));
        std::string expected = "one, a line\n";
        if (rest) {
          world.intake.hold();
          append(world.at("app.log"), "two\n");
          ASSERT_TRUE(world.wait_text("one, a line\ntwo\n"));
          append(world.at("app.log"), "three\n");
          expected += "two\nthree\n";
        }
        copy_truncate(world.at("app.log"), world.at("app.log.1"));
        std::filesystem::remove(world.at("app.log"));
        append(world.at("app.log"), "four\n");
        if (rest) world.intake.release();
        EXPECT_TRUE(world.wait_text(expected + "four\n")) << glob << open_files << rest << world.intake.bytes();
        world.tail->stop(1s);
        EXPECT_EQ(world.intake.bytes(), expected + "four\n") << glob << open_files << rest;
      }
    }
  }
}

TEST(Tail, LeavesCompressedFilesAloneAndNamesWhatIsNoLog) {
  TailWorld world("*");
  append(world.at("a.gz"), std::string("\x1f\x8b\x08\0\0\0\0\0\0\xff", 10));
  append(world.at("b.bin"), std::string("\0\1\2\3", 4));
  append(world.at("c.log"), "one\n");
  world.start();
  ASSERT_TRUE(world.wait_text("one\n"));
  EXPECT_TRUE(TailWorld::eventually([&] { return !world.source.meter->snapshot().problem.empty(); }));
  const auto meter = world.source.meter->snapshot();
  EXPECT_EQ(meter.refused.at("not-a-log"), 1u);
  EXPECT_NE(meter.problem.find("b.bin"), std::string::npos);
}

TEST(Tail, CutsALineThatIsTooLongAndCountsItAlsoOverARestart) {
  TailWorld world;
  const std::string begin(kMaxTailLineBytes, 'x');
  append(world.at("app.log"), begin + "yyy");
  world.start();
  ASSERT_TRUE(world.wait_text(begin));
  world.restart();
  append(world.at("app.log"), "zzz\nnext\n");
  EXPECT_TRUE(world.wait_text(begin + "next\n"));
  EXPECT_EQ(world.source.meter->snapshot().refused.at("too-long"), 1u);
}

TEST(Tail, GivesTheLongestLineWhole) {
  TailWorld world;
  const std::string line = std::string(kMaxTailLineBytes - 1, 'x') + "\n";
  append(world.at("app.log"), line + "next\n");
  world.start();
  EXPECT_TRUE(world.wait_text(line + "next\n"));
  EXPECT_TRUE(world.source.meter->snapshot().refused.empty());
}

TEST(Tail, TriesAgainWhatTheIntakeRefused) {
  TailWorld world;
  world.intake.refuse(core::Error{core::ErrorCode::kIo, "The disk is full."});
  append(world.at("app.log"), "one\n");
  world.start();
  EXPECT_TRUE(TailWorld::eventually(
      [&] { return world.source.meter->snapshot().problem.find("The disk is full.") != std::string::npos; }));
  world.intake.refuse(std::nullopt);
  EXPECT_TRUE(world.wait_text("one\n"));
  EXPECT_TRUE(TailWorld::eventually([&] { return world.source.meter->snapshot().problem.empty(); }));
  EXPECT_EQ(world.source.meter->snapshot().bytes, 4u);
}

TEST(Tail, StopsReadingAtTheLimitOfWhatIsUnderWay) {
  TailWorld world("*.log");
  const std::string line = std::string((1u << 20) - 1, 'x') + "\n";
  for (int i = 0; i < 24; ++i) append(world.at(std::to_string(i) + ".log"), line);
  world.intake.hold();
  world.start();
  ASSERT_TRUE(world.intake.wait_count(kBacklogBytes >> 20));
  world.tail->stop(0ms);  // Nothing more comes after.
  EXPECT_EQ(world.intake.deliveries().size(), kBacklogBytes >> 20);
  world.intake.release();
}

TEST(Tail, StopWaitsForAnswersNoLongerThanItsGrace) {
  TailWorld world;
  world.intake.hold();
  append(world.at("app.log"), "one\n");
  world.start();
  ASSERT_TRUE(world.wait_text("one\n"));
  const auto before = std::chrono::steady_clock::now();
  world.tail->stop(100ms);
  const auto took = std::chrono::steady_clock::now() - before;
  EXPECT_GE(took, 95ms);
  EXPECT_LT(took, 2s);
  world.tail->stop(10s);
  world.tail.reset();
  world.intake.release();  // After the source is gone.
}

TEST(Tail, FollowsALinkOnlyWhereItIsNamedOrAllowed) {
  TailWorld world("*.log");
  append(world.at("target"), "one\n");
  std::filesystem::create_symlink(world.at("target"), world.at("link.log"));
  append(world.at("a.log"), "a\n");
  world.start();
  ASSERT_TRUE(world.wait_text("a\n"));
  EXPECT_TRUE(TailWorld::eventually(
      [&] { return world.source.meter->snapshot().problem.find("follow_links") != std::string::npos; }));
  world.options.globs = {world.at("link.log").string()};
  world.options.poll = 60s;
  world.restart();
  ASSERT_TRUE(world.wait_text("a\none\n"));
  append(world.at("target"), "two\n");  // The notice comes from the target's folder.
  EXPECT_TRUE(world.wait_text("a\none\ntwo\n"));
}

TEST(Tail, NamesAFileThatItMayNotReadAndReadsItOnceItMay) {
  TailWorld world;
  std::filesystem::permissions(world.folder.path(), std::filesystem::perms(0755));
  append(world.at("app.log"), "one\n");
  std::filesystem::permissions(world.at("app.log"), std::filesystem::perms(0));
  // A thread inherits these: the tail then has no right to read what root may.
  if (::geteuid() == 0) ::setfsuid(65'534);
  world.start();
  if (::geteuid() == 0) ::setfsuid(0);
  ASSERT_TRUE(TailWorld::eventually([&] { return !world.source.meter->snapshot().problem.empty(); }));
  const std::string problem = world.source.meter->snapshot().problem;
  EXPECT_NE(problem.find(world.at("app.log").string() + " cannot be read: Permission denied."), std::string::npos)
      << problem;
  EXPECT_NE(problem.find("setfacl"), std::string::npos);
  std::filesystem::permissions(world.at("app.log"), std::filesystem::perms(0644));
  EXPECT_TRUE(world.wait_text("one\n"));
  EXPECT_TRUE(TailWorld::eventually([&] { return world.source.meter->snapshot().problem.empty(); }));
}

TEST(Tail, FollowsMoreFilesThanItKeepsOpen) {
  TailWorld world("*.log");
  world.options.max_open_files = 10;
  constexpr int kFiles = 300;
  std::size_t bytes = 0;
  const auto write_all = [&](const std::string& text) {
    for (int i = 0; i < kFiles; ++i) append(world.at(std::to_string(i) + ".log"), text);
    bytes += kFiles * text.size();
  };
  write_all("one\n");
  world.start();
  const auto all_there = [&] {
    return world.intake.wait([&](const auto& all) { return TailWorld::text(all).size() >= bytes; });
  };
  ASSERT_TRUE(all_there());
  write_all("two\n");
  ASSERT_TRUE(all_there());
  std::filesystem::rename(world.at("7.log"), world.at("7.log.1"));
  append(world.at("7.log.1"), "late\n");
  append(world.at("7.log"), "new\n");
  bytes += 9;
  ASSERT_TRUE(all_there());
  EXPECT_EQ(world.intake.bytes().size(), bytes);
}

TEST(Tail, FilesPastTheLimitAreAProblem) {
  TailWorld world("*.log");
  world.options.max_files = 2;
  for (const char* name : {"a.log", "b.log", "c.log"}) append(world.at(name), "x\n");
  world.start();
  ASSERT_TRUE(world.intake.wait_count(2));
  EXPECT_TRUE(TailWorld::eventually(
      [&] { return world.source.meter->snapshot().problem.find("More than 2 files match") != std::string::npos; }));
}

TEST(Tail, RefusesAPatternThatIsNone) {
  TailWorld world;
  world.options.globs = {"relative.log"};
  EXPECT_FALSE(start_tail(world.options, world.source, world.context()).ok());
}

// Measured, and held loosely: machines differ.
TEST(Tail, ReadsALargeFileFast) {
  TailWorld world;
  std::string block;
  while (block.size() < (1u << 20))
    block += "2026-11-24T10:00:00Z host app[1]: a line of log as they are, some 90 bytes long, or so\n";
  std::string all;
  while (all.size() < 100u << 20) all += block;
  append(world.at("app.log"), all);
  const auto before = std::chrono::steady_clock::now();
  world.start();
  ASSERT_TRUE(TailWorld::eventually([&] { return world.source.meter->snapshot().bytes == all.size(); }));
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - before;
  const double rate = static_cast<double>(all.size()) / took.count() / 1e6;
  std::printf("%.0f MB/s\n", rate);
  EXPECT_GT(rate, 20.0);
  EXPECT_EQ(world.intake.bytes(), all);
}

TEST(Tail, CostsNothingWhileNothingHappens) {
  TailWorld world("*.log");
  world.options.poll = 10s;
  for (int i = 0; i < 1'000; ++i) append(world.at(std::to_string(i) + ".log"), "x\n");
  std::filesystem::create_symlink("/nowhere/at/all", world.at("dangling.log"));
  world.options.follow_links = true;
  world.start();
  ASSERT_TRUE(world.intake.wait_count(1'000));
  const auto cpu = [] {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    return static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
  };
  const double before = cpu();
  // The time is what is measured here, not waited for.
  std::this_thread::sleep_for(1s);
  EXPECT_LT(cpu() - before, 0.25);  // One that looked all the time would take a second.
}

}  // namespace
}  // namespace tocsin::source
