// Delivery to real receivers (delivery_test_receiver.py): mail servers and web servers on this host, with and without TLS.
#include <fcntl.h>
#include <poll.h>
#include <simdjson.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <set>

#include "notify/service_test_support.h"
#include "testing/paths.h"
#include "testing/patience.h"

namespace tocsin::notify {
namespace {

constexpr const char* kSecret = "s3cret";

std::string at(const std::string& json, const std::string& pointer) {
  simdjson::dom::parser parser;
  simdjson::dom::element root, value;
  if (parser.parse(json).get(root) != simdjson::SUCCESS) return "<no JSON: " + json + ">";
  if (root.at_pointer(pointer).get(value) != simdjson::SUCCESS) return "<absent>";
  std::string_view text;
  return value.get(text) == simdjson::SUCCESS ? std::string(text) : std::string(simdjson::minify(value));
}

// The receiving program, and the lines that it prints.
class Receiver {
 public:
  Receiver(const std::string& certificate, const std::string& key) {
    int in[2], out[2];
    if (::pipe2(in, O_CLOEXEC) != 0 || ::pipe2(out, O_CLOEXEC) != 0) return;
    child_ = ::fork();
    if (child_ == 0) {
      ::dup2(in[0], 0);
      ::dup2(out[1], 1);
      const std::string script = (testing::project_root() / "src/notify/delivery_test_receiver.py").string();
      ::execlp("python3", "python3", script.c_str(), certificate.c_str(), key.c_str(), kSecret, nullptr);
      ::_exit(127);
    }
    ::close(in[0]);
    ::close(out[1]);
    in_ = in[1];
    out_ = out[0];
    ports_ = next();
  }
  ~Receiver() {
    ::close(in_);
    ::close(out_);
    ::waitpid(child_, nullptr, 0);
  }
  Receiver(const Receiver&) = delete;
  Receiver& operator=(const Receiver&) = delete;

  [[nodiscard]] std::uint16_t port(const char* name) const {
    return static_cast<std::uint16_t>(std::stoi(at(ports_, std::string("/") + name)));
  }
  [[nodiscard]] std::string url(const char* scheme, const char* path) const {
    return std::string(scheme) + "://localhost:" + std::to_string(port(scheme)) + path;
  }
  // The next thing that it received.
  std::string next() { return line(static_cast<int>(std::chrono::milliseconds(testing::kPatience).count())); }
  // REQUIRES: what could come has come: the sender has its answer.
  bool nothing_more() { return line(0).empty(); }

