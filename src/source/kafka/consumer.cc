// One thread reads all partitions. Each partition has a queue of its own in librdkafka, taken out of the common one before
// it is assigned: a partition whose group is under way is simply not read, so librdkafka stops fetching for it, and its
// place in the group of consumers does not suffer as it would if nothing were polled. What librdkafka puts into an empty
// queue, and what the Intake answers, wakes the thread.
//
//   librdkafka queue --read--> pending --first_group--> under way --answered--> offset stored --librdkafka--> committed
#include <librdkafka/rdkafka.h>

#include <algorithm>
#include <atomic>
#include <cctype>
#include <deque>
#include <thread>
#include <utility>

#include "source/kafka.h"
#include "source/kafka/grouping.h"
#include "source/kafka/properties.h"

namespace tocsin::source {
namespace {

using namespace kafka;
using std::chrono::milliseconds;
using SteadyTime = std::chrono::steady_clock::time_point;

constexpr std::size_t kReadMessages = 500;     // At one time.
constexpr std::size_t kMaxPending = 2'000;     // Messages of a partition read and not yet under way.
constexpr milliseconds kIdleWait{500};         // The longest the thread sleeps.
constexpr milliseconds kRetryWait{1'000};      // After the Intake refused.
constexpr milliseconds kCommittedWait{1'000};  // For the committed offsets of new partitions.
constexpr milliseconds kAskWait{2'000};        // Between questions whether a broker answers again.
constexpr milliseconds kCloseWait{1'000};      // Of the grace, kept for leaving the group.
constexpr std::size_t kErrorBytes = 512;

struct Message {
  explicit Message(rd_kafka_message_t* m) : raw(m, rd_kafka_message_destroy) {}
  std::unique_ptr<rd_kafka_message_t, void (*)(rd_kafka_message_t*)> raw;
};
using PartitionList = std::unique_ptr<rd_kafka_topic_partition_list_t, void (*)(rd_kafka_topic_partition_list_t*)>;
PartitionList make_list() { return {rd_kafka_topic_partition_list_new(8), rd_kafka_topic_partition_list_destroy}; }
using Queue = std::unique_ptr<rd_kafka_queue_t, void (*)(rd_kafka_queue_t*)>;

// What other threads tell the consumer's: shared with `done` functions, which may come after it is gone.
class Mailbox {
 public:
  struct Answer {
    std::uint64_t assignment = 0;
    std::string key;  // Of the partition.
    core::Result<void> kept;
  };
  void answer(Answer answer) {
    {
      const core::Lock lock(mutex_);
      answers_.push_back(std::move(answer));
    }
    wake();
  }
  void wake() {
    const core::Lock lock(mutex_);
    awake_ = true;
    changed_.notify_all();
  }
  std::vector<Answer> take() {
    const core::Lock lock(mutex_);
    return std::exchange(answers_, {});
  }
  void wait(milliseconds time) {
    const auto until = std::chrono::steady_clock::now() + time;
    core::Lock lock(mutex_);
    while (!awake_) {
      const auto left = until - std::chrono::steady_clock::now();
      if (left <= std::chrono::nanoseconds(0)) break;
      lock.wait_for(changed_, left);
    }
    awake_ = false;
  }

 private:
  core::Mutex mutex_;
  std::condition_variable changed_;
  bool awake_ GUARDED_BY(mutex_) = false;
  std::vector<Answer> answers_ GUARDED_BY(mutex_);
};

struct Partition {
  std::uint64_t assignment = 0;  // A number of its own each time it is assigned.
  std::string topic, name, key;  // "topic/3"; the key of its checkpoint.
  std::int32_t id = 0;
  Queue queue{nullptr, rd_kafka_queue_destroy};
  bool begun = false;
  std::int64_t next_offset = 0;  // Messages before it are not wanted.
  std::deque<Message> pending;   // The group under way at its front.
  Group group;
  std::size_t answers_left = 0, records = 0, bytes = 0;
  bool refused = false;
  SteadyTime retry_at;
};

class Consumer final : public LiveSource {
 public:
  Consumer(KafkaOptions options, const SourceContext& context)
      : options_(std::move(options)),
        context_(context),
        mailbox_(std::make_shared<Mailbox>()),
        backlog_(std::make_shared<Backlog>(options_.max_backlog_bytes, context_.all_backlogs)) {}
  ~Consumer() override { stop(milliseconds(500)); }

  core::Result<void> start() {
    rd_kafka_conf_t* conf = rd_kafka_conf_new();
    const auto set = configure(conf);
    char error[kErrorBytes] = "";
    if (set.ok()) rk_ = rd_kafka_new(RD_KAFKA_CONSUMER, conf, error, sizeof error);
    if (rk_ == nullptr) {
      rd_kafka_conf_destroy(conf);
      if (!set.ok()) return set.error();
      return core::Error{core::ErrorCode::kInvalid, std::string("Kafka: ") + error};
    }
    rd_kafka_poll_set_consumer(rk_);
    options_.secrets.clear();
    // Only to see that the names are valid; in earnest once the cluster is known.
    const rd_kafka_resp_err_t code = subscribe();
    rd_kafka_unsubscribe(rk_);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
      rd_kafka_destroy_flags(rk_, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
      return core::Error{core::ErrorCode::kInvalid, std::string("Kafka: 'topics': ") + rd_kafka_err2str(code)};
    }
    thread_ = std::thread([this] { run(); });
    return {};
  }

  void stop(milliseconds grace) override {
    const core::Lock only_once(stop_mutex_);
    if (!thread_.joinable()) return;
    stop_by_ = std::chrono::steady_clock::now() + grace;
    stopping_ = true;
    mailbox_->wake();
    thread_.join();
  }

 private:
  core::Result<void> configure(rd_kafka_conf_t* conf) {
    std::string brokers;
    for (const std::string& broker : options_.brokers) brokers += (brokers.empty() ? "" : ",") + broker;
    std::map<std::string, std::string> all = {
        {"queued.max.messages.kbytes", "2048"}, {"socket.keepalive.enable", "true"}, {"client.id", "tocsin"}};
    for (const auto& [name, value] : options_.properties) all[name] = value;
    all["bootstrap.servers"] = brokers;
    all["group.id"] = options_.group;
    all["enable.auto.commit"] = "true";  // Commits what rd_kafka_offsets_store() was told.
    all["enable.auto.offset.store"] = "false";
    all["auto.commit.interval.ms"] = std::to_string(kKafkaCommitInterval.count());
    all["auto.offset.reset"] = options_.from_beginning ? "earliest" : "latest";
    for (const auto& [name, value] : all) TOCSIN_TRY(set(conf, name, value.c_str()));
    for (const auto& [name, secret] : options_.secrets) {
      std::vector<char> text(secret.reveal().begin(), secret.reveal().end());
      text.push_back('\0');
      const auto done = set(conf, name, text.data());
      volatile char* at = text.data();
      for (std::size_t i = 0; i < text.size(); ++i) at[i] = 0;
      if (!done.ok())
        return core::Error{core::ErrorCode::kInvalid, "Kafka: the secret property '" + name + "' is not valid"};
    }
    rd_kafka_conf_set_opaque(conf, this);
    rd_kafka_conf_set_log_cb(conf, [](const rd_kafka_t*, int, const char*, const char*) {});
    rd_kafka_conf_set_error_cb(conf, [](rd_kafka_t*, int code, const char* reason, void* self) {
      static_cast<Consumer*>(self)->broker_problem(static_cast<rd_kafka_resp_err_t>(code), reason);
    });
    rd_kafka_conf_set_rebalance_cb(conf, [](rd_kafka_t*, rd_kafka_resp_err_t code, rd_kafka_topic_partition_list_t* list,
                                            void* self) { static_cast<Consumer*>(self)->rebalance(code, list); });
    return {};
  }
  static core::Result<void> set(rd_kafka_conf_t* conf, const std::string& name, const char* value) {
    char error[kErrorBytes] = "";
    if (rd_kafka_conf_set(conf, name.c_str(), value, error, sizeof error) == RD_KAFKA_CONF_OK) return {};
    return core::Error{core::ErrorCode::kInvalid, std::string("Kafka: ") + error};
  }

  void problem(const std::string& text) {
    has_problem_ = true;
    options_.source.meter->problem("Kafka: " + text);
  }
  // One broker that hangs up is none, for idle connections are closed.
  void broker_problem(rd_kafka_resp_err_t code, const char* reason) {
    if (code == RD_KAFKA_RESP_ERR__TRANSPORT && !cluster_.empty()) return;
    problem(reason);
    no_broker_ = code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN;
    ask_at_ = std::chrono::steady_clock::now() + kAskWait;
  }
  // Nothing says that brokers are back where no messages come.
  void ask_brokers() {
    if (!no_broker_ || std::chrono::steady_clock::now() < ask_at_) return;
    ask_at_ = std::chrono::steady_clock::now() + kAskWait;
    if (broker_answers() == RD_KAFKA_RESP_ERR_NO_ERROR) well();
  }
  rd_kafka_resp_err_t broker_answers() {
    const rd_kafka_metadata_t* metadata = nullptr;
    const rd_kafka_resp_err_t code = rd_kafka_metadata(rk_, 0, nullptr, &metadata, 200);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) rd_kafka_metadata_destroy(metadata);
    return code;
  }
  void well() {
    no_broker_ = false;
    if (std::exchange(has_problem_, false)) options_.source.meter->problem({});
  }

  // --- The thread.

  void run() {
    if (find_cluster()) {
      rd_kafka_queue_cb_event_enable(common_queue(), wake_by_queue, mailbox_.get());
      subscribe();
      while (!stopping_) {
        serve();
        ask_brokers();
        mailbox_->wait(next_wait());
      }
    }
    finish();
  }

  // Keys hold the cluster's id, so nothing is read before it is known.
  bool find_cluster() {
    while (!stopping_) {
      serve_common_queue();
      const rd_kafka_resp_err_t code = broker_answers();
      if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
        char* id = rd_kafka_clusterid(rk_, 200);
        cluster_ = id != nullptr ? id : "-";  // Brokers before 0.10.1 have none.
        if (id != nullptr) rd_kafka_mem_free(rk_, id);
        well();
        return true;
      }
      if (!has_problem_) problem(std::string("no broker answers: ") + rd_kafka_err2str(code));
      mailbox_->wait(milliseconds(100));
    }
    return false;
  }

  rd_kafka_resp_err_t subscribe() {
    const PartitionList topics = make_list();
    for (const std::string& topic : options_.topics) {
      rd_kafka_topic_partition_list_add(topics.get(), topic.c_str(), RD_KAFKA_PARTITION_UA);
    }
    return rd_kafka_subscribe(rk_, topics.get());
  }
  static void wake_by_queue(rd_kafka_t*, void* mailbox) { static_cast<Mailbox*>(mailbox)->wake(); }
  rd_kafka_queue_t* common_queue() {
    if (!common_queue_) common_queue_.reset(rd_kafka_queue_get_consumer(rk_));
    return common_queue_.get();
  }

  void serve() {
    serve_common_queue();
    take_answers();
    for (auto& [_, partition] : partitions_) {
      if (stopping_) return;
      serve_partition(partition);
    }
  }
  // Errors and rebalances; messages only should one have been fetched before its partition's queue was taken out.
  void serve_common_queue() {
    while (rd_kafka_message_t* raw = rd_kafka_consumer_poll(rk_, 0)) {
      Message message(raw);
      if (raw->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
        problem(rd_kafka_message_errstr(raw));
        continue;
      }
      const auto at = partitions_.find(name_of(rd_kafka_topic_name(raw->rkt), raw->partition));
      if (at != partitions_.end()) at->second.pending.push_back(std::move(message));
    }
  }
  static std::string name_of(const char* topic, std::int32_t id) { return std::string(topic) + "/" + std::to_string(id); }

  milliseconds next_wait() const {
    milliseconds wait = kIdleWait;
    for (const auto& [_, partition] : partitions_) {
      if (!partition.refused) continue;
      const auto left = std::chrono::duration_cast<milliseconds>(partition.retry_at - std::chrono::steady_clock::now());
      wait = std::clamp(left, milliseconds(1), wait);
    }
    return wait;
  }

  // --- Partitions.

  void rebalance(rd_kafka_resp_err_t code, rd_kafka_topic_partition_list_t* list) {
    const bool step_by_step = std::string_view(rd_kafka_rebalance_protocol(rk_)) == "COOPERATIVE";
    const bool assign = code == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS && !stopping_;
    if (assign) {
      begin_at_checkpoints(list);
      for (int i = 0; i < list->cnt; ++i) add_partition(list->elems[i]);
    } else {
      for (int i = 0; i < list->cnt; ++i) drop_partition(name_of(list->elems[i].topic, list->elems[i].partition));
    }
    if (step_by_step) {
      rd_kafka_error_t* error = assign ? rd_kafka_incremental_assign(rk_, list) : rd_kafka_incremental_unassign(rk_, list);
      if (error == nullptr) return;
      problem(rd_kafka_error_string(error));
      rd_kafka_error_destroy(error);
    } else {
      const rd_kafka_resp_err_t done = rd_kafka_assign(rk_, assign ? list : nullptr);
      if (done != RD_KAFKA_RESP_ERR_NO_ERROR) problem(rd_kafka_err2str(done));
    }
  }

  std::string checkpoint_key(const std::string& partition_name) const {
    return "kafka:" + std::to_string(static_cast<std::uint32_t>(options_.source.id)) + "/" + options_.group + "/" +
           cluster_ + "/" + partition_name;
  }
  // The offset behind what is kept here; -1: nothing was.
  std::int64_t kept_offset(const std::string& key) const {
    const std::string text = context_.intake.checkpoint(key);
    if (text.empty() || text.size() > 18 || !std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; }))
      return -1;
    return std::stoll(text);
  }
  // Where something is kept, reading begins at the later of checkpoint and commit; else librdkafka asks for the commit.
  void begin_at_checkpoints(rd_kafka_topic_partition_list_t* list) {
    const PartitionList known = make_list();
    for (int i = 0; i < list->cnt; ++i) {
      const auto& element = list->elems[i];
      if (kept_offset(checkpoint_key(name_of(element.topic, element.partition))) < 0) continue;
      rd_kafka_topic_partition_list_add(known.get(), element.topic, element.partition);
    }
    if (known->cnt == 0) return;
    if (rd_kafka_committed(rk_, known.get(), static_cast<int>(kCommittedWait.count())) != RD_KAFKA_RESP_ERR_NO_ERROR) return;
    for (int i = 0; i < known->cnt; ++i) {
      const auto& element = known->elems[i];
      if (element.err != RD_KAFKA_RESP_ERR_NO_ERROR) continue;
      const std::int64_t kept = kept_offset(checkpoint_key(name_of(element.topic, element.partition)));
      rd_kafka_topic_partition_list_set_offset(list, element.topic, element.partition, std::max(kept, element.offset));
    }
  }

  void add_partition(const rd_kafka_topic_partition_t& element) {
    const std::string name = name_of(element.topic, element.partition);
    drop_partition(name);
    Partition& partition = partitions_[name];
    partition.assignment = ++last_assignment_;
    partition.topic = element.topic;
    partition.id = element.partition;
    partition.name = name;
    partition.key = checkpoint_key(name);
    partition.queue.reset(rd_kafka_queue_get_partition(rk_, element.topic, element.partition));
    if (!partition.queue) return problem("partition " + name + " has no queue");
    rd_kafka_queue_forward(partition.queue.get(), nullptr);
    rd_kafka_queue_cb_event_enable(partition.queue.get(), wake_by_queue, mailbox_.get());
    mailbox_->wake();
  }
  void drop_partition(const std::string& name) {
    const auto at = partitions_.find(name);
    if (at == partitions_.end()) return;
    Partition& partition = at->second;
    if (partition.queue) rd_kafka_queue_cb_event_enable(partition.queue.get(), nullptr, nullptr);
    if (partition.answers_left > 0) orphans_[partition.key] += partition.answers_left;
    partitions_.erase(at);
  }

  void serve_partition(Partition& partition) {
    if (partition.answers_left > 0 || !partition.queue) return;
    if (partition.refused && std::chrono::steady_clock::now() < partition.retry_at) return;
    if (!partition.begun) {
      if (orphans_.contains(partition.key)) return;
      partition.next_offset = std::max<std::int64_t>(0, kept_offset(partition.key));
      partition.begun = true;
    }
    do {
      read(partition);
    } while (!partition.pending.empty() && submit(partition));
  }

  static std::size_t bytes_of(const Partition& partition) {
    std::size_t bytes = 0;
    for (const Message& message : partition.pending) bytes += message.raw->len;
    return bytes;
  }
  void read(Partition& partition) {
    std::vector<rd_kafka_message_t*> raw(kReadMessages);
    std::size_t bytes = bytes_of(partition);
    while (bytes < kGroupBytes && partition.pending.size() < kMaxPending) {
      const ssize_t count = rd_kafka_consume_batch_queue(partition.queue.get(), 0, raw.data(), raw.size());
      if (count <= 0) break;
      for (ssize_t i = 0; i < count; ++i) {
        Message message(raw[static_cast<std::size_t>(i)]);
        if (message.raw->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
          problem(partition.name + ": " + rd_kafka_message_errstr(message.raw.get()));
        } else if (message.raw->offset >= partition.next_offset) {
          bytes += message.raw->len;
          partition.next_offset = message.raw->offset + 1;
          partition.pending.push_back(std::move(message));
        }
      }
    }
  }

  // True: the group held nothing to wait for, there may be more.
  bool submit(Partition& partition) {
    std::vector<MessageView> views;
    views.reserve(partition.pending.size());
    for (const Message& message : partition.pending) {
      views.push_back({message.raw->offset, {static_cast<const char*>(message.raw->payload), message.raw->len}});
    }
    const Group group = first_group(views, options_.source.format);
    if (!backlog_->try_take(group.bytes)) return false;
    partition.group = group;
    partition.refused = false;
    Origin origin;
    origin.source = options_.source.id;
    origin.received_at = context_.clock.now();
    origin.format = options_.source.format;
    origin.peer = partition.name;
    origin.checkpoint_key = partition.key;
    origin.once_prefix = "kafka:" + std::to_string(static_cast<std::uint32_t>(options_.source.id)) + "/" + cluster_ + "/" +
                         partition.name + "/";
    std::vector<model::Delivery> deliveries = deliveries_of(group, views, origin);
    partition.answers_left = deliveries.size();
    if (deliveries.empty()) {
      settle(partition);
      return true;
    }
    for (model::Delivery& delivery : deliveries) {
      auto done = [mailbox = mailbox_, backlog = backlog_, bytes = delivery.bytes.size(), key = partition.key,
                   assignment = partition.assignment](core::Result<void> kept) {
        backlog->give(bytes);
        mailbox->answer({assignment, key, std::move(kept)});
      };
      context_.intake.submit(std::move(delivery), std::move(done));
    }
    return false;
  }

  void take_answers() {
    for (const Mailbox::Answer& answer : mailbox_->take()) {
      const auto at = std::ranges::find_if(
          partitions_, [&answer](const auto& entry) { return entry.second.assignment == answer.assignment; });
      if (at == partitions_.end()) {
        const auto orphan = orphans_.find(answer.key);
        if (orphan != orphans_.end() && --orphan->second == 0) orphans_.erase(orphan);
        continue;
      }
      Partition& partition = at->second;
      if (!answer.kept.ok()) {
        partition.refused = true;
        problem("what came is not kept and offered again: " + answer.kept.error().text);
      }
      if (--partition.answers_left == 0) settle(partition);
    }
  }

  // All of the group is answered.
  void settle(Partition& partition) {
    if (partition.refused) {
      partition.retry_at = std::chrono::steady_clock::now() + kRetryWait;
      return;
    }
    const Group& group = partition.group;
    const PartitionList stored = make_list();
    rd_kafka_topic_partition_list_add(stored.get(), partition.topic.c_str(), partition.id)->offset =
        partition.pending[group.message_count - 1].raw->offset + 1;
    // Fails where the partition was just taken away: then nothing is to be committed.
    static_cast<void>(rd_kafka_offsets_store(rk_, stored.get()));
    const auto end = partition.pending.begin() + static_cast<std::ptrdiff_t>(group.message_count);
    partition.pending.erase(partition.pending.begin(), end);
    SourceMeter& meter = *options_.source.meter;
    if (group.too_long_count > 0) meter.refused("too-long", group.too_long_count);
    if (group.record_count > 0) meter.received(group.record_count, group.bytes, context_.clock.now());
    well();
  }

  // --- The end.

  void finish() {
    const std::chrono::nanoseconds left = stop_by_.load() - std::chrono::steady_clock::now();
    const auto safe_by = stop_by_.load() - std::min<std::chrono::nanoseconds>(kCloseWait, left / 2);
    while (std::chrono::steady_clock::now() < safe_by && under_way()) {
      take_answers();
      if (!under_way()) break;
      mailbox_->wait(std::clamp(std::chrono::duration_cast<milliseconds>(safe_by - std::chrono::steady_clock::now()),
                                milliseconds(1), kIdleWait));
      take_answers();
    }
    while (!partitions_.empty()) drop_partition(partitions_.begin()->first);
    leave_group();
    if (common_queue_) rd_kafka_queue_cb_event_enable(common_queue_.get(), nullptr, nullptr);
    common_queue_.reset();
    rd_kafka_destroy_flags(rk_, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    rk_ = nullptr;
  }
  bool under_way() const {
    return std::ranges::any_of(partitions_, [](const auto& entry) { return entry.second.answers_left > 0; });
  }
  // Commits what is stored, and lets the others of the group take over at once rather than when the session times out.
  void leave_group() {
    const Queue queue(rd_kafka_queue_new(rk_), rd_kafka_queue_destroy);
    rd_kafka_error_t* error = rd_kafka_consumer_close_queue(rk_, queue.get());
    if (error != nullptr) {
      rd_kafka_error_destroy(error);
      return;
    }
    while (rd_kafka_consumer_closed(rk_) == 0 && std::chrono::steady_clock::now() < stop_by_.load()) {
      rd_kafka_message_t* raw = nullptr;
      if (rd_kafka_consume_batch_queue(queue.get(), 20, &raw, 1) == 1) rd_kafka_message_destroy(raw);
    }
  }

  KafkaOptions options_;
  const SourceContext context_;
  const std::shared_ptr<Mailbox> mailbox_;
  const std::shared_ptr<Backlog> backlog_;
  core::Mutex stop_mutex_;
  std::thread thread_;
  std::atomic<bool> stopping_ = false;
  std::atomic<SteadyTime> stop_by_ = SteadyTime();
  // Of the thread.
  rd_kafka_t* rk_ = nullptr;
  Queue common_queue_{nullptr, rd_kafka_queue_destroy};
  std::string cluster_;
  std::map<std::string, Partition> partitions_;  // By name.
  std::map<std::string, std::size_t> orphans_;   // Answers awaited for partitions that were taken away, by key.
  std::uint64_t last_assignment_ = 0;
  bool has_problem_ = false, no_broker_ = false;
  SteadyTime ask_at_;
};

}  // namespace

core::Result<std::unique_ptr<LiveSource>> start_kafka(KafkaOptions options, const SourceContext& context) {
  TOCSIN_TRY(check_options(options));
  auto consumer = std::make_unique<Consumer>(std::move(options), context);
  const auto started = consumer->start();
  if (!started.ok()) return started.error();
  return std::unique_ptr<LiveSource>(std::move(consumer));
}

}  // namespace tocsin::source
