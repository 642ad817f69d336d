// Accepting, and stopping in two steps as the HTTP server does: connections first finish what is under way, and what is
// left when the grace is over is closed, so that io_context::run() returns because nothing is left to do.
#include <exception>
#include <thread>

#include "source/lumberjack.h"
#include "source/lumberjack/session.h"

namespace tocsin::source {
namespace {

using namespace lumberjack;

std::string address_text(const net::ip::address& address) {
  if (address.is_v6() && address.to_v6().is_v4_mapped()) {
    return net::ip::make_address_v4(net::ip::v4_mapped, address.to_v6()).to_string();
  }
  return address.to_string();
}

void admit(const std::shared_ptr<Shared>& shared, tcp::socket socket) {
  error_code ec;
  const tcp::endpoint remote = socket.remote_endpoint(ec);
  if (ec) return;
  const std::string peer = address_text(remote.address());
  const LumberjackOptions& options = shared->options;
  if (shared->connections.size() >= options.max_connections) return shared->meter->refused("connections");
  std::size_t& from_peer = shared->per_address[peer];
  if (from_peer >= options.max_connections_per_address) {
    if (from_peer == 0) shared->per_address.erase(peer);
    return shared->meter->refused("connections-per-address");
  }
  ++from_peer;
  socket.set_option(tcp::no_delay(true), ec);
  const auto enter = [&shared](const auto& session) {
    shared->connections.emplace(session.get(), session);
    shared->count_connections();
    session->start();
  };
  if (const SharedTls tls = shared->current_tls()) {
    enter(std::make_shared<Session<net::ssl::stream<tcp::socket>>>(shared, peer, std::move(socket), *tls));
  } else {
    enter(std::make_shared<Session<tcp::socket>>(shared, peer, std::move(socket)));
  }
}

net::awaitable<void> accept_all(std::shared_ptr<Shared> shared) {
  net::steady_timer pause(shared->io);
  while (!shared->stopping) {
    error_code ec;
    tcp::socket socket = co_await shared->acceptor.async_accept(net::redirect_error(net::use_awaitable, ec));
    if (shared->stopping) break;
    if (!ec) {
      admit(shared, std::move(socket));
      continue;
    }
    // Out of file descriptors, mostly: those that end make room.
    shared->meter->refused("accept");
    pause.expires_after(milliseconds(100));
    co_await pause.async_wait(net::redirect_error(net::use_awaitable, ec));
  }
}

class Listener final : public LumberjackSource {
 public:
  explicit Listener(std::shared_ptr<Shared> shared) : shared_(std::move(shared)) {}
  ~Listener() override { stop(milliseconds(500)); }

  core::Result<void> listen() {
    const LumberjackOptions& options = shared_->options;
    if (options.tls) {
      const auto reloaded = reload_certificates();
      if (!reloaded.ok()) return reloaded.error();
    }
    error_code ec;
    tcp::acceptor& acceptor = shared_->acceptor;
    const auto address = net::ip::make_address(options.address, ec);
    if (!ec) acceptor.open(address.is_v6() ? tcp::v6() : tcp::v4(), ec);
    if (!ec) acceptor.set_option(tcp::acceptor::reuse_address(true), ec);
    if (!ec) acceptor.bind({address, options.port}, ec);
    if (!ec) acceptor.listen(net::socket_base::max_listen_connections, ec);
    if (!ec) port_ = acceptor.local_endpoint(ec).port();
    if (ec) {
      return core::Error{core::ErrorCode::kIo, "listener '" + options.name + "' cannot listen on " + options.address +
                                                   " port " + std::to_string(options.port) + ": " + ec.message()};
    }
    net::co_spawn(shared_->io, accept_all(shared_), net::detached);
    network_ = std::thread([shared = shared_] { shared->io.run(); });
    return {};
  }
  [[nodiscard]] std::uint16_t port() const override { return port_; }

  core::Result<void> reload_certificates() override {
    if (!shared_->options.tls) return core::Error{core::ErrorCode::kUnsupported, "this listener does not speak TLS"};
    http::TlsContext context = TOCSIN_TRY(http::make_tls_context(*shared_->options.tls));
    auto fresh = std::make_shared<net::ssl::context>(context.release());
    const core::Lock lock(shared_->mutex);
    shared_->tls.swap(fresh);
    return {};
  }

  void stop(milliseconds grace) override {
    const core::Lock only_once(stop_mutex_);
    if (!network_.joinable()) return;
    const auto end = std::chrono::steady_clock::now() + grace;
    on_network([](Shared& shared) {
      shared.stopping = true;
      error_code ignored;
      shared.acceptor.close(ignored);
      for_each(shared, [](Connection& connection) { connection.begin_stop(); });
    });
    {
      core::Lock lock(shared_->mutex);
      while (shared_->open_count > 0 && std::chrono::steady_clock::now() < end) {
        lock.wait_for(shared_->changed, end - std::chrono::steady_clock::now());
      }
    }
    on_network([](Shared& shared) { for_each(shared, [](Connection& connection) { connection.force_close(); }); });
    network_.join();
  }

 private:
  template <class F>
  void on_network(F run) {
    net::post(shared_->io, [shared = shared_.get(), run] { run(*shared); });
  }
  template <class F>
  static void for_each(Shared& shared, F run) {
    const auto copy = shared.connections;
    for (const auto& [_, connection] : copy) run(*connection);
  }

  std::shared_ptr<Shared> shared_;
  std::thread network_;
  core::Mutex stop_mutex_;
  std::uint16_t port_ = 0;
};

}  // namespace

core::Result<std::unique_ptr<LumberjackSource>> LumberjackSource::start(LumberjackOptions options,
                                                                        const SourceContext& context) {
  if (!options.source && (!options.tls || options.tls->client_ca_path.empty())) {
    return core::Error{core::ErrorCode::kInvalid,
                       "listener '" + options.name + "' needs a source, or TLS with a client CA to tell sources by"};
  }
  try {
    auto listener = std::make_unique<Listener>(std::make_shared<Shared>(std::move(options), context));
    const auto listening = listener->listen();
    if (!listening.ok()) return listening.error();
    return std::unique_ptr<LumberjackSource>(std::move(listener));
  } catch (const std::exception& e) {
    return core::Error{core::ErrorCode::kIo, std::string("the Lumberjack listener cannot start: ") + e.what()};
  }
}

}  // namespace tocsin::source
