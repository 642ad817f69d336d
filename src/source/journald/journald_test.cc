#include "source/journald.h"

#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/wait.h>

#include <algorithm>
#include <random>

#include "source/journald/export.h"
#include "source/live_test_support.h"
#include "testing/paths.h"
#include "testing/temporary_folder.h"

namespace tocsin::source {
namespace {

using namespace std::chrono_literals;
using journald::append_field;
using From = JournaldOptions::From;

constexpr const char* kRemote = "/lib/systemd/systemd-journal-remote";

TEST(JournaldExport, WritesTextAsALineAndAllElseWithItsSize) {
  std::string out;
  append_field(out, "A", "b=c\t\xc3\xa4");
  append_field(out, "EMPTY", "");
  append_field(out, "B", std::string_view("x\ny\0", 4));
  using namespace std::string_literals;
  EXPECT_EQ(out, "A=b=c\t\xc3\xa4\nEMPTY=\nB\n\4\0\0\0\0\0\0\0x\ny\0\n"s);
}

// Entries with messages "m1", "m2" ...; each of another unit in turn.
std::string entries(int first, int count, const std::string& extra = "") {
  std::string out;
  for (int i = first; i < first + count; ++i) {
    append_field(out, "__REALTIME_TIMESTAMP", std::to_string(1'700'000'000'000'000 + i * 1'000));
    append_field(out, "__MONOTONIC_TIMESTAMP", std::to_string(1'000'000 + i * 1'000));
    append_field(out, "_BOOT_ID", "0123456789abcdef0123456789abcdef");
    append_field(out, "_SYSTEMD_UNIT", i % 2 == 0 ? "even.service" : "odd.service");
    append_field(out, "MESSAGE", "m" + std::to_string(i));
    if (!extra.empty()) append_field(out, "EXTRA", extra);
    out += '\n';
  }
  return out;
}

struct JournalWorld : testing::World {
  tocsin::testing::TemporaryFolder folder;
  JournaldOptions options;
  SourceRef source = ref(3, "journal");
  std::unique_ptr<LiveSource> live;

  JournalWorld() {
    options.folder = (folder.path() / "journal").string();
    options.from = From::kBeginning;
    std::filesystem::create_directory(options.folder);
  }
  void add(const std::string& name, const std::string& text) const {
    const std::string from = folder.write("entries", text);
    const std::string made = (folder.path() / (name + ".journal")).string();
    std::string program = kRemote, output = "--output=" + made;
    std::vector<char*> arguments = {program.data(), output.data(), const_cast<char*>(from.c_str()), nullptr};
    pid_t child = 0;
    int status = 1;
    ASSERT_EQ(::posix_spawn(&child, kRemote, nullptr, nullptr, arguments.data(), environ), 0);
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_EQ(status, 0);
    std::filesystem::rename(made, std::filesystem::path(options.folder) / (name + ".journal"));
  }
  void start() {
    auto started = start_journald(options, source, context());
    if (!started.ok()) std::abort();
    live = std::move(started).value();
  }
  void restart() {
    live.reset();
    start();
  }
  static std::vector<std::string> messages(const std::vector<model::Delivery>& all) {
    std::vector<std::string> out;
    for (const model::Delivery& delivery : all) {
      for (std::size_t at = 0; (at = delivery.bytes.find("\nMESSAGE=", at)) != std::string::npos;) {
        at += 9;
        out.push_back(delivery.bytes.substr(at, delivery.bytes.find('\n', at) - at));
      }
    }
    return out;
  }
  // The messages m<first> ... have come, in order and no others.
  [[nodiscard]] bool wait_messages(int first, int count) const {
    intake.wait([&](const auto& all) { return messages(all).size() >= static_cast<std::size_t>(count); });
    std::vector<std::string> expected;
    for (int i = first; i < first + count; ++i) expected.push_back("m" + std::to_string(i));
    return messages(intake.deliveries()) == expected;
  }
};

class Journald : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(kRemote)) GTEST_SKIP() << "systemd-journal-remote is not installed (tools/setup.sh test).";
  }
};

TEST_F(Journald, GivesEntriesInTheExportFormatWithTheCursorAsCheckpoint) {
  JournalWorld world;
  world.add("a", entries(1, 3, std::string("x\n\0y", 4)));
  world.start();
  ASSERT_TRUE(world.wait_messages(1, 3));
  const model::Delivery delivery = world.intake.deliveries().front();
  EXPECT_EQ(delivery.format, model::Format::kJournaldExport);
  EXPECT_EQ(delivery.checkpoint_key, "journald:3");
  EXPECT_TRUE(delivery.checkpoint_value.starts_with("s="));
  EXPECT_TRUE(delivery.bytes.starts_with("__CURSOR=s="));
  EXPECT_TRUE(delivery.bytes.ends_with("\n\n"));
  EXPECT_NE(delivery.bytes.find("\n__REALTIME_TIMESTAMP=1700000000001000\n"), std::string::npos);
  EXPECT_NE(delivery.bytes.find(std::string("\nEXTRA\n\4\0\0\0\0\0\0\0x\n\0y\n", 20)), std::string::npos);
  EXPECT_EQ(std::ranges::count(JournalWorld::messages({delivery}), "m1"), 1);
  const auto until = std::chrono::steady_clock::now() + 10s;
  while (world.source.meter->snapshot().records < 3 && std::chrono::steady_clock::now() < until) std::this_thread::yield();
  EXPECT_EQ(world.source.meter->snapshot().records, 3u);
  EXPECT_TRUE(world.source.meter->snapshot().refused.empty());
}

TEST_F(Journald, GoesOnBehindItsCursorAfterACrash) {
  JournalWorld world;
  world.add("a", entries(1, 10));
  world.start();
  ASSERT_TRUE(world.wait_messages(1, 10));
  world.restart();
  world.add("b", entries(11, 5));
  EXPECT_TRUE(world.wait_messages(1, 15));
}

TEST_F(Journald, ResumesInTheMiddleOfManyBatches) {
  JournalWorld world;
  world.add("a", entries(1, 2'000, std::string(1'000, 'x')));
  for (int round = 0; round < 4; ++round) {
    world.intake.hold();
    const std::size_t before = world.intake.deliveries().size();
    world.start();
    ASSERT_TRUE(world.intake.wait_count(before + 1));
    world.live.reset();  // With one delivery under way.
    world.intake.release();
    ASSERT_EQ(world.intake.deliveries().size(), before + 1);
  }
  world.start();
  EXPECT_TRUE(world.wait_messages(1, 2'000));
  for (const model::Delivery& delivery : world.intake.deliveries()) EXPECT_LE(delivery.bytes.size(), kJournaldBatchBytes);
}

TEST_F(Journald, FollowsRotation) {
  JournalWorld world;
  world.add("a", entries(1, 5));
  world.start();
  ASSERT_TRUE(world.wait_messages(1, 5));
  world.add("b", entries(6, 5));
  ASSERT_TRUE(world.wait_messages(1, 10));
  std::filesystem::remove(std::filesystem::path(world.options.folder) / "a.journal");
  world.add("c", entries(11, 5));
  ASSERT_TRUE(world.wait_messages(1, 15));
  world.live.reset();
  std::filesystem::remove(std::filesystem::path(world.options.folder) / "b.journal");
  std::filesystem::remove(std::filesystem::path(world.options.folder) / "c.journal");  // With the entry of the cursor.
  world.add("d", entries(16, 5));
  world.start();
  EXPECT_TRUE(world.wait_messages(1, 20));
}

TEST_F(Journald, BeginsNowWhereToldToAndKnowsThatAfterARestart) {
  JournalWorld world;
  world.options.from = From::kNow;
  world.add("a", entries(1, 5));
  world.start();
  ASSERT_TRUE(world.intake.wait_count(1));  // The checkpoint, without bytes.
  EXPECT_TRUE(world.intake.bytes().empty());
  world.live.reset();
  world.add("b", entries(6, 5));
  world.start();
  EXPECT_TRUE(world.wait_messages(6, 5));
}

TEST_F(Journald, BeginsAtThisBootWhichAForeignJournalHasNothingOf) {
  JournalWorld world;
  world.options.from = From::kBoot;
  world.add("a", entries(1, 5));
  world.start();
  ASSERT_TRUE(world.intake.wait_count(1));
  world.add("b", entries(6, 5));
  EXPECT_TRUE(world.wait_messages(6, 5));
}

TEST_F(Journald, BeginsBehindACursor) {
  JournalWorld world;
  world.add("a", entries(1, 5));
  world.start();
  ASSERT_TRUE(world.wait_messages(1, 5));
  const std::string bytes = world.intake.bytes();
  const std::size_t third = bytes.find("__CURSOR=", bytes.find("\nMESSAGE=m2\n")) + 9;
  JournalWorld other;
  other.options.folder = world.options.folder;
  other.options.from = From::kCursor;
  other.options.cursor = bytes.substr(third, bytes.find('\n', third) - third);
  other.start();
  EXPECT_TRUE(other.wait_messages(4, 2));
}

TEST_F(Journald, GivesOnlyTheUnitsAskedFor) {
  JournalWorld world;
  world.options.units = {"odd", "none.service"};
  world.add("a", entries(1, 6));
  world.start();
  world.intake.wait([](const auto& all) { return JournalWorld::messages(all).size() >= 3; });
  EXPECT_EQ(JournalWorld::messages(world.intake.deliveries()), (std::vector<std::string>{"m1", "m3", "m5"}));
}

TEST_F(Journald, TriesAgainWhatTheIntakeRefused) {
  JournalWorld world;
  world.intake.refuse(core::Error{core::ErrorCode::kIo, "The disk is full."});
  world.add("a", entries(1, 3));
  world.start();
  const auto until = std::chrono::steady_clock::now() + 10s;
  while (world.source.meter->snapshot().problem.empty() && std::chrono::steady_clock::now() < until) {
    std::this_thread::yield();
  }
  EXPECT_NE(world.source.meter->snapshot().problem.find("The disk is full."), std::string::npos);
  world.intake.refuse(std::nullopt);
  EXPECT_TRUE(world.wait_messages(1, 3));
}

TEST_F(Journald, LeavesOutADamagedFieldAndGivesTheRest) {
  JournalWorld world;
  world.add("a", entries(1, 500, std::string(50, 'x')));
  const auto file = std::filesystem::path(world.options.folder) / "a.journal";
  std::string bytes = tocsin::testing::read_file(file);
  const std::size_t place = bytes.find("MESSAGE=m250");
  ASSERT_NE(place, std::string::npos);
  bytes[place - 64] = '\x07';  // The type of the object that holds it: there is none.
  std::ofstream(file, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  world.start();
  world.intake.wait([](const auto& all) { return JournalWorld::messages(all).size() >= 499; });
  const auto got = JournalWorld::messages(world.intake.deliveries());
  EXPECT_EQ(got.size(), 499u);
  EXPECT_EQ(std::ranges::count(got, "m250"), 0);
}

TEST_F(Journald, SurvivesDamagedFilesAndReadsTheNext) {
  std::mt19937 random(1);
  for (int round = 0; round < 10; ++round) {
    JournalWorld world;
    world.add("a", entries(1, 200));
    const auto file = std::filesystem::path(world.options.folder) / "a.journal";
    std::string bytes = tocsin::testing::read_file(file);
    // The header is left whole: without it the file is none.
    for (int flip = 0; flip < 200; ++flip) bytes[300 + random() % (200'000 - 300)] = static_cast<char>(random());
    std::ofstream(file, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    world.add("b", entries(1'000, 3));
    world.start();
    const bool reached = world.intake.wait([](const auto& all) {
      const auto got = JournalWorld::messages(all);
      return !got.empty() && got.back() == "m1002";
    });
    EXPECT_TRUE(reached) << round;
  }
}

TEST(JournaldOptions, ThoseThatContradictEachOtherAreRefused) {
  JournalWorld world;
  const auto starts = [&] { return start_journald(world.options, world.source, world.context()).ok(); };
  world.options.name_space = "x";
  EXPECT_FALSE(starts());
  world.options.name_space.clear();
  world.options.cursor = "s=1";
  EXPECT_FALSE(starts());
  world.options.cursor.clear();
  world.options.from = From::kCursor;
  EXPECT_FALSE(starts());
  world.options.from = From::kBeginning;
  world.options.folder += "/none";
  EXPECT_FALSE(starts());
}

}  // namespace
}  // namespace tocsin::source
