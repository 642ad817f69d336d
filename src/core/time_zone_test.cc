#include "core/time_zone.h"

#include <gtest/gtest.h>

namespace tocsin::core {
namespace {

Timestamp utc(const char* text) {
  const auto time = parse_iso_time(text);
  EXPECT_TRUE(time.has_value()) << text;
  return time.value_or(kNoTime);
}
TimeZone zone(const char* name) {
  auto loaded = TimeZone::load(name);
  EXPECT_TRUE(loaded.ok()) << (loaded.ok() ? "" : loaded.error().text);
  return loaded.ok() ? *loaded : TimeZone();
}
std::string shown(const CivilTime& civil) {
  char text[64];
  std::snprintf(text, sizeof text, "%04d-%02u-%02u %02u:%02u:%02u %u", civil.year, civil.month, civil.day, civil.hour,
                civil.minute, civil.second, civil.weekday);
  return text;
}

TEST(TimeZone, SaysLocalTimesOnBothSidesOfAChange) {
  const TimeZone berlin = zone("Europe/Berlin");
  EXPECT_EQ(berlin.name(), "Europe/Berlin");
  EXPECT_EQ(shown(berlin.local(utc("2026-03-29T00:59:59Z"))), "2026-03-29 01:59:59 0");
  EXPECT_EQ(shown(berlin.local(utc("2026-03-29T01:00:00Z"))), "2026-03-29 03:00:00 0");
  EXPECT_EQ(shown(berlin.local(utc("2026-10-25T00:59:59Z"))), "2026-10-25 02:59:59 0");
  EXPECT_EQ(shown(berlin.local(utc("2026-10-25T01:00:00Z"))), "2026-10-25 02:00:00 0");
}

TEST(TimeZone, TakesTheMomentOfTheChangeForATimeThatItSkips) {
  EXPECT_EQ(zone("Europe/Berlin").at(2026, 3, 29, 2 * 3600 + 1800), utc("2026-03-29T01:00:00Z"));
}
TEST(TimeZone, TakesTheFirstOfATimeThatComesTwice) {
  EXPECT_EQ(zone("Europe/Berlin").at(2026, 10, 25, 2 * 3600 + 1800), utc("2026-10-25T00:30:00Z"));
}
TEST(TimeZone, TakesTheEndOfADayForTheBeginOfTheNext) {
  EXPECT_EQ(zone("America/New_York").at(2026, 12, 31, 86'400), utc("2027-01-01T05:00:00Z"));
}
TEST(TimeZone, KnowsRulesBeyondTheListedChanges) {
  EXPECT_EQ(shown(zone("Europe/Berlin").local(utc("2101-07-01T00:00:00Z"))), "2101-07-01 02:00:00 5");
}
TEST(TimeZone, IsUtcWhereNothingIsSaid) {
  EXPECT_EQ(TimeZone().name(), "UTC");
  EXPECT_EQ(shown(TimeZone().local(utc("1969-12-31T23:59:59.5Z"))), "1969-12-31 23:59:59 3");
}
TEST(TimeZone, RefusesWhatIsNoNameOfAZone) {
  for (const char* name : {"", "/etc/passwd", "../../etc/passwd", "Europe/../../x", "localtime", "libc:localtime", "Europe/",
                           "Europe//Berlin", "Eu rope"}) {
    EXPECT_FALSE(TimeZone::load(name).ok()) << name;
  }
  EXPECT_EQ(TimeZone::load("Europe/Nowhere").error().code, ErrorCode::kNotFound);
  EXPECT_EQ(TimeZone::load(std::string(65, 'A')).error().code, ErrorCode::kInvalid);
}

}  // namespace
}  // namespace tocsin::core
