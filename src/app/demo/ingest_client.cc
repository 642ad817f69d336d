#include "app/demo/ingest_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/beast/http.hpp>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <utility>

namespace tocsin::app {
namespace {

constexpr std::size_t kMaxAnswerBytes = 1u << 20;

template <auto Free>
struct Freer {
  template <class T>
  void operator()(T* pointer) const {
    Free(pointer);
  }
};
using Certificate = std::unique_ptr<X509, Freer<X509_free>>;
using Context = std::unique_ptr<SSL_CTX, Freer<SSL_CTX_free>>;
using Session = std::unique_ptr<SSL, Freer<SSL_free>>;

class Socket {
 public:
  explicit Socket(int descriptor = -1) : descriptor_(descriptor) {}
  ~Socket() { reset(); }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  void reset(int descriptor = -1) {
    if (descriptor_ >= 0) ::close(descriptor_);
    descriptor_ = descriptor;
  }
  [[nodiscard]] int get() const { return descriptor_; }

 private:
  int descriptor_;
};

std::string library_error() {
  const unsigned long code = ERR_get_error();
  const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  ERR_clear_error();
  return reason == nullptr ? "the connection was closed" : reason;
}

core::Result<Certificate> read_certificate(const std::string& path) {
  std::unique_ptr<std::FILE, Freer<std::fclose>> file(std::fopen(path.c_str(), "re"));
  if (!file) return core::Error{core::ErrorCode::kNotFound, "cannot read " + path + ": " + std::strerror(errno)};
  Certificate out(PEM_read_X509(file.get(), nullptr, nullptr, nullptr));
  if (!out) return core::Error{core::ErrorCode::kInvalid, path + " holds no certificate in PEM"};
  return out;
}

class Client final : public IngestClient {
 public:
  Client(IngestTarget target, Certificate certificate, Context context)
      : target_(std::move(target)), certificate_(std::move(certificate)), context_(std::move(context)) {}

  core::Result<Answer> post(std::string_view format, std::string_view once_key, std::string_view body) override {
    std::string request = "POST /api/v1/ingest/" + target_.source + "?format=" + std::string(format) +
                          " HTTP/1.1\r\nHost: " + host() + "\r\nAuthorization: Bearer ";
    request.append(target_.token.reveal());
    request += "\r\nContent-Type: application/octet-stream\r\nIdempotency-Key: ";
    request.append(once_key) += "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n";
    request += body;
    const bool was_open = session_ != nullptr;
    auto answer = exchange(request);
    // The server may have closed a connection it had no more use for.
    if (!answer.ok() && was_open) answer = exchange(request);
    return answer;
  }

  core::Result<Answer> post_to(std::string_view path, std::string_view body) override {
    std::string request = "POST " + std::string(path) + " HTTP/1.1\r\nHost: " + host() + "\r\nAuthorization: Bearer ";
    request.append(target_.token.reveal());
    request += "\r\nContent-Type: text/plain\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n";
    request += body;
    return exchange(request);
  }

 private:
  [[nodiscard]] std::string host() const {
    const bool is_v6 = target_.address.find(':') != std::string::npos;
    return (is_v6 ? "[" + target_.address + "]" : target_.address) + ":" + std::to_string(target_.port);
  }
  core::Error failed(const std::string& text) {
    session_.reset();
    socket_.reset();
    return {core::ErrorCode::kIo, host() + ": " + text};
  }

  core::Result<void> open_socket();
  core::Result<void> connect();
  core::Result<Answer> exchange(const std::string& request);
  core::Result<Answer> read_answer();

