// A file mapping ends at a page: the rest of the last page reads as zeros, but where the file fills its last page (or
// nearly), reading past the end would fault. So the address range is first reserved as anonymous zero pages, long enough
// for the file and kReadableBytesPastEnd, and the file is mapped over its beginning:
//
//   file of 8,192 bytes:   [file page][file page][zero page]
//   file of 8,000 bytes:   [file page][file page, 192 zeros]
#include "source/file/mapped_file.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>

namespace tocsin::source {
namespace {

core::Error failure(const char* what) {
  const int error = errno;
  return {core::ErrorCode::kIo, std::string(what) + " failed: " + std::strerror(error) + "."};
}

// A multiple of every page size; more than the blocks that are under way at once.
constexpr std::size_t kDroppedAgainBytes = 32u << 20;

std::size_t page_bytes() { return static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)); }
std::size_t round_up(std::size_t size, std::size_t unit) { return (size + unit - 1) / unit * unit; }

class CopiedFile : public MappedFile {
 public:
  core::Result<void> read_all(int descriptor, std::size_t size) {
    buffer_ = std::make_unique<char[]>(size + kReadableBytesPastEnd);  // Zeroed.
    std::size_t done = 0;
    while (done < size) {
      const ssize_t got = ::pread(descriptor, buffer_.get() + done, size - done, static_cast<off_t>(done));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return failure("Reading");
      if (got == 0) break;  // Truncated meanwhile: what is there is the file.
      done += static_cast<std::size_t>(got);
    }
    bytes_ = {buffer_.get(), done};
    return {};
  }

 private:
  std::unique_ptr<char[]> buffer_;
};

class Mapping : public MappedFile {
 public:
  Mapping() = default;
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;
  ~Mapping() override {
    if (base_ != MAP_FAILED) ::munmap(base_, reserved_bytes_);
  }

  core::Result<void> map(int descriptor, std::size_t size) {
    reserved_bytes_ = round_up(size + kReadableBytesPastEnd, page_bytes());
    base_ = ::mmap(nullptr, reserved_bytes_, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (base_ == MAP_FAILED) return failure("Mapping");
    if (::mmap(base_, size, PROT_READ, MAP_PRIVATE | MAP_FIXED, descriptor, 0) == MAP_FAILED) return failure("Mapping");
    ::madvise(base_, size, MADV_SEQUENTIAL);
    bytes_ = {static_cast<const char*>(base_), size};
    return {};
  }

  // Asking for all from the beginning each time would be quadratic: the kernel walks the empty pages too. Some are asked
  // for again, for threads finish their blocks out of order and touch what was dropped.
  void drop_before(std::size_t offset) const override {
    const std::size_t end = std::min(offset, bytes_.size()) / page_bytes() * page_bytes();
    std::size_t done = dropped_bytes_.load(std::memory_order_relaxed);
    while (end > done && !dropped_bytes_.compare_exchange_weak(done, end, std::memory_order_relaxed)) {
    }
    if (end <= done) return;
    const std::size_t begin = done - std::min(done, kDroppedAgainBytes);
    // A private mapping that was never written: its pages come back from the file.
    ::madvise(static_cast<char*>(base_) + begin, end - begin, MADV_DONTNEED);
  }

 private:
  void* base_ = MAP_FAILED;
  std::size_t reserved_bytes_ = 0;
  mutable std::atomic<std::size_t> dropped_bytes_ = 0;
};

}  // namespace

core::Result<std::shared_ptr<const MappedFile>> map_file(int descriptor) {
  struct stat info{};
  if (::fstat(descriptor, &info) != 0) return failure("Looking at the file");
  if (!S_ISREG(info.st_mode)) return core::Error{core::ErrorCode::kUnsupported, "Only a regular file can be mapped."};
  const auto size = static_cast<std::size_t>(info.st_size);
  if (size <= kMaxCopiedBytes) {
    auto copy = std::make_shared<CopiedFile>();
    TOCSIN_TRY(copy->read_all(descriptor, size));
    return std::shared_ptr<const MappedFile>(std::move(copy));
  }
  auto mapping = std::make_shared<Mapping>();
  TOCSIN_TRY(mapping->map(descriptor, size));
  return std::shared_ptr<const MappedFile>(std::move(mapping));
}

}  // namespace tocsin::source
