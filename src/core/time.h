// Instants and their text forms. Pure functions; no clock here.
//
// A Timestamp is nanoseconds since 1970-01-01T00:00:00Z (range 1677 to 2262). kNoTime says "not known".
#pragma once
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

namespace tocsin::core {

struct Timestamp {
  std::int64_t ns = std::numeric_limits<std::int64_t>::min();
  auto operator<=>(const Timestamp&) const = default;
  [[nodiscard]] bool known() const { return ns != std::numeric_limits<std::int64_t>::min(); }
};
inline constexpr Timestamp kNoTime{};

// Days since 1970-01-01 of a proleptic Gregorian date (any int year; month 1-12; day 1-31, not checked).
std::int64_t days_from_civil(std::int64_t year, unsigned month, unsigned day);

struct CivilTime {
  int year = 1970;
  unsigned month = 1, day = 1, hour = 0, minute = 0, second = 0;
  std::uint32_t nanosecond = 0;
  unsigned weekday = 4;  // 0 = Sunday.
};
CivilTime to_civil(Timestamp time);
// Empty where the date does not exist or is out of the range of Timestamp. Second 60 counts as 59.
std::optional<Timestamp> from_civil(const CivilTime& civil);

// ISO 8601 / RFC 3339 and its common relatives: "2026-01-02T03:04:05.1234567Z", a space instead of T, "," as the decimal
// sign, "+0100", "+01:00", " UTC"; no zone means UTC; a date alone is its midnight. Digits past 9 are cut. The whole text
// must be consumed.
std::optional<Timestamp> parse_iso_time(std::string_view text);

// ISO as above, or a number: seconds (with fraction), milli-, micro- or nanoseconds since the epoch, told by magnitude.
std::optional<Timestamp> parse_any_time(std::string_view text);

// "2026-01-02T03:04:05.123456700Z"; the fraction has the fewest of 0, 3, 6, 7 or 9 digits that lose nothing.
std::string format_iso_time(Timestamp time);

// FILETIME: 100 ns units since 1601-01-01T00:00:00Z. Values outside Timestamp's range are clamped to it.
Timestamp from_filetime(std::uint64_t filetime);

}  // namespace tocsin::core
