// Restarts and back-pressure.
#include <gtest/gtest.h>

#include <set>
#include <thread>

#include "source/kafka/mock_cluster_test_support.h"

namespace tocsin::source {
namespace {

using std::chrono::milliseconds;
using KafkaRestartTest = testing::KafkaTest;
using testing::lines_of;
using testing::World;

TEST_F(KafkaRestartTest, NeitherLosesNorRepeatsWhatWasKeptWithoutACommit) {
  cluster_.topic("logs", 1);
  for (int i = 0; i < 10; ++i) cluster_.send("logs", 0, "line " + std::to_string(i));
  for (int i = 0; i < 3; ++i) cluster_.send("logs", 0, "two\nlines " + std::to_string(i));
  cluster_.flush();
  // Everything reaches the Intake's disk, but no answer arrives: as when the process ends in between.
  world_.intake.hold();
  auto source = start(options("logs"));
  ASSERT_TRUE(wait_lines(10));
  source->stop(milliseconds(300));
  source.reset();
  EXPECT_LT(cluster_.committed("tocsin", "logs", 0), 0);
  world_.intake.release();
  cluster_.send("logs", 0, "last");
  cluster_.flush();
  source = start(options("logs"));
  ASSERT_TRUE(world_.intake.wait([](const auto& all) { return lines_of(all).contains("last"); }));
  source->stop(std::chrono::seconds(5));
  std::set<std::string> keys;
  std::vector<model::Delivery> kept;
  for (const auto& delivery : world_.intake.deliveries()) {
    EXPECT_NE(delivery.once_key, "");
    if (keys.insert(delivery.once_key).second) kept.push_back(delivery);
  }
  const auto lines = lines_of(kept);
  EXPECT_EQ(lines.size(), 10u + 6u + 1u);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(lines.count("line " + std::to_string(i)), 1u);
  EXPECT_EQ(lines.count("two"), 3u);
  EXPECT_EQ(cluster_.committed("tocsin", "logs", 0), 14);
}

TEST_F(KafkaRestartTest, ReadsNoFurtherWhereTheBacklogIsFullAndLosesNothing) {
  cluster_.topic("logs", 4);
  for (int i = 0; i < 400; ++i) cluster_.send("logs", i % 4, "line " + std::to_string(i));
  cluster_.flush();
  world_.intake.hold();
  KafkaOptions small = options("logs");
  small.max_backlog_bytes = 1;
  auto source = start(std::move(small));
  ASSERT_TRUE(world_.intake.wait_count(1));
  cluster_.send("logs", 0, "last");
  cluster_.flush();
  EXPECT_EQ(world_.intake.deliveries().size(), 1u);
  world_.intake.release();
  ASSERT_TRUE(wait_lines(401));
  source->stop(std::chrono::seconds(5));
  EXPECT_EQ(lines_of(world_.intake.deliveries()).size(), 401u);
}

}  // namespace
}  // namespace tocsin::source
