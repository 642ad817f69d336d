#include "http/server.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <future>
#include <thread>

#include "testing/patience.h"
#include "testing/temporary_folder.h"

namespace tocsin::http {
namespace {

using std::chrono::milliseconds;

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
  explicit Client(std::uint16_t port, int receive_bytes = 0) : fd_(socket(AF_INET, SOCK_STREAM, 0)) {
    if (receive_bytes > 0) setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_bytes, sizeof receive_bytes);
    const timeval limit{tocsin::testing::kPatience.count(), 0};
    setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof to), 0);
  }
  ~Client() { close(fd_); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  void send(std::string_view text) {
    while (!text.empty()) {
      const ssize_t sent = ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
      if (sent <= 0) return;
      text.remove_prefix(static_cast<std::size_t>(sent));
    }
  }
  // Until `end` has come or the server closed.
  std::string read_until(std::string_view end) {
    std::string out;
    char c = 0;
    while (out.find(end) == std::string::npos && recv(fd_, &c, 1, 0) == 1) out += c;
    return out;
  }
  std::string read_all() { return read_until("\1never\1"); }

 private:
  int fd_;
};

void echo(const std::shared_ptr<Exchange>& exchange) {
  const Request& r = exchange->request();
  Response response;
  response.content_type = "text/plain";
  response.body = r.method + " " + r.path + " [" + r.body + "] " + r.client_certificate_subject + (r.tls ? " tls" : "");
  exchange->respond(std::move(response));
}

class ServerTest : public ::testing::Test {
 protected:
  void start(ServerOptions options = {}, Handler handler = echo) {
    options.name = "t";
    auto started = Server::start(std::move(options), std::move(handler), metrics_);
    ASSERT_TRUE(started.ok()) << started.error().text;
    server_ = std::move(started).value();
  }
  // The count, once it has come to `expected`: a client may be done before the server has counted.
  std::uint64_t refused(const std::string& cause, std::uint64_t expected) {
    const core::Counter& count = metrics_.counter("tocsin_http_refused_total", "", {{"server", "t"}, {"cause", cause}});
    const auto until = std::chrono::steady_clock::now() + tocsin::testing::kPatience;
    while (count.value() < expected && std::chrono::steady_clock::now() < until) std::this_thread::yield();
    return count.value();
  }
  std::string url(const std::string& scheme = "http") { return scheme + "://127.0.0.1:" + std::to_string(server_->port()); }
  std::string ask(std::string_view text) {
    Client client(server_->port());
    client.send(text);
    return client.read_all();
  }
  core::Metrics metrics_;
  std::unique_ptr<Server> server_;
};

bool begins(const std::string& text, const std::string& with) { return text.rfind(with, 0) == 0; }

TEST_F(ServerTest, ServesCurlWithKeepAliveHeadAndExpect) {
  start();
  EXPECT_EQ(run("curl -s '" + url() + "/a%20b?x=1'"), "GET /a b [] ");
  EXPECT_EQ(run("curl -s -o /dev/null -o /dev/null -w '%{num_connects},' " + url() + "/1 " + url() + "/2"), "1,0,");
  EXPECT_TRUE(begins(run("curl -s -I " + url() + "/h"), "HTTP/1.1 200 OK"));
  EXPECT_EQ(run("curl -s -H 'Expect: 100-continue' -d abc " + url() + "/p"), "POST /p [abc] ");
  EXPECT_EQ(run("printf abc | curl -s -H 'Transfer-Encoding: chunked' -T - " + url() + "/c"), "PUT /c [abc] ");
  EXPECT_EQ(run("printf abc | gzip | curl -s -H 'Content-Encoding: gzip' --data-binary @- " + url() + "/g"),
            "POST /g [abc] ");
}

