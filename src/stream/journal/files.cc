#include "stream/journal/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <system_error>

#include "stream/journal/bytes.h"

namespace tocsin::stream {
namespace {

// magic 8, number 8, size 8, CRC of the bytes 4, CRC of the 28 before 4.
constexpr std::string_view kKeptMagic = "TOCSINK1";
constexpr std::size_t kKeptHeadBytes = 32;

struct KeptHead {
  std::uint64_t number = 0, size_bytes = 0;
  std::uint32_t crc = 0;
};

core::Result<KeptHead> read_kept_head(const Descriptor& file, const std::string& path) {
  const std::uint64_t size_bytes = TOCSIN_TRY(file_bytes(file, path));
  const core::Error damaged{core::ErrorCode::kInvalid, path + " is damaged: its head has a wrong checksum or size"};
  if (size_bytes < kKeptHeadBytes) return damaged;
  std::string head(kKeptHeadBytes, '\0');
  TOCSIN_TRY(read_at(file, path, 0, head.data(), head.size()));
  ByteReader in(head);
  const bool magic = in.take(kKeptMagic.size()) == kKeptMagic;
  KeptHead out;
  out.number = in.u64();
  out.size_bytes = in.u64();
  out.crc = in.u32();
  if (!magic || in.u32() != crc32c(0, std::string_view(head).substr(0, kKeptHeadBytes - 4))) return damaged;
  if (out.size_bytes > kMaxKeptBytes || out.size_bytes != size_bytes - kKeptHeadBytes) return damaged;
  return out;
}

}  // namespace

Descriptor::~Descriptor() {
  if (fd_ >= 0) ::close(fd_);
}

core::Error io_error(std::string_view verb, const std::string& path, int error_number) {
  core::ErrorCode code = core::ErrorCode::kIo;
  if (error_number == ENOSPC || error_number == EDQUOT || error_number == EFBIG) code = core::ErrorCode::kLimit;
  if (error_number == EACCES || error_number == EPERM || error_number == EROFS) code = core::ErrorCode::kDenied;
  if (error_number == ENOENT) code = core::ErrorCode::kNotFound;
  return {code, "cannot " + std::string(verb) + " " + path + ": " + std::generic_category().message(error_number)};
}

core::Result<Descriptor> open_file(const std::string& path, int flags) {
  int fd = -1;
  do {
    fd = ::open(path.c_str(), flags | O_CLOEXEC, 0600);
  } while (fd < 0 && errno == EINTR);
  if (fd < 0) return io_error((flags & O_CREAT) != 0 ? "create" : "open", path, errno);
  return Descriptor(fd);
}

core::Result<std::uint64_t> file_bytes(const Descriptor& file, const std::string& path) {
  struct stat status{};
  if (::fstat(file.get(), &status) != 0) return io_error("look at", path, errno);
  return static_cast<std::uint64_t>(status.st_size);
}

core::Result<void> write_at(const Descriptor& file, const std::string& path, std::uint64_t offset, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::pwrite(file.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return io_error("write", path, errno);
    if (written == 0) return io_error("write", path, EIO);
    bytes.remove_prefix(static_cast<std::size_t>(written));
    offset += static_cast<std::uint64_t>(written);
  }
  return {};
}

core::Result<void> read_at(const Descriptor& file, const std::string& path, std::uint64_t offset, char* out,
                           std::size_t size_bytes) {
  while (size_bytes > 0) {
    const ssize_t got = ::pread(file.get(), out, size_bytes, static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return io_error("read", path, errno);
    if (got == 0) return core::Error{core::ErrorCode::kIo, path + " is shorter than it was: something else truncated it"};
    out += got;
    size_bytes -= static_cast<std::size_t>(got);
    offset += static_cast<std::uint64_t>(got);
  }
  return {};
}

core::Result<void> sync_data(const Descriptor& file, const std::string& path) {
  if (::fdatasync(file.get()) != 0) return io_error("sync", path, errno);
  return {};
}

core::Result<void> sync_all(const Descriptor& file, const std::string& path) {
  if (::fsync(file.get()) != 0) return io_error("sync", path, errno);
  return {};
}

core::Result<void> write_kept(const Descriptor& folder, const std::string& path, const std::string& scratch,
                              std::uint64_t number, std::string_view bytes) {
  if (bytes.size() > kMaxKeptBytes) {
    return core::Error{core::ErrorCode::kLimit,
                       path + ": " + std::to_string(bytes.size()) + " bytes; at most " + std::to_string(kMaxKeptBytes)};
  }
  std::string head(kKeptMagic);
  put_u64(head, number);
  put_u64(head, bytes.size());
  put_u32(head, crc32c(0, bytes));
  put_u32(head, crc32c(0, head));
  const auto write_scratch = [&]() -> core::Result<void> {
    const Descriptor file = TOCSIN_TRY(open_file(scratch, O_WRONLY | O_CREAT | O_TRUNC));
    TOCSIN_TRY(write_at(file, scratch, 0, head));
    TOCSIN_TRY(write_at(file, scratch, head.size(), bytes));
    return sync_all(file, scratch);
  };
  core::Result<void> written = write_scratch();
  if (written.ok() && ::rename(scratch.c_str(), path.c_str()) != 0) written = io_error("rename to", path, errno);
  if (!written.ok()) {
    ::unlink(scratch.c_str());
    return written;
  }
  return sync_all(folder, path);
}

core::Result<KeptFile> read_kept(const std::string& path) {
  const Descriptor file = TOCSIN_TRY(open_file(path, O_RDONLY));
  const KeptHead head = TOCSIN_TRY(read_kept_head(file, path));
  KeptFile out{.number = head.number, .bytes = std::string(static_cast<std::size_t>(head.size_bytes), '\0')};
  TOCSIN_TRY(read_at(file, path, kKeptHeadBytes, out.bytes.data(), out.bytes.size()));
  if (crc32c(0, out.bytes) != head.crc) {
    return core::Error{core::ErrorCode::kInvalid, path + " is damaged: its content has a wrong checksum"};
  }
  return out;
}

core::Result<std::uint64_t> read_kept_number(const std::string& path) {
  const Descriptor file = TOCSIN_TRY(open_file(path, O_RDONLY));
  return TOCSIN_TRY(read_kept_head(file, path)).number;
}

}  // namespace tocsin::stream
