// What of the rules is at work.
#include "api/incident_test_support.h"

namespace tocsin::api {
namespace {

class CoverageTest : public IncidentFixture {
 protected:
  void add_rule(const std::string& id, ledger::RuleMode mode, const std::string& blind, bool has_test) {
    RuleDetail rule;
    rule.status.id = rule.status.title = id;
    rule.status.level = "high";
    rule.status.mode = mode;
    rule.status.blind = blind;
    rule.status.has_test = has_test;
    rule.status.techniques = {"T1059"};
    platform.rule_list.push_back(rule);
  }
};

TEST_F(CoverageTest, SaysOfEachRuleWhetherItIsOnHasDataIsProvenAndSilent) {
  platform.rule_list.clear();
  add_rule("r1", ledger::RuleMode::kOn, "", true);     // Has findings.
  add_rule("quiet", ledger::RuleMode::kOn, "", true);  // Never fired, but on its sample.
  add_rule("blind", ledger::RuleMode::kOn, "no source sends it", false);
  add_rule("off", ledger::RuleMode::kOff, "", true);
  add_rule(kForeign, ledger::RuleMode::kOn, "", false);  // Has findings of another tenant.
  clock->advance(std::chrono::hours(24 * 40));
  nora = log_in("nora");
  boss = log_in("admin");
  const Answer answer = get("/api/v1/coverage", nora);
  ASSERT_EQ(answer.count("/items"), 5u) << answer.body;
  EXPECT_EQ(answer.at("/items/0/proven"), "hit");
  EXPECT_EQ(answer.at("/items/0/silent_days"), "40");
  EXPECT_EQ(answer.at("/items/0/techniques/0"), "T1059");
  EXPECT_EQ(answer.at("/items/1/proven"), "test");
  EXPECT_EQ(answer.at("/items/1/last_hit"), "null");
  EXPECT_EQ(answer.at("/items/2/has_data"), "false");
  EXPECT_EQ(answer.at("/items/2/proven"), "");
  EXPECT_EQ(answer.at("/items/3/state"), "off");
  EXPECT_EQ(answer.at("/items/4/proven"), "") << "the hit of another tenant is seen";
  EXPECT_EQ(answer.at("/summary/on"), "4");
  EXPECT_EQ(answer.at("/summary/with_data"), "3");
  EXPECT_EQ(answer.at("/summary/proven"), "2");
  EXPECT_EQ(answer.at("/summary/silent"), "3");
  EXPECT_EQ(get("/api/v1/coverage?days=41", nora).at("/summary/silent"), "2");
  EXPECT_EQ(get("/api/v1/coverage", boss).at("/items/4/proven"), "hit");
  EXPECT_EQ(get("/api/v1/coverage?days=0", nora).at("/field"), "days");
}

}  // namespace
}  // namespace tocsin::api
