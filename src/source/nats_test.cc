// Against Debian's nats-server, started here on a free port with a folder of its own.
#include "source/nats.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <nats/nats.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <fstream>
#include <set>
#include <thread>

#include "source/live_test_support.h"
#include "source/nats/held_messages.h"
#include "testing/patience.h"
#include "testing/temporary_folder.h"

extern char** environ;

namespace tocsin::source {
namespace {

using std::chrono::milliseconds;
using testing::World;

std::string run(const std::string& command) {
  std::string out;
  FILE* pipe = popen(command.c_str(), "r");
  std::array<char, 4096> piece{};
  while (const std::size_t got = fread(piece.data(), 1, piece.size(), pipe)) out.append(piece.data(), got);
  pclose(pipe);
  return out;
}
std::string server_path() {
  for (const char* path : {"/usr/sbin/nats-server", "/usr/bin/nats-server"}) {
    if (access(path, X_OK) == 0) return path;
  }
  return {};
}

class Server {
 public:
  explicit Server(std::vector<std::string> more = {}) : more_(std::move(more)) { start(); }
  ~Server() { stop(); }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // On any free port the first time, then on the same one. The port is known once it listens.
  void start() {
    std::vector<std::string> words = {server_path(),
                                      "-a",
                                      "127.0.0.1",
                                      "-p",
                                      port_ == 0 ? "-1" : std::to_string(port_),
                                      "-js",
                                      "-sd",
                                      (folder_.path() / "store").string(),
                                      "-l",
                                      (folder_.path() / "log").string(),
                                      "--ports_file_dir",
                                      folder_.path().string()};
    words.insert(words.end(), more_.begin(), more_.end());
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    ASSERT_EQ(posix_spawn(&pid_, words[0].c_str(), nullptr, nullptr, arguments.data(), environ), 0);
    const auto until = std::chrono::steady_clock::now() + tocsin::testing::kPatience;
    const std::string ports = (folder_.path() / ("nats-server_" + std::to_string(pid_) + ".ports")).string();
    while (true) {
      ASSERT_LT(std::chrono::steady_clock::now(), until);
      std::ifstream in(ports);
      const std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
      const std::size_t at = text.find("127.0.0.1:");
      if (at != std::string::npos && text.find('}') != std::string::npos) {
        port_ = std::stoi(text.substr(at + 10));
        return;
      }
      std::this_thread::yield();
    }
  }
  void stop() {
    if (pid_ <= 0) return;
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    pid_ = 0;
  }
  std::string url(const std::string& scheme = "nats") const { return scheme + "://127.0.0.1:" + std::to_string(port_); }

 private:
  tocsin::testing::TemporaryFolder folder_;
  std::vector<std::string> more_;
  pid_t pid_ = 0;
  int port_ = 0;
};

// A producer, and questions to the server.
class Producer {
 public:
  explicit Producer(const std::string& url) {
    EXPECT_EQ(natsConnection_ConnectTo(&connection_, url.c_str()), NATS_OK);
    EXPECT_EQ(natsConnection_JetStream(&js_, connection_, nullptr), NATS_OK);
  }
  ~Producer() {
    jsCtx_Destroy(js_);
    natsConnection_Destroy(connection_);
  }
  Producer(const Producer&) = delete;
  Producer& operator=(const Producer&) = delete;

  void stream(const char* name, const char* subject) {
    jsStreamConfig config;
    jsStreamConfig_Init(&config);
    config.Name = name;
    config.Subjects = &subject;
    config.SubjectsLen = 1;
    ASSERT_EQ(js_AddStream(nullptr, js_, &config, nullptr, nullptr), NATS_OK);
  }
  void send(const std::string& subject, const std::string& value) {
    ASSERT_EQ(js_Publish(nullptr, js_, subject.c_str(), value.data(), static_cast<int>(value.size()), nullptr, nullptr),
              NATS_OK);
  }
  // Messages of the consumer that are not acknowledged or not delivered; -1: there is none.
  std::int64_t left(const char* stream, const char* consumer) {
    jsConsumerInfo* info = nullptr;
    if (js_GetConsumerInfo(&info, js_, stream, consumer, nullptr, nullptr) != NATS_OK) return -1;
    const std::int64_t out = info->NumAckPending + static_cast<std::int64_t>(info->NumPending);
    jsConsumerInfo_Destroy(info);
    return out;
  }
  bool wait_left(const char* stream, const char* consumer, std::int64_t expected) {
    const auto until = std::chrono::steady_clock::now() + tocsin::testing::kPatience;
    while (left(stream, consumer) != expected) {
      if (std::chrono::steady_clock::now() > until) return false;
    }
    return true;
  }
  jsCtx* js() { return js_; }

