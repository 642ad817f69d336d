#include "core/time.h"

#include <array>
#include <charconv>
#include <cmath>

namespace tocsin::core {
namespace {

constexpr std::int64_t kNsPerSecond = 1'000'000'000;
// Seconds that still fit with any fraction into int64 nanoseconds.
constexpr std::int64_t kMaxSeconds = 9'223'372'035;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

struct Cursor {
  const char* at;
  const char* end;
  [[nodiscard]] bool done() const { return at == end; }
  [[nodiscard]] char peek() const { return at == end ? '\0' : *at; }
  bool take(char c) {
    if (at == end || *at != c) return false;
    ++at;
    return true;
  }
  // Exactly `count` digits.
  bool number(int count, unsigned& out) {
    if (end - at < count) return false;
    unsigned value = 0;
    for (int i = 0; i < count; ++i) {
      if (!is_digit(at[i])) return false;
      value = value * 10 + static_cast<unsigned>(at[i] - '0');
    }
    at += count;
    out = value;
    return true;
  }
};

unsigned days_in_month(int year, unsigned month) {
  static constexpr std::array<unsigned, 12> kDays{31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  return month == 2 && leap ? 29 : kDays[month - 1];
}

bool parse_zone(Cursor& in, std::int64_t& offset_seconds) {
  offset_seconds = 0;
  if (in.done()) return true;
  if (in.take('Z') || in.take('z')) return in.done();
  if (in.end - in.at == 4 && std::string_view(in.at, 4) == " UTC") return true;
  if (in.end - in.at == 4 && std::string_view(in.at, 4) == " GMT") return true;
  in.take(' ');
  const bool plus = in.take('+');
  if (!plus && !in.take('-')) return false;
  unsigned hours = 0;
  unsigned minutes = 0;
  if (!in.number(2, hours)) return false;
  if (!in.done()) {
    in.take(':');
    if (!in.number(2, minutes)) return false;
  }
  if (!in.done() || hours > 23 || minutes > 59) return false;
  offset_seconds = static_cast<std::int64_t>(hours) * 3600 + static_cast<std::int64_t>(minutes) * 60;
  if (!plus) offset_seconds = -offset_seconds;
  return true;
}

void append_number(std::string& out, std::uint64_t value, int width) {
  std::array<char, 20> digits{};
  for (int i = width - 1; i >= 0; --i) {
    digits[static_cast<std::size_t>(i)] = static_cast<char>('0' + value % 10);
    value /= 10;
  }
  out.append(digits.data(), static_cast<std::size_t>(width));
}

}  // namespace

// Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms": days_from_civil.
std::int64_t days_from_civil(std::int64_t year, unsigned month, unsigned day) {
  year -= month <= 2 ? 1 : 0;
  const std::int64_t era = (year >= 0 ? year : year - 399) / 400;
  const auto year_of_era = static_cast<std::uint64_t>(year - era * 400);
  const std::uint64_t day_of_year = (153ULL * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
  const std::uint64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * 146'097 + static_cast<std::int64_t>(day_of_era) - 719'468;
}

CivilTime to_civil(Timestamp time) {
  std::int64_t seconds = time.ns / kNsPerSecond;
  std::int64_t fraction = time.ns % kNsPerSecond;
  if (fraction < 0) {
    fraction += kNsPerSecond;
    --seconds;
  }
  std::int64_t days = seconds / 86'400;
  std::int64_t rest = seconds % 86'400;
  if (rest < 0) {
    rest += 86'400;
    --days;
  }
  CivilTime out;
  out.weekday = static_cast<unsigned>(((days % 7) + 11) % 7);
  days += 719'468;
  const std::int64_t era = (days >= 0 ? days : days - 146'096) / 146'097;
  const auto doe = static_cast<std::uint64_t>(days - era * 146'097);
  const std::uint64_t yoe = (doe - doe / 1460 + doe / 36'524 - doe / 146'096) / 365;
  const std::uint64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
  const std::uint64_t mp = (5 * doy + 2) / 153;
  out.day = static_cast<unsigned>(doy - (153 * mp + 2) / 5 + 1);
  out.month = static_cast<unsigned>(mp < 10 ? mp + 3 : mp - 9);
  out.year = static_cast<int>(static_cast<std::int64_t>(yoe) + era * 400 + (out.month <= 2 ? 1 : 0));
  out.hour = static_cast<unsigned>(rest / 3600);
  out.minute = static_cast<unsigned>(rest / 60 % 60);
  out.second = static_cast<unsigned>(rest % 60);
  out.nanosecond = static_cast<std::uint32_t>(fraction);
  return out;
}

std::optional<Timestamp> from_civil(const CivilTime& civil) {
  if (civil.month < 1 || civil.month > 12 || civil.day < 1 || civil.day > days_in_month(civil.year, civil.month)) return {};
  if (civil.hour > 23 || civil.minute > 59 || civil.second > 60 || civil.nanosecond >= kNsPerSecond) return {};
  const std::int64_t seconds = days_from_civil(civil.year, civil.month, civil.day) * 86'400 + civil.hour * 3600 +
                               civil.minute * 60 + (civil.second == 60 ? 59 : civil.second);
  if (seconds > kMaxSeconds || seconds < -kMaxSeconds) return {};
  return Timestamp{seconds * kNsPerSecond + civil.nanosecond};
}

std::optional<Timestamp> parse_iso_time(std::string_view text) {
  Cursor in{text.data(), text.data() + text.size()};
  CivilTime civil;
  unsigned year = 0;
  if (!in.number(4, year) || !in.take('-') || !in.number(2, civil.month) || !in.take('-') || !in.number(2, civil.day))
    return {};
  civil.year = static_cast<int>(year);
  std::int64_t offset = 0;
  if (!in.done()) {
    if (!in.take('T') && !in.take(' ') && !in.take('t')) return {};
    if (!in.number(2, civil.hour) || !in.take(':') || !in.number(2, civil.minute)) return {};
    if (in.take(':') && !in.number(2, civil.second)) return {};
    if (in.peek() == '.' || in.peek() == ',') {
      ++in.at;
      std::uint32_t scale = 100'000'000;
      if (!is_digit(in.peek())) return {};
      while (is_digit(in.peek())) {
        civil.nanosecond += static_cast<std::uint32_t>(in.peek() - '0') * scale;
        scale /= 10;
        ++in.at;
      }
    }
    if (!parse_zone(in, offset)) return {};
  }
  auto time = from_civil(civil);
  if (time) time->ns -= offset * kNsPerSecond;
  return time;
}

std::optional<Timestamp> parse_any_time(std::string_view text) {
  if (text.size() > 5 && text[4] == '-') return parse_iso_time(text);
  double value = 0;
  const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (status != std::errc{} || end != text.data() + text.size() || !std::isfinite(value) || value < 0) return {};
  std::int64_t whole = 0;
  const auto [whole_end, whole_status] = std::from_chars(text.data(), text.data() + text.size(), whole);
  const bool integral = whole_status == std::errc{} && whole_end == text.data() + text.size();
  if (value < 1e11) {
    if (value > static_cast<double>(kMaxSeconds)) return {};
    // Seconds: the fraction is read from the text, for a double keeps only some 100 ns of it.
    if (whole_status != std::errc{} || (!integral && *whole_end != '.'))
      return Timestamp{static_cast<std::int64_t>(value * 1e9)};
    std::int64_t fraction = 0;
    std::int64_t scale = 100'000'000;
    if (!integral) {
      for (const char* at = whole_end + 1; at != end && is_digit(*at); ++at, scale /= 10) fraction += (*at - '0') * scale;
    }
    return Timestamp{whole * kNsPerSecond + fraction};
  }
  const double unit = value < 1e14 ? 1e6 : value < 1e17 ? 1e3 : 1;
  if (value * unit > 9.2e18) return {};
  if (integral) return Timestamp{whole * static_cast<std::int64_t>(unit)};
  return Timestamp{static_cast<std::int64_t>(value * unit)};
}

std::string format_iso_time(Timestamp time) {
  const CivilTime civil = to_civil(time);
  std::string out;
  out.reserve(32);
  append_number(out, static_cast<std::uint64_t>(civil.year), 4);
  out += '-';
  append_number(out, civil.month, 2);
  out += '-';
  append_number(out, civil.day, 2);
  out += 'T';
  append_number(out, civil.hour, 2);
  out += ':';
  append_number(out, civil.minute, 2);
  out += ':';
  append_number(out, civil.second, 2);
  if (civil.nanosecond != 0) {
    out += '.';
    if (civil.nanosecond % 1'000'000 == 0)
      append_number(out, civil.nanosecond / 1'000'000, 3);
    else if (civil.nanosecond % 1000 == 0)
      append_number(out, civil.nanosecond / 1000, 6);
    else if (civil.nanosecond % 100 == 0)
      append_number(out, civil.nanosecond / 100, 7);
    else
      append_number(out, civil.nanosecond, 9);
  }
  out += 'Z';
  return out;
}

Timestamp from_filetime(std::uint64_t filetime) {
  // 1601-01-01 to 1970-01-01 in 100 ns units.
  constexpr std::uint64_t kEpoch = 116'444'736'000'000'000;
  constexpr std::int64_t kMaxUnits = std::numeric_limits<std::int64_t>::max() / 100;
  if (filetime >= kEpoch) {
    const std::uint64_t units = filetime - kEpoch;
    return Timestamp{units > static_cast<std::uint64_t>(kMaxUnits) ? kMaxUnits * 100
                                                                   : static_cast<std::int64_t>(units) * 100};
  }
  const std::uint64_t units = kEpoch - filetime;
  return Timestamp{units > static_cast<std::uint64_t>(kMaxUnits) ? -kMaxUnits * 100
                                                                 : -static_cast<std::int64_t>(units) * 100};
}

}  // namespace tocsin::core
