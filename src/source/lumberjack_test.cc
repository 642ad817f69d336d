#include "source/lumberjack.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <fstream>
#include <thread>

#include "source/live_test_support.h"
#include "source/lumberjack/frames_test_support.h"
#include "testing/paths.h"
#include "testing/patience.h"
#include "testing/temporary_folder.h"

namespace tocsin::source {
namespace {

using std::chrono::milliseconds;
using testing::ack_frame;
using testing::compressed_frame;
using testing::json_frame;
using testing::pairs_frame;
using testing::window_frame;
using testing::World;

std::string run(const std::string& command) {
  std::string out;
  FILE* pipe = popen(command.c_str(), "r");
  std::array<char, 4096> piece{};
  while (const std::size_t got = fread(piece.data(), 1, piece.size(), pipe)) out.append(piece.data(), got);
  pclose(pipe);
  return out;
}

class Client {
 public:
  explicit Client(std::uint16_t port) : fd_(socket(AF_INET, SOCK_STREAM, 0)) {
    const timeval limit{tocsin::testing::kPatience.count(), 0};
    setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof to), 0);
  }
  ~Client() { ::close(fd_); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  // False: the server has closed.
  bool send(std::string_view text) {
    while (!text.empty()) {
      const ssize_t sent = ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      text.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }
  void end() { shutdown(fd_, SHUT_WR); }
  // An answer of six bytes; shorter where the server closed.
  std::string read(std::size_t size = 6) {
    std::string out(size, '\0');
    const ssize_t got = recv(fd_, out.data(), size, MSG_WAITALL);
    out.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    return out;
  }
  std::string read_all() { return read(1u << 16); }

 private:
  int fd_;
};

class LumberjackTest : public ::testing::Test {
 protected:
  void start(LumberjackOptions options) {
    auto started = LumberjackSource::start(std::move(options), world_.context());
    ASSERT_TRUE(started.ok()) << started.error().text;
    source_ = std::move(started).value();
  }
  LumberjackOptions options() {
    LumberjackOptions out;
    out.source = ref_;
    out.keep_alive = std::chrono::hours(1);
    out.linger = std::chrono::hours(1);
    return out;
  }
  std::uint64_t refused(const std::string& cause, std::uint64_t expected = 1) {
    const auto until = std::chrono::steady_clock::now() + tocsin::testing::kPatience;
    while (ref_.meter->snapshot().refused[cause] < expected && std::chrono::steady_clock::now() < until) {
      std::this_thread::yield();
    }
    return ref_.meter->snapshot().refused[cause];
  }
  World world_;
  SourceRef ref_ = world_.ref(7, "beats");
  std::unique_ptr<LumberjackSource> source_;
};

std::string window_of(std::uint32_t count, const std::string& json = "{}") {
  std::string out = window_frame(count);
  for (std::uint32_t i = 1; i <= count; ++i) out += json_frame(i, json);
  return out;
}

TEST_F(LumberjackTest, HandsOnAWindowAsOneDeliveryOfJsonLines) {
  start(options());
  Client client(source_->port());
  client.send(window_frame(3) + json_frame(1, "{\"a\":1}") + compressed_frame(json_frame(2, "{\n}") + json_frame(3, "{}")));
  EXPECT_EQ(client.read(), ack_frame(3));
  const auto all = world_.intake.deliveries();
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].bytes, "{\"a\":1}\n{ }\n{}\n");
  EXPECT_EQ(all[0].source, model::SourceId{7});
  EXPECT_EQ(all[0].format, model::Format::kJson);
  EXPECT_EQ(all[0].peer, "127.0.0.1");
  EXPECT_TRUE(all[0].received_at.known());
  EXPECT_EQ(ref_.meter->snapshot().records, 3u);
  EXPECT_EQ(ref_.meter->snapshot().bytes, 15u);
}

TEST_F(LumberjackTest, AcknowledgesOnlyWhatIsSafe) {
  world_.intake.hold();
  start(options());
  Client client(source_->port());
  client.send(window_of(2) + window_of(1) + window_of(3));
  ASSERT_TRUE(world_.intake.wait_count(3));
  EXPECT_EQ(ref_.meter->snapshot().records, 0u);
  client.end();
  world_.intake.release();
  EXPECT_EQ(client.read_all(), ack_frame(2) + ack_frame(1) + ack_frame(3));
}

