// How much sources may have under way, alone and together.
#include "source/live.h"

#include <gtest/gtest.h>

#include <thread>

#include "testing/patience.h"

namespace tocsin::source {
namespace {

TEST(Backlog, IsBoundedButTakesOneDeliveryLargerThanAll) {
  Backlog backlog(100);
  EXPECT_TRUE(backlog.try_take(60));
  EXPECT_TRUE(backlog.try_take(40));
  EXPECT_FALSE(backlog.try_take(1));
  backlog.give(100);
  EXPECT_TRUE(backlog.try_take(101));
  EXPECT_FALSE(backlog.try_take(1));
  backlog.give(101);
  EXPECT_EQ(backlog.bytes(), 0u);
}

TEST(Backlog, OneWithoutAnythingUnderWayTakesThoughTheOthersHaveAll) {
  const auto all = std::make_shared<SharedBacklog>(100);
  Backlog greedy(1'000, all), modest(1'000, all);
  EXPECT_TRUE(greedy.try_take(100));
  EXPECT_FALSE(greedy.try_take(1));
  EXPECT_TRUE(modest.try_take(50));
  EXPECT_EQ(all->bytes(), 150u);
  EXPECT_FALSE(modest.try_take(1));
  greedy.give(100);
  EXPECT_TRUE(modest.try_take(50));
  modest.give(100);
  EXPECT_EQ(all->bytes(), 0u);
}

TEST(Backlog, AWaitingSourceGoesOnWhenItsOwnIsAnsweredWhateverOthersHold) {
  const auto all = std::make_shared<SharedBacklog>(100);
  Backlog holds(1'000, all), waits(1'000, all);
  ASSERT_TRUE(waits.try_take(10));
  ASSERT_TRUE(holds.try_take(1'000));
  std::thread answer([&] { waits.give(10); });
  EXPECT_TRUE(waits.take(20, tocsin::testing::kPatience));
  answer.join();
}

TEST(Backlog, ManyThreadsLeaveNothingBehind) {
  const auto all = std::make_shared<SharedBacklog>(64);
  Backlog one(48, all), two(48, all);
  std::vector<std::thread> threads;
  for (Backlog* backlog : {&one, &one, &two, &two}) {
    threads.emplace_back([backlog] {
      for (std::size_t i = 0; i < 5'000; ++i) {
        if (backlog->take(1 + i % 40, tocsin::testing::kPatience)) backlog->give(1 + i % 40);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(all->bytes(), 0u);
  EXPECT_EQ(one.bytes() + two.bytes(), 0u);
}

}  // namespace
}  // namespace tocsin::source
