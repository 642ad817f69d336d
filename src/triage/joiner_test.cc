#include "triage/joiner.h"

#include <gtest/gtest.h>

#include <set>

#include "triage/joiner_test_support.h"

namespace tocsin::triage {
namespace {

using model::EntityKind;
using model::EntityRole;

// What a test says is common.
class Known final : public Prevalence {
 public:
  std::set<std::string, std::less<>> common_rules, hubs;
  std::string address, host;
  [[nodiscard]] Count rule(std::string_view, std::string_view id) const override {
    return common_rules.contains(id) ? Count{100, 1'000, 20} : Count{};
  }
  [[nodiscard]] Count entity(std::string_view, EntityKind, std::string_view key) const override {
    return hubs.contains(key) ? Count{100, 1'000, 20} : Count{};
  }
  [[nodiscard]] std::uint32_t host_count(std::string_view) const override { return 100; }
  [[nodiscard]] std::string host_of(std::string_view, std::string_view of) const override {
    return !address.empty() && of == address ? host : std::string();
  }
};

class JoinerTest : public ::testing::Test {
 protected:
  IncidentId last_ = 0;
  std::shared_ptr<Known> known_ = std::make_shared<Known>();
  JoinerLimits limits_;
  Joiner make() {
    return Joiner(own_policy(), known_, [this] { return ++last_; }, limits_);
  }
  Joiner joiner_ = make();
};

FindingBuilder process(const std::string& id, double minutes, const std::string& host, const std::string& guid,
                       const std::string& label) {
  return FindingBuilder(id, minutes).on(host).with(EntityKind::kProcess, host + "|" + guid, EntityRole::kAffected, label);
}

TEST_F(JoinerTest, FirstFindingOpensAnIncidentAndSaysSo) {
  const Join join = joiner_.add(FindingBuilder("a", 0).on("ws-1"));
  EXPECT_TRUE(join.opened);
  ASSERT_EQ(join.reasons.size(), 1U);
  EXPECT_EQ(join.reasons[0].kind, "first");
  EXPECT_EQ(join.reasons[0].text, "the first of this incident: Title of rule-a on ws-1");
}

TEST_F(JoinerTest, ProcessTreeJoinsWithItsReasonInWordsAndData) {
  joiner_.add(process("a", 0, "ws-042", "{aaaaaaaa-1}", "winword.exe (4312)"));
  FindingBuilder child = process("b", 14.0 / 60, "ws-042", "{aaaaaaaa-1}", "winword.exe (4312)");
  child.out.entities.back().role = EntityRole::kParent;
  child.with(EntityKind::kProcess, "ws-042|{bbbbbbbb-2}", EntityRole::kAffected, "powershell.exe (5120)");
  child.out.relations.push_back({Finding::Relation::Kind::kStarted, 1, 2});
  const Join join = joiner_.add(child);
  EXPECT_FALSE(join.opened);
  EXPECT_EQ(join.incident, 1);
  ASSERT_FALSE(join.reasons.empty());
  EXPECT_EQ(join.reasons[0].kind, "process_tree");
  EXPECT_EQ(join.reasons[0].text,
            "same process tree on ws-042: winword.exe (4312) started powershell.exe (5120); 14 s apart");
  EXPECT_EQ(join.reasons[0].finding, "a");
  EXPECT_EQ(join.reasons[0].gap_ns, 14'000'000'000);
  EXPECT_EQ(join.reasons[0].entity.key, "ws-042|{aaaaaaaa-1}");
}

TEST_F(JoinerTest, NearestFindingIsNamed) {
  joiner_.add(FindingBuilder("far", 0).on("ws-1"));
  joiner_.add(FindingBuilder("near", 20).on("ws-1"));
  const Join join = joiner_.add(FindingBuilder("c", 22).on("ws-1"));
  EXPECT_EQ(join.reasons[0].finding, "near");
  EXPECT_EQ(join.reasons[0].gap_ns, 120'000'000'000);
}

TEST_F(JoinerTest, WindowEndsOneMinutePastIt) {
  joiner_.add(FindingBuilder("a", 0).on("ws-1"));
  EXPECT_FALSE(joiner_.add(FindingBuilder("b", 60).on("ws-1")).opened);
  EXPECT_TRUE(joiner_.add(FindingBuilder("c", 121).on("ws-1")).opened);
}

TEST_F(JoinerTest, TenantsNeverShareAnIncident) {
  joiner_.add(FindingBuilder("a", 0).on("ws-1"));
  FindingBuilder other("b", 1);
  other.out.tenant = "u";
  EXPECT_TRUE(joiner_.add(other.on("ws-1")).opened);
}

TEST_F(JoinerTest, LateFindingBetweenTwoIncidentsMergesThem) {
  joiner_.add(FindingBuilder("a", 0).on("ws-1"));
  joiner_.add(FindingBuilder("b", 100).on("ws-1"));
  const Join join = joiner_.add(FindingBuilder("c", 50).on("ws-1"));
  EXPECT_EQ(join.incident, 1);
  EXPECT_EQ(join.merged, std::vector<IncidentId>{2});
  EXPECT_GE(join.reasons.size(), 2U);
  EXPECT_EQ(joiner_.stats().incidents, 1U);
}

TEST_F(JoinerTest, CommonRuleJoinsByCausesOnly) {
  known_->common_rules = {"noise"};
  joiner_.add(process("a", 0, "ws-1", "{aaaaaaaa-1}", "x.exe (400)"));
  EXPECT_TRUE(joiner_.add(FindingBuilder("b", 1).on("ws-1").rule("noise")).opened);
  Finding caused = process("c", 2, "ws-1", "{aaaaaaaa-1}", "x.exe (400)").rule("noise");
  EXPECT_EQ(joiner_.add(caused).incident, 1);
}

TEST_F(JoinerTest, SystemAccountsAndMachineAccountsNeverLink) {
  for (const char* user : {"system@ws-1", "s-1-5-18", "ws-1$@corp", "root@ws-1", "0@ws-1", "network service@ws-1"}) {
    Joiner joiner = make();
    joiner.add(FindingBuilder("a", 0).with(EntityKind::kUser, user, EntityRole::kActor));
    EXPECT_TRUE(joiner.add(FindingBuilder("b", 1).with(EntityKind::kUser, user, EntityRole::kActor)).opened) << user;
  }
}

TEST_F(JoinerTest, SystemSessionAndLoopbackAndEmptyFileNeverLink) {
  const std::pair<EntityKind, const char*> things[] = {{EntityKind::kSession, "ws-1|0x3e7"},
                                                       {EntityKind::kSession, "ws-1|0x0"},
                                                       {EntityKind::kAddress, "127.0.0.1"},
                                                       {EntityKind::kAddress, "0.0.0.0"},
                                                       {EntityKind::kAddress, "224.0.0.5"},
                                                       {EntityKind::kAddress, "::1"},
                                                       {EntityKind::kFileHash, "md5:d41d8cd98f00b204e9800998ecf8427e"}};
  for (const auto& [kind, key] : things) {
    Joiner joiner = make();
    joiner.add(FindingBuilder("a", 0).with(kind, key, EntityRole::kSource));
    EXPECT_TRUE(joiner.add(FindingBuilder("b", 1).with(kind, key, EntityRole::kSource)).opened) << key;
  }
}

TEST_F(JoinerTest, ProgramsOfTheSystemDoNotLinkByHashOrPathAndOthersDo) {
  const auto run = [](const char* id, const char* host, const char* path) {
    return FindingBuilder(id, 0)
        .severity(1)
        .on(host)
        .with(EntityKind::kFile, std::string(host) + "|" + path)
        .with(EntityKind::kFileHash, "sha1:" + std::string(40, path[3]));
  };
  joiner_.add(run("a", "ws-1", "c:\\windows\\system32\\net.exe"));
  EXPECT_TRUE(joiner_.add(run("b", "ws-2", "c:\\windows\\system32\\net.exe")).opened);
  EXPECT_TRUE(joiner_.add(run("c", "ws-1", "c:\\windows\\system32\\net.exe")).opened);
  joiner_.add(run("d", "ws-1", "c:\\users\\public\\x.exe"));
  const Join join = joiner_.add(run("e", "ws-2", "c:\\users\\public\\x.exe"));
  EXPECT_FALSE(join.opened);
  EXPECT_EQ(join.reasons[0].kind, "hash");
}

TEST_F(JoinerTest, CommonRuleJoinsByARareAddress) {
  known_->common_rules = {"noise"};
  joiner_.add(FindingBuilder("a", 0).rule("noise").with(EntityKind::kAddress, "203.0.113.9", EntityRole::kSource));
  EXPECT_FALSE(
      joiner_.add(FindingBuilder("b", 60).rule("noise").with(EntityKind::kAddress, "203.0.113.9", EntityRole::kSource))
          .opened);
}

TEST_F(JoinerTest, RareAddressLinksHostsAndACommonOneDoesNot) {
  known_->hubs = {"198.51.100.1"};
  const auto on = [](const char* id, const char* host, const char* address) {
    return FindingBuilder(id, 0).on(host).with(EntityKind::kAddress, address, EntityRole::kDestination);
  };
  joiner_.add(on("a", "ws-1", "203.0.113.9"));
  EXPECT_FALSE(joiner_.add(on("b", "ws-2", "203.0.113.9")).opened);
  joiner_.add(on("c", "ws-3", "198.51.100.1"));
  EXPECT_TRUE(joiner_.add(on("d", "ws-4", "198.51.100.1")).opened);
}

TEST_F(JoinerTest, ConnectionLinksTheOtherEndWithinAQuarterOfAnHour) {
  joiner_.add(FindingBuilder("a", 0).on("srv-1"));
  const Join join =
      joiner_.add(FindingBuilder("b", 10).on("ws-1").with(EntityKind::kHost, "srv-1", EntityRole::kDestination));
  EXPECT_FALSE(join.opened);
  EXPECT_EQ(join.reasons[0].kind, "connection");
  EXPECT_TRUE(
      joiner_.add(FindingBuilder("c", 30).on("ws-2").with(EntityKind::kHost, "srv-1", EntityRole::kDestination)).opened);
}

TEST_F(JoinerTest, AddressOfAKnownHostIsThatHost) {
  known_->address = "10.0.0.5";
  known_->host = "ws-1";
  joiner_.add(FindingBuilder("a", 0).on("ws-1"));
  const Join join =
      joiner_.add(FindingBuilder("b", 5).on("srv-1").with(EntityKind::kAddress, "10.0.0.5", EntityRole::kSource));
  EXPECT_FALSE(join.opened);
}

TEST_F(JoinerTest, SplitIncidentsStayApartAndABridgeGoesToTheNearer) {
  const Finding a = FindingBuilder("a", 0).on("ws-1");
  const Finding b = FindingBuilder("b", 40).on("ws-1");
  joiner_.add(a);
  joiner_.add(b);
  joiner_.move(b, 1, 7);
  const Join join = joiner_.add(FindingBuilder("c", 30).on("ws-1"));
  EXPECT_EQ(join.incident, 7);
  EXPECT_TRUE(join.merged.empty());
  EXPECT_EQ(joiner_.add(FindingBuilder("d", 5).on("ws-1")).incident, 1);
  EXPECT_EQ(joiner_.stats().kept_apart, 2U);
}

TEST_F(JoinerTest, MergeByHandKeepsTheNamedOneAndEndsBeingApart) {
  joiner_.add(FindingBuilder("a", 0).on("ws-1"));
  joiner_.add(FindingBuilder("b", 0).on("ws-2"));
  joiner_.keep_apart(1, 2);
  joiner_.merge(2, 1);
  EXPECT_EQ(joiner_.add(FindingBuilder("c", 1).on("ws-1")).incident, 2);
}

TEST_F(JoinerTest, ClosedIncidentTakesNothingAndIsNamedInTheNewOne) {
  joiner_.add(FindingBuilder("a", 0).on("ws-1"));
  joiner_.close(1);
  const Join join = joiner_.add(FindingBuilder("b", 5).on("ws-1"));
  EXPECT_TRUE(join.opened);
  ASSERT_EQ(join.reasons.size(), 2U);
  EXPECT_EQ(join.reasons[1].text, "another uncommon finding on ws-1; 5 min apart; with a closed incident");
  EXPECT_EQ(join.reasons[1].finding, "a");
  joiner_.reopen(1);
  EXPECT_EQ(joiner_.add(FindingBuilder("c", 6).on("ws-1")).incident, 1);
}

TEST_F(JoinerTest, FullIncidentTakesFindingsByCausesOnly) {
  limits_.max_incident_hosts = 3;
  Joiner joiner = make();
  for (int i = 0; i < 3; ++i) {
    joiner.add(
        FindingBuilder("a" + std::to_string(i), 0).on("h" + std::to_string(i)).with(EntityKind::kAddress, "203.0.113.9"));
  }
  EXPECT_TRUE(joiner.add(FindingBuilder("b", 1).on("h9").with(EntityKind::kAddress, "203.0.113.9")).opened);
  EXPECT_GT(joiner.stats().bounded_by_hosts, 0U);
}

TEST_F(JoinerTest, ForgottenKeysLinkNothing) {
  joiner_.add(FindingBuilder("a", 0).on("ws-1"));
  joiner_.forget_before({kTestStart + 5 * 3'600'000'000'000});
  EXPECT_EQ(joiner_.stats().keys, 0U);
  EXPECT_EQ(joiner_.stats().incidents, 0U);
  EXPECT_TRUE(joiner_.add(FindingBuilder("b", 1).on("ws-1")).opened);
}

TEST_F(JoinerTest, MoreKeysThanTheLimitForgetTheOldest) {
  limits_.max_keys = 100;
  Joiner joiner = make();
  for (int i = 0; i < 1'000; ++i) joiner.add(FindingBuilder(std::to_string(i), i * 30).on("h" + std::to_string(i)));
  EXPECT_LE(joiner.stats().keys, 100U);
  EXPECT_GT(joiner.stats().forgotten_keys, 800U);
}

TEST_F(JoinerTest, FindingWithoutATimeIsAnIncidentOfItsOwn) {
  Finding finding = FindingBuilder("a", 0).on("ws-1");
  finding.event_time = core::kNoTime;
  EXPECT_TRUE(joiner_.add(finding).opened);
  EXPECT_TRUE(joiner_.add(finding).opened);
  EXPECT_EQ(joiner_.stats().keys, 0U);
}

TEST_F(JoinerTest, TimesAtBothEndsOfTheRangeAreHarmless) {
  for (const std::int64_t ns : {std::numeric_limits<std::int64_t>::min() + 1, std::numeric_limits<std::int64_t>::max()}) {
    Finding finding = FindingBuilder(std::to_string(ns), 0).on("ws-1");
    finding.event_time.ns = ns;
    EXPECT_TRUE(joiner_.add(finding).opened);
  }
}

TEST_F(JoinerTest, HubKeepsFewPointsAndTheSameIncidents) {
  for (int i = 0; i < 20'000; ++i) {
    const Join join = joiner_.add(FindingBuilder(std::to_string(i), i * 0.05).on("hub").rule("r"));
    ASSERT_EQ(join.incident, 1);
  }
  EXPECT_LT(joiner_.stats().keys, 4'000U);
}

}  // namespace
}  // namespace tocsin::triage
