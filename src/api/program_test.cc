// Sources, rules, health, settings and live updates: what is asked of the running program.
#include <set>

#include "api/api_test_support.h"
#include "api/live_json.h"
#include "model/attack.h"

namespace tocsin::api {
namespace {

class ProgramTest : public ApiFixture {
 protected:
  void change(ApiOptions& api_options) override {
    api_options.live_rates = std::chrono::milliseconds(20);
    api_options.live_heartbeat = std::chrono::milliseconds(50);
  }
  void SetUp() override {
    SourceStatus source;
    source.name = "auth";
    source.kind = "tail";
    source.tenant = "default";
    source.origin = "config";
    source.state = "silent";
    source.records = 7;
    source.refused = {{"too long", 2}};
    source.silent_since = store::kNoon;
    platform.source_list.push_back(source);
    for (int i = 0; i < 250; ++i) {
      RuleDetail rule;
      rule.status.id = "r" + std::to_string(i);
      rule.status.title = i % 2 == 0 ? "Same title" : "Rule " + std::to_string(i);
      rule.status.level = i % 5 == 0 ? "high" : "low";
      rule.status.techniques = {i % 2 == 0 ? "T1059.001" : "T1003.001"};
      if (i % 10 == 0) rule.status.blind = "no source gives process_creation";
      rule.text = "title: x";
      rule.description = "What it is for";
      platform.rule_list.push_back(rule);
    }
    platform.refused_list.push_back({"a.yml", "bad", "do this", "S001", "T", 3, 4});
    ApiFixture::SetUp();
  }
  void insert_findings(int count) {
    store::Block block;
    std::vector<std::string> ids(static_cast<std::size_t>(count));
    for (int i = 0; i < count; ++i) {
      store::FindingRow row;
      row.id = "f" + std::to_string(i);
      row.sequence = static_cast<std::uint64_t>(i) + 1;
      row.event_time = row.received_at = row.detected_at = store::kNoon;
      row.tenant = "default";
      row.rule_id = "r1";
      row.rule_title = "Rule 1";
      row.level = "high";
      row.severity_id = 4;
      row.host = "web01";
      row.techniques = {"T1003.001"};
      block.add(row);
      block.add(store::sample_event(static_cast<std::uint64_t>(i) + 1));
    }
    insert(block);
  }
};

TEST_F(ProgramTest, SourcesAreListedMadeChangedAndRemoved) {
  const Identity boss = admin();
  const Answer list = get("/api/v1/sources", boss);
  EXPECT_EQ(list.at("/items/0/state"), "silent");
  EXPECT_EQ(list.at("/items/0/refused/too long"), "2");
  EXPECT_EQ(list.at("/items/0/silent_since"), "2026-11-24T12:00:00Z");
  EXPECT_EQ(list.at("/items/0/lag_ms"), "null");
  const Answer made = post("/api/v1/sources", boss, R"({"name":"web","kind":"http","config":{"a":1}})");
  EXPECT_EQ(made.status, 201) << made.body;
  EXPECT_TRUE(made.at("/token").starts_with("tsrc_"));
  EXPECT_EQ(made.at("/config/a"), "1");
  EXPECT_EQ(made.at("/tenant"), "default");
  EXPECT_EQ(get("/api/v1/sources/web", boss).at("/token"), "<absent>");
  EXPECT_EQ(post("/api/v1/sources", boss, R"({"name":"web","kind":"http"})").status, 409);
  EXPECT_EQ(post("/api/v1/sources", boss, R"({"name":"x","kind":"http","config":[]})").at("/field"), "config");
  EXPECT_EQ(ask("PATCH", "/api/v1/sources/web", boss, R"({"tenant":"b"})").at("/tenant"), "b");
  EXPECT_EQ(ask("PATCH", "/api/v1/sources/auth", boss, R"({"tenant":"b"})").status, 400);  // Of the file.
  EXPECT_EQ(ask("PATCH", "/api/v1/sources/auth", boss, R"({"enabled":false})").at("/enabled"), "false");
  EXPECT_TRUE(post("/api/v1/sources/web/token", boss, "").at("/token").starts_with("tsrc_"));
  EXPECT_EQ(ask("DELETE", "/api/v1/sources/web", boss).status, 204);
  EXPECT_EQ(ask("DELETE", "/api/v1/sources/web", boss).status, 404);
  EXPECT_EQ(get("/api/v1/audit?action=source", boss).count("/items"), 5u);
}

TEST_F(ProgramTest, SourcesOfOtherTenantsAreNotThere) {
  admin();
  const Identity nora = user("nora", auth::Role::kEngineer, {"a", "b"});
  EXPECT_EQ(get("/api/v1/sources", nora).at("/items"), "[]");
  EXPECT_EQ(get("/api/v1/sources/auth", nora).status, 404);
  EXPECT_EQ(ask("PATCH", "/api/v1/sources/auth", nora, R"({"enabled":false})").status, 404);
  EXPECT_EQ(ask("DELETE", "/api/v1/sources/auth", nora).status, 404);
  EXPECT_EQ(post("/api/v1/sources/auth/token", nora, "").status, 404);
  EXPECT_EQ(post("/api/v1/sources", nora, R"({"name":"x","kind":"http","tenant":"default"})").at("/field"), "tenant");
  EXPECT_EQ(post("/api/v1/sources", nora, R"({"name":"x","kind":"http"})").at("/tenant"), "a");
  EXPECT_EQ(ask("PATCH", "/api/v1/sources/x", nora, R"({"tenant":"default"})").status, 400);
  EXPECT_EQ(post("/api/v1/dead-letters/rerun", nora, R"({"source":"auth"})").status, 400);
  EXPECT_EQ(post("/api/v1/dead-letters/rerun", nora, "{}").status, 400);
  EXPECT_EQ(post("/api/v1/dead-letters/rerun", nora, R"({"source":"x"})").at("/recovered"), "4");
}

TEST_F(ProgramTest, DeadLettersArePagedWithASample) {
  const Identity boss = admin();
  store::Block block;
  for (std::uint64_t i = 0; i < 25; ++i) {
    store::DeadLetterRow letter{i / 3,    i,        store::kNoon, "default", "auth", "peer", i % 2 == 0 ? "json" : "time",
                                "detail", "\xff<a>"};
    block.add(letter);
  }
  insert(block);
  std::string cursor;
  std::size_t seen = 0;
  do {
    const Answer page = get("/api/v1/dead-letters?limit=10&cursor=" + cursor, boss);
    ASSERT_EQ(page.status, 200) << page.body;
    EXPECT_EQ(page.at("/total"), "25");
    seen += page.count("/items");
    cursor = page.at("/next_cursor");
  } while (cursor != "null" && seen < 100);
  EXPECT_EQ(seen, 25u);
  const Answer json_only = get("/api/v1/dead-letters?cause=json", boss);
  EXPECT_EQ(json_only.at("/total"), "13");
  EXPECT_EQ(json_only.at("/items/0/sample"), "\xef\xbf\xbd<a>");
  EXPECT_EQ(get("/api/v1/dead-letters?cursor=x61-x62", boss).status, 400);
}

TEST_F(ProgramTest, RulesArePagedFilteredAndSwitched) {
  const Identity boss = admin();
  insert_findings(3);
  std::string cursor;
  std::set<std::string> seen;
  int pages = 0;
  do {
    const Answer page = get("/api/v1/rules?limit=100&cursor=" + cursor, boss);
    ASSERT_EQ(page.status, 200) << page.body;
    for (std::size_t i = 0; i < page.count("/items"); ++i) {
      EXPECT_TRUE(seen.insert(page.at("/items/" + std::to_string(i) + "/id")).second);
    }
    cursor = page.at("/next_cursor");
  } while (cursor != "null" && ++pages < 5);
  EXPECT_EQ(seen.size(), 250u);
  const auto total = [&](const std::string& filter) { return get("/api/v1/rules?" + filter, boss).at("/total"); };
  EXPECT_EQ(total("level=high"), "50");
  EXPECT_EQ(total("blind=1"), "25");
  EXPECT_EQ(total("hit=1"), "1");
  EXPECT_EQ(total("q=RULE%20249"), "1");
  EXPECT_EQ(total("technique=T1059"), "125");
  EXPECT_EQ(total("technique=T1059.001"), "125");
  EXPECT_EQ(ask("PUT", "/api/v1/rules/r1/mode", boss, R"({"mode":"draft"})").status, 204);
  EXPECT_EQ(total("mode=draft"), "1");
  EXPECT_EQ(post("/api/v1/rules/mode", boss, R"({"ids":["r2","r3"],"mode":"off"})").status, 204);
  EXPECT_EQ(post("/api/v1/rules/mode", boss, R"({"ids":["r2","none"],"mode":"on"})").status, 404);
  EXPECT_EQ(post("/api/v1/rules/mode", boss, R"({"ids":[],"mode":"on"})").status, 400);
  EXPECT_EQ(ask("PUT", "/api/v1/rules/r1/mode", boss, R"({"mode":"maybe"})").at("/field"), "mode");
  const Answer counts = get("/api/v1/rules?limit=1", boss);
  EXPECT_EQ(counts.at("/counts/off") + counts.at("/counts/draft") + counts.at("/counts/on"), "21247");
  EXPECT_EQ(counts.at("/counts/refused"), "1");
  const Answer one = get("/api/v1/rules/r1", boss);
  EXPECT_EQ(one.at("/hits_24h"), "3");
  EXPECT_EQ(one.at("/changed_by"), "admin");
  EXPECT_EQ(one.at("/text"), "title: x");
  EXPECT_EQ(one.count("/rates"), 24u);
  EXPECT_EQ(one.at("/rates/23") + one.at("/rates/22"), "30") << one.at("/rates");  // An hour ago.
  EXPECT_EQ(get("/api/v1/rules/none", boss).status, 404);
  EXPECT_EQ(get("/api/v1/rules/refused", boss).at("/items/0/line"), "3");
  EXPECT_EQ(post("/api/v1/rules/reload", boss, "").at("/took_ms"), "34");
  EXPECT_EQ(post("/api/v1/rules", boss, R"({"name":"mine","text":"title: y"})").at("/id"), "mine");
  EXPECT_EQ(ask("DELETE", "/api/v1/rules/mine", boss).status, 204);
}

TEST_F(ProgramTest, RulesAreTriedOnOnesOwnEvents) {
  admin();
  insert_findings(3);
  platform.test_hit = model::make_event_id(2, 0);
  const Answer tried = post("/api/v1/rules/test", admin_, R"({"text":"title: x","from":"now-2h","limit":5})");
  EXPECT_EQ(tried.at("/items/0/event/host"), "web01") << tried.body;
  EXPECT_EQ(tried.at("/items/0/why/condition"), "selection");
  EXPECT_EQ(platform.tested.limit, 5u);
  EXPECT_EQ(platform.tested.to.ns - platform.tested.from.ns, 7'200'000'000'000);
  EXPECT_EQ(post("/api/v1/rules/test", admin_, R"({"text":"x","id":"r1"})").status, 400);
  EXPECT_EQ(post("/api/v1/rules/test", admin_, "{}").status, 400);
  const Identity nora = user("nora", auth::Role::kEngineer, {"other"});
  const Answer hers = post("/api/v1/rules/test", nora, R"({"id":"r1"})");
  EXPECT_EQ(platform.tested.tenants, std::vector<std::string>{"other"});
  EXPECT_EQ(hers.at("/items"), "[]");  // Whatever the program says.
  for (const char* path : {"/api/v1/rules/r1/mode"}) EXPECT_EQ(ask("PUT", path, nora, R"({"mode":"off"})").status, 403);
  EXPECT_EQ(post("/api/v1/rules/reload", nora, "").status, 403);
}

TEST_F(ProgramTest, AttackShowsWhatRulesLookFor) {
  insert_findings(3);
  const Answer matrix = get("/api/v1/attack", admin());
  EXPECT_NE(matrix.body.find(R"("id":"T1059.001","name":"PowerShell","rules":125,"on":125,"hits_24h":0)"),
            std::string::npos);
  EXPECT_NE(matrix.body.find(R"("id":"T1003.001","name":"LSASS Memory","rules":125,"on":125,"hits_24h":3,"hits_30d":3)"),
            std::string::npos);
}

TEST_F(ProgramTest, AttackListsEveryTechniqueThatIsNotRevoked) {
  const Answer matrix = get("/api/v1/attack", admin());
  std::size_t missing = 0;
  for (const model::Technique& technique : model::techniques()) {
    const bool listed = matrix.body.find("\"id\":\"" + std::string(technique.id) + "\"") != std::string::npos;
    const bool named = technique.id == "T1059.001" || technique.id == "T1003.001";
    missing += listed != (technique.replaced_by.empty() || named) && !technique.tactics.empty();
  }
  EXPECT_EQ(missing, 0u);
  EXPECT_NE(matrix.body.find(R"("id":"T1595","name":"Active Scanning","rules":0,"on":0,"hits_24h":0,"hits_30d":0)"),
            std::string::npos);
}

TEST_F(ProgramTest, BackupsAreMadeByNameAndNoted) {
  const Identity boss = admin();
  const Answer made = post("/api/v1/backup", boss, R"({"name":"before-2.0"})");
  EXPECT_EQ(made.status, 201) << made.body;
  EXPECT_EQ(made.at("/path"), "/data/backups/before-2.0");
  EXPECT_EQ(made.at("/bytes"), "700");
  EXPECT_EQ(get("/api/v1/audit?action=backup&limit=1", boss).at("/items/0/object"), "before-2.0");
  EXPECT_EQ(post("/api/v1/backup", boss, R"({"name":"second"})").status, 422);
  for (const char* name : {"", ".", "..", ".x", "a/b", "../x", "a b", "a\\u0000"}) {
    EXPECT_EQ(post("/api/v1/backup", boss, R"({"name":")" + std::string(name) + "\"}").status, 400) << name;
  }
  EXPECT_EQ(post("/api/v1/backup", user("nora", auth::Role::kAnalyst), R"({"name":"x"})").status, 403);
  EXPECT_EQ(post("/api/v1/backup", user("adam", auth::Role::kAdmin, {"default"}), R"({"name":"x"})").status, 403);
}

TEST_F(ProgramTest, OverviewHealthAndProbes) {
  insert_findings(3);
  const Identity boss = admin();
  const Answer overview = get("/api/v1/overview", boss);
  EXPECT_EQ(overview.at("/events_per_s"), "123");
  EXPECT_EQ(overview.at("/events_24h"), "3");
  EXPECT_EQ(overview.at("/findings/by_level_24h/high"), "3");
  EXPECT_EQ(overview.at("/sources/silent"), "1");
  EXPECT_EQ(overview.at("/rules/blind"), "25");
  EXPECT_EQ(overview.at("/top_rules/0/label"), "Rule 1");
  EXPECT_EQ(overview.at("/top_hosts/0/value"), "web01");
  EXPECT_EQ(overview.at("/events/total"), "3");
  EXPECT_EQ(overview.at("/findings_over_time/total"), "3");
  EXPECT_EQ(get("/api/v1/overview?from=now", boss).status, 400);
  const Answer health = get("/api/v1/health", boss);
  EXPECT_EQ(health.at("/ok"), "true");
  EXPECT_EQ(health.at("/parts/0/facts/events"), "7");
  EXPECT_EQ(health.at("/losses/0/count"), "3");
  EXPECT_EQ(get("/healthz", {}).at("/ok"), "true");
  EXPECT_EQ(get("/readyz", {}).status, 200);
  platform.health_list.push_back({"journal", false, "the disk is full", {}});
  const Answer ready = get("/readyz", {});
  EXPECT_EQ(ready.status, 503);
  EXPECT_EQ(ready.at("/failing/0"), "journal: the disk is full");
  EXPECT_EQ(get("/healthz", {}).status, 200);
  EXPECT_NE(get("/metrics", {}).body.find("tocsin_store_queries_total"), std::string::npos);
}

TEST_F(ProgramTest, SettingsAndCertificates) {
  platform.certificate_list.push_back({"api", "CN=x", "CN=y", "00", store::kNoon, store::kNoon, {"localhost"}, true});
  platform.setting_list.push_back({"listen", "0", "file", "", false});
  const Identity boss = admin();
  EXPECT_EQ(get("/api/v1/settings", boss).at("/items/0/value"), "90");
  EXPECT_EQ(ask("PUT", "/api/v1/settings/retention.days", boss, R"({"value":"30"})").at("/value"), "30");
  EXPECT_EQ(ask("PUT", "/api/v1/settings/listen", boss, R"({"value":"1"})").status, 403);
  EXPECT_EQ(ask("PUT", "/api/v1/settings/none", boss, R"({"value":"1"})").status, 404);
  EXPECT_EQ(get("/api/v1/certificates", boss).at("/items/0/names/0"), "localhost");
  EXPECT_EQ(post("/api/v1/certificates/reload", boss, "").status, 204);
  const Identity nora = user("nora", auth::Role::kAdmin, {"other"});
  for (const char* path : {"/api/v1/settings", "/api/v1/certificates"}) EXPECT_EQ(get(path, nora).status, 403);
}

TEST_F(ProgramTest, LiveUpdatesComeByTopicTenantAndClock) {
  const Identity boss = admin();
  const Identity nora = user("nora", auth::Role::kViewer, {"other"});
  const HttpClient all(server->port()), narrow(server->port()), rates(server->port());
  all.send(request_text("GET", "/api/v1/live?topics=findings,sources,health", boss, ""));
  narrow.send(request_text("GET", "/api/v1/live?topics=findings,rates", nora, ""));
  rates.send(request_text("GET", "/api/v1/live?topics=rates", boss, ""));
  std::string head = all.read_until(": heartbeat\n\n");  // It listens now.
  EXPECT_NE(head.find("Content-Type: text/event-stream"), std::string::npos);
  narrow.read_until(": heartbeat\n\n");
  using Topic = LiveEvent::Topic;
  platform.tell({Topic::kFinding, "default", R"({"id":"f1"})"});
  platform.tell({Topic::kFinding, "other", R"({"id":"f2"})"});
  platform.tell({Topic::kSource, "default", R"({"name":"s"})"});
  platform.tell({Topic::kHealth, "", R"({"ok":true})"});
  const std::string got = all.read_until("event: health\ndata: {\"ok\":true}\n\n");
  EXPECT_NE(got.find("event: finding\ndata: {\"id\":\"f1\"}\n\n"), std::string::npos) << got;
  EXPECT_NE(got.find("{\"id\":\"f2\"}"), std::string::npos);
  EXPECT_NE(got.find("event: sources\n"), std::string::npos);
  EXPECT_EQ(got.find("event: rates"), std::string::npos);
  std::string hers = narrow.read_until("{\"id\":\"f2\"}");
  hers += narrow.read_until("event: rates\n");
  hers += narrow.read_until("\n\n");
  EXPECT_EQ(hers.find("f1"), std::string::npos) << hers;
  EXPECT_EQ(hers.find("123"), std::string::npos) << hers;  // The rates of all would tell of others.
  EXPECT_NE(rates.read_until("\"events_per_s\":123").find("event: rates"), std::string::npos);
  EXPECT_EQ(get("/api/v1/live?topics=secrets", boss).at("/field"), "topics");
}

TEST_F(ProgramTest, ALiveStreamEndsWithItsSession) {
  const Identity boss = admin();
  const HttpClient client(server->port());
  client.send(request_text("GET", "/api/v1/live?topics=health", boss, ""));
  client.read_until(": heartbeat\n\n");
  EXPECT_EQ(post("/api/v1/logout", boss, "").status, 204);
  client.read_until("");  // Its end; not the 20 s after which the client gives up.
  platform.tell({LiveEvent::Topic::kHealth, "", "{}"});
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(client.read_until(""), "");
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(5));
}

}  // namespace
}  // namespace tocsin::api

TOCSIN_API_TEST_MAIN()
