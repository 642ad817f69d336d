// The source: a listener, its thread, the timers, and the order of a stop.
//
// Everything of the listener runs on the one thread. An answer of the Intake may come on any thread, and after the source is
// gone: the handover then still has its own share of the io_context, where the woken handler simply never runs.
#include "source/syslog.h"

#include <pthread.h>

#include <boost/asio.hpp>
#include <condition_variable>
#include <csignal>
#include <exception>
#include <thread>
#include <utility>

#include "core/log.h"
#include "core/mutex.h"
#include "source/syslog/handover.h"
#include "source/syslog/listener.h"
#include "source/syslog/tcp_listener.h"
#include "source/syslog/udp_listener.h"

namespace tocsin::source {
namespace syslog {

core::Error listen_error(const SyslogOptions& options, const std::string& why) {
  return {core::ErrorCode::kIo,
          "syslog cannot listen on " + options.address + " port " + std::to_string(options.port) + ": " + why};
}

namespace {

namespace net = boost::asio;
using boost::system::error_code;
using std::chrono::milliseconds;

// A batch waits this long for more, so that senders of single messages cost one delivery for many.
constexpr milliseconds kFlushTime{5};
constexpr milliseconds kSweepTime{500};
constexpr milliseconds kRetryTime{500};

class Source final : public SyslogSource {
 public:
  Source(SyslogOptions options, SourceRef ref, SourceContext context)
      : options_(std::move(options)), ref_(std::make_shared<const SourceRef>(std::move(ref))), context_(context) {}
  ~Source() override { stop(milliseconds(0)); }

  core::Result<void> start() {
    handover_ = std::make_shared<Handover>(context_, ref_->meter, options_.limits.max_backlog_bytes,
                                           [io = io_, this] { net::post(*io, [this] { woken(); }); });
    Setting setting{*io_, options_, ref_, context_, *handover_, [this] { want_flush(); }, [this] { drained(); }};
    const bool udp = options_.transport == SyslogTransport::kUdp;
    listener_ = TOCSIN_TRY(udp ? listen_udp(std::move(setting)) : listen_tcp(std::move(setting)));
    sweep_later();
    thread_ = std::thread([this] { run(); });
    return {};
  }

  [[nodiscard]] std::uint16_t port() const override { return listener_->port(); }
  core::Result<void> reload_certificates() override { return listener_->reload_certificates(); }
  void stop(milliseconds grace) override {
    const core::Lock only_once(stop_mutex_);
    if (!thread_.joinable()) return;
    const auto until = std::chrono::steady_clock::now() + grace;
    net::post(*io_, [this] { listener_->begin_stop(); });
    {
      core::Lock lock(mutex_);
      while (!drained_ && std::chrono::steady_clock::now() < until) {
        lock.wait_for(changed_, until - std::chrono::steady_clock::now());
      }
    }
    const auto left = std::chrono::ceil<milliseconds>(until - std::chrono::steady_clock::now());
    const bool all = handover_->wait_empty(std::max(left, milliseconds(0)));
    net::post(*io_, [this] { close(); });
    thread_.join();
    if (!all) {
      core::log(core::LogLevel::kWarning, "syslog", "'" + ref_->name + "' stopped before all it received was stored");
    }
  }

 private:
  void run() {
    // OpenSSL writes into sockets that the peer may have closed.
    sigset_t pipe;
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe, nullptr);
    io_->run();
  }
  void woken() {
    if (closed_) return;
    listener_->resume();
    if (!handover_->has_refused() || std::exchange(retrying_, true)) return;
    retry_timer_.expires_after(kRetryTime);
    retry_timer_.async_wait([this](error_code ec) {
      retrying_ = false;
      if (!ec && !closed_) handover_->try_again();
    });
  }
  void want_flush() {
    if (std::exchange(flushing_, true)) return;
    flush_timer_.expires_after(kFlushTime);
    flush_timer_.async_wait([this](error_code ec) {
      flushing_ = false;
      if (!ec && !closed_) listener_->flush();
    });
  }
  void sweep_later() {
    sweep_timer_.expires_after(kSweepTime);
    sweep_timer_.async_wait([this](error_code ec) {
      if (ec || closed_) return;
      listener_->sweep();
      sweep_later();
    });
  }
  void drained() {
    const core::Lock lock(mutex_);
    drained_ = true;
    changed_.notify_all();
  }
  // Nothing keeps run() from returning after this but handlers that are already on their way.
  void close() {
    closed_ = true;
    listener_->close();
    handover_->stop();
    flush_timer_.cancel();
    sweep_timer_.cancel();
    retry_timer_.cancel();
    work_.reset();
  }

  const SyslogOptions options_;
  const std::shared_ptr<const SourceRef> ref_;
  const SourceContext context_;
  const std::shared_ptr<net::io_context> io_ = std::make_shared<net::io_context>(1);
  net::executor_work_guard<net::io_context::executor_type> work_{io_->get_executor()};
  net::steady_timer flush_timer_{*io_}, sweep_timer_{*io_}, retry_timer_{*io_};
  bool flushing_ = false, retrying_ = false, closed_ = false;
  std::shared_ptr<Handover> handover_;
  std::unique_ptr<Listener> listener_;
  std::thread thread_;
  core::Mutex stop_mutex_;
  core::Mutex mutex_;
  std::condition_variable changed_;
  bool drained_ GUARDED_BY(mutex_) = false;
};

core::Result<void> check(const SyslogOptions& options) {
  const SyslogLimits& limits = options.limits;
  if (limits.max_message_bytes < kMinSyslogMessageBytes || limits.max_message_bytes > kMaxSyslogMessageBytes) {
    return core::Error{core::ErrorCode::kInvalid, "the longest syslog message must be " +
                                                      std::to_string(kMinSyslogMessageBytes) + " to " +
                                                      std::to_string(kMaxSyslogMessageBytes) + " bytes, not " +
                                                      std::to_string(limits.max_message_bytes)};
  }
  if (limits.max_connections == 0 || limits.max_connections_per_address == 0) {
    return core::Error{core::ErrorCode::kInvalid, "a syslog listener must allow at least one connection"};
  }
  return {};
}

}  // namespace
}  // namespace syslog

core::Result<std::unique_ptr<SyslogSource>> start_syslog(SyslogOptions options, SourceRef ref, SourceContext context) {
  const auto checked = syslog::check(options);
  if (!checked.ok()) return checked.error();
  try {
    auto source = std::make_unique<syslog::Source>(std::move(options), std::move(ref), context);
    const auto started = source->start();
    if (!started.ok()) return started.error();
    return std::unique_ptr<SyslogSource>(std::move(source));
  } catch (const std::exception& e) {
    return core::Error{core::ErrorCode::kIo, std::string("syslog cannot start: ") + e.what()};
  }
}

}  // namespace tocsin::source
