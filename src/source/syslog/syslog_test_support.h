// A listener with the world around it, raw senders, certificates. Used by tests only.
#pragma once
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "source/live_test_support.h"
#include "source/syslog.h"
#include "testing/patience.h"
#include "testing/temporary_folder.h"

namespace tocsin::source::syslog {

inline std::string run(const std::string& command) {
  std::string out;
  FILE* pipe = popen(command.c_str(), "r");
  std::array<char, 4096> piece{};
  while (const std::size_t got = fread(piece.data(), 1, piece.size(), pipe)) out.append(piece.data(), got);
  pclose(pipe);
  return out;
}

// Asks until it is so; false: patience is at its end.
template <class F>
bool eventually(F holds) {
  const auto until = std::chrono::steady_clock::now() + tocsin::testing::kPatience;
  while (!holds()) {
    if (std::chrono::steady_clock::now() > until) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

class Sender {
 public:
  explicit Sender(std::uint16_t port, int type = SOCK_STREAM, const char* own_address = "127.0.0.1")
      : fd_(socket(AF_INET, type, 0)) {
    sockaddr_in own{}, to{};
    own.sin_family = to.sin_family = AF_INET;
    inet_pton(AF_INET, own_address, &own.sin_addr);
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(bind(fd_, reinterpret_cast<sockaddr*>(&own), sizeof own), 0);
    EXPECT_EQ(connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof to), 0);
    const timeval limit{tocsin::testing::kPatience.count(), 0};
    setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    const int on = 1;
    if (type == SOCK_STREAM) setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  ~Sender() { finish(); }
  Sender(const Sender&) = delete;
  Sender& operator=(const Sender&) = delete;
  [[nodiscard]] int fd() const { return fd_; }
  void finish() {
    if (fd_ >= 0) close(fd_);
    fd_ = -1;
  }
  bool send(std::string_view text) {
    while (!text.empty()) {
      const ssize_t sent = ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      text.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }
  // True: the other side closed; false: patience is at its end.
  bool wait_closed() {
    char c = 0;
    const ssize_t got = recv(fd_, &c, 1, 0);
    return got == 0 || (got < 0 && errno == ECONNRESET);
  }

 private:
  int fd_;
};

class SyslogTest : public ::testing::Test {
 protected:
  void start(SyslogTransport transport, SyslogLimits limits = {}) {
    SyslogOptions options;
    options.transport = transport;
    options.limits = limits;
    start(std::move(options));
  }
  void start(SyslogOptions options) {
    auto started = start_syslog(std::move(options), ref_, context());
    ASSERT_TRUE(started.ok()) << started.error().text;
    source_ = std::move(started).value();
  }
  virtual SourceContext context() { return world_.context(); }
  std::uint16_t port() { return source_->port(); }
  SourceMeter::Snapshot seen() { return ref_.meter->snapshot(); }
  // Of all sources, at the intake.
  bool wait_messages(std::size_t count) {
    std::size_t lines = 0, counted = 0;
    return world_.intake.wait([&](const std::vector<model::Delivery>& all) {
      for (; counted < all.size(); ++counted)
        lines += static_cast<std::size_t>(std::ranges::count(all[counted].bytes, '\n'));
      return lines >= count;
    });
  }
  bool wait_refused(const std::string& cause, std::uint64_t count = 1) {
    return eventually([&] { return seen().refused[cause] >= count; });
  }

  testing::World world_;
  SourceRef ref_ = world_.ref(7, "net");
  std::unique_ptr<SyslogSource> source_;
};

// A CA with certificates "server" (for 127.0.0.1) and "client" (O=Org, CN=sensor), and a "stranger" it knows nothing of.
class Certificates {
 public:
  Certificates() {
    make("ca", "", "/CN=ca");
    make("server", "ca", "/CN=127.0.0.1");
    make("client", "ca", "/O=Org/CN=sensor");
    make("stranger", "", "/CN=sensor");
  }
  [[nodiscard]] std::string file(const std::string& name) const { return (folder_.path() / name).string(); }
  void make(const std::string& name, const std::string& issuer, const std::string& subject) const {
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
  enum class Clients : std::uint8_t { kAny, kMay, kMust };
  [[nodiscard]] http::TlsFiles files(Clients clients = Clients::kAny) const {
    return {file("server.pem"), file("server.key"), clients == Clients::kAny ? "" : file("ca.pem"),
            clients == Clients::kMust};
  }

 private:
  tocsin::testing::TemporaryFolder folder_;
};

}  // namespace tocsin::source::syslog
