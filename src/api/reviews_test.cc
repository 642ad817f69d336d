// Blind reviews over HTTP: who is shown what, and what comes of the answers.
#include "api/incident_test_support.h"
#include "measure/sample.h"

namespace tocsin::api {
namespace {

class ReviewsApiTest : public IncidentFixture {
 protected:
  void change(ApiOptions& changed) override {
    IncidentFixture::change(changed);
    changed.review_key = std::make_shared<const core::Secret>(measure::sample_key(core::Secret("of the test")));
  }
  void SetUp() override {
    IncidentFixture::SetUp();
    if (!server) return;
    ben = user("ben", auth::Role::kAnalyst, {"own"});
    share("100");
  }
  void share(const std::string& percent) {
    platform.setting_list = {{"reviews.share_percent", percent, "default", "", true}};
  }
  void close(int number, const Identity& who, const std::string& verdict = "benign") {
    const Answer answer = post("/api/v1/incidents/" + std::to_string(number) + "/close", who,
                               R"({"verdict":")" + verdict + R"(","cause":"secret-cause"})");
    ASSERT_EQ(answer.status, 200) << answer.body;
  }
  Answer next(const Identity& who) { return get("/api/v1/reviews/next", who); }
  Answer reply(const std::string& id, const Identity& who, const std::string& verdict) {
    return post("/api/v1/reviews/" + id, who, R"({"verdict":")" + verdict + R"(","why":"I looked"})");
  }
  Identity ben;
};

TEST_F(ReviewsApiTest, IsShownToAnotherThanTheOneWhoClosedIt) {
  EXPECT_EQ(next(ben).at("/review"), "null");
  close(1, ana);
  EXPECT_EQ(next(ana).at("/review"), "null");
  const Answer shown = next(ben);
  EXPECT_EQ(shown.at("/review/incident/id"), "INC-1") << shown.body;
  EXPECT_EQ(shown.count("/review/incident/findings"), 3u);
  EXPECT_EQ(next(viewer).status, 403);
}

TEST_F(ReviewsApiTest, NothingThatIsShownTellsWhatWasDecidedOrByWhom) {
  ASSERT_EQ(patch("/api/v1/incidents/1", ana, R"({"owner":"ana","tags":["harmless-tag"],"state":"contained"})").status, 200);
  ASSERT_EQ(post("/api/v1/incidents/1/comments", ana, R"({"text":"secret-comment"})").status, 200);
  write([](IncidentTables& tables) -> core::Result<void> {
    TOCSIN_TRY(tables.add_link({1, 2, "duplicate", "secret-link", "ana", store::kNoon}));
    TOCSIN_TRY(tables.add_history({0, 1, store::kNoon, "rule:9", "automatic", "closed as benign: secret-rule", ""}));
    return tables.move_member("own-2", 1, R"([{"kind":"by_hand","text":"put here by ana: secret-why"}])", "ana");
  });
  close(1, ana);
  write(
      [](IncidentTables& tables) { return tables.add_history({0, 1, store::kNoon, "ana", "comment", "secret-after", ""}); });
  const Answer shown = next(ben);
  ASSERT_EQ(shown.at("/review/incident/id"), "INC-1") << shown.body;
  for (const char* hint :
       {"secret", "benign", "verdict", "cause", "harmless-tag", "contained", "closed", "\"ana\"", "owner"}) {
    EXPECT_EQ(shown.body.find(hint), std::string::npos) << hint << " in " << shown.body;
  }
  EXPECT_NE(shown.body.find("Macro on WS-042"), std::string::npos);
  const Answer measure = get("/api/v1/reviews/measure", ben);
  EXPECT_EQ(measure.at("/closed"), "1");
  EXPECT_EQ(measure.at("/reviewed"), "0");
  EXPECT_EQ(measure.count("/pairs"), 0u);
  EXPECT_EQ(measure.body.find("benign"), std::string::npos) << measure.body;
}

TEST_F(ReviewsApiTest, WhatIsShownIsTheSameWhateverTheFirstVerdictWas) {
  close(1, ana, "benign");
  const std::string first = next(ben).at("/review/incident");
  ASSERT_EQ(post("/api/v1/incidents/1/reopen", ana, R"({"why":"again"})").status, 200);
  close(1, ana, "true_positive");
  EXPECT_EQ(next(ben).at("/review/incident"), first);
}

TEST_F(ReviewsApiTest, TheAnswerIsKeptShowsBothAndLeavesTheIncidentAlone) {
  close(1, ana, "benign");
  close(2, ana, "true_positive");
  const std::string before = get("/api/v1/incidents/1", boss).body + get("/api/v1/incidents/1/history", boss).body;
  const Answer shown = next(ben);
  EXPECT_EQ(next(ben).at("/review/id"), shown.at("/review/id"));  // Until it is answered.
  const Answer answered = reply(shown.at("/review/id"), ben, "false_positive");
  ASSERT_EQ(answered.status, 200) << answered.body;
  EXPECT_EQ(answered.at("/first"), "benign");
  EXPECT_EQ(answered.at("/second"), "false_positive");
  EXPECT_EQ(answered.at("/first_by"), "ana");
  EXPECT_EQ(answered.at("/agreed"), "false");
  EXPECT_EQ(reply(shown.at("/review/id"), ben, "benign").status, 404);  // Final.
  EXPECT_EQ(get("/api/v1/incidents/1", boss).body + get("/api/v1/incidents/1/history", boss).body, before);
  const Answer other = next(ben);
  EXPECT_EQ(other.at("/review/incident/id"), "INC-2");
  ASSERT_EQ(reply(other.at("/review/id"), ben, "true_positive").status, 200);
  EXPECT_EQ(next(ben).at("/review"), "null");
  const Answer measure = get("/api/v1/reviews/measure", viewer);
  EXPECT_EQ(measure.at("/closed"), "2");
  EXPECT_EQ(measure.at("/sampled"), "2");
  EXPECT_EQ(measure.at("/reviewed"), "2");
  EXPECT_EQ(measure.at("/agreed"), "1");
  EXPECT_EQ(measure.at("/agreement/mean"), "0.5");
  EXPECT_EQ(measure.count("/pairs"), 2u);
  EXPECT_EQ(get("/api/v1/audit?action=review.answer", boss).count("/items"), 2u);
}

TEST_F(ReviewsApiTest, OnlyTheOneWhoWasShownItAnswersAndWithAVerdictAndAReason) {
  close(1, ana);
  const std::string id = next(ben).at("/review/id");
  EXPECT_EQ(reply(id, ana, "benign").status, 404);
  EXPECT_EQ(reply(id, nora, "benign").status, 404);
  EXPECT_EQ(reply("99", ben, "benign").status, 404);
  EXPECT_EQ(reply(id, viewer, "benign").status, 403);
  EXPECT_EQ(reply(id, ben, "duplicate").at("/field"), "verdict");
  EXPECT_EQ(post("/api/v1/reviews/" + id, ben, R"({"verdict":"benign"})").at("/field"), "why");
  EXPECT_EQ(reply(id, ben, "benign").status, 200);
}

TEST_F(ReviewsApiTest, OneThatWasLeftIsShownToAnotherAfterADay) {
  close(1, ana);
  const std::string id = next(ben).at("/review/id");
  EXPECT_EQ(next(nora).at("/review"), "null");
  clock->advance(std::chrono::hours(25));
  boss = log_in("admin");
  const Answer taken = next(boss);
  EXPECT_EQ(taken.at("/review/id"), id) << taken.body;
  ben = log_in("ben");
  EXPECT_EQ(reply(id, ben, "benign").status, 404);
  EXPECT_EQ(reply(id, boss, "benign").status, 200);
}

TEST_F(ReviewsApiTest, OneWhoseIncidentWasOpenedAgainIsVoid) {
  close(1, ana);
  const std::string id = next(ben).at("/review/id");
  ASSERT_EQ(post("/api/v1/incidents/1/reopen", ana, R"({"why":"again"})").status, 200);
  EXPECT_EQ(next(ben).at("/review"), "null");
  EXPECT_EQ(reply(id, ben, "benign").status, 404);
  close(1, ben);
  EXPECT_EQ(next(ben).at("/review"), "null");  // Now it is their own.
}

TEST_F(ReviewsApiTest, WhatIsNotSampledIsNotShown) {
  share("0");
  close(1, ana);
  EXPECT_EQ(next(ben).at("/review"), "null");
  const Answer measure = get("/api/v1/reviews/measure", ben);
  EXPECT_EQ(measure.at("/closed"), "1");
  EXPECT_EQ(measure.at("/sampled"), "0");
  EXPECT_EQ(measure.at("/agreement"), "null");
  EXPECT_EQ(measure.at("/kappa"), "null");
}

TEST_F(ReviewsApiTest, AnotherTenantsIncidentIsNeitherShownNorCounted) {
  close(3, boss);
  EXPECT_EQ(next(ben).at("/review"), "null");
  EXPECT_EQ(get("/api/v1/reviews/measure", ben).at("/closed"), "0");
  EXPECT_EQ(get("/api/v1/reviews/measure?tenant=other", ben).at("/field"), "tenant");
  EXPECT_EQ(get("/api/v1/reviews/measure?tenant=other", boss).at("/closed"), "1");
  EXPECT_EQ(get("/api/v1/reviews/measure?from=now&to=now-1h", ben).at("/field"), "from");
}

}  // namespace
}  // namespace tocsin::api

TOCSIN_API_TEST_MAIN()
