// How events lie in a stream: lines, documents, arrays, wrappers, UTF-16; and that blocks give what the whole gives.
#include <gtest/gtest.h>

#include <string>

#include "decode/json/json_events.h"

namespace tocsin::decode::json {
namespace {

constexpr const char* kThree = "a=#1\na=#2\na=#3\n";

struct LayoutCase {
  const char* name;
  const char* text;
  Layout layout;
};
class JsonLayout : public ::testing::TestWithParam<LayoutCase> {};

TEST_P(JsonLayout, IsRecognisedAndGivesThreeEvents) {
  EXPECT_EQ(find_layout(GetParam().text), GetParam().layout);
  EXPECT_EQ(decode_text(GetParam().text), kThree);
}
TEST_P(JsonLayout, BlocksCutAnywhereGiveTheSame) {
  const std::string_view text = GetParam().text;
  for (std::size_t step = 1; step <= text.size(); ++step) {
    EXPECT_EQ(decode_text(text, {.step_bytes = step}), kThree) << "step " << step;
    EXPECT_EQ(decode_text(text, {.layout = Layout::kDocuments, .step_bytes = step}), kThree) << "step " << step;
  }
}
INSTANTIATE_TEST_SUITE_P(
    Table, JsonLayout,
    ::testing::Values(
        LayoutCase{"Lines", "{\"a\":1}\n{\"a\":2}\n{\"a\":3}\n", Layout::kLines},
        LayoutCase{"LinesWithoutEnd", "{\"a\":1}\n{\"a\":2}\n{\"a\":3}", Layout::kLines},
        LayoutCase{"CrLf", "{\"a\":1}\r\n\r\n{\"a\":2}\r\n{\"a\":3}\r\n", Layout::kLines},
        LayoutCase{"Mark", "\xEF\xBB\xBF\n{\"a\":1}\n{\"a\":2}\n{\"a\":3}", Layout::kLines},
        LayoutCase{"MarksBetween", "\xEF\xBB\xBF{\"a\":1}\n\xEF\xBB\xBF{\"a\":2}\n\xEF\xBB\xBF \xEF\xBB\xBF{\"a\":3}",
                   Layout::kLines},
        LayoutCase{"OneLine", "{\"a\":1}{\"a\":2} {\"a\":3}", Layout::kLines},
        LayoutCase{"CommasBetween", "{\"a\":1},\n{\"a\":2},\n{\"a\":3}", Layout::kLines},
        LayoutCase{"Pretty", "{\n  \"a\": 1\n}\n{\n  \"a\": 2\n}\n{\n  \"a\": 3\n}\n", Layout::kDocuments},
        LayoutCase{"PrettyGlued", "{\n\"a\":1\n}{\n\"a\":2\n}{\n\"a\":3\n}", Layout::kDocuments},
        LayoutCase{"EvtxDump", "Record 1\n{\n  \"a\": 1\n}\nRecord 2\n{\n  \"a\": 2\n}\nRecord 3\n{\"a\":3}\n",
                   Layout::kDocuments},
        LayoutCase{"Array", "[{\"a\":1},{\"a\":2},{\"a\":3}]", Layout::kDocuments},
        LayoutCase{"ArrayLines", "[\n{\"a\":1},\n{\"a\":2},\n{\"a\":3}\n]\n", Layout::kDocuments},
        LayoutCase{"Arrays", "[{\"a\":1}]\n[[{\"a\":2}],[{\"a\":3}]]\n", Layout::kDocuments},
        LayoutCase{"CloudTrail", "{\"Records\":[{\"a\":1},{\"a\":2},{\"a\":3}]}", Layout::kDocuments},
        LayoutCase{"CloudTrailLines", "{\"Records\":[{\"a\":1},{\"a\":2}]}\n{\"Records\":[{\"a\":3}]}\n",
                   Layout::kDocuments},
        LayoutCase{"WrapperAmongLines", "{\"a\":1}\n{\"Records\":[{\"a\":2},{\"a\":3}]}\n", Layout::kLines},
        LayoutCase{
            "Graph",
            "{\"@odata.context\":\"https://x/y\",\"value\":[{\"a\":1},{\"a\":2},{\"a\":3}],\"@odata.nextLink\":\"z\"}",
            Layout::kDocuments},
        LayoutCase{"EventHub", "{\"records\":[{\"a\":1},{\"a\":2}]}{\"records\":[]}{\"records\":[{\"a\":3}]}",
                   Layout::kDocuments},
        LayoutCase{"Kubernetes",
                   "{\"kind\":\"EventList\",\"apiVersion\":\"audit.k8s.io/"
                   "v1\",\"metadata\":{},\"items\":[{\"a\":1},{\"a\":2},{\"a\":3}]}",
                   Layout::kDocuments},
        LayoutCase{"Gcloud", "{\"entries\":[{\"a\":1},{\"a\":2},{\"a\":3}],\"nextPageToken\":\"}]\"}", Layout::kDocuments},
        LayoutCase{"Elasticsearch",
                   "{\"took\":3,\"_shards\":{\"total\":1},\"hits\":{\"total\":{\"value\":3},\"max_score\":null,\"hits\":[{"
                   "\"_source\":{\"a\":1}},{\"_source\":{\"a\":2}},{\"_source\":{\"a\":3}}]},\"timed_out\":false}",
                   Layout::kDocuments},
        LayoutCase{"SplunkRest",
                   "{\"preview\":false,\"init_offset\":0,\"messages\":[],\"fields\":[{\"name\":\"a\"}],\"results\":[{\"a\":"
                   "1},{\"a\":2},{\"a\":3}],\"highlighted\":{}}",
                   Layout::kDocuments},
        LayoutCase{"DataPretty",
                   "{\n  \"data\": [\n    {\n      \"a\": 1\n    },\n    {\"a\": 2},\n    {\"a\": 3}\n  ]\n}\n",
                   Layout::kDocuments},
        LayoutCase{"Events", "{\"events\":[{\"a\":1},{\"a\":2},{\"a\":3}],\"searchedLogStreams\":[{\"x\":\"\\\"]\"}]}",
                   Layout::kDocuments}),
    [](const auto& test) { return test.param.name; });

TEST(JsonLayout, EventsThatHoldAListStayEvents) {
  EXPECT_EQ(decode_text(R"({"events":[{"name":"login"}],"actor":{"email":"x"}})"), "events.name[]=login actor.email=x\n");
  EXPECT_EQ(decode_text(R"({"kind":"activity","id":{"time":"t"},"events":[{"name":"login"}]})"),
            "kind=activity id.time=t events.name[]=login\n");
  EXPECT_EQ(decode_text(R"({"data":["x"],"status":"ok"})"), "data[]=x status=ok\n");
  EXPECT_EQ(decode_text(R"({"value":1,"count":2})"), "value=#1 count=#2\n");
}

TEST(JsonLayout, ElementsThatAreNoObjectsAreBadRecords) {
  for (std::size_t step = 0; step < 30; ++step) {
    EXPECT_EQ(decode_text(R"([1,"x,]",{"a":1},null,{"a":2}])", {.step_bytes = step}),
              "a=#1\na=#2\n!json-not-an-object\n!json-not-an-object\n!json-not-an-object\n");
  }
}

struct DamageCase {
  const char* text;
  const char* expected;
};
class JsonDocumentDamage : public ::testing::TestWithParam<DamageCase> {};
TEST_P(JsonDocumentDamage, TheRestGoesOnInAnyBlocks) {
  const std::string_view text = GetParam().text;
  for (std::size_t step = 0; step <= text.size(); ++step) {
    EXPECT_EQ(decode_text(text, {.layout = Layout::kDocuments, .step_bytes = step}), GetParam().expected) << "step " << step;
  }
}
INSTANTIATE_TEST_SUITE_P(Table, JsonDocumentDamage,
                         ::testing::Values(DamageCase{"[{\"a\":1},{\"a\":x},{\"a\":3}]", "a=#1\na=#3\n!json-syntax\n"},
                                           DamageCase{"{\n \"a\":1\n", "!json-syntax\n"},
                                           DamageCase{"[{\"a\":1},{\"a\":", "a=#1\n!json-syntax\n"},
                                           DamageCase{"{\n \"a\":1\n}\nnoise\n{\n \"a\":2\n}", "a=#1\na=#2\n!json-syntax\n"},
                                           DamageCase{"{\n \"a\":1,\n{\n \"a\":2\n}", "a=#2\n!json-syntax\n"},
                                           DamageCase{"{\n \"a\":\"x\n{\n \"a\":2\n}", "a=#2\n!json-syntax\n"},
                                           DamageCase{"{\"a\":[1\n{\"a\":2}\n{\"a\":3}", "a=#2\na=#3\n!json-syntax\n"},
                                           DamageCase{"[{\"a\":1}},{\"a\":2}]", "a=#1\na=#2\n!json-syntax\n"},
                                           DamageCase{"]\n{\"a\":2}", "a=#2\n!json-syntax\n"},
                                           DamageCase{"{\"Records\":[{\"a\":1},{\"a\"}, {\"a\":3}]",
                                                      "a=#1\na=#3\n!json-syntax\n"}));

TEST(JsonDocuments, AnElementPastTheLimitIsSkippedToItsEnd) {
  const std::string big = "{\"b\":\"" + std::string(300, 'x') + "\\\"]}\",\"c\":[{},{}]}";
  const std::string text = "[{\"a\":1}," + big + ",{\"a\":2}]";
  for (std::size_t step = 0; step < 40; ++step) {
    EXPECT_EQ(decode_text(text, {.step_bytes = step, .max_record_bytes = 100}), "a=#1\na=#2\n!record-too-long\n") << step;
  }
}

TEST(JsonDocuments, RecordsAreNumberedThroughTheStream) {
  for (std::size_t step = 0; step < 20; ++step) {
    EXPECT_EQ(decode_text("[{\"a\":1},7,{\"a\":2}]", {.step_bytes = step, .show_record = true}),
              "a=#1 1:{\"a\":1}\na=#2 3:{\"a\":2}\n!json-not-an-object 2:7\n");
  }
}

std::string utf16(std::string_view text, bool big) {
  std::string out = big ? "\xFE\xFF" : "\xFF\xFE";
  for (const char c : text) {
    if (big) out += '\0';
    out += c;
    if (!big) out += '\0';
  }
  return out;
}
TEST(JsonUtf16, BothOrdersInAnyBlocks) {
  for (const bool big : {false, true}) {
    std::string text = utf16("{\"a\":1}\r\n{\"a\":\"", big);
    text += big ? std::string("\xD8\x3D\xDE\x00", 4) : std::string("\x3D\xD8\x00\xDE", 4);
    text += utf16("\"}\r\n", big).substr(2);
    for (std::size_t step = 0; step < text.size(); ++step) {
      EXPECT_EQ(decode_text(text, {.step_bytes = step}), "a=#1\na=\xF0\x9F\x98\x80\n") << step;
    }
  }
}

TEST(JsonAuto, TheDecoderWithoutAHeadDecidesByItsFirstBytes) {
  for (const auto& text :
       {std::string{"{\"a\":1}\n{\"a\":2}\n{\"a\":3}\n"}, std::string{"[{\"a\":1},\n{\"a\":2},\n{\"a\":3}]"}}) {
    const auto decoder = tocsin::decode::make_json_decoder(DecodeOptions{});
    EXPECT_FALSE(decoder->splittable());
    model::NameTable names;
    model::Batch batch(names);
    ASSERT_EQ(decoder->cut(text, true), text.size());
    const std::string padded = text + std::string(kPaddingBytes, ' ');
    decoder->decode(std::string_view{padded}.substr(0, text.size()), batch);
    EXPECT_EQ(batch.size(), 3u);
    EXPECT_EQ(batch.event(2).slot->record, 3u);
  }
}

// Cost: a growing buffer is not looked at again, and torn objects do not make wrapper look-ups quadratic.
TEST(JsonDocuments, HostileShapesStayLinear) {
  std::string torn;
  for (int i = 0; i < 200'000; ++i) torn += "{\"kind\":[1";
  EXPECT_FALSE(decode_text(torn, {.layout = Layout::kDocuments, .max_record_bytes = 8u << 20}).empty());
  EXPECT_FALSE(decode_text(torn, {.layout = Layout::kLines, .max_record_bytes = 8u << 20}).empty());
  std::string comma;
  for (int i = 0; i < 200'000; ++i) comma += "{\"kind\":[{\"x\":1,";
  EXPECT_FALSE(decode_text(comma, {.layout = Layout::kDocuments, .max_record_bytes = 8u << 20}).empty());
  std::string records;
  for (int i = 0; i < 200'000; ++i) records += "Record 1\n";
  EXPECT_EQ(decode_text(records, {.layout = Layout::kDocuments}), "");
  const std::string long_text = "[{\"a\":\"" + std::string(1'000'000, 'x') + "\"}]";
  EXPECT_EQ(decode_text(long_text, {.step_bytes = 4096, .max_record_bytes = 2'000'000}).size(), 1'000'003u);
}

}  // namespace
}  // namespace tocsin::decode::json
