#include "app/backup/files.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <memory>
#include <utility>

namespace tocsin::app::backup {
namespace {

namespace fs = std::filesystem;
using core::Error;
using core::ErrorCode;

constexpr std::size_t kBlockBytes = 256u << 10;

class Open {
 public:
  explicit Open(int fd) : fd_(fd) {}
  ~Open() {
    if (fd_ >= 0) ::close(fd_);
  }
  Open(const Open&) = delete;
  Open& operator=(const Open&) = delete;
  [[nodiscard]] int get() const { return fd_; }
  [[nodiscard]] bool ok() const { return fd_ >= 0; }

 private:
  int fd_;
};

core::Result<void> write_all(int fd, const std::string& path, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t wrote = ::write(fd, bytes.data(), bytes.size());
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote <= 0) return io_error("write", path, wrote == 0 ? ENOSPC : errno);
    bytes.remove_prefix(static_cast<std::size_t>(wrote));
  }
  return {};
}

// Calls `take` with each block.
template <class Take>
core::Result<void> read_blocks(const std::string& path, Take take) {
  const Open file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!file.ok()) return io_error("read", path, errno);
  const auto block = std::make_unique<char[]>(kBlockBytes);
  while (true) {
    const ssize_t got = ::read(file.get(), block.get(), kBlockBytes);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return io_error("read", path, errno);
    if (got == 0) return {};
    TOCSIN_TRY(take(std::string_view(block.get(), static_cast<std::size_t>(got))));
  }
}

core::Result<void> make_folder(const std::string& path) {
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) return io_error("make", path, errno);
  return {};
}

}  // namespace

Error io_error(std::string_view verb, const std::string& path, int error_number) {
  const ErrorCode code = error_number == ENOENT                            ? ErrorCode::kNotFound
                         : error_number == ENOSPC                          ? ErrorCode::kLimit
                         : error_number == EACCES || error_number == EPERM ? ErrorCode::kDenied
                                                                           : ErrorCode::kIo;
  return {code, "cannot " + std::string(verb) + " " + path + ": " + std::strerror(error_number)};
}

core::Result<void> write_text(const std::string& path, std::string_view text) {
  const Open file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!file.ok()) return io_error("write", path, errno);
  TOCSIN_TRY(write_all(file.get(), path, text));
  if (::fsync(file.get()) != 0) return io_error("write", path, errno);
  return {};
}

core::Result<std::string> read_text(const std::string& path, std::size_t max_bytes) {
  std::string text;
  TOCSIN_TRY(read_blocks(path, [&](std::string_view block) -> core::Result<void> {
    if (text.size() + block.size() > max_bytes) return Error{ErrorCode::kLimit, path + " is too long"};
    text += block;
    return {};
  }));
  return text;
}

core::Result<void> copy_file(const std::string& from, const std::string& to) {
  const Open file(::open(to.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!file.ok()) return io_error("write", to, errno);
  TOCSIN_TRY(read_blocks(from, [&](std::string_view block) { return write_all(file.get(), to, block); }));
  if (::fsync(file.get()) != 0) return io_error("write", to, errno);
  return {};
}

core::Result<void> copy_folder(const std::string& from, const std::string& to, std::size_t max_files) {
  std::error_code error;
  if (!fs::exists(from, error)) return {};
  const std::map<std::string, std::uint64_t> files = TOCSIN_TRY(list_files(from));
  if (files.size() > max_files)
    return Error{ErrorCode::kLimit, from + " has more than " + std::to_string(max_files) + " files"};
  TOCSIN_TRY(make_folder(to));
  for (const auto& [name, bytes] : files) {
    for (std::size_t slash = name.find('/'); slash != std::string::npos; slash = name.find('/', slash + 1)) {
      TOCSIN_TRY(make_folder(to + "/" + name.substr(0, slash)));
    }
    TOCSIN_TRY(copy_file(from + "/" + name, to + "/" + name));
  }
  return {};
}

core::Result<void> sync_file_system(const std::string& folder) {
  const Open file(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!file.ok()) return io_error("read", folder, errno);
  if (::syncfs(file.get()) != 0) return io_error("write", folder, errno);
  return {};
}

bool stays(std::string_view name) { return name == "engine" || name == "lost+found"; }

core::Result<bool> is_empty(const std::string& folder) {
  std::error_code error;
  if (!fs::exists(fs::symlink_status(folder, error))) return true;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    if (!stays(at->path().filename().string())) return false;
  }
  if (error) return io_error("read", folder, error.value());
  return true;
}

core::Result<std::map<std::string, std::uint64_t>> list_files(const std::string& folder) {
  std::map<std::string, std::uint64_t> out;
  std::error_code error;
  const std::size_t skip = folder.size() + 1;
  for (fs::recursive_directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    const std::string path = at->path().string();
    const fs::file_status status = at->symlink_status(error);
    if (error) break;
    if (fs::is_directory(status)) continue;
    if (!fs::is_regular_file(status)) return Error{ErrorCode::kInvalid, path + " is no plain file"};
    if (path.find_first_of("\n\r\\") != std::string::npos)
      return Error{ErrorCode::kInvalid, path + " has a line break or \\ in its name"};
    if (out.size() == kMaxFiles)
      return Error{ErrorCode::kLimit, folder + " has more than " + std::to_string(kMaxFiles) + " files"};
    out[path.substr(skip)] = at->file_size(error);
    if (error) break;
  }
  if (error) return io_error("read", folder, error.value());
  return out;
}

core::Result<std::string> sha256_of(const std::string& path) {
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
  const auto failed = [&] { return Error{ErrorCode::kIo, "cannot compute the SHA-256 of " + path}; };
  if (context == nullptr || EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr) != 1) return failed();
  TOCSIN_TRY(read_blocks(path, [&](std::string_view block) -> core::Result<void> {
    if (EVP_DigestUpdate(context.get(), block.data(), block.size()) != 1) return failed();
    return {};
  }));
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  if (EVP_DigestFinal_ex(context.get(), digest.data(), &size) != 1) return failed();
  constexpr char kHex[] = "0123456789abcdef";
  std::string out;
  for (unsigned i = 0; i < size; ++i) {
    out += kHex[digest[i] >> 4];
    out += kHex[digest[i] & 15];
  }
  return out;
}

}  // namespace tocsin::app::backup
