// The program's own log: one line per cause on standard error, for the operator. Never secrets, never one line per event.
//
// Any number of threads; a line is written whole. Only app, cli and owners of background work log.
#pragma once
#include <cstdint>
#include <string_view>

namespace tocsin::core {

enum class LogLevel : std::uint8_t { kDebug, kInfo, kWarning, kError };

// "2026-11-24T10:00:00.123Z warning store: message". Control characters in the message are shown as '?'.
void log(LogLevel level, std::string_view part, std::string_view message);
// Lines below it are not written. Set once at start-up. Default: kInfo.
void set_log_level(LogLevel level);

}  // namespace tocsin::core
