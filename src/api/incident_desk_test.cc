// The routes of incidents over the real desk: findings come in, people work on what they became.
#include <array>
#include <list>

#include "api/incident_test_support.h"
#include "testing/paths.h"

namespace tocsin::api {
namespace {

class IncidentDeskTest : public ApiFixture {
 protected:
  void change(ApiOptions& changed) override {
    const auto content = testing::project_root() / "content/triage";
    triage::DeskOptions desk_options;
    desk_options.joining =
        std::move(triage::read_join_policy(testing::read_file(content / "joining.yml"), "joining.yml")).value();
    desk_options.scoring =
        std::move(triage::read_score_policy(testing::read_file(content / "scoring.yml"), "scoring.yml")).value();
    auto opened = triage::Desk::open(*ledger, std::move(desk_options), *clock, metrics,
                                     [this](const Incident& incident) { published.push_back(incident.id); });
    ASSERT_TRUE(opened.ok()) << opened.error().text;
    desk = std::move(*opened);
    changed.desk = desk.get();
    changed.sla = std::move(triage::read_sla_policy(testing::read_file(content / "sla.yml"), "sla.yml")).value();
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
    take("own", "a1", "ws-042", "anna", "r1", 1);
    take("own", "a2", "ws-042", "anna", "r2", 2);
    take("own", "b1", "db-7", "carl", "r1", 3);
    take("other", "c1", "ws-042", "anna", "r1", 4);
    insert(block_);
  }
  void take(const std::string& tenant, const std::string& id, const std::string& host, const std::string& person,
            const std::string& rule, int place) {
    documents_.push_back(R"({"class_uid":2004,"evidences":[{"device":{"hostname":")" + host +
                         R"("},"actor":{"user":{"name":")" + person + R"(","domain":")" + host +
                         R"("},"process":{"name":"p.exe","pid":4,"uid":"{g-)" + tenant + host + R"(}"}}}]})");
    triage::Finding finding;
    finding.id = id;
    finding.sequence = static_cast<std::uint64_t>(place);
    finding.event_time = finding.received_at = finding.detected_at = {store::kNoon.ns + std::int64_t{place} * 1'000'000'000};
    finding.tenant = tenant;
    finding.rule_id = rule;
    finding.rule_title = "Rule " + rule;
    finding.severity_id = 4;
    finding.tactics = {"execution"};
    ASSERT_TRUE(triage::read_finding(documents_.back(), finding).ok());
    const auto taken = desk->take(std::span(&finding, 1), {finding.sequence, {id}});
    ASSERT_TRUE(taken.ok()) << taken.error().text;
    store::FindingRow row;
    row.id = id;
    row.sequence = finding.sequence;
    row.event_time = row.received_at = row.detected_at = finding.event_time;
    row.tenant = tenant;
    row.rule_id = rule;
    row.host = host;
    row.level = "high";
    row.severity_id = 4;
    row.finding = documents_.back();
    rows_.push_back({tenant, host, rule});
    row.tenant = rows_.back()[0];
    row.host = rows_.back()[1];
    row.rule_id = rows_.back()[2];
    block_.add(row);
  }
  // The number of the incident that has the finding.
  std::string with(const std::string& finding) {
    const Answer all = get("/api/v1/incidents?with_closed=1", boss);
    for (std::size_t i = 0; i < all.count("/items"); ++i) {
      const std::string number = all.at("/items/" + std::to_string(i) + "/number");
      const Answer members = get("/api/v1/incidents/" + number + "/findings", boss);
      if (members.body.find("\"id\":\"" + finding + "\"") != std::string::npos) return number;
    }
    return "none";
  }
  std::string path(const std::string& number, const std::string& more = "") { return "/api/v1/incidents/" + number + more; }

  std::unique_ptr<triage::Desk> desk;
  std::vector<ledger::IncidentNumber> published;
  Identity boss, ana;
  store::Block block_;
  std::list<std::string> documents_;
  std::list<std::array<std::string, 3>> rows_;
};

TEST_F(IncidentDeskTest, FindingsBecomeIncidentsWithReasonsAndScores) {
  const std::string one = with("a1");
  EXPECT_EQ(with("a2"), one);
  EXPECT_NE(with("b1"), one);
  EXPECT_NE(with("c1"), one);
  const Answer detail = get(path(one), ana);
  EXPECT_EQ(detail.status, 200) << detail.body;
  EXPECT_EQ(detail.at("/finding_count"), "2");
  EXPECT_GE(detail.count("/score_parts"), 2u);
  double sum = 0;
  for (std::size_t i = 0; i < detail.count("/score_parts"); ++i) {
    sum += std::stod(detail.at("/score_parts/" + std::to_string(i) + "/points"));
  }
  EXPECT_NEAR(sum, std::stod(detail.at("/score")), 1e-6);
  const Answer findings = get(path(one, "/findings"), ana);
  for (std::size_t i = 0; i < findings.count("/items"); ++i) {
    EXPECT_GE(findings.count("/items/" + std::to_string(i) + "/reasons"), 1u) << findings.body;
  }
  EXPECT_EQ(get("/api/v1/incidents", ana).at("/total"), "2");
  EXPECT_GE(get(path(one, "/graph"), ana).count("/edges"), 1u);
  EXPECT_EQ(get(path(one, "/timeline"), ana).status, 200);
  EXPECT_EQ(get(path(one, "/export?format=stix"), ana).at("/type"), "bundle");
  EXPECT_EQ(get("/api/v1/entities/host/ws-042", ana).count("/findings"), 2u);
  EXPECT_EQ(get("/api/v1/entities/host/ws-042", ana).count("/incidents"), 1u);
  EXPECT_GE(published.size(), 3u);
}

