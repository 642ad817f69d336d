#include "cli/progress.h"

#include <algorithm>
#include <array>
#include <cstdio>

namespace tocsin::cli {

std::string human_bytes(double bytes) {
  constexpr std::array<const char*, 5> kUnits{"B", "KB", "MB", "GB", "TB"};
  std::size_t unit = 0;
  while (bytes >= 999.5 && unit + 1 < kUnits.size()) {
    bytes /= 1000;
    ++unit;
  }
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), unit == 0 || bytes >= 99.95 ? "%.0f %s" : "%.1f %s", bytes, kUnits[unit]);
  return text.data();
}

void ProgressBar::show(const Progress& progress) {
  using std::chrono::duration;
  if (!enabled_) return;
  const auto now = std::chrono::steady_clock::now();
  if (drawn_ && now - last_ < std::chrono::milliseconds(100)) return;
  last_ = now;
  const double seconds = duration<double>(now - begin_).count();
  const double rate = static_cast<double>(progress.read_bytes) / std::max(seconds, 1e-3);
  const std::string done = human_bytes(static_cast<double>(progress.read_bytes));
  const std::string speed = human_bytes(rate);
  if (progress.total_bytes > 0 && progress.read_bytes <= progress.total_bytes) {
    const double share = static_cast<double>(progress.read_bytes) / static_cast<double>(progress.total_bytes);
    const double left = rate > 0 ? static_cast<double>(progress.total_bytes - progress.read_bytes) / rate : 0;
    constexpr int kWidth = 24;
    std::array<char, kWidth + 1> bar{};
    for (int i = 0; i < kWidth; ++i) bar[static_cast<std::size_t>(i)] = i < static_cast<int>(share * kWidth) ? '#' : '.';
    std::fprintf(stderr, "\r\x1b[K[%s] %3.0f%%  %s of %s  %s/s  %llu events  %.0f s left", bar.data(), share * 100,
                 done.c_str(), human_bytes(static_cast<double>(progress.total_bytes)).c_str(), speed.c_str(),
                 static_cast<unsigned long long>(progress.events), left);
  } else {
    std::fprintf(stderr, "\r\x1b[K%s  %s/s  %llu events", done.c_str(), speed.c_str(),
                 static_cast<unsigned long long>(progress.events));
  }
  drawn_ = true;
}

void ProgressBar::clear() {
  if (drawn_) std::fputs("\r\x1b[K", stderr);
  drawn_ = false;
}

}  // namespace tocsin::cli
