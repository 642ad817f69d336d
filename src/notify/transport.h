// Brings a mail to a server and a webhook to its receiver. libcurl stays in the .cc.
//
// Any thread; each call its own connection and at most kDeliveryTime. Certificates are verified; redirects are not followed,
// proxies of the environment not asked. Webhooks go to no address that is this host's (where not allowed), link-local or no
// host's, whatever a name stands for at that moment.
#pragma once
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/secret.h"

namespace tocsin::notify {

inline constexpr std::chrono::milliseconds kDeliveryTime{20'000}, kConnectTime{10'000};
inline constexpr std::size_t kMaxAnswerBytes = 64 * 1024;  // Of a receiver; more ends the call.

struct SmtpServer {
  enum class Tls : std::uint8_t { kStartTls, kTls, kNone } tls = Tls::kStartTls;
  std::string server;  // Empty: no mail is sent.
  std::uint16_t port = 587;
  std::string from, user;
  core::Secret password;
};
struct TransportOptions {
  SmtpServer smtp;
  bool allow_loopback = false;  // For webhooks.
  std::string ca;               // PEM file of authorities instead of the system's; empty: those.
};

struct Outcome {
  bool delivered = false;
  bool permanent = false;  // Trying again will not help.
  std::string problem;     // For people; holds no address of a webhook, which may be a secret.
};

class Transport {
 public:
  // `stopping`: ends calls under way. Must outlive it.
  Transport(TransportOptions options, const std::atomic<bool>& stopping);
  ~Transport();
  [[nodiscard]] const TransportOptions& options() const { return options_; }
  [[nodiscard]] Outcome mail(const std::vector<std::string>& to, const std::string& text) const;
  [[nodiscard]] Outcome post(const std::string& url, const std::string& json, const std::vector<std::string>& headers) const;

 private:
  const TransportOptions options_;
  const std::atomic<bool>& stopping_;
};

}  // namespace tocsin::notify
