#include "cli/rules/install.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <utility>
#include <vector>

#include "cli/content.h"
#include "cli/rules/package_files.h"
#include "cli/rules/sha256.h"
#include "core/json_writer.h"

extern char** environ;

namespace tocsin::cli {
namespace {

namespace fs = std::filesystem;
constexpr const char* kManifest = ".tocsin-package.json";
constexpr std::size_t kMaxManifestBytes = 64 * 1024;
constexpr std::size_t kShownDigits = 12;  // Of a checksum in a folder's name.
constexpr int kProgramNotFound = 127;

core::Error io_error(const std::string& what, int error) {
  return {core::ErrorCode::kIo, what + ": " + std::strerror(error)};
}
core::Error refused(std::string text) { return {core::ErrorCode::kInvalid, std::move(text)}; }

bool is_address(const std::string& from) { return from.starts_with("https://") || from.starts_with("http://"); }

// A folder that is gone when this goes, unless it was renamed meanwhile.
class Scratch {
 public:
  static core::Result<Scratch> make(const std::string& parent) {
    std::string pattern = parent + "/.incoming-XXXXXX";
    if (::mkdtemp(pattern.data()) == nullptr) return io_error("cannot write in " + parent, errno);
    return Scratch(std::move(pattern));
  }
  Scratch(Scratch&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  Scratch& operator=(Scratch&&) = delete;
  ~Scratch() {
    std::error_code ignored;
    if (!path_.empty()) fs::remove_all(path_, ignored);
  }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  explicit Scratch(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

core::Result<int> run_program(std::vector<std::string> arguments) {
  std::vector<char*> raw;
  for (std::string& argument : arguments) raw.push_back(argument.data());
  raw.push_back(nullptr);
  pid_t child = 0;
  if (const int error = ::posix_spawnp(&child, raw[0], nullptr, nullptr, raw.data(), environ); error != 0) {
    if (error == ENOENT) return kProgramNotFound;
    return io_error("cannot start " + arguments[0], error);
  }
  int status = 0;
  while (::waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) return io_error("cannot wait for " + arguments[0], errno);
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

core::Result<std::string> download(const std::string& address, const std::string& folder) {
  if (!address.starts_with("https://")) return refused("--from " + address + ": only https:// addresses are fetched");
  const std::string file = folder + "/package";
  const int code =
      TOCSIN_TRY(run_program({"curl", "--fail", "--location", "--silent", "--show-error", "--proto", "=https",
                              "--max-redirs", "10", "--connect-timeout", "30", "--max-time", "600", "--max-filesize",
                              std::to_string(kMaxPackageBytes), "--output", file, "--url", address}));
  if (code == kProgramNotFound) {
    return core::Error{core::ErrorCode::kUnsupported,
                       "the program curl is needed to fetch packages and is not here; fetch " + address +
                           " by other means and give the file with --from"};
  }
  if (code != 0) {
    return core::Error{core::ErrorCode::kIo,
                       "cannot fetch " + address + " (curl ended with " + std::to_string(code) +
                           "); on a machine without internet give a file that was fetched elsewhere with --from"};
  }
  return file;
}

struct Package {
  PackageFiles content;
  std::string sha256;
};

core::Result<Package> read_package(const std::string& from, const std::string& scratch) {
  Package out;
  std::error_code status;
  if (!is_address(from) && fs::is_directory(from, status)) {
    out.content = TOCSIN_TRY(read_package_folder(from));
    out.sha256 = checksum_of(out.content);
    return out;
  }
  const std::string file = is_address(from) ? TOCSIN_TRY(download(from, scratch)) : from;
  const std::string bytes = TOCSIN_TRY(read_text_file(file, kMaxPackageBytes));
  out.sha256 = sha256_of(bytes);
  out.content = TOCSIN_TRY(read_package_archive("package", bytes));
  return out;
}

core::Result<void> write_file(const std::string& path, std::string_view bytes) {
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
  if (file < 0) return io_error("cannot write " + path, errno);
  while (!bytes.empty()) {
    const ssize_t written = ::write(file, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) {
      const int error = errno;
      ::close(file);
      return io_error("cannot write " + path, error);
    }
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  if (::close(file) != 0) return io_error("cannot write " + path, errno);
  return {};
}

core::Result<void> write_package(const Package& package, const std::string& from, const std::string& folder) {
  std::error_code status;
  for (const auto& [path, text] : package.content.files) {
    const fs::path file = fs::path(folder) / path;
    fs::create_directories(file.parent_path(), status);
    if (status) return io_error("cannot make " + file.parent_path().string(), status.value());
    TOCSIN_TRY(write_file(file.string(), text));
  }
  std::string manifest;
  core::JsonWriter json(manifest);
  json.begin_object().member("source", from).member("version", package.content.version).member("sha256", package.sha256);
  json.key("rule_files").number(package.content.rule_files).end_object();
  TOCSIN_TRY(write_file(folder + "/" + kManifest, manifest + "\n"));
  if (::chmod(folder.c_str(), 0755) != 0) return io_error("cannot open " + folder + " to readers", errno);
  return {};
}

// To the disk before the folder gets its name, so that a power cut leaves no version with empty files.
core::Result<void> flush(const std::string& folder) {
  const int file = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const bool good = file >= 0 && ::syncfs(file) == 0;
  const int error = errno;
  if (file >= 0) ::close(file);
  if (!good) return io_error("cannot write " + folder + " to the disk", error);
  return {};
}

// Whether that folder is what this package would become.
bool holds_package(const std::string& folder, const std::string& sha256) {
  const auto manifest = read_text_file(folder + "/" + kManifest, kMaxManifestBytes);
  return manifest.ok() && manifest.value().find("\"sha256\":\"" + sha256 + "\"") != std::string::npos;
}

std::string date_of(core::Timestamp now) { return core::format_iso_time(now).substr(0, 10); }

// A version's folder that is there already with these very bytes, whatever its name.
std::string find_installed(const std::string& base, const std::string& sha256) {
  std::error_code status;
  for (fs::directory_iterator at(base, status), end; !status && at != end; at.increment(status)) {
    std::error_code ignored;
    const bool candidate =
        at->is_directory(ignored) && !at->is_symlink(ignored) && !at->path().filename().string().starts_with(".");
    if (candidate && holds_package(at->path().string(), sha256)) return at->path().filename().string();
  }
  return {};
}

core::Result<void> check_link(const std::string& link) {
  std::error_code status;
  const fs::file_status what = fs::symlink_status(link, status);
  if (fs::exists(what) && !fs::is_symlink(what)) return refused(link + " is not a link made by tocsin: move it away first");
  return {};
}

core::Result<void> switch_link(const std::string& base, const std::string& version) {
  const std::string fresh = base + "/.current-" + std::to_string(::getpid());
  ::unlink(fresh.c_str());
  if (::symlink(version.c_str(), fresh.c_str()) != 0) return io_error("cannot make the link " + fresh, errno);
  if (::rename(fresh.c_str(), (base + "/current").c_str()) != 0) {
    const int error = errno;
    ::unlink(fresh.c_str());
    return io_error("cannot switch " + base + "/current", error);
  }
  return {};
}

// Moves the finished folder to its name; a name that is taken gets the checksum behind it.
core::Result<std::string> move_in_place(const std::string& scratch, const std::string& base, const Package& package,
                                        core::Timestamp now) {
  const std::string digits = package.sha256.substr(0, kShownDigits);
  const std::string& version = package.content.version;
  for (const std::string& name :
       {version.empty() ? date_of(now) + "-" + digits : version, version.empty() ? std::string() : version + "-" + digits}) {
    if (name.empty() || name == "current") continue;
    std::error_code status;
    if (fs::exists(fs::symlink_status(base + "/" + name, status))) continue;
    if (::rename(scratch.c_str(), (base + "/" + name).c_str()) == 0) return name;
    if (errno != EEXIST && errno != ENOTEMPTY) return io_error("cannot put the package at " + base + "/" + name, errno);
  }
  return refused("the folders for this version under " + base + " are taken by something else");
}

}  // namespace

core::Result<Installed> install_sigmahq(const InstallOptions& options) {
  const std::string from = options.from.empty() ? kSigmaHqPackage : options.from;
  const std::string base = options.to + "/sigmahq";
  std::error_code status;
  fs::create_directories(base, status);
  if (status) return io_error("cannot make " + base, status.value());
  Installed out;
  out.current = base + "/current";
  TOCSIN_TRY(check_link(out.current));
  const Scratch scratch = TOCSIN_TRY(Scratch::make(base));
  const Package package = TOCSIN_TRY(read_package(from, scratch.path()));
  if (!options.expected_sha256.empty() && package.sha256 != options.expected_sha256) {
    return refused("the package has the SHA-256 " + package.sha256 + ", not the one asked for: nothing was installed");
  }
  out.sha256 = package.sha256;
  out.rule_files = package.content.rule_files;
  out.skipped_files = package.content.skipped_files;
  out.version = find_installed(base, package.sha256);
  out.was_there = !out.version.empty();
  if (!out.was_there) {
    const std::string unpacked = scratch.path() + "/unpacked";
    if (::mkdir(unpacked.c_str(), 0755) != 0) return io_error("cannot make " + unpacked, errno);
    TOCSIN_TRY(write_package(package, from, unpacked));
    TOCSIN_TRY(flush(unpacked));
    out.version = TOCSIN_TRY(move_in_place(unpacked, base, package, options.now));
  }
  out.folder = base + "/" + out.version;
  TOCSIN_TRY(switch_link(base, out.version));
  return out;
}

core::Result<std::string> default_rules_folder() {
  if (::geteuid() == 0) return std::string("/var/lib/tocsin/rules");
  const char* data = std::getenv("XDG_DATA_HOME");
  if (data != nullptr && data[0] == '/') return std::string(data) + "/tocsin/rules";
  const char* home = std::getenv("HOME");
  if (home != nullptr && home[0] == '/') return std::string(home) + "/.local/share/tocsin/rules";
  return refused("neither XDG_DATA_HOME nor HOME says where to put rules; name a folder with --to");
}

}  // namespace tocsin::cli
