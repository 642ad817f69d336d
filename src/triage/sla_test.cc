#include "triage/sla.h"

#include <gtest/gtest.h>

#include <fstream>
#include <random>
#include <sstream>

#include "testing/paths.h"

namespace tocsin::triage {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

core::Timestamp utc(const std::string& text) {
  const auto time = core::parse_iso_time(text);
  EXPECT_TRUE(time.has_value()) << text;
  return time.value_or(core::kNoTime);
}
std::string shown(core::Timestamp time) { return time.known() ? core::format_iso_time(time) : "none"; }

std::string built_in() {
  std::ifstream in(testing::project_root() / "content/triage/sla.yml");
  std::stringstream out;
  out << in.rdbuf();
  return out.str();
}
std::string with(const std::string& from, const std::string& to) {
  std::string text = built_in();
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return at == std::string::npos ? text : text.replace(at, from.size(), to);
}
std::string refusal(const std::string& yaml) {
  const auto read = read_sla_policy(yaml, "sla.yml");
  return read.ok() ? "accepted" : read.error().text;
}
std::shared_ptr<const SlaPolicy> policy(const std::string& zone = "UTC") {
  const auto read = read_sla_policy(with("timezone: UTC", "timezone: " + zone), "sla.yml");
  EXPECT_TRUE(read.ok()) << (read.ok() ? "" : read.error().text);
  return *read;
}
std::string due(const BusinessHours& office, const char* from, seconds time) {
  return shown(add_business_time(office, utc(from), time));
}

ledger::Incident incident(const std::string& priority, const char* opened) {
  ledger::Incident out;
  out.id = 1;
  out.priority = priority;
  out.created_at = utc(opened);
  return out;
}

TEST(SlaPolicyFile, TheBuiltInOneIsRead) {
  const auto read = policy();
  EXPECT_EQ(read->priorities[0].targets[0], minutes(15));
  EXPECT_FALSE(read->priorities[0].business_hours);
  EXPECT_EQ(read->priorities[2].targets[0], hours(4));
  EXPECT_TRUE(read->priorities[2].business_hours);
  EXPECT_EQ(read->priorities[2].targets[1], hours(20));  // Two working days of ten hours.
}

TEST(SlaPolicyFile, SaysWhereAndWhatWasExpected) {
  EXPECT_EQ(
      refusal(with("acknowledge: 15m", "acknowledge: soon")),
      "sla.yml:16:37: priorities.p1.acknowledge is the text 'soon'; expected a whole number with s, m, h or d, as 15m, "
      "at most 366d");
  EXPECT_NE(refusal(with("calendar: 24/7", "calendar: always")).find("expected 24/7 or business hours"), std::string::npos);
  EXPECT_NE(refusal(with("timezone: UTC", "timezone: Mars/Olympus")).find("knows no time zone Mars/Olympus"),
            std::string::npos);
  EXPECT_NE(refusal(with("days: [mon", "days: [lundi")).find("expected mon, tue"), std::string::npos);
  EXPECT_NE(refusal(with("to: \"18:00\"", "to: \"08:00\"")).find("must be later"), std::string::npos);
  EXPECT_NE(refusal(with("to: \"18:00\"", "to: \"24:01\"")).find("at most \"24:00\""), std::string::npos);
  EXPECT_NE(refusal(with("holidays: []", "holidays: [2026-02-30]")).find("no date"), std::string::npos);
  EXPECT_NE(refusal(with("  holidays: []", "  holydays: []")).find("there is no key holydays"), std::string::npos);
  EXPECT_NE(refusal(with("close: 3d}", "resolve: 3d}")).find("no key resolve"), std::string::npos);
  EXPECT_NE(refusal(with(", close: 3d}", "}")).find("has no close"), std::string::npos);
  EXPECT_NE(refusal("").find("expected one document"), std::string::npos);
  EXPECT_NE(refusal("a: [").find("sla.yml:"), std::string::npos);
}

TEST(SlaPolicyFile, TakesTargetsUpToAYearAndNoneOfNothing) {
  EXPECT_EQ(refusal(with("close: 3d}", "close: 366d}")), "accepted");
  EXPECT_NE(refusal(with("close: 3d}", "close: 367d}")), "accepted");
  EXPECT_NE(refusal(with("close: 3d}", "close: 0d}")), "accepted");
  EXPECT_NE(refusal(with("close: 3d}", "close: 9999999999999999999d}")), "accepted");
}

TEST(BusinessTime, StopsOvernightAndOverTheWeekend) {
  const BusinessHours office = policy()->hours;
  EXPECT_EQ(due(office, "2026-11-24T09:00:00Z", hours(2)), "2026-11-24T11:00:00Z");
  EXPECT_EQ(due(office, "2026-11-24T17:30:00Z", hours(2)), "2026-11-25T09:30:00Z");
  EXPECT_EQ(due(office, "2026-11-27T17:00:00Z", hours(3)), "2026-11-30T10:00:00Z");  // Friday to Monday.
}
TEST(BusinessTime, BeginsWithTheNextWorkingHour) {
  const BusinessHours office = policy()->hours;
  EXPECT_EQ(due(office, "2026-11-24T03:00:00Z", minutes(1)), "2026-11-24T08:01:00Z");
  EXPECT_EQ(due(office, "2026-11-28T12:00:00Z", minutes(1)), "2026-11-30T08:01:00Z");
}
TEST(BusinessTime, EndsWithADayThatItFills) {
  const BusinessHours office = policy()->hours;
  EXPECT_EQ(due(office, "2026-11-24T08:00:00Z", hours(10)), "2026-11-24T18:00:00Z");
  EXPECT_EQ(due(office, "2026-11-24T08:00:00Z", hours(10) + seconds(1)), "2026-11-25T08:00:01Z");
  EXPECT_EQ(due(office, "2026-11-24T18:00:00Z", seconds(1)), "2026-11-25T08:00:01Z");
}
TEST(BusinessTime, LeavesHolidaysOut) {
  BusinessHours office = policy()->hours;
  office.holidays = {core::days_from_civil(2026, 12, 25)};
  EXPECT_EQ(due(office, "2026-12-24T17:00:00Z", hours(2)), "2026-12-28T09:00:00Z");
}
TEST(BusinessTime, FollowsTheClockWhereSummerTimeBeginsAndEnds) {
  const BusinessHours berlin = policy("Europe/Berlin")->hours;
  // Friday before the change: 16:00 local is 15:00Z; Monday after it 8:00 local is 6:00Z.
  EXPECT_EQ(due(berlin, "2026-03-27T15:00:00Z", hours(3)), "2026-03-30T07:00:00Z");
  EXPECT_EQ(due(berlin, "2026-10-23T15:00:00Z", hours(3)), "2026-10-26T09:00:00Z");
}
TEST(BusinessTime, ADayOfTheChangeIsAsLongAsItIs) {
  BusinessHours round = policy("Europe/Berlin")->hours;
  round.days.fill(true);
  round.from_second = 0;
  round.to_second = 86'400;
  // 29 March has 23 hours, 25 October 25: without gaps working time is time.
  EXPECT_EQ(due(round, "2026-03-28T23:00:00Z", hours(24)), "2026-03-29T23:00:00Z");
  EXPECT_EQ(due(round, "2026-10-24T22:00:00Z", hours(24)), "2026-10-25T22:00:00Z");
}
TEST(BusinessTime, IsNeverDueWhereThereIsNoWorkingTime) {
  BusinessHours none = policy()->hours;
  none.days.fill(false);
  EXPECT_EQ(due(none, "2026-11-24T09:00:00Z", hours(1)), "none");
}

// Against counting minute by minute.
TEST(BusinessTime, IsWhatCountingMinutesGives) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  for (const char* zone : {"UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu"}) {
    const BusinessHours office = policy(zone)->hours;
    for (int i = 0; i < 20; ++i) {
      const core::Timestamp from{utc("2026-03-01T00:00:00Z").ns +
                                 static_cast<std::int64_t>(random() % (60 * 1'440)) * 60'000'000'000};
      const auto time = minutes(1 + random() % 3'000);
      core::Timestamp slow = from;
      for (auto left = time; left.count() > 0;) {
        const core::CivilTime at = office.zone.local(slow);
        const std::int64_t second = at.hour * 3'600 + at.minute * 60;
        if (office.days[at.weekday] && second >= office.from_second && second < office.to_second) --left;
        slow.ns += 60'000'000'000;
      }
      EXPECT_EQ(shown(add_business_time(office, from, time)), shown(slow)) << zone << " " << shown(from);
    }
  }
}

TEST(SlaClocks, RunUntilDueAndAreBreachedFromThereOn) {
  const auto rules = policy();
  const auto one = incident("p1", "2026-11-24T09:00:00Z");
  const auto running = sla_clocks(*rules, one, utc("2026-11-24T09:15:00Z"));
  ASSERT_EQ(running.size(), 3u);
  EXPECT_EQ(shown(running[0].due), "2026-11-24T09:15:00Z");
  EXPECT_EQ(running[0].state, SlaClock::State::kRunning);
  EXPECT_EQ(sla_clocks(*rules, one, utc("2026-11-24T09:15:00.001Z"))[0].state, SlaClock::State::kBreached);
}
TEST(SlaClocks, StayWhatTheyWereWhenTheyEnded) {
  const auto rules = policy();
  auto one = incident("p1", "2026-11-24T09:00:00Z");
  one.acknowledged_at = utc("2026-11-24T09:15:00Z");
  one.contained_at = utc("2026-11-24T13:00:01Z");
  const auto clocks = sla_clocks(*rules, one, utc("2026-12-24T09:00:00Z"));
  EXPECT_EQ(clocks[0].state, SlaClock::State::kMet);
  EXPECT_EQ(clocks[1].state, SlaClock::State::kBreached);
  EXPECT_EQ(clocks[2].state, SlaClock::State::kBreached);  // Not closed in three days.
}
TEST(SlaClocks, AClosedIncidentIsContainedToo) {
  auto one = incident("p1", "2026-11-24T09:00:00Z");
  one.acknowledged_at = one.closed_at = utc("2026-11-24T09:10:00Z");
  for (const SlaClock& clock : sla_clocks(*policy(), one, utc("2027-01-01T00:00:00Z")))
    EXPECT_EQ(clock.state, SlaClock::State::kMet) << to_string(clock.goal);
}
TEST(SlaClocks, FollowThePriorityOfNow) {
  auto one = incident("p3", "2026-11-24T19:00:00Z");
  EXPECT_EQ(shown(sla_clocks(*policy(), one, one.created_at)[0].due), "2026-11-25T12:00:00Z");
  one.priority = "p2";
  EXPECT_EQ(shown(sla_clocks(*policy(), one, one.created_at)[0].due), "2026-11-24T20:00:00Z");
}
TEST(SlaClocks, AreNoneOfAnIncidentThatBecamePartOfAnother) {
  auto one = incident("p1", "2026-11-24T09:00:00Z");
  one.merged_into = 2;
  EXPECT_TRUE(sla_clocks(*policy(), one, one.created_at).empty());
}
TEST(SlaSummary, NamesTheNextThatRunsAndWhetherAnyIsBreached) {
  const auto rules = policy();
  auto one = incident("p1", "2026-11-24T09:00:00Z");
  EXPECT_EQ(shown(sla_summary(*rules, one, one.created_at).due), "2026-11-24T09:15:00Z");
  EXPECT_FALSE(sla_summary(*rules, one, one.created_at).breached);
  const SlaSummary late = sla_summary(*rules, one, utc("2026-11-24T10:00:00Z"));
  EXPECT_EQ(shown(late.due), "2026-11-24T13:00:00Z");
  EXPECT_TRUE(late.breached);
  one.closed_at = one.acknowledged_at = utc("2026-11-24T09:10:00Z");
  EXPECT_EQ(shown(sla_summary(*rules, one, utc("2026-11-24T10:00:00Z")).due), "none");
}

}  // namespace
}  // namespace tocsin::triage
