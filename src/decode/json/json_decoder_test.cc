// What becomes of one event: fields, types, lists, envelopes, damage, limits, times.
#include <gtest/gtest.h>

#include "decode/json/json_events.h"
#include "decode/json/json_paths.h"
#include "decode/json/json_text.h"

namespace tocsin::decode::json {
namespace {

std::string line(std::string_view text) { return decode_text(text, {.layout = Layout::kLines}); }

TEST(JsonFields, NestedObjectsBecomeDottedNames) {
  EXPECT_EQ(line(R"({"a":{"b":{"c":"x"},"d":1},"e":2})"), "a.b.c=x a.d=#1 e=#2\n");
}

TEST(JsonFields, TypesAndNumbersAreKeptAsWritten) {
  EXPECT_EQ(line(R"({"n":-12.50e+3,"z":0,"t":true,"f":false,"u":null,"s":"","big":123456789012345678901234567890})"),
            "n=#-12.50e+3 z=#0 t=?true f=?false u=~ s= big=#123456789012345678901234567890\n");
}

TEST(JsonFields, ListsBecomeRepeatedFields) {
  EXPECT_EQ(line(R"({"t":["a",1,null],"o":[{"k":"v","w":1},{"k":"x"}],"n":[[1,2],[3]],"one":["x"]})"),
            "t[]=a t[]=#1 t[]=~ o.k[]=v o.w[]=#1 o.k[]=x n[]=#1 n[]=#2 n[]=#3 one[]=x\n");
}

TEST(JsonFields, EmptyContainersAreNull) { EXPECT_EQ(line(R"({"l":[],"o":{},"x":[{}]})"), "l[]=~ o=~ x[]=~\n"); }

TEST(JsonFields, AnEmptyObjectIsAnEventWithoutFields) { EXPECT_EQ(line("{}"), "\n"); }

TEST(JsonFields, DuplicateKeysAreBothKept) {
  EXPECT_EQ(line(R"({"a":1,"a":2,"b":{"c":1},"b.c":3})"), "a=#1 a=#2 b.c=#1 b.c=#3\n");
}

TEST(JsonFields, EscapesAreDecodedInTextAndKeys) {
  EXPECT_EQ(line(R"({"p":"C:\\Windows\\System32\\cmd.exe /c \"x\"\t\/","k\u0065y":"\u00e9\ud83d\ude00"})"),
            "p=C:\\Windows\\System32\\cmd.exe /c \"x\"\t/ key=\xC3\xA9\xF0\x9F\x98\x80\n");
}

TEST(JsonFields, NulByEscapeIsKept) { EXPECT_EQ(line(R"({"a":"x\u0000y"})"), std::string("a=x\0y\n", 6)); }

TEST(JsonFields, LoneSurrogatesBecomeReplacementCharacters) {
  EXPECT_EQ(line(R"({"a":"\ud800","b":"\udc00x","c":"\ud800\ud800"})"),
            "a=\xEF\xBF\xBD b=\xEF\xBF\xBDx c=\xEF\xBF\xBD\xEF\xBF\xBD\n");
}

TEST(JsonFields, SpacesBetweenTokensDoNotMatter) {
  EXPECT_EQ(line("\t{ \"a\" :\t[ 1 , 2 ] , \"b\" : { \"c\" : \"x y\" } } \r"), "a[]=#1 a[]=#2 b.c=x y\n");
}

TEST(JsonFields, TheSameKeysInAnyOrderGiveTheSameNames) {
  EXPECT_EQ(line("{\"a\":1,\"b\":2,\"c\":3}\n{\"c\":3,\"a\":1,\"b\":2}\n{\"b\":2,\"x\":{\"a\":9},\"a\":1}\n{\"a\":1,\"b\":2,"
                 "\"c\":3}"),
            "a=#1 b=#2 c=#3\nc=#3 a=#1 b=#2\nb=#2 x.a=#9 a=#1\na=#1 b=#2 c=#3\n");
}

class JsonBadSyntax : public ::testing::TestWithParam<const char*> {};
TEST_P(JsonBadSyntax, IsOneBadRecordAndTheNextLineGoesOn) {
  EXPECT_EQ(line(std::string{GetParam()} + "\n{\"ok\":1}"), "ok=#1\n!json-syntax\n");
}
INSTANTIATE_TEST_SUITE_P(Table, JsonBadSyntax,
                         ::testing::Values(R"({"a":1)", R"({"a")", R"({"a":)", R"({"a":})", R"({"a":1,})", R"({,"a":1})",
                                           R"({"a":1 "b":2})", R"({"a" 1})", R"({a:1})", R"({"a":01})", R"({"a":1.})",
                                           R"({"a":-})", R"({"a":1e})", R"({"a":tru})", R"({"a":nullx})", R"({"a":"\x"})",
                                           R"({"a":"\u12g4"})", R"({"a":"x})", R"({"a":[1,2})", R"({"a":{"b":1]})",
                                           R"({"a":[1,]})", R"({"a":[1 2]})", R"({"a\q":1})", R"(})", R"(hello {"a":1})",
                                           R"({"a":"b"c})", R"({"a":1"b"})", R"({)", R"({"a":"b""c"})", R"({"a":'b'})",
                                           "{\"a\":\x01}", R"({1:2})"));

