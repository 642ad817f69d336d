// Quiet hours of a channel: when it holds back what it would send. Values and pure functions; any thread.
#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "core/time.h"
#include "core/time_zone.h"

namespace tocsin::notify {

// Each day from `from` to `to`, over midnight where `to` is not later; all of the days of `days`. Equal ends: only the days.
struct QuietHours {
  std::string from, to;  // "22:00", local.
  core::TimeZone zone;
  std::vector<std::string> days;  // "mon" ..; not all seven.
  std::string except_priority;    // That and higher ones are sent all the same; empty: none.
};
struct QuietInput {
  std::string from, to, timezone;
  std::vector<std::string> days;
  std::string except_priority;
};
core::Result<QuietHours> make_quiet(const QuietInput& input);  // kInvalid: says what was expected.
std::string quiet_json(const QuietHours& quiet);               // As the API shows it, and the ledger keeps it.
core::Result<QuietHours> read_quiet(std::string_view json);

// When it is no longer quiet; `now` where it is not.
core::Timestamp quiet_until(const QuietHours& quiet, core::Timestamp now);

}  // namespace tocsin::notify
