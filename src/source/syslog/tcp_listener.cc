// Every connection is a small state machine on the listener's thread: it waits for its socket, reads a turn, hands over what
// is due, and waits again. A connection whose batch found no room stands in a queue (blocked_) and reads nothing, and so
// does any that has something to read then. When there is room again the queue is served in order, so that a sender that
// fills the backlog takes turns with all others.
//
// A stop accepts what already stands in the kernel's queue, and reads of each connection as many bytes as had arrived by
// then: a sender that never pauses does not hold it up.
#include "source/syslog/tcp_listener.h"

#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <boost/asio.hpp>
#include <deque>
#include <limits>
#include <map>
#include <utility>
#include <vector>

#include "core/mutex.h"
#include "source/syslog/address.h"
#include "source/syslog/channel.h"

namespace tocsin::source::syslog {
namespace {

namespace net = boost::asio;
using boost::system::error_code;
using net::ip::tcp;
using std::chrono::nanoseconds;

constexpr std::size_t kReadBytes = 64u << 10;
constexpr std::size_t kAcceptsAtOnce = 64;
constexpr std::chrono::milliseconds kAcceptPause{100};
constexpr std::size_t kNoEnd = std::numeric_limits<std::size_t>::max();

// Members belong to the listener.
struct Connection {
  Connection(tcp::socket s, const Address& a, const SharedTlsContext& tls, std::size_t max_message_bytes)
      : socket(std::move(s)),
        address(a),
        peer(address_text(a)),
        channel(socket.native_handle(), tls),
        cutter(max_message_bytes) {}
  tcp::socket socket;
  const Address address;
  const std::string peer;
  Channel channel;
  FrameCutter cutter;
  Batch batch;
  std::shared_ptr<const SourceRef> from;  // Null: hands are not shaken yet.
  nanoseconds last_active{};
  std::size_t left_bytes = kNoEnd;  // Stopping: how much is still read.
  bool waiting = false;             // A handler is to come.
  bool blocked = false;             // In the queue for room.
  bool dirty = false;               // Listed for the next flush.
  bool ending = false;              // Nothing more is read; closed once the batch is handed over.
  bool closed = false;
};
using SharedConnection = std::shared_ptr<Connection>;

class TcpListener final : public Listener {
 public:
  explicit TcpListener(Setting setting)
      : set_(std::move(setting)),
        acceptor_(set_.io),
        pause_(set_.io),
        gauge_(set_.context.metrics.gauge("tocsin_source_connections", "Open connections.", {{"source", set_.ref->name}})) {}

  core::Result<void> listen() {
    if (set_.options.transport == SyslogTransport::kTls) {
      const auto loaded = reload_certificates();
      if (!loaded.ok()) return loaded.error();
    }
    error_code ec;
    const auto address = net::ip::make_address(set_.options.address, ec);
    if (!ec) acceptor_.open(address.is_v6() ? tcp::v6() : tcp::v4(), ec);
    if (!ec) acceptor_.set_option(tcp::acceptor::reuse_address(true), ec);
    if (!ec && address.is_v6()) acceptor_.set_option(net::ip::v6_only(false), ec);
    if (!ec) acceptor_.bind({address, set_.options.port}, ec);
    if (!ec) acceptor_.listen(net::socket_base::max_listen_connections, ec);
    if (!ec) acceptor_.non_blocking(true, ec);
    if (!ec) port_ = acceptor_.local_endpoint(ec).port();
    if (ec) return listen_error(set_.options, ec.message());
    wait_for_connections();
    return {};
  }

  [[nodiscard]] std::uint16_t port() const override { return port_; }
  core::Result<void> reload_certificates() override {
    if (set_.options.transport != SyslogTransport::kTls) {
      return core::Error{core::ErrorCode::kUnsupported, "syslog over plain TCP has no certificates"};
    }
    http::TlsContext fresh = TOCSIN_TRY(http::make_tls_context(set_.options.tls));
    SharedTlsContext shared(std::move(fresh));
    const core::Lock lock(tls_mutex_);
    tls_.swap(shared);
    return {};
  }

