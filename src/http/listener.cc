#include "http/listener.h"

#include "http/tls_context.h"

namespace tocsin::http {

namespace net = boost::asio;
using boost::system::error_code;
using net::ip::tcp;
using std::chrono::milliseconds;

namespace {

constexpr milliseconds kAcceptAgain{100};

std::string address_text(const net::ip::address& address) {
  if (address.is_v6() && address.to_v6().is_v4_mapped()) {
    return net::ip::make_address_v4(net::ip::v4_mapped, address.to_v6()).to_string();
  }
  return address.to_string();
}

}  // namespace

core::Result<void> Listener::listen() {
  if (options_.tls) {
    const auto reloaded = reload_certificates();
    if (!reloaded.ok()) return reloaded.error();
  }
  error_code ec;
  const auto address = net::ip::make_address(options_.address, ec);
  if (!ec) acceptor_.open(address.is_v6() ? tcp::v6() : tcp::v4(), ec);
  if (!ec) acceptor_.set_option(tcp::acceptor::reuse_address(true), ec);
  if (!ec) acceptor_.bind({address, options_.port}, ec);
  if (!ec) acceptor_.listen(net::socket_base::max_listen_connections, ec);
  if (!ec) port_ = acceptor_.local_endpoint(ec).port();
  if (ec) {
    return core::Error{core::ErrorCode::kIo, options_.title + " cannot listen on " + options_.address + " port " +
                                                 std::to_string(options_.port) + ": " + ec.message()};
  }
  net::co_spawn(io_, [this] { return accept_all(); }, net::detached);
  network_ = std::thread([this] { io_.run(); });
  return {};
}

core::Result<void> Listener::reload_certificates() {
  if (!options_.tls) return core::Error{core::ErrorCode::kUnsupported, options_.title + " does not speak TLS"};
  TlsContext context = TOCSIN_TRY(make_tls_context(*options_.tls));
  auto fresh = std::make_shared<net::ssl::context>(context.release());
  const core::Lock lock(mutex_);
  tls_.swap(fresh);
  return {};
}

net::awaitable<void> Listener::accept_all() {
  net::steady_timer pause(io_);
  while (!stopping_) {
    error_code ec;
    tcp::socket socket = co_await acceptor_.async_accept(net::redirect_error(net::use_awaitable, ec));
    if (stopping_) break;
    if (!ec) {
      admit(std::move(socket));
      continue;
    }
    // Out of file descriptors, mostly: those that end make room.
    refused(Refused::kAccept);
    pause.expires_after(kAcceptAgain);
    co_await pause.async_wait(net::redirect_error(net::use_awaitable, ec));
  }
}

void Listener::admit(Socket socket) {
  error_code ec;
  const tcp::endpoint remote = socket.remote_endpoint(ec);
  if (ec) return;
  const std::string peer = address_text(remote.address());
  if (connections_.size() >= options_.max_connections) return refused(Refused::kConnections);
  std::size_t& from_peer = per_address_[peer];
  if (from_peer >= options_.max_connections_per_address) {
    if (from_peer == 0) per_address_.erase(peer);
    return refused(Refused::kConnectionsPerAddress);
  }
  ++from_peer;
  socket.set_option(tcp::no_delay(true), ec);
  SharedTls tls;
  {
    const core::Lock lock(mutex_);
    tls = tls_;
  }
  const std::shared_ptr<ListenerConnection> connection = connect(std::move(socket), peer, tls);
  connections_.emplace(connection.get(), connection);
  count();
  connection->start();
}

void Listener::ended(ListenerConnection& connection, const std::string& peer) {
  const auto at = per_address_.find(peer);
  if (at != per_address_.end() && --at->second == 0) per_address_.erase(at);
  connections_.erase(&connection);
  count();
}

void Listener::count() {
  counted(connections_.size());
  {
    const core::Lock lock(mutex_);
    open_count_ = connections_.size();
  }
  changed_.notify_all();
}

template <class F>
void Listener::for_each(F run) {
  const auto copy = connections_;
  for (const auto& [_, connection] : copy) run(*connection);
}

void Listener::stop(milliseconds grace) {
  const core::Lock only_once(stop_mutex_);
  if (!network_.joinable()) return;
  const auto end = std::chrono::steady_clock::now() + grace;
  net::post(io_, [this] {
    stopping_ = true;
    error_code ignored;
    acceptor_.close(ignored);
    for_each([](ListenerConnection& connection) { connection.begin_stop(); });
  });
  {
    core::Lock lock(mutex_);
    while (open_count_ > 0 && std::chrono::steady_clock::now() < end) {
      lock.wait_for(changed_, end - std::chrono::steady_clock::now());
    }
  }
  net::post(io_, [this] { for_each([](ListenerConnection& connection) { connection.force_close(); }); });
  network_.join();
}

}  // namespace tocsin::http
