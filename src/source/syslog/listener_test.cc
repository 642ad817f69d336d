#include <fcntl.h>
#include <poll.h>

#include <set>

#include "source/syslog/syslog_test_support.h"

namespace tocsin::source::syslog {
namespace {

using namespace std::string_view_literals;
using std::chrono::milliseconds;
using std::chrono::seconds;

class UdpTest : public SyslogTest {};
class TcpTest : public SyslogTest {};

std::string numbered_lines(std::size_t count, std::size_t begin = 0) {
  std::string out;
  for (std::size_t i = begin; i < begin + count; ++i) out += "<13>message " + std::to_string(i) + "\n";
  return out;
}

TEST_F(UdpTest, ADatagramIsAMessage) {
  start(SyslogTransport::kUdp);
  Sender sender(port(), SOCK_DGRAM);
  sender.send("<13>a\nb\r\n\0"sv);
  ASSERT_TRUE(world_.intake.wait_count(1));
  const model::Delivery got = world_.intake.deliveries()[0];
  EXPECT_EQ(got.bytes, "<13>a#012b\n");
  EXPECT_EQ(got.peer, "127.0.0.1");
  EXPECT_EQ(got.source, model::SourceId{7});
  EXPECT_EQ(got.format, model::Format::kSyslog);
  EXPECT_TRUE(got.received_at.known());
  EXPECT_EQ(seen().records, 1u);
  EXPECT_EQ(seen().bytes, 11u);
}

TEST_F(UdpTest, KeepsPeersApart) {
  start(SyslogTransport::kUdp);
  Sender one(port(), SOCK_DGRAM), two(port(), SOCK_DGRAM, "127.0.0.2");
  for (int i = 0; i < 100; ++i) {
    one.send("<13>one");
    two.send("<13>two");
  }
  ASSERT_TRUE(wait_messages(200));
  for (const model::Delivery& delivery : world_.intake.deliveries()) {
    EXPECT_EQ(delivery.bytes.find(delivery.peer == "127.0.0.1" ? "two" : "one"), std::string::npos);
  }
}

TEST_F(UdpTest, CutsLongDatagrams) {
  SyslogLimits limits;
  limits.max_message_bytes = 1'000;
  start(SyslogTransport::kUdp, limits);
  Sender sender(port(), SOCK_DGRAM);
  sender.send(std::string(1'000, 'x'));
  sender.send(std::string(1'001, 'x'));
  sender.send("");
  ASSERT_TRUE(wait_messages(2));
  EXPECT_EQ(world_.intake.bytes(), std::string(1'000, 'x') + "\n" + std::string(1'000, 'x') + "\n");
  EXPECT_EQ(seen().refused["too-long"], 1u);
}

TEST_F(UdpTest, ReadsNothingWhileTheBacklogIsFullAndCountsWhatTheKernelDrops) {
  SyslogLimits limits;
  limits.max_backlog_bytes = 1;
  limits.udp_buffer_bytes = 1u << 16;
  start(SyslogTransport::kUdp, limits);
  world_.intake.hold();
  Sender sender(port(), SOCK_DGRAM);
  sender.send("<13>first");
  ASSERT_TRUE(world_.intake.wait_count(1));
  sender.send("<13>second");
  ASSERT_TRUE(eventually([&] { return !seen().problem.empty(); }));
  const std::uint64_t count = 2'000;
  for (std::uint64_t i = 0; i < count; ++i) sender.send(std::string(500, 'x'));
  ASSERT_TRUE(wait_refused("kernel-drop"));
  EXPECT_LE(seen().records, 2u);
  world_.intake.release();
  EXPECT_TRUE(eventually([&] { return seen().records + seen().refused["kernel-drop"] == count + 2; }));
  EXPECT_TRUE(eventually([&] { return seen().problem.empty(); }));
}

TEST_F(UdpTest, AStopReadsWhatHasArrived) {
  start(SyslogTransport::kUdp);
  Sender sender(port(), SOCK_DGRAM);
  for (int i = 0; i < 100; ++i) sender.send("<13>x");
  source_->stop(seconds(5));
  EXPECT_EQ(seen().records, 100u);
}

TEST_F(TcpTest, TakesBothFramingsInPiecesOfAByte) {
  start(SyslogTransport::kTcp);
  Sender sender(port());
  for (const char c : "<13>a\n9 <14>b\nc\n\n5 <15>d<16>e\n6 <17>f\n"sv) sender.send({&c, 1});
  ASSERT_TRUE(wait_messages(5));
  EXPECT_EQ(world_.intake.bytes(), "<13>a\n<14>b#012c\n<15>d\n<16>e\n<17>f\n");
  EXPECT_TRUE(seen().refused.empty());
}

TEST_F(TcpTest, ASourceWithAFormatGivesItToItsLines) {
  ref_.format = model::Format::kJson;
  start(SyslogTransport::kTcp);
  Sender sender(port());
  sender.send("{\"EventID\":1}\n");
  ASSERT_TRUE(wait_messages(1));
  EXPECT_EQ(world_.intake.deliveries()[0].format, model::Format::kJson);
  EXPECT_EQ(world_.intake.bytes(), "{\"EventID\":1}\n");
}

TEST_F(TcpTest, ADeliveryHoldsManyMessagesOfOnePeer) {
  start(SyslogTransport::kTcp);
  Sender one(port()), two(port(), SOCK_STREAM, "127.0.0.2");
  const std::string lines = numbered_lines(1'000);
  one.send(lines);
  two.send("<13>two\n");
  ASSERT_TRUE(wait_messages(1'001));
  std::string of_one;
  const auto all = world_.intake.deliveries();
  EXPECT_LT(all.size(), 100u);
  for (const model::Delivery& delivery : all) {
    if (delivery.peer == "127.0.0.1") of_one += delivery.bytes;
    if (delivery.peer != "127.0.0.1") {
      EXPECT_EQ(delivery.bytes, "<13>two\n");
    }
  }
  EXPECT_EQ(of_one, lines);
}

TEST_F(TcpTest, TakesMessagesUpToTheLimitAndCutsLongerOnes) {
  SyslogLimits limits;
  limits.max_message_bytes = kMaxSyslogMessageBytes;
  start(SyslogTransport::kTcp, limits);
  const std::string longest(kMaxSyslogMessageBytes, 'x');
  Sender sender(port());
  EXPECT_TRUE(sender.send(longest + "\n" + longest + "y\n" + std::to_string(4 + longest.size()) + " <13>" + longest));
  ASSERT_TRUE(wait_messages(3));
  EXPECT_TRUE(world_.intake.bytes() == longest + "\n" + longest + "\n<13>" + longest.substr(4) + "\n");
  EXPECT_EQ(seen().refused["too-long"], 2u);
}

TEST_F(TcpTest, KeepsAndCountsWhatIsOutOfStepOrCutOff) {
  start(SyslogTransport::kTcp);
  Sender sender(port());
  sender.send("6 <13>abcd\n99 <14>e");
  sender.finish();
  ASSERT_TRUE(wait_messages(3));
  EXPECT_EQ(world_.intake.bytes(), "<13>ab\ncd\n<14>e\n");
  EXPECT_EQ(seen().refused["bad-frame"], 1u);
  EXPECT_EQ(seen().refused["cut-off"], 1u);
}

// Sends until the other side takes no more for a while; how much it took.
std::size_t send_until_blocked(Sender& sender, std::string_view bytes) {
  fcntl(sender.fd(), F_SETFL, O_NONBLOCK);
  std::size_t sent = 0;
  pollfd writable{sender.fd(), POLLOUT, 0};
  while (sent < bytes.size() && poll(&writable, 1, 500) == 1) {
    const ssize_t got = ::send(sender.fd(), bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
    if (got > 0) sent += static_cast<std::size_t>(got);
  }
  fcntl(sender.fd(), F_SETFL, 0);
  return sent;
}

TEST_F(TcpTest, ASenderWaitsWhileTheBacklogIsFullAndAllArrivesOnce) {
  SyslogLimits limits;
  limits.max_backlog_bytes = 256u << 10;
  start(SyslogTransport::kTcp, limits);
  world_.intake.hold();
  std::string lines;
  std::size_t count = 0;
  for (; lines.size() < (64u << 20); ++count) lines += "<13>" + std::to_string(count) + std::string(1'000, 'x') + "\n";
  Sender sender(port());
  const std::size_t sent = send_until_blocked(sender, lines);
  EXPECT_LT(sent, lines.size());
  EXPECT_LE(seen().bytes, limits.max_backlog_bytes);
  EXPECT_NE(seen().problem.find("not stored yet"), std::string::npos);
  Sender other(port(), SOCK_STREAM, "127.0.0.2");
  other.send("<14>other\n");
  world_.intake.release();
  EXPECT_TRUE(sender.send(std::string_view(lines).substr(sent)));
  ASSERT_TRUE(wait_messages(count + 1));
  std::string got;
  for (const model::Delivery& delivery : world_.intake.deliveries()) {
    if (delivery.peer == "127.0.0.1") got += delivery.bytes;
  }
  EXPECT_TRUE(got == lines);
  EXPECT_TRUE(eventually([&] { return seen().problem.empty(); }));
}

TEST_F(TcpTest, ASenderInTheMiddleOfAMessageHoldsUpNobody) {
  start(SyslogTransport::kTcp);
  Sender slow(port()), other(port());
  slow.send("100 <13>be");
  other.send("<14>other\n");
  ASSERT_TRUE(world_.intake.wait_count(1));
  EXPECT_EQ(world_.intake.bytes(), "<14>other\n");
}

TEST_F(TcpTest, LimitsConnectionsOfAnAddress) {
  SyslogLimits limits;
  limits.max_connections_per_address = 2;
  start(SyslogTransport::kTcp, limits);
  Sender one(port()), two(port()), three(port());
  EXPECT_TRUE(three.wait_closed());
  EXPECT_EQ(seen().refused["connections-per-address"], 1u);
  Sender elsewhere(port(), SOCK_STREAM, "127.0.0.2");
  elsewhere.send("<13>a\n");
  one.finish();
  ASSERT_TRUE(wait_messages(1));
  ASSERT_TRUE(eventually([&] {
    Sender again(port());
    again.send("<13>b\n");
    again.finish();
    return seen().records >= 2;
  }));
}

TEST_F(TcpTest, LimitsAllConnections) {
  SyslogLimits limits;
  limits.max_connections = 1;
  start(SyslogTransport::kTcp, limits);
  Sender one(port()), two(port(), SOCK_STREAM, "127.0.0.2");
  EXPECT_TRUE(two.wait_closed());
  EXPECT_EQ(seen().refused["connections"], 1u);
  one.send("<13>a\n");
  EXPECT_TRUE(wait_messages(1));
}

TEST_F(TcpTest, HandsOverAgainWhatTheIntakeRefused) {
  start(SyslogTransport::kTcp);
  world_.intake.refuse(core::Error{core::ErrorCode::kIo, "disk full"});
  Sender sender(port());
  sender.send("<13>a\n");
  ASSERT_TRUE(eventually([&] { return seen().problem.find("disk full") != std::string::npos; }));
  EXPECT_TRUE(world_.intake.deliveries().empty());
  world_.intake.refuse(std::nullopt);
  ASSERT_TRUE(world_.intake.wait_count(1));
  EXPECT_EQ(world_.intake.bytes(), "<13>a\n");
  EXPECT_TRUE(eventually([&] { return seen().problem.empty(); }));
  source_->stop(seconds(1));
  EXPECT_EQ(world_.intake.deliveries().size(), 1u);
  EXPECT_EQ(seen().records, 1u);
}

TEST_F(TcpTest, AStopReadsWhatHasArrivedOnAllConnections) {
  start(SyslogTransport::kTcp);
  Sender one(port()), two(port()), silent(port());
  one.send(numbered_lines(1'000));
  two.send("<13>without end");
  source_->stop(seconds(5));
  EXPECT_EQ(seen().records, 1'001u);
  EXPECT_TRUE(silent.wait_closed());
  EXPECT_TRUE(seen().refused.empty());
}

TEST_F(TcpTest, AStopDoesNotWaitForASenderThatNeverPauses) {
  start(SyslogTransport::kTcp);
  std::thread sending([to = port()] {
    Sender sender(to);
    const std::string lines = numbered_lines(1'000);
    while (sender.send(lines)) {
    }
  });
  ASSERT_TRUE(wait_messages(10'000));
  const auto begin = std::chrono::steady_clock::now();
  source_->stop(seconds(20));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, seconds(10));
  sending.join();
}

TEST_F(TcpTest, AStopKeepsToItsGraceWhenNothingIsAnswered) {
  SyslogLimits limits;
  limits.max_backlog_bytes = 1;
  start(SyslogTransport::kTcp, limits);
  world_.intake.hold();
  Sender one(port()), two(port());
  one.send("<13>a\n");
  ASSERT_TRUE(wait_messages(1));
  two.send("<13>b\n<13>c\n");
  ASSERT_TRUE(eventually([&] { return !seen().problem.empty(); }));
  const auto begin = std::chrono::steady_clock::now();
  source_->stop(milliseconds(100));
  source_->stop(milliseconds(100));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, seconds(2));
  EXPECT_EQ(seen().refused["not-stored"], 2u);
  source_.reset();
  world_.intake.release();  // The late answer meets no source.
}

TEST_F(TcpTest, AStopCountsWhatTheIntakeKeptRefusing) {
  start(SyslogTransport::kTcp);
  world_.intake.refuse(core::Error{core::ErrorCode::kIo, "disk full"});
  Sender sender(port());
  sender.send("<13>a\n<13>b\n");
  ASSERT_TRUE(eventually([&] { return !seen().problem.empty(); }));
  source_->stop(milliseconds(50));
  EXPECT_EQ(seen().refused["not-stored"], 2u);
}

TEST_F(TcpTest, ListensOnIpv6AndTakesIpv4WithItsOwnAddress) {
  SyslogOptions options;
  options.transport = SyslogTransport::kTcp;
  options.address = "::";
  auto started = start_syslog(options, ref_, context());
  if (!started.ok()) GTEST_SKIP() << "no IPv6 here: " << started.error().text;
  source_ = std::move(started).value();
  Sender sender(port());
  sender.send("<13>a\n");
  ASSERT_TRUE(world_.intake.wait_count(1));
  EXPECT_EQ(world_.intake.deliveries()[0].peer, "127.0.0.1");
}

TEST_F(TcpTest, SaysWhyItCannotStart) {
  SyslogOptions options;
  options.transport = SyslogTransport::kTcp;
  options.address = "nowhere";
  EXPECT_FALSE(start_syslog(options, ref_, context()).ok());
  options.address = "127.0.0.1";
  options.limits.max_message_bytes = kMaxSyslogMessageBytes + 1;
  EXPECT_FALSE(start_syslog(options, ref_, context()).ok());
  options.limits.max_message_bytes = kMinSyslogMessageBytes - 1;
  EXPECT_FALSE(start_syslog(options, ref_, context()).ok());
  options.limits = {};
  start(options);
  EXPECT_FALSE(source_->reload_certificates().ok());
  options.port = port();
  const auto taken = start_syslog(options, ref_, context());
  ASSERT_FALSE(taken.ok());
  EXPECT_NE(taken.error().text.find("port " + std::to_string(port())), std::string::npos);
  options.limits.max_connections = 0;
  EXPECT_FALSE(start_syslog(options, ref_, context()).ok());
}

class SyslogClockTest : public SyslogTest {
 protected:
  SourceContext context() override { return {world_.intake, clock_, world_.metrics, world_.directory, world_.formats}; }
  core::FakeClock clock_{core::Timestamp{0}};
};

TEST_F(SyslogClockTest, ClosesIdleConnectionsAndKeepsTheirLastLine) {
  start(SyslogTransport::kTcp);
  Sender idle(port());
  idle.send("<13>a\n<13>half");
  ASSERT_TRUE(wait_messages(1));
  clock_.advance(SyslogLimits{}.idle_timeout);
  EXPECT_TRUE(idle.wait_closed());
  ASSERT_TRUE(wait_messages(2));
  EXPECT_EQ(world_.intake.bytes(), "<13>a\n<13>half\n");
  EXPECT_EQ(seen().refused["idle-timeout"], 1u);
}

TEST_F(SyslogClockTest, ClosesConnectionsThatDoNotShakeHandsInTime) {
  const Certificates certificates;
  SyslogOptions options;
  options.transport = SyslogTransport::kTls;
  options.tls = certificates.files();
  start(std::move(options));
  Sender silent(port()), garbage(port());
  garbage.send("<13>this is not TLS\n");
  EXPECT_TRUE(wait_refused("tls-handshake", 1));
  // Accepted before the clock moves, or it would be young: the connections were queued in this order.
  clock_.advance(SyslogLimits{}.handshake_timeout);
  EXPECT_TRUE(silent.wait_closed());
  EXPECT_TRUE(wait_refused("tls-handshake", 2));
}

}  // namespace
}  // namespace tocsin::source::syslog