  void flush() override {
    std::vector<SharedConnection> dirty;
    dirty.swap(dirty_);
    for (const SharedConnection& c : dirty) {
      c->dirty = false;
      if (!c->closed && !c->blocked) hand_over(c);
    }
  }
  void resume() override {
    while (!blocked_.empty()) {
      const SharedConnection c = blocked_.front();
      if (!c->closed && !set_.handover.give(*c->from, c->peer, c->batch)) return;
      blocked_.pop_front();
      c->blocked = false;
      if (c->closed) continue;
      if (c->ending) {
        close(c);
      } else {
        go_on(c);
      }
    }
  }
  void sweep() override {
    const nanoseconds now = set_.context.clock.steady_now();
    for (const SharedConnection& c : all()) {
      if (c->blocked || c->ending) continue;
      const nanoseconds idle = now - c->last_active;
      if (!c->from && idle >= set_.options.limits.handshake_timeout) {
        refused("tls-handshake");
        close(c);
      } else if (c->from && idle >= set_.options.limits.idle_timeout) {
        refused("idle-timeout");
        end(c);
      }
    }
  }
  void begin_stop() override {
    accept_some(net::socket_base::max_listen_connections);
    stopping_ = true;
    error_code ignored;
    acceptor_.close(ignored);
    pause_.cancel();
    for (const SharedConnection& c : all()) {
      int arrived = 0;
      ::ioctl(c->socket.native_handle(), FIONREAD, &arrived);
      c->left_bytes = arrived > 0 ? static_cast<std::size_t>(arrived) : 0;
      if (c->channel.holds_bytes()) c->left_bytes += kReadBytes;
      if (c->blocked || c->ending) continue;
      if (c->left_bytes == 0) {
        end(c);
      } else {
        go_on(c);
      }
    }
    tell_if_drained();
  }
  void close() override {
    for (const SharedConnection& c : all()) {
      if (c->from) {
        finish_cutting(*c);
        Handover::give_up(*c->from, c->batch);
      }
      close(c);
    }
    blocked_.clear();
    dirty_.clear();
    error_code ignored;
    acceptor_.close(ignored);
    pause_.cancel();
  }

 private:
  [[nodiscard]] std::vector<SharedConnection> all() const {
    std::vector<SharedConnection> out;
    out.reserve(connections_.size());
    for (const auto& [_, c] : connections_) out.push_back(c);
    return out;
  }
  void refused(std::string_view cause) { set_.ref->meter->refused(cause); }

  void wait_for_connections() {
    acceptor_.async_wait(tcp::acceptor::wait_read, [this](error_code ec) {
      if (ec || stopping_) return;
      if (accept_some(kAcceptsAtOnce)) return wait_for_connections();
      // Out of file descriptors, mostly: connections that end make room.
      refused("accept");
      pause_.expires_after(kAcceptPause);
      pause_.async_wait([this](error_code cancelled) {
        if (!cancelled && !stopping_) wait_for_connections();
      });
    });
  }
  // False: the system would not give one that is there.
  bool accept_some(std::size_t count) {
    for (; count > 0; --count) {
      error_code ec;
      tcp::endpoint from;
      tcp::socket socket = acceptor_.accept(from, ec);
      if (ec == net::error::would_block || ec == net::error::try_again) return true;
      if (ec == net::error::connection_aborted) continue;
      if (ec) return false;
      admit(std::move(socket), address_of(from.data()));
    }
    return true;
  }
  void admit(tcp::socket socket, const Address& address) {
    const SyslogLimits& limits = set_.options.limits;
    if (connections_.size() >= limits.max_connections) return refused("connections");
    const auto held = per_address_.find(address);
    if (held != per_address_.end() && held->second >= limits.max_connections_per_address) {
      return refused("connections-per-address");
    }
    error_code ec;
    socket.non_blocking(true, ec);
    if (!ec) socket.set_option(net::socket_base::keep_alive(true), ec);
    if (ec) return;
    ++per_address_[address];
    SharedTlsContext tls;
    {
      const core::Lock lock(tls_mutex_);
      tls = tls_;
    }
    const auto c = std::make_shared<Connection>(std::move(socket), address, tls, limits.max_message_bytes);
    if (!tls) c->from = set_.ref;
    c->last_active = set_.context.clock.steady_now();
    connections_[c.get()] = c;
    gauge_.set(static_cast<double>(connections_.size()));
    go_on(c);
  }

  void go_on(const SharedConnection& c) {
    if (std::exchange(c->waiting, true)) return;
    net::post(set_.io, [this, c] {
      c->waiting = false;
      serve(c);
    });
  }
  void wait(const SharedConnection& c, Channel::Step wanted) {
    if (std::exchange(c->waiting, true)) return;
    const auto what = wanted == Channel::Step::kWantsWrite ? tcp::socket::wait_write : tcp::socket::wait_read;
    c->socket.async_wait(what, [this, c](error_code) {
      c->waiting = false;
      serve(c);
    });
  }

