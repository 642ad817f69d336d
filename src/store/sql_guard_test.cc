#include "store/sql_guard.h"

#include <gtest/gtest.h>

namespace tocsin::store {
namespace {

bool allowed(std::string_view sql) { return check_read_sql(sql).ok(); }

TEST(SqlGuard, LetsReadingPass) {
  for (const char* sql :
       {"SELECT 1", " \n(select 1) union all (select 2)", "WITH x AS (SELECT 1) SELECT * FROM x", "SHOW TABLES",
        "DESCRIBE TABLE events", "EXPLAIN SELECT 1", "EXISTS TABLE events", "SELECT file_path FROM events",
        "SELECT url, domain(url) FROM events", "SELECT `url` FROM events WHERE file_path LIKE 'a;b'", "SELECT /* ; */ 1",
        "SELECT 1 -- ; DROP", "SELECT a['file'] FROM events", "SELECT 'it''s', 'a\\'b', \"x\"\"y\" FROM events"}) {
    EXPECT_TRUE(allowed(sql)) << sql << ": " << (allowed(sql) ? "" : check_read_sql(sql).error().text);
  }
}

TEST(SqlGuard, CutsTheFinalSemicolons) {
  EXPECT_EQ(*check_read_sql("SELECT 1 ; ;\n"), "SELECT 1 ");
  EXPECT_FALSE(allowed("SELECT 1; -- behind it"));
  EXPECT_FALSE(allowed(";"));
  EXPECT_FALSE(allowed(""));
}

TEST(SqlGuard, RefusesASecondStatement) {
  EXPECT_FALSE(allowed("SELECT 1; SELECT 2"));
  EXPECT_FALSE(allowed("SELECT '\\'; SELECT ';'; DROP TABLE events"));
  EXPECT_TRUE(allowed("SELECT '; SELECT 2'"));
}

TEST(SqlGuard, RefusesOtherStatements) {
  for (const char* sql :
       {"INSERT INTO events VALUES (1)", "DROP TABLE events", "KILL QUERY WHERE 1", "SYSTEM SHUTDOWN", "SET readonly=0",
        "USE system", "BACKUP DATABASE tocsin TO File('x')", "`select` 1", "FROM events SELECT 1", "'SELECT'"}) {
    EXPECT_FALSE(allowed(sql)) << sql;
  }
}

TEST(SqlGuard, RefusesIntoOutfileHoweverItIsWritten) {
  for (const char* sql : {"SELECT 1 INTO OUTFILE 'x'", "select 1 into\n\toutfile 'x'", "SELECT 1 INTO/* */OUTFILE 'x'",
                          "SELECT 1 INTO--\nOUTFILE 'x'", "SELECT 1 INTO# \nOUTFILE 'x'", "SELECT 1 INTO#!\nOUTFILE 'x'"}) {
    EXPECT_FALSE(allowed(sql)) << sql;
  }
  EXPECT_TRUE(allowed("SELECT 'INTO OUTFILE'"));
  EXPECT_TRUE(allowed("SELECT 1 /* INTO OUTFILE */"));
}

TEST(SqlGuard, RefusesFunctionsThatReachOut) {
  for (const char* sql :
       {"SELECT file('x')", "SELECT FILE ('x')", "SELECT `file`('x')", "SELECT \"file\"/**/('x')", "SELECT `fil\\x65`('x')",
        "DESCRIBE TABLE fileCluster('a', 'b')", "SELECT * FROM s3('x')", "SELECT * FROM urlCluster('a', 'b')",
        "SELECT * FROM remoteSecure('a', 'b')", "SELECT dictionary('x')"}) {
    EXPECT_FALSE(allowed(sql)) << sql;
  }
}

TEST(SqlGuard, RefusesWhatItCannotCutIntoTokens) {
  for (const std::string& sql :
       {std::string("SELECT 'open"), std::string("SELECT /* open"), std::string("SELECT /* a /* b */ 1"),
        std::string("SELECT $$ ; $$"), std::string("SELECT \xe2\x80\x98 ; \xe2\x80\x99"),
        std::string("SELECT 1\0; SELECT 2", 19), std::string("SELECT 'a\\"), std::string("SELECT 1 #x")}) {
    EXPECT_FALSE(allowed(sql)) << sql;
  }
}

TEST(SqlGuard, RefusesTextLongerThanTheEngineTakes) {
  EXPECT_TRUE(allowed("SELECT '" + std::string(kMaxSqlBytes - 9, 'a') + "'"));
  EXPECT_FALSE(allowed("SELECT '" + std::string(kMaxSqlBytes - 8, 'a') + "'"));
}

TEST(SqlGuard, KnowsNamesOfFormats) {
  EXPECT_TRUE(is_format_name("JSONCompact"));
  for (const char* name : {"", "CSV SETTINGS x=1", "CSV;", "a_b"}) EXPECT_FALSE(is_format_name(name)) << name;
}

TEST(SqlGuard, RefusesSettingsAtAnyDepth) {
  for (const char* sql : {"SELECT 1 SETTINGS readonly = 0", "SELECT * FROM (SELECT 1 SETTINGS max_memory_usage=0)",
                          "SELECT 1 settings\n `readonly` = 0", "SELECT 1 SETTINGS/**/x=1"}) {
    EXPECT_EQ(check_read_sql(sql).error().code, core::ErrorCode::kDenied) << sql;
  }
  EXPECT_TRUE(check_read_sql("SELECT settings FROM (SELECT 1 AS settings) WHERE settings = 1").ok());
}

}  // namespace
}  // namespace tocsin::store
