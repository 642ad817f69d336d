#include "store/frames.h"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace tocsin::store {
namespace {

void put(std::string& out, std::string_view text) {
  const auto size = static_cast<std::uint32_t>(text.size());
  out.append(reinterpret_cast<const char*>(&size), sizeof size);
  out.append(text);
}

bool take(std::string_view& in, std::string* text) {
  std::uint32_t size = 0;
  if (in.size() < sizeof size) return false;
  std::memcpy(&size, in.data(), sizeof size);
  in.remove_prefix(sizeof size);
  if (in.size() < size) return false;
  *text = in.substr(0, size);
  in.remove_prefix(size);
  return true;
}

// One recvmsg; keeps the first descriptor that comes along.
ssize_t receive_some(int socket, char* out, std::size_t bytes, Fd* fd) {
  iovec part{out, bytes};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  if (fd != nullptr) {
    message.msg_control = control;
    message.msg_controllen = sizeof control;
  }
  ssize_t got = 0;
  do {
    got = ::recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
  } while (got < 0 && errno == EINTR);
  if (got <= 0 || fd == nullptr) return got;
  const cmsghdr* head = CMSG_FIRSTHDR(&message);
  if (head != nullptr && head->cmsg_level == SOL_SOCKET && head->cmsg_type == SCM_RIGHTS) {
    int passed = -1;
    std::memcpy(&passed, CMSG_DATA(head), sizeof passed);
    *fd = Fd(passed);
  }
  return got;
}

}  // namespace

Fd& Fd::operator=(Fd&& other) noexcept {
  if (this != &other) {
    reset();
    fd_ = other.release();
  }
  return *this;
}
int Fd::release() { return std::exchange(fd_, -1); }
void Fd::reset() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

core::Result<void> send_all(int socket, std::string_view bytes, int fd) {
  bool pass = fd >= 0;
  while (!bytes.empty()) {
    iovec part{const_cast<char*>(bytes.data()), bytes.size()};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    if (pass) {
      message.msg_control = control;
      message.msg_controllen = sizeof control;
      cmsghdr* head = CMSG_FIRSTHDR(&message);
      head->cmsg_level = SOL_SOCKET;
      head->cmsg_type = SCM_RIGHTS;
      head->cmsg_len = CMSG_LEN(sizeof fd);
      std::memcpy(CMSG_DATA(head), &fd, sizeof fd);
    }
    const ssize_t sent = ::sendmsg(socket, &message, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0)
      return core::Error{core::ErrorCode::kIo, std::string("store: the engine's process is gone: ") + ::strerror(errno)};
    pass = false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return {};
}

bool receive_all(int socket, char* out, std::size_t bytes, Fd* fd) {
  while (bytes > 0) {
    const ssize_t got = receive_some(socket, out, bytes, fd);
    if (got <= 0) return false;
    out += got;
    bytes -= static_cast<std::size_t>(got);
    if (fd != nullptr && fd->valid()) fd = nullptr;
  }
  return true;
}

core::Result<void> send_request(int socket, const Request& request, int fd) {
  std::string body(1, static_cast<char>(request.kind));
  put(body, request.sql);
  put(body, request.format);
  for (const std::string& setting : request.settings) put(body, setting);
  if (body.size() > kMaxRequestBytes)
    return core::Error{core::ErrorCode::kLimit, "store: the statement is longer than 1 MB"};
  const auto size = static_cast<std::uint32_t>(body.size());
  body.insert(0, reinterpret_cast<const char*>(&size), sizeof size);
  return send_all(socket, body, fd);
}

bool receive_request(int socket, Request* request, Fd* fd) {
  std::uint32_t size = 0;
  if (!receive_all(socket, reinterpret_cast<char*>(&size), sizeof size, fd)) return false;
  if (size < 1 || size > kMaxRequestBytes) return false;
  std::string body(size, '\0');
  if (!receive_all(socket, body.data(), body.size())) return false;
  std::string_view in = body;
  request->kind = static_cast<RequestKind>(in[0]);
  in.remove_prefix(1);
  if (request->kind > RequestKind::kInsert || !take(in, &request->sql) || !take(in, &request->format)) return false;
  std::string setting;
  while (!in.empty()) {
    if (!take(in, &setting)) return false;
    request->settings.push_back(setting);
  }
  return true;
}

bool send_frame(int socket, FrameKind kind, std::string_view bytes) {
  do {
    const std::string_view part = bytes.substr(0, kMaxFrameBytes);
    const FrameHeader header{kind, static_cast<std::uint32_t>(part.size())};
    std::string frame(sizeof header, '\0');
    std::memcpy(frame.data(), &header, sizeof header);
    frame += part;
    if (!send_all(socket, frame).ok()) return false;
    bytes.remove_prefix(part.size());
  } while (!bytes.empty());
  return true;
}

}  // namespace tocsin::store
