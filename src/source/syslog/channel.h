// Reads a connected, non-blocking socket, plain or through TLS. One thread. Neither opens nor closes the socket.
#pragma once
#include <cstddef>
#include <memory>
#include <string>

#include "http/tls_context.h"

namespace tocsin::source::syslog {

using SharedTlsContext = std::shared_ptr<SSL_CTX>;

class Channel {
 public:
  enum class Step : unsigned char { kDone, kWantsRead, kWantsWrite, kEnded };
  // Null: plain.
  Channel(int socket, const SharedTlsContext& tls);

  // kDone: reading may begin. Call again when the socket is ready for what it wants.
  Step shake_hands();
  // kDone: `got_bytes` bytes, at least one, were read into `buffer`.
  Step read(char* buffer, std::size_t size, std::size_t& got_bytes);
  // Whether there is something to read that the socket does not know of.
  [[nodiscard]] bool holds_bytes() const { return tls_ && SSL_has_pending(tls_.get()) == 1; }
  // RFC 2253, once hands are shaken; empty: none was verified.
  [[nodiscard]] std::string subject() const { return tls_ ? http::verified_subject(tls_.get()) : std::string(); }
  void say_goodbye();

 private:
  Step step_of(int result) const;
  int socket_;
  bool shaken_ = false;
  std::unique_ptr<SSL, void (*)(SSL*)> tls_;
};

}  // namespace tocsin::source::syslog
