// The pipeline's test of itself over HTTP.
#include "api/incident_test_support.h"
#include "api/self_test.h"

namespace tocsin::api {
namespace {

class PlainSelfTester final : public SelfTester {
 public:
  [[nodiscard]] std::chrono::seconds every() const override { return std::chrono::minutes(60); }
  core::Result<std::vector<ledger::SelfTest>> newest(std::int64_t limit) override {
    EXPECT_EQ(limit, 200);
    return std::vector<ledger::SelfTest>{
        {2, "net", "syslog-tcp", "hash-of-token", store::kNoon, "f2", "ok", 1'500'000'000, ""},
        {1, "self-test", "http", "hash-of-token", store::kNoon, "", "missed", 0, "gone"}};
  }
  void run_soon() override { ++asked; }
  int asked = 0;
};

class SelfTestsTest : public IncidentFixture {
 protected:
  void change(ApiOptions& changed) override {
    IncidentFixture::change(changed);
    changed.self_test = &tester;
  }
  PlainSelfTester tester;
};
using NoSelfTestsTest = IncidentFixture;

TEST_F(SelfTestsTest, RunsAreShownWithTheirTimesAndWithoutTheirTokens) {
  const Answer answer = get("/api/v1/self-test", boss);
  EXPECT_EQ(answer.at("/every_s"), "3600");
  ASSERT_EQ(answer.count("/items"), 2u) << answer.body;
  EXPECT_EQ(answer.at("/items/0/source"), "net");
  EXPECT_EQ(answer.at("/items/0/detect_s"), "1.5");
  EXPECT_EQ(answer.at("/items/1/state"), "missed");
  EXPECT_EQ(answer.at("/items/1/detect_s"), "null");
  EXPECT_EQ(answer.at("/items/1/problem"), "gone");
  EXPECT_EQ(answer.body.find("hash-of-token"), std::string::npos);
}

TEST_F(SelfTestsTest, ARunIsBegunByOneWhoMayAndIsInTheTrail) {
  EXPECT_EQ(post("/api/v1/self-test/run", boss).status, 204);
  EXPECT_EQ(tester.asked, 1);
  EXPECT_EQ(get("/api/v1/audit?action=self-test.run", boss).count("/items"), 1u);
  EXPECT_EQ(post("/api/v1/self-test/run", ana).status, 403);
  EXPECT_EQ(post("/api/v1/self-test/run", nora).status, 403);  // Sees some tenants.
  EXPECT_EQ(get("/api/v1/self-test", nora).status, 403);
  EXPECT_EQ(tester.asked, 1);
}

TEST_F(NoSelfTestsTest, AProgramThatDoesNotTestItselfSaysSo) {
  EXPECT_EQ(get("/api/v1/self-test", boss).at("/every_s"), "0");
  EXPECT_EQ(post("/api/v1/self-test/run", boss).status, 404);
}

}  // namespace
}  // namespace tocsin::api
