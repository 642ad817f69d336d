#include "notify/quiet.h"

#include <gtest/gtest.h>

namespace tocsin::notify {
namespace {

QuietHours quiet(const QuietInput& input) {
  const auto made = make_quiet(input);
  EXPECT_TRUE(made.ok()) << (made.ok() ? "" : made.error().text);
  return made.ok() ? *made : QuietHours{};
}
const QuietInput kNights{"22:00", "06:00", "Europe/Berlin", {"sat", "sun"}, "p1"};

std::string until(const QuietInput& input, const char* now) {
  return core::format_iso_time(quiet_until(quiet(input), core::parse_iso_time(now).value()));
}

TEST(QuietHours, EndInTheMorning) {
  EXPECT_EQ(until(kNights, "2026-11-24T20:59:59Z"), "2026-11-24T20:59:59Z");  // 21:59:59 in Berlin.
  EXPECT_EQ(until(kNights, "2026-11-24T21:00:00Z"), "2026-11-25T05:00:00Z");
  EXPECT_EQ(until(kNights, "2026-11-25T04:59:59Z"), "2026-11-25T05:00:00Z");
  EXPECT_EQ(until(kNights, "2026-11-25T05:00:00Z"), "2026-11-25T05:00:00Z");
}
TEST(QuietHours, LastOverQuietDaysAndTheNightsAround) {
  EXPECT_EQ(until(kNights, "2026-11-27T21:00:00Z"), "2026-11-30T05:00:00Z");  // Friday night to Monday morning.
  EXPECT_EQ(until(kNights, "2026-11-29T12:00:00Z"), "2026-11-30T05:00:00Z");
}
TEST(QuietHours, MayLieWithinADay) {
  const QuietInput noon{"12:00", "13:00", "UTC", {}, ""};
  EXPECT_EQ(until(noon, "2026-11-24T12:30:00Z"), "2026-11-24T13:00:00Z");
  EXPECT_EQ(until(noon, "2026-11-24T13:00:00Z"), "2026-11-24T13:00:00Z");
}
TEST(QuietHours, MayBeDaysOnly) {
  const QuietInput sundays{"00:00", "00:00", "UTC", {"sun"}, ""};
  EXPECT_EQ(until(sundays, "2026-11-29T00:00:00Z"), "2026-11-30T00:00:00Z");
  EXPECT_EQ(until(sundays, "2026-11-28T23:59:59Z"), "2026-11-28T23:59:59Z");
}
TEST(QuietHours, EndByTheClockWhereItChanges) {
  EXPECT_EQ(until(kNights, "2026-03-29T20:30:00Z"), "2026-03-30T04:00:00Z");  // Summer time: 6:00 is 4:00Z.
  const QuietInput skipped{"01:00", "02:30", "Europe/Berlin", {}, ""};
  EXPECT_EQ(until(skipped, "2026-03-29T00:30:00Z"), "2026-03-29T01:00:00Z");  // 2:30 is not there.
}
TEST(QuietHours, AreReadAsTheyWereWritten) {
  const auto read = read_quiet(quiet_json(quiet(kNights)));
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(quiet_json(*read), quiet_json(quiet(kNights)));
  EXPECT_EQ(read->except_priority, "p1");
}
TEST(QuietHours, RefuseWhatIsNone) {
  for (const QuietInput& bad :
       {QuietInput{"24:00", "06:00", "UTC", {}, ""}, QuietInput{"22:00", "6:00", "UTC", {}, ""},
        QuietInput{"22:00", "06:60", "UTC", {}, ""}, QuietInput{"22:00", "06:00", "Nowhere", {}, ""},
        QuietInput{"22:00", "06:00", "UTC", {"lundi"}, ""}, QuietInput{"22:00", "06:00", "UTC", {}, "p5"},
        QuietInput{"06:00", "06:00", "UTC", {}, ""},
        QuietInput{"22:00", "06:00", "UTC", {"mon", "tue", "wed", "thu", "fri", "sat", "sun"}, ""}}) {
    EXPECT_FALSE(make_quiet(bad).ok()) << bad.from << bad.to << bad.timezone;
  }
  EXPECT_FALSE(read_quiet("[").ok());
}

}  // namespace
}  // namespace tocsin::notify
