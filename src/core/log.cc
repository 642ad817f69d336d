#include "core/log.h"

#include <unistd.h>

#include <atomic>
#include <string>

#include "core/clock.h"

namespace tocsin::core {
namespace {
// The one process-wide setting: a log line is wanted or not whoever writes it.
std::atomic<LogLevel> lowest_level{LogLevel::kInfo};

const char* name(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug: return "debug";
    case LogLevel::kInfo: return "info";
    case LogLevel::kWarning: return "warning";
    case LogLevel::kError: return "error";
  }
  return "";
}
}  // namespace

void log(LogLevel level, std::string_view part, std::string_view message) {
  if (level < lowest_level.load(std::memory_order_relaxed)) return;
  Timestamp now = SystemClock().now();
  now.ns -= now.ns % 1'000'000;
  std::string line = format_iso_time(now);
  line += ' ';
  line += name(level);
  line += ' ';
  line += part;
  line += ": ";
  for (const char c : message) line += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
  line += '\n';
  if (::write(STDERR_FILENO, line.data(), line.size()) < 0) return;  // Nowhere left to say so.
}

void set_log_level(LogLevel level) { lowest_level = level; }

}  // namespace tocsin::core
