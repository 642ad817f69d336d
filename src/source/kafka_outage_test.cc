// Full backlogs, an Intake that refuses, brokers that are down.
#include <gtest/gtest.h>

#include <set>
#include <thread>

#include "source/kafka/mock_cluster_test_support.h"
#include "testing/patience.h"

namespace tocsin::source {
namespace {

using std::chrono::milliseconds;
using KafkaOutageTest = testing::KafkaTest;
using testing::lines_of;
using testing::World;

TEST_F(KafkaOutageTest, OffersAgainWhatTheIntakeRefusedAndCommitsNothingOfIt) {
  cluster_.topic("logs", 1);
  for (int i = 0; i < 5; ++i) cluster_.send("logs", 0, "line " + std::to_string(i));
  cluster_.flush();
  world_.intake.refuse(core::Error{core::ErrorCode::kIo, "the disk is full"});
  auto source = start(options("logs"));
  const auto until = std::chrono::steady_clock::now() + tocsin::testing::kPatience;
  while (ref_.meter->snapshot().problem.find("the disk is full") == std::string::npos) {
    ASSERT_LT(std::chrono::steady_clock::now(), until);
    std::this_thread::yield();
  }
  EXPECT_EQ(ref_.meter->snapshot().records, 0u);
  world_.intake.refuse({});
  ASSERT_TRUE(wait_lines(5));
  source->stop(std::chrono::seconds(5));
  EXPECT_EQ(world_.intake.bytes(), "line 0\nline 1\nline 2\nline 3\nline 4\n");
  EXPECT_EQ(ref_.meter->snapshot().problem, "");
  EXPECT_EQ(cluster_.committed("tocsin", "logs", 0), 5);
}

TEST_F(KafkaOutageTest, SaysThatAllBrokersAreDownUntilOneAnswersAgain) {
  cluster_.topic("logs", 1);
  auto source = start(options("logs"));
  cluster_.send("logs", 0, "one");
  cluster_.flush();
  ASSERT_TRUE(wait_lines(1));
  const auto wait_problem = [this](bool expected) {
    const auto until = std::chrono::steady_clock::now() + tocsin::testing::kPatience;
    while (ref_.meter->snapshot().problem.empty() == expected) {
      if (std::chrono::steady_clock::now() > until) return false;
      std::this_thread::yield();
    }
    return true;
  };
  for (int broker = 1; broker <= 2; ++broker) rd_kafka_mock_broker_set_down(cluster_.mock(), broker);
  EXPECT_TRUE(wait_problem(true));
  for (int broker = 1; broker <= 2; ++broker) rd_kafka_mock_broker_set_up(cluster_.mock(), broker);
  EXPECT_TRUE(wait_problem(false));
}

TEST_F(KafkaOutageTest, ReadsNoFurtherWhereTheBacklogIsFullAndLosesNothing) {
  cluster_.topic("logs", 4);
  for (int i = 0; i < 400; ++i) cluster_.send("logs", i % 4, "line " + std::to_string(i));
  cluster_.flush();
  world_.intake.hold();
  KafkaOptions small = options("logs");
  small.max_backlog_bytes = 1;
  auto source = start(std::move(small));
  ASSERT_TRUE(wait([](const auto& all) { return !all.empty(); }));
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
