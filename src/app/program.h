// All of `tocsin serve`: built from a configuration, joined by queues, stopped in reverse order.
#pragma once
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "app/config.h"
#include "core/clock.h"
#include "core/result.h"

namespace tocsin::app {

struct ProgramOptions {
  std::string content_folder;  // Of rules and mappings; empty: built in.
  std::string version;
  std::string store_program;   // The tocsin binary; empty: this one.
  std::string admin_password;  // Not empty, and no user yet: makes the user "admin".
  std::function<void()> beat;  // Called each second while all is well.
};

class Program {
 public:
  // Up and receiving when it returns. An error says what, where, and what to do.
  static core::Result<std::unique_ptr<Program>> start(Config config, ProgramOptions options);
  virtual ~Program() = default;
  // Sources first, then what they have given is made safe. Within `grace` but for what a disk holds up.
  virtual void stop(std::chrono::milliseconds grace) = 0;
  virtual void reload() = 0;  // Rules and certificates.

  [[nodiscard]] virtual std::uint16_t port() const = 0;
  [[nodiscard]] virtual std::string address() const = 0;      // "https://127.0.0.1:8443"
  [[nodiscard]] virtual std::string setup_link() const = 0;   // Empty: there are users.
  [[nodiscard]] virtual std::string fingerprint() const = 0;  // SHA-256 of the certificate.
  // What an operator should see at the start, a line each.
  [[nodiscard]] virtual std::string summary() const = 0;
  [[nodiscard]] virtual bool healthy() const = 0;
};

// The `serve` command.
int run_serve_command(const std::vector<std::string>& arguments);

}  // namespace tocsin::app
