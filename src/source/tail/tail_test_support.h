// Files written as programs write them, and what a tail made of them.
#pragma once
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "source/live_test_support.h"
#include "source/tail.h"
#include "testing/patience.h"
#include "testing/temporary_folder.h"

namespace tocsin::source::testing {

inline void append(const std::filesystem::path& path, std::string_view bytes) {
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (file < 0 || ::write(file, bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size())) std::abort();
  ::close(file);
}

// As logrotate's copytruncate.
inline void copy_truncate(const std::filesystem::path& from, const std::filesystem::path& to) {
  std::filesystem::copy_file(from, to);
  if (::truncate(from.c_str(), 0) != 0) std::abort();
}

struct TailWorld : World {
  tocsin::testing::TemporaryFolder folder;
  TailOptions options;
  SourceRef source = ref(7, "files");
  std::unique_ptr<LiveSource> tail;

  explicit TailWorld(const std::string& glob = "app.log",
                     const std::filesystem::path& parent = std::filesystem::temp_directory_path())
      : folder(parent) {
    options.globs = {at(glob).string()};
    options.poll = std::chrono::milliseconds(200);  // Beside the kernel's notices; see the options.
  }
  [[nodiscard]] std::filesystem::path at(const std::string& name) const { return folder.path() / name; }
  void start() {
    auto started = start_tail(options, source, context());
    if (!started.ok()) std::abort();
    tail = std::move(started).value();
  }
  // As a crash: what is under way is not waited for.
  void restart() {
    tail.reset();
    start();
  }
  static std::string text(const std::vector<model::Delivery>& all) {
    std::string out;
    for (const model::Delivery& delivery : all) out += delivery.bytes;
    return out;
  }
  // Until exactly this has come; what came instead is in intake.bytes().
  [[nodiscard]] bool wait_text(std::string_view expected) const {
    return intake.wait([&](const auto& all) { return text(all).size() >= expected.size(); }) && intake.bytes() == expected;
  }
  // Polls while patience lasts.
  template <class Condition>
  static bool eventually(const Condition& condition) {
    const auto until = std::chrono::steady_clock::now() + tocsin::testing::kPatience;
    while (!condition()) {
      if (std::chrono::steady_clock::now() > until) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    return true;
  }
};

}  // namespace tocsin::source::testing