  void serve(const SharedConnection& c) {
    if (c->closed || c->blocked || c->ending) return;
    if (!c->from && !shake_hands(c)) return;
    if (!blocked_.empty()) return queue(c);
    std::size_t turn_bytes = 0;
    while (turn_bytes < kTurnBytes) {
      std::size_t got = 0;
      const Channel::Step step = c->channel.read(buffer_.data(), buffer_.size(), got);
      if (step == Channel::Step::kEnded || (step != Channel::Step::kDone && c->left_bytes != kNoEnd)) return end(c);
      if (step != Channel::Step::kDone) {
        mark_dirty(c);
        return wait(c, step);
      }
      turn_bytes += got;
      cut(*c, {buffer_.data(), got});
      if (c->left_bytes != kNoEnd) {
        c->left_bytes -= std::min(c->left_bytes, got);
        if (c->left_bytes == 0) return end(c);
      }
      if (c->batch.bytes.size() >= kFullBatchBytes && !hand_over(c)) return;
    }
    mark_dirty(c);
    go_on(c);
  }
  // True: reading may begin.
  bool shake_hands(const SharedConnection& c) {
    const Channel::Step step = c->channel.shake_hands();
    if (step == Channel::Step::kEnded) {
      refused("tls-handshake");
      close(c);
    } else if (step != Channel::Step::kDone && stopping_) {
      close(c);
    } else if (step != Channel::Step::kDone) {
      wait(c, step);
    }
    if (step != Channel::Step::kDone) return false;
    c->from = set_.ref;
    c->last_active = set_.context.clock.steady_now();
    if (const std::string subject = c->channel.subject(); !subject.empty()) {
      if (auto known = set_.context.directory.by_certificate(subject)) {
        c->from = std::make_shared<const SourceRef>(std::move(*known));
      }
    }
    return true;
  }

  void cut(Connection& c, std::string_view bytes) {
    c.last_active = set_.context.clock.steady_now();
    FrameTroubles troubles;
    c.cutter.feed(bytes, c.batch, troubles);
    if (troubles.any()) count(c, troubles);
  }
  void finish_cutting(Connection& c) {
    if (c.ending) return;
    FrameTroubles troubles;
    c.cutter.finish(c.batch, troubles);
    if (troubles.any()) count(c, troubles);
  }
  static void count(const Connection& c, const FrameTroubles& troubles) {
    SourceMeter& meter = *c.from->meter;
    if (troubles.too_long > 0) meter.refused("too-long", troubles.too_long);
    if (troubles.bad_frame > 0) meter.refused("bad-frame", troubles.bad_frame);
    if (troubles.cut_off > 0) meter.refused("cut-off", troubles.cut_off);
  }

  void mark_dirty(const SharedConnection& c) {
    if (c->batch.message_count == 0 || std::exchange(c->dirty, true)) return;
    dirty_.push_back(c);
    set_.want_flush();
  }
  // False: there is no room, the connection stands in the queue.
  bool hand_over(const SharedConnection& c) {
    if (set_.handover.give(*c->from, c->peer, c->batch)) return true;
    queue(c);
    return false;
  }
  void queue(const SharedConnection& c) {
    c->blocked = true;
    blocked_.push_back(c);
  }
  void end(const SharedConnection& c) {
    if (!c->from) return close(c);
    finish_cutting(*c);
    c->ending = true;
    if (hand_over(c)) close(c);
  }
  void close(const SharedConnection& c) {
    if (std::exchange(c->closed, true)) return;
    c->channel.say_goodbye();
    error_code ignored;
    c->socket.close(ignored);
    const auto held = per_address_.find(c->address);
    if (held != per_address_.end() && --held->second == 0) per_address_.erase(held);
    connections_.erase(c.get());
    gauge_.set(static_cast<double>(connections_.size()));
    tell_if_drained();
  }
  void tell_if_drained() {
    if (stopping_ && connections_.empty() && !std::exchange(told_, true)) set_.drained();
  }

  Setting set_;
  tcp::acceptor acceptor_;
  net::steady_timer pause_;
  core::Gauge& gauge_;
  std::uint16_t port_ = 0;
  core::Mutex tls_mutex_;
  SharedTlsContext tls_ GUARDED_BY(tls_mutex_);
  std::map<Connection*, SharedConnection> connections_;
  std::map<Address, std::size_t> per_address_;
  std::deque<SharedConnection> blocked_;
  std::vector<SharedConnection> dirty_;
  std::array<char, kReadBytes> buffer_{};
  bool stopping_ = false, told_ = false;
};

}  // namespace

core::Result<std::unique_ptr<Listener>> listen_tcp(Setting setting) {
  auto listener = std::make_unique<TcpListener>(std::move(setting));
  const auto listening = listener->listen();
  if (!listening.ok()) return listening.error();
  return std::unique_ptr<Listener>(std::move(listener));
}

}  // namespace tocsin::source::syslog
