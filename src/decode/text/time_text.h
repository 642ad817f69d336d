// Times at the front of a log line, in the forms loggers write them. Pure.
//
// A form without a zone is taken as UTC: the line does not say more.
#pragma once
#include <string_view>

#include "core/time.h"

namespace tocsin::decode::text {

enum class TimeForm {
  kNone,
  kSyslog,     // "Oct 11 22:14:15", year before or after the clock, fraction, a zone word or "Z" behind it.
  kIso,        // "2026-01-02T03:04:05.123+01:00", also with a space or with slashes in the date.
  kAsctime,    // "Sun Dec 04 04:47:44 2005", fraction as in Apache's error log.
  kAccessLog,  // "10/Oct/2000:13:55:36 -0700".
};

// Cuts a time off the front of `text`; kNone leaves it as it is. `reference` gives the year where none is written: the
// latest one that puts the time not more than a day after it; without reference `time` stays kNoTime.
TimeForm take_time(std::string_view& text, core::Timestamp reference, core::Timestamp& time);

// "10/Oct/2000:13:55:36 -0700", the whole text.
bool parse_access_log_time(std::string_view text, core::Timestamp& time);

// 1-12 for "Jan" ... "Dec" in any case, 0 for anything else.
unsigned month_number(std::string_view name);

}  // namespace tocsin::decode::text
