#include "source/syslog/syslog_test_support.h"

namespace tocsin::source::syslog {
namespace {

using Clients = Certificates::Clients;

class SyslogTlsTest : public SyslogTest {
 protected:
  void start(Clients clients = Clients::kAny) {
    SyslogOptions options;
    options.transport = SyslogTransport::kTls;
    options.tls = certificates_.files(clients);
    SyslogTest::start(std::move(options));
  }
  // What openssl says of a connection that sends `text`.
  std::string send(const std::string& text, const std::string& more = "") {
    return run("printf '" + text + "' | timeout 10 openssl s_client -connect 127.0.0.1:" + std::to_string(port()) +
               " -CAfile " + certificates_.file("ca.pem") + " -verify_return_error " + more + " 2>&1");
  }
  std::string as(const std::string& name) {
    return "-cert " + certificates_.file(name + ".pem") + " -key " + certificates_.file(name + ".key");
  }
  Certificates certificates_;
};

TEST_F(SyslogTlsTest, SpeaksTls12And13) {
  start();
  send("5 <13>a<14>b\\n", "-tls1_2");
  send("5 <15>c<16>d\\n", "-tls1_3");
  ASSERT_TRUE(wait_messages(4));
  EXPECT_EQ(world_.intake.bytes(), "<13>a\n<14>b\n<15>c\n<16>d\n");
  EXPECT_EQ(world_.intake.deliveries()[0].peer, "127.0.0.1");
}

TEST_F(SyslogTlsTest, TheCertificateOfAClientSaysWhichSourceItIs) {
  const SourceRef sensor = world_.ref(9, "sensor");
  world_.directory.certificates["CN=sensor,O=Org"] = sensor;
  start(Clients::kMay);
  send("<13>a\\n", as("client"));
  ASSERT_TRUE(world_.intake.wait_count(1));
  send("<13>b\\n");
  ASSERT_TRUE(world_.intake.wait_count(2));
  const auto all = world_.intake.deliveries();
  EXPECT_EQ(all[0].source, model::SourceId{9});
  EXPECT_EQ(all[1].source, model::SourceId{7});
  EXPECT_EQ(sensor.meter->snapshot().records, 1u);
  EXPECT_EQ(seen().records, 1u);
}

TEST_F(SyslogTlsTest, AKnownCertificateThatNamesNoSourceIsTheListeners) {
  start(Clients::kMust);
  send("<13>a\\n", as("client"));
  ASSERT_TRUE(world_.intake.wait_count(1));
  EXPECT_EQ(world_.intake.deliveries()[0].source, model::SourceId{7});
}

TEST_F(SyslogTlsTest, RefusesStrangersAndThoseWithoutACertificate) {
  start(Clients::kMust);
  send("<13>a\\n", as("stranger"));
  EXPECT_TRUE(wait_refused("tls-handshake", 1));
  send("<13>b\\n");
  EXPECT_TRUE(wait_refused("tls-handshake", 2));
  EXPECT_TRUE(world_.intake.deliveries().empty());
}

TEST_F(SyslogTlsTest, TakesMuchMoreThanARecordOfTls) {
  start();
  const std::string file = certificates_.file("lines");
  std::string lines;
  for (int i = 0; i < 50'000; ++i) lines += "<13>message " + std::to_string(i) + "\n";
  std::ofstream(file) << lines;
  run("timeout 10 openssl s_client -quiet -no_ign_eof -connect 127.0.0.1:" + std::to_string(port()) + " <" + file + " 2>&1");
  ASSERT_TRUE(wait_messages(50'000));
  EXPECT_TRUE(world_.intake.bytes() == lines);
}

TEST_F(SyslogTlsTest, ReloadsCertificatesAndKeepsTheOldOnesOnError) {
  start();
  const auto subject = [&] { return send("<13>a\\n"); };
  EXPECT_NE(subject().find("CN = 127.0.0.1"), std::string::npos);
  certificates_.make("server", "ca", "/CN=renewed");
  ASSERT_TRUE(source_->reload_certificates().ok());
  EXPECT_NE(subject().find("CN = renewed"), std::string::npos);
  std::ofstream(certificates_.file("server.key")) << "no key";
  EXPECT_FALSE(source_->reload_certificates().ok());
  EXPECT_NE(subject().find("CN = renewed"), std::string::npos);
}

TEST_F(SyslogTlsTest, NamesTheFileItCannotUse) {
  SyslogOptions options;
  options.transport = SyslogTransport::kTls;
  options.tls = {"/nonexistent.pem", "/nonexistent.key", "", false};
  const auto started = start_syslog(options, ref_, context());
  ASSERT_FALSE(started.ok());
  EXPECT_NE(started.error().text.find("/nonexistent.pem"), std::string::npos);
}

TEST_F(SyslogTlsTest, AStopReadsWhatHasArrived) {
  start();
  run("(printf '<13>a\\n'; sleep 0.3) | timeout 10 openssl s_client -quiet -no_ign_eof -connect 127.0.0.1:" +
      std::to_string(port()) + " 2>&1 &");
  ASSERT_TRUE(wait_messages(1));
  source_->stop(std::chrono::seconds(5));
  EXPECT_EQ(world_.intake.bytes(), "<13>a\n");
}

}  // namespace
}  // namespace tocsin::source::syslog