TEST_F(LumberjackTest, KeepsAVersion2SenderWaitingWithTheLastSafeSequence) {
  LumberjackOptions quick = options();
  quick.keep_alive = milliseconds(20);
  world_.intake.hold();
  start(std::move(quick));
  Client client(source_->port());
  const std::string large = "\"" + std::string(kBacklogBytes / 16, 'x') + "\"";
  client.send(window_frame(2) + json_frame(1, large) + json_frame(2, "{}"));
  EXPECT_EQ(client.read(), ack_frame(0));
  EXPECT_EQ(client.read(), ack_frame(0));
  world_.intake.release();
  std::string answer;
  do {
    answer = client.read();
  } while (answer == ack_frame(0) || answer == ack_frame(1));
  EXPECT_EQ(answer, ack_frame(2));
  EXPECT_EQ(world_.intake.deliveries().size(), 2u);
}

TEST_F(LumberjackTest, ClosesWithoutAnAcknowledgementWhatTheIntakeRefuses) {
  start(options());
  world_.intake.refuse(core::Error{core::ErrorCode::kIo, "the disk is full"});
  Client client(source_->port());
  client.send(window_of(2));
  EXPECT_EQ(client.read_all(), "");
  EXPECT_EQ(refused("not-kept", 2), 2u);
  EXPECT_NE(ref_.meter->snapshot().problem.find("the disk is full"), std::string::npos);
  // It is sent again, over a new connection.
  world_.intake.refuse({});
  Client again(source_->port());
  again.send(window_of(2));
  EXPECT_EQ(again.read(), ack_frame(2));
  EXPECT_EQ(ref_.meter->snapshot().problem, "");
}

