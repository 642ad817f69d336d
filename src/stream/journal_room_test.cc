// Back-pressure: a full queue, a full journal, a full disk.
#include <gtest/gtest.h>
#include <sys/mount.h>

#include <algorithm>

#include "stream/journal_test_support.h"
#include "testing/patience.h"

namespace tocsin::stream {
namespace {

using Futures = std::vector<std::future<core::Result<std::uint64_t>>>;

std::size_t ready(const Futures& futures) {
  return static_cast<std::size_t>(std::count_if(futures.begin(), futures.end(), [](const auto& future) {
    return future.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
  }));
}

TEST(JournalRoom, RefusesAtOncePastTheQueuedBytes) {
  const QuickFolder folder;
  JournalOptions options = quick_options(folder.path());
  options.commit_delay = std::chrono::hours(1);
  options.max_queued_bytes = 1'000;
  Rig rig(options);
  auto kept = append_later(*rig.journal, delivery_of(std::string(800, 'x')));
  auto refused = append_later(*rig.journal, delivery_of(std::string(300, 'x')));
  ASSERT_EQ(refused.wait_for(std::chrono::seconds(0)), std::future_status::ready);
  EXPECT_EQ(refused.get().error().code, core::ErrorCode::kLimit);
  EXPECT_EQ(rig.metrics.counter("tocsin_journal_refused_total", "").value(), 1u);
  rig.journal.reset();
  EXPECT_TRUE(kept.get().ok());
}

TEST(JournalRoom, RefusesADeliveryThatCouldNeverFit) {
  const QuickFolder folder;
  JournalOptions options = quick_options(folder.path());
  options.max_bytes = 10'000;
  Rig rig(options);
  EXPECT_EQ(append_later(*rig.journal, delivery_of(std::string(5'001, 'x'))).get().error().code, core::ErrorCode::kLimit);
}

TEST(JournalRoom, HoldsAppendsWhileFullAndGoesOnWhenReadersAreDone) {
  const QuickFolder folder;
  JournalOptions options = quick_options(folder.path());
  options.segment_bytes = 4'000;
  options.max_bytes = 20'000;
  Rig rig(options);
  Futures futures;
  for (int i = 0; i < 60; ++i) {
    model::Delivery delivery = delivery_of(std::string(1'000, 'x'), "key" + std::to_string(i));
    delivery.checkpoint_key = i < 5 ? "early" : "late";
    delivery.checkpoint_value = std::to_string(i);
    futures.push_back(append_later(*rig.journal, std::move(delivery)));
  }
  EXPECT_NE(wait_for_problem(*rig.journal).find("no reader has saved a position"), std::string::npos);
  std::size_t done = ready(futures);
  EXPECT_LT(done, 20u);
  EXPECT_GT(done, 5u);
  EXPECT_EQ(rig.metrics.gauge("tocsin_journal_blocked", "").value(), 1.0);
  // One reader behind holds all; when it is gone, the rest goes on as the other reads.
  ASSERT_TRUE(rig->save_position("slow", {}).ok());
  const std::unique_ptr<Journal::Reader> reader = rig->read(1);
  for (std::uint64_t sequence = 1; sequence <= 60; ++sequence) {
    const core::Result<std::optional<StoredDelivery>> next = reader->next(tocsin::testing::kPatience);
    ASSERT_TRUE(next.ok() && next.value());
    ASSERT_EQ((*next)->sequence, sequence);
    ASSERT_TRUE(rig->save_position("quick", {.done_sequence = sequence, .state = {}}).ok());
    if (sequence == 10) {
      EXPECT_EQ(rig->health().first_sequence, 1u);
      rig->forget_position("slow");
    }
  }
  for (auto& future : futures) EXPECT_TRUE(future.get().ok());
  EXPECT_EQ(rig->health().problem, "");
  EXPECT_LE(rig->health().bytes, options.max_bytes);
  EXPECT_GT(rig->health().first_sequence, 1u);
  EXPECT_EQ(rig->health().last_sequence, 60u);
  EXPECT_GT(rig.metrics.counter("tocsin_journal_removed_segments_total", "").value(), 0u);
  for (int restart = 0; restart < 2; ++restart) {
    EXPECT_EQ(rig->checkpoint("early"), "4");
    EXPECT_EQ(rig->checkpoint("late"), "59");
    rig.open();
  }
  EXPECT_EQ(read_all(*rig.journal, 1).front().sequence, rig->health().first_sequence);
  EXPECT_EQ(rig->health().damaged_entries, 0u);
}

TEST(JournalRoom, AReaderWhoseSegmentIsRemovedReadsItToTheEnd) {
  const QuickFolder folder;
  JournalOptions options = quick_options(folder.path());
  options.segment_bytes = 2'500;
  options.max_bytes = 10'000;
  Rig rig(options);
  const std::unique_ptr<Journal::Reader> reader = rig->read(1);
  for (int i = 0; i < 2; ++i) append_now(*rig.journal, delivery_of(std::string(1'000, 'x')));
  EXPECT_EQ((**reader->next(tocsin::testing::kPatience)).sequence, 1u);
  for (std::uint64_t i = 3; i <= 20; ++i) {
    ASSERT_TRUE(rig->save_position("p", {.done_sequence = i - 1, .state = {}}).ok());
    append_now(*rig.journal, delivery_of(std::string(1'000, 'x')));
  }
  ASSERT_GT(rig->health().first_sequence, 2u);
  EXPECT_EQ((**reader->next(tocsin::testing::kPatience)).sequence, 2u);
  EXPECT_EQ((**reader->next(tocsin::testing::kPatience)).sequence, rig->health().first_sequence);
  EXPECT_EQ(rig->health().damaged_entries, 0u);
}

TEST(JournalRoom, TheTailGoesTooWhereAllOfItIsDone) {
  const QuickFolder folder;
  JournalOptions options = quick_options(folder.path());
  options.max_bytes = 4'000;
  Rig rig(options);
  for (std::uint64_t i = 1; i <= 20; ++i) {
    ASSERT_EQ(append_now(*rig.journal, delivery_of(std::string(1'500, 'x'))), i);
    ASSERT_TRUE(rig->save_position("p", {.done_sequence = i, .state = {}}).ok());
  }
  EXPECT_EQ(read_all(*rig.journal).back().sequence, 20u);
}

TEST(JournalRoom, StopsWithinTimeWhileFullAndKeepsWhatWasAcknowledged) {
  const QuickFolder folder;
  JournalOptions options = quick_options(folder.path());
  options.max_bytes = 8'000;
  Rig rig(options);
  Futures futures;
  for (int i = 0; i < 20; ++i) futures.push_back(append_later(*rig.journal, delivery_of(std::string(1'000, 'x'))));
  ASSERT_FALSE(wait_for_problem(*rig.journal).empty());
  const auto start = std::chrono::steady_clock::now();
  rig.journal.reset();
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(2));
  std::size_t acknowledged = 0;
  for (auto& future : futures) acknowledged += future.get().ok() ? 1 : 0;
  EXPECT_LT(acknowledged, 8u);
  rig.open();
  EXPECT_EQ(read_all(*rig.journal).size(), acknowledged);
}

TEST(JournalRoom, LeavesTheDiskItsFreeBytes) {
  const QuickFolder folder;
  JournalOptions options = quick_options(folder.path());
  options.min_free_bytes = std::uint64_t{1} << 60;
  Rig rig(options);
  auto future = append_later(*rig.journal, delivery_of("x"));
  EXPECT_NE(wait_for_problem(*rig.journal).find("must stay free"), std::string::npos);
  EXPECT_EQ(future.wait_for(std::chrono::seconds(0)), std::future_status::timeout);
}

TEST(JournalRoom, GoesOnWhenAFullDiskHasRoomAgain) {
  const QuickFolder folder;
  const std::string disk = folder.path() + "/disk";
  std::filesystem::create_directory(disk);
  if (::mount("tmpfs", disk.c_str(), "tmpfs", 0, "size=512k") != 0) GTEST_SKIP() << "cannot mount a small tmpfs here";
  struct Unmount {
    std::string path;
    ~Unmount() { ::umount2(path.c_str(), MNT_DETACH); }
  } const unmount{disk};
  JournalOptions options = quick_options(disk + "/journal");
  options.segment_bytes = 64'000;
  Rig rig(options);
  write_file(disk + "/other", std::string(200'000, 'x'));
  Futures futures;
  for (int i = 0; i < 40; ++i) futures.push_back(append_later(*rig.journal, delivery_of(std::string(10'000, 'x'))));
  EXPECT_FALSE(wait_for_problem(*rig.journal).empty());
  const std::size_t done = ready(futures);
  EXPECT_LT(done, 40u);
  EXPECT_EQ(read_all(*rig.journal).size(), done);
  std::filesystem::remove(disk + "/other");  // Seen by the next attempt, a second later.
  for (auto& future : futures) {
    ASSERT_EQ(future.wait_for(tocsin::testing::kPatience), std::future_status::ready);
    EXPECT_TRUE(future.get().ok());
  }
  EXPECT_EQ(rig->health().problem, "");
  const std::vector<StoredDelivery> all = read_all(*rig.journal);
  ASSERT_EQ(all.size(), 40u);
  for (std::size_t i = 0; i < all.size(); ++i) EXPECT_EQ(all[i].sequence, i + 1);
  rig.open();
  EXPECT_EQ(read_all(*rig.journal).size(), 40u);
  rig.journal.reset();
}

}  // namespace
}  // namespace tocsin::stream
