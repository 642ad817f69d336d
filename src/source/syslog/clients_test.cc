// The programs that will really send: rsyslog, syslog-ng, logger. Where one is not installed, its tests are skipped.
#include <signal.h>
#include <sys/wait.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <set>
#include <vector>

#include "source/syslog/syslog_test_support.h"
#include "testing/paths.h"

namespace tocsin::source::syslog {
namespace {

using Clients = Certificates::Clients;

std::string program(const std::string& name) {
  for (const char* folder : {"/usr/sbin/", "/usr/bin/", "/sbin/", "/bin/"}) {
    if (std::filesystem::exists(folder + name)) return folder + name;
  }
  return {};
}

// A program of ours while this lives; then it is asked to end and waited for.
class Child {
 public:
  explicit Child(std::vector<std::string> words) : pid_(fork()) {
    if (pid_ != 0) return;
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    execv(arguments[0], arguments.data());
    _exit(127);
  }
  ~Child() {
    kill(pid_, SIGTERM);
    waitpid(pid_, nullptr, 0);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

 private:
  pid_t pid_;
};

class ClientsTest : public SyslogTest {
 protected:
  // The numbers of all messages "n<number>." that came.
  std::multiset<int> numbers() {
    std::multiset<int> out;
    const std::string bytes = world_.intake.bytes();
    for (std::size_t at = bytes.find(" n"); at != std::string::npos; at = bytes.find(" n", at + 1)) {
      if (const int number = std::atoi(bytes.c_str() + at + 2); number > 0) out.insert(number);
    }
    return out;
  }
  void expect_each_once(int count) {
    EXPECT_TRUE(wait_messages(static_cast<std::size_t>(count)));
    const std::multiset<int> got = numbers();
    EXPECT_EQ(got.size(), static_cast<std::size_t>(count));
    EXPECT_EQ(std::set<int>(got.begin(), got.end()).size(), static_cast<std::size_t>(count));
  }
  std::string lines(int count) const {
    std::string out;
    for (int i = 1; i <= count; ++i) out += "line n" + std::to_string(i) + ".\n";
    return folder_.write("input.log", out);
  }
  std::string at() { return "-n 127.0.0.1 -P " + std::to_string(port()) + " "; }
  tocsin::testing::TemporaryFolder folder_;
};

class RsyslogTest : public ClientsTest {
 protected:
  void SetUp() override {
    if (program("rsyslogd").empty()) GTEST_SKIP() << "rsyslogd is not installed (tools/setup.sh test)";
  }
  std::unique_ptr<Child> rsyslog(int count, const std::string& globals, const std::string& forward) {
    const std::string folder = folder_.path().string();
    const std::string config = folder_.write("rsyslog.conf", "global(workDirectory=\"" + folder + "\" " + globals +
                                                                 ")\n"
                                                                 "module(load=\"imfile\")\n"
                                                                 "input(type=\"imfile\" File=\"" +
                                                                 lines(count) +
                                                                 "\" Tag=\"app\")\n"
                                                                 "action(type=\"omfwd\" target=\"127.0.0.1\" port=\"" +
                                                                 std::to_string(port()) + "\" " + forward + ")\n");
    return std::make_unique<Child>(std::vector<std::string>{program("rsyslogd"), "-n", "-f", config, "-i", folder + "/pid"});
  }
};

TEST_F(RsyslogTest, PlainTcpWithLines) {
  start(SyslogTransport::kTcp);
  const auto client = rsyslog(20'000, "", "protocol=\"tcp\"");
  expect_each_once(20'000);
  EXPECT_TRUE(seen().refused.empty());
}

TEST_F(RsyslogTest, PlainTcpWithOctetCounting) {
  start(SyslogTransport::kTcp);
  const auto client =
      rsyslog(20'000, "", "protocol=\"tcp\" TCP_Framing=\"octet-counted\" template=\"RSYSLOG_SyslogProtocol23Format\"");
  expect_each_once(20'000);
  EXPECT_TRUE(seen().refused.empty());
}

TEST_F(RsyslogTest, Udp) {
  start(SyslogTransport::kUdp);
  const auto client = rsyslog(1'000, "", "protocol=\"udp\"");
  expect_each_once(1'000);
}

TEST_F(RsyslogTest, TlsWithAClientCertificate) {
  if (run("ls /usr/lib/*/rsyslog/lmnsd_gtls.so 2>&1").find("No such") != std::string::npos) {
    GTEST_SKIP() << "rsyslog-gnutls is not installed (tools/setup.sh test)";
  }
  const Certificates certificates;
  const SourceRef sensor = world_.ref(9, "sensor");
  world_.directory.certificates["CN=sensor,O=Org"] = sensor;
  SyslogOptions options;
  options.transport = SyslogTransport::kTls;
  options.tls = certificates.files(Clients::kMust);
  start(std::move(options));
  const auto client =
      rsyslog(20'000,
              "DefaultNetstreamDriver=\"gtls\" DefaultNetstreamDriverCAFile=\"" + certificates.file("ca.pem") +
                  "\" DefaultNetstreamDriverCertFile=\"" + certificates.file("client.pem") +
                  "\" DefaultNetstreamDriverKeyFile=\"" + certificates.file("client.key") + "\"",
              "protocol=\"tcp\" StreamDriver=\"gtls\" StreamDriverMode=\"1\" StreamDriverAuthMode=\"x509/certvalid\" "
              "TCP_Framing=\"octet-counted\" template=\"RSYSLOG_SyslogProtocol23Format\"");
  EXPECT_TRUE(wait_messages(20'000));
  EXPECT_EQ(sensor.meter->snapshot().records, 20'000u);
  EXPECT_EQ(numbers().size(), 20'000u);
  EXPECT_EQ(seen().records, 0u);
}

TEST_F(RsyslogTest, WaitsOutAFullBacklog) {
  SyslogLimits limits;
  limits.max_backlog_bytes = 64u << 10;
  start(SyslogTransport::kTcp, limits);
  world_.intake.hold();
  const auto client = rsyslog(50'000, "", "protocol=\"tcp\"");
  ASSERT_TRUE(eventually([&] { return !seen().problem.empty(); }));
  world_.intake.release();
  expect_each_once(50'000);
}

// Installed, or unpacked by tools/unpack_syslog_ng.sh.
std::string syslog_ng_program() {
  if (std::string installed = program("syslog-ng"); !installed.empty()) return installed;
  const char* const named = std::getenv("TOCSIN_SYSLOG_NG_FOLDER");
  const std::filesystem::path folder = named != nullptr ? named : tocsin::testing::project_root() / "var/syslog-ng";
  return std::filesystem::exists(folder / "syslog-ng") ? (folder / "syslog-ng").string() : std::string();
}

class SyslogNgTest : public ClientsTest {
 protected:
  void SetUp() override {
    if (syslog_ng_program().empty()) GTEST_SKIP() << "syslog-ng is not there (tools/unpack_syslog_ng.sh)";
  }
  // `driver`: network, one message a line, or syslog, octet-counted (but for UDP).
  std::string destination(const std::string& driver, const std::string& transport, const std::string& more = "") {
    return "destination { " + driver + "(\"127.0.0.1\" port(" + std::to_string(port()) + ") transport(\"" + transport +
           "\") persist-name(\"" + driver + "\") " + more + "); };";
  }
  std::unique_ptr<Child> syslog_ng(int count, const std::string& destinations) {
    const std::string folder = folder_.path().string();
    const std::string config =
        // Without flow-control it drops what its queue of 10,000 does not hold while we are slow.
        folder_.write("ng.conf", "@version: 3.38\noptions { log-fifo-size(100000); };\nlog { source { file(\"" +
                                     lines(count) + "\" flags(no-parse) follow-freq(1)); };\n" + destinations +
                                     "\nflags(flow-control); };\n");
    return std::make_unique<Child>(std::vector<std::string>{
        syslog_ng_program(), "-F", "-f", config, "-R", folder + "/persist", "-p", folder + "/pid", "-c", folder + "/ctl"});
  }
  std::string tls() {
    return "tls(ca-file(\"" + certificates_.file("ca.pem") + "\") cert-file(\"" + certificates_.file("client.pem") +
           "\") key-file(\"" + certificates_.file("client.key") + "\") peer-verify(required-trusted))";
  }
  const Certificates certificates_;
};

TEST_F(SyslogNgTest, TcpWithLines) {
  start(SyslogTransport::kTcp);
  const auto client = syslog_ng(20'000, destination("network", "tcp"));
  expect_each_once(20'000);
  EXPECT_TRUE(seen().refused.empty());
}

TEST_F(SyslogNgTest, TcpWithOctetCounting) {
  start(SyslogTransport::kTcp);
  const auto client = syslog_ng(20'000, destination("syslog", "tcp"));
  expect_each_once(20'000);
  EXPECT_TRUE(seen().refused.empty());
}

TEST_F(SyslogNgTest, TcpWithBothFramingsOnOnePort) {
  start(SyslogTransport::kTcp);
  const auto client = syslog_ng(1'000, destination("network", "tcp") + destination("syslog", "tcp"));
  EXPECT_TRUE(wait_messages(2'000));
  EXPECT_EQ(numbers().size(), 2'000u);
  EXPECT_EQ(seen().records, 2'000u);
  EXPECT_TRUE(seen().refused.empty());
}

TEST_F(SyslogNgTest, Udp) {
  start(SyslogTransport::kUdp);
  const auto client = syslog_ng(500, destination("network", "udp") + destination("syslog", "udp"));
  EXPECT_TRUE(wait_messages(1'000));
  EXPECT_EQ(numbers().size(), 1'000u);
}

TEST_F(SyslogNgTest, TlsWithAClientCertificateInBothFramings) {
  const SourceRef sensor = world_.ref(9, "sensor");
  world_.directory.certificates["CN=sensor,O=Org"] = sensor;
  SyslogOptions options;
  options.transport = SyslogTransport::kTls;
  options.tls = certificates_.files(Clients::kMust);
  start(std::move(options));
  const auto client = syslog_ng(10'000, destination("network", "tls", tls()) + destination("syslog", "tls", tls()));
  EXPECT_TRUE(wait_messages(20'000));
  EXPECT_EQ(numbers().size(), 20'000u);
  EXPECT_TRUE(eventually([&] { return sensor.meter->snapshot().records == 20'000u; }));
  EXPECT_EQ(seen().records, 0u);
}

class LoggerTest : public ClientsTest {
 protected:
  void SetUp() override {
    if (program("logger").empty()) GTEST_SKIP() << "logger (util-linux) is not installed";
  }
};

TEST_F(LoggerTest, TcpWithBothFramings) {
  start(SyslogTransport::kTcp);
  run("logger " + at() + "-T -t app 'one n1.'");
  run("logger " + at() + "-T --octet-count -t app 'two n2.'");
  run("logger " + at() + "-T --octet-count --rfc3164 -t app 'three n3.'");
  run("logger " + at() + "-T --octet-count -t app -f " + folder_.write("more", "four n4.\nfive n5.\n"));
  expect_each_once(5);
  const std::string bytes = world_.intake.bytes();
  EXPECT_EQ(std::ranges::count(bytes, '\n'), 5);
  EXPECT_TRUE(bytes.starts_with("<13>")) << bytes;
  EXPECT_TRUE(seen().refused.empty());
}

TEST_F(LoggerTest, Udp) {
  start(SyslogTransport::kUdp);
  run("logger " + at() + "-d -t app 'one n1.'");
  run("logger " + at() + "-d --rfc3164 -t app 'two n2.'");
  expect_each_once(2);
  EXPECT_TRUE(world_.intake.bytes().starts_with("<13>1 ")) << world_.intake.bytes();
}

}  // namespace
}  // namespace tocsin::source::syslog