TEST_F(LumberjackTest, HandsOnASlowWindowInPieces) {
  LumberjackOptions quick = options();
  quick.linger = milliseconds(10);
  start(std::move(quick));
  Client client(source_->port());
  client.send(window_frame(1'000, '1') + pairs_frame(1, {{"line", "x"}}));
  ASSERT_TRUE(world_.intake.wait_count(1));
  client.send(pairs_frame(2, {{"line", "y"}}));
  ASSERT_TRUE(world_.intake.wait_count(2));
  EXPECT_EQ(world_.intake.bytes(), "{\"line\":\"x\"}\n{\"line\":\"y\"}\n");
  client.end();
  EXPECT_EQ(client.read_all(), "");  // Not the whole window: no acknowledgement.
}

TEST_F(LumberjackTest, KeepsTheRestOfACutOffWindowOfVersion1Only) {
  start(options());
  {
    Client client(source_->port());
    client.send(window_frame(2) + json_frame(1, "{}"));
    client.end();
    EXPECT_EQ(client.read_all(), "");
  }
  EXPECT_EQ(refused("cut-off"), 1u);
  EXPECT_TRUE(world_.intake.deliveries().empty());
  Client client(source_->port());
  client.send(window_frame(2, '1') + pairs_frame(1, {}));
  client.end();
  EXPECT_EQ(client.read_all(), "");
  EXPECT_EQ(world_.intake.bytes(), "{}\n");
}

TEST_F(LumberjackTest, StopsReadingWhereTheBacklogIsFullAndLosesNothing) {
  LumberjackOptions small = options();
  small.max_backlog_bytes = 1'000;
  small.keep_alive = milliseconds(20);
  world_.intake.hold();
  start(std::move(small));
  const std::string json = "\"" + std::string(298, 'x') + "\"";
  Client client(source_->port());
  std::thread sender([&client, &json] {
    for (int i = 0; i < 50; ++i) client.send(window_of(1, json));
  });
  EXPECT_EQ(client.read(), ack_frame(0));
  EXPECT_EQ(client.read(), ack_frame(0));
  EXPECT_LE(world_.intake.deliveries().size(), 3u);
  world_.intake.release();
  int acks = 0;
  while (acks < 50) {
    const std::string answer = client.read();
    ASSERT_EQ(answer.size(), 6u);
    if (answer == ack_frame(1)) ++acks;
  }
  sender.join();
  EXPECT_EQ(world_.intake.bytes().size(), 50 * 301u);
}

TEST_F(LumberjackTest, StopsReadingASenderThatDoesNotReadItsAnswers) {
  LumberjackOptions quick = options();
  quick.frame_timeout = milliseconds(200);
  start(std::move(quick));
  Client client(source_->port());
  const std::string windows = [] {
    std::string out;
    for (int i = 0; i < 10'000; ++i) out += window_of(1, "");
    return out;
  }();
  // Far more answers than a socket holds; sending fails once the connection was given up.
  std::size_t sent = 0;
  while (client.send(windows)) ASSERT_LT(++sent, 1'000u);
  EXPECT_GE(refused("slow"), 1u);
}

TEST_F(LumberjackTest, RefusesWhatIsNoLumberjack) {
  start(options());
  for (const std::string& bytes :
       {std::string("GET / HTTP/1.1\r\n\r\n"), json_frame(1, "{}"), window_frame(0) + json_frame(1, "{}")}) {
    Client client(source_->port());
    client.send(bytes);
    EXPECT_EQ(client.read_all(), "") << bytes;
  }
  EXPECT_EQ(refused("bad-frame", 3), 3u);
  Client client(source_->port());
  client.send(window_frame(1) + "2J" + testing::be32(1) + testing::be32(0xFFFFFFFF));
  EXPECT_EQ(client.read_all(), "");
  EXPECT_EQ(refused("too-long"), 1u);
}

TEST_F(LumberjackTest, ClosesIdleAndSlowConnections) {
  LumberjackOptions quick = options();
  quick.idle_timeout = milliseconds(20);
  quick.frame_timeout = milliseconds(20);
  start(std::move(quick));
  Client idle(source_->port());
  EXPECT_EQ(idle.read_all(), "");
  EXPECT_EQ(refused("idle"), 1u);
  Client slow(source_->port());
  slow.send("2W");
  EXPECT_EQ(slow.read_all(), "");
  EXPECT_EQ(refused("slow"), 1u);
}

TEST_F(LumberjackTest, LimitsConnections) {
  LumberjackOptions few = options();
  few.max_connections_per_address = 2;
  start(std::move(few));
  auto first = std::make_unique<Client>(source_->port());
  first->send(window_of(1));
  EXPECT_EQ(first->read(), ack_frame(1));
  Client second(source_->port());
  second.send(window_of(1));
  EXPECT_EQ(second.read(), ack_frame(1));
  Client third(source_->port());
  EXPECT_EQ(third.read_all(), "");
  EXPECT_EQ(refused("connections-per-address"), 1u);
  first->end();
  EXPECT_EQ(first->read_all(), "");
  Client fourth(source_->port());
  fourth.send(window_of(1));
  EXPECT_EQ(fourth.read(), ack_frame(1));
}

TEST_F(LumberjackTest, StopAnswersWhatIsUnderWayWithinItsGrace) {
  world_.intake.hold();
  start(options());
  Client client(source_->port());
  client.send(window_of(2));
  ASSERT_TRUE(world_.intake.wait_count(1));
  std::thread stopper([this] { source_->stop(std::chrono::seconds(9)); });
  const std::uint16_t port = source_->port();
  // It listens no more: then the stop is on its way.
  while (true) {
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int got = connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to);
    ::close(fd);
    if (got != 0) break;
  }
  world_.intake.release();
  EXPECT_EQ(client.read_all(), ack_frame(2));
  stopper.join();
}

TEST_F(LumberjackTest, StopReturnsWhereTheIntakeNeverAnswers) {
  world_.intake.hold();
  start(options());
  Client client(source_->port());
  client.send(window_of(2));
  ASSERT_TRUE(world_.intake.wait_count(1));
  const auto begin = std::chrono::steady_clock::now();
  source_->stop(milliseconds(50));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(3));
  EXPECT_EQ(client.read_all(), "");
  source_.reset();
  world_.intake.release();  // Too late: nobody is there.
}

TEST_F(LumberjackTest, RefusesToStartWithoutAnyWayToTellTheSource) {
  LumberjackOptions none = options();
  none.source.reset();
  const auto started = LumberjackSource::start(std::move(none), world_.context());
  ASSERT_FALSE(started.ok());
  EXPECT_EQ(started.error().code, core::ErrorCode::kInvalid);
  LumberjackOptions bad = options();
  bad.tls = http::TlsFiles{"/nowhere.pem", "/nowhere.key", "", false};
  EXPECT_FALSE(LumberjackSource::start(std::move(bad), world_.context()).ok());
}

class LumberjackTlsTest : public LumberjackTest {
 protected:
  void SetUp() override {
    certificate("ca", "", "/CN=ca");
    certificate("server", "ca", "/CN=127.0.0.1");
    certificate("client", "ca", "/O=Org/CN=sensor");
    certificate("other", "ca", "/O=Org/CN=other");
  }
  std::string file(const std::string& name) { return (folder_.path() / name).string(); }
  void certificate(const std::string& name, const std::string& issuer, const std::string& subject) {
    const std::string base = "openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj " + subject +
                             " -keyout " + file(name + ".key");
    if (issuer.empty()) {
      run(base + " -x509 -days 2 -out " + file(name + ".pem") + " 2>&1");
      return;
    }
    std::ofstream(file("ext")) << "subjectAltName=IP:127.0.0.1\n";
    run(base + " -out " + file("csr") + " 2>&1 && openssl x509 -req -days 2 -in " + file("csr") + " -CA " +
        file(issuer + ".pem") + " -CAkey " + file(issuer + ".key") + " -CAcreateserial -extfile " + file("ext") + " -out " +
        file(name + ".pem") + " 2>&1");
  }
  LumberjackOptions tls_options() {
    LumberjackOptions out = options();
    out.tls = http::TlsFiles{file("server.pem"), file("server.key"), file("ca.pem"), false};
    return out;
  }
  // Sends `bytes` by openssl's client and gives what came back.
  std::string ask(const std::string& bytes, const std::string& more = "") {
    std::ofstream(file("bytes"), std::ios::binary) << bytes;
    return run("openssl s_client -quiet -no_ign_eof -connect 127.0.0.1:" + std::to_string(source_->port()) + " -CAfile " +
               file("ca.pem") + " " + more + " <" + file("bytes") + " 2>/dev/null");
  }
  bool has_clients() {
    return std::filesystem::exists(clients() / "node_modules/lumberjack-client") && run("node -v") != "";
  }
  std::filesystem::path clients() { return tocsin::testing::project_root() / "test/clients"; }
  std::string node(const std::string& arguments) {
    return run("node --no-deprecation " + (clients() / "lumberjack.js").string() + " " + arguments + " 2>&1");
  }
  tocsin::testing::TemporaryFolder folder_;
};

TEST_F(LumberjackTlsTest, TellsTheSourceByTheClientCertificateElseTakesItsOwn) {
  world_.directory.certificates["CN=sensor,O=Org"] = world_.ref(9, "sensor");
  start(tls_options());
  ask(window_of(1, "1"), "-cert " + file("client.pem") + " -key " + file("client.key"));
  ask(window_of(1, "2"), "-cert " + file("other.pem") + " -key " + file("other.key"));
  ask(window_of(1, "3"));
  ASSERT_TRUE(world_.intake.wait_count(3));
  const auto all = world_.intake.deliveries();
  EXPECT_EQ(all[0].source, model::SourceId{9});
  EXPECT_EQ(all[1].source, model::SourceId{7});
  EXPECT_EQ(all[2].source, model::SourceId{7});
  ASSERT_TRUE(source_->reload_certificates().ok());
  Client plain(source_->port());
  plain.send(window_of(1));
  plain.read_all();
  EXPECT_EQ(refused("tls-handshake"), 1u);
}

TEST_F(LumberjackTlsTest, RefusesUnknownCertificatesWhereItHasNoSourceOfItsOwn) {
  world_.directory.certificates["CN=sensor,O=Org"] = ref_;
  LumberjackOptions strict = tls_options();
  strict.source.reset();
  start(std::move(strict));
  ask(window_of(1, "2"), "-cert " + file("other.pem") + " -key " + file("other.key"));
  ask(window_of(1, "3"));
  ask(window_of(1, "1"), "-cert " + file("client.pem") + " -key " + file("client.key"));
  ASSERT_TRUE(world_.intake.wait_count(1));
  EXPECT_EQ(world_.intake.bytes(), "1\n");
  const core::Counter& count = world_.metrics.counter("tocsin_source_refused_total", "",
                                                      {{"source", "lumberjack"}, {"cause", "unknown-certificate"}});
  EXPECT_EQ(count.value(), 2u);
}

TEST_F(LumberjackTlsTest, ServesAClientOfVersion2WithAndWithoutTls) {
  if (!has_clients()) GTEST_SKIP() << "test/clients is not installed: tools/setup.sh test";
  start(options());
  EXPECT_EQ(node("v2 " + std::to_string(source_->port()) + " 300"), "2A 300\n");
  source_.reset();
  start(tls_options());
  EXPECT_EQ(node("v2 " + std::to_string(source_->port()) + " 20 " + file("ca.pem")), "2A 20\n");
  EXPECT_EQ(ref_.meter->snapshot().records, 320u);
  EXPECT_EQ(world_.intake.deliveries().back().bytes.substr(0, 55), R"({"message":"event 1","@metadata":{"beat":"test"}})"
                                                                   "\n"
                                                                   R"({"mes)");
}

TEST_F(LumberjackTlsTest, ServesAClientOfVersion1) {
  if (!has_clients()) GTEST_SKIP() << "test/clients is not installed: tools/setup.sh test";
  world_.directory.certificates["CN=sensor,O=Org"] = world_.ref(9, "sensor");
  start(tls_options());
  EXPECT_EQ(node("v1 " + std::to_string(source_->port()) + " 15 " + file("ca.pem") + " " + file("client.pem") + " " +
                 file("client.key")),
            "ack 5\nack 10\nack 15\n");
  const auto all = world_.intake.deliveries();
  ASSERT_EQ(all.size(), 3u);
  EXPECT_EQ(all[2].source, model::SourceId{9});
  EXPECT_EQ(all[0].bytes.substr(0, 30), "{\"line\":\"event 1\",\"host\":\"h\"}\n");
}

}  // namespace
}  // namespace tocsin::source
