#include "decode/text/time_text.h"

#include <array>

#include "decode/text/scan.h"

namespace tocsin::decode::text {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kDay = 86'400 * kSecond;

unsigned small(std::string_view digits) {
  unsigned value = 0;
  for (const char c : digits) value = value * 10 + static_cast<unsigned>(c - '0');
  return value;
}

// "hh:mm:ss[.frac]" (a comma too).
bool take_clock(std::string_view& text, core::CivilTime& civil) {
  std::string_view rest = text;
  std::array<unsigned, 3> parts{};
  for (std::size_t i = 0; i < 3; ++i) {
    if (i > 0 && !skip(rest, ":")) return false;
    const std::string_view digits = take_digits(rest, 2);
    if (digits.empty()) return false;
    parts[i] = small(digits);
  }
  if (parts[0] > 23 || parts[1] > 59 || parts[2] > 60) return false;
  civil.hour = parts[0];
  civil.minute = parts[1];
  civil.second = parts[2];
  if (rest.size() > 1 && (rest[0] == '.' || rest[0] == ',') && is_digit(rest[1])) {
    rest.remove_prefix(1);
    std::uint32_t scale = 100'000'000;
    while (!rest.empty() && is_digit(rest.front())) {
      civil.nanosecond += scale * static_cast<std::uint32_t>(rest.front() - '0');
      scale /= 10;
      rest.remove_prefix(1);
    }
  }
  text = rest;
  return true;
}

bool take_year(std::string_view& text, core::CivilTime& civil) {
  std::string_view rest = text;
  const std::string_view digits = take_digits(rest, 4);
  if (digits.size() != 4 || small(digits) < 1970 || small(digits) > 2199) return false;
  civil.year = static_cast<int>(small(digits));
  text = rest;
  return true;
}

core::Timestamp guess_year(core::CivilTime civil, core::Timestamp reference) {
  if (!reference.known()) return core::kNoTime;
  const int newest = core::to_civil(reference).year + 1;
  for (int year = newest; year > newest - 10; --year) {  // 10: from one 29 February to the next are at most 8 years.
    civil.year = year;
    const auto time = core::from_civil(civil);
    if (time && time->ns - reference.ns <= kDay) return *time;
  }
  return core::kNoTime;
}

// " UTC", " EST", " Z", "+01:00", " -0700": what is known of it is applied, a zone word is only skipped.
void take_zone(std::string_view& text, std::int64_t& offset_seconds) {
  std::string_view rest = text;
  if (skip(rest, "Z") && (rest.empty() || !is_alnum(rest.front()))) {
    text = rest;
    return;
  }
  rest = text;
  skip(rest, " ");
  if (!rest.empty() && (rest.front() == '+' || rest.front() == '-')) {
    const std::int64_t sign = rest.front() == '+' ? 1 : -1;
    rest.remove_prefix(1);
    std::string_view hours = rest.substr(0, 2);
    rest.remove_prefix(hours.size());
    const bool colon = skip(rest, ":");
    std::string_view minutes = rest.substr(0, 2);
    std::string_view hour_digits = take_digits(hours, 2);
    std::string_view minute_digits = take_digits(minutes, 2);
    if (hour_digits.size() != 2 || minute_digits.size() != 2) return;
    rest.remove_prefix(2);
    if (!rest.empty() && (is_alnum(rest.front()) || (colon && rest.front() == ':'))) return;
    offset_seconds = sign * (small(hour_digits) * 3'600 + small(minute_digits) * 60);
    text = rest;
  }
}

// Zone words as Cisco writes them: 3 or 4 capitals after one space, then ':' or a space.
void skip_zone_word(std::string_view& text) {
  std::string_view rest = text;
  if (!skip(rest, " ")) return;
  std::size_t count = 0;
  while (count < rest.size() && is_upper(rest[count])) ++count;
  if (count < 3 || count > 4 || count >= rest.size() || rest[count] != ':') return;
  text = rest.substr(count);
}

void finish(const core::CivilTime& civil, std::int64_t offset_seconds, core::Timestamp& time) {
  if (const auto t = core::from_civil(civil)) time.ns = t->ns - offset_seconds * kSecond;
}

bool take_month_form(std::string_view& text, core::Timestamp reference, core::Timestamp& time) {
  std::string_view rest = text;
  core::CivilTime civil;
  civil.month = month_number(rest.substr(0, 3));
  if (civil.month == 0) return false;
  rest.remove_prefix(3);
  if (!skip(rest, " ")) return false;
  skip(rest, " ");
  const std::string_view day = take_digits(rest, 2);
  if (day.empty() || small(day) < 1 || small(day) > 31 || !skip(rest, " ")) return false;
  civil.day = small(day);
  skip(rest, " ");
  bool has_year = take_year(rest, civil);
  if (has_year && !skip(rest, " ")) return false;
  if (!take_clock(rest, civil)) return false;
  std::int64_t offset_seconds = 0;
  std::string_view after = rest;
  if (!has_year && skip(after, " ") && take_year(after, civil) &&
      (after.empty() || after[0] == ' ' || after[0] == ':' || after[0] == ']')) {
    has_year = true;
    rest = after;
  }
  take_zone(rest, offset_seconds);
  skip_zone_word(rest);
  if (!rest.empty() && is_alnum(rest.front())) return false;
  if (has_year) {
    finish(civil, offset_seconds, time);
  } else {
    time = guess_year(civil, reference);
    if (time.known()) time.ns -= offset_seconds * kSecond;
  }
  text = rest;
  return true;
}

bool take_iso_form(std::string_view& text, core::Timestamp& time) {
  std::string_view rest = text;
  core::CivilTime civil;
  if (!take_year(rest, civil) || rest.empty()) return false;
  const char dash = rest.front();
  if (dash != '-' && dash != '/') return false;
  rest.remove_prefix(1);
  const std::string_view month = take_digits(rest, 2);
  if (month.size() != 2 || rest.empty() || rest.front() != dash) return false;
  rest.remove_prefix(1);
  const std::string_view day = take_digits(rest, 2);
  if (day.size() != 2 || rest.empty() || (rest.front() != 'T' && rest.front() != ' ' && rest.front() != 't')) return false;
  rest.remove_prefix(1);
  civil.month = small(month);
  civil.day = small(day);
  if (civil.month < 1 || civil.month > 12 || !take_clock(rest, civil)) return false;
  std::int64_t offset_seconds = 0;
  take_zone(rest, offset_seconds);
  if (!rest.empty() && is_alnum(rest.front())) return false;
  finish(civil, offset_seconds, time);
  text = rest;
  return true;
}

constexpr std::string_view kWeekdays = "SunMonTueWedThuFriSat";

}  // namespace

unsigned month_number(std::string_view name) {
  constexpr std::string_view kMonths = "janfebmaraprmayjunjulaugsepoctnovdec";
  if (name.size() != 3) return 0;
  for (unsigned i = 0; i < 12; ++i) {
    if (equal_no_case(kMonths.substr(i * 3, 3), name)) return i + 1;
  }
  return 0;
}

bool parse_access_log_time(std::string_view text, core::Timestamp& time) {
  core::CivilTime civil;
  const std::string_view day = take_digits(text, 2);
  if (day.empty() || !skip(text, "/")) return false;
  civil.day = small(day);
  civil.month = month_number(text.substr(0, 3));
  if (civil.month == 0) return false;
  text.remove_prefix(3);
  if (!skip(text, "/") || !take_year(text, civil) || !skip(text, ":") || !take_clock(text, civil)) return false;
  std::int64_t offset_seconds = 0;
  take_zone(text, offset_seconds);
  if (!text.empty()) return false;
  finish(civil, offset_seconds, time);
  return true;
}

TimeForm take_time(std::string_view& text, core::Timestamp reference, core::Timestamp& time) {
  if (text.size() < 14) return TimeForm::kNone;
  if (is_digit(text[0])) {
    if (take_iso_form(text, time)) return TimeForm::kIso;
    std::string_view rest = text;
    const std::string_view whole = rest.substr(0, 26);  // "10/Oct/2000:13:55:36 -0700"
    if (whole.size() == 26 && whole[2] == '/' && parse_access_log_time(whole, time)) {
      text.remove_prefix(26);
      return TimeForm::kAccessLog;
    }
    return TimeForm::kNone;
  }
  if (take_month_form(text, reference, time)) return TimeForm::kSyslog;
  std::string_view rest = text;
  const std::size_t weekday = kWeekdays.find(rest.substr(0, 3));
  if (weekday != std::string_view::npos && weekday % 3 == 0) {
    rest.remove_prefix(3);
    skip(rest, ",");
    if (skip(rest, " ") && take_month_form(rest, reference, time)) {
      text = rest;
      return TimeForm::kAsctime;
    }
  }
  return TimeForm::kNone;
}

}  // namespace tocsin::decode::text