  const IngestTarget target_;
  const Certificate certificate_;
  const Context context_;
  Socket socket_;
  Session session_;
};

core::Result<void> Client::open_socket() {
  sockaddr_storage address{};
  socklen_t size = 0;
  auto& v4 = reinterpret_cast<sockaddr_in&>(address);
  auto& v6 = reinterpret_cast<sockaddr_in6&>(address);
  if (::inet_pton(AF_INET, target_.address.c_str(), &v4.sin_addr) == 1) {
    v4.sin_family = AF_INET;
    v4.sin_port = htons(target_.port);
    size = sizeof v4;
  } else if (::inet_pton(AF_INET6, target_.address.c_str(), &v6.sin6_addr) == 1) {
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(target_.port);
    size = sizeof v6;
  } else {
    return core::Error{core::ErrorCode::kInvalid, target_.address + " is no address"};
  }
  socket_.reset(::socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const timeval wait{target_.timeout.count(), 0};
  const int on = 1;
  ::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
  ::setsockopt(socket_.get(), SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait);  // Of connect() too.
  ::setsockopt(socket_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (::connect(socket_.get(), reinterpret_cast<const sockaddr*>(&address), size) != 0) {
    core::Error error = failed(std::strerror(errno));
    error.code = core::ErrorCode::kNotFound;
    return error;
  }
  return {};
}

core::Result<void> Client::connect() {
  TOCSIN_TRY(open_socket());
  session_.reset(SSL_new(context_.get()));
  if (!session_ || SSL_set_fd(session_.get(), socket_.get()) != 1) return failed(library_error());
  ERR_clear_error();
  if (SSL_connect(session_.get()) != 1) return failed("no TLS connection: " + library_error());
  const Certificate shown(SSL_get1_peer_certificate(session_.get()));
  if (!shown || X509_cmp(shown.get(), certificate_.get()) != 0) {
    core::Error error = failed("it does not show the certificate of " + target_.certificate_path);
    error.code = core::ErrorCode::kDenied;
    return error;
  }
  return {};
}

core::Result<IngestClient::Answer> Client::exchange(const std::string& request) {
  if (!session_) TOCSIN_TRY(connect());
  ERR_clear_error();
  std::size_t written = 0;
  // Without partial writes it is all or nothing.
  if (SSL_write_ex(session_.get(), request.data(), request.size(), &written) != 1) return failed(library_error());
  return read_answer();
}

core::Result<IngestClient::Answer> Client::read_answer() {
  namespace http = boost::beast::http;
  http::response_parser<http::string_body> parser;
  parser.body_limit(kMaxAnswerBytes);
  parser.eager(true);
  std::string pending;
  boost::beast::error_code error;
  while (!parser.is_done()) {
    char buffer[4096];
    std::size_t size = 0;
    if (pending.size() > kMaxAnswerBytes) return failed("its answer is too long");
    if (SSL_read_ex(session_.get(), buffer, sizeof buffer, &size) != 1) {
      const bool late = SSL_get_error(session_.get(), 0) == SSL_ERROR_WANT_READ || errno == EAGAIN;
      return failed(late ? "no answer within " + std::to_string(target_.timeout.count()) + " s" : library_error());
    }
    pending.append(buffer, size);
    while (!pending.empty() && !parser.is_done()) {
      const std::size_t used = parser.put(boost::asio::buffer(pending), error);
      pending.erase(0, used);
      if (error == http::error::need_more) break;
      if (error) return failed("what answers is no HTTP server: " + error.message());
    }
  }
  const auto& message = parser.get();
  Answer out;
  out.status = static_cast<int>(message.result_int());
  const auto wait = message[http::field::retry_after];
  int seconds = 0;
  std::from_chars(wait.data(), wait.data() + wait.size(), seconds);
  out.retry_after = std::chrono::seconds(seconds);
  out.body = message.body();
  if (!message.keep_alive()) {
    session_.reset();
    socket_.reset();
  }
  return out;
}

}  // namespace

core::Result<std::unique_ptr<IngestClient>> IngestClient::create(IngestTarget target) {
  Certificate certificate = TOCSIN_TRY(read_certificate(target.certificate_path));
  Context context(SSL_CTX_new(TLS_client_method()));
  if (!context || SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION) != 1)
    return core::Error{core::ErrorCode::kIo, "TLS: " + library_error()};
  // Who it is, connect() checks itself, before anything is sent.
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_NONE, nullptr);
  return std::unique_ptr<IngestClient>(
      std::make_unique<Client>(std::move(target), std::move(certificate), std::move(context)));
}

}  // namespace tocsin::app
