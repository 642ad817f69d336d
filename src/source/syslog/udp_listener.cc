// One socket, many datagrams a system call; each datagram is a message. Batches are kept by peer until the next flush. What
// the kernel drops is its own count, read every half second: unlike the one that comes with datagrams (SO_RXQ_OVFL) it is
// seen also where no datagram follows.
#include "source/syslog/udp_listener.h"

#include <linux/sock_diag.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <boost/asio.hpp>
#include <map>
#include <utility>

#include "source/syslog/address.h"

namespace tocsin::source::syslog {
namespace {

namespace net = boost::asio;
using boost::system::error_code;
using net::ip::udp;

constexpr std::size_t kDatagramsAtOnce = 64;
constexpr std::size_t kDatagramBytes = 64u << 10;  // UDP has none longer.
// Addresses are the sender's choice: with more of them all batches are handed over at once.
constexpr std::size_t kMaxPeers = 4'096;

// Where recvmmsg puts datagrams. Pages that no datagram has reached are never touched.
class Datagrams {
 public:
  Datagrams() : bytes_(new char[kDatagramsAtOnce * kDatagramBytes]) {
    for (std::size_t i = 0; i < kDatagramsAtOnce; ++i) {
      parts_[i] = {bytes_.get() + i * kDatagramBytes, kDatagramBytes};
      heads_[i].msg_hdr.msg_iov = &parts_[i];
      heads_[i].msg_hdr.msg_iovlen = 1;
      heads_[i].msg_hdr.msg_name = &from_[i];
    }
  }
  // How many; 0: none is there.
  std::size_t read(int fd) {
    for (auto& head : heads_) head.msg_hdr.msg_namelen = sizeof(sockaddr_storage);
    const int got = ::recvmmsg(fd, heads_.data(), kDatagramsAtOnce, MSG_DONTWAIT, nullptr);
    return got > 0 ? static_cast<std::size_t>(got) : 0;
  }
  [[nodiscard]] std::string_view text(std::size_t i) const {
    return {static_cast<const char*>(parts_[i].iov_base), heads_[i].msg_len};
  }
  [[nodiscard]] Address from(std::size_t i) const { return address_of(reinterpret_cast<const sockaddr*>(&from_[i])); }

 private:
  std::unique_ptr<char[]> bytes_;
  std::array<iovec, kDatagramsAtOnce> parts_{};
  std::array<mmsghdr, kDatagramsAtOnce> heads_{};
  std::array<sockaddr_storage, kDatagramsAtOnce> from_{};
};

class UdpListener final : public Listener {
 public:
  explicit UdpListener(Setting setting) : set_(std::move(setting)), socket_(set_.io) {}

  core::Result<void> listen() {
    error_code ec;
    const auto address = net::ip::make_address(set_.options.address, ec);
    if (!ec) socket_.open(address.is_v6() ? udp::v6() : udp::v4(), ec);
    if (!ec && address.is_v6()) socket_.set_option(net::ip::v6_only(false), ec);
    if (!ec) socket_.bind({address, set_.options.port}, ec);
    if (!ec) socket_.non_blocking(true, ec);
    if (!ec) port_ = socket_.local_endpoint(ec).port();
    if (ec) return listen_error(set_.options, ec.message());
    const int wanted = static_cast<int>(std::min<std::size_t>(set_.options.limits.udp_buffer_bytes, 1u << 30));
    // Past the system's limit where we may, up to it where not.
    if (::setsockopt(socket_.native_handle(), SOL_SOCKET, SO_RCVBUFFORCE, &wanted, sizeof wanted) != 0) {
      ::setsockopt(socket_.native_handle(), SOL_SOCKET, SO_RCVBUF, &wanted, sizeof wanted);
    }
    wait();
    return {};
  }