TEST_F(ServerTest, RefusesMalformedAndAmbiguousRequests) {
  start();
  for (const char* text :
       {"GET /%2e%2e/x HTTP/1.1\r\nHost: a\r\n\r\n", "GET /%00 HTTP/1.1\r\nHost: a\r\n\r\n", "GET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "nonsense\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"}) {
    std::string closing(text);
    closing.insert(closing.find("\r\n") + 2, "Connection: close\r\n");
    const std::string got = ask(closing);
    EXPECT_TRUE(begins(got, "HTTP/1.1 400 ")) << text << got;
    EXPECT_NE(got.find("application/problem+json"), std::string::npos);
  }
  EXPECT_TRUE(
      begins(ask("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\nConnection: close\r\n\r\n"), "HTTP/1.1 501 "));
  EXPECT_EQ(refused("bad_request", 7u), 7u);
}

TEST_F(ServerTest, TakesHeadsAndBodiesUpToTheirLimitsAndNoMore) {
  ServerOptions options;
  options.limits.max_header_bytes = 1024;
  options.limits.max_body_bytes = 1000;
  start(std::move(options));
  const auto with_head = [&](std::size_t size) {
    const std::string begin = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX: ";
    return ask(begin + std::string(size - begin.size() - 4, 'x') + "\r\n\r\n");
  };
  EXPECT_TRUE(begins(with_head(1024), "HTTP/1.1 200 "));
  EXPECT_TRUE(begins(with_head(1025), "HTTP/1.1 431 "));
  const auto with_body = [&](std::size_t size) {
    return ask("POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: " + std::to_string(size) + "\r\n\r\n" +
               std::string(size, 'x'));
  };
  EXPECT_TRUE(begins(with_body(1000), "HTTP/1.1 200 "));
  EXPECT_TRUE(begins(with_body(1001), "HTTP/1.1 413 "));
  const std::string code = " -s -o /dev/null -w '%{http_code}' -H 'Content-Encoding: gzip' --data-binary @- " + url();
  EXPECT_EQ(run("head -c 1000 /dev/zero | gzip | curl" + code), "200");
  EXPECT_EQ(run("head -c 9000000 /dev/zero | gzip | head -c 900 | curl" + code), "413");
  EXPECT_EQ(run("echo abc | curl" + code), "400");
  EXPECT_EQ(refused("header_too_large", 1u), 1u);
  EXPECT_EQ(refused("body_too_large", 2u), 2u);
}

TEST_F(ServerTest, ClosesSlowHeadsAndBodies) {
  ServerOptions options;
  options.limits.head_timeout = options.limits.body_timeout = std::chrono::seconds(1);
  start(std::move(options));
  Client body(server_->port());
  body.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc");
  EXPECT_TRUE(begins(ask("GET / HT"), "HTTP/1.1 408 "));
  EXPECT_TRUE(begins(body.read_all(), "HTTP/1.1 408 "));
  EXPECT_EQ(refused("head_timeout", 1u), 1u);
  EXPECT_EQ(refused("body_timeout", 1u), 1u);
}

TEST_F(ServerTest, LimitsConnectionsAndRequestsOfAnAddress) {
  ServerOptions options;
  options.limits.max_connections_per_address = 2;
  options.limits.max_requests_per_second_per_address = 0.01;
  start(std::move(options));
  Client first(server_->port()), second(server_->port());
  first.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_TRUE(begins(first.read_until("[]"), "HTTP/1.1 200 "));
  second.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  const std::string limited = second.read_until("}");
  EXPECT_TRUE(begins(limited, "HTTP/1.1 429 "));
  EXPECT_NE(limited.find("Retry-After: 100"), std::string::npos);
  EXPECT_EQ(ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), "");
  EXPECT_EQ(refused("connections_per_address", 1u), 1u);
}

TEST_F(ServerTest, LimitsAllConnections) {
  ServerOptions options;
  options.limits.max_connections = 1;
  start(std::move(options));
  Client first(server_->port());
  first.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_TRUE(begins(first.read_until("[]"), "HTTP/1.1 200 "));
  EXPECT_EQ(ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), "");
  EXPECT_EQ(refused("connections", 1u), 1u);
}

