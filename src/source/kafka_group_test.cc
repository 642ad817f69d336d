// Rebalances.
#include <gtest/gtest.h>

#include <set>
#include <thread>

#include "source/kafka/mock_cluster_test_support.h"
#include "testing/patience.h"

namespace tocsin::source {
namespace {

using std::chrono::milliseconds;
using KafkaGroupTest = testing::KafkaTest;
using testing::lines_of;
using testing::World;

TEST_F(KafkaGroupTest, SharesPartitionsWithAnotherOfItsGroupAndTakesThemBack) {
  cluster_.topic("logs", 4);
  auto first = start(options("logs"));
  for (int i = 0; i < 400; ++i) cluster_.send("logs", i % 4, "first " + std::to_string(i));
  cluster_.flush();
  ASSERT_TRUE(wait_lines(400));
  // The mock cluster, unlike a real one, takes no commits while it rebalances.
  const auto until = std::chrono::steady_clock::now() + tocsin::testing::kPatience;
  for (int i = 0; i < 4; ++i) {
    while (cluster_.committed("tocsin", "logs", i) != 100) ASSERT_LT(std::chrono::steady_clock::now(), until);
  }
  World other_world;
  KafkaOptions other = options("logs");
  other.source = other_world.ref(3, "kafka");
  auto started = start_kafka(std::move(other), other_world.context());
  ASSERT_TRUE(started.ok());
  // Until the second has a share.
  int sent = 0;
  while (other_world.intake.deliveries().empty()) {
    ASSERT_LT(sent, 100'000);
    for (int i = 0; i < 4; ++i) cluster_.send("logs", i, "second " + std::to_string(sent++));
    cluster_.flush();
  }
  started.value()->stop(std::chrono::seconds(5));
  for (int i = 0; i < 4; ++i) cluster_.send("logs", i, "third " + std::to_string(i));
  cluster_.flush();
  ASSERT_TRUE(wait([](const auto& all) {
    const auto lines = lines_of(all);
    for (int i = 0; i < 4; ++i) {
      if (!lines.contains("third " + std::to_string(i))) return false;
    }
    return true;
  }));
  first->stop(std::chrono::seconds(5));
  auto lines = lines_of(world_.intake.deliveries());
  lines.merge(lines_of(other_world.intake.deliveries()));
  for (int i = 0; i < 400; ++i) EXPECT_EQ(lines.count("first " + std::to_string(i)), 1u);
  for (int i = 0; i < sent; ++i) EXPECT_GE(lines.count("second " + std::to_string(i)), 1u) << i;
}

}  // namespace
}  // namespace tocsin::source