  [[nodiscard]] std::uint16_t port() const override { return port_; }
  core::Result<void> reload_certificates() override {
    return core::Error{core::ErrorCode::kUnsupported, "syslog over UDP has no certificates"};
  }
  void flush() override {
    const bool was_blocked = std::exchange(blocked_, false);
    while (!batches_.empty()) {
      const auto first = batches_.begin();
      if (!set_.handover.give(*set_.ref, address_text(first->first), first->second)) {
        blocked_ = true;
        return;
      }
      batches_.erase(first);
    }
    if (was_blocked) go_on();
    if (read_all_ && !std::exchange(told_, true)) set_.drained();
  }
  void resume() override {
    if (blocked_) flush();
  }
  void sweep() override { count_drops(); }
  void begin_stop() override {
    stopping_ = true;
    net::socket_base::receive_buffer_size size;
    error_code ec;
    socket_.get_option(size, ec);
    left_bytes_ = ec ? 0 : static_cast<std::size_t>(size.value());
    go_on();
  }
  void close() override {
    if (!socket_.is_open()) return;
    count_drops();
    for (const auto& [_, batch] : batches_) Handover::give_up(*set_.ref, batch);
    batches_.clear();
    error_code ignored;
    socket_.close(ignored);
  }

 private:
  void wait() {
    if (std::exchange(waiting_, true)) return;
    socket_.async_wait(udp::socket::wait_read, [this](error_code ec) {
      waiting_ = false;
      if (!ec) read();
    });
  }
  void go_on() {
    if (std::exchange(posted_, true)) return;
    net::post(set_.io, [this] {
      posted_ = false;
      read();
    });
  }
  // One turn.
  void read() {
    std::size_t read_bytes = 0;
    while (!blocked_ && !read_all_ && socket_.is_open()) {
      const std::size_t count = datagrams_.read(socket_.native_handle());
      for (std::size_t i = 0; i < count; ++i) {
        read_bytes += datagrams_.text(i).size();
        take(datagrams_.from(i), datagrams_.text(i));
      }
      if (std::exchange(full_, false)) flush();
      if (stopping_) {
        left_bytes_ -= std::min(left_bytes_, read_bytes);
        read_all_ = count == 0 || left_bytes_ == 0;
      } else if (count == 0) {
        wait();
        break;
      } else if (read_bytes >= kTurnBytes) {
        go_on();
        break;
      }
    }
    if (read_all_) {
      flush();
    } else if (!batches_.empty()) {
      set_.want_flush();
    }
  }
  void take(const Address& from, std::string_view text) {
    if (!batches_.contains(from) && batches_.size() == kMaxPeers) full_ = true;
    Batch& batch = batches_[from];
    if (append_message(text, set_.options.limits.max_message_bytes, batch)) set_.ref->meter->refused("too-long");
    if (batch.bytes.size() >= kFullBatchBytes) full_ = true;
  }
  void count_drops() {
    std::array<std::uint32_t, SK_MEMINFO_VARS> info{};
    socklen_t size = sizeof info;
    if (::getsockopt(socket_.native_handle(), SOL_SOCKET, SO_MEMINFO, info.data(), &size) != 0) return;
    const std::uint32_t more = info[SK_MEMINFO_DROPS] - seen_drops_;  // It wraps.
    seen_drops_ = info[SK_MEMINFO_DROPS];
    if (more > 0) set_.ref->meter->refused("kernel-drop", more);
  }

  Setting set_;
  udp::socket socket_;
  std::uint16_t port_ = 0;
  Datagrams datagrams_;
  std::map<Address, Batch> batches_;
  bool waiting_ = false, posted_ = false;  // A handler is to come.
  bool blocked_ = false;                   // The first batch found no room: nothing is read.
  bool full_ = false;                      // A batch is due.
  bool stopping_ = false, read_all_ = false, told_ = false;
  std::size_t left_bytes_ = 0;  // Stopping: how much is still read, for a sender need not pause.
  std::uint32_t seen_drops_ = 0;
};

}  // namespace

core::Result<std::unique_ptr<Listener>> listen_udp(Setting setting) {
  auto listener = std::make_unique<UdpListener>(std::move(setting));
  const auto listening = listener->listen();
  if (!listening.ok()) return listening.error();
  return std::unique_ptr<Listener>(std::move(listener));
}

}  // namespace tocsin::source::syslog
