// Suppressions over HTTP, with the real store, rules and pipeline: what is silenced, what is found again.
#include "app/suppressions.h"

#include <future>

#include "api/api_test_support.h"
#include "app/board.h"
#include "app/processor.h"
#include "app/store_writer.h"
#include "ledger/incidents.h"
#include "stream/journal.h"

namespace tocsin::app {
namespace {

using api::Answer;

constexpr const char* kId = "11111111-1111-4111-8111-111111111111";
constexpr const char* kRule = R"(title: Whoami
id: 11111111-1111-4111-8111-111111111111
level: high
logsource: {product: windows, category: process_creation}
detection:
  selection: {CommandLine|contains: whoami}
  condition: selection
---
title: Three whoamis
id: 22222222-2222-4222-8222-222222222222
level: critical
correlation:
  type: event_count
  rules: [11111111-1111-4111-8111-111111111111]
  group-by: [Computer]
  timespan: 5m
  condition: {gte: 3}
  generate: true
)";

class SuppressionsTest : public api::ApiFixture {
 protected:
  void change(api::ApiOptions& changed) override {
    folder.write("rules/rule.yml", kRule);
    RulesConfig config;
    config.builtin = false;
    config.folders = {(folder.path() / "rules").string()};
    rules = std::move(RuleManager::open(config, "", *ledger, *clock)).value();
    suppressions = std::move(LiveSuppressions::open(*rules, *ledger, *store, *clock)).value();
    changed.suppressions = suppressions.get();
  }
  void SetUp() override {
    ApiFixture::SetUp();
    if (!server) return;
    boss = admin();
    ana = user("ana", auth::Role::kAnalyst, {"own"});
    board = std::make_unique<SourceBoard>(*clock, metrics);
    std::uint32_t number = 0;
    for (const char* tenant : {"own", "other"}) {
      board->put(std::make_shared<SourceEntry>(
          source::SourceRef{model::SourceId{++number}, tenant, tenant, "main", model::Format::kJson, board->meter(tenant)},
          "http", "api"));
    }
    stream::JournalOptions journal_options;
    journal_options.folder = (folder.path() / "journal").string();
    journal_options.min_free_bytes = 0;
    journal = std::move(stream::Journal::open(journal_options, *clock, metrics)).value();
    writer = std::make_unique<StoreWriter>(*store, *journal, *clock, metrics, [](const api::LiveEvent&) {});
    processor =
        std::make_unique<Processor>(Processor::Context{*journal, *store, *writer, *board, rules->content(), *clock, metrics},
                                    ProcessorOptions{}, rules->detection());
    rules->on_change([this](std::shared_ptr<const Detection> detection) { processor->set_detection(std::move(detection)); });
    ASSERT_TRUE(processor->start().ok());
  }
  void TearDown() override {
    if (processor) {
      processor->stop(std::chrono::milliseconds(0));
      writer->stop();
    }
    ApiFixture::TearDown();
    processor.reset();
    writer.reset();
    suppressions.reset();
    rules.reset();
  }

