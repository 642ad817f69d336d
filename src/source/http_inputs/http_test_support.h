// Routes behind a server on loopback, and the plainest client for them.
#pragma once
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/text.h"
#include "http/router.h"
#include "source/http_inputs.h"
#include "source/live_test_support.h"
#include "testing/patience.h"

namespace tocsin::source::testing {

struct Answer {
  int status = 0;
  std::string head, body;
  // "" where absent.
  [[nodiscard]] std::string header(std::string_view name) const {
    const std::string wanted = "\r\n" + core::ascii_lower(name) + ": ";
    const std::size_t at = core::ascii_lower(head).find(wanted);
    if (at == std::string::npos) return {};
    const std::size_t begin = at + wanted.size();
    return head.substr(begin, head.find("\r\n", begin) - begin);
  }
};

// One request on a connection of its own.
class Asking {
 public:
  Asking(std::uint16_t port, const std::string& method, const std::string& path, const std::vector<std::string>& headers,
         std::string_view body)
      : fd_(socket(AF_INET, SOCK_STREAM, 0)) {
    const timeval limit{tocsin::testing::kPatience.count(), 0};
    setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof to), 0);
    std::string text = method + " " + path + " HTTP/1.1\r\nHost: t\r\nConnection: close\r\n";
    for (const std::string& header : headers) text += header + "\r\n";
    text += "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
    std::string_view left = text;
    while (!left.empty()) {
      const ssize_t sent = ::send(fd_, left.data(), left.size(), MSG_NOSIGNAL);
      if (sent <= 0) break;
      left.remove_prefix(static_cast<std::size_t>(sent));
    }
  }
  ~Asking() { close(fd_); }
  Asking(const Asking&) = delete;
  Asking& operator=(const Asking&) = delete;

  Answer answer() {
    std::string text;
    std::vector<char> piece(64 * 1024);
    ssize_t got = 0;
    while ((got = recv(fd_, piece.data(), piece.size(), 0)) > 0) text.append(piece.data(), static_cast<std::size_t>(got));
    Answer out;
    const std::size_t end = text.find("\r\n\r\n");
    if (end == std::string::npos) return out;
    out.head = text.substr(0, end + 2);
    out.body = text.substr(end + 4);
    out.status = std::stoi(text.substr(9, 3));
    return out;
  }

 private:
  int fd_;
};

// A request without a network.
class OwnExchange final : public http::Exchange {
 public:
  http::Request asked;
  http::Response answer;
  [[nodiscard]] const http::Request& request() const override { return asked; }
  [[nodiscard]] http::Request& request() override { return asked; }
  void respond(http::Response response) override { answer = std::move(response); }
  std::shared_ptr<http::Stream> stream(http::Response) override { return nullptr; }
};

using MakeRoutes = std::vector<http::Route> (*)(const SourceContext&, const HttpInputOptions&);

// A source "web" with the token "secret".
class HttpInputTest : public ::testing::Test {
 protected:
  void start(MakeRoutes make, HttpInputOptions options = {}) {
    source_ = world_.ref(7, "web");
    world_.directory.tokens["secret"] = *source_;
    world_.directory.names["web"] = *source_;
    auto router = http::Router::create(make(world_.context(), options));
    ASSERT_TRUE(router.ok()) << router.error().text;
    router_.emplace(std::move(router).value());
    http::ServerOptions server;
    server.name = "t";
    auto started = http::Server::start(
        std::move(server), [this](std::shared_ptr<http::Exchange> exchange) { router_->serve(exchange); }, world_.metrics);
    ASSERT_TRUE(started.ok()) << started.error().text;
    server_ = std::move(started).value();
  }
  void TearDown() override {
    world_.intake.release();
    server_.reset();
  }
  std::unique_ptr<Asking> asking(const std::string& method, const std::string& path, std::string_view body = {},
                                 const std::vector<std::string>& headers = {"Authorization: Bearer secret"}) {
    return std::make_unique<Asking>(server_->port(), method, path, headers, body);
  }
  Answer ask(const std::string& method, const std::string& path, std::string_view body = {},
             const std::vector<std::string>& headers = {"Authorization: Bearer secret"}) {
    return asking(method, path, body, headers)->answer();
  }
  [[nodiscard]] std::uint64_t refused(const std::string& cause) const {
    const auto all = source_->meter->snapshot().refused;
    const auto found = all.find(cause);
    return found == all.end() ? 0 : found->second;
  }

  std::uint64_t unauthorized(const char* input) {
    return world_.metrics.counter("tocsin_http_input_unauthorized_total", "", {{"input", input}}).value();
  }

  World world_;
  std::optional<SourceRef> source_;
  std::optional<http::Router> router_;
  std::unique_ptr<http::Server> server_;
};

}  // namespace tocsin::source::testing
