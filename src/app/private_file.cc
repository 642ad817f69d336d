#include "app/private_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

namespace tocsin::app {
namespace {

core::Error failed(const char* what, const std::string& path) {
  return {core::ErrorCode::kIo, std::string(what) + " " + path + ": " + std::strerror(errno)};
}

}  // namespace

core::Result<void> write_private_file(const std::string& path, std::string_view bytes) {
  const std::string aside = path + ".new";
  const int file = ::open(aside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (file < 0) return failed("cannot write", aside);
  bool good = ::fchmod(file, 0600) == 0;
  while (good && !bytes.empty()) {
    const ssize_t count = ::write(file, bytes.data(), bytes.size());
    good = count > 0;
    if (good) bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  good = good && ::fsync(file) == 0;
  const core::Error error = failed("cannot write", path);
  ::close(file);
  if (!good) return error;
  if (::rename(aside.c_str(), path.c_str()) != 0) return failed("cannot write", path);
  return {};
}

core::Result<void> make_private_folder(const std::string& path) {
  std::error_code status;
  std::filesystem::create_directories(path, status);
  if (status) return core::Error{core::ErrorCode::kIo, "cannot make the folder " + path + ": " + status.message()};
  if (::chmod(path.c_str(), 0700) != 0) return failed("cannot change the mode of", path);
  return {};
}

}  // namespace tocsin::app