TEST_F(ServerTest, SaysWhyItCannotStart) {
  ServerOptions options;
  options.address = "nowhere";
  EXPECT_FALSE(Server::start(options, echo, metrics_).ok());
  options.address = "127.0.0.1";
  options.tls = TlsFiles{"/nonexistent.pem", "/nonexistent.key", "", false};
  const auto started = Server::start(options, echo, metrics_);
  ASSERT_FALSE(started.ok());
  EXPECT_NE(started.error().text.find("/nonexistent.pem"), std::string::npos);
}

TEST_F(ServerTest, AnswersForAHandlerThatDoesNot) {
  start({}, [](const std::shared_ptr<Exchange>& exchange) {
    if (exchange->request().path == "/throw") throw std::runtime_error("x");
  });
  EXPECT_EQ(run("curl -s -o /dev/null -w '%{http_code}' " + url() + "/"), "500");
  EXPECT_EQ(run("curl -s -o /dev/null -w '%{http_code}' " + url() + "/throw"), "500");
}

TEST_F(ServerTest, SendsAStreamToItsEnd) {
  start({}, [](const std::shared_ptr<Exchange>& exchange) {
    Response head;
    head.body = "a";
    const auto stream = exchange->stream(std::move(head));
    for (int i = 0; i < 100; ++i) {
      EXPECT_TRUE(stream->wait_for_room(tocsin::testing::kPatience));
      EXPECT_TRUE(stream->write(std::string(100'000, 'b')));
    }
    stream->finish();
  });
  EXPECT_EQ(run("curl -s " + url() + "/ | wc -c"), "10000001\n");
}

TEST_F(ServerTest, ClosesAStreamWhoseClientIsGoneOrTooFarBehind) {
  std::promise<std::shared_ptr<Stream>> opened;
  start({}, [&](const std::shared_ptr<Exchange>& exchange) { opened.set_value(exchange->stream({})); });
  auto client = std::make_unique<Client>(server_->port(), 4096);
  client->send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  auto stream = opened.get_future().get();
  std::size_t written = 0;
  while (written < (64u << 20) && stream->write(std::string(1u << 20, 'x'))) written += 1u << 20;
  EXPECT_LT(written, 64u << 20);
  EXPECT_EQ(refused("stream_backlog", 1u), 1u);
  EXPECT_FALSE(stream->wait_for_room(milliseconds(0)));

  opened = {};
  client = std::make_unique<Client>(server_->port());
  client->send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  stream = opened.get_future().get();
  EXPECT_TRUE(stream->write(std::string(3u << 20, 'x')));
  client.reset();
  const auto end = std::chrono::steady_clock::now() + tocsin::testing::kPatience;
  while (stream->write("") && std::chrono::steady_clock::now() < end) stream->wait_for_room(milliseconds(10));
  EXPECT_FALSE(stream->write("x"));
}

TEST_F(ServerTest, TellsAHandlerThatItsClientHungUp) {
  std::promise<std::shared_ptr<Exchange>> taken;
  std::promise<void> gone;
  start({}, [&](const std::shared_ptr<Exchange>& exchange) {
    if (exchange->request().path != "/slow") return echo(exchange);
    exchange->on_client_gone([&] { gone.set_value(); });
    taken.set_value(exchange);
  });
  auto client = std::make_unique<Client>(server_->port());
  client->send("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n");
  const auto kept = taken.get_future().get();
  auto told = gone.get_future();
  EXPECT_EQ(run("curl -s '" + url() + "/other'"), "GET /other [] ");
  EXPECT_EQ(told.wait_for(milliseconds(0)), std::future_status::timeout);
  client.reset();
  EXPECT_EQ(told.wait_for(tocsin::testing::kPatience), std::future_status::ready);
  kept->respond({});
}

TEST_F(ServerTest, StopsWithinTwoSecondsWithOpenStreams) {
  std::promise<std::shared_ptr<Stream>> opened;
  start({}, [&](const std::shared_ptr<Exchange>& exchange) { opened.set_value(exchange->stream({})); });
  Client idle(server_->port()), client(server_->port());
  client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  const auto stream = opened.get_future().get();
  const auto begin = std::chrono::steady_clock::now();
  server_->stop(milliseconds(100));
  server_->stop(milliseconds(100));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(2));
  EXPECT_FALSE(stream->write("x"));
  EXPECT_EQ(idle.read_all(), "");
}

TEST_F(ServerTest, LetsARunningAnswerFinishWhileItStops) {
  std::promise<std::shared_ptr<Exchange>> asked;
  start({}, [&](const std::shared_ptr<Exchange>& exchange) { asked.set_value(exchange); });
  Client client(server_->port());
  client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  auto exchange = asked.get_future().get();
  std::thread stopper([&] { server_->stop(std::chrono::seconds(5)); });
  exchange->respond({200, {}, "text/plain", "late"});
  EXPECT_NE(client.read_until("late").find("late"), std::string::npos);
  stopper.join();
}

class TlsTest : public ServerTest {
 protected:
  void SetUp() override {
    certificate("ca", "", "/CN=ca");
    certificate("server", "ca", "/CN=127.0.0.1");
    certificate("client", "ca", "/O=Org/CN=sensor");
    certificate("stranger", "", "/CN=sensor");
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
  TlsFiles files(bool mutual = false) {
    return {file("server.pem"), file("server.key"), mutual ? file("ca.pem") : "", mutual};
  }
  std::string curl(const std::string& more = "") {
    return run("curl -s --cacert " + file("ca.pem") + " " + more + " " + url("https") + "/");
  }
  testing::TemporaryFolder folder_;
};

TEST_F(TlsTest, SpeaksTls12And13AndNothingOlder) {
  ServerOptions options;
  options.tls = files();
  start(std::move(options));
  EXPECT_EQ(curl("--tls-max 1.2"), "GET / []  tls");
  EXPECT_EQ(curl("--tlsv1.3"), "GET / []  tls");
  EXPECT_EQ(curl("--tls-max 1.1 --ciphers DEFAULT:@SECLEVEL=0"), "");
}
TEST_F(TlsTest, SendsAStreamAndSeesItsClientGo) {
  std::promise<std::shared_ptr<Stream>> opened;
  ServerOptions options;
  options.tls = files();
  start(std::move(options), [&](const std::shared_ptr<Exchange>& exchange) {
    const auto stream = exchange->stream({});
    stream->write("data: 1\n\n");
    if (exchange->request().path == "/") return stream->finish();
    opened.set_value(stream);
  });
  EXPECT_EQ(curl(), "data: 1\n\n");
  run("curl -s --max-time 1 --cacert " + file("ca.pem") + " " + url("https") + "/open");
  const auto stream = opened.get_future().get();
  EXPECT_TRUE(stream->write(std::string(3u << 20, 'x')) ? !stream->wait_for_room(tocsin::testing::kPatience) : true);
  EXPECT_FALSE(stream->write("x"));
}
TEST_F(TlsTest, AsksForClientCertificatesOfItsOwnCa) {
  ServerOptions options;
  options.tls = files(true);
  start(std::move(options));
  EXPECT_EQ(curl("--cert " + file("client.pem") + " --key " + file("client.key")), "GET / [] CN=sensor,O=Org tls");
  EXPECT_EQ(curl(), "");
  EXPECT_EQ(curl("--cert " + file("stranger.pem") + " --key " + file("stranger.key")), "");
  EXPECT_EQ(refused("tls_handshake", 2u), 2u);
}
TEST_F(TlsTest, ReadsCertificatesAgainAndKeepsTheOldOnesOnError) {
  ServerOptions options;
  options.tls = files();
  start(std::move(options));
  certificate("server", "", "/CN=other");
  EXPECT_NE(curl(), "");
  EXPECT_TRUE(server_->reload_certificates().ok());
  EXPECT_EQ(curl(), "");
  EXPECT_NE(curl("-k"), "");
  std::ofstream(file("server.key")) << "nonsense";
  EXPECT_FALSE(server_->reload_certificates().ok());
  EXPECT_NE(curl("-k"), "");
}

}  // namespace
}  // namespace tocsin::http