TEST_F(IncidentDeskTest, PeopleWorkOnThem) {
  const std::string one = with("a1"), other = with("b1"), foreign = with("c1");
  const std::string version = get(path(one), ana).at("/version");
  const Answer changed = ask("PATCH", path(one), ana, R"({"state":"acknowledged","owner":"ana","version":)" + version + "}");
  EXPECT_EQ(changed.status, 200) << changed.body;
  EXPECT_NE(changed.at("/acknowledged_at"), "null");
  EXPECT_EQ(ask("PATCH", path(one), ana, R"({"title":"x","version":)" + version + "}").status, 409);
  EXPECT_EQ(ask("PATCH", path(one), ana, R"({"priority":"p1"})").at("/priority"), "p1");
  EXPECT_NE(ask("PATCH", path(one), ana, R"({"priority":""})").at("/priority"), "p1");
  const Answer split = post(path(one, "/split"), ana, R"({"findings":["a2"],"why":"not the same"})");
  EXPECT_EQ(split.status, 200) << split.body;
  EXPECT_EQ(with("a2"), split.at("/number"));
  EXPECT_EQ(post(path(one, "/move"), ana, R"({"findings":["a1"],"to":)" + other + R"(,"why":"w"})").status, 200);
  EXPECT_EQ(with("a1"), other);
  EXPECT_EQ(post(path(other, "/merge"), ana, "{\"from\":[" + split.at("/number") + R"(],"why":"after all"})").status, 200);
  EXPECT_EQ(with("a2"), other);
  EXPECT_EQ(get(path(split.at("/number")), ana).at("/merged_into"), "INC-" + other);
  EXPECT_EQ(post(path(other, "/merge"), boss, "{\"from\":[" + foreign + R"(],"why":"w"})").status, 400);
  const Answer task = post(path(other, "/tasks"), ana, R"({"title":"Isolate","phase":"contain"})");
  EXPECT_EQ(task.status, 201) << task.body;
  EXPECT_EQ(ask("PATCH", path(other, "/tasks/" + task.at("/id")), ana, R"({"done":true})").at("/done_by"), "ana");
  EXPECT_EQ(post(path(other, "/notes"), ana, R"({"text":"n","event_time":"now","lane":"response"})").status, 201);
  EXPECT_EQ(post(path(other, "/comments"), ana, R"({"text":"c"})").status, 200);
  EXPECT_EQ(ask("PUT", path(other, "/watch"), ana).status, 204);
  EXPECT_EQ(post(path(other, "/close"), ana, R"({"verdict":"true_positive","cause":"macro"})").at("/state"), "closed");
  EXPECT_EQ(ask("PATCH", path(other), ana, R"({"title":"late"})").status, 400);
  EXPECT_EQ(get("/api/v1/measures", ana).at("/verdicts/true_positive"), "1");
  EXPECT_EQ(desk->precision("own", "r1", 4).decided, 1u);
  EXPECT_EQ(post(path(other, "/reopen"), ana, R"({"why":"again"})").at("/verdict"), "");
  EXPECT_EQ(desk->precision("own", "r1", 4).decided, 0u);
  EXPECT_GE(get(path(other, "/history"), ana).count("/items"), 7u);
  EXPECT_GE(get("/api/v1/audit?action=incident", boss).count("/items"), 11u);
}

TEST_F(IncidentDeskTest, OnesMadeByHandTakeFindingsOfTheirTenantOnly) {
  const Answer made = post("/api/v1/incidents", ana, R"({"title":"A call","findings":["b1"]})");
  EXPECT_EQ(made.status, 201) << made.body;
  EXPECT_EQ(with("b1"), made.at("/number"));
  EXPECT_EQ(post("/api/v1/incidents", ana, R"({"title":"A call","findings":["c1"]})").at("/field"), "findings");
  const Answer similar = get(path(with("a1"), "/similar"), ana);
  EXPECT_EQ(similar.status, 200) << similar.body;
  EXPECT_EQ(similar.body.find("\"other\""), std::string::npos);
}

TEST_F(IncidentDeskTest, ADeclaredAssetIsKept) {
  const Answer put = ask("PUT", "/api/v1/assets/host/ws-042", boss, R"({"tenant":"own","criticality":5})");
  EXPECT_EQ(put.at("/criticality"), "5") << put.body;
  EXPECT_NE(get("/api/v1/assets?q=ws-042", ana).body.find("\"declared\":true"), std::string::npos);
  EXPECT_EQ(get("/api/v1/entities/host/ws-042", ana).at("/asset/criticality"), "5");
}

}  // namespace
}  // namespace tocsin::api

TOCSIN_API_TEST_MAIN()
