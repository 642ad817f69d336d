#include <gtest/gtest.h>

#include <random>

#include "api/parts/events.h"
#include "api/parts/finding_document.h"
#include "api/parts/input.h"
#include "api/parts/openapi.h"
#include "api/parts/rows.h"

namespace tocsin::api {
namespace {

constexpr core::Timestamp kNow{1'800'000'000'000'000'000};

TEST(When, IsNowOrBeforeOrIso) {
  EXPECT_EQ(parse_when("now", kNow), kNow);
  EXPECT_EQ(parse_when("now-15m", kNow)->ns, kNow.ns - 900'000'000'000);
  EXPECT_EQ(parse_when("now-0s", kNow), kNow);
  EXPECT_EQ(parse_when("now-2w", kNow)->ns, kNow.ns - 14 * 86'400'000'000'000);
  EXPECT_TRUE(parse_when("2026-11-24T10:00:00.5Z", kNow));
  for (const char* wrong : {"", "now-", "now-m", "now-1", "now-1y", "now--1h", "now+1h", "now-99999999999999999999h",
                            "now-3000000w", "yesterday"}) {
    EXPECT_FALSE(parse_when(wrong, kNow)) << wrong;
  }
}

TEST(Cursor, GivesBackWhatItWasMadeOf) {
  std::mt19937 random(7);
  for (int round = 0; round < 500; ++round) {
    std::vector<std::string> parts(1 + random() % 4);
    for (std::string& part : parts) {
      for (std::size_t i = random() % 6; i > 0; --i) part += static_cast<char>(random());
    }
    EXPECT_EQ(read_cursor(make_cursor(parts), parts.size()), parts) << "seed 7, round " << round;
    EXPECT_FALSE(read_cursor(make_cursor(parts), parts.size() + 1));
  }
  for (const char* wrong : {"", "61", "x6", "x6g", "x61-", "x61--x62", "x61x62"}) {
    EXPECT_FALSE(read_cursor(wrong, 2)) << wrong;
  }
  EXPECT_FALSE(read_cursor("x61-", 1));
  EXPECT_FALSE(read_cursor("x" + std::string(4'096, '0'), 1));
}

TEST(Body, SaysTheFirstFieldThatIsWrong) {
  Body body(R"({"text":"a","number":7,"list":["a","b"],"object":{"x":[1]},"null":null,"yes":true})");
  EXPECT_EQ(body.text("text"), "a");
  EXPECT_EQ(body.number("number", 1, 0, 7), 7);
  EXPECT_EQ(body.texts("list"), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(body.object("object", 100), R"({"x":[1]})");
  EXPECT_EQ(body.object("absent", 100), "{}");
  EXPECT_EQ(body.optional_boolean("yes"), true);
  EXPECT_FALSE(body.has("null"));
  EXPECT_FALSE(body.problem());
  body.number("number", 1, 0, 6);
  body.text("absent");
  EXPECT_EQ(body.problem()->field, "number");
}

TEST(Body, TakesObjectsUpToItsLimitsAndNoMore) {
  EXPECT_FALSE(Body("").problem());
  EXPECT_TRUE(Body("[]").problem());
  EXPECT_TRUE(Body("{").problem());
  EXPECT_TRUE(Body("{\"a\":\"\xff\"}").problem());
  const auto nested = [](std::size_t depth) {
    return "{\"a\":" + std::string(depth - 1, '[') + std::string(depth - 1, ']') + "}";
  };
  EXPECT_FALSE(Body(nested(31)).problem());
  EXPECT_TRUE(Body(nested(33)).problem());
  const auto sized = [](std::size_t bytes) { return "{\"a\":\"" + std::string(bytes - 8, 'x') + "\"}"; };
  EXPECT_FALSE(Body(sized(kMaxBodyBytes)).problem());
  EXPECT_TRUE(Body(sized(kMaxBodyBytes + 1)).problem());
  Body name("{\"name\":\"" + std::string(kMaxNameBytes + 1, 'x') + "\"}");
  name.text("name");
  EXPECT_EQ(name.problem()->field, "name");
}

TEST(Shape, BecomesASchema) {
  EXPECT_EQ(*schema_of_shape("[text]"), R"({"type":"array","items":{"type":"string"}})");
  EXPECT_EQ(
      *schema_of_shape("{a:int b?:on|off}"),
      R"({"type":"object","properties":{"a":{"type":"integer"},"b":{"type":"string","enum":["on","off"]}},"required":["a"]})");
  EXPECT_EQ(*schema_of_shape("{*:User}"),
            R"({"type":"object","additionalProperties":{"$ref":"#/components/schemas/User"}})");
  for (const char* wrong : {"", "{", "{a}", "{a:}", "[text", "nothing", "{a:int}x", "{a:int,b:int}"}) {
    EXPECT_FALSE(schema_of_shape(wrong).ok()) << wrong;
  }
  EXPECT_FALSE(schema_of_shape(std::string(40, '[') + "int" + std::string(40, ']')).ok());
}

TEST(Rows, AreReadInOrderAndWrittenWithoutLoss) {
  store::QueryResult result;
  result.body =
      R"({"meta":[{"name":"a","type":"UInt64"}],"data":[[18446744073709551615,-9007199254740993,9007199254740992,1.5,null,["x",{"y":true}]]]})";
  const auto rows = Rows::read(std::move(result));
  ASSERT_TRUE(rows.ok());
  Row row = rows->row(0);
  std::string out;
  core::JsonWriter json(out);
  json.begin_array();
  for (int i = 0; i < 7; ++i) row.write(json);
  json.end_array();
  EXPECT_EQ(out, R"(["18446744073709551615","-9007199254740993",9007199254740992,1.5,null,["x",{"y":true}],null])");
  Row again = rows->row(0);
  EXPECT_EQ(again.text(), "");
  EXPECT_EQ(again.integer(), -9007199254740993);
  EXPECT_FALSE(Rows::read({}).ok());
}

TEST(Rows, LinesAreCutAtTheLastWholeOne) {
  const auto rows = Rows::read_lines("[\"a\"]\n[\"String\"]\n[\"\xff\"]\n[\"y\"]\n[\"z", 5);
  ASSERT_TRUE(rows.ok());
  EXPECT_EQ(rows->size(), 2u);
  EXPECT_EQ(rows->row(0).text(), "\xef\xbf\xbd");
  EXPECT_EQ(rows->columns()[0].first, "a");
  EXPECT_EQ(Rows::read_lines("[\"a\"]\n[\"String\"]\n[1]\n[2]\n", 1)->size(), 1u);
  EXPECT_EQ(Rows::read_lines("", 1)->size(), 0u);
}

TEST(HistogramRange, HasWholeSecondsAndCoversAll) {
  const HistogramRange range = histogram_range({0}, {61'500'000'000}, 60);
  EXPECT_EQ(range.step_ns, 2'000'000'000);
  EXPECT_EQ(range.buckets, 31u);
  EXPECT_EQ(histogram_range({0}, {1}, 60).buckets, 1u);
}

TEST(FindingDocument, GivesItsExplanationWhateverItIs) {
  const auto why = [](std::string_view document) {
    std::string out;
    core::JsonWriter json(out);
    json.begin_object();
    write_explanation(document, json);
    json.end_object();
    return out;
  };
  EXPECT_EQ(why("nonsense"), R"({"why":null})");
  EXPECT_EQ(why("{}"), R"({"why":null,"ocsf":{}})");
  EXPECT_TRUE(why(R"({"unmapped":{"tocsin":{"correlation":{"value":3}}}})").starts_with(R"({"why":{"value":3})"));
}

}  // namespace
}  // namespace tocsin::api
