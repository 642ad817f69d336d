// Where the bytes of one input come from: a file descriptor, memory, or a stream inside an archive. One thread.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "core/result.h"
#include "source/file_input.h"

namespace tocsin::source {

class ByteSource {
 public:
  virtual ~ByteSource() = default;
  // At least 1 byte, or 0 at the end.
  core::Result<std::size_t> read(std::span<char> out);
  // Answered by read() so far, whatever was seeked in between.
  [[nodiscard]] std::uint64_t delivered_bytes() const { return delivered_bytes_; }

  // The size of what can be seeked in, or -1.
  [[nodiscard]] virtual std::int64_t seekable_bytes() const { return -1; }
  // REQUIRES: seekable_bytes() >= 0.
  virtual core::Result<void> seek(std::uint64_t offset) = 0;
  // The failure of read() was reported by someone else.
  [[nodiscard]] virtual bool failure_is_known() const { return false; }
  // -1 where there is none.
  [[nodiscard]] virtual int descriptor() const { return -1; }

 protected:
  virtual core::Result<std::size_t> read_some(std::span<char> out) = 0;

 private:
  std::uint64_t delivered_bytes_ = 0;
};

// Takes over `descriptor`. Seekable where it is a regular file read from its start.
std::unique_ptr<ByteSource> make_descriptor_source(int descriptor, std::function<bool()> stop = {});
// `bytes` must outlive the source.
std::unique_ptr<ByteSource> make_memory_source(std::string_view bytes);
std::unique_ptr<ByteSource> make_memory_source(std::string bytes);
// Not seekable. `stream` must outlive the source.
std::unique_ptr<ByteSource> make_stream_source(Stream& stream);

}  // namespace tocsin::source
