// Rules of automatic triage over HTTP, over the real desk.
#include "api/incident_test_support.h"
#include "testing/paths.h"
#include "triage/automatic.h"

namespace tocsin::api {
namespace {

constexpr const char* kRules = R"(id: loud
title: Loud
description: Two findings
when: {findings: {at_least: 2}}
then: [{priority: p1}, {tag: loud}]
---
id: closer
title: Closer
enabled: false
when: {severity: {at_most: low}}
then: [{close_as_benign: x}]
)";

class TriageRulesTest : public ApiFixture {
 protected:
  void change(ApiOptions& changed) override {
    const auto content = testing::project_root() / "content/triage";
    triage::DeskOptions desk_options;
    desk_options.joining =
        std::move(triage::read_join_policy(testing::read_file(content / "joining.yml"), "joining.yml")).value();
    desk_options.scoring =
        std::move(triage::read_score_policy(testing::read_file(content / "scoring.yml"), "scoring.yml")).value();
    desk_options.automatic = triage::read_auto_rules({{"r.yml", kRules}, {"bad.yml", "id: [\n"}});
    desk = std::move(triage::Desk::open(*ledger, std::move(desk_options), *clock, metrics, [](const Incident&) {})).value();
    changed.desk = desk.get();
  }
  void TearDown() override {
    ApiFixture::TearDown();
    desk.reset();
  }
  void SetUp() override {
    ApiFixture::SetUp();
    if (!server) return;
    boss = admin();
    ana = user("ana", auth::Role::kAnalyst, {"own"});
    vera = user("vera", auth::Role::kViewer, {"own"});
    for (const char* tenant : {"own", "other"}) {
      take(tenant, 1);
      take(tenant, 2);
    }
  }
  void take(const std::string& tenant, int place) {
    triage::Finding one;
    one.id = tenant + std::to_string(place);
    one.sequence = static_cast<std::uint64_t>(++sequence);
    one.event_time = one.received_at = one.detected_at = {store::kNoon.ns + sequence * 1'000'000'000};
    one.tenant = tenant;
    one.rule_id = "r" + std::to_string(place);
    one.rule_title = "Rule " + one.rule_id;
    one.severity_id = 3;
    one.entities = {{model::EntityKind::kHost, model::EntityRole::kAffected, tenant, tenant},
                    {model::EntityKind::kProcess, model::EntityRole::kAffected, tenant + "|{a}", "a.exe"}};
    ASSERT_TRUE(desk->take(std::span(&one, 1), {one.sequence, {one.id}}).ok());
  }
  std::unique_ptr<triage::Desk> desk;
  Identity boss, ana, vera;
  std::int64_t sequence = 0;
};

TEST_F(TriageRulesTest, AreListedWithWhatTheyDidAndWhatIsWrongWithThem) {
  const Answer all = get("/api/v1/triage/rules", boss);
  ASSERT_EQ(all.status, 200) << all.body;
  ASSERT_EQ(all.count("/items"), 3u);
  EXPECT_EQ(all.at("/items/0/id"), "loud");
  EXPECT_EQ(all.at("/items/0/when"), "findings at least 2");
  EXPECT_EQ(all.at("/items/0/outcomes"), R"(["priority p1","tag loud"])");
  EXPECT_EQ(all.at("/items/0/hits"), "2");
  EXPECT_EQ(all.at("/items/0/last_hit"), "2026-11-24T13:00:00Z");
  EXPECT_EQ(all.at("/items/1/enabled"), "false");
  EXPECT_EQ(all.at("/items/1/last_hit"), "null");
  EXPECT_NE(all.at("/items/1/problem").find("automatic_close"), std::string::npos);
  EXPECT_NE(all.at("/items/2/problem").find("bad.yml:"), std::string::npos);
  EXPECT_EQ(get("/api/v1/triage/rules", ana).at("/items/0/hits"), "1");  // Of what it sees.
}

TEST_F(TriageRulesTest, AreSwitchedByThoseWhoSeeAllTenants) {
  EXPECT_EQ(ask("PATCH", "/api/v1/triage/rules/loud", boss, R"({"enabled":false})").at("/enabled"), "false");
  EXPECT_EQ(get("/api/v1/triage/rules", boss).at("/items/0/enabled"), "false");
  EXPECT_EQ(get("/api/v1/audit?action=triage_rule", boss).at("/items/0/object"), "loud");
  EXPECT_EQ(ask("PATCH", "/api/v1/triage/rules/none", boss, R"({"enabled":false})").status, 404);
  EXPECT_EQ(ask("PATCH", "/api/v1/triage/rules/loud", boss, "{}").status, 400);
  EXPECT_EQ(ask("PATCH", "/api/v1/triage/rules/loud", ana, R"({"enabled":true})").status, 403);
  const Identity nora = user("nora", auth::Role::kEngineer, {"own"});
  EXPECT_EQ(ask("PATCH", "/api/v1/triage/rules/loud", nora, R"({"enabled":true})").status, 403);
}

TEST_F(TriageRulesTest, ADryRunSaysWhatWouldBeDoneWithinTheCallersTenants) {
  const Answer all = post("/api/v1/triage/rules/dry-run", boss, R"({"id":"loud"})");
  ASSERT_EQ(all.status, 200) << all.body;
  EXPECT_EQ(all.at("/looked_at"), "2");
  EXPECT_EQ(all.count("/matches"), 2u);
  EXPECT_EQ(all.at("/matches/0/outcomes/1"), "tag loud");
  EXPECT_EQ(all.at("/complete"), "true");
  const std::string text = R"({"yaml":"id: x\ntitle: X\nwhen: {severity: {at_least: low}}\nthen: [{tag: x}]\n","days":1})";
  EXPECT_EQ(post("/api/v1/triage/rules/dry-run", ana, text).count("/matches"), 1u);
  EXPECT_NE(post("/api/v1/triage/rules/dry-run", ana, R"({"yaml":"id: x"})").at("/detail").find("rule.yml:1:"),
            std::string::npos);
  EXPECT_EQ(post("/api/v1/triage/rules/dry-run", ana, R"({"id":"none"})").status, 404);
  EXPECT_EQ(post("/api/v1/triage/rules/dry-run", ana, "{}").status, 400);
  EXPECT_EQ(post("/api/v1/triage/rules/dry-run", ana, R"({"id":"loud","days":367})").status, 400);
}

TEST_F(TriageRulesTest, AnAutomaticDecisionIsUndoneOnce) {
  const Answer history = get("/api/v1/incidents/1/history", ana);
  std::string entry;
  for (std::size_t i = 0; i < history.count("/items"); ++i) {
    const std::string at = "/items/" + std::to_string(i);
    const bool automatic = history.at(at + "/action") == "automatic";
    EXPECT_EQ(history.at(at + "/revertable"), automatic ? "true" : "false");
    if (!automatic) continue;
    EXPECT_EQ(history.at(at + "/actor"), "rule:loud");
    entry = history.at(at + "/sequence");
  }
  ASSERT_FALSE(entry.empty()) << history.body;
  const std::string path = "/api/v1/incidents/INC-1/history/" + entry + "/revert";
  EXPECT_EQ(post(path, vera).status, 403);
  EXPECT_EQ(post("/api/v1/incidents/2/history/" + entry + "/revert", ana).status, 404);   // Of another tenant.
  EXPECT_EQ(post("/api/v1/incidents/2/history/" + entry + "/revert", boss).status, 404);  // Not of its history.
  EXPECT_EQ(post("/api/v1/incidents/1/history/1/revert", ana).status, 400);
  EXPECT_EQ(post("/api/v1/incidents/1/history/x/revert", ana).status, 404);
  const Answer undone = post(path, ana);
  ASSERT_EQ(undone.status, 200) << undone.body;
  EXPECT_EQ(undone.at("/tags"), "[]");
  EXPECT_NE(undone.at("/priority"), "p1");
  EXPECT_EQ(post(path, ana).status, 400);
  EXPECT_EQ(get("/api/v1/incidents/1/history", ana).body.find("\"revertable\":true"), std::string::npos);
  EXPECT_EQ(get("/api/v1/audit?action=incident.revert", boss).at("/items/0/object"), "INC-1");
}

}  // namespace
}  // namespace tocsin::api

TOCSIN_API_TEST_MAIN()
