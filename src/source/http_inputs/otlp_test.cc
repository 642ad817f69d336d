#include <gtest/gtest.h>

#include <bit>

#include "source/http_inputs/http_test_support.h"
#include "source/http_inputs/otlp_lines.h"
#include "source/http_inputs/protobuf.h"

namespace tocsin::source {
namespace {

using testing::Answer;

std::string sub(std::uint32_t field, std::string_view value) {
  std::string out;
  append_bytes_field(field, value, out);
  return out;
}
std::string num(std::uint32_t field, std::uint64_t value) {
  std::string out;
  append_number_field(field, value, out);
  return out;
}
std::string fixed64(std::uint32_t field, std::uint64_t value) {
  std::string out;
  append_varint(std::uint64_t{field} << 3 | 1, out);
  for (int i = 0; i < 8; ++i) out += static_cast<char>(static_cast<unsigned char>(value >> (8 * i)));
  return out;
}
std::string fixed32(std::uint32_t field, std::uint32_t value) {
  std::string out;
  append_varint(std::uint64_t{field} << 3 | 5, out);
  for (int i = 0; i < 4; ++i) out += static_cast<char>(static_cast<unsigned char>(value >> (8 * i)));
  return out;
}
std::string text_value(std::string_view text) { return sub(1, text); }
std::string member(std::string_view key, std::string_view value) { return sub(1, key) + sub(2, value); }
std::string request(std::string_view record) { return sub(1, sub(2, sub(2, record))); }

using Parse = core::Result<void> (*)(std::string_view, OtlpLines&);
std::string show(Parse parse, std::string_view body) {
  std::string out;
  OtlpLines lines([&out](std::string_view line) { out += std::string(line) + "\n"; });
  const auto result = parse(body, lines);
  if (!result.ok()) return "refused: " + result.error().text;
  if (lines.rejected() > 0) out += "rejected " + std::to_string(lines.rejected()) + ": " + lines.reason() + "\n";
  return out;
}
std::string protobuf(std::string_view body) { return show(parse_otlp_protobuf, body); }
std::string json(std::string_view body) { return show(parse_otlp_json, body); }

constexpr const char* kFullLine =
    R"({"@timestamp":"2026-01-02T03:04:05.123456789Z","observed_timestamp":"2026-01-02T03:04:06Z","severity_number":17,)"
    R"("severity_text":"ERROR","message":"it failed","attributes":{"user.name":"ann","n":-3,"d":1.5,"ok":true,)"
    R"("list":["x",null],"map":{"k":"v"},"bin":"AQI="},"event_name":"e","trace_id":"0102030405060708090a0b0c0d0e0f10",)"
    R"("span_id":"a1a2a3a4a5a6a7a8","flags":1,"dropped_attributes_count":2,)"
    R"("resource":{"attributes":{"service.name":"shop"},"schema_url":"u","dropped_attributes_count":4},)"
    R"("scope":{"name":"lib","version":"1","attributes":{"s":"t"},"schema_url":"w"}})"
    "\n";

TEST(OtlpProtobuf, EveryMemberHasItsName) {
  const std::string attributes =
      sub(6, member("user.name", text_value("ann"))) + sub(6, member("n", num(3, static_cast<std::uint64_t>(-3)))) +
      sub(6, member("d", fixed64(4, std::bit_cast<std::uint64_t>(1.5)))) + sub(6, member("ok", num(2, 1))) +
      sub(6, member("list", sub(5, sub(1, text_value("x")) + sub(1, "")))) +
      sub(6, member("map", sub(6, sub(1, member("k", text_value("v")))))) + sub(6, member("bin", sub(7, "\x01\x02")));
  const std::string record = fixed64(1, 1'767'323'045'123'456'789ull) + num(2, 17) + sub(3, "ERROR") +
                             sub(5, text_value("it failed")) + attributes + num(7, 2) + fixed32(8, 1) +
                             sub(9, "\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10") +
                             sub(10, "\xa1\xa2\xa3\xa4\xa5\xa6\xa7\xa8") + fixed64(11, 1'767'323'046'000'000'000ull) +
                             sub(12, "e") + sub(99, "unknown");
  const std::string scope = sub(1, sub(1, "lib") + sub(2, "1") + sub(3, member("s", text_value("t"))));
  const std::string resource = sub(1, sub(1, member("service.name", text_value("shop"))) + num(2, 4));
  EXPECT_EQ(protobuf(sub(1, sub(2, sub(2, record) + scope + sub(3, "w")) + resource + sub(3, "u"))), kFullLine);
}
TEST(OtlpJson, EveryMemberHasTheNameItHasInProtobuf) {
  EXPECT_EQ(json(R"({"resourceLogs":[{"scopeLogs":[{"logRecords":[{"timeUnixNano":"1767323045123456789","severityNumber":17,
    "severityText":"ERROR","body":{"stringValue":"it failed"},"attributes":[
    {"key":"user.name","value":{"stringValue":"ann"}},{"value":{"intValue":"-3"},"key":"n"},
    {"key":"d","value":{"doubleValue":1.5}},{"key":"ok","value":{"boolValue":true}},
    {"key":"list","value":{"arrayValue":{"values":[{"stringValue":"x"},{}]}}},
    {"key":"map","value":{"kvlistValue":{"values":[{"key":"k","value":{"stringValue":"v"}}]}}},
    {"key":"bin","value":{"bytesValue":"AQI="}}],"droppedAttributesCount":2,"flags":1,
    "traceId":"0102030405060708090A0B0C0D0E0F10","spanId":"a1a2a3a4a5a6a7a8",
    "observedTimeUnixNano":1767323046000000000,"eventName":"e","unknown":{"x":[1]}}],
    "scope":{"name":"lib","version":"1","attributes":[{"key":"s","value":{"stringValue":"t"}}]},"schemaUrl":"w"}],
    "resource":{"attributes":[{"key":"service.name","value":{"stringValue":"shop"}}],"droppedAttributesCount":4},
    "schemaUrl":"u"}]})"),
            kFullLine);
}
TEST(OtlpJson, TakesNamesWithUnderscores) {
  EXPECT_EQ(
      json(R"({"resource_logs":[{"scope_logs":[{"log_records":[{"time_unix_nano":1,"body":{"string_value":"b"}}]}]}]})"),
      "{\"@timestamp\":\"1970-01-01T00:00:00.000000001Z\",\"message\":\"b\"}\n");
}
TEST(Otlp, TheBodyIsNamedByWhatItIs) {
  const auto of = [](const std::string& value) { return protobuf(request(sub(5, value))); };
  EXPECT_EQ(of(text_value("plain")), "{\"message\":\"plain\"}\n");
  EXPECT_EQ(of(text_value(" {\"a\":1}")), "{\"_raw\":\" {\\\"a\\\":1}\"}\n");
  EXPECT_EQ(of(sub(6, sub(1, member("k", text_value("v"))))), "{\"_source\":{\"k\":\"v\"}}\n");
  EXPECT_EQ(of(num(3, 5)), "{\"body\":5}\n");
  EXPECT_EQ(of(""), "{}\n");
  EXPECT_EQ(protobuf(request("")), "{}\n");
  const auto of_json = [](const std::string& value) {
    return json(R"({"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":)" + value + "}]}]}]}");
  };
  EXPECT_EQ(of_json(R"({"stringValue":"{}"})"), "{\"_raw\":\"{}\"}\n");
  EXPECT_EQ(of_json(R"({"kvlistValue":{"values":[]}})"), "{\"_source\":{}}\n");
  EXPECT_EQ(of_json(R"({"kvlistValue":{}})"), "{\"_source\":{}}\n");
  EXPECT_EQ(of_json(R"({"arrayValue":{}})"), "{\"body\":[]}\n");
  EXPECT_EQ(of_json("null"), "{}\n");
  EXPECT_EQ(of_json("{}"), "{}\n");
}
TEST(Otlp, TheObservedTimeStandsInAndZeroIdsAreNone) {
  EXPECT_EQ(protobuf(request(fixed64(11, 1'000'000'000) + sub(9, std::string(16, '\0')) + sub(10, "short"))),
            "{\"@timestamp\":\"1970-01-01T00:00:01Z\",\"observed_timestamp\":\"1970-01-01T00:00:01Z\"}\n");
}
TEST(OtlpProtobuf, ABrokenFrameIsNoRequest) {
  const std::string good = request(sub(5, text_value("a")));
  for (std::size_t cut = 1; cut < good.size(); ++cut) {
    EXPECT_TRUE(protobuf(good.substr(0, cut)).starts_with("refused")) << cut;
  }
  EXPECT_EQ(protobuf(""), "");
  EXPECT_TRUE(protobuf("{\"resourceLogs\":[]}").starts_with("refused"));
  EXPECT_TRUE(protobuf(std::string(11, '\xFF')).starts_with("refused"));
  EXPECT_TRUE(protobuf(std::string("\x0B", 1)).starts_with("refused"));      // A group.
  EXPECT_TRUE(protobuf(std::string("\x00\x00", 2)).starts_with("refused"));  // Field 0.
}
TEST(OtlpProtobuf, ABrokenRecordIsRejectedAlone) {
  EXPECT_EQ(protobuf(sub(1, sub(2, sub(2, "\xFF") + sub(2, sub(5, text_value("good"))) + sub(2, sub(5, "\x0A\x7F"))))),
            "{\"message\":\"good\"}\nrejected 2: a log record is malformed, too long or nested too deeply\n");
}
TEST(OtlpJson, ABrokenRecordIsRejectedAloneAndABrokenFrameIsNoRequest) {
  EXPECT_EQ(
      json(R"({"resourceLogs":[{"scopeLogs":[{"logRecords":[7,{"attributes":{}},{"body":{"stringValue":"good"}}]}]}]})"),
      "{\"message\":\"good\"}\nrejected 2: a log record is malformed, too long or nested too deeply\n");
  for (const char* bad : {"", "[]", "{", "{\"resourceLogs\":7}", "{\"resourceLogs\":[7]}", "{} {}",
                          R"({"resourceLogs":[{"scopeLogs":{}}]})", R"({"resourceLogs":[{"resource":[]}]})"}) {
    EXPECT_TRUE(json(bad).starts_with("refused")) << bad;
  }
  EXPECT_EQ(json("{}"), "");
  EXPECT_EQ(json(R"({"resourceLogs":null})"), "");
}
TEST(Otlp, ValuesNestedTooDeeplyAreRejected) {
  std::string good = text_value("x"), good_json = R"({"stringValue":"x"})";
  for (std::size_t i = 0; i < kMaxOtlpDepth; ++i) {
    good = sub(5, sub(1, good));
    good_json = R"({"arrayValue":{"values":[)" + good_json + "]}}";
  }
  const auto json_request = [](const std::string& value) {
    return R"({"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":)" + value + "}]}]}]}";
  };
  EXPECT_TRUE(protobuf(request(sub(5, good))).starts_with("{\"body\":[[["));
  EXPECT_TRUE(protobuf(request(sub(5, sub(5, sub(1, good))))).starts_with("rejected 1"));
  EXPECT_TRUE(json(json_request(good_json)).starts_with("rejected 1"));  // Of JSON, depth is bounded by the text too.
  const std::string both = good_json + "},{\"body\":{\"stringValue\":\"good\"}";
  EXPECT_TRUE(json(json_request(both)).starts_with("{\"message\":\"good\"}\nrejected 1"));
}
TEST(Otlp, RecordsThatAreTooLongAreRejectedAlone) {
  const std::string large(kMaxOtlpLineBytes + 1, 'a');
  EXPECT_TRUE(protobuf(sub(1, sub(2, sub(2, sub(5, text_value(large))) + sub(2, "")))).starts_with("{}\nrejected 1"));
  EXPECT_TRUE(json(R"({"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"stringValue":")" + large + R"("}},{}]}]}]})")
                  .starts_with("{}\nrejected 1"));
  const std::string escaped(kMaxOtlpLineBytes / 3, '\1');  // As JSON it has six times as many bytes.
  EXPECT_TRUE(protobuf(request(sub(5, text_value(escaped)))).starts_with("rejected 1"));
}
TEST(Otlp, RepeatedResourcesAreBounded) {
  std::uint64_t taken_bytes = 0;
  OtlpLines lines([&taken_bytes](std::string_view line) { taken_bytes += line.size(); });
  const std::string resource = sub(1, sub(1, member("k", text_value(std::string(1u << 20, 'a')))));
  std::string records;
  for (int i = 0; i < 200; ++i) records += sub(2, "");
  ASSERT_TRUE(parse_otlp_protobuf(sub(1, resource + sub(2, records)), lines).ok());
  EXPECT_LE(taken_bytes, kMaxOtlpOutputBytes + (2u << 20));
  EXPECT_EQ(lines.taken() + lines.rejected(), 200u);
  EXPECT_GT(lines.rejected(), 0u);
}

