#include "store/search_language.h"

#include <gtest/gtest.h>

namespace tocsin::store {
namespace {

std::string sql(std::string_view text) {
  const auto got = search_condition(text, {{"host", "host", false}, {"port", "dst_port", true}});
  return got ? *got : "error " + std::to_string(got.error().position);
}

TEST(SearchLanguage, WritesConditions) {
  EXPECT_EQ(sql(""), "1");
  EXPECT_EQ(sql("HOST:web*"), "(host ILIKE 'web%')");
  EXPECT_EQ(sql("host:* port:>=22"), "(host != '' AND dst_port >= 22)");
  EXPECT_EQ(sql("host:a OR NOT (host:b)"), "(host ILIKE 'a' OR NOT ((host ILIKE 'b')))");
  EXPECT_EQ(sql("bad"), "((message ILIKE '%bad%' OR raw ILIKE '%bad%'))");
  EXPECT_EQ(sql("x:1"), "(arrayExists((n, v) -> n ILIKE 'x' AND v ILIKE '1', attributes.name, attributes.value))");
}
TEST(SearchLanguage, KeepsHostileValuesInsideTheirLiteral) {
  EXPECT_EQ(sql("host:a'b\\"), "(host ILIKE 'a\\'b\\\\\\\\')");
  EXPECT_EQ(sql("host:\"1%*\""), "(host ILIKE '1\\\\%*')");
  EXPECT_EQ(sql("port:1;x"), "error 5");
}
TEST(SearchLanguage, SaysWhereTextIsWrong) {
  EXPECT_EQ(sql("(host:a"), "error 7");
  EXPECT_EQ(sql("host:a )"), "error 7");
  EXPECT_EQ(sql("host:\"a"), "error 7");
  EXPECT_EQ(sql("a AND OR b"), "error 6");
  EXPECT_EQ(sql("host:~\"a\""), "error 5");
  EXPECT_EQ(sql("host:10.0.0.0/8"), "error 15");
  EXPECT_EQ(sql("port:[1 TO 9]"), "error 5");
  EXPECT_EQ(sql(std::string(33, '(')), "error 32");
  EXPECT_EQ(sql(std::string(kMaxSearchBytes + 1, 'a')), "error 4096");
}

}  // namespace
}  // namespace tocsin::store