 private:
  natsConnection* connection_ = nullptr;
  jsCtx* js_ = nullptr;
};

class NatsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (server_path().empty()) GTEST_SKIP() << "nats-server is not installed: tools/setup.sh test";
    server_ = std::make_unique<Server>();
    producer_ = std::make_unique<Producer>(server_->url());
    producer_->stream("LOGS", "logs.>");
  }
  NatsOptions options() {
    NatsOptions out;
    out.source = ref_;
    out.servers = {server_ ? server_->url() : "nats://127.0.0.1:1"};
    out.stream = "LOGS";
    return out;
  }
  std::unique_ptr<LiveSource> start(NatsOptions options) {
    auto started = start_nats(std::move(options), world_.context());
    EXPECT_TRUE(started.ok()) << started.error().text;
    return std::move(started).value();
  }
  bool wait_problem(const std::string& part) {
    const auto until = std::chrono::steady_clock::now() + tocsin::testing::kPatience;
    while (std::chrono::steady_clock::now() < until) {
      const std::string problem = ref_.meter->snapshot().problem;
      if (part.empty() ? problem.empty() : problem.find(part) != std::string::npos) return true;
      std::this_thread::yield();
    }
    return false;
  }
  // Once by their keys.
  std::multiset<std::string> kept() {
    std::set<std::string> keys;
    std::multiset<std::string> out;
    for (const auto& delivery : world_.intake.deliveries()) {
      if (keys.insert(delivery.once_key).second) out.insert(delivery.bytes);
    }
    return out;
  }
  World world_;
  SourceRef ref_ = world_.ref(5, "nats");
  std::unique_ptr<Server> server_;
  std::unique_ptr<Producer> producer_;
};