TEST(JsonBad, AnEventBeforeTheDamageOfItsLineIsKept) { EXPECT_EQ(line(R"({"a":1}{"b":)"), "a=#1\n!json-syntax\n"); }

TEST(JsonBad, BareValuesAreNoEvents) {
  EXPECT_EQ(line("\"text\"\n42\nnull\n{\"a\":1}"), "a=#1\n!json-not-an-object\n!json-not-an-object\n!json-not-an-object\n");
}

TEST(JsonBad, RecordNumbersCountBadOnes) {
  EXPECT_EQ(decode_text("{\"a\":1}\n\nx\n{\"b\":2}\n", {.layout = Layout::kLines, .show_record = true}),
            "a=#1 1:{\"a\":1}\nb=#2 3:{\"b\":2}\n!json-syntax 2:x\n");
}

std::string nested(std::size_t depth) {
  std::string text;
  for (std::size_t i = 0; i < depth; ++i) text += "{\"a\":";
  return text + "1" + std::string(depth, '}');
}

TEST(JsonLimits, DepthAtTheLimitIsRead) { EXPECT_TRUE(line(nested(model::kMaxDepth)).ends_with(".a=#1\n")); }
TEST(JsonLimits, DepthPastTheLimitIsABadRecord) {
  EXPECT_EQ(line(nested(model::kMaxDepth + 1) + "\n{\"ok\":1}"), "ok=#1\n!json-too-deep\n");
  EXPECT_EQ(line("{\"a\":" + std::string(100'000, '[') + std::string(100'000, ']') + "}\n{\"ok\":1}"),
            "ok=#1\n!json-too-deep\n");
}

TEST(JsonLimits, LongNamesAreCutNotInsideACharacter) {
  const std::string key(model::kMaxNameBytes - 1, 'k');
  EXPECT_EQ(line("{\"" + key + "kzz\":1}"), key + "k=#1\n");
  EXPECT_EQ(line("{\"" + key + "\xC3\xA9\":1}"), key + "=#1\n");
  EXPECT_EQ(line("{\"" + key + "\":{\"b\":1}}"), key + ".=#1\n");
}

TEST(JsonLimits, FieldsPastTheLimitAreCountedNotKept) {
  std::string text = "{\"l\":[0";
  for (std::size_t i = 1; i < model::kMaxFieldsPerEvent; ++i) text += ",0";
  const auto decoder = make_json_decoder(Layout::kLines, {});
  model::NameTable names;
  model::Batch batch(names);
  text += "],\"more\":{\"x\":1,\"y\":[]}}\n{\"a\":1}";
  std::string padded = text + std::string(kPaddingBytes, ' ');
  decoder->decode(std::string_view{padded}.substr(0, text.size()), batch);
  ASSERT_EQ(batch.size(), 2u);
  EXPECT_EQ(batch.event(0).fields().size(), model::kMaxFieldsPerEvent);
  EXPECT_EQ(batch.dropped_field_count(), 2u);
  EXPECT_EQ(batch.event(1).text("a"), "1");
}

TEST(JsonLimits, ManyDifferentKeysStayRightPastTheMemoryOfPaths) {
  std::string text;
  for (std::size_t i = 0; i < Paths::kMaxPaths + 2'000; ++i) text += "{\"k" + std::to_string(i) + "\":{\"v\":1}}\n";
  const std::string out = line(text + "{\"k1\":{\"v\":1}}\n");
  EXPECT_NE(out.find("\nk" + std::to_string(Paths::kMaxPaths + 1'999) + ".v=#1\n"), std::string::npos);
  EXPECT_TRUE(out.ends_with("\nk1.v=#1\n"));
}

TEST(JsonLimits, LongLineIsABadRecord) {
  const std::string text = "{\"a\":\"" + std::string(200, 'x') + "\"}\n{\"ok\":1}\n";
  EXPECT_EQ(decode_text(text, {.layout = Layout::kLines, .max_record_bytes = 100}), "ok=#1\n!record-too-long\n");
}

TEST(JsonLimits, AnEndlessLineNeverNeedsMoreThanTheLimit) {
  DecodeOptions options;
  options.max_record_bytes = 1000;
  const auto decoder = make_json_decoder(Layout::kLines, options);
  EXPECT_EQ(decoder->cut(std::string(1000, 'x'), false), 0u);
  EXPECT_EQ(decoder->cut(std::string(1001, 'x'), false), 1001u);
}

TEST(JsonDamage, InvalidUtf8IsReplacedAndCounted) {
  EXPECT_EQ(line("{\"a\":\"x\xFFy\",\"b\":\"\xC3\",\"c\":\"\xE2\x82\",\"d\":\"\xED\xA0\x80\"}\n{\"ok\":1}"),
            "a=x\xEF\xBF\xBDy b=\xEF\xBF\xBD c=\xEF\xBF\xBD d=\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\nok=#1\n!invalid-utf8\n");
}
TEST(JsonDamage, InvalidUtf8KeepsTheNativeRecord) {
  EXPECT_EQ(decode_text("{\"a\":\"\xFF\"}", {.layout = Layout::kLines, .show_record = true}),
            "a=\xEF\xBF\xBD 1:{\"a\":\"\xFF\"}\n!invalid-utf8 1:{\"a\":\"\xFF\"}\n");
}
TEST(JsonDamage, RawControlBytesInStringsAreKeptAndCounted) {
  EXPECT_EQ(line(std::string("{\"a\":\"x\ty\0z\",\"b\\t\":1}", 22)),
            std::string("a=x\ty\0z b\t=#1\n!json-control-character\n", 38));
}

TEST(JsonEnvelopes, ElasticsearchHitIsItsSource) {
  EXPECT_EQ(line(R"({"_index":"w","_source":{"winlog":{"channel":"Security"},"x":1}})"), "_index=w Channel=Security x=#1\n");
}
TEST(JsonEnvelopes, SplunkExportIsItsResult) {
  EXPECT_EQ(line(R"({"preview":false,"offset":3,"result":{"host":"h","a":"1"}})"), "preview=?false offset=#3 host=h a=1\n");
}
TEST(JsonEnvelopes, SplunkCollectorEventsAndFieldsBecomeTheEvent) {
  EXPECT_EQ(line(R"({"sourcetype":"s","time":1.5,"host":"h","event":{"a":{"b":1}},"fields":{"c":["x"]}})"),
            "sourcetype=s time=#1.5 host=h a.b=#1 c[]=x\n");
  EXPECT_EQ(line(R"({"event":{"a":1},"sourcetype":"s"})"), "event.a=#1 sourcetype=s\n");
  EXPECT_EQ(line(R"({"x":{"sourcetype":"s","event":{"a":1}}})"), "x.sourcetype=s x.event.a=#1\n");
}
TEST(JsonEnvelopes, TextInASplunkCollectorEventIsTheRecord) {
  EXPECT_EQ(line(R"({"sourcetype":"s","event":"{\"a\":1}"})"), "sourcetype=s event={\"a\":1} a=#1\n");
  EXPECT_EQ(line(R"({"sourcetype":"s","event":"user=ann action=login src=10.0.0.1"})"),
            "sourcetype=s event=user=ann action=login src=10.0.0.1 user=ann action=login src=10.0.0.1\n");
  EXPECT_EQ(line(R"({"sourcetype":"s","event":"plain words"})"), "sourcetype=s event=plain words\n");
  EXPECT_EQ(line(R"({"event":"user=ann action=login src=10.0.0.1"})"), "event=user=ann action=login src=10.0.0.1\n");
}
TEST(JsonEnvelopes, CefInAMessageIsDecoded) {
  const std::string out = line(R"({"message":"CEF:0|Vendor|Product|1.0|100|Name|5|src=192.0.2.1"})");
  EXPECT_NE(out.find("src=192.0.2.1\n"), std::string::npos) << out;
  EXPECT_NE(out.find("message=CEF:0|"), std::string::npos) << out;
}
TEST(JsonEnvelopes, ResultWithoutPreviewIsAPlainMember) { EXPECT_EQ(line(R"({"result":{"a":1}})"), "result.a=#1\n"); }
TEST(JsonEnvelopes, RawJsonIsFlattenedToo) {
  EXPECT_EQ(line(R"({"_raw":"{\"a\":{\"b\":\"c\\\\d\"}}","x":1})"), "_raw={\"a\":{\"b\":\"c\\\\d\"}} x=#1 a.b=c\\d\n");
  EXPECT_EQ(line(R"({"_raw":"{\"a\":1,","x":1})"), "_raw={\"a\":1, x=#1\n");
  EXPECT_EQ(line(R"({"message":"{\"a\":1}"})"), "message={\"a\":1}\n");
  EXPECT_EQ(line(R"({"_raw":"{\"a\":1}"}{"_raw":"{\"a\":2}"})"), "_raw={\"a\":1} a=#1\n_raw={\"a\":2} a=#2\n");
}
TEST(JsonEnvelopes, RawJsonCountsDepth) {
  std::string inner = nested(model::kMaxDepth - 1), escaped;
  for (const char c : inner) escaped += c == '"' ? std::string{"\\\""} : std::string{c};
  EXPECT_TRUE(line("{\"_raw\":\"" + escaped + "\"}").ends_with(".a=#1\n"));
  inner = nested(model::kMaxDepth);
  escaped.clear();
  for (const char c : inner) escaped += c == '"' ? std::string{"\\\""} : std::string{c};
  EXPECT_EQ(line("{\"_raw\":\"" + escaped + "\"}"), "_raw=" + inner + "\n");
}
TEST(JsonEnvelopes, WindowsXmlInTheMessageIsDecodedToo) {
  const std::string xml =
      "<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System><Provider Name='P'/>"
      "<EventID>4688</EventID><TimeCreated SystemTime='2024-01-02T03:04:05.1234567Z'/><Channel>Security</Channel></System>"
      "<EventData><Data Name='NewProcessName'>x.exe</Data></EventData></Event>";
  for (const char* key : {"_raw", "message", "Message"}) {
    const std::string out =
        decode_text("{\"" + std::string{key} + "\":\"" + xml + "\"}", {.layout = Layout::kLines, .show_time = true});
    EXPECT_NE(out.find("EventID=#4688"), std::string::npos) << out;
    EXPECT_NE(out.find("NewProcessName=x.exe"), std::string::npos) << out;
    EXPECT_NE(out.find("@2024-01-02T03:04:05.1234567Z"), std::string::npos) << out;
  }
}

std::string time_of(std::string_view text) {
  const std::string out = decode_text(text, {.layout = Layout::kLines, .show_time = true});
  return out.substr(out.rfind('@') + 1, out.size() - out.rfind('@') - 2);
}
TEST(JsonTime, TheMostTellingNameWins) {
  EXPECT_EQ(time_of(R"({"UtcTime":"2024-01-01 00:00:01.5","@timestamp":"2024-01-01T00:00:02Z"})"), "2024-01-01T00:00:02Z");
  EXPECT_EQ(
      time_of(
          R"({"@timestamp":"2024-01-01T00:00:02Z","Event":{"System":{"TimeCreated":{"#attributes":{"SystemTime":"2024-01-01T00:00:03.0000001Z"}}}}})"),
      "2024-01-01T00:00:03.0000001Z");
  EXPECT_EQ(time_of(R"({"EventTime":"2020-06-09 22:50:54","UtcTime":"2020-06-10 02:50:54.631"})"),
            "2020-06-10T02:50:54.631Z");
}
TEST(JsonTime, AnUnreadableCandidateIsPassedOver) {
  EXPECT_EQ(time_of(R"({"time":"yesterday","timestamp":"","date":1700000000.5})"), "2023-11-14T22:13:20.500Z");
  EXPECT_EQ(time_of(R"({"time":["2024-01-01T00:00:02Z"],"x":{"ts":1}})"), "-");
}
TEST(JsonTime, KnownForms) {
  EXPECT_EQ(time_of(R"({"__REALTIME_TIMESTAMP":"1700000000123456"})"), "2023-11-14T22:13:20.123456Z");
  EXPECT_EQ(time_of(R"({"ts":1700000000.123456})"), "2023-11-14T22:13:20.123456Z");
  EXPECT_EQ(time_of(R"({"TimeCreated":"\/Date(1700000000123)\/"})"), "2023-11-14T22:13:20.123Z");
}

TEST(JsonWindows, FlatExportsGetSigmasNamesToo) {
  EXPECT_EQ(line(R"({"EventID":1,"Channel":"C","SourceName":"S","Hostname":"H","RecordNumber":7})"),
            "EventID=#1 Channel=C SourceName=S Hostname=H RecordNumber=#7 Provider_Name=S Computer=H EventRecordID=#7\n");
  EXPECT_EQ(line(R"({"EventCode":"4624","LogName":"Security","ComputerName":"H"})"),
            "EventCode=4624 LogName=Security ComputerName=H EventID=4624 Channel=Security Computer=H\n");
  EXPECT_EQ(line(R"({"Id":5,"ProviderName":"P","LogName":"L","MachineName":"M"})"),
            "Id=#5 ProviderName=P LogName=L MachineName=M EventID=#5 Channel=L Provider_Name=P Computer=M\n");
}
TEST(JsonWindows, NothingIsAddedBesideANativeNameOrElsewhere) {
  EXPECT_EQ(line(R"({"EventID":1,"Channel":"C","Computer":"N","Hostname":"H"})"),
            "EventID=#1 Channel=C Computer=N Hostname=H\n");
  EXPECT_EQ(line(R"({"EventID":1,"Hostname":"H"})"), "EventID=#1 Hostname=H\n");
  EXPECT_EQ(line(R"({"Id":1,"LogName":"L","Hostname":"H"})"), "Id=#1 LogName=L Hostname=H\n");
}

TEST(JsonText, NumbersByTheGrammar) {
  for (const char* good : {"0", "-0", "10", "1.5", "1e5", "-1.25E-7", "0.0"}) EXPECT_TRUE(is_number(good)) << good;
  for (const char* bad : {"", "-", "01", "1.", ".5", "1e", "+1", "0x1", "1 ", "1.e5", "NaN", "1e+"})
    EXPECT_FALSE(is_number(bad)) << bad;
}

TEST(JsonPaths, ANewNameTableEmptiesTheMemory) {
  const auto decoder = make_json_decoder(Layout::kLines, {});
  for (const char* first : {"x", "y"}) {
    model::NameTable names;
    names.intern(first);
    model::Batch batch(names);
    const std::string text = std::string{"{\"a\":1,\"b\":2}"} + std::string(kPaddingBytes, ' ');
    decoder->decode(std::string_view{text}.substr(0, 13), batch);
    ASSERT_EQ(batch.size(), 1u);
    EXPECT_EQ(batch.event(0).text("b"), "2");
  }
}

}  // namespace
}  // namespace tocsin::decode::json