  // An event of the sender, stored and with its finding when this returns.
  void send(const std::string& user, const std::string& image = "C:\\\\Tools\\\\x.exe", std::uint32_t source = 1,
            const std::string& host = "ws1") {
    model::Delivery delivery;
    delivery.source = model::SourceId{source};
    delivery.received_at = clock->now();
    delivery.format = model::Format::kJson;
    delivery.peer = "192.0.2.1";
    delivery.bytes = R"({"@timestamp":"2026-11-24T12:30:00Z","winlog":{"channel":"Microsoft-Windows-Sysmon/Operational",)"
                     R"("provider_name":"Microsoft-Windows-Sysmon","event_id":"1","computer_name":")" +
                     host + R"(","event_data":{"CommandLine":"whoami","Image":")" + image + R"(","User":")" + user +
                     "\"}}}\n";
    std::promise<bool> safe;
    journal->append(std::move(delivery), [&](const core::Result<std::uint64_t>& done) { safe.set_value(done.ok()); });
    ASSERT_TRUE(safe.get_future().get());
    ++sent;
    wait_for("SELECT count() FROM events", std::to_string(sent) + "\n");
  }
  std::string ask_store(const std::string& sql) {
    const auto answer = store->query(sql, "TabSeparated", {});
    return answer.ok() ? answer->body : answer.error().text;
  }
  void wait_for(const std::string& sql, const std::string& wanted) {
    const auto until = std::chrono::steady_clock::now() + tocsin::testing::kPatience;
    std::string answer = ask_store(sql);
    while (answer != wanted && std::chrono::steady_clock::now() < until) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));  // Between questions, not for order.
      answer = ask_store(sql);
    }
    EXPECT_EQ(answer, wanted) << sql;
  }
  std::string findings(const std::string& where = "1") {
    return ask_store("SELECT count() FROM findings WHERE rule_title = 'Whoami' AND " + where);
  }
  std::string in_days(int days) {
    return core::format_iso_time({clock->now().ns + std::int64_t{days} * 86'400'000'000'000});
  }
  std::string body(const std::string& user, const std::string& more = "", int days = 30) {
    return R"({"rule_id":")" + std::string(kId) + R"(","title":"A case","fields":[{"field":"User","op":"equals","value":")" +
           user + R"("}],"reason":"known","expires_at":")" + in_days(days) + "\"" + more + "}";
  }
  Answer add(const std::string& text) { return post("/api/v1/suppressions", boss, text); }

  std::unique_ptr<RuleManager> rules;
  std::unique_ptr<LiveSuppressions> suppressions;
  std::unique_ptr<SourceBoard> board;
  std::unique_ptr<stream::Journal> journal;
  std::unique_ptr<StoreWriter> writer;
  std::unique_ptr<Processor> processor;
  api::Identity boss, ana;
  int sent = 0;
};

TEST_F(SuppressionsTest, SilencesItsCaseUntilItExpiresByItself) {
  send("bob");
  wait_for("SELECT count() FROM findings", "1\n");
  const Answer made = add(body("BOB"));
  ASSERT_EQ(made.status, 201) << made.body;
  EXPECT_EQ(made.at("/state"), "active");
  const std::string path = "/api/v1/suppressions/" + made.at("/id");
  send("bob");
  send("eve");
  wait_for("SELECT count() FROM findings", "2\n");
  EXPECT_EQ(findings("user = 'bob'"), "1\n");
  EXPECT_EQ(get("/api/v1/suppressions", boss).at("/items/0/silenced"), "1");
  clock->advance(std::chrono::hours(24 * 30) - std::chrono::nanoseconds(1));
  send("bob");
  send("eve");
  wait_for("SELECT count() FROM findings", "3\n");
  clock->advance(std::chrono::nanoseconds(1));
  send("bob");
  wait_for("SELECT countIf(user = 'bob') FROM findings", "2\n");
  boss = log_in("admin");
  EXPECT_EQ(get("/api/v1/suppressions", boss).at("/items/0/state"), "expired");
  EXPECT_EQ(get("/api/v1/suppressions", boss).at("/items/0/silenced"), "2");
  // Renewed it silences again.
  EXPECT_EQ(ask("PATCH", path, boss, R"({"enabled":true})").status, 400);
  EXPECT_EQ(ask("PATCH", path, boss, R"({"expires_at":")" + in_days(10) + "\"}").at("/state"), "active");
  send("bob");
  send("eve");
  wait_for("SELECT countIf(user = 'eve') FROM findings", "3\n");
  EXPECT_EQ(findings("user = 'bob'"), "2\n");
  // All events are there.
  EXPECT_EQ(ask_store("SELECT count() FROM events"), std::to_string(sent) + "\n");
}

TEST_F(SuppressionsTest, IsOfItsTenantAlone) {
  ASSERT_EQ(add(body("bob", R"(,"tenant":"own")")).status, 201);
  send("bob", "x", 1);
  send("bob", "x", 2);
  wait_for("SELECT count(), any(tenant) FROM findings", "1\tother\n");
}

