#include <sqlite3.h>

#include <set>
#include <thread>

#include "api/api_test_support.h"
#include "testing/patience.h"

namespace tocsin::api {
namespace {

constexpr int kEvents = 3'000;

class SearchTest : public ApiFixture {
 protected:
  void change(ApiOptions& api_options) override {
    api_options.native_names = {{"CommandLine", "process_cmd_line"}, {"Computer", "host"}, {"Twice", "user"}};
  }
  void SetUp() override {
    ApiFixture::SetUp();
    if (!server) return;
    store::Block block;
    for (int i = 0; i < kEvents; ++i) {
      auto event = store::sample_event(static_cast<std::uint64_t>(i) + 1);
      event.time = {store::kNoon.ns + (i / 10) * std::int64_t{1'000'000}};  // Ten at one time.
      const bool other = i % 3 == 2;
      event.tenant = other ? "other" : "default";
      event.host = other ? "their-host" : i % 2 == 0 ? "web01" : "web02";
      event.dst_port = static_cast<std::uint16_t>(i % 4 == 0 ? 22 : 0);
      event.process_cmd_line = i % 100 == 0 ? "=cmd|' /C calc'!A0" : "cmd.exe";
      event.raw = other ? "their-raw" : "{\"n\":1}";
      if (i % 2 == 0) {
        event.attributes = {{"Logon'Type", "3"}, {"Twice", "a"}, {"Twice", "b"}};
      }
      block.add(event);
    }
    insert(block);
  }
};

TEST_F(SearchTest, FindsByTheNamesThatRecordsUse) {
  const Identity boss = admin();
  const auto total = [&](const std::string& query) {
    return post("/api/v1/search/histogram", boss, R"({"from":"2000-01-01T00:00:00Z","query":")" + query + "\"}")
        .at("/total");
  };
  EXPECT_EQ(total("Computer:web01"), total("host:web01"));
  EXPECT_NE(total("Computer:web01"), "0");
  EXPECT_EQ(total("CommandLine:*CALC*"), std::to_string(kEvents / 100));
  EXPECT_EQ(total("Twice:b"), std::to_string(kEvents / 2));  // Left over in every other event.
  const Answer columns = get("/api/v1/search/columns", boss);
  EXPECT_NE(columns.body.find(R"("native":["Computer"])"), std::string::npos);
  const Answer checked = post("/api/v1/search/check", boss, R"({"query":"Computer:a hots:b"})");
  EXPECT_EQ(checked.at("/position"), "11");
}

TEST_F(SearchTest, PagesToTheEndWithoutGapsOrRepeats) {
  const Identity boss = admin();
  for (const char* sort : {"-time", "time"}) {
    std::set<std::string> seen;
    std::string cursor, previous;
    int pages = 0;
    do {
      const std::string at = cursor.empty() ? "" : R"(,"cursor":")" + cursor + "\"";
      const Answer page =
          post("/api/v1/search", boss, std::string(R"({"limit":999,"columns":["host"],"sort":")") + sort + "\"" + at + "}");
      ASSERT_EQ(page.status, 200) << page.body;
      for (std::size_t i = 0; i < page.count("/items"); ++i) {
        EXPECT_TRUE(seen.insert(page.at("/items/" + std::to_string(i) + "/id")).second);
      }
      cursor = page.at("/next_cursor");
      ++pages;
    } while (cursor != "null" && pages < 10);
    EXPECT_EQ(seen.size(), static_cast<std::size_t>(kEvents)) << sort;
    EXPECT_EQ(pages, 4);
  }
  EXPECT_EQ(get("/api/v1/audit?action=search.run", boss).count("/items"), 2u);  // Not each page.
}

