// Incidents and what hangs on them, in a ledger of a file of its own.
#include "ledger/incidents.h"

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <filesystem>

#include "ledger/schema.h"
#include "testing/temporary_folder.h"

namespace tocsin::ledger {
namespace {

class IncidentsTest : public ::testing::Test {
 protected:
  void SetUp() override { open(); }
  std::string path() const { return (folder_.path() / "ledger.db").string(); }
  void open() {
    auto opened = Ledger::open(path());
    ASSERT_TRUE(opened.ok()) << opened.error().text;
    ledger_ = std::move(*opened);
  }
  void write(const std::function<core::Result<void>(IncidentTables&)>& work) {
    const auto done = ledger_->write([&](Tables& tables) {
      IncidentTables incidents(tables);
      return work(incidents);
    });
    ASSERT_TRUE(done.ok()) << done.error().text;
  }
  int raw(const std::string& statement) {
    sqlite3* db = nullptr;
    EXPECT_EQ(sqlite3_open(path().c_str(), &db), SQLITE_OK);
    const int result = sqlite3_exec(db, statement.c_str(), nullptr, nullptr, nullptr);
    sqlite3_close(db);
    return result;
  }
  static Incident incident(IncidentNumber id, double score = 50) {
    Incident out;
    out.id = id;
    out.tenant = "default";
    out.title = "Credential dumping on WS-" + std::to_string(id);
    out.priority = "p2";
    out.score = score;
    out.severity_id = 4;
    out.main_host = "WS-" + std::to_string(id);
    out.opened_by = "engine";
    out.first_event = {100 + id};
    out.last_event = {1'000 + id};
    out.created_at = out.changed_at = {2'000};
    return out;
  }
  static IncidentMember member(IncidentNumber id, const std::string& finding, std::int64_t at = 10) {
    IncidentMember out;
    out.incident = id;
    out.finding = finding;
    out.event_time = {at};
    out.rule_id = "rule-1";
    out.rule_title = "A rule";
    out.tactics = {"execution"};
    out.reasons = "[]";
    out.added_by = "engine";
    return out;
  }
  tocsin::testing::TemporaryFolder folder_;
  std::unique_ptr<Ledger> ledger_;
};

TEST_F(IncidentsTest, KeepsAllOfAnIncident) {
  Incident kept = incident(1);
  kept.state = model::IncidentState::kContained;
  kept.verdict = model::Verdict::kBenign;
  kept.score = 73.5;
  kept.tags = {"a", "b"};
  kept.techniques = {"T1003"};
  kept.title_by_hand = kept.priority_by_hand = true;
  kept.finding_count = 7;
  kept.version = 1;
  kept.contained_at = {77};
  write([&](IncidentTables& t) -> core::Result<void> {
    TOCSIN_TRY(t.insert_incident(kept));
    EXPECT_EQ(TOCSIN_TRY(t.next_incident_number()), 2);
    const auto read = TOCSIN_TRY(t.incident(1));
    EXPECT_TRUE(read);
    EXPECT_EQ(read->state, kept.state);
    EXPECT_EQ(read->verdict, kept.verdict);
    EXPECT_EQ(read->score, 73.5);
    EXPECT_EQ(read->tags, kept.tags);
    EXPECT_EQ(read->techniques, kept.techniques);
    EXPECT_TRUE(read->title_by_hand && read->priority_by_hand);
    EXPECT_EQ(read->finding_count, 7);
    EXPECT_EQ(read->contained_at.ns, 77);
    EXPECT_EQ(read->first_event.ns, 101);
    EXPECT_FALSE(read->closed_at.known());
    EXPECT_EQ(read->main_host, "WS-1");
    return {};
  });
}

TEST_F(IncidentsTest, AnUpdateOfAnOldVersionIsRefused) {
  write([&](IncidentTables& t) -> core::Result<void> {
    Incident one = incident(1);
    TOCSIN_TRY(t.insert_incident(one));
    one.version = 1;
    one.title = "New";
    TOCSIN_TRY(t.update_incident(one));
    EXPECT_EQ(t.update_incident(one).error().code, core::ErrorCode::kInvalid);
    EXPECT_EQ(TOCSIN_TRY(t.incident(1))->title, "New");
    return {};
  });
}

TEST_F(IncidentsTest, TheQueueIsSortedFilteredAndCounted) {
  write([&](IncidentTables& t) -> core::Result<void> {
    for (int i = 1; i <= 6; ++i) {
      Incident one = incident(i, i * 10);
      if (i == 5) one.state = model::IncidentState::kClosed;
      if (i == 6) one.merged_into = 1;
      if (i == 4) one.owner = "anna";
      if (i == 3) one.tags = {"vip", "x"};
      if (i == 2) one.tenant = "other";
      TOCSIN_TRY(t.insert_incident(one));
    }
    TOCSIN_TRY(t.put_entity({2, {model::EntityKind::kHost, model::EntityRole::kAffected, "srv-7", "SRV-7"}, {1}, {2}, 1}));
    const auto ids = [&](const IncidentQuery& query) {
      std::vector<IncidentNumber> out;
      const auto page = t.incidents(query);
      EXPECT_TRUE(page.ok()) << page.error().text;
      if (!page.ok()) return out;
      for (const Incident& one : page->items) out.push_back(one.id);
      return out;
    };
    using Ids = std::vector<IncidentNumber>;
    IncidentQuery query;
    EXPECT_EQ(ids(query), (Ids{4, 3, 2, 1}));
    query.limit = 2;
    query.offset = 1;
    EXPECT_EQ(ids(query), (Ids{3, 2}));
    EXPECT_EQ(TOCSIN_TRY(t.incidents(query)).total, 4);
    query = {};
    query.with_closed = true;
    query.order = IncidentQuery::Order::kOldest;
    EXPECT_EQ(ids(query), (Ids{1, 2, 3, 4, 5}));
    query = {};
    query.states = {model::IncidentState::kClosed};
    EXPECT_EQ(ids(query), Ids{5});
    query = {};
    query.tenants = {"other", "third"};
    EXPECT_EQ(ids(query), Ids{2});
    query = {};
    query.owner = "anna";
    EXPECT_EQ(ids(query), Ids{4});
    query.owner = "-";
    EXPECT_EQ(ids(query), (Ids{3, 2, 1}));
    query = {};
    query.tag = "vip";
    EXPECT_EQ(ids(query), Ids{3});
    query.tag = "vi";
    EXPECT_EQ(ids(query), Ids{});
    query = {};
    query.text = "ws-3";
    EXPECT_EQ(ids(query), Ids{3});
    query.text = "SRV";
    EXPECT_EQ(ids(query), Ids{2});
    query.text = "%";
    EXPECT_EQ(ids(query), Ids{});
    query = {};
    query.entity_kind = "host";
    query.entity_key = "srv-7";
    EXPECT_EQ(ids(query), Ids{2});
    query = {};
    query.from = {1'003};
    query.to = {1'003};
    EXPECT_EQ(ids(query), Ids{3});
    query = {};
    query.min_severity = 5;
    EXPECT_EQ(ids(query), Ids{});
    EXPECT_EQ(TOCSIN_TRY(t.open_incidents()).size(), 4u);
    return {};
  });
}

TEST_F(IncidentsTest, AFindingIsInOneIncidentAtATime) {
  write([&](IncidentTables& t) -> core::Result<void> {
    TOCSIN_TRY(t.insert_incident(incident(1)));
    TOCSIN_TRY(t.insert_incident(incident(2)));
    EXPECT_TRUE(TOCSIN_TRY(t.add_member(member(1, "f1", 20))));
    EXPECT_FALSE(TOCSIN_TRY(t.add_member(member(2, "f1"))));
    EXPECT_TRUE(TOCSIN_TRY(t.add_folded({"f2", "f1", {30}, {31}})));
    EXPECT_FALSE(TOCSIN_TRY(t.add_folded({"f2", "f1", {30}, {31}})));
    EXPECT_FALSE(TOCSIN_TRY(t.add_member(member(2, "f2"))));
    TOCSIN_TRY(t.fold_into("f1", 1));
    EXPECT_EQ(t.fold_into("nothing", 1).error().code, core::ErrorCode::kNotFound);
    EXPECT_EQ(TOCSIN_TRY(t.member("f1"))->folded, 2);
    EXPECT_EQ(TOCSIN_TRY(t.incident_with("f2")), 1);
    TOCSIN_TRY(t.move_member("f1", 2, "[]", "anna"));
    EXPECT_EQ(TOCSIN_TRY(t.incident_with("f2")), 2);
    EXPECT_EQ(TOCSIN_TRY(t.members(2, 10, 0)).at(0).added_by, "anna");
    EXPECT_EQ(TOCSIN_TRY(t.move_members(2, 1)), 1);
    EXPECT_EQ(TOCSIN_TRY(t.members_after({20})).size(), 1u);
    EXPECT_EQ(TOCSIN_TRY(t.members_after({21})).size(), 0u);
    EXPECT_EQ(TOCSIN_TRY(t.folded_after({30})).size(), 1u);
    EXPECT_EQ(TOCSIN_TRY(t.folded("f1", 10)).at(0).finding, "f2");
    const auto rules = TOCSIN_TRY(t.rule_counts(1));
    EXPECT_EQ(rules.size(), 1u);
    EXPECT_EQ(rules.at(0).findings, 2);
    return {};
  });
}

TEST_F(IncidentsTest, EntitiesAddUpAndAreTakenAway) {
  const model::Entity host{model::EntityKind::kHost, model::EntityRole::kAffected, "ws-1", "WS-1"};
  write([&](IncidentTables& t) -> core::Result<void> {
    TOCSIN_TRY(t.insert_incident(incident(1)));
    TOCSIN_TRY(t.insert_incident(incident(2)));
    TOCSIN_TRY(t.put_entity({1, host, {10}, {20}, 2}));
    TOCSIN_TRY(t.put_entity({1, host, {5}, {15}, 1}));
    TOCSIN_TRY(t.put_entity({2, host, {1}, {2}, 1}));
    auto read = TOCSIN_TRY(t.entities(1, 10));
    EXPECT_EQ(read.size(), 1u);
    EXPECT_EQ(read.at(0).first.ns, 5);
    EXPECT_EQ(read.at(0).last.ns, 20);
    EXPECT_EQ(read.at(0).findings, 3);
    EXPECT_EQ(read.at(0).entity, host);
    TOCSIN_TRY(t.add_entities(1, 2));
    EXPECT_EQ(TOCSIN_TRY(t.entities(1, 10)).at(0).findings, 4);
    EXPECT_EQ(TOCSIN_TRY(t.entity_count(1, model::EntityKind::kHost)), 1);
    EXPECT_EQ(TOCSIN_TRY(t.incidents_of("default", model::EntityKind::kHost, "ws-1", 10)),
              (std::vector<IncidentNumber>{2, 1}));
    EXPECT_TRUE(TOCSIN_TRY(t.incidents_of("other", model::EntityKind::kHost, "ws-1", 10)).empty());
    TOCSIN_TRY(t.put_entity({2, host, {1}, {2}, -1}));
    EXPECT_TRUE(TOCSIN_TRY(t.entities(2, 10)).empty());
    return {};
  });
}

TEST_F(IncidentsTest, HistoryIsNeitherChangedNorRemoved) {
  write([&](IncidentTables& t) -> core::Result<void> {
    TOCSIN_TRY(t.insert_incident(incident(1)));
    for (int i = 0; i < 3; ++i) TOCSIN_TRY(t.add_history({0, 1, {i}, "engine", "joined", std::to_string(i), "{}"}));
    const auto last = TOCSIN_TRY(t.history(1, 2));
    EXPECT_EQ(last.size(), 2u);
    EXPECT_EQ(last.at(0).text, "1");
    EXPECT_EQ(last.at(1).text, "2");
    return {};
  });
  EXPECT_NE(raw("update incident_history set text = 'x'"), SQLITE_OK);
  EXPECT_NE(raw("delete from incident_history"), SQLITE_OK);
  write([&](IncidentTables& t) -> core::Result<void> {
    EXPECT_EQ(TOCSIN_TRY(t.history(1, 10)).size(), 3u);
    return {};
  });
}

TEST_F(IncidentsTest, KeepsTheWorkOnAnIncident) {
  write([&](IncidentTables& t) -> core::Result<void> {
    TOCSIN_TRY(t.insert_incident(incident(1)));
    TOCSIN_TRY(t.insert_incident(incident(2)));
    TOCSIN_TRY(t.add_comment({0, 1, {1}, "anna", "hello"}));
    EXPECT_FALSE(t.add_comment({0, 1, {1}, "anna", ""}).ok());
    EXPECT_FALSE(t.add_comment({0, 1, {1}, "anna", std::string(kMaxCommentBytes + 1, 'x')}).ok());
    EXPECT_EQ(TOCSIN_TRY(t.comments(1)).at(0).text, "hello");
    IncidentTask task;
    task.incident = 1;
    task.title = "Isolate";
    task.phase = "contain";
    task.id = TOCSIN_TRY(t.add_task(task));
    task.done = true;
    task.done_by = "anna";
    TOCSIN_TRY(t.update_task(task));
    EXPECT_TRUE(TOCSIN_TRY(t.tasks(1)).at(0).done);
    task.incident = 2;
    EXPECT_EQ(t.update_task(task).error().code, core::ErrorCode::kNotFound);
    TOCSIN_TRY(t.add_note({0, 1, {5}, {6}, "anna", "phone call", "user", ""}));
    EXPECT_EQ(TOCSIN_TRY(t.notes(1)).at(0).lane, "user");
    TOCSIN_TRY(t.add_link({1, 2, "similar", "same host", "engine", {9}}));
    EXPECT_EQ(TOCSIN_TRY(t.links(2)).at(0).reason, "same host");
    EXPECT_EQ(TOCSIN_TRY(t.links_of_kind("similar")).size(), 1u);
    EXPECT_TRUE(TOCSIN_TRY(t.links_of_kind("split")).empty());
    TOCSIN_TRY(t.watch(1, "anna", true));
    TOCSIN_TRY(t.watch(1, "anna", true));
    EXPECT_EQ(TOCSIN_TRY(t.watchers(1)), std::vector<std::string>{"anna"});
    TOCSIN_TRY(t.watch(1, "anna", false));
    EXPECT_TRUE(TOCSIN_TRY(t.watchers(1)).empty());
    return {};
  });
}

TEST_F(IncidentsTest, KeepsAssetsDecisionsAndThePosition) {
  write([&](IncidentTables& t) -> core::Result<void> {
    Asset asset;
    asset.tenant = "default";
    asset.key = "ws-1";
    asset.label = "WS-1";
    asset.addresses = {"10.0.0.1", "10.0.0.2"};
    asset.criticality = 6;
    EXPECT_FALSE(t.put_asset(asset).ok());
    asset.criticality = 5;
    const auto id = TOCSIN_TRY(t.put_asset(asset));
    asset.owner = "finance";
    EXPECT_EQ(TOCSIN_TRY(t.put_asset(asset)), id);
    const auto read = TOCSIN_TRY(t.asset("default", model::EntityKind::kHost, "ws-1"));
    EXPECT_TRUE(read);
    EXPECT_EQ(read->owner, "finance");
    EXPECT_EQ(read->addresses, asset.addresses);
    EXPECT_EQ(TOCSIN_TRY(t.assets({"default"}, "FINANCE", 10, 0)).size(), 1u);
    EXPECT_EQ(TOCSIN_TRY(t.asset_count({"other"}, "")), 0);
    EXPECT_EQ(TOCSIN_TRY(t.asset_count({}, "")), 1);
    TOCSIN_TRY(t.add_decisions({"default", "r", 1, 0, 2}));
    TOCSIN_TRY(t.add_decisions({"default", "r", 1, 1, -1}));
    const auto decisions = TOCSIN_TRY(t.decisions());
    EXPECT_EQ(decisions.at(0).true_positive, 2);
    EXPECT_EQ(decisions.at(0).benign, 1);
    EXPECT_EQ(decisions.at(0).false_positive, 1);
    EXPECT_FALSE(TOCSIN_TRY(t.position()));
    TOCSIN_TRY(t.set_position({7, {"a", "b"}}));
    TOCSIN_TRY(t.set_position({9, {"c"}}));
    EXPECT_EQ(TOCSIN_TRY(t.position())->sequence, 9u);
    EXPECT_EQ(TOCSIN_TRY(t.position())->ids, std::vector<std::string>{"c"});
    TOCSIN_TRY(t.put_joining("f", {5}, "body"));
    EXPECT_EQ(TOCSIN_TRY(t.joining("f")), "body");
    EXPECT_EQ(TOCSIN_TRY(t.forget_joining({5}, 10)), 0);
    EXPECT_EQ(TOCSIN_TRY(t.forget_joining({6}, 10)), 1);
    return {};
  });
}

// Yesterday's ledger: version 2, with rows in it.
TEST_F(IncidentsTest, ALedgerOfVersionTwoIsMigratedWithWhatItHolds) {
  ledger_.reset();
  std::filesystem::remove(path());
  for (const Migration& step : migrations().first(2)) {
    for (const char* statement : step.statements) ASSERT_EQ(raw(statement), SQLITE_OK) << statement;
  }
  ASSERT_EQ(raw("insert into settings values ('k', 'v', 'me', 1); pragma user_version = 2"), SQLITE_OK);
  open();
  write([&](IncidentTables& t) -> core::Result<void> { return t.insert_incident(incident(1)); });
  const auto read = ledger_->read([](Tables& t) -> core::Result<void> {
    EXPECT_EQ(TOCSIN_TRY(t.setting("k"))->value, "v");
    return {};
  });
  EXPECT_TRUE(read.ok());
}

}  // namespace
}  // namespace tocsin::ledger