TEST_F(NatsTest, DeliversEachMessageWithItsSequenceAndAcknowledgesIt) {
  for (int i = 1; i <= 1'000; ++i) producer_->send("logs.a", "{\"n\":" + std::to_string(i) + "}");
  producer_->send("logs.b", "");
  auto source = start(options());
  ASSERT_TRUE(world_.intake.wait_count(1'000));
  EXPECT_TRUE(producer_->wait_left("LOGS", "tocsin", 0));
  producer_->send("logs.c", "later");
  ASSERT_TRUE(world_.intake.wait_count(1'001));
  source->stop(std::chrono::seconds(2));
  EXPECT_EQ(producer_->left("LOGS", "tocsin"), 0);
  const auto all = world_.intake.deliveries();
  ASSERT_EQ(all.size(), 1'001u);
  EXPECT_EQ(all[0].bytes, "{\"n\":1}");
  EXPECT_EQ(all[0].peer, "logs.a");
  EXPECT_EQ(all[0].source, model::SourceId{5});
  EXPECT_EQ(all[0].once_key.rfind("nats:5/LOGS@", 0), 0u);
  EXPECT_EQ(all[1'000].once_key.substr(all[1'000].once_key.rfind(':')), ":1002");
  EXPECT_EQ(ref_.meter->snapshot().records, 1'001u);
}

TEST_F(NatsTest, RedeliversUnderTheSameKeyWhatWasNotAcknowledged) {
  for (int i = 0; i < 20; ++i) producer_->send("logs.a", std::to_string(i));
  world_.intake.hold();
  NatsOptions quick = options();
  quick.ack_wait = milliseconds(1'000);
  auto source = start(std::move(quick));
  ASSERT_TRUE(world_.intake.wait_count(20));
  source->stop(milliseconds(100));
  source.reset();
  EXPECT_EQ(producer_->left("LOGS", "tocsin"), 20);
  world_.intake.release();
  source = start(options());
  EXPECT_TRUE(producer_->wait_left("LOGS", "tocsin", 0));
  source->stop(std::chrono::seconds(2));
  EXPECT_GE(world_.intake.deliveries().size(), 40u);
  EXPECT_EQ(kept().size(), 20u);
}

TEST_F(NatsTest, ExtendsTheTimeOfWhatWaitsSoThatItIsNotDeliveredAgain) {
  NatsOptions quick = options();
  quick.ack_wait = milliseconds(1'000);
  world_.intake.hold();
  auto source = start(std::move(quick));
  producer_->send("logs.a", "waits");
  ASSERT_TRUE(world_.intake.wait_count(1));
  // For more than twice the time to acknowledge, which the server measures.
  const auto until = std::chrono::steady_clock::now() + milliseconds(2'500);
  while (std::chrono::steady_clock::now() < until) {
    jsConsumerInfo* info = nullptr;
    ASSERT_EQ(js_GetConsumerInfo(&info, producer_->js(), "LOGS", "tocsin", nullptr, nullptr), NATS_OK);
    const std::int64_t delivered_again = info->NumRedelivered;
    jsConsumerInfo_Destroy(info);
    ASSERT_EQ(delivered_again, 0);
  }
  world_.intake.release();
  EXPECT_TRUE(producer_->wait_left("LOGS", "tocsin", 0));
  EXPECT_EQ(world_.intake.deliveries().size(), 1u);
}

TEST_F(NatsTest, AsksAgainForWhatTheIntakeRefused) {
  producer_->send("logs.a", "once");
  world_.intake.refuse(core::Error{core::ErrorCode::kIo, "the disk is full"});
  auto source = start(options());
  ASSERT_TRUE(wait_problem("the disk is full"));
  world_.intake.refuse({});
  ASSERT_TRUE(world_.intake.wait_count(1));
  EXPECT_TRUE(producer_->wait_left("LOGS", "tocsin", 0));
  EXPECT_TRUE(wait_problem(""));
  EXPECT_EQ(ref_.meter->snapshot().records, 1u);
}

TEST_F(NatsTest, FetchesNoFurtherWhereTheBacklogIsFullAndLosesNothing) {
  for (int i = 0; i < 2'000; ++i) producer_->send("logs.a", std::to_string(10'000 + i));
  world_.intake.hold();
  NatsOptions small = options();
  small.max_backlog_bytes = 50;
  auto source = start(std::move(small));
  ASSERT_TRUE(world_.intake.wait_count(10));
  EXPECT_GE(producer_->left("LOGS", "tocsin"), 2'000);
  EXPECT_EQ(world_.intake.deliveries().size(), 10u);
  world_.intake.release();
  ASSERT_TRUE(world_.intake.wait_count(2'000));
  EXPECT_TRUE(producer_->wait_left("LOGS", "tocsin", 0));
  EXPECT_EQ(kept().size(), 2'000u);
}

TEST_F(NatsTest, GoesOnAfterTheServerWasKilledAndLosesNothing) {
  auto source = start(options());
  for (int i = 0; i < 100; ++i) producer_->send("logs.a", "first " + std::to_string(i));
  ASSERT_TRUE(world_.intake.wait_count(100));
  producer_.reset();
  server_->stop();
  EXPECT_TRUE(wait_problem("NATS: "));
  server_->start();
  producer_ = std::make_unique<Producer>(server_->url());
  for (int i = 0; i < 100; ++i) producer_->send("logs.a", "second " + std::to_string(i));
  const bool came = world_.intake.wait([](const auto& all) {
    std::set<std::string> keys;
    for (const auto& delivery : all) keys.insert(delivery.once_key);
    return keys.size() >= 200;
  });
  EXPECT_TRUE(came);
  EXPECT_TRUE(wait_problem(""));
  EXPECT_EQ(kept().size(), 200u);
}

TEST_F(NatsTest, ReadsOnlyTheSubjectOrFromNowOnAsConfigured) {
  producer_->send("logs.a.x", "no");
  producer_->send("logs.b.x", "yes");
  NatsOptions filtered = options();
  filtered.subject = "logs.b.*";
  auto source = start(std::move(filtered));
  ASSERT_TRUE(world_.intake.wait_count(1));
  EXPECT_EQ(world_.intake.deliveries()[0].bytes, "yes");
  source->stop(std::chrono::seconds(1));
  NatsOptions fresh = options();
  fresh.consumer = "fresh";
  fresh.from_beginning = false;
  source = start(std::move(fresh));
  EXPECT_TRUE(producer_->wait_left("LOGS", "fresh", 0));
  producer_->send("logs.a.x", "new");
  ASSERT_TRUE(world_.intake.wait_count(2));
  EXPECT_EQ(world_.intake.deliveries()[1].bytes, "new");
}

TEST_F(NatsTest, SaysWhatIsMissingAndFindsItOnceItIsThere) {
  NatsOptions missing = options();
  missing.stream = "OTHER";
  auto source = start(std::move(missing));
  ASSERT_TRUE(wait_problem("stream 'OTHER'"));
  producer_->stream("OTHER", "other");
  producer_->send("other", "x");
  ASSERT_TRUE(world_.intake.wait_count(1));
  // A consumer that acknowledges otherwise is not touched.
  jsConsumerConfig config;
  jsConsumerConfig_Init(&config);
  config.Durable = "all";
  config.AckPolicy = js_AckAll;
  ASSERT_EQ(js_AddConsumer(nullptr, producer_->js(), "OTHER", &config, nullptr, nullptr), NATS_OK);
  NatsOptions wrong = options();
  wrong.stream = "OTHER";
  wrong.consumer = "all";
  const auto second = start(std::move(wrong));
  EXPECT_TRUE(wait_problem("explicit acknowledgements"));
}

TEST_F(NatsTest, StopReturnsWhereNoServerAnswers) {
  NatsOptions nowhere = options();
  nowhere.servers = {"nats://127.0.0.1:1"};
  auto source = start(std::move(nowhere));
  ASSERT_TRUE(wait_problem("cannot connect"));
  const auto begin = std::chrono::steady_clock::now();
  source->stop(milliseconds(100));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(2));
}

TEST_F(NatsTest, RefusesOptionsThatCannotWork) {
  const auto refused = [this](const auto& change) {
    NatsOptions changed = options();
    change(changed);
    return !start_nats(std::move(changed), world_.context()).ok();
  };
  EXPECT_TRUE(refused([](NatsOptions& o) { o.servers.clear(); }));
  EXPECT_TRUE(refused([](NatsOptions& o) { o.servers = {"http://127.0.0.1"}; }));
  EXPECT_TRUE(refused([](NatsOptions& o) { o.stream = ""; }));
  EXPECT_TRUE(refused([](NatsOptions& o) { o.stream = "a.b"; }));
  EXPECT_TRUE(refused([](NatsOptions& o) { o.consumer = "a>"; }));
  EXPECT_TRUE(refused([](NatsOptions& o) { o.ack_wait = milliseconds(999); }));
  EXPECT_TRUE(refused([](NatsOptions& o) { o.password = core::Secret("x"); }));
  EXPECT_TRUE(refused([](NatsOptions& o) { o.tls = NatsTls{"", "a.pem", ""}; }));
  EXPECT_TRUE(refused([](NatsOptions& o) { o.tls = NatsTls{"/nowhere.pem", "", ""}; }));
}

TEST_F(NatsTest, ConnectsWithACertificateAndAPassword) {
  producer_.reset();
  server_.reset();
  const tocsin::testing::TemporaryFolder folder;
  const std::string key = (folder.path() / "key.pem").string(), certificate = (folder.path() / "certificate.pem").string();
  run("openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -x509 -days 2 -subj /CN=127.0.0.1 -addext "
      "subjectAltName=IP:127.0.0.1,DNS:localhost -keyout " +
      key + " -out " + certificate + " 2>&1");
  server_ = std::make_unique<Server>(std::vector<std::string>{"--tlsverify", "--tlscacert", certificate, "--tlscert",
                                                              certificate, "--tlskey", key, "--user", "u", "--pass", "p"});
  NatsOptions wrong = options();
  wrong.servers = {server_->url("tls")};
  wrong.tls = NatsTls{certificate, certificate, key};
  wrong.user = "u";
  wrong.password = core::Secret("wrong");
  auto source = start(std::move(wrong));
  EXPECT_TRUE(wait_problem("cannot connect"));
  EXPECT_EQ(ref_.meter->snapshot().problem.find("wrong"), std::string::npos);
  NatsOptions right = options();
  right.servers = {server_->url("tls")};
  right.tls = NatsTls{certificate, certificate, key};
  right.user = "u";
  right.password = core::Secret("p");
  source = start(std::move(right));
  EXPECT_TRUE(wait_problem("stream 'LOGS'"));  // Connected; the stream is not there.
}

TEST_F(NatsTest, ConnectsWithAToken) {
  producer_.reset();
  server_ = std::make_unique<Server>(std::vector<std::string>{"--auth", "t0ken"});
  auto source = start(options());
  EXPECT_TRUE(wait_problem("cannot connect"));
  NatsOptions right = options();
  right.token = core::Secret("t0ken");
  source = start(std::move(right));
  EXPECT_TRUE(wait_problem("stream 'LOGS'"));
}

TEST(HeldMessages, KeepTheLatestSubjectAndGiveEachAnswerOnce) {
  nats::HeldMessages held;
  EXPECT_TRUE(held.hold(1, "a"));
  EXPECT_FALSE(held.hold(1, "b"));
  EXPECT_TRUE(held.hold(2, "c"));
  held.answer(1, nats::Verdict::kKept);
  held.answer(1, nats::Verdict::kRefused);
  held.answer(9, nats::Verdict::kKept);
  const auto answers = held.take(milliseconds(0));
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_EQ(answers[0].reply_subject, "b");
  EXPECT_EQ(answers[0].verdict, nats::Verdict::kKept);
  EXPECT_EQ(held.waiting(), std::vector<std::string>{"c"});
  EXPECT_TRUE(held.wait_below(2, milliseconds(0)));
  EXPECT_FALSE(held.wait_below(1, milliseconds(0)));
}

}  // namespace
}  // namespace tocsin::source
