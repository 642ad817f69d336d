// What client and child say to each other over one connection; both ends are this program, so integers are the machine's.
//
// A connection carries one request. The child answers frames until kEnd or kError. Closing it cancels the request.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"

namespace tocsin::store {

// A file descriptor that is closed with its owner. Move only.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(other.release()) {}
  Fd& operator=(Fd&& other) noexcept;
  ~Fd() { reset(); }
  [[nodiscard]] int get() const { return fd_; }
  [[nodiscard]] bool valid() const { return fd_ >= 0; }
  int release();
  void reset();

 private:
  int fd_ = -1;
};

enum class RequestKind : std::uint8_t {
  kCommand,  // As the owner: DDL, maintenance, small answers.
  kRead,     // `settings`, then readonly; the answer is formatted into the pipe that comes along.
  kInsert,   // `sql` is "INSERT INTO t (columns)"; the rows, format Native, are the memory file that comes along.
};
struct Request {
  RequestKind kind = RequestKind::kCommand;
  std::vector<std::string> settings;  // Each "name=value" as SET takes it.
  std::string sql, format;
};
enum class FrameKind : std::uint8_t { kData, kError, kEnd };
struct FrameHeader {
  FrameKind kind = FrameKind::kData;
  std::uint32_t bytes = 0;
};
struct EndFrame {
  std::uint64_t rows = 0, rows_read = 0, bytes_read = 0, elapsed_us = 0;
};
inline constexpr std::size_t kMaxFrameBytes = 1u << 20;
inline constexpr std::size_t kMaxRequestBytes = 1u << 20;  // SQL is bounded to 256 KB by the engine.

// All of it or an error; never raises SIGPIPE. `fd` to pass along: -1 for none.
core::Result<void> send_all(int socket, std::string_view bytes, int fd = -1);
// False at the end of the stream or an error.
bool receive_all(int socket, char* out, std::size_t bytes, Fd* fd = nullptr);

core::Result<void> send_request(int socket, const Request& request, int fd);
// Empty where the peer is gone or talks nonsense.
bool receive_request(int socket, Request* request, Fd* fd);
bool send_frame(int socket, FrameKind kind, std::string_view bytes);

}  // namespace tocsin::store
