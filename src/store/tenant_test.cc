// What one who may see some tenants can get at with SQL of his own: the engine's filter and the guard together.
#include "store/sql_guard.h"
#include "store/store_test_support.h"
#include "testing/patience.h"

namespace tocsin::store {
namespace {

constexpr const char* kSecret = "4711-of-the-other";

class TenantSql : public ::testing::Test, protected TestStore {
 protected:
  void SetUp() override {
    TOCSIN_NEEDS_ENGINE();
    open();
    Block block;
    for (std::uint64_t i = 0; i < 300; ++i) {
      auto event = sample_event(i + 1);
      const bool own = i % 3 == 0;
      event.tenant = own ? "own" : i % 3 == 1 ? "other" : "third";
      event.host = own ? "web01" : kSecret;
      event.raw = own ? "1" : kSecret;
      if (!own) event.time.ns += 3'600'000'000'000;
      block.add(event);
      FindingRow finding;
      finding.id = "f" + std::to_string(i);
      finding.sequence = i + 1;
      finding.event_time = finding.received_at = finding.detected_at = event.time;
      finding.tenant = event.tenant;
      finding.rule_title = own ? "own rule" : kSecret;
      finding.level = "high";
      block.add(finding);
      DeadLetterRow letter{i + 1, 0, event.time, event.tenant, "s", "", "cause", "", own ? "x" : kSecret};
      block.add(letter);
    }
    const auto done = store->insert(block, tocsin::testing::kPatience);
    ASSERT_TRUE(done.ok()) << done.error().text;
  }
  std::string own(const std::string& sql) {
    QueryLimits limits;
    limits.tenants = {"own"};
    auto result = store->query(sql, "TabSeparated", limits);
    return result.ok() ? result->body : "error: " + result.error().text;
  }
};

TEST_F(TenantSql, CountsAndExtremesAreOfTheOwnRows) {
  for (const char* sql :
       {"SELECT count() FROM events",
        "SELECT count(*) FROM tocsin.events",
        "SELECT count() FROM findings",
        "SELECT count() FROM dead_letters",
        "SELECT count() FROM events AS e",
        "SELECT count() FROM events findings",
        "SELECT count() FROM (SELECT * FROM events)",
        "WITH events AS (SELECT * FROM tocsin.events) SELECT count() FROM events",
        "WITH x AS (SELECT * FROM events) SELECT count() FROM x",
        "SELECT (SELECT count() FROM events)",
        "SELECT count() FROM events a JOIN events b ON a.id = b.id",
        "SELECT count() FROM findings f JOIN events e ON has([e.tenant], f.tenant) AND f.sequence = bitShiftRight(e.id, 24)",
        "SELECT count() FROM events WHERE tenant != 'nobody' OR 1",
        "SELECT count() FROM `tocsin`.`events`",
        "SELECT count() FROM events PREWHERE ts > 0",
        "SELECT sum(c) FROM (SELECT tenant, count() c FROM events GROUP BY tenant)",
        "SELECT countIf(1) FROM events",
        "SELECT uniqExact(id) FROM events",
        "SELECT count() FROM events WHERE id IN (SELECT id FROM events)",
        "SELECT count() FROM events WHERE tenant IN ('own', 'other', 'third')",
        "SELECT count() FROM \"events\""}) {
    EXPECT_EQ(own(sql), "100\n") << sql;
  }
  EXPECT_EQ(own("SELECT max(time) < toDateTime('2026-11-24 12:30:00', 'UTC') FROM events"), "1\n");
  EXPECT_EQ(own("SELECT min(ts), max(ts) FROM events"), own("SELECT min(ts), max(ts) FROM events WHERE tenant = 'own'"));
  EXPECT_EQ(own("SELECT max(day), uniqExact(_partition_id), uniqExact(_part) FROM events"), "2026-11-24\t1\t1\n");
  EXPECT_EQ(own("SELECT DISTINCT tenant FROM events"), "own\n");
  EXPECT_EQ(own("SELECT DISTINCT tenant FROM findings UNION DISTINCT SELECT tenant FROM dead_letters"), "own\n");
  EXPECT_EQ(own("SELECT groupUniqArray(host) FROM events"), "['web01']\n");
  EXPECT_EQ(own("SELECT tenant FROM events ORDER BY ts DESC LIMIT 1"), "own\n");
}

// An error that only a row of another raises would tell of that row. (A dictionary of words always holds the empty one: an
// error for it tells nothing.)
TEST_F(TenantSql, RowsOfOthersRaiseNoErrors) {
  for (const char* sql : {
           "SELECT count() FROM events WHERE throwIf(tenant = 'other') = 0",
           "SELECT count() FROM events PREWHERE throwIf(tenant = 'other') = 0",
           "SELECT count() FROM events PREWHERE throwIf(raw != '1') = 0",
           "SELECT count() FROM events WHERE throwIf(raw != '1') = 0",
           "SELECT count() FROM events WHERE toUInt64(raw) = 1",
           "SELECT count() FROM events PREWHERE toUInt64(raw) = 1",
           "SELECT count() FROM events WHERE toUInt8(raw) = 1 AND host = 'web01' AND ts > 0",
           "SELECT count() FROM events WHERE throwIf(host = '4711-of-the-other') = 0",
           "SELECT count() FROM events PREWHERE throwIf(host = '4711-of-the-other') = 0",
           "SELECT count() FROM (SELECT throwIf(raw != '1') AS x FROM events) WHERE x = 0",
           "SELECT count() FROM findings WHERE throwIf(rule_title = '4711-of-the-other') = 0",
           "SELECT count() FROM dead_letters WHERE throwIf(bytes != 'x') = 0",
           "SELECT sum(c) FROM (SELECT throwIf(raw != '1') x, count() c FROM events GROUP BY x)",
           "SELECT count() FROM events WHERE intDiv(1, raw = '1') = 1",
       }) {
    const std::string answer = own(sql);
    EXPECT_EQ(answer, "100\n") << sql;
    EXPECT_EQ(answer.find(kSecret), std::string::npos) << sql;
  }
}

TEST_F(TenantSql, TablesAsSetsHoldOwnRowsOnly) {
  EXPECT_EQ(own("SELECT '" + std::string(kSecret) + "' IN (SELECT host FROM events)"), "0\n");
  const std::string columns = "(sequence, offset, time, received_at, day, tenant, source, peer, cause, detail, bytes)";
  EXPECT_EQ(own("SELECT count() FROM dead_letters WHERE " + columns + " IN dead_letters"), "100\n");
  EXPECT_EQ(own("SELECT count() FROM dead_letters WHERE (sequence, offset, time, received_at, day, 'other', source, peer, "
                "cause, detail, '" +
                std::string(kSecret) + "') IN dead_letters"),
            "0\n");
}

TEST_F(TenantSql, WhatReadsPastTheFilterIsRefused) {
  for (const char* sql : {"SELECT * FROM system.tables",
                          "SELECT * FROM `system`.`parts`",
                          "SELECT * FROM \"system\".parts",
                          "SELECT * FROM System . query_log",
                          "SELECT * FROM INFORMATION_SCHEMA.TABLES",
                          "SELECT * FROM information_schema.tables",
                          "SELECT 1 FROM events WHERE 1 IN (SELECT 1 FROM system.one)",
                          "SELECT * FROM merge('tocsin', 'events')",
                          "SELECT * FROM merge(tocsin, 'events')",
                          "SELECT * FROM merge('events')",
                          "SELECT * FROM `merge`('tocsin', '.*')",
                          "SELECT * FROM loop(events)",
                          "SELECT * FROM view(SELECT * FROM events)",
                          "SELECT * FROM viewExplain('EXPLAIN', '', (SELECT 1))",
                          "SELECT * FROM mergeTreeIndex(tocsin, events)",
                          "SELECT * FROM mergeTreeProjection(tocsin, events, p)",
                          "SELECT * FROM (EXPLAIN SELECT * FROM events)",
                          "EXPLAIN ESTIMATE SELECT * FROM events",
                          "EXPLAIN SELECT 1",
                          "SHOW PROCESSLIST",
                          "SHOW TABLES",
                          "SHOW CREATE TABLE events",
                          "EXISTS TABLE events",
                          "SELECT joinGet('tocsin.events', 'raw', 1)",
                          "SELECT dictGet('x', 'y', 1)",
                          "DESCRIBE system.tables",
                          "DESCRIBE TABLE merge('tocsin', 'events')",
                          "SELECT * FROM \"sys\\tem\".tables",
                          "SELECT count() FROM events SETTINGS additional_table_filters = {}",
                          "SELECT count() FROM (SELECT * FROM events SETTINGS additional_table_filters = {})",
                          "SELECT * FROM remote('127.0.0.1', tocsin.events)",
                          "SELECT * FROM clusterAllReplicas('default', tocsin.events)"}) {
    const std::string answer = own(sql);
    EXPECT_TRUE(answer.starts_with("error: ")) << sql << ": " << answer;
  }
  EXPECT_EQ(own("SELECT getSetting('readonly')"), "1\n");
  EXPECT_TRUE(own("DESCRIBE events").starts_with("id\tUInt64"));
  EXPECT_EQ(own("SELECT 'system', 'show' FROM numbers(1)"), "system\tshow\n");
}

TEST_F(TenantSql, ATenantsNameIsALiteral) {
  QueryLimits limits;
  for (const char* name : {"x') OR 1 --", "x\\", "', 'other", "x\\') OR (1=1", "a}b{", "o'ther"}) {
    limits.tenants = {name};
    const auto result = store->query("SELECT count() FROM events", "TabSeparated", limits);
    ASSERT_TRUE(result.ok()) << name << result.error().text;
    EXPECT_EQ(result->body, "0\n") << name;
  }
  limits.tenants = {"own", "third"};
  EXPECT_EQ(store->query("SELECT count() FROM events", "TabSeparated", limits)->body, "200\n");
  std::string streamed;
  const auto done = store->query_stream("SELECT DISTINCT tenant FROM events ORDER BY tenant", "TabSeparated", limits,
                                        [&](std::string_view piece) {
                                          streamed += piece;
                                          return true;
                                        });
  EXPECT_TRUE(done.ok());
  EXPECT_EQ(streamed, "own\nthird\n");
}

}  // namespace
}  // namespace tocsin::store

// The program is its own child: `<test> store ...` is what `tocsin store ...` is.
int main(int argc, char** argv) {
  if (argc > 1 && std::string_view(argv[1]) == "store") return tocsin::store::run_store_process(argc, argv);
  ::testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