TEST_F(SuppressionsTest, WhatIsSilencedIsNoPartOfCorrelations) {
  ASSERT_EQ(add(body("bob")).status, 201);
  for (int i = 0; i < 3; ++i) send("bob");
  for (int i = 0; i < 2; ++i) send("eve");
  wait_for("SELECT count() FROM findings WHERE rule_title = 'Whoami'", "2\n");
  EXPECT_EQ(ask_store("SELECT count() FROM findings WHERE rule_title = 'Three whoamis'"), "0\n");
}

TEST_F(SuppressionsTest, OffAndEndedOnesSilenceNothingAndStayInTheList) {
  const std::string path = "/api/v1/suppressions/" + add(body("bob")).at("/id");
  EXPECT_EQ(ask("PATCH", path, boss, R"({"enabled":false})").at("/state"), "off");
  send("bob");
  wait_for("SELECT count() FROM findings", "1\n");
  EXPECT_EQ(ask("PATCH", path, boss, R"({"enabled":true,"reason":"still known"})").at("/state"), "active");
  EXPECT_EQ(ask("DELETE", path, boss).status, 204);
  EXPECT_EQ(ask("DELETE", path, boss).status, 400);
  EXPECT_EQ(ask("PATCH", path, boss, R"({"enabled":true})").status, 400);
  send("bob");
  wait_for("SELECT count() FROM findings", "2\n");
  const Answer list = get("/api/v1/suppressions?state=off", boss);
  EXPECT_EQ(list.at("/total"), "1");
  EXPECT_EQ(list.at("/items/0/ended_by"), "admin");
  EXPECT_EQ(list.at("/items/0/reason"), "still known");
  EXPECT_EQ(get("/api/v1/suppressions?state=active", boss).at("/total"), "0");
  // Each change is in the trail.
  const Answer trail = get("/api/v1/audit?action=suppression", boss);
  EXPECT_EQ(trail.count("/items"), 4u) << trail.body;
  EXPECT_EQ(trail.at("/items/0/action"), "suppression.end");
  EXPECT_EQ(trail.at("/items/3/action"), "suppression.add");
  EXPECT_NE(trail.at("/items/3/detail").find(R"("reason":"known")"), std::string::npos) << trail.body;
}

TEST_F(SuppressionsTest, IsThereAfterARestartAndAfterAReloadOfRules) {
  ASSERT_EQ(add(body("bob")).status, 201);
  ASSERT_TRUE(rules->reload().ok());
  send("bob");
  // The rule goes and comes back.
  folder.write("rules/rule.yml", "title: none\n");
  ASSERT_TRUE(rules->reload().ok());
  folder.write("rules/rule.yml", kRule);
  ASSERT_TRUE(rules->reload().ok());
  send("bob");
  send("eve");
  wait_for("SELECT count(), any(user) FROM findings", "1\teve\n");
  // As a new program finds it.
  RulesConfig config;
  config.builtin = false;
  config.folders = {(folder.path() / "rules").string()};
  const auto again = std::move(RuleManager::open(config, "", *ledger, *clock)).value();
  EXPECT_TRUE(again->detection()->live.at(0).suppressions.empty());
  const auto opened = LiveSuppressions::open(*again, *ledger, *store, *clock);
  ASSERT_TRUE(opened.ok());
  EXPECT_EQ(again->detection()->live.at(again->detection()->by_id.at(kId)).suppressions.size(), 1u);
}

