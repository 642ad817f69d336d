// One network thread runs every connection as a coroutine; workers run the handlers. A connection waits for its answer on a
// timer that never fires by itself and is cancelled by a message to the network thread (Connection::wake). A second timer,
// the watchdog, cancels what the connection reads or writes when its time is up, again and again until it is disarmed, since
// one cancel can fall between two steps of an operation. Accepting and stopping: listener.h.
#include "http/server.h"

#include <poll.h>

#include <array>
#include <boost/asio.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <cstdio>
#include <exception>
#include <type_traits>
#include <utility>

#include "core/text.h"
#include "http/listener.h"
#include "http/parts/answer.h"
#include "http/parts/content_coding.h"
#include "http/parts/head_text.h"
#include "http/parts/target.h"
#include "http/parts/token_buckets.h"
#include "http/parts/workers.h"
#include "http/problem.h"
#include "http/tls_context.h"

namespace tocsin::http {
namespace {

namespace net = boost::asio;
namespace beast = boost::beast;
using boost::system::error_code;
using net::ip::tcp;
using std::chrono::milliseconds;
using Parser = beast::http::request_parser<beast::http::string_body>;

constexpr std::size_t kPieceBytes = 256u << 10;
// What is read and thrown away after the last answer, so that the client sees it rather than a reset.
constexpr std::size_t kMaxDrainBytes = 1u << 20;
constexpr milliseconds kDrainTime{1'000};
constexpr milliseconds kHangUpStep{250};
// A client of a stream has nothing to say; more than this and it is cut.
constexpr std::size_t kMaxIgnoredBytes = 64u << 10;

ListenerOptions listener_options(const ServerOptions& options) {
  return {
      "server '" + options.name + "'",           options.address, options.port, options.tls, options.limits.max_connections,
      options.limits.max_connections_per_address};
}

// Shared by the server and its connections. Members belong to the network thread, but for what has its own lock.
struct Shared final : Listener, std::enable_shared_from_this<Shared> {
  Shared(ServerOptions o, Handler h, core::Metrics& m)
      : Listener(listener_options(o)),
        options(std::move(o)),
        handler(std::move(h)),
        metrics(m),
        buckets(options.limits.max_requests_per_second_per_address),
        workers(options.worker_threads) {}
  core::Counter& refused(const char* cause) {
    return metrics.counter("tocsin_http_refused_total",
                           "Connections, requests and streams that were refused or cut, by cause.",
                           {{"server", options.name}, {"cause", cause}});
  }

  ServerOptions options;
  Handler handler;
  core::Metrics& metrics;
  core::Counter& requests =
      metrics.counter("tocsin_http_requests_total", "Requests given to a handler.", {{"server", options.name}});
  core::Counter& stream_backlog = refused("stream_backlog");
  core::Gauge& open_gauge = metrics.gauge("tocsin_http_connections", "Open connections.", {{"server", options.name}});
  TokenBuckets buckets;
  Workers workers;

 private:
  std::shared_ptr<ListenerConnection> connect(Socket socket, const std::string& peer, const SharedTls& tls) override;
  void refused(Refused cause) override {
    refused(cause == Refused::kConnections             ? "connections"
            : cause == Refused::kConnectionsPerAddress ? "connections_per_address"
                                                       : "accept")
        .add();
  }
  void counted(std::size_t open) override { open_gauge.set(static_cast<double>(open)); }
};

std::string lower(beast::string_view text) { return core::ascii_lower(std::string_view(text.data(), text.size())); }

struct Refusal {
  int status = 0;  // 0: close without a word.
  const char* cause = "";
  std::string detail;
  int retry_after_seconds = 0;
};

template <class S>
class Session final : public ListenerConnection, public std::enable_shared_from_this<Session<S>> {
 public:
  static constexpr bool kTls = !std::is_same_v<S, tcp::socket>;
  template <class... Args>
  Session(std::shared_ptr<Shared> shared, std::string peer, Args&&... args)
      : shared_(std::move(shared)), peer_(std::move(peer)), stream_(std::forward<Args>(args)...) {}

  void start() override {
    auto self = this->shared_from_this();
    net::co_spawn(shared_->io(), [self] { return self->run(); }, [self](std::exception_ptr) { self->ended(); });
  }
  void begin_stop() override {
    if (!answering_) force_close();
  }
  void force_close() override {
    closing_ = true;
    if (answer_) answer_->set_gone();
    error_code ignored;
    socket().close(ignored);
    wake_.cancel();
  }

 private:
  tcp::socket& socket() {
    if constexpr (kTls) {
      return stream_.next_layer();
    } else {
      return stream_;
    }
  }
  const Limits& limits() const { return shared_->options.limits; }

  void arm(std::chrono::nanoseconds time) {
    timed_out_ = false;
    watch(++watch_number_, time);
  }
  void watch(std::uint64_t number, std::chrono::nanoseconds time) {
    watchdog_.expires_after(time);
    watchdog_.async_wait([self = this->shared_from_this(), number](error_code ec) {
      if (ec || number != self->watch_number_) return;
      self->timed_out_ = true;
      error_code ignored;
      self->socket().cancel(ignored);
      self->watch(number, milliseconds(50));
    });
  }
  void disarm() {
    ++watch_number_;
    watchdog_.cancel();
  }

  void ended() {
    disarm();
    if (answer_) answer_->set_gone();
    error_code ignored;
    socket().close(ignored);
    shared_->ended(*this, peer_);
  }

  net::awaitable<void> run() {
    if constexpr (kTls) {
      error_code ec;
      arm(limits().head_timeout);
      co_await stream_.async_handshake(net::ssl::stream_base::server, net::redirect_error(net::use_awaitable, ec));
      disarm();
      if (ec) {
        if (!closing_) shared_->refused("tls_handshake").add();
        co_return;
      }
      subject_ = verified_subject(stream_.native_handle());
    }
    bool more = true;
    for (bool first = true; more && !closing_ && !(shared_->stopping() && !first); first = false)
      more = co_await serve_one(first);
    if (!closing_) co_await close_gently();
  }

  // False: the connection ends.
  net::awaitable<bool> serve_one(bool first) {
    const bool begun = co_await wait_for_request(first);
    if (!begun) co_return false;
    Parser parser;
    parser.header_limit(static_cast<std::uint32_t>(limits().max_header_bytes));
    parser.body_limit(limits().max_body_bytes);
    Refusal refusal;
    const bool head = co_await read_head(parser, first, refusal);
    Request request;
    bool body = false;
    if (head && check_head(parser, request, refusal)) body = co_await read_body(parser, refusal);
    if (!body) {
      if (refusal.status == 0) co_return false;
      co_return co_await refuse(refusal, head && parser.is_done() && parser.get().keep_alive());
    }
    request.body = std::move(parser.get().body());
    co_return co_await answer(parser, std::move(request));
  }

  net::awaitable<bool> wait_for_request(bool first) {
    arm(first ? limits().head_timeout : limits().idle_timeout);
    if (buffer_.size() > 0) co_return true;
    error_code ec;
    const std::size_t got =
        co_await stream_.async_read_some(buffer_.prepare(4096), net::redirect_error(net::use_awaitable, ec));
    if (ec) {
      if (timed_out_ && first) shared_->refused("head_timeout").add();
      disarm();
      peer_left_ = true;
      co_return false;
    }
    buffer_.commit(got);
    co_return true;
  }

  net::awaitable<bool> read_head(Parser& parser, bool first, Refusal& refusal) {
    if (!first) arm(limits().head_timeout);
    error_code ec;
    const std::size_t size =
        co_await beast::http::async_read_header(stream_, buffer_, parser, net::redirect_error(net::use_awaitable, ec));
    disarm();
    // Beast does not count the empty line.
    if (!ec && size > limits().max_header_bytes) ec = beast::http::error::header_limit;
    if (!ec) co_return true;
    refusal = of_error(ec, "head_timeout", "the head of the request did not arrive in time");
    co_return false;
  }

  Refusal of_error(error_code ec, const char* timeout_cause, const char* timeout_text) {
    using beast::http::error;
    if (closing_) return {};
    if (timed_out_) return {408, timeout_cause, timeout_text};
    if (ec == error::header_limit || ec == error::buffer_overflow) {
      return {431, "header_too_large", "the head is longer than " + std::to_string(limits().max_header_bytes) + " bytes"};
    }
    if (ec == error::body_limit) {
      return {413, "body_too_large", "the body is longer than " + std::to_string(limits().max_body_bytes) + " bytes"};
    }
    const error_code end = error::end_of_stream;
    if (ec == end || ec == error::partial_message || ec.category() != end.category()) {
      peer_left_ = true;
      return {};
    }
    return {400, "bad_request", "the request is malformed: " + ec.message()};
  }

  bool check_head(Parser& parser, Request& request, Refusal& refusal) {
    namespace http = beast::http;
    const auto& head = parser.get();
    const auto bad = [&refusal](std::string detail) {
      refusal = {400, "bad_request", std::move(detail)};
      return false;
    };
    if (head.version() != 11 && head.version() != 10) {
      refusal = {505, "bad_request", "only HTTP/1.1 and HTTP/1.0 are spoken"};
      return false;
    }
    const std::size_t hosts = head.count(http::field::host);
    if (hosts > 1 || (hosts == 0 && head.version() == 11)) return bad("there must be one Host header");
    if (head.count(http::field::transfer_encoding) > 0) {
      if (!parser.chunked() || head.count(http::field::transfer_encoding) > 1 ||
          lower(head[http::field::transfer_encoding]) != "chunked") {
        refusal = {501, "bad_request", "the only Transfer-Encoding understood is chunked"};
        return false;
      }
      if (head.count(http::field::content_length) > 0) return bad("Transfer-Encoding and Content-Length together");
    }
    const beast::string_view text = head.target();
    auto target = parse_target({text.data(), text.size()});
    if (!target.ok()) return bad(target.error().text);
    const milliseconds wait = shared_->buckets.take(peer_, std::chrono::steady_clock::now().time_since_epoch());
    if (wait.count() > 0) {
      refusal = {429, "request_rate", "too many requests from this address", static_cast<int>((wait.count() + 999) / 1000)};
      return false;
    }
    request.method = std::string(head.method_string());
    request.path = std::move(target->path);
    request.query = std::move(target->query);
    for (const auto& field : head) {
      const auto [at, is_new] = request.headers.try_emplace(lower(field.name_string()), field.value());
      if (!is_new) at->second += ", " + std::string(field.value());
    }
    request.peer = peer_;
    request.client_certificate_subject = subject_;
    request.tls = kTls;
    return true;
  }

  net::awaitable<bool> read_body(Parser& parser, Refusal& refusal) {
    if (parser.is_done()) co_return true;
    error_code ec;
    const auto expect = parser.get().find(beast::http::field::expect);
    if (expect != parser.get().end() && parser.get().version() == 11) {
      if (lower(expect->value()) != "100-continue") {
        refusal = {417, "bad_request", "the only expectation met is 100-continue"};
        co_return false;
      }
      const bool sent = co_await write_all("HTTP/1.1 100 Continue\r\n\r\n");
      if (!sent) co_return false;
    }
    arm(limits().body_timeout);
    co_await beast::http::async_read(stream_, buffer_, parser, net::redirect_error(net::use_awaitable, ec));
    disarm();
    if (!ec) co_return true;
    refusal = of_error(ec, "body_timeout", "the body of the request did not arrive in time");
    co_return false;
  }

  net::awaitable<bool> refuse(const Refusal& refusal, bool keep_alive) {
    shared_->refused(refusal.cause).add();
    Response response = problem_response(refusal.status, refusal.detail);
    if (refusal.retry_after_seconds > 0) {
      response.headers.emplace_back("Retry-After", std::to_string(refusal.retry_after_seconds));
    }
    const bool sent = co_await write_response(response, false, keep_alive);
    co_return sent&& keep_alive;
  }

  net::awaitable<bool> answer(Parser& parser, Request request) {
    const bool keep_alive = parser.get().keep_alive();
    const bool http11 = parser.get().version() == 11;
    const bool head_only = request.method == "HEAD";
    std::weak_ptr<Session> weak = this->shared_from_this();
    answer_ = std::make_shared<Answer>([weak] { post_wake(weak); }, shared_->stream_backlog);
    answering_ = true;
    shared_->workers.add(Job{shared_.get(), std::make_shared<Request>(std::move(request)), answer_});
    while (answer_->state() == Answer::State::kNone && !closing_) {
      const bool watched = answer_->watched();
      co_await sleep(watched ? std::chrono::nanoseconds(kHangUpStep) : std::chrono::hours(1));
      if (watched && (closing_ || hung_up())) answer_->client_left();
    }
    bool more = false;
    if (!closing_ && answer_->state() == Answer::State::kResponse) {
      const Response response = answer_->take_head();
      const bool keep = keep_alive && !shared_->stopping();
      more = co_await write_response(response, head_only, keep);
      more = more && keep;
    } else if (!closing_) {
      co_await send_stream(http11, head_only);
    }
    answering_ = false;
    answer_->set_gone();
    answer_.reset();
    co_return more;
  }

  // Runs on a worker. Body and handler: decompressing 32 MiB would hold up the network thread.
  struct Job {
    Shared* shared;
    std::shared_ptr<Request> request;
    std::shared_ptr<Answer> answer;
    void operator()() const {
      try {
        Request& r = *request;
        const std::string coding(r.header("content-encoding"));
        auto body = decode_content(coding, std::move(r.body), shared->options.limits.max_body_bytes);
        if (!body.ok()) {
          const core::ErrorCode code = body.error().code;
          const bool large = code == core::ErrorCode::kLimit;
          shared->refused(large ? "body_too_large" : "content_coding").add();
          answer->respond(problem_response(large                                   ? 413
                                           : code == core::ErrorCode::kUnsupported ? 415
                                                                                   : 400,
                                           body.error().text, r.path));
          return;
        }
        r.body = std::move(body).value();
        shared->requests.add();
        shared->handler(make_exchange(std::move(r), answer));
      } catch (...) {
        shared->refused("handler_failed").add();
        answer->respond(problem_response(500, "the request could not be answered"));
      }
    }
  };

  bool hung_up() {
    pollfd socket_now{socket().native_handle(), POLLRDHUP, 0};
    return ::poll(&socket_now, 1, 0) > 0 && (socket_now.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
  }

  static void post_wake(const std::weak_ptr<Session>& weak) {
    const auto self = weak.lock();
    if (!self) return;
    net::post(self->shared_->io(), [weak] {
      const auto session = weak.lock();
      if (!session) return;
      if (session->answer_ && session->answer_->gone()) session->force_close();
      session->wake_.cancel();
    });
  }

  net::awaitable<void> sleep(std::chrono::nanoseconds time) {
    error_code ignored;
    wake_.expires_after(time);
    co_await wake_.async_wait(net::redirect_error(net::use_awaitable, ignored));
  }

  net::awaitable<bool> write_response(const Response& response, bool head_only, bool keep_alive) {
    const bool none = response.status == 204 || response.status == 304 || response.status < 200;
    const std::string head = head_text(response, none ? Body::kNone : Body::kLength, keep_alive);
    const bool has_body = !none && !head_only && !response.body.empty();
    if (!has_body || response.body.size() > kPieceBytes) {
      bool sent = co_await write_all(head);
      if (sent && has_body) sent = co_await write_all(response.body);
      co_return sent;
    }
    const std::string all = head + response.body;
    co_return co_await write_all(all);
  }

  // In pieces, each of which must go out within idle_timeout.
  net::awaitable<bool> write_all(std::string_view bytes) {
    while (!bytes.empty()) {
      const std::string_view piece = bytes.substr(0, kPieceBytes);
      bytes.remove_prefix(piece.size());
      error_code ec;
      arm(limits().idle_timeout);
      co_await net::async_write(stream_, net::buffer(piece.data(), piece.size()),
                                net::redirect_error(net::use_awaitable, ec));
      disarm();
      if (!ec) continue;
      if (timed_out_) shared_->refused("slow_reader").add();
      peer_left_ = true;
      co_return false;
    }
    co_return true;
  }

  net::awaitable<void> send_stream(bool http11, bool head_only) {
    Response head = answer_->take_head();
    const std::string text = head_text(head, http11 ? Body::kChunked : Body::kUntilClose, false);
    bool sent = co_await write_all(text);
    if (head_only || !sent) co_return;
    reading_ = true;
    auto self = this->shared_from_this();
    net::co_spawn(
        shared_->io(), [self] { return self->watch_peer(); },
        [self](std::exception_ptr) {
          self->reading_ = false;
          self->wake_.cancel();
        });
    while (sent && !closing_) {
      Answer::Piece piece = answer_->take(kPieceBytes);
      if (piece.gone) break;
      if (!piece.bytes.empty()) {
        const std::string framed = http11 ? framed_chunk(piece.bytes) : piece.bytes;
        sent = co_await write_all(framed);
        answer_->sent(piece.bytes.size());
      } else if (piece.finished) {
        if (http11) sent = co_await write_all("0\r\n\r\n");
        finished_well_ = sent;
        break;
      } else {
        co_await sleep(std::chrono::hours(1));
      }
    }
    if (!finished_well_) force_close();
    error_code ignored;
    while (reading_) {
      socket().cancel(ignored);
      co_await sleep(milliseconds(20));
    }
  }

  static std::string framed_chunk(const std::string& bytes) {
    char size[24];
    const int length = std::snprintf(size, sizeof size, "%zx\r\n", bytes.size());
    return std::string(size, static_cast<std::size_t>(length)) + bytes + "\r\n";
  }

  // While a stream is sent: the end of what the client sends means that the client is gone.
  net::awaitable<void> watch_peer() {
    std::array<char, 512> ignored_bytes{};
    std::size_t total = 0;
    while (!closing_ && !finished_well_) {
      error_code ec;
      total += co_await stream_.async_read_some(net::buffer(ignored_bytes), net::redirect_error(net::use_awaitable, ec));
      if (finished_well_) co_return;
      if (ec || total > kMaxIgnoredBytes) {
        force_close();
        co_return;
      }
    }
  }

  net::awaitable<void> close_gently() {
    if (peer_left_) co_return;
    error_code ec;
    arm(kDrainTime);
    if constexpr (kTls) co_await stream_.async_shutdown(net::redirect_error(net::use_awaitable, ec));
    socket().shutdown(tcp::socket::shutdown_send, ec);
    std::vector<char> piece(16u << 10);
    std::size_t total = 0;
    while (!ec && !closing_ && total < kMaxDrainBytes) {
      total += co_await socket().async_read_some(net::buffer(piece), net::redirect_error(net::use_awaitable, ec));
    }
    disarm();
  }

  std::shared_ptr<Shared> shared_;
  std::string peer_, subject_;
  S stream_;
  beast::flat_buffer buffer_;
  net::steady_timer watchdog_{shared_->io()}, wake_{shared_->io()};
  std::uint64_t watch_number_ = 0;
  bool timed_out_ = false, closing_ = false, answering_ = false, peer_left_ = false, reading_ = false,
       finished_well_ = false;
  std::shared_ptr<Answer> answer_;
};

std::shared_ptr<ListenerConnection> Shared::connect(Socket socket, const std::string& peer, const SharedTls& tls) {
  return make_session<Session>(shared_from_this(), std::move(socket), peer, tls);
}

class ServerOfBeast final : public Server {
 public:
  explicit ServerOfBeast(std::shared_ptr<Shared> shared) : shared_(std::move(shared)) {}
  ~ServerOfBeast() override { stop(milliseconds(500)); }
  core::Result<void> listen() { return shared_->listen(); }
  [[nodiscard]] std::uint16_t port() const override { return shared_->port(); }
  core::Result<void> reload_certificates() override { return shared_->reload_certificates(); }
  void stop(milliseconds grace) override {
    shared_->stop(grace);
    shared_->workers.stop();
  }

 private:
  std::shared_ptr<Shared> shared_;
};

}  // namespace

core::Result<std::unique_ptr<Server>> Server::start(ServerOptions options, Handler handler, core::Metrics& metrics) {
  try {
    auto server = std::make_unique<ServerOfBeast>(std::make_shared<Shared>(std::move(options), std::move(handler), metrics));
    const auto listening = server->listen();
    if (!listening.ok()) return listening.error();
    return std::unique_ptr<Server>(std::move(server));
  } catch (const std::exception& e) {
    return core::Error{core::ErrorCode::kIo, std::string("the server cannot start: ") + e.what()};
  }
}

}  // namespace tocsin::http
