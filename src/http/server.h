// An HTTP/1.1 server, plain or TLS: requests in, answers out. Boost.Beast stays inside server.cc.
//
// A handler runs on one of the server's worker threads and may block for a while; it answers through Exchange, at once or
// later from any thread. Limits (Limits below) are the server's own and are counted. A request whose head or body is refused
// never reaches a handler. HTTP: RFC 9112; server-sent events: WHATWG HTML, section 9.2.
#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/metrics.h"
#include "core/result.h"

namespace tocsin::http {

struct Request {
  std::string method;                          // "GET"
  std::string path;                            // Percent-decoded, without the query; no "..", no NUL.
  std::map<std::string, std::string> query;    // Decoded; the last of equal names.
  std::map<std::string, std::string> headers;  // Names in lower case; equal names joined by ", ".
  std::string body;                            // Decoded where Content-Encoding is gzip, deflate or zstd.
  std::string peer;                            // "192.0.2.1" or "::1", without the port.
  std::string client_certificate_subject;      // RFC 2253; empty where none was verified.
  bool tls = false;
  // "" where absent.
  [[nodiscard]] std::string_view header(std::string_view lower_case_name) const;
  // "" where absent. Cookie header, RFC 6265.
  [[nodiscard]] std::string cookie(std::string_view name) const;
};

struct Response {
  int status = 200;
  std::vector<std::pair<std::string, std::string>> headers;  // Content-Length, Date, Connection are added.
  std::string content_type = "application/json";
  std::string body;
};

// One stream of server-sent events or of a long body (export), after the head was sent. Any thread.
class Stream {
 public:
  virtual ~Stream() = default;
  // False once the client is gone or is more than kMaxStreamBacklogBytes behind (it is then closed).
  virtual bool write(std::string_view bytes) = 0;
  // Waits until less than half of the backlog is unsent, the client is gone (false) or the time is up (false).
  virtual bool wait_for_room(std::chrono::milliseconds time) = 0;
  virtual void finish() = 0;  // Ends the body well; without it the connection is cut.
};
inline constexpr std::size_t kMaxStreamBacklogBytes = 4u << 20;

class Exchange {
 public:
  virtual ~Exchange() = default;
  [[nodiscard]] virtual const Request& request() const = 0;
  [[nodiscard]] virtual Request& request() = 0;
  // Exactly one of these two, once. An exchange dropped without an answer sends 500.
  virtual void respond(Response response) = 0;
  virtual std::shared_ptr<Stream> stream(Response head) = 0;  // head.body is sent first. Chunked.
  // `gone` is called at most once, on the network thread and without a lock, where the client hangs up before it is
  // answered; it must not block. Looked for four times a second. A client that only ends its sending counts as gone.
  virtual void on_client_gone(std::function<void()> gone) { static_cast<void>(gone); }
};
using Handler = std::function<void(std::shared_ptr<Exchange>)>;

struct Limits {
  std::size_t max_header_bytes = 32u << 10;
  std::size_t max_body_bytes = 32u << 20;  // As sent and as decoded.
  std::size_t max_connections = 2'000;
  std::size_t max_connections_per_address = 200;
  std::chrono::seconds head_timeout{10};  // Slow heads: 408 and closed.
  std::chrono::seconds body_timeout{60};
  std::chrono::seconds idle_timeout{75};
  double max_requests_per_second_per_address = 0;  // 0: no limit. Past it 429 with Retry-After.
};

struct TlsFiles {
  std::string certificate_chain_path, private_key_path;  // PEM.
  std::string client_ca_path;                            // Not empty: client certificates are verified against it.
  bool require_client_certificate = false;
};

struct ServerOptions {
  std::string name;  // For metrics and messages: "api", "elastic" ...
  std::string address = "127.0.0.1";
  std::uint16_t port = 0;       // 0: any; see port().
  std::optional<TlsFiles> tls;  // TLS 1.2 and 1.3.
  Limits limits;
  unsigned worker_threads = 2;  // On which handlers run; one more thread does the network.
};

class Server {
 public:
  // Listens before it returns. The handler gets every request; see Router for paths.
  static core::Result<std::unique_ptr<Server>> start(ServerOptions options, Handler handler, core::Metrics& metrics);
  virtual ~Server() = default;  // Stops, within 2 s.
  [[nodiscard]] virtual std::uint16_t port() const = 0;
  // Reads certificate and key again; connections go on. An error leaves the old ones.
  virtual core::Result<void> reload_certificates() = 0;
  // Ends accepting, lets running answers finish for at most `grace`, then closes all. Idempotent.
  virtual void stop(std::chrono::milliseconds grace) = 0;
};

}  // namespace tocsin::http