TEST_F(SuppressionsTest, ADraftSaysWhatTellsTheCaseApartAndIsReadyToSave) {
  for (int i = 0; i < 6; ++i) send("user" + std::to_string(i), i == 0 ? "C:\\\\Tools\\\\x.exe" : "C:\\\\y.exe", 1);
  wait_for("SELECT count() FROM findings WHERE rule_title = 'Whoami'", "6\n");
  const std::string id = ask_store("SELECT id FROM findings WHERE user = 'user0' AND rule_title = 'Whoami'");
  const std::string finding = id.substr(0, id.find('\n'));
  const Answer draft = post("/api/v1/suppressions/draft", boss, R"({"finding":")" + finding + "\"}");
  ASSERT_EQ(draft.status, 200) << draft.body;
  EXPECT_EQ(draft.at("/rule_id"), kId);
  EXPECT_EQ(draft.at("/fields/0/field"), "Image");
  EXPECT_EQ(draft.at("/fields/0/value"), R"(C:\Tools\x.exe)");
  EXPECT_EQ(draft.at("/fields/0/chosen"), "true");
  EXPECT_NE(draft.at("/fields/0/why").find("0 of 5 other findings"), std::string::npos) << draft.body;
  EXPECT_EQ(draft.at("/fields/1/field"), "User");
  EXPECT_EQ(draft.at("/fields/2/field"), "Computer");
  EXPECT_EQ(draft.at("/fields/2/chosen"), "false");
  EXPECT_NE(draft.at("/yaml").find("condition: not selection"), std::string::npos);
  // As it is.
  std::string yaml;
  core::JsonWriter(yaml).text(draft.at("/yaml"));
  const Answer saved = add(R"({"rule_id":")" + std::string(kId) + R"(","yaml":)" + yaml + R"(,"reason":"r","expires_at":")" +
                           draft.at("/expires_at") + "\"}");
  ASSERT_EQ(saved.status, 201) << saved.body;
  send("user0");
  send("user1");
  wait_for("SELECT count() FROM findings WHERE rule_title = 'Whoami'", "7\n");
  // Of a finding that is not there, of another tenant, of a correlation.
  EXPECT_EQ(post("/api/v1/suppressions/draft", boss, R"({"finding":"none"})").status, 404);
  send("foe", "x", 2, "ws9");
  wait_for("SELECT count() FROM findings WHERE tenant = 'other'", "1\n");
  const std::string foreign = ask_store("SELECT id FROM findings WHERE tenant = 'other'");
  EXPECT_EQ(
      post("/api/v1/suppressions/draft", ana, R"({"finding":")" + foreign.substr(0, foreign.find('\n')) + "\"}").status,
      404);
}

TEST_F(SuppressionsTest, APreviewCountsByTheVerdictsOfIncidents) {
  for (const char* user : {"bob", "bob", "bob", "bob", "eve"}) send(user);
  wait_for("SELECT count() FROM findings WHERE rule_title = 'Whoami'", "5\n");
  std::string ids = ask_store("SELECT id FROM findings WHERE user = 'bob' AND rule_title = 'Whoami'");
  ASSERT_TRUE(ledger
                  ->write([&](ledger::Tables& all) -> core::Result<void> {
                    ledger::IncidentTables tables(all);
                    for (const auto verdict :
                         {model::Verdict::kTruePositive, model::Verdict::kBenign, model::Verdict::kFalsePositive}) {
                      ledger::Incident row;
                      row.id = TOCSIN_TRY(tables.next_incident_number());
                      row.tenant = row.title = "own";
                      row.score_parts = "[]";
                      row.priority = "p4";
                      row.state = model::IncidentState::kClosed;
                      row.verdict = verdict;
                      TOCSIN_TRY(tables.insert_incident(row));
                      ledger::IncidentMember member;
                      member.incident = row.id;
                      member.finding = ids.substr(0, ids.find('\n'));
                      ids.erase(0, ids.find('\n') + 1);
                      member.reasons = "[]";
                      TOCSIN_TRY(tables.add_member(member));
                    }
                    return {};
                  })
                  .ok());
  const std::string filter = R"({"rule_id":")" + std::string(kId) + R"(","fields":[{"field":"User","op":"equals","value":")";
  const Answer shown = post("/api/v1/suppressions/preview", boss, filter + R"(bob"}],"days":7})");
  ASSERT_EQ(shown.status, 200) << shown.body;
  EXPECT_EQ(shown.at("/looked_at"), "5");
  EXPECT_EQ(shown.at("/silenced"), R"({"total":4,"true_positive":1,"benign":1,"false_positive":1,"undecided":1})");
  EXPECT_EQ(shown.count("/findings"), 4u);
  EXPECT_EQ(shown.at("/complete"), "true");
  EXPECT_EQ(shown.at("/findings/0/user"), "bob");
  // Not of the days, not of the tenant.
  EXPECT_EQ(post("/api/v1/suppressions/preview", ana, filter + R"(bob"}]})").at("/silenced/total"), "4");
  EXPECT_EQ(post("/api/v1/suppressions/preview", ana, filter + R"(bob"}],"tenant":"other"})").status, 400);
  EXPECT_EQ(post("/api/v1/suppressions/preview", boss, filter + R"(bob"}],"tenant":"other"})").at("/looked_at"), "0");
  clock->advance(std::chrono::hours(24 * 8));
  boss = log_in("admin");
  EXPECT_EQ(post("/api/v1/suppressions/preview", boss, filter + R"(bob"}],"days":7})").at("/looked_at"), "0");
  EXPECT_EQ(post("/api/v1/suppressions/preview", boss, filter + R"(bob"}],"days":9})").at("/looked_at"), "5");
}

