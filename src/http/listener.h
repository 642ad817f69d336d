// A TCP port and its connections: accepting, limits, certificates, stopping in two steps. Include in .cc files only.
//
// One network thread runs all of it. stop() first asks each connection to end, and after its grace closes every socket, so
// that each coroutine ends by itself and io_context::run() returns because nothing is left to do: nothing is abandoned half
// way. What a connection says is its own matter.
#pragma once
// clang-format off: Asio 1.74 uses it without including it.
#include <utility>
// clang-format on
#include <boost/asio.hpp>
#include <boost/asio/ssl.hpp>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "core/mutex.h"
#include "core/result.h"
#include "http/server.h"

namespace tocsin::http {

using SharedTls = std::shared_ptr<boost::asio::ssl::context>;

// All of it on the network thread.
class ListenerConnection {
 public:
  virtual ~ListenerConnection() = default;
  virtual void start() = 0;
  virtual void begin_stop() = 0;   // Ends as soon as nothing is owed to the client.
  virtual void force_close() = 0;  // Everything pending ends.
};

struct ListenerOptions {
  std::string title;  // For messages: "server 'api'".
  std::string address;
  std::uint16_t port = 0;  // 0: any; see port().
  std::optional<TlsFiles> tls;
  std::size_t max_connections = 0, max_connections_per_address = 0;
};

class Listener {
 public:
  using Socket = boost::asio::ip::tcp::socket;
  enum class Refused : std::uint8_t { kConnections, kConnectionsPerAddress, kAccept };

  explicit Listener(ListenerOptions options) : options_(std::move(options)) {}
  virtual ~Listener() = default;  // REQUIRES: stopped, or listen() failed.
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  core::Result<void> listen();  // Once. Accepts when it returns.
  core::Result<void> reload_certificates();
  void stop(std::chrono::milliseconds grace);  // Idempotent.
  [[nodiscard]] std::uint16_t port() const { return port_; }
  boost::asio::io_context& io() { return io_; }

  // On the network thread:
  [[nodiscard]] bool stopping() const { return stopping_; }
  [[nodiscard]] const auto& connections() const { return connections_; }
  void ended(ListenerConnection& connection, const std::string& peer);  // The last thing a connection does.

 protected:
  // `tls`: null where it is plain. On the network thread, as the rest.
  virtual std::shared_ptr<ListenerConnection> connect(Socket socket, const std::string& peer, const SharedTls& tls) = 0;
  virtual void refused(Refused cause) = 0;
  virtual void counted(std::size_t open) { static_cast<void>(open); }

 private:
  boost::asio::awaitable<void> accept_all();
  void admit(Socket socket);
  void count();
  template <class F>
  void for_each(F run);

  const ListenerOptions options_;
  boost::asio::io_context io_{1};
  boost::asio::ip::tcp::acceptor acceptor_{io_};
  std::map<ListenerConnection*, std::shared_ptr<ListenerConnection>> connections_;
  std::map<std::string, std::size_t> per_address_;
  bool stopping_ = false;
  std::uint16_t port_ = 0;
  core::Mutex mutex_;
  std::condition_variable changed_;
  SharedTls tls_ GUARDED_BY(mutex_);
  std::size_t open_count_ GUARDED_BY(mutex_) = 0;
  core::Mutex stop_mutex_;
  std::thread network_;
};

// What connect() mostly is: Session<stream> over TLS or over the bare socket.
template <template <class> class Session, class Shared>
std::shared_ptr<ListenerConnection> make_session(std::shared_ptr<Shared> shared, Listener::Socket socket,
                                                 const std::string& peer, const SharedTls& tls) {
  if (tls == nullptr) return std::make_shared<Session<Listener::Socket>>(std::move(shared), peer, std::move(socket));
  using Tls = boost::asio::ssl::stream<Listener::Socket>;
  return std::make_shared<Session<Tls>>(std::move(shared), peer, std::move(socket), *tls);
}

}  // namespace tocsin::http
