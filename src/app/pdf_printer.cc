#include "app/pdf_printer.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <vector>

namespace tocsin::app {
namespace {

namespace fs = std::filesystem;
using core::Error;
using core::ErrorCode;

Error failed(const std::string& what) { return {ErrorCode::kIo, "the PDF was not made: " + what}; }

class OwnFolder {
 public:
  explicit OwnFolder(const std::string& parent) : path_(parent + "/tocsin-print-XXXXXX") {
    if (::mkdtemp(path_.data()) == nullptr) path_.clear();  // Mode 0700.
  }
  ~OwnFolder() {
    std::error_code ignored;
    if (!path_.empty()) fs::remove_all(path_, ignored);
  }
  OwnFolder(const OwnFolder&) = delete;
  OwnFolder& operator=(const OwnFolder&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// One of at most kMaxPrintsAtOnce.
class Place {
 public:
  explicit Place(std::atomic<unsigned>& running) : running_(running), taken_(++running <= kMaxPrintsAtOnce) {}
  ~Place() { --running_; }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;
  [[nodiscard]] bool taken() const { return taken_; }

 private:
  std::atomic<unsigned>& running_;
  bool taken_;
};

std::string file_url(const std::string& path) {
  constexpr char kHex[] = "0123456789ABCDEF";
  std::string out = "file://";
  for (const char c : path) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       std::string_view("/-_.").find(c) != std::string_view::npos;
    if (plain) {
      out += c;
    } else {
      out += '%';
      out += kHex[static_cast<unsigned char>(c) >> 4];
      out += kHex[static_cast<unsigned char>(c) & 15];
    }
  }
  return out;
}

std::vector<std::string> arguments_of(const std::string& browser, const std::string& folder) {
  return {browser,
          "--headless",
          "--no-sandbox",
          "--disable-gpu",
          "--disable-dev-shm-usage",
          "--disable-extensions",
          "--disable-background-networking",
          "--disable-component-update",
          "--disable-sync",
          "--disable-quic",
          "--no-first-run",
          "--no-default-browser-check",
          "--js-flags=--jitless",
          "--host-resolver-rules=MAP * ~NOTFOUND",
          "--proxy-server=127.0.0.1:9",  // Nothing listens there.
          "--no-pdf-header-footer",
          "--user-data-dir=" + folder + "/profile",
          "--print-to-pdf=" + folder + "/out.pdf",
          file_url(folder + "/page.html")};
}

std::vector<char*> pointers_of(std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (std::string& text : texts) out.push_back(text.data());
  out.push_back(nullptr);
  return out;
}

// Answers its pid.
core::Result<pid_t> start(const std::string& browser, const std::string& folder) {
  std::vector<std::string> arguments = arguments_of(browser, folder);
  std::vector<std::string> environment = {"HOME=" + folder,           "TMPDIR=" + folder,   "XDG_CONFIG_HOME=" + folder,
                                          "XDG_CACHE_HOME=" + folder, "PATH=/usr/bin:/bin", "LANG=C.UTF-8"};
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_t actions;
  if (::posix_spawnattr_init(&attributes) != 0) return failed("no memory");
  if (::posix_spawn_file_actions_init(&actions) != 0) {
    ::posix_spawnattr_destroy(&attributes);
    return failed("no memory");
  }
  sigset_t none, all;
  ::sigemptyset(&none);
  ::sigfillset(&all);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  ::posix_spawnattr_setpgroup(&attributes, 0);
  ::posix_spawnattr_setsigmask(&attributes, &none);
  ::posix_spawnattr_setsigdefault(&attributes, &all);
  int error = ::posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDWR, 0);
  for (const int fd : {1, 2}) {
    if (error == 0) error = ::posix_spawn_file_actions_adddup2(&actions, 0, fd);
  }
  if (error == 0) error = ::posix_spawn_file_actions_addclosefrom_np(&actions, 3);
  pid_t pid = 0;
  if (error == 0) {
    error = ::posix_spawn(&pid, browser.c_str(), &actions, &attributes, pointers_of(arguments).data(),
                          pointers_of(environment).data());
  }
  ::posix_spawn_file_actions_destroy(&actions);
  ::posix_spawnattr_destroy(&attributes);
  if (error != 0) return failed("cannot start " + browser + ": " + std::strerror(error));
  return pid;
}

// Waits for its end, at most for `time`; then ends the whole group, before its number can be another's. True: it ended by
// itself.
bool wait_for_end(pid_t pid, std::chrono::milliseconds time) {
  const auto until = std::chrono::steady_clock::now() + time;
  const int fd = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
  bool ended = false;
  while (fd >= 0 && !ended) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
    if (left.count() <= 0) break;
    pollfd look{fd, POLLIN, 0};
    const int got = ::poll(&look, 1, static_cast<int>(left.count()));
    if (got < 0 && errno != EINTR) break;
    ended = got > 0;
  }
  if (fd >= 0) ::close(fd);
  ::kill(-pid, SIGKILL);
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) continue;
  return ended;
}

core::Result<std::string> read_pdf(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return failed("Chromium wrote none; does it start for this user? Take format=html and print it");
  std::string out;
  std::array<char, 65'536> block{};
  while (file.read(block.data(), block.size()) || file.gcount() > 0) {
    out.append(block.data(), static_cast<std::size_t>(file.gcount()));
    if (out.size() > kMaxPdfBytes) return failed("it has more than " + std::to_string(kMaxPdfBytes) + " bytes");
  }
  if (!out.starts_with("%PDF-")) return failed("what Chromium wrote is no PDF");
  return out;
}

}  // namespace

core::Result<std::string> PdfPrinter::print(std::string_view html) {
  const Place place(running_);
  if (!place.taken()) {
    return Error{ErrorCode::kLimit, std::to_string(kMaxPrintsAtOnce) +
                                        " reports are being made as PDF, as many as may be; try again in a minute"};
  }
  const OwnFolder folder(options_.folder);
  if (folder.path().empty()) return failed("no folder can be made in " + options_.folder);
  {
    std::ofstream page(folder.path() + "/page.html", std::ios::binary);
    page.write(html.data(), static_cast<std::streamsize>(html.size()));
    page.close();
    if (!page) return failed("the page cannot be written to " + folder.path());
  }
  const pid_t pid = TOCSIN_TRY(start(options_.browser, folder.path()));
  if (!wait_for_end(pid, options_.time)) {
    return failed("Chromium took longer than " +
                  std::to_string(std::chrono::duration_cast<std::chrono::seconds>(options_.time).count()) + " s");
  }
  return read_pdf(folder.path() + "/out.pdf");
}

std::optional<std::string> find_browser(std::string_view search_path) {
  for (const char* name : {"chromium", "chromium-browser", "google-chrome"}) {
    for (std::string_view rest = search_path; !rest.empty();) {
      const std::string_view folder = rest.substr(0, rest.find(':'));
      rest.remove_prefix(std::min(rest.size(), folder.size() + 1));
      if (!folder.starts_with('/')) continue;
      std::string path = std::string(folder) + "/" + name;
      if (::access(path.c_str(), X_OK) == 0) return path;
    }
  }
  return std::nullopt;
}

}  // namespace tocsin::app
