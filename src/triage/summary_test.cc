#include "triage/summary.h"

#include <gtest/gtest.h>

namespace tocsin::triage {
namespace {

const core::Timestamp kNoon{1'795'521'600'000'000'000};  // 2026-11-24T12:00:00Z

Evidence intrusion() {
  Evidence out;
  out.rules = {{"Mimikatz use", 5, 2, {kNoon.ns + 60'000'000'000}}, {"Office starts a shell", 4, 1, kNoon}};
  out.tactics = {"lateral-movement", "execution", "credential-access"};
  out.hosts = {"WS-042", "DC-01", "SRV-1"};
  out.users = {"anna", "svc"};
  out.host_count = 3;
  out.user_count = 2;
  out.finding_count = 3;
  out.first_event = kNoon;
  out.last_event = {kNoon.ns + 60'000'000'000};
  return out;
}

TEST(Summary, TitleNamesHowFarItCameWhereAndHowWide) {
  EXPECT_EQ(incident_title(intrusion()), "Credential access and lateral movement from WS-042 (3 hosts, 2 accounts)");
}

TEST(Summary, TitleOfOneRuleIsTheRules) {
  Evidence one = intrusion();
  one.rules.resize(1);
  one.host_count = one.user_count = 1;
  EXPECT_EQ(incident_title(one), "Mimikatz use on WS-042");
  one.hosts.clear();
  EXPECT_EQ(incident_title(one), "Mimikatz use by anna");
  EXPECT_EQ(incident_title({}), "Incident");
}

TEST(Summary, SaysWhenItBeganWhatIsWorstAndWhoIsAffected) {
  EXPECT_EQ(
      incident_summary(intrusion()),
      "It began at 2026-11-24 12:00:00 UTC with \"Office starts a shell\" and was last seen at 2026-11-24 12:01:00 UTC. "
      "3 findings of 2 rules, the worst of level critical: \"Mimikatz use\". Hosts: WS-042, DC-01 and SRV-1. Accounts: "
      "anna and svc. Stages: execution, credential access, lateral movement.");
}

TEST(Summary, NamesAFewOfMany) {
  Evidence many = intrusion();
  many.hosts = {"a", "b", "c", "d", "e", "f"};
  many.host_count = 40;
  EXPECT_NE(incident_summary(many).find("Hosts: a, b, c, d, e and 35 more."), std::string::npos);
}

TEST(Summary, LongNamesAreCutBetweenCharacters) {
  Evidence one = intrusion();
  one.rules.resize(1);
  one.rules[0].title.clear();
  for (int i = 0; i < 200; ++i) one.rules[0].title += "\xc3\xa4";
  one.hosts.clear();
  one.users.clear();
  one.host_count = one.user_count = 0;
  EXPECT_EQ(incident_title(one).size(), 123u);
}

}  // namespace
}  // namespace tocsin::triage