TEST_F(SuppressionsTest, APreviewSaysWhatItDoesNotShow) {
  model::Delivery delivery;
  delivery.source = model::SourceId{1};
  delivery.received_at = clock->now();
  delivery.format = model::Format::kJson;
  delivery.peer = "192.0.2.1";
  for (std::size_t i = 0; i <= api::kMaxPreviewFindings; ++i) {
    delivery.bytes += R"({"@timestamp":"2026-11-24T12:30:00Z","winlog":{"channel":"Microsoft-Windows-Sysmon/Operational",)"
                      R"("provider_name":"Microsoft-Windows-Sysmon","event_id":"1","computer_name":"h)" +
                      std::to_string(i) + R"(","event_data":{"CommandLine":"whoami","User":"bob"}}})" + "\n";
  }
  std::promise<bool> safe;
  journal->append(std::move(delivery), [&](const core::Result<std::uint64_t>& done) { safe.set_value(done.ok()); });
  ASSERT_TRUE(safe.get_future().get());
  wait_for("SELECT count() FROM findings", std::to_string(api::kMaxPreviewFindings + 1) + "\n");
  // One whose record is gone.
  store::Block block;
  store::FindingRow row;
  row.id = "alone";
  row.sequence = 1'000'000;
  row.event_time = row.received_at = row.detected_at = store::kNoon;
  row.tenant = "own";
  row.rule_id = kId;
  row.level = "high";
  row.event_ids = {77};
  row.finding = "{}";
  block.add(row);
  insert(block);
  wait_for("SELECT count() FROM events", std::to_string(api::kMaxPreviewFindings + 1) + "\n");
  const Answer shown =
      post("/api/v1/suppressions/preview", boss,
           R"({"rule_id":")" + std::string(kId) + R"(","fields":[{"field":"User","op":"equals","value":"bob"}],"days":7})");
  EXPECT_EQ(shown.at("/silenced/total"), std::to_string(api::kMaxPreviewFindings + 1)) << shown.body.substr(0, 300);
  EXPECT_EQ(shown.at("/silenced/undecided"), std::to_string(api::kMaxPreviewFindings + 1));
  EXPECT_EQ(shown.at("/passed_over"), "1");
  EXPECT_EQ(shown.count("/findings"), api::kMaxPreviewFindings);
  EXPECT_EQ(shown.at("/complete"), "false");
  EXPECT_EQ(post("/api/v1/suppressions/draft", boss, R"({"finding":"alone"})").status, 400);
  // Where its document says what matched, that is what it has.
  row.id = "told";
  row.event_ids = {78};
  row.finding =
      R"({"unmapped":{"tocsin":{"matches":{"predicates":[{"field":"CommandLine","op":"contains","value":"whoami /x"}]}}}})";
  block.clear();
  block.add(row);
  insert(block);
  const Answer told = post("/api/v1/suppressions/draft", boss, R"({"finding":"told"})");
  EXPECT_EQ(told.at("/fields/0/field"), "CommandLine") << told.body;
  EXPECT_EQ(told.at("/fields/0/chosen"), "true");
}

