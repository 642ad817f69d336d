// The mock cluster of librdkafka: real protocol over loopback, brokers in this process. Used by tests only.
#pragma once

#include <gtest/gtest.h>
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <thread>

#include "source/kafka.h"
#include "source/live_test_support.h"

namespace tocsin::source::testing {

using std::chrono::milliseconds;

// librdkafka starts its threads with thrd_create(), which the thread sanitizer does not know: any program that uses it
// crashes under that.
#if defined(__SANITIZE_THREAD__)
inline constexpr bool kCanRun = false;
#else
inline constexpr bool kCanRun = true;
#endif

// Brokers, and a producer to fill them.
class Cluster {
 public:
  Cluster() {
    if (!kCanRun) return;
    char error[512];
    rd_kafka_conf_t* conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "test.mock.num.brokers", "2", error, sizeof error);
    producer_ = rd_kafka_new(RD_KAFKA_PRODUCER, conf, error, sizeof error);
    mock_ = rd_kafka_handle_mock_cluster(producer_);
  }
  ~Cluster() {
    if (producer_ != nullptr) rd_kafka_destroy(producer_);
  }
  Cluster(const Cluster&) = delete;
  Cluster& operator=(const Cluster&) = delete;

  void topic(const std::string& name, int partitions) { rd_kafka_mock_topic_create(mock_, name.c_str(), partitions, 2); }
  void send(const std::string& topic, int partition, const std::string& value) {
    const auto code = rd_kafka_producev(producer_, RD_KAFKA_V_TOPIC(topic.c_str()), RD_KAFKA_V_PARTITION(partition),
                                        RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
                                        RD_KAFKA_V_VALUE(const_cast<char*>(value.data()), value.size()), RD_KAFKA_V_END);
    ASSERT_EQ(code, RD_KAFKA_RESP_ERR_NO_ERROR);
  }
  void flush() { ASSERT_EQ(rd_kafka_flush(producer_, 10'000), RD_KAFKA_RESP_ERR_NO_ERROR); }
  std::string brokers() const { return rd_kafka_mock_cluster_bootstraps(mock_); }
  // The committed offset of a partition, asked by a consumer of its own; -1001: none.
  std::int64_t committed(const std::string& group, const std::string& topic, int partition) {
    char error[512];
    rd_kafka_conf_t* conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "bootstrap.servers", brokers().c_str(), error, sizeof error);
    rd_kafka_conf_set(conf, "group.id", group.c_str(), error, sizeof error);
    rd_kafka_t* consumer = rd_kafka_new(RD_KAFKA_CONSUMER, conf, error, sizeof error);
    rd_kafka_topic_partition_list_t* list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, topic.c_str(), partition);
    EXPECT_EQ(rd_kafka_committed(consumer, list, 5'000), RD_KAFKA_RESP_ERR_NO_ERROR);
    const std::int64_t offset = list->elems[0].offset;
    rd_kafka_topic_partition_list_destroy(list);
    rd_kafka_destroy(consumer);
    return offset;
  }
  rd_kafka_mock_cluster_t* mock() { return mock_; }

 private:
  rd_kafka_t* producer_ = nullptr;
  rd_kafka_mock_cluster_t* mock_ = nullptr;
};

class KafkaTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!kCanRun) GTEST_SKIP() << "librdkafka does not run under the thread sanitizer";
  }
  KafkaOptions options(const std::string& topic) {
    KafkaOptions out;
    out.source = ref_;
    const std::string all = cluster_.brokers();
    out.brokers = {all.substr(0, all.find(','))};
    out.topics = {topic};
    // The mock cluster takes a session's time over each rebalance but the first.
    out.properties = {{"session.timeout.ms", "5000"}, {"heartbeat.interval.ms", "500"}};
    return out;
  }
  std::unique_ptr<LiveSource> start(KafkaOptions options) {
    auto started = start_kafka(std::move(options), world_.context());
    EXPECT_TRUE(started.ok()) << started.error().text;
    return std::move(started).value();
  }
  // Joining the group takes seconds, more where the machine is busy.
  bool wait(const std::function<bool(const std::vector<model::Delivery>&)>& ready) {
    return world_.intake.wait(ready) || world_.intake.wait(ready);
  }
  // Waits for so many lines in all.
  bool wait_lines(std::size_t count) {
    return wait([count](const std::vector<model::Delivery>& all) {
      std::size_t lines = 0;
      for (const auto& delivery : all) lines += static_cast<std::size_t>(std::ranges::count(delivery.bytes, '\n'));
      return lines >= count;
    });
  }
  Cluster cluster_;
  World world_;
  SourceRef ref_ = world_.ref(3, "kafka");
};

inline std::multiset<std::string> lines_of(const std::vector<model::Delivery>& all) {
  std::multiset<std::string> out;
  for (const auto& delivery : all) {
    std::string_view text = delivery.bytes;
    while (!text.empty()) {
      const std::size_t end = text.find('\n');
      out.emplace(text.substr(0, end));
      text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    }
  }
  return out;
}

}  // namespace tocsin::source::testing
