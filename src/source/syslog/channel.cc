#include "source/syslog/channel.h"

#include <openssl/err.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

namespace tocsin::source::syslog {

Channel::Channel(int socket, const SharedTlsContext& tls)
    : socket_(socket), tls_(tls ? SSL_new(tls.get()) : nullptr, SSL_free) {
  if (tls_) SSL_set_fd(tls_.get(), socket);
  shaken_ = !tls;
}

Channel::Step Channel::shake_hands() {
  if (shaken_) return Step::kDone;
  if (!tls_) return Step::kEnded;  // No memory for it.
  ERR_clear_error();
  const int result = SSL_accept(tls_.get());
  if (result != 1) return step_of(result);
  shaken_ = true;
  return Step::kDone;
}

Channel::Step Channel::read(char* buffer, std::size_t size, std::size_t& got_bytes) {
  if (tls_) {
    ERR_clear_error();
    const int result = SSL_read_ex(tls_.get(), buffer, size, &got_bytes);
    return result == 1 ? Step::kDone : step_of(result);
  }
  while (true) {
    const ssize_t got = ::recv(socket_, buffer, size, 0);
    if (got > 0) {
      got_bytes = static_cast<std::size_t>(got);
      return Step::kDone;
    }
    if (got == 0) return Step::kEnded;
    if (errno != EINTR) return errno == EAGAIN || errno == EWOULDBLOCK ? Step::kWantsRead : Step::kEnded;
  }
}

void Channel::say_goodbye() {
  if (!tls_ || !shaken_) return;
  ERR_clear_error();
  SSL_shutdown(tls_.get());
  ERR_clear_error();
}

Channel::Step Channel::step_of(int result) const {
  const int error = SSL_get_error(tls_.get(), result);
  ERR_clear_error();
  if (error == SSL_ERROR_WANT_READ) return Step::kWantsRead;
  if (error == SSL_ERROR_WANT_WRITE) return Step::kWantsWrite;
  return Step::kEnded;
}

}  // namespace tocsin::source::syslog