TEST_F(SuppressionsTest, WhatSilencesARuleNeedsTheWord) {
  const std::string all = R"({"rule_id":")" + std::string(kId) +
                          R"(","fields":[{"field":"User","op":"re","value":"."}],"reason":"r","expires_at":")" + in_days(1) +
                          "\"";
  EXPECT_NE(add(all + "}").at("/detail").find("silence_all"), std::string::npos);
  EXPECT_EQ(add(all + R"(,"silence_all":true})").status, 201);
  EXPECT_EQ(add(body("bob")).status, 201);
  EXPECT_EQ(ask("DELETE", "/api/v1/suppressions/1", boss).status, 204);
  EXPECT_EQ(ask("DELETE", "/api/v1/suppressions/2", boss).status, 204);
  for (int i = 0; i < 5; ++i) send("bob");
  wait_for("SELECT count() FROM findings WHERE rule_title = 'Whoami'", "5\n");
  EXPECT_NE(add(body("bob")).at("/detail").find("all 5"), std::string::npos);
  EXPECT_EQ(add(body("bob", R"(,"silence_all":true)")).status, 201);
}

TEST_F(SuppressionsTest, WhatIsMissingOrTooLongAheadIsRefused) {
  EXPECT_EQ(add(body("bob", "", 366)).status, 201);
  EXPECT_EQ(add(body("bob", "", 367)).status, 400);
  EXPECT_EQ(add(body("bob", "", 0)).status, 400);
  const std::string begin = R"({"rule_id":")" + std::string(kId) + "\"";
  const std::string field = R"(,"fields":[{"field":"User","op":"equals","value":"bob"}])";
  const std::string end = R"(,"expires_at":")" + in_days(1) + "\"";
  EXPECT_EQ(add(begin + field + end + "}").status, 400);                  // No reason.
  EXPECT_EQ(add(begin + field + end + R"(,"reason":" "})").status, 400);  // Blank.
  EXPECT_EQ(add(begin + field + R"(,"reason":"r"})").status, 400);        // No end.
  EXPECT_EQ(add(begin + end + R"(,"reason":"r"})").status, 400);          // No filter.
  EXPECT_EQ(add(begin + R"(,"fields":[])" + end + R"(,"reason":"r"})").status, 400);
  EXPECT_EQ(add(begin + R"(,"yaml":"title: x")" + end + R"(,"reason":"r"})").status, 400);
  EXPECT_EQ(add(R"({"rule_id":"none")" + field + end + R"(,"reason":"r"})").status, 404);
  EXPECT_EQ(add(R"({"rule_id":"22222222-2222-4222-8222-222222222222")" + field + end + R"(,"reason":"r"})").status, 400);
}

TEST_F(SuppressionsTest, OthersSeeAndChangeOnlyThoseOfTheirTenants) {
  ASSERT_EQ(add(body("one")).status, 201);  // Of all.
  ASSERT_EQ(add(body("two", R"(,"tenant":"other")")).status, 201);
  ASSERT_EQ(post("/api/v1/suppressions", ana, body("three")).at("/tenant"), "own");
  EXPECT_EQ(post("/api/v1/suppressions", ana, body("four", R"(,"tenant":"other")")).status, 400);
  EXPECT_EQ(get("/api/v1/suppressions", boss).at("/total"), "3");
  const Answer list = get("/api/v1/suppressions", ana);
  EXPECT_EQ(list.at("/total"), "1");
  EXPECT_EQ(list.at("/items/0/tenant"), "own");
  for (const char* id : {"1", "2", "99", "x"}) {
    EXPECT_EQ(ask("PATCH", std::string("/api/v1/suppressions/") + id, ana, R"({"enabled":false})").status, 404) << id;
    EXPECT_EQ(ask("DELETE", std::string("/api/v1/suppressions/") + id, ana).status, 404) << id;
  }
  EXPECT_EQ(ask("DELETE", "/api/v1/suppressions/3", ana).status, 204);
  const auto vera = user("vera", auth::Role::kViewer, {"own"});
  EXPECT_EQ(post("/api/v1/suppressions", vera, body("five")).status, 403);
  const Answer first = get("/api/v1/suppressions?limit=2", boss);
  EXPECT_EQ(first.count("/items"), 2u);
  EXPECT_EQ(get("/api/v1/suppressions?limit=2&cursor=" + first.at("/next_cursor"), boss).count("/items"), 1u);
}

}  // namespace
}  // namespace tocsin::app

TOCSIN_API_TEST_MAIN()
