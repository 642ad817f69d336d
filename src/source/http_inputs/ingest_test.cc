#include <gtest/gtest.h>

#include "source/http_inputs/cut_body.h"
#include "source/http_inputs/http_test_support.h"

namespace tocsin::source {
namespace {

using testing::Answer;

class IngestTest : public testing::HttpInputTest {
 protected:
  Answer send(std::string_view body, const std::string& query = "", std::vector<std::string> more = {}) {
    more.emplace_back("Authorization: Bearer secret");
    return ask("POST", "/api/v1/ingest/web" + query, body, more);
  }
};

TEST_F(IngestTest, TakesLinesAndSaysHowMany) {
  start(ingest_routes);
  const Answer answer = send("{\"a\":1}\n{\"a\":2}");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, R"({"accepted_bytes":15,"records":2})");
  const auto got = world_.intake.deliveries();
  ASSERT_EQ(got.size(), 1u);
  EXPECT_EQ(got[0].bytes, "{\"a\":1}\n{\"a\":2}");
  EXPECT_EQ(got[0].peer, "127.0.0.1");
  EXPECT_EQ(got[0].once_key, "");
}
TEST_F(IngestTest, TheFormatIsTheQuerysThenTheSourcesThenTheContents) {
  start(ingest_routes);
  send("a\n", "?format=syslog");
  send("a\n");
  EXPECT_EQ(world_.intake.deliveries().at(0).format, model::Format::kSyslog);
  EXPECT_EQ(world_.intake.deliveries().at(1).format, model::Format::kText);
  world_.directory.tokens["secret"].format = model::Format::kCsv;
  send("a\n");
  EXPECT_EQ(world_.intake.deliveries().at(2).format, model::Format::kCsv);
  const Answer answer = send("a\n", "?format=word");
  EXPECT_EQ(answer.status, 400);
  EXPECT_NE(answer.body.find("there is no format 'word'; there are evtx,"), std::string::npos) << answer.body;
}
TEST_F(IngestTest, ATokenIsForItsOwnSourceOnly) {
  start(ingest_routes);
  world_.directory.tokens["other"] = world_.ref(8, "db");
  EXPECT_EQ(ask("POST", "/api/v1/ingest/web", "a\n", {}).status, 401);
  EXPECT_EQ(ask("POST", "/api/v1/ingest/web", "a\n", {"Authorization: Bearer wrong"}).status, 401);
  EXPECT_EQ(ask("POST", "/api/v1/ingest/web", "a\n", {"Authorization: Bearer other"}).status, 403);
  EXPECT_EQ(ask("POST", "/api/v1/ingest/none", "a\n").status, 403);
  EXPECT_TRUE(world_.intake.deliveries().empty());
  EXPECT_EQ(unauthorized("ingest"), 4u);
}
TEST_F(IngestTest, BytesThatAreNoLogAre422) {
  start(ingest_routes);
  const Answer answer =
      send(std::string_view("\x7F"
                            "ELF\0\0",
                            6));
  EXPECT_EQ(answer.status, 422);
  EXPECT_EQ(answer.header("content-type"), "application/problem+json");
  EXPECT_NE(answer.body.find("the bytes are no log"), std::string::npos);
  EXPECT_EQ(refused("no-log"), 1u);
  EXPECT_EQ(send("").status, 422);
}
TEST_F(IngestTest, TheIdempotencyKeyNamesEachPiece) {
  start(ingest_routes);
  send("a\n", "", {"Idempotency-Key: k-1"});
  EXPECT_EQ(world_.intake.deliveries().at(0).once_key, "7/k-1/0");
  EXPECT_EQ(send("a\n", "", {"Idempotency-Key: " + std::string(255, 'k')}).status, 200);
  EXPECT_EQ(send("a\n", "", {"Idempotency-Key: " + std::string(256, 'k')}).status, 400);
  EXPECT_EQ(send("a\n", "", {"Idempotency-Key: a b"}).status, 400);
}
TEST_F(IngestTest, LargeBodiesAreCutAtRecords) {
  start(ingest_routes);
  const std::string line = std::string(999, 'x') + "\n";
  std::string body;
  while (body.size() < 2 * kDeliveryBytes + 5'000) body += line;
  EXPECT_EQ(send(body, "", {"Idempotency-Key: k"}).status, 200);
  const auto got = world_.intake.deliveries();
  ASSERT_EQ(got.size(), 3u);
  for (std::size_t i = 0; i < got.size(); ++i) {
    EXPECT_LE(got[i].bytes.size(), kDeliveryBytes);
    EXPECT_EQ(got[i].bytes.size() % line.size(), 0u);
    EXPECT_EQ(got[i].once_key, "7/k/" + std::to_string(i));
  }
  EXPECT_EQ(world_.intake.bytes(), body);
}
TEST_F(IngestTest, FailuresAreProblemsWithRetryAfter) {
  start(ingest_routes);
  world_.intake.refuse(core::Error{core::ErrorCode::kIo, "the disk failed"});
  Answer answer = send("a\n");
  EXPECT_EQ(answer.status, 503);
  EXPECT_EQ(answer.header("retry-after"), "1");
  EXPECT_NE(answer.body.find("the disk failed"), std::string::npos);
  world_.intake.refuse(core::Error{core::ErrorCode::kLimit, "full"});
  EXPECT_EQ(send("a\n").status, 429);
}
TEST_F(IngestTest, PastTheBacklogRequestsAre429) {
  HttpInputOptions options;
  options.max_waiting_bytes = 3;
  start(ingest_routes, options);
  world_.intake.hold();
  const auto first = asking("POST", "/api/v1/ingest/web", "abc\n");
  ASSERT_TRUE(world_.intake.wait_count(1));
  const Answer answer = send("a\n");
  EXPECT_EQ(answer.status, 429);
  EXPECT_EQ(answer.header("retry-after"), "1");
  world_.intake.release();
  EXPECT_EQ(first->answer().status, 200);
}

// Units that end at ';', behind a header line.
class HeaderFormats final : public Formats {
 public:
  [[nodiscard]] std::unique_ptr<Cutter> cutter(model::Format, std::string_view) const override {
    class HeaderCutter final : public Cutter {
     public:
      std::size_t cut(std::string_view buffer, bool last) override { return last ? buffer.size() : buffer.rfind(';') + 1; }
      [[nodiscard]] std::string_view header() const override { return "h\n"; }
      [[nodiscard]] model::Format format() const override { return model::Format::kCsv; }
    };
    return std::make_unique<HeaderCutter>();
  }
};
TEST(CutBody, TheHeaderGoesWithEveryPieceButTheFirst) {
  testing::World world;
  const HeaderFormats formats;
  SourceContext context{world.intake, world.clock, world.metrics, world.directory, formats};
  const HttpInput input("ingest", context, {});
  std::string body = "h\n";
  while (body.size() < kDeliveryBytes + 1'000) body += "0123456789;";
  const auto parcels = cut_body(input, {.source = world.ref(1, "a"), .format = {}, .peer = "p", .once_key = {}}, body);
  ASSERT_TRUE(parcels.ok());
  ASSERT_EQ(parcels.value().size(), 2u);
  EXPECT_EQ(parcels.value()[0].delivery.header, "");
  EXPECT_EQ(parcels.value()[1].delivery.header, "h\n");
}
TEST(CutBody, ARecordLargerThanADeliveryIsRefused) {
  testing::World world;
  const HttpInput input("ingest", world.context(), {});
  const BodyOrigin origin{.source = world.ref(1, "a"), .format = {}, .peer = "p", .once_key = {}};
  EXPECT_TRUE(cut_body(input, origin, std::string(model::kMaxDeliveryBytes, 'a')).ok());
  const auto parcels = cut_body(input, origin, std::string(model::kMaxDeliveryBytes + 1, 'a'));
  ASSERT_FALSE(parcels.ok());
  EXPECT_EQ(parcels.error().code, core::ErrorCode::kLimit);
}

}  // namespace
}  // namespace tocsin::source