TEST_F(SearchTest, AnswersEventsByColumnWithAttributes) {
  const Identity boss = admin();
  const Answer found =
      post("/api/v1/search", boss, R"({"query":"host:web01 dst_port:22 \"Logon'Type\":3","limit":1,"sort":"time"})");
  ASSERT_EQ(found.status, 200) << found.body;
  EXPECT_EQ(found.at("/items/0/id"), std::to_string(model::make_event_id(1, 0)));
  EXPECT_EQ(found.at("/items/0/host"), "web01");
  EXPECT_EQ(found.at("/items/0/dst_port"), "22");
  EXPECT_EQ(found.at("/items/0/src_port"), "<absent>");
  EXPECT_EQ(found.at("/items/0/raw"), "<absent>");
  EXPECT_EQ(found.at("/items/0/time"), "2026-11-24T12:00:00Z");
  EXPECT_EQ(found.at("/items/0/attributes/Logon'Type"), "3");
  EXPECT_EQ(found.at("/items/0/attributes/Twice"), R"(["a","b"])");
  EXPECT_NE(found.at("/rows_read"), "0");
  const Answer wrong = post("/api/v1/search", boss, R"({"query":"hots:web01"})");
  EXPECT_EQ(wrong.status, 400);
  EXPECT_EQ(wrong.at("/position"), "0");
  EXPECT_NE(wrong.at("/hint").find("'host'"), std::string::npos) << wrong.body;
  EXPECT_EQ(post("/api/v1/search", boss, R"({"columns":["no such"]})").at("/field"), "columns");
  EXPECT_EQ(post("/api/v1/search", boss, R"({"cursor":"x61"})").at("/field"), "cursor");
  EXPECT_EQ(post("/api/v1/search", boss, R"({"from":"now","to":"now-1h"})").at("/field"), "from");
  const Answer check = post("/api/v1/search/check", boss, R"({"query":"a AND"})");
  EXPECT_EQ(check.at("/ok"), "false");
  EXPECT_EQ(check.at("/position"), "5");
}

TEST_F(SearchTest, CountsTopValuesStatisticsFieldsAndOverTime) {
  const Identity boss = admin();
  const Answer top = post("/api/v1/search/top", boss, R"({"fields":["host","attr.Logon'Type","dst_port"],"limit":2})");
  EXPECT_EQ(top.at("/fields/host/values/0/count"), "1000") << top.body;
  EXPECT_EQ(top.at("/fields/host/distinct"), "3");
  EXPECT_EQ(top.at("/fields/attr.Logon'Type/values/0/count"), "1500");
  EXPECT_EQ(top.at("/fields/attr.Logon'Type/empty"), "1500");
  EXPECT_EQ(top.at("/fields/dst_port/values/0/value"), "22");
  EXPECT_EQ(top.at("/total"), "3000");
  EXPECT_EQ(post("/api/v1/search/top", boss, R"({"fields":["x"]})").at("/field"), "fields");
  const Answer stats = post("/api/v1/search/stats", boss, R"({"field":"dst_port"})");
  EXPECT_EQ(stats.at("/min") + stats.at("/max") + stats.at("/mean"), "222222") << stats.body;
  EXPECT_EQ(stats.at("/empty"), "2250");
  EXPECT_EQ(post("/api/v1/search/stats", boss, R"({"field":"host"})").at("/max"), "web02");
  const Answer fields = post("/api/v1/search/fields", boss, "{}");
  EXPECT_NE(fields.body.find(R"({"name":"attr.Twice","type":"text","column":false,"count":3000})"), std::string::npos)
      << fields.body;
  EXPECT_NE(fields.body.find(R"({"name":"dst_port","type":"number","column":true,"count":750})"), std::string::npos);
  const Answer over = post("/api/v1/search/histogram", boss,
                           R"({"from":"2026-11-24T12:00:00Z","to":"2026-11-24T12:01:00Z","buckets":6,"by":"host"})");
  EXPECT_EQ(over.at("/step_seconds"), "10");
  EXPECT_EQ(over.count("/series"), 3u);
  EXPECT_EQ(over.at("/series/0/values/0"), "1000");
  EXPECT_EQ(over.at("/total"), "3000");
  EXPECT_EQ(get("/api/v1/search/columns", boss).at("/items/0/name"), "id");
}

TEST_F(SearchTest, TimesAreExactAtWholeSecondsAndBetween) {
  const Identity boss = admin();
  const auto total = [&](const std::string& from, const std::string& to, const std::string& query = "*") {
    return post("/api/v1/search/top", boss,
                R"({"fields":["host"],"query":")" + query + R"(","from":"2026-11-24T)" + from + R"(Z","to":"2026-11-24T)" +
                    to + "Z\"}")
        .at("/total");
  };
  EXPECT_EQ(total("12:00:00", "12:00:01"), "3000");
  EXPECT_EQ(total("12:00:00", "12:00:01", "NOT *"), "0");
  EXPECT_EQ(total("12:00:00.100", "12:00:00.200"), "1000");
  EXPECT_EQ(total("12:00:00.299", "12:00:01"), "10");
  EXPECT_EQ(total("12:00:00", "12:00:00.001"), "10");
  EXPECT_EQ(total("11:00:00", "12:00:00"), "0");
  EXPECT_EQ(total("12:00:01", "13:00:00"), "0");
}

