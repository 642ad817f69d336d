#include "app/notify.h"

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <utility>

namespace tocsin::app {
namespace {

constexpr std::size_t kMaxStatusBytes = 512;

std::optional<std::uint64_t> number_of(const char* name) {
  const char* text = std::getenv(name);
  if (text == nullptr) return std::nullopt;
  std::uint64_t value = 0;
  const char* end = text + std::strlen(text);
  const auto [at, error] = std::from_chars(text, end, value);
  if (error != std::errc() || at != end) return std::nullopt;
  return value;
}

// One line: a line break would begin another assignment.
std::string status_line(std::string_view text) {
  if (text.empty()) return {};
  std::string out = "\nSTATUS=" + std::string(text.substr(0, kMaxStatusBytes));
  std::replace_if(out.begin() + 1, out.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20; }, ' ');
  return out;
}

}  // namespace

struct Notifier::Impl {
  int fd = -1;
  sockaddr_un address{};
  socklen_t address_bytes = 0;
  ~Impl() {
    if (fd >= 0) ::close(fd);
  }
};

Notifier::Notifier() = default;
Notifier::~Notifier() = default;
Notifier::Notifier(Notifier&&) noexcept = default;
Notifier& Notifier::operator=(Notifier&&) noexcept = default;

Notifier Notifier::from_environment() {
  Notifier out;
  const char* path = std::getenv("NOTIFY_SOCKET");
  if (path == nullptr || (path[0] != '/' && path[0] != '@')) return out;
  auto impl = std::make_unique<Impl>();
  const std::size_t size_bytes = std::strlen(path);
  if (size_bytes < 2 || size_bytes >= sizeof impl->address.sun_path) return out;
  impl->address.sun_family = AF_UNIX;
  std::memcpy(impl->address.sun_path, path, size_bytes);
  if (path[0] == '@') impl->address.sun_path[0] = '\0';  // Abstract: a name without a file.
  impl->address_bytes = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + size_bytes);
  impl->fd = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (impl->fd < 0) return out;
  const timeval wait{0, std::chrono::duration_cast<std::chrono::microseconds>(kNotifyWait).count()};
  ::setsockopt(impl->fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait);
  out.impl_ = std::move(impl);
  const std::optional<std::uint64_t> interval = number_of("WATCHDOG_USEC"), process = number_of("WATCHDOG_PID");
  const bool ours = !process || *process == static_cast<std::uint64_t>(::getpid());
  constexpr std::uint64_t kYearUs = 365ull * 86'400 * 1'000'000;
  if (interval && ours && *interval >= 2)
    out.watchdog_interval_ = std::chrono::microseconds(std::min(*interval, kYearUs) / 2);
  return out;
}

void Notifier::send(std::string_view message) const {
  if (impl_ == nullptr) return;
  // Nobody to tell a failure to: the manager itself notices that it was not told.
  static_cast<void>(::sendto(impl_->fd, message.data(), message.size(), MSG_NOSIGNAL,
                             reinterpret_cast<const sockaddr*>(&impl_->address), impl_->address_bytes));
}

void Notifier::ready(std::string_view status) const { send("READY=1" + status_line(status)); }
void Notifier::status(std::string_view text) const {
  if (const std::string line = status_line(text); !line.empty()) send(std::string_view(line).substr(1));
}
void Notifier::stopping(std::string_view status) const { send("STOPPING=1" + status_line(status)); }
void Notifier::watchdog() const { send("WATCHDOG=1"); }
void Notifier::extend_timeout(std::chrono::microseconds by) const {
  send("EXTEND_TIMEOUT_USEC=" + std::to_string(by.count()));
}
void Notifier::reloading() const {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);  // Asked for by Type=notify-reload.
  send("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(now.tv_sec * 1'000'000 + now.tv_nsec / 1'000));
}

}  // namespace tocsin::app
