#include "triage/prevalence.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>
#include <string>

#include "triage/joiner_test_support.h"

namespace tocsin::triage {
namespace {

using model::EntityKind;
constexpr double kDay = 1'440;

TEST(CountedPrevalence, DayBeingCountedIsNotInTheSnapshot) {
  CountedPrevalence counted;
  EXPECT_FALSE(counted.add(FindingBuilder("a", 0).on("h1").rule("r")));
  EXPECT_EQ(counted.snapshot()->rule("t", "r").findings, 0U);
  EXPECT_TRUE(counted.add(FindingBuilder("b", kDay).on("h2").rule("r")));
  EXPECT_EQ(counted.snapshot()->rule("t", "r").findings, 1U);
  EXPECT_EQ(counted.snapshot()->host_count("t"), 1U);
  EXPECT_EQ(counted.snapshot()->host_count("u"), 0U);
}

TEST(CountedPrevalence, CountsHostsAndDaysOfRulesAndThings) {
  CountedPrevalence counted;
  for (int i = 0; i < 6; ++i) {
    counted.add(FindingBuilder("a", kDay * (i / 2))
                    .on("h" + std::to_string(i))
                    .rule("r")
                    .with(EntityKind::kFile, "h" + std::to_string(i) + "|c:\\x.exe"));
  }
  counted.add(FindingBuilder("z", kDay * 3));
  EXPECT_EQ(counted.snapshot()->rule("t", "r").hosts, 6U);
  EXPECT_EQ(counted.snapshot()->rule("t", "r").days, 3U);
  EXPECT_EQ(counted.snapshot()->entity("t", EntityKind::kFile, "c:\\x.exe").hosts, 6U);
}

TEST(CountedPrevalence, RuleOnAHostCountsThatHostAlone) {
  CountedPrevalence counted;
  counted.add(FindingBuilder("a", 0).on("h1").rule("r"));
  counted.add(FindingBuilder("b", kDay).on("h1").rule("r"));
  counted.add(FindingBuilder("c", kDay).on("h2").rule("r"));
  counted.add(FindingBuilder("d", 2 * kDay));
  EXPECT_EQ(counted.snapshot()->rule_on("t", "r", "h1").days, 2U);
  EXPECT_EQ(counted.snapshot()->rule_on("t", "r", "h2").days, 1U);
  EXPECT_EQ(counted.snapshot()->rule_on("t", "r", "h3").days, 0U);
}

TEST(CountedPrevalence, WhatIsOlderThanThreeWeeksIsForgotten) {
  CountedPrevalence counted;
  counted.add(FindingBuilder("a", 0).on("h1").rule("r"));
  counted.add(FindingBuilder("b", kDay * 21).on("h1").rule("s"));
  EXPECT_EQ(counted.snapshot()->rule("t", "r").days, 1U);
  counted.add(FindingBuilder("c", kDay * 22).on("h1").rule("s"));
  EXPECT_EQ(counted.snapshot()->rule("t", "r").days, 0U);
}

TEST(CountedPrevalence, TimeAheadOfItsReceptionDoesNotEndTheDay) {
  CountedPrevalence counted;
  counted.add(FindingBuilder("a", 0).on("h1").rule("r"));
  Finding ahead = FindingBuilder("b", kDay * 400).on("h1");
  ahead.received_at.ns = kTestStart;
  EXPECT_FALSE(counted.add(ahead));
}

// Whatever days are left out, and however many findings a day has: as if each snapshot were made anew.
TEST(CountedPrevalence, SnapshotIsTheSumOfTheFullDaysOfThreeWeeks) {
  std::mt19937 random(7);
  CountedPrevalence counted;
  std::map<int, std::map<int, std::set<int>>> days;  // Day, rule, hosts.
  std::map<int, std::map<int, int>> findings;
  int day = 0;
  for (int step = 0; step < 120; ++step) {
    const int count = static_cast<int>(random() % 60);
    for (int i = 0; i < count; ++i) {
      const int rule = static_cast<int>(random() % 40), host = static_cast<int>(random() % 30);
      counted.add(FindingBuilder("f", kDay * day).on("h" + std::to_string(host)).rule("r" + std::to_string(rule)));
      days[day][rule].insert(host);
      ++findings[day][rule];
    }
    day += random() % 8 == 0 ? static_cast<int>(random() % 30) : 1;
    counted.add(FindingBuilder("f", kDay * day).on("h0").rule("r0"));
    days[day][0].insert(0);
    ++findings[day][0];
    for (int rule = 0; rule < 40; ++rule) {
      std::set<int> hosts;
      std::uint32_t seen = 0, on = 0;
      for (int at = day - kPrevalenceDays; at < day; ++at) {
        if (!days.contains(at) || !days[at].contains(rule)) continue;
        hosts.insert(days[at][rule].begin(), days[at][rule].end());
        seen += static_cast<std::uint32_t>(findings[at][rule]);
        ++on;
      }
      const Prevalence::Count got = counted.snapshot()->rule("t", "r" + std::to_string(rule));
      ASSERT_EQ(got.findings, seen) << "day " << day << " rule " << rule;
      ASSERT_EQ(got.days, on) << "day " << day << " rule " << rule;
      ASSERT_EQ(got.hosts, hosts.size()) << "day " << day << " rule " << rule;
    }
  }
}

TEST(CountedPrevalence, AddressesAreKnownFromTheNextSnapshotOn) {
  CountedPrevalence counted;
  counted.learn_address("t", "::ffff:10.0.0.5", "WS-1.corp.example");
  EXPECT_EQ(counted.snapshot()->host_of("t", "10.0.0.5"), "");
  counted.refresh();
  EXPECT_EQ(counted.snapshot()->host_of("t", "10.0.0.5"), "ws-1");
  EXPECT_EQ(counted.snapshot()->host_of("u", "10.0.0.5"), "");
}

}  // namespace
}  // namespace tocsin::triage