class OtlpTest : public testing::HttpInputTest {
 protected:
  Answer send(std::string_view body, const std::string& type = "application/x-protobuf",
              const std::string& token = "secret") {
    return ask("POST", "/v1/logs", body, {"Authorization: Bearer " + token, "Content-Type: " + type});
  }
};

TEST_F(OtlpTest, AnswersInTheEncodingOfTheRequest) {
  start(otlp_routes);
  Answer answer = send(request(sub(5, text_value("a"))));
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.header("content-type"), "application/x-protobuf");
  EXPECT_EQ(answer.body, "");
  answer = send(R"({"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"stringValue":"b"}}]}]}]})",
                "application/json; charset=utf-8");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.header("content-type"), "application/json");
  EXPECT_EQ(answer.body, "{}");
  EXPECT_EQ(world_.intake.bytes(), "{\"message\":\"a\"}\n{\"message\":\"b\"}\n");
  EXPECT_EQ(world_.intake.deliveries().at(0).format, model::Format::kJson);
  EXPECT_EQ(source_->meter->snapshot().records, 2u);
}
TEST_F(OtlpTest, PartialSuccessCountsWhatWasRejected) {
  start(otlp_routes);
  Answer answer = send(sub(1, sub(2, sub(2, "\xFF") + sub(2, ""))));
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, sub(1, num(1, 1) + sub(2, "a log record is malformed, too long or nested too deeply")));
  answer = send(R"({"resourceLogs":[{"scopeLogs":[{"logRecords":[1,2,{}]}]}]})", "application/json");
  EXPECT_EQ(answer.body, R"({"partialSuccess":{"rejectedLogRecords":"2","errorMessage":)"
                         R"("a log record is malformed, too long or nested too deeply"}})");
  EXPECT_EQ(refused("bad-item"), 3u);
}
TEST_F(OtlpTest, ErrorsAreAStatusInTheSameEncoding) {
  start(otlp_routes);
  Answer answer = send("\xFF");
  EXPECT_EQ(answer.status, 400);
  EXPECT_EQ(answer.body, num(1, 3) + sub(2, "the body is no ExportLogsServiceRequest in protobuf"));
  answer = send("[", "application/json");
  EXPECT_EQ(answer.status, 400);
  EXPECT_EQ(answer.body, R"({"code":3,"message":"the body is no ExportLogsServiceRequest in JSON"})");
  EXPECT_EQ(send("", "text/plain").status, 415);
  EXPECT_EQ(send("", "application/x-protobuf", "wrong").status, 401);
  EXPECT_EQ(unauthorized("otlp"), 1u);
}
TEST_F(OtlpTest, OnlyWhatMayComeBackIsToldToBeTriedAgain) {
  start(otlp_routes);
  world_.intake.refuse(core::Error{core::ErrorCode::kLimit, "full"});
  Answer answer = send(request(""));
  EXPECT_EQ(answer.status, 429);
  EXPECT_EQ(answer.header("retry-after"), "1");
  world_.intake.refuse(core::Error{core::ErrorCode::kIo, "disk"});
  answer = send(request(""));
  EXPECT_EQ(answer.status, 503);
  EXPECT_EQ(answer.header("retry-after"), "1");
}
TEST_F(OtlpTest, PastTheBacklogRequestsAre429) {
  HttpInputOptions options;
  options.max_waiting_bytes = 3;
  start(otlp_routes, options);
  world_.intake.hold();
  const auto first =
      asking("POST", "/v1/logs", request(""), {"Authorization: Bearer secret", "Content-Type: application/x-protobuf"});
  ASSERT_TRUE(world_.intake.wait_count(1));
  const Answer answer = send(request(""));
  EXPECT_EQ(answer.status, 429);
  EXPECT_EQ(answer.header("retry-after"), "1");
  world_.intake.release();
  EXPECT_EQ(first->answer().status, 200);
}
TEST_F(OtlpTest, AnEmptyRequestIsSuccess) {
  start(otlp_routes);
  EXPECT_EQ(send("").status, 200);
  EXPECT_TRUE(world_.intake.deliveries().empty());
}

TEST(Base64, EncodesEveryRemainder) {
  EXPECT_EQ(to_base64(""), "");
  EXPECT_EQ(to_base64("\x01"), "AQ==");
  EXPECT_EQ(to_base64("\x01\x02"), "AQI=");
  EXPECT_EQ(to_base64("\x01\x02\xFF"), "AQL/");
}

}  // namespace
}  // namespace tocsin::source
