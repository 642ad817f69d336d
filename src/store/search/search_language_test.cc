#include "store/search_language.h"

#include <gtest/gtest.h>

namespace tocsin::store {
namespace {

std::string sql(std::string_view text) {
  const auto got = search_condition(text, event_search_fields());
  return got ? *got : "error " + std::to_string(got.error().position);
}
const std::vector<NativeName> kNatives = {{"EventID", "event_code"}, {"SourcePort", "src_port"}, {"User", "user"},
                                          {"User", "actor_user"},    {"SourceIp", "src_ip"},     {"Odd", "no_column"}};
std::string native_sql(std::string_view text) {
  const auto got = search_condition(text, event_search_fields(kNatives));
  return got ? *got : "error " + std::to_string(got.error().position) + " " + got.error().expected;
}
std::string complaint(std::string_view text) {
  const auto got = search_condition(text, event_search_fields());
  return got ? "" : got.error().expected;
}

TEST(SearchLanguage, WritesConditionsThatFitTheIndexes) {
  EXPECT_EQ(sql(""), "1");
  EXPECT_EQ(sql("*"), "(1)");
  EXPECT_EQ(sql("NOT **"), "(NOT (1))");
  EXPECT_EQ(sql("HOST:Web*"), "(lower(host) LIKE 'web%')");
  EXPECT_EQ(sql("host:* dst_port:>=22"), "(host != '' AND dst_port >= 22)");
  EXPECT_EQ(sql("host:a OR NOT (host:b)"), "(lower(host) = 'a' OR NOT ((lower(host) = 'b')))");
  EXPECT_EQ(sql("command:*Mimi*"), "(lower(process_cmd_line) LIKE '%mimi%')");
  EXPECT_EQ(sql("hash:AB12"), "(hasToken(lower(hashes), 'ab12'))");
  EXPECT_EQ(sql("src_ip:10.0.0.1"), "(src_ip = '10.0.0.1')");
  EXPECT_EQ(sql("port:[1 TO 1024]"), "((src_port BETWEEN 1 AND 1024 OR dst_port BETWEEN 1 AND 1024))");
  EXPECT_EQ(sql("x:*"), "(has(attr.name, 'x'))");
  EXPECT_EQ(sql("x:A"), "(arrayExists((n, v) -> n = 'x' AND lower(v) = 'a', attr.name, attr.value))");
}
TEST(SearchLanguage, KeepsHostileValuesInsideTheirLiteral) {
  EXPECT_EQ(sql("host:a'b\\"), "(lower(host) = 'a\\'b\\\\')");
  EXPECT_EQ(sql("host:1%\\*"), "(lower(host) LIKE '1\\\\%\\\\\\\\%')");
  EXPECT_EQ(sql("src_port:1;x"), "error 9");
}
TEST(SearchLanguage, SaysWhereTextIsWrong) {
  EXPECT_EQ(sql("(host:a"), "error 7");
  EXPECT_EQ(sql("host:a )"), "error 7");
  EXPECT_EQ(sql("host:\"a"), "error 7");
  EXPECT_EQ(sql("a AND OR b"), "error 6");
  EXPECT_EQ(sql("host:~a"), "error 6");
  EXPECT_EQ(sql("host:~\"(\""), "error 6");
  EXPECT_EQ(sql("host:[1 TO 2]"), "error 5");
  EXPECT_EQ(sql("port:[1 TO x]"), "error 11");
  EXPECT_EQ(sql("port:[1 9]"), "error 8");
  EXPECT_EQ(sql("port:[1 TO 9"), "error 12");
  EXPECT_EQ(sql("ip:10.0.0.0/33"), "error 3");
  EXPECT_EQ(sql("ip:::/129"), "error 3");
  EXPECT_EQ(sql("id:18446744073709551616"), "error 3");
  EXPECT_EQ(sql("host:\xff"), "error 5");
  EXPECT_EQ(sql(std::string_view("a\0b", 3)), "error 1");
  EXPECT_EQ(sql(std::string(33, '(')), "error 32");
  EXPECT_EQ(sql(std::string(kMaxSearchBytes + 1, 'a')), "error 4096");
}
TEST(SearchLanguage, TakesAtMost256Terms) {
  std::string text;
  for (int i = 0; i < 256; ++i) text += "a ";
  EXPECT_EQ(complaint(text), "");
  EXPECT_EQ(complaint(text + "a"), "at most 256 terms");
}
TEST(SearchLanguage, NamesTheFieldThatASlipMeant) {
  EXPECT_NE(complaint("scr_ip:1.2.3.4").find("'src_ip'"), std::string::npos);
  EXPECT_NE(complaint("hots:a").find("'host'"), std::string::npos);
  EXPECT_NE(complaint("process_cmdline:a").find("'process_cmd_line'"), std::string::npos);
  EXPECT_EQ(complaint("\"hots\":a"), "");
  EXPECT_EQ(complaint("TargetObject:a"), "");
  EXPECT_EQ(complaint("size:1"), "");
}

TEST(SearchLanguage, LooksForARecordsOwnFieldWhereItsValueWent) {
  const auto left_over = [](const std::string& name, const std::string& condition) {
    return "arrayExists((n, v) -> n = '" + name + "' AND " + condition + ", attr.name, attr.value)";
  };
  EXPECT_EQ(native_sql("EventID:4688"),
            "((lower(event_code) = '4688' OR " + left_over("EventID", "lower(v) = '4688'") + "))");
  EXPECT_EQ(native_sql("\"EventID\":4688"), native_sql("EventID:4688"));
  EXPECT_EQ(native_sql("SourcePort:443"), "((src_port = 443 OR " + left_over("SourcePort", "lower(v) = '443'") + "))");
  EXPECT_EQ(native_sql("SourcePort:https"), "(" + left_over("SourcePort", "lower(v) = 'https'") + ")");
  EXPECT_EQ(native_sql("SourcePort:>=1024"),
            "((src_port >= 1024 OR " + left_over("SourcePort", "ifNull(toInt128OrNull(v) >= 1024, 0)") + "))");
  EXPECT_EQ(native_sql("\"User\":*"), "((user != '' OR actor_user != '' OR has(attr.name, 'User')))");
}
TEST(SearchLanguage, AColumnsNameGoesBeforeARecordsOwnOfThatName) {
  EXPECT_EQ(native_sql("User:anna"), "(lower(user) = 'anna')");
  EXPECT_EQ(native_sql("user:anna"), "(lower(user) = 'anna')");
  EXPECT_EQ(native_sql("eventid:1"), sql("eventid:1"));  // Case is part of a record's own names.
  EXPECT_EQ(native_sql("Odd:1"), sql("Odd:1"));
}
TEST(SearchLanguage, SaysWhereTextIsWrongBehindARecordsOwnName) {
  EXPECT_TRUE(native_sql("EventID:").starts_with("error 8 "));
  EXPECT_TRUE(native_sql("a EventID:[1 TO x]").starts_with("error 16 "));
  EXPECT_TRUE(native_sql("EventID:~\"(\"").starts_with("error 9 "));
  EXPECT_TRUE(native_sql("EventID:1 hots:a").starts_with("error 10 'host'"));
}

}  // namespace
}  // namespace tocsin::store
