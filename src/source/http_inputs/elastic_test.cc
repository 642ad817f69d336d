#include <gtest/gtest.h>

#include "source/http_inputs/bulk.h"
#include "source/http_inputs/http_test_support.h"
#include "source/http_inputs/input.h"

namespace tocsin::source {
namespace {

using testing::Answer;

std::string show(std::string_view body, std::string_view index = "i") {
  const auto items = parse_bulk(body, index);
  if (!items.ok()) return "refused: " + items.error().text;
  std::string out;
  for (const BulkItem& item : items.value()) {
    out += std::string(item.action) + " " + item.index + "/" + item.id + " ";
    out += item.status == 0 ? std::string(item.document) : std::to_string(item.status) + " " + item.error_reason;
    out += "\n";
  }
  return out;
}

TEST(Bulk, TakesActionsAndDocumentsInTurn) {
  EXPECT_EQ(show("{\"create\":{\"_index\":\"a\",\"_id\":\"1\"}}\n{\"x\":1}\n{\"index\":{}}\r\n{\"x\":2}\r\n\n{\"index\":{}}"
                 "\n{\"x\":3}"),
            "create a/1 {\"x\":1}\nindex i/ {\"x\":2}\nindex i/ {\"x\":3}\n");
}
TEST(Bulk, UpdateAndDeleteFailAloneAndTakeTheirLines) {
  EXPECT_EQ(show("{\"update\":{\"_id\":\"1\"}}\n{\"doc\":{}}\n{\"delete\":{\"_id\":\"2\"}}\n{\"create\":{}}\n{\"x\":1}\n"),
            "update i/1 400 logs are only appended: update is not supported, use create\n"
            "delete i/2 400 logs are only appended: delete is not supported\n"
            "create i/ {\"x\":1}\n");
}
TEST(Bulk, AMalformedActionFailsWithItsDocumentAndNoMore) {
  const std::string why = ": an object with create, index, update or delete was expected\n";
  EXPECT_EQ(show("{\"upsert\":{}}\n{\"x\":1}\n{\"index\":{}}\n{\"x\":2}\n"),
            "index i/ 400 Malformed action/metadata line [1]" + why + "index i/ {\"x\":2}\n");
  EXPECT_EQ(show("nonsense\n{\"index\":{}}\n{\"x\":2}\n"),
            "index i/ 400 Malformed action/metadata line [1]" + why + "index i/ {\"x\":2}\n");
  for (const char* line : {"{\"index\":{}} x", "{\"index\":[]}", "{\"index\":{},\"create\":{}}", "{\"index\":{}", "{}"}) {
    EXPECT_EQ(show(line), "index i/ 400 Malformed action/metadata line [1]" + why) << line;
  }
}
TEST(Bulk, ADocumentMustBeAnObject) {
  for (const char* document : {"[1]", "1", "{\"a\":}", "{} {}", "", "{\"a\":1"}) {
    const std::string out = show(std::string("{\"index\":{}}\n") + document + "\n{\"index\":{}}\n{}\n");
    EXPECT_TRUE(out.starts_with("index i/ 400 ")) << document << out;
    EXPECT_TRUE(out.ends_with("\nindex i/ {}\n")) << document << out;
  }
  EXPECT_EQ(show("{\"index\":{}}"), "index i/ 400 the document of this action is missing\n");
}
TEST(Bulk, AnIndexIsNeeded) { EXPECT_EQ(show("{\"index\":{}}\n{}\n", ""), "index / 400 an index is missing\n"); }
TEST(Bulk, LongNamesAreRefused) {
  EXPECT_TRUE(show("{\"index\":{\"_id\":\"" + std::string(512, 'a') + "\"}}\n{}\n").ends_with("a {}\n"));
  EXPECT_TRUE(show("{\"index\":{\"_id\":\"" + std::string(513, 'a') + "\"}}\n{}\n").ends_with("at most 512 bytes\n"));
  EXPECT_TRUE(show("{\"index\":{\"_index\":\"" + std::string(256, 'a') + "\"}}\n{}\n").ends_with("at most 255 bytes\n"));
}
TEST(Bulk, NothingAndTooManyAreRefusedAsAWhole) {
  EXPECT_EQ(show(""), "refused: request body is required");
  EXPECT_EQ(show("\n \r\n"), "refused: request body is required");
  std::string body;
  for (std::size_t i = 0; i < kMaxBulkItems; ++i) body += "{\"delete\":{}}\n";
  EXPECT_TRUE(parse_bulk(body, "i").ok());
  EXPECT_EQ(parse_bulk(body + "{\"delete\":{}}\n", "i").error().code, core::ErrorCode::kLimit);
}

class ElasticTest : public testing::HttpInputTest {};

TEST_F(ElasticTest, BulkAnswersForEachItemInOrder) {
  start(elastic_routes);
  const Answer answer =
      ask("POST", "/_bulk",
          "{\"create\":{\"_index\":\"a\",\"_id\":\"1\"}}\n{\"x\":1}\n{\"delete\":{\"_index\":\"a\",\"_id\":\"2\"}}\n"
          "{\"index\":{\"_index\":\"b\"}}\n{\"x\":2}\n");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.header("x-elastic-product"), "Elasticsearch");
  EXPECT_EQ(answer.header("content-type"), "application/json");
  EXPECT_TRUE(answer.body.starts_with("{\"took\":")) << answer.body;
  EXPECT_NE(answer.body.find(R"("errors":true,"items":[{"create":{"_index":"a","_id":"1","_version":1,)"),
            std::string::npos);
  EXPECT_NE(
      answer.body.find(R"({"delete":{"_index":"a","_id":"2","status":400,"error":{"type":"illegal_argument_exception")"),
      std::string::npos);
  EXPECT_TRUE(answer.body.ends_with(R"("_primary_term":1,"status":201}}]})")) << answer.body;
  const auto got = world_.intake.deliveries();
  ASSERT_EQ(got.size(), 1u);
  EXPECT_EQ(got[0].bytes, "{\"x\":1}\n{\"x\":2}\n");
  EXPECT_EQ(got[0].format, model::Format::kJson);
  EXPECT_EQ(got[0].peer, "127.0.0.1");
  EXPECT_EQ(got[0].source, model::SourceId{7});
  const auto meter = source_->meter->snapshot();
  EXPECT_EQ(meter.records, 2u);
  EXPECT_EQ(meter.bytes, 16u);
  EXPECT_EQ(refused("bad-item"), 1u);
}
TEST_F(ElasticTest, BulkWithoutErrorsSaysSo) {
  start(elastic_routes);
  const Answer answer = ask("PUT", "/logs-x/_bulk", "{\"create\":{}}\n{\"x\":1}\n");
  EXPECT_NE(answer.body.find(R"("errors":false,"items":[{"create":{"_index":"logs-x","_id":")"), std::string::npos);
}
TEST_F(ElasticTest, AnswersOnlyWhenTheBytesAreSafe) {
  start(elastic_routes);
  world_.intake.hold();
  const auto first = asking("POST", "/a/_doc", "{\"x\":1}");
  ASSERT_TRUE(world_.intake.wait_count(1));
  EXPECT_EQ(source_->meter->snapshot().records, 0u);
  world_.intake.release();
  EXPECT_EQ(first->answer().status, 201);
}
TEST_F(ElasticTest, WaitingRequestsHoldNoWorker) {
  start(elastic_routes);
  world_.intake.hold();
  std::vector<std::unique_ptr<testing::Asking>> all;
  for (int i = 0; i < 8; ++i) all.push_back(asking("POST", "/a/_doc", "{\"x\":1}"));
  ASSERT_TRUE(world_.intake.wait_count(8));
  EXPECT_EQ(ask("GET", "/").status, 200);
  world_.intake.release();
  for (const auto& one : all) EXPECT_EQ(one->answer().status, 201);
}
TEST_F(ElasticTest, AnIntakeWithoutRoomIs429AnItem) {
  start(elastic_routes);
  world_.intake.refuse(core::Error{core::ErrorCode::kLimit, "the journal is full"});
  const Answer answer = ask("POST", "/a/_bulk", "{\"create\":{}}\n{\"x\":1}\n{\"delete\":{}}\n");
  EXPECT_EQ(answer.status, 200);
  EXPECT_NE(
      answer.body.find(R"("status":429,"error":{"type":"es_rejected_execution_exception","reason":"the journal is full"})"),
      std::string::npos)
      << answer.body;
  EXPECT_NE(answer.body.find(R"("status":400)"), std::string::npos);
  EXPECT_EQ(refused("not-kept"), 1u);
  world_.intake.refuse(core::Error{core::ErrorCode::kIo, "disk"});
  EXPECT_NE(ask("POST", "/a/_bulk", "{\"create\":{}}\n{\"x\":1}\n").body.find(R"("status":503)"), std::string::npos);
  EXPECT_EQ(ask("POST", "/a/_doc", "{\"x\":1}").status, 503);
}
TEST_F(ElasticTest, PastTheBacklogRequestsAreRefusedWithRetryAfter) {
  HttpInputOptions options;
  options.max_waiting_bytes = 20;
  options.retry_after = std::chrono::seconds(3);
  start(elastic_routes, options);
  world_.intake.hold();
  const auto first = asking("POST", "/a/_doc", "{\"x\":\"0123456789\"}");
  ASSERT_TRUE(world_.intake.wait_count(1));
  for (const char* path : {"/a/_doc", "/a/_bulk"}) {
    const Answer answer =
        ask("POST", path, std::string_view(path).ends_with("_doc") ? "{\"x\":1}" : "{\"index\":{}}\n{\"x\":1}\n");
    EXPECT_EQ(answer.status, 429);
    EXPECT_EQ(answer.header("retry-after"), "3");
  }
  EXPECT_EQ(refused("backlog-full"), 2u);
  world_.intake.release();
  EXPECT_EQ(first->answer().status, 201);
  EXPECT_EQ(ask("POST", "/a/_doc", "{\"x\":1}").status, 201);
}
TEST_F(ElasticTest, LargeRequestsGoOnInSeveralDeliveries) {
  start(elastic_routes);
  std::string body;
  for (int i = 0; i < 5; ++i) body += "{\"index\":{}}\n{\"x\":\"" + std::string(3u << 20, 'a') + "\"}\n";
  const Answer answer = ask("POST", "/a/_bulk", body);
  EXPECT_NE(answer.body.find("\"errors\":false"), std::string::npos);
  const auto got = world_.intake.deliveries();
  ASSERT_EQ(got.size(), 3u);
  for (const auto& delivery : got) EXPECT_LE(delivery.bytes.size(), kDeliveryBytes);
}
TEST_F(ElasticTest, ADocumentMayHaveSeveralLines) {
  start(elastic_routes);
  const Answer answer = ask("PUT", "/a/_doc/my-id", "{\n  \"x\": 1\r\n}\n");
  EXPECT_EQ(answer.status, 201);
  EXPECT_TRUE(answer.body.starts_with(R"({"_index":"a","_id":"my-id",)")) << answer.body;
  EXPECT_EQ(world_.intake.bytes(), "{   \"x\": 1  } \n");
  EXPECT_EQ(ask("POST", "/a/_doc", "[]").status, 400);
}
TEST_F(ElasticTest, TakesTokensInEveryFormClientsHave) {
  start(elastic_routes);
  for (const char* header : {"Authorization: Bearer secret", "Authorization: ApiKey secret",
                             "Authorization: ApiKey aWQ6c2VjcmV0",         // id:secret
                             "Authorization: Basic ZWxhc3RpYzpzZWNyZXQ=",  // elastic:secret
                             "authorization: basic ZWxhc3RpYzpzZWNyZXQ"}) {
    EXPECT_EQ(ask("GET", "/", {}, {header}).status, 200) << header;
  }
  for (const char* header : {"X: y", "Authorization: Bearer", "Authorization: Bearer wrong", "Authorization: Digest secret",
                             "Authorization: Basic secret!", "Authorization: ApiKey c2VjcmV0"}) {
    const Answer answer = ask("POST", "/_bulk", "{}", {header});
    EXPECT_EQ(answer.status, 401) << header;
    EXPECT_EQ(answer.header("x-elastic-product"), "Elasticsearch");
    EXPECT_TRUE(answer.header("www-authenticate").starts_with("Basic")) << header;
  }
  EXPECT_EQ(unauthorized("elastic"), 6u);
}
TEST_F(ElasticTest, AListenerMayHaveADefaultSourceButAWrongTokenIsStillWrong) {
  HttpInputOptions options;
  options.default_source = world_.ref(9, "open");
  start(elastic_routes, options);
  EXPECT_EQ(ask("POST", "/a/_doc", "{}", {}).status, 201);
  EXPECT_EQ(world_.intake.deliveries().at(0).source, model::SourceId{9});
  EXPECT_EQ(ask("POST", "/a/_doc", "{}", {"Authorization: Bearer wrong"}).status, 401);
}
TEST_F(ElasticTest, AClientCertificateNamesItsSource) {
  start(elastic_routes);
  world_.directory.certificates["CN=web"] = *source_;
  const auto status = [this](const std::string& subject, const std::string& authorization) {
    const auto exchange = std::make_shared<testing::OwnExchange>();
    exchange->asked.method = "POST";
    exchange->asked.path = "/a/_doc";
    exchange->asked.body = "{}";
    exchange->asked.client_certificate_subject = subject;
    if (!authorization.empty()) exchange->asked.headers["authorization"] = authorization;
    router_->serve(exchange);
    return exchange->answer.status;
  };
  EXPECT_EQ(status("CN=web", ""), 201);
  EXPECT_EQ(status("CN=other", ""), 401);
  EXPECT_EQ(status("CN=web", "Bearer wrong"), 401);
}
TEST_F(ElasticTest, AnswersWhatShippersAskFirst) {
  start(elastic_routes);
  EXPECT_NE(ask("GET", "/").body.find(R"("number":"8.19.0")"), std::string::npos);
  EXPECT_NE(ask("GET", "/_license").body.find(R"("status":"active")"), std::string::npos);
  EXPECT_NE(ask("GET", "/_cluster/health").body.find("green"), std::string::npos);
  for (const char* path : {"/_xpack", "/_nodes/http", "/_cat/indices", "/_index_template/t", "/_component_template/t",
                           "/_ilm/policy/p", "/_ingest/pipeline/p", "/_data_stream/d", "/_template/t", "/_alias/a"}) {
    const Answer answer = ask("GET", path);
    EXPECT_EQ(answer.status, 200) << path;
    EXPECT_EQ(answer.header("x-elastic-product"), "Elasticsearch") << path;
  }
  for (const char* path : {"/", "/_index_template/t", "/_ilm/policy/p", "/some-index"}) {
    EXPECT_EQ(ask("HEAD", path).status, 200) << path;
  }
  for (const char* path : {"/_index_template/t", "/_component_template/t", "/_ilm/policy/p", "/_ingest/pipeline/p", "/i"}) {
    const Answer answer = ask("PUT", path, "{}");
    EXPECT_EQ(answer.status, 200) << path;
    EXPECT_NE(answer.body.find(R"("acknowledged":true)"), std::string::npos) << path;
  }
}
TEST_F(ElasticTest, EveryOtherPathIsElasticsearchsOwn404) {
  start(elastic_routes);
  for (const char* method : {"GET", "POST", "PUT", "DELETE"}) {
    const Answer answer = ask(method, "/a/_search/deep/er");
    EXPECT_EQ(answer.status, 404) << method;
    EXPECT_EQ(answer.header("x-elastic-product"), "Elasticsearch");
    EXPECT_NE(answer.body.find(R"("status":404)"), std::string::npos);
  }
}
TEST_F(ElasticTest, SpeaksTheVendorsMediaTypeWhereAsked) {
  start(elastic_routes);
  const Answer answer =
      ask("GET", "/", {}, {"Authorization: Bearer secret", "Accept: application/vnd.elasticsearch+json; compatible-with=8"});
  EXPECT_EQ(answer.header("content-type"), "application/vnd.elasticsearch+json;compatible-with=8");
}

TEST(Base64, TakesBothAlphabetsAndRefusesTheRest) {
  EXPECT_EQ(decode_base64("aWQ6c2VjcmV0"), "id:secret");
  EXPECT_EQ(decode_base64("-_8="), "\xFB\xFF");
  EXPECT_EQ(decode_base64("+/8"), "\xFB\xFF");
  EXPECT_EQ(decode_base64(""), "");
  EXPECT_EQ(decode_base64("a"), std::nullopt);
  EXPECT_EQ(decode_base64("a b="), std::nullopt);
}

}  // namespace
}  // namespace tocsin::source
