#include <gtest/gtest.h>

#include <chrono>

#include "source/http_inputs/hec_events.h"
#include "source/http_inputs/http_test_support.h"

namespace tocsin::source {
namespace {

using testing::Answer;

std::string show(std::string_view body, const HecDefaults& defaults = {}) {
  std::string out;
  const HecOutcome outcome = parse_hec(body, defaults, [&out](std::string_view line) { out += std::string(line) + "\n"; });
  if (outcome.code != HecCode::kSuccess) {
    out += "code " + std::to_string(static_cast<int>(outcome.code)) + " at " + std::to_string(outcome.bad_index) + "\n";
  }
  return out;
}

TEST(HecEvents, ObjectsFollowEachOtherWithOrWithoutSpace) {
  EXPECT_EQ(show("{\"event\":\"a\"}{\"event\":{\"b\":1}} \r\n {\"event\":[1]}"),
            "{\"sourcetype\":\"httpevent\",\"event\":\"a\"}\n"
            "{\"sourcetype\":\"httpevent\",\"event\":{\"b\":1}}\n"
            "{\"sourcetype\":\"httpevent\",\"event\":[1]}\n");
}
TEST(HecEvents, KeepsWhatIsSaidOfTheEventInOneOrder) {
  EXPECT_EQ(
      show("{\"fields\":{\"a\":[\"x\",1]},\"event\":{\n\"b\":\"c\"},\"index\":\"main\",\"source\":\"s\",\"host\":\"h\","
           "\"time\":1.5,\"sourcetype\":\"st\",\"more\":true}"),
      "{\"sourcetype\":\"st\",\"time\":1.5,\"host\":\"h\",\"source\":\"s\",\"index\":\"main\",\"event\":{ \"b\":\"c\"},"
      "\"fields\":{\"a\":[\"x\",1]},\"more\":true}\n");
}
TEST(HecEvents, TheQueryFillsInWhatAnEventDoesNotSay) {
  EXPECT_EQ(show("{\"event\":1,\"host\":\"own\",\"source\":null,\"index\":\"\"}", {"qh", "qs", "qt", "qi"}),
            "{\"sourcetype\":\"qt\",\"host\":\"own\",\"source\":\"qs\",\"index\":\"qi\",\"event\":1}\n");
}
TEST(HecEvents, EachFaultHasItsCodeAndPlace) {
  EXPECT_EQ(show(""), "code 5 at 0\n");
  EXPECT_EQ(show(" \n"), "code 5 at 0\n");
  EXPECT_EQ(show("{\"event\":1}{\"host\":\"h\"}"), "{\"sourcetype\":\"httpevent\",\"event\":1}\ncode 12 at 1\n");
  EXPECT_EQ(show("{\"event\":null}"), "code 12 at 0\n");
  EXPECT_EQ(show("{\"event\":\"\"}"), "code 13 at 0\n");
  for (const char* fields : {"{\"a\":{}}", "{\"a\":[[]]}", "{\"a\":[{}]}", "[]", "1"}) {
    EXPECT_EQ(show(std::string("{\"event\":1,\"fields\":") + fields + "}"), "code 15 at 0\n") << fields;
  }
  for (const char* bad : {"[{\"event\":1}]", "x", "{\"event\":1", "{\"event\":}", "{\"event\" 1}", "1", ","}) {
    EXPECT_EQ(show(bad), "code 6 at 0\n") << bad;
  }
}
TEST(HecEvents, ABadEventDoesNotStopGoodOnes) {
  EXPECT_EQ(show("{\"event\":\"\"}{\"event\":1}\n{\"event\":oops}\n{\"event\":2}"),
            "{\"sourcetype\":\"httpevent\",\"event\":1}\n{\"sourcetype\":\"httpevent\",\"event\":2}\ncode 13 at 0\n");
}

TEST(HecEvents, AnEventNestedTooDeeplyIsBadAlone) {
  const auto event = [](std::size_t depth) {  // The object around it counts.
    return "{\"event\":" + std::string(depth - 1, '[') + std::string(depth - 1, ']') + "}";
  };
  EXPECT_EQ(show(event(60) + event(61) + "{\"event\":2}"),
            "{\"sourcetype\":\"httpevent\",\"event\":" + std::string(59, '[') + std::string(59, ']') +
                "}\n{\"sourcetype\":\"httpevent\",\"event\":2}\ncode 6 at 1\n");
}

TEST(HecEvents, DamageIsNotReadAgainAndAgain) {
  std::string body;
  for (std::size_t i = 0; i < kMaxHecSkips - 10; ++i) body += "{\"a\":\n";
  body += "[";
  while (body.size() < (4u << 20)) body += "1,";
  const auto began = std::chrono::steady_clock::now();
  EXPECT_EQ(show(body + "\n{\"event\":1}"), "code 6 at 0\n");
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(20));  // Each object by itself: minutes.
}

class SplunkTest : public testing::HttpInputTest {
 protected:
  Answer send(std::string_view body, const std::string& path = "/services/collector/event",
              const std::string& authorization = "Splunk secret") {
    return ask("POST", path, body, {"Authorization: " + authorization});
  }
};
constexpr const char* kChannel = "X-Splunk-Request-Channel: 0aeeac95-ac74-4aa9-b30d-6c4c0ac581ba";

TEST_F(SplunkTest, AnswersSuccessOnEveryEventPath) {
  start(splunk_hec_routes);
  for (const char* path : {"/services/collector", "/services/collector/event", "/services/collector/event/1.0"}) {
    const Answer answer = send("{\"event\":\"hello\"}", path);
    EXPECT_EQ(answer.status, 200) << path;
    EXPECT_EQ(answer.body, R"({"text":"Success","code":0})");
  }
  EXPECT_EQ(source_->meter->snapshot().records, 3u);
  EXPECT_EQ(world_.intake.deliveries().at(0).bytes, "{\"sourcetype\":\"httpevent\",\"event\":\"hello\"}\n");
}
TEST_F(SplunkTest, CodesOfAuthorization) {
  start(splunk_hec_routes);
  Answer answer = ask("POST", "/services/collector", "{\"event\":1}", {});
  EXPECT_EQ(answer.status, 401);
  EXPECT_EQ(answer.body, R"({"text":"Token is required","code":2})");
  answer = send("{\"event\":1}", "/services/collector", "Digest x");
  EXPECT_EQ(answer.status, 401);
  EXPECT_EQ(answer.body, R"({"text":"Invalid authorization","code":3})");
  answer = send("{\"event\":1}", "/services/collector", "Splunk wrong");
  EXPECT_EQ(answer.status, 403);
  EXPECT_EQ(answer.body, R"({"text":"Invalid token","code":4})");
  answer = ask("POST", "/services/collector?token=secret", "{\"event\":1}", {});
  EXPECT_EQ(answer.status, 400);
  EXPECT_EQ(answer.body, R"({"text":"Query string authorization is not enabled","code":16})");
  EXPECT_EQ(send("{\"event\":1}", "/services/collector", "Basic eDpzZWNyZXQ=").status, 200);  // x:secret
  EXPECT_EQ(world_.intake.deliveries().size(), 1u);
  EXPECT_EQ(unauthorized("splunk-hec"), 4u);
}
TEST_F(SplunkTest, CodesOfEvents) {
  start(splunk_hec_routes);
  const auto expect = [this](std::string_view body, const char* reply) {
    const Answer answer = send(body);
    EXPECT_EQ(answer.status, 400) << body;
    EXPECT_EQ(answer.body, reply) << body;
  };
  expect("", R"({"text":"No data","code":5})");
  expect("[]", R"({"text":"Invalid data format","code":6,"invalid-event-number":0})");
  expect("{\"event\":1}{}", R"({"text":"Event field is required","code":12,"invalid-event-number":1})");
  expect("{\"event\":\"\"}", R"({"text":"Event field cannot be blank","code":13,"invalid-event-number":0})");
  expect("{\"event\":1,\"fields\":[]}", R"({"text":"Error in handling indexed fields","code":15,"invalid-event-number":0})");
  EXPECT_EQ(source_->meter->snapshot().records, 1u);
  EXPECT_EQ(refused("bad-item"), 4u);
  EXPECT_EQ(refused("empty"), 1u);
}
TEST_F(SplunkTest, ABusyServerIs503WithRetryAfter) {
  HttpInputOptions options;
  options.max_waiting_bytes = 10;
  start(splunk_hec_routes, options);
  world_.intake.hold();
  const auto first = asking("POST", "/services/collector", "{\"event\":1}");
  ASSERT_TRUE(world_.intake.wait_count(1));
  const Answer answer = send("{\"event\":1}");
  EXPECT_EQ(answer.status, 503);
  EXPECT_EQ(answer.body, R"({"text":"Server is busy","code":9})");
  EXPECT_EQ(answer.header("retry-after"), "1");
  const Answer health = ask("GET", "/services/collector/health", {}, {});
  EXPECT_EQ(health.status, 503);
  EXPECT_EQ(health.body, R"({"text":"HEC is unhealthy, queues are full","code":18})");
  world_.intake.release();
  EXPECT_EQ(first->answer().status, 200);
}
TEST_F(SplunkTest, AnIntakeThatFailsIsNeverSuccess) {
  start(splunk_hec_routes);
  world_.intake.refuse(core::Error{core::ErrorCode::kIo, "disk"});
  EXPECT_EQ(send("{\"event\":1}").body, R"({"text":"Server is busy","code":9})");
  EXPECT_EQ(send("{\"event\":\"\"}{\"event\":1}").body, R"({"text":"Server is busy","code":9})");
  world_.intake.refuse(core::Error{core::ErrorCode::kDenied, "no"});
  const Answer answer = send("{\"event\":1}");
  EXPECT_EQ(answer.status, 500);
  EXPECT_EQ(answer.body, R"({"text":"Internal server error","code":8})");
}
TEST_F(SplunkTest, HealthNeedsNoTokenButAGoodOneIfAny) {
  start(splunk_hec_routes);
  const Answer answer = ask("GET", "/services/collector/health/1.0", {}, {});
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, R"({"text":"HEC is healthy","code":17})");
  EXPECT_EQ(ask("GET", "/services/collector/health", {}, {"Authorization: Splunk wrong"}).body,
            R"({"text":"Invalid token","code":21})");
}
TEST_F(SplunkTest, RequestsOfAChannelGetNumbersThatAreAcknowledged) {
  start(splunk_hec_routes);
  const std::vector<std::string> headers = {"Authorization: Splunk secret", kChannel};
  EXPECT_EQ(ask("POST", "/services/collector", "{\"event\":1}", headers).body, R"({"text":"Success","code":0,"ackId":0})");
  EXPECT_EQ(ask("POST", "/services/collector/raw", "a line\n", headers).body, R"({"text":"Success","code":0,"ackId":1})");
  EXPECT_EQ(ask("POST", "/services/collector/ack", "{\"acks\":[0,1,2]}", headers).body,
            R"({"acks":{"0":true,"1":true,"2":false}})");
  EXPECT_EQ(ask("POST", "/services/collector/ack?channel=11111111-ac74-4aa9-b30d-6c4c0ac581ba", "{\"acks\":[0]}").body,
            R"({"acks":{"0":false}})");
}
TEST_F(SplunkTest, CodesOfChannels) {
  start(splunk_hec_routes);
  EXPECT_EQ(ask("POST", "/services/collector/ack", "{\"acks\":[0]}").body,
            R"({"text":"Data channel is missing","code":10})");
  EXPECT_EQ(ask("POST", "/services/collector?channel=nonsense", "{\"event\":1}").body,
            R"({"text":"Invalid data channel","code":11})");
  for (const char* body : {"", "[]", "{}", "{\"acks\":1}", "{\"acks\":[\"a\"]}", "{\"acks\":[-1]}", "{\"acks\":[0]} x"}) {
    EXPECT_EQ(ask("POST", "/services/collector/ack", body, {"Authorization: Splunk secret", kChannel}).body,
              R"({"text":"Invalid data format","code":6})")
        << body;
  }
}
TEST_F(SplunkTest, ChannelsAreForgottenAfterKMaxHecChannelsOthers) {
  start(splunk_hec_routes);
  const auto channel = [](std::size_t number) {
    std::string digits = std::to_string(number);
    return "00000000-0000-0000-0000-" + std::string(12 - digits.size(), '0') + digits;
  };
  // Without a network, for there are many.
  const auto call = [&](const char* path, std::size_t number, const char* body) {
    auto exchange = std::make_shared<testing::OwnExchange>();
    exchange->asked.method = "POST";
    exchange->asked.path = path;
    exchange->asked.headers = {{"authorization", "Splunk secret"}, {"x-splunk-request-channel", channel(number)}};
    exchange->asked.body = body;
    router_->serve(exchange);
    return exchange->answer.body;
  };
  for (std::size_t i = 0; i <= kMaxHecChannels; ++i) call("/services/collector", i, "{\"event\":1}");
  EXPECT_EQ(call("/services/collector/ack", 1, "{\"acks\":[0]}"), R"({"acks":{"0":true}})");
  EXPECT_EQ(call("/services/collector/ack", 0, "{\"acks\":[0]}"), R"({"acks":{"0":false}})");
}
TEST_F(SplunkTest, RawBytesStayAsTheyAreWithTheirOriginInThePeer) {
  start(splunk_hec_routes);
  const Answer answer =
      send("<34>Oct 11 22:14:15 h su: x\nsecond\n", "/services/collector/raw?host=web01&source=/var/log/a&sourcetype=s");
  EXPECT_EQ(answer.body, R"({"text":"Success","code":0})");
  const auto got = world_.intake.deliveries();
  ASSERT_EQ(got.size(), 1u);
  EXPECT_EQ(got[0].bytes, "<34>Oct 11 22:14:15 h su: x\nsecond\n");
  EXPECT_EQ(got[0].format, model::Format::kText);
  EXPECT_EQ(got[0].peer, "127.0.0.1 host=web01 source=/var/log/a sourcetype=s");
  EXPECT_EQ(source_->meter->snapshot().records, 2u);
  EXPECT_EQ(send("", "/services/collector/raw").body, R"({"text":"No data","code":5})");
  EXPECT_EQ(send(std::string_view("\0\1", 2), "/services/collector/raw").body, R"({"text":"Invalid data format","code":6})");
}

}  // namespace
}  // namespace tocsin::source