 private:
  std::string line(int patience_ms) {
    while (held_.find('\n') == std::string::npos) {
      pollfd wait{out_, POLLIN, 0};
      char buffer[4096];
      if (::poll(&wait, 1, patience_ms) <= 0) return {};
      const ssize_t size = ::read(out_, buffer, sizeof buffer);
      if (size <= 0) return {};
      held_.append(buffer, static_cast<std::size_t>(size));
    }
    const std::size_t end = held_.find('\n');
    std::string out = held_.substr(0, end);
    held_.erase(0, end + 1);
    return out;
  }
  pid_t child_ = -1;
  int in_ = -1, out_ = -1;
  std::string held_, ports_;
};

class DeliveryTest : public ServiceFixture {
 protected:
  void SetUp() override {
    const std::string certificate = (folder_.path() / "cert.pem").string(), key = (folder_.path() / "key.pem").string();
    const std::string make =
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost "
        "-addext subjectAltName=DNS:localhost -keyout " +
        key + " -out " + certificate + " 2>/dev/null";
    ASSERT_EQ(std::system(make.c_str()), 0);
    receiver_ = std::make_unique<Receiver>(certificate, key);
    allow_loopback = true;
    ca = certificate;
    smtp.server = "localhost";
    smtp.port = receiver_->port("smtp");
    smtp.user = "tocsin";
    smtp.password = core::Secret(kSecret);
    ServiceFixture::SetUp();
  }
  void TearDown() override {
    service_.reset();
    receiver_.reset();
  }
  ChannelInput mail(const std::vector<std::string>& to) {
    ChannelInput out = hook("mail");
    out.channel.kind = "email";
    out.channel.targets = to;
    return out;
  }
  void happen() {
    note(1, "closed", "closed as benign");
    planned();
  }
  std::string state() {
    const auto all = outbox();
    return all.empty() ? "" : all.back().state + " " + std::to_string(all.back().attempts);
  }
  std::unique_ptr<Receiver> receiver_;
};

TEST_F(DeliveryTest, AWebhookArrivesSignedWithItsIdOverVerifiedTls) {
  auto input = hook("x", receiver_->url("https", "/ok"));
  input.secret = core::Secret(kSecret);
  add(std::move(input));
  happen();
  EXPECT_TRUE(delivered());
  const std::string got = receiver_->next();
  EXPECT_EQ(at(got, "/signed"), "true");
  EXPECT_EQ(at(got, "/event"), "closed");
  EXPECT_EQ(at(got, "/type"), "application/json; charset=utf-8");
  EXPECT_EQ(at(at(got, "/body"), "/incident/id"), "INC-1");
  EXPECT_EQ(at(at(got, "/body"), "/url"), "https://soc.example.org/incidents/INC-1");
  EXPECT_EQ(at(got, "/id"), at(at(got, "/body"), "/id"));
  EXPECT_EQ(state(), "sent 1");
  EXPECT_FALSE(delivered());
}
TEST_F(DeliveryTest, WithoutTheRightSecretTheSignatureIsWrong) {
  auto input = hook("x", receiver_->url("https", "/ok"));
  input.secret = core::Secret("another");
  add(std::move(input));
  happen();
  EXPECT_TRUE(delivered());
  EXPECT_EQ(at(receiver_->next(), "/signed"), "false");
}
TEST_F(DeliveryTest, ACertificateOfNobodyKnownIsRefused) {
  ca.clear();
  start();
  add(hook("x", receiver_->url("https", "/ok")));
  happen();
  EXPECT_TRUE(delivered());
  EXPECT_EQ(state(), "pending 1");
  EXPECT_NE(outbox()[0].problem.find("certificate"), std::string::npos) << outbox()[0].problem;
  EXPECT_TRUE(receiver_->nothing_more());
}
TEST_F(DeliveryTest, AddressesOfThisHostAreRefusedWhateverNameStandsForThem) {
  add(hook("x", receiver_->url("https", "/ok")));
  happen();
  allow_loopback = false;
  start();
  EXPECT_TRUE(delivered());
  EXPECT_NE(outbox()[0].problem.find("must not go to"), std::string::npos) << outbox()[0].problem;
  EXPECT_TRUE(receiver_->nothing_more());
}

TEST_F(DeliveryTest, AMailArrivesOverStartTlsWithItsLogin) {
  add(mail({"soc@example.org", "boss@example.org"}));
  happen();
  EXPECT_TRUE(delivered());
  const std::string got = receiver_->next();
  EXPECT_EQ(at(got, "/tls"), "true");
  EXPECT_EQ(at(got, "/user"), "tocsin");
  EXPECT_EQ(at(got, "/to/1"), "TO:<boss@example.org>");
  EXPECT_EQ(at(got, "/sender").substr(0, 25), "FROM:<tocsin@example.org>");
  const std::string text = at(got, "/text");
  EXPECT_NE(text.find("Subject: [p2] INC-1 closed: Incident 1\r\n"), std::string::npos) << text;
  EXPECT_EQ(state(), "sent 1");
}
TEST_F(DeliveryTest, AMailArrivesOverTlsFromTheFirstByte) {
  smtp.port = receiver_->port("smtps");
  smtp.tls = SmtpServer::Tls::kTls;
  start();
  add(mail({"soc@example.org"}));
  happen();
  EXPECT_TRUE(delivered());
  EXPECT_EQ(at(receiver_->next(), "/tls"), "true");
}
TEST_F(DeliveryTest, AServerThatIsNotTheOneMeantGetsNoMailAndNoPassword) {
  ca.clear();
  start();
  add(mail({"soc@example.org"}));
  happen();
  EXPECT_TRUE(delivered());
  EXPECT_EQ(state(), "pending 1");
  EXPECT_TRUE(receiver_->nothing_more());
}
TEST_F(DeliveryTest, ARecipientRefusedForGoodIsNotTriedAgainOneRefusedForNowIs) {
  add(mail({"never@example.org"}));
  happen();
  EXPECT_TRUE(delivered());
  EXPECT_EQ(state(), "dead 1");
  const auto id = outbox()[0].channel;
  ASSERT_TRUE(service_->change(id, mail({"later@example.org"})).ok());
  happen();
  EXPECT_TRUE(delivered());
  EXPECT_EQ(state(), "pending 1");
}
TEST_F(DeliveryTest, OneAddressThatIsGoneDoesNotKeepTheOthersFromKnowing) {
  add(mail({"never@example.org", "soc@example.org"}));
  happen();
  EXPECT_TRUE(delivered());
  EXPECT_EQ(state(), "sent 1");
}
TEST_F(DeliveryTest, AWrongPasswordIsTriedAgain) {
  smtp.password = core::Secret("wrong");
  start();
  add(mail({"soc@example.org"}));
  happen();
  EXPECT_TRUE(delivered());
  EXPECT_EQ(state(), "pending 1");
}

TEST_F(DeliveryTest, FailuresWaitLongerEachTimeAndThenAreGivenUpUntilSomebodyRetries) {
  const auto id = add(hook("x", receiver_->url("http", "/fail")));
  happen();
  std::int64_t before = 0;
  for (std::int64_t attempt = 1; attempt <= kMaxAttempts; ++attempt) {
    ASSERT_TRUE(delivered()) << attempt;
    EXPECT_EQ(at(receiver_->next(), "/path"), "/fail");
    if (attempt == kMaxAttempts) break;
    const auto wait = seconds((outbox()[0].next_at.ns - clock_.now().ns) / 1'000'000'000 + 1);
    EXPECT_GE(wait, seconds(22));
    EXPECT_LE(wait, seconds(4'501));
    const std::int64_t least = attempt <= 6 ? before * 11 : 0;
    EXPECT_GE(wait.count() * 10, least);  // Doubled, but for a quarter of chance.
    before = wait.count();
    EXPECT_FALSE(delivered());
    clock_.advance(wait);
  }
  EXPECT_EQ(state(), "dead 12");
  clock_.advance(std::chrono::hours(48));
  EXPECT_FALSE(delivered());
  ASSERT_TRUE(service_->change(id, hook("x", receiver_->url("http", "/ok"))).ok());
  EXPECT_FALSE(service_->retry(99).ok());
  ASSERT_TRUE(service_->retry(outbox()[0].id).ok());
  EXPECT_TRUE(delivered());
  EXPECT_EQ(state(), "sent 1");
  EXPECT_FALSE(service_->retry(outbox()[0].id).ok());
}
TEST_F(DeliveryTest, WhatIsGoneOrWouldRedirectIsGivenUpAtOnce) {
  const auto id = add(hook("x", receiver_->url("http", "/gone")));
  happen();
  EXPECT_TRUE(delivered());
  EXPECT_EQ(state(), "dead 1");
  ASSERT_TRUE(service_->change(id, hook("x", receiver_->url("http", "/redirect"))).ok());
  happen();
  EXPECT_TRUE(delivered());
  EXPECT_EQ(state(), "dead 1");
  EXPECT_EQ(at(receiver_->next(), "/path"), "/gone");
  EXPECT_EQ(at(receiver_->next(), "/path"), "/redirect");
  EXPECT_TRUE(receiver_->nothing_more());
}
TEST_F(DeliveryTest, ALongAnswerIsNotReadToItsEnd) {
  add(hook("x", receiver_->url("http", "/big")));
  happen();
  EXPECT_TRUE(delivered());
  EXPECT_EQ(state(), "sent 1");
}
TEST_F(DeliveryTest, NobodyThereIsAFailureLikeOthers) {
  add(hook("x", "http://127.0.0.1:1/x"));
  happen();
  EXPECT_TRUE(delivered());
  EXPECT_EQ(state(), "pending 1");
  EXPECT_FALSE(outbox()[0].problem.empty());
}

TEST_F(DeliveryTest, QuietHoursHoldBackAllButWhatIsExcepted) {
  auto input = hook("x", receiver_->url("http", "/ok"));
  input.channel.quiet = R"({"from":"11:00","to":"14:00","timezone":"UTC","days":[],"except_priority":"p1"})";
  add(std::move(input));
  add_incident(3, "own", "p1");
  happen();
  EXPECT_TRUE(delivered());
  EXPECT_EQ(at(at(receiver_->next(), "/body"), "/incident/id"), "INC-3");
  EXPECT_FALSE(delivered());
  EXPECT_EQ(outbox().back().next_at, core::Timestamp{kNoon.ns + 2 * 3'600'000'000'000});
  EXPECT_EQ(state(), "pending 0");
  clock_.advance(std::chrono::hours(2));
  EXPECT_TRUE(delivered());
  EXPECT_EQ(state(), "sent 1");
}
TEST_F(DeliveryTest, WhatWaitsOfASwitchedOffChannelIsGivenUp) {
  const auto id = add(hook("x", receiver_->url("http", "/ok")));
  happen();
  auto off = hook("x", receiver_->url("http", "/ok"));
  off.channel.enabled = false;
  ASSERT_TRUE(service_->change(id, std::move(off)).ok());
  EXPECT_FALSE(delivered());
  EXPECT_EQ(state(), "dead 0");
  EXPECT_TRUE(receiver_->nothing_more());
}

// Killed when the receiver has it, before the sender knows: it comes once more, with the same id, and then no more.
TEST_F(DeliveryTest, AKillBetweenDeliveryAndMarkRepeatsItOnceWithTheSameId) {
  const auto id = add(hook("x", receiver_->url("http", "/hold")));
  happen();
  service_.reset();
  ledger_.reset();
  const pid_t child = ::fork();
  if (child == 0) {
    open_ledger();
    start();
    service_->deliver_one().ignore("it is killed in it");
    ::_exit(0);
  }
  const std::string first = receiver_->next();
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  open_ledger();
  start();
  EXPECT_EQ(state(), "pending 1");
  ASSERT_TRUE(service_->change(id, hook("x", receiver_->url("http", "/ok"))).ok());
  clock_.advance(minutes(1));
  EXPECT_TRUE(delivered());
  const std::string second = receiver_->next();
  EXPECT_EQ(at(first, "/id"), at(second, "/id"));
  EXPECT_EQ(at(second, "/path"), "/ok");
  EXPECT_EQ(state(), "sent 2");
  clock_.advance(minutes(60));
  EXPECT_FALSE(delivered());
}

TEST_F(DeliveryTest, ATestIsSentAtOnceAndSaysWhatIsWrong) {
  const auto good = add(hook("good", receiver_->url("http", "/ok")));
  const auto outcome = service_->test(good, "boss");
  ASSERT_TRUE(outcome.ok());
  EXPECT_TRUE(outcome->delivered) << outcome->problem;
  EXPECT_EQ(at(receiver_->next(), "/event"), "test");
  const auto bad = add(hook("bad", receiver_->url("http", "/gone")));
  EXPECT_EQ(service_->test(bad, "boss")->problem, "the receiver answered 404");
  EXPECT_EQ(service_->test(99, "boss").error().code, core::ErrorCode::kNotFound);
  EXPECT_TRUE(outbox().empty());
}

TEST_F(DeliveryTest, ManyAreDeliveredAtOnceAndEachOnce) {
  constexpr int kMany = 60;
  add(hook("x", receiver_->url("http", "/ok")));
  for (int i = 0; i < kMany; ++i) note(1, "closed", "closed");
  service_->start();
  std::set<std::string> ids;
  for (int i = 0; i < kMany; ++i) ids.insert(at(receiver_->next(), "/id"));
  service_->stop();
  EXPECT_EQ(ids.size(), static_cast<std::size_t>(kMany));
  EXPECT_TRUE(receiver_->nothing_more());
}

// With its threads, on the real clock: an event is delivered by itself, and stopping does not wait for one that hangs.
TEST_F(DeliveryTest, TheThreadsPlanAndDeliverAndStopWhileADeliveryHangs) {
  add(hook("slow", receiver_->url("http", "/hold")));
  add(hook("x", receiver_->url("http", "/ok")));
  service_->start();
  note(1, "closed", "closed");
  service_->wake();
  std::string paths = at(receiver_->next(), "/path");
  paths += at(receiver_->next(), "/path");
  EXPECT_TRUE(paths == "/hold/ok" || paths == "/ok/hold") << paths;
  service_->stop();
  std::string states;
  for (const auto& one : outbox()) states += one.channel_name + " " + one.state + " ";
  EXPECT_NE(states.find("slow pending"), std::string::npos) << states;
}

}  // namespace
}  // namespace tocsin::notify
