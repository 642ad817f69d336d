// Tells the service manager (systemd) how the program is: sd_notify's protocol over $NOTIFY_SOCKET, without its library.
//
// Any thread. Does nothing where the program was not started by such a manager. A message that cannot be sent within
// kNotifyWait is dropped: the manager must not be able to hold the program.
#pragma once
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/result.h"

namespace tocsin::app {

inline constexpr std::chrono::milliseconds kNotifyWait{500};

class Notifier {
 public:
  // Of NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID; read here, once.
  static Notifier from_environment();
  Notifier();  // Tells nobody.
  ~Notifier();
  Notifier(Notifier&&) noexcept;
  Notifier& operator=(Notifier&&) noexcept;

  [[nodiscard]] bool active() const { return impl_ != nullptr; }
  // `status`: one line for `systemctl status`.
  void ready(std::string_view status = {}) const;
  void status(std::string_view text) const;
  void stopping(std::string_view status = {}) const;
  void reloading() const;  // Then ready() once it is done.
  void watchdog() const;
  void extend_timeout(std::chrono::microseconds by) const;  // While a long start or stop makes progress.
  // How often watchdog() is to be called: half of what the manager allows. Empty: it does not ask.
  [[nodiscard]] std::optional<std::chrono::microseconds> watchdog_interval() const { return watchdog_interval_; }

 private:
  struct Impl;
  void send(std::string_view message) const;
  std::unique_ptr<Impl> impl_;
  std::optional<std::chrono::microseconds> watchdog_interval_;
};

}  // namespace tocsin::app
