#include "core/time.h"

#include <gtest/gtest.h>

#include <random>

namespace tocsin::core {
namespace {

TEST(Time, IsoFormsOfOneInstantAgree) {
  const Timestamp want{1'767'323'045'123'456'700};
  for (const char* text :
       {"2026-01-02T03:04:05.1234567Z", "2026-01-02 03:04:05.1234567", "2026-01-02T04:04:05,1234567+01:00",
        "2026-01-01T22:04:05.1234567-0500", "2026-01-02 03:04:05.1234567 UTC", "2026-01-02T03:04:05.123456700999Z"}) {
    ASSERT_TRUE(parse_iso_time(text)) << text;
    EXPECT_EQ(parse_iso_time(text)->ns, want.ns) << text;
  }
  EXPECT_EQ(format_iso_time(want), "2026-01-02T03:04:05.1234567Z");
}

TEST(Time, RejectsDatesThatDoNotExist) {
  for (const char* text :
       {"2026-02-29T00:00:00Z", "2026-13-01", "2026-00-01", "2026-01-32", "2026-01-01T24:00:00Z", "2026-01-01T00:60:00Z",
        "2026-01-01T00:00:00.Z", "2026-01-01T00:00:00Zx", "", "2026", "9999-01-01"}) {
    EXPECT_FALSE(parse_iso_time(text)) << text;
  }
  EXPECT_TRUE(parse_iso_time("2024-02-29"));
}

TEST(Time, NumbersAreToldByMagnitude) {
  EXPECT_EQ(parse_any_time("1767323045")->ns, 1'767'323'045'000'000'000);
  EXPECT_EQ(parse_any_time("1767323045.123456789")->ns, 1'767'323'045'123'456'789);
  EXPECT_EQ(parse_any_time("1767323045123")->ns, 1'767'323'045'123'000'000);
  EXPECT_EQ(parse_any_time("1767323045123456")->ns, 1'767'323'045'123'456'000);
  EXPECT_EQ(parse_any_time("1767323045123456789")->ns, 1'767'323'045'123'456'789);
  EXPECT_FALSE(parse_any_time("nan"));
  EXPECT_FALSE(parse_any_time("-5"));
  EXPECT_FALSE(parse_any_time("1e400"));
  EXPECT_FALSE(parse_any_time("99999999999999999999"));
}

TEST(Time, FiletimeIsClampedNotWrapped) {
  EXPECT_EQ(from_filetime(116'444'736'000'000'000).ns, 0);
  EXPECT_EQ(format_iso_time(from_filetime(0)).substr(0, 4), "1677");
  EXPECT_EQ(format_iso_time(from_filetime(~0ULL)).substr(0, 4), "2262");
}

TEST(Time, CivilRoundTripsOnRandomInstants) {
  std::mt19937_64 random(20261124);
  for (int i = 0; i < 200'000; ++i) {
    const Timestamp time{static_cast<std::int64_t>(random()) / 2};
    const auto back = from_civil(to_civil(time));
    ASSERT_TRUE(back) << time.ns;
    ASSERT_EQ(back->ns, time.ns);
  }
  EXPECT_EQ(to_civil(Timestamp{0}).weekday, 4U);
  EXPECT_EQ(to_civil(*parse_iso_time("2026-11-24")).weekday, 2U);
}

}  // namespace
}  // namespace tocsin::core
