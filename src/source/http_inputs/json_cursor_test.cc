#include "source/http_inputs/json_cursor.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace tocsin::source {
namespace {

bool is_json(std::string_view text) {
  JsonCursor cursor(text);
  cursor.skip();
  return cursor.at_end();
}

TEST(JsonCursor, TakesWholeValuesOnly) {
  for (const char* good : {"{}", "[]", "1", "-0.5e+3", "true", "null", R"("")", R"({"a":[1,{"b":null},"x\u00e9\n"],"c":{}})",
                           " [ 1 , 2 ] ", "[[],{}]", R"("\ud83d\ude00")"}) {
    EXPECT_TRUE(is_json(good)) << good;
  }
  for (const char* bad : {"",           "{",     "}",       "[1,]",        "[,1]",     "{\"a\"}", "{\"a\":}",
                          "{\"a\":1,}", "{a:1}", "01",      "1.",          ".5",       "1e",      "-",
                          "tru",        "\"",    "\"\\x\"", "\"\\u12g4\"", "\"a\nb\"", "[1 2]",   "{\"a\":1 \"b\":2}",
                          "[}",         "{]",    "1 2",     "{\"a\"::1}",  "[1]]",     "+1",      "NaN"}) {
    EXPECT_FALSE(is_json(bad)) << bad;
  }
}
TEST(JsonCursor, TakesKMaxDepthContainersAndNotOneMore) {
  EXPECT_TRUE(is_json(std::string(kMaxJsonDepth, '[') + std::string(kMaxJsonDepth, ']')));
  EXPECT_FALSE(is_json(std::string(kMaxJsonDepth + 1, '[') + std::string(kMaxJsonDepth + 1, ']')));
}
TEST(JsonCursor, PassesOverWhatIsDeeperWhereAsked) {
  const auto passes = [](std::size_t depth) {
    const std::string text = std::string(depth, '[') + std::string(depth, ']');
    JsonCursor cursor(text, kMaxSkippedJsonDepth);
    cursor.skip();
    EXPECT_EQ(cursor.deepest(), std::min(depth, kMaxSkippedJsonDepth));
    return cursor.at_end();
  };
  EXPECT_TRUE(passes(kMaxSkippedJsonDepth));
  EXPECT_FALSE(passes(kMaxSkippedJsonDepth + 1));
}
TEST(JsonCursor, GivesMembersAsWritten) {
  JsonCursor cursor(R"( {"a" : [1, 2], "b\u0041": "x", "c":{"d":1e400}} )");
  std::string key;
  ASSERT_TRUE(cursor.begin_object());
  ASSERT_TRUE(cursor.next_member(key));
  EXPECT_EQ(key, "a");
  EXPECT_EQ(cursor.skip(), "[1, 2]");
  ASSERT_TRUE(cursor.next_member(key));
  EXPECT_EQ(key, "bA");
  EXPECT_EQ(cursor.string(), "x");
  ASSERT_TRUE(cursor.next_member(key));
  EXPECT_EQ(cursor.skip(), R"({"d":1e400})");
  EXPECT_FALSE(cursor.next_member(key));
  EXPECT_TRUE(cursor.at_end());
}
TEST(JsonCursor, UnescapesTextAndMendsLoneSurrogates) {
  EXPECT_EQ(unescape_json(R"(a\"\\\/\b\f\n\r\t)"), "a\"\\/\b\f\n\r\t");
  EXPECT_EQ(unescape_json(R"(\u0041\u00e9\u20ac\ud83d\ude00)"), "A\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80");
  EXPECT_EQ(unescape_json(R"(\ud83dx\ude00)"), "\xEF\xBF\xBDx\xEF\xBF\xBD");
  EXPECT_EQ(unescape_json(R"(\u00)"), std::nullopt);
  EXPECT_EQ(unescape_json("\\"), std::nullopt);
}
TEST(JsonCursor, AValueBecomesOneLine) {
  std::string out;
  append_as_line("{\r\n \"a\":1\n}", out);
  EXPECT_EQ(out, "{   \"a\":1 }");
}

std::string random_value(std::mt19937& random, int depth) {
  const auto pick = [&random](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
  const int kind = pick(depth > 4 ? 4 : 6);
  if (kind == 0) return std::to_string(pick(2000) - 1000);
  if (kind == 1) return pick(2) == 0 ? "true" : "null";
  if (kind < 4) return R"("a\"b\\{[,:]}")";
  std::string out(1, kind == 4 ? '[' : '{');
  for (int i = 0, count = pick(4); i < count; ++i) {
    if (i > 0) out += " , ";
    if (kind == 5) out += "\"k\" :";
    out += random_value(random, depth + 1);
  }
  return out + (kind == 4 ? ']' : '}');
}

TEST(JsonCursor, EveryCutOfRandomValuesIsRefused) {
  std::mt19937 random(3);
  for (int i = 0; i < 300; ++i) {
    const std::string value = "[" + random_value(random, 0) + "]";
    EXPECT_TRUE(is_json(value)) << value;
    for (std::size_t cut = 0; cut < value.size(); ++cut)
      EXPECT_FALSE(is_json(value.substr(0, cut))) << value << " at " << cut;
  }
}

}  // namespace
}  // namespace tocsin::source