TEST_F(SearchTest, SqlIsReadOnlyBoundedAndOfOnesTenants) {
  admin();
  const Identity hunter = user("hal", auth::Role::kHunter), narrow = user("nora", auth::Role::kHunter, {"other"});
  const Answer rows =
      post("/api/v1/search/sql", hunter,
           R"x({"sql":"SELECT number, toUInt64(9007199254740993) AS big, 'a' FROM numbers(100)","limit":5})x");
  ASSERT_EQ(rows.status, 200) << rows.body;
  EXPECT_EQ(rows.count("/rows"), 5u);
  EXPECT_EQ(rows.at("/truncated"), "true");
  EXPECT_EQ(rows.at("/rows/4"), R"([4,"9007199254740993","a"])");
  EXPECT_EQ(rows.at("/columns/1/type"), "UInt64");
  EXPECT_EQ(post("/api/v1/search/sql", hunter, R"x({"sql":"SELECT 1 LIMIT 0"})x").at("/rows"), "[]");
  EXPECT_EQ(
      post("/api/v1/search/sql", hunter, R"x({"sql":"SELECT host, count() FROM events GROUP BY host"})x").count("/rows"),
      3u);
  EXPECT_EQ(post("/api/v1/search/sql", narrow, R"x({"sql":"SELECT host, count() FROM events GROUP BY host"})x").at("/rows"),
            R"([["their-host",1000]])");
  EXPECT_EQ(post("/api/v1/search/sql", narrow, R"x({"sql":"SELECT * FROM system.tables"})x").status, 403);
  EXPECT_EQ(post("/api/v1/search/sql", hunter, R"x({"sql":"DROP TABLE events"})x").status, 403);
  EXPECT_EQ(post("/api/v1/search/sql", hunter, R"x({"sql":"SELECT nonsense("})x").status, 400);
  EXPECT_EQ(post("/api/v1/search/sql", hunter, R"x({"sql":"SELECT '\\xff' AS x"})x").status, 200);
  EXPECT_NE(get("/api/v1/audit?action=search.sql", admin()).body.find("DROP TABLE"), std::string::npos);
}

TEST_F(SearchTest, ASearchEndsByItsIdAndWithItsClient) {
  admin();
  const Identity hunter = user("hal", auth::Role::kHunter);
  const std::string slow =
      R"x({"sql":"SELECT count() FROM numbers(100000000000) WHERE sipHash64(number) = 1","search_id":"s1"})x";
  const core::Counter& queries = metrics.counter("tocsin_store_queries_total", "");
  const auto under_way = [&](std::uint64_t before) {
    const auto until = std::chrono::steady_clock::now() + tocsin::testing::kPatience;
    while (queries.value() == before && std::chrono::steady_clock::now() < until) std::this_thread::yield();
    return queries.value() > before;
  };
  Answer ended;
  std::uint64_t before = queries.value();
  std::thread asking([&] { ended = post("/api/v1/search/sql", hunter, slow); });
  EXPECT_TRUE(under_way(before));
  EXPECT_EQ(post("/api/v1/search/sql", hunter, R"({"sql":"SELECT 1","search_id":"s1"})").status, 409);
  EXPECT_EQ(ask("DELETE", "/api/v1/search/s1", admin()).status, 404);  // Another's.
  EXPECT_EQ(ask("DELETE", "/api/v1/search/s1", hunter).status, 204);
  asking.join();
  EXPECT_EQ(ended.status, 409);
  EXPECT_EQ(ask("DELETE", "/api/v1/search/s1", hunter).status, 404);

  auto client = std::make_unique<HttpClient>(server->port());
  before = queries.value();
  client->send(request_text("POST", "/api/v1/search/sql", hunter, slow));
  EXPECT_TRUE(under_way(before));
  client.reset();
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  Answer again;
  do {  // Free again before the search's own limit of 30 s.
    again = post("/api/v1/search/sql", hunter, R"({"sql":"SELECT 1","search_id":"s1"})");
  } while (again.status == 409 && std::chrono::steady_clock::now() < until);
  EXPECT_EQ(again.status, 200);
}

TEST_F(SearchTest, ExportsAreWholeGuardedAndInTheTrail) {
  admin();
  const Identity hunter = user("hal", auth::Role::kHunter), narrow = user("nora", auth::Role::kHunter, {"other"});
  const Answer csv = post("/api/v1/search/export?format=csv", hunter,
                          R"({"columns":["time","process_cmd_line","attributes"],"sort":"time"})");
  ASSERT_EQ(csv.status, 200) << csv.body;
  EXPECT_EQ(csv.header("Content-Type"), "text/csv; charset=utf-8");
  EXPECT_EQ(csv.header("Content-Disposition"), "attachment; filename=\"tocsin-events.csv\"");
  EXPECT_EQ(std::count(csv.body.begin(), csv.body.end(), '\n'), kEvents + 1);
  EXPECT_TRUE(
      csv.body.starts_with("\"time\",\"process_cmd_line\",\"attributes\"\n\"2026-11-24T12:00:00.000000000Z\",\"'=cmd|"))
      << csv.body.substr(0, 200);
  const Answer lines = post("/api/v1/search/export?format=ndjson", narrow, R"({"query":"","limit":10})");
  EXPECT_EQ(std::count(lines.body.begin(), lines.body.end(), '\n'), 10);
  EXPECT_NE(lines.body.find("\"host\":\"their-host\""), std::string::npos) << lines.body.substr(0, 500);
  EXPECT_EQ(lines.body.find("web0"), std::string::npos);
  const Answer parquet = post("/api/v1/search/export?format=parquet", hunter, "{}");
  EXPECT_TRUE(parquet.body.starts_with("PAR1") && parquet.body.ends_with("PAR1"));
  EXPECT_EQ(post("/api/v1/search/export?format=xls", hunter, "{}").at("/field"), "format");
  EXPECT_EQ(post("/api/v1/search/export", hunter, R"({"query":"a AND"})").status, 400);
  EXPECT_EQ(get("/api/v1/audit?action=search.export", admin()).count("/items"), 3u);
}

TEST_F(SearchTest, WhereTheTrailFailsSearchesGoOnAndExportsDoNot) {
  admin();
  const Identity hunter = user("hal", auth::Role::kHunter);
  sqlite3* db = nullptr;
  ASSERT_EQ(sqlite3_open((folder.path() / "ledger.db").c_str(), &db), SQLITE_OK);
  const auto run = [&](const char* sql) { EXPECT_EQ(sqlite3_exec(db, sql, nullptr, nullptr, nullptr), SQLITE_OK) << sql; };
  run("CREATE TRIGGER broken BEFORE INSERT ON audit BEGIN DELETE FROM no_such_table; END");
  const Answer file = post("/api/v1/search/export", hunter, "{}");
  EXPECT_EQ(file.status, 503) << file.body.substr(0, 200);
  EXPECT_EQ(post("/api/v1/search", hunter, "{}").status, 200);
  EXPECT_EQ(metrics.counter("tocsin_api_audit_failures_total", "").value(), 1u);
  run("DROP TRIGGER broken");
  sqlite3_close(db);
  EXPECT_EQ(post("/api/v1/search/export", hunter, "{}").status, 200);
}

TEST_F(SearchTest, OneEventWithItsRecord) {
  const Identity boss = admin();
  platform.ocsf = R"({"class_uid":1007})";
  const Answer one = get("/api/v1/events/" + std::to_string(model::make_event_id(1, 0)), boss);
  EXPECT_EQ(one.at("/raw"), "{\"n\":1}");
  EXPECT_EQ(one.at("/ocsf/class_uid"), "1007");
  EXPECT_EQ(get("/api/v1/events/1", boss).status, 404);
  EXPECT_EQ(get("/api/v1/events/x", boss).status, 404);
}

TEST_F(SearchTest, SearchesAreSavedAndShared) {
  const Identity boss = admin(), vera = user("vera", auth::Role::kViewer),
                 nora = user("nora", auth::Role::kViewer, {"other"});
  const Answer saved = post("/api/v1/searches", boss, R"({"name":"mine","query":{"query":"host:x"},"shared":false})");
  ASSERT_EQ(saved.status, 201) << saved.body;
  const std::string path = "/api/v1/searches/" + saved.at("/id");
  EXPECT_EQ(get("/api/v1/searches", vera).count("/items"), 0u);
  EXPECT_EQ(ask("PUT", path, boss, R"({"name":"ours","query":{"query":"host:y"},"shared":true})").status, 200);
  EXPECT_EQ(get("/api/v1/searches", vera).at("/items/0/query/query"), "host:y");
  EXPECT_EQ(get("/api/v1/searches", nora).count("/items"), 0u);  // Its owner sees other tenants.
  EXPECT_EQ(ask("PUT", path, vera, R"({"name":"x","query":{}})").status, 404);
  EXPECT_EQ(ask("DELETE", path, vera).status, 404);
  EXPECT_EQ(ask("DELETE", path, boss).status, 204);
  EXPECT_EQ(post("/api/v1/searches", boss, R"({"name":"mine","query":[]})").at("/field"), "query");
}

}  // namespace
}  // namespace tocsin::api

TOCSIN_API_TEST_MAIN()
