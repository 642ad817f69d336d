// What the source's thread drives: a listener on one socket. Its functions run on the thread of `io`.
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "core/result.h"
#include "source/live.h"
#include "source/syslog.h"
#include "source/syslog/handover.h"

namespace boost::asio {
class io_context;
}

namespace tocsin::source::syslog {

// A batch of this size is handed over at once, a smaller one after a moment (kFlushTime in syslog.cc).
inline constexpr std::size_t kFullBatchBytes = 64u << 10;
// What is read of one socket before the others get their turn.
inline constexpr std::size_t kTurnBytes = 256u << 10;

// What a listener is given. All outlive it.
struct Setting {
  boost::asio::io_context& io;
  const SyslogOptions& options;
  const std::shared_ptr<const SourceRef>& ref;  // Of the listener.
  const SourceContext& context;
  Handover& handover;
  std::function<void()> want_flush;  // flush() soon, please.
  std::function<void()> drained;     // After begin_stop(): nothing is left to hand over.
};

class Listener {
 public:
  virtual ~Listener() = default;
  [[nodiscard]] virtual std::uint16_t port() const = 0;  // Any thread.
  virtual core::Result<void> reload_certificates() = 0;  // Any thread.
  virtual void flush() = 0;                              // Hands over what has waited.
  virtual void resume() = 0;                             // There may be room again.
  virtual void sweep() = 0;                              // Every half second: what depends on time.
  virtual void begin_stop() = 0;                         // Takes nothing new, reads what has arrived, calls drained().
  virtual void close() = 0;                              // Gives up what is left; no handler stays behind.
};

core::Error listen_error(const SyslogOptions& options, const std::string& why);

}  // namespace tocsin::source::syslog
