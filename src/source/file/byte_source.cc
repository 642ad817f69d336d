#include "source/file/byte_source.h"

#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace tocsin::source {

core::Result<std::size_t> ByteSource::read(std::span<char> out) {
  auto size = read_some(out);
  if (size.ok()) delivered_bytes_ += *size;
  return size;
}

namespace {

constexpr int kStopAskedEveryMs = 200;

class DescriptorSource : public ByteSource {
 public:
  DescriptorSource(int descriptor, std::function<bool()> stop) : descriptor_(descriptor), stop_(std::move(stop)) {
    struct stat info{};
    const bool regular = ::fstat(descriptor, &info) == 0 && S_ISREG(info.st_mode);
    waits_ = !regular;
    if (regular && ::lseek(descriptor, 0, SEEK_CUR) == 0) seekable_bytes_ = info.st_size;
  }
  ~DescriptorSource() override { ::close(descriptor_); }
  DescriptorSource(const DescriptorSource&) = delete;
  DescriptorSource& operator=(const DescriptorSource&) = delete;

  std::int64_t seekable_bytes() const override { return seekable_bytes_; }
  int descriptor() const override { return descriptor_; }

  core::Result<void> seek(std::uint64_t offset) override {
    if (::lseek(descriptor_, static_cast<off_t>(offset), SEEK_SET) < 0) return failure();
    return {};
  }

 protected:
  core::Result<std::size_t> read_some(std::span<char> out) override {
    for (;;) {
      if (waits_ && !wait_for_bytes()) return 0;
      const ssize_t size = ::read(descriptor_, out.data(), out.size());
      if (size >= 0) return static_cast<std::size_t>(size);
      // A pipe may have been made non-blocking by whoever holds its other end.
      if (errno != EINTR && !(errno == EAGAIN && waits_)) return failure();
    }
  }

 private:
  // False where the caller wants no more.
  bool wait_for_bytes() const {
    pollfd ready{.fd = descriptor_, .events = POLLIN, .revents = 0};
    while (!(stop_ && stop_())) {
      const int count = ::poll(&ready, 1, stop_ ? kStopAskedEveryMs : -1);
      if (count > 0 || (count < 0 && errno != EINTR)) return true;
    }
    return false;
  }

  static core::Error failure() {
    const int error = errno;
    return {core::ErrorCode::kIo, std::string("Reading failed: ") + std::strerror(error) + "."};
  }

  int descriptor_;
  std::function<bool()> stop_;
  bool waits_ = false;
  std::int64_t seekable_bytes_ = -1;
};

class MemorySource : public ByteSource {
 public:
  explicit MemorySource(std::string_view bytes) : bytes_(bytes) {}
  explicit MemorySource(std::string bytes) : owned_(std::move(bytes)), bytes_(owned_) {}

  std::int64_t seekable_bytes() const override { return static_cast<std::int64_t>(bytes_.size()); }
  core::Result<void> seek(std::uint64_t offset) override {
    position_ = static_cast<std::size_t>(std::min<std::uint64_t>(offset, bytes_.size()));
    return {};
  }

 protected:
  core::Result<std::size_t> read_some(std::span<char> out) override {
    const std::size_t size = std::min(out.size(), bytes_.size() - position_);
    if (size > 0) std::memcpy(out.data(), bytes_.data() + position_, size);
    position_ += size;
    return size;
  }

 private:
  std::string owned_;
  std::string_view bytes_;
  std::size_t position_ = 0;
};

class StreamSource : public ByteSource {
 public:
  explicit StreamSource(Stream& stream) : stream_(&stream) {}
  core::Result<void> seek(std::uint64_t /*offset*/) override {
    return core::Error{core::ErrorCode::kUnsupported, "Cannot seek."};
  }
  bool failure_is_known() const override { return stream_->broken(); }

 protected:
  core::Result<std::size_t> read_some(std::span<char> out) override {
    const std::size_t size = stream_->read(out);
    if (size == 0 && stream_->broken()) return core::Error{core::ErrorCode::kIo, "The archive around it is broken."};
    return size;
  }

 private:
  Stream* stream_;
};

}  // namespace

std::unique_ptr<ByteSource> make_descriptor_source(int descriptor, std::function<bool()> stop) {
  return std::make_unique<DescriptorSource>(descriptor, std::move(stop));
}
std::unique_ptr<ByteSource> make_memory_source(std::string_view bytes) { return std::make_unique<MemorySource>(bytes); }
std::unique_ptr<ByteSource> make_memory_source(std::string bytes) {
  return std::make_unique<MemorySource>(std::move(bytes));
}
std::unique_ptr<ByteSource> make_stream_source(Stream& stream) { return std::make_unique<StreamSource>(stream); }

}  // namespace tocsin::source
