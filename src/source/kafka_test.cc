#include "source/kafka.h"

#include <gtest/gtest.h>

#include <set>
#include <thread>

#include "source/kafka/mock_cluster_test_support.h"
#include "testing/patience.h"

namespace tocsin::source {
namespace {

using std::chrono::milliseconds;
using testing::KafkaTest;
using testing::lines_of;
using testing::World;

TEST_F(KafkaTest, ReadsTopicsByPatternAndGoesOnBehindWhatIsCommitted) {
  cluster_.topic("logs-a", 3);
  cluster_.topic("logs-b", 1);
  for (int i = 0; i < 300; ++i) cluster_.send("logs-a", i % 3, "{\"n\":" + std::to_string(i) + "}");
  cluster_.send("logs-b", 0, "<x>\n</x>");
  cluster_.send("logs-b", 0, "");
  cluster_.send("logs-b", 0, "line\n");
  cluster_.flush();
  auto source = start(options("^logs-.*"));
  ASSERT_TRUE(wait([](const auto& all) { return lines_of(all).size() >= 303; }));
  source->stop(std::chrono::seconds(5));
  const auto all = world_.intake.deliveries();
  EXPECT_LT(all.size(), 50u);
  EXPECT_EQ(all[0].source, model::SourceId{3});
  EXPECT_EQ(lines_of(all).count("{\"n\":299}"), 1u);
  EXPECT_EQ(ref_.meter->snapshot().records, 302u);
  EXPECT_EQ(cluster_.committed("tocsin", "logs-a", 0), 100);
  EXPECT_EQ(cluster_.committed("tocsin", "logs-b", 0), 3);
  cluster_.send("logs-a", 0, "{\"n\":300}");
  cluster_.flush();
  source = start(options("^logs-.*"));
  ASSERT_TRUE(wait([&all](const auto& now) { return now.size() > all.size(); }));
  EXPECT_EQ(world_.intake.deliveries().size(), all.size() + 1);
  EXPECT_EQ(world_.intake.deliveries().back().bytes, "{\"n\":300}\n");
  EXPECT_EQ(world_.intake.deliveries().back().peer, "logs-a/0");
}

TEST_F(KafkaTest, NeitherLosesNorRepeatsWhatWasKeptWithoutACommit) {
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
  ASSERT_TRUE(wait([](const auto& all) { return lines_of(all).contains("last"); }));
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

TEST_F(KafkaTest, SaysThatNoBrokerAnswersAndStopsWithinItsGrace) {
  KafkaOptions nowhere = options("logs");
  nowhere.brokers = {"127.0.0.1:1"};
  auto source = start(std::move(nowhere));
  const auto until = std::chrono::steady_clock::now() + tocsin::testing::kPatience;
  while (ref_.meter->snapshot().problem.empty()) {
    ASSERT_LT(std::chrono::steady_clock::now(), until);
    std::this_thread::yield();
  }
  const auto begin = std::chrono::steady_clock::now();
  source->stop(milliseconds(200));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(2));
}

TEST_F(KafkaTest, RefusesPropertiesWithWrongValues) {
  KafkaOptions wrong = options("logs");
  wrong.properties["fetch.min.bytes"] = "many";
  const auto started = start_kafka(std::move(wrong), world_.context());
  ASSERT_FALSE(started.ok());
  EXPECT_NE(started.error().text.find("fetch.min.bytes"), std::string::npos);
  const auto pattern = start_kafka(options("^logs-(.*"), world_.context());
  ASSERT_FALSE(pattern.ok());
  EXPECT_EQ(pattern.error().code, core::ErrorCode::kInvalid);
  KafkaOptions secret = options("logs");
  secret.secrets.emplace("ssl.key.pem", core::Secret("no key"));
  secret.properties["security.protocol"] = "ssl";
  const auto refused = start_kafka(std::move(secret), world_.context());
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().text.find("no key"), std::string::npos);
}

}  // namespace
}  // namespace tocsin::source
