// Reviews of closings.
#include "ledger/reviews.h"

#include <gtest/gtest.h>
#include <sqlite3.h>

#include "testing/temporary_folder.h"

namespace tocsin::ledger {
namespace {

using model::Verdict;

class ReviewsTest : public ::testing::Test {
 protected:
  void SetUp() override { ledger_ = std::move(Ledger::open(path())).value(); }
  [[nodiscard]] std::string path() const { return (folder_.path() / "ledger.db").string(); }
  template <class Work>
  void write(Work work) {
    const auto done = ledger_->write([&](Tables& all) -> core::Result<void> { return work(all); });
    ASSERT_TRUE(done.ok()) << done.error().text;
  }
  void add(IncidentNumber id, const std::string& tenant, Verdict verdict, std::int64_t closed_at, IncidentNumber into = 0) {
    write([&](Tables& all) -> core::Result<void> {
      IncidentTables incidents(all);
      Incident one;
      one.id = id;
      one.tenant = tenant;
      one.title = "one";
      one.state = verdict == Verdict::kNone ? model::IncidentState::kNew : model::IncidentState::kClosed;
      one.verdict = verdict;
      one.merged_into = into;
      if (verdict != Verdict::kNone) one.closed_at = {closed_at};
      TOCSIN_TRY(incidents.insert_incident(one));
      if (verdict == Verdict::kNone) return {};
      TOCSIN_TRY(incidents.add_history({0, id, {closed_at - 5}, "zoe", "closed", "the closing before", ""}));
      return incidents.add_history({0, id, {closed_at}, "ana", "closed", "closed", ""});
    });
  }
  std::vector<IncidentNumber> closed(const ReviewTables::ClosedQuery& query) {
    std::vector<IncidentNumber> out;
    write([&](Tables& all) -> core::Result<void> {
      for (const Closed& one : TOCSIN_TRY(ReviewTables(all).closed(query))) {
        EXPECT_EQ(one.by, "ana");
        out.push_back(one.incident);
      }
      return {};
    });
    return out;
  }
  testing::TemporaryFolder folder_;
  std::unique_ptr<Ledger> ledger_;
};

TEST_F(ReviewsTest, WhatIsClosedWithAVerdictIsFoundInOrderOfTheClosing) {
  add(1, "a", Verdict::kBenign, 300);
  add(2, "a", Verdict::kTruePositive, 100);
  add(3, "b", Verdict::kFalsePositive, 200);
  add(4, "a", Verdict::kDuplicate, 100);
  add(5, "a", Verdict::kNone, 0);
  add(6, "a", Verdict::kBenign, 100, 1);  // Part of another.
  using Numbers = std::vector<IncidentNumber>;
  EXPECT_EQ(closed({}), (Numbers{2, 3, 1}));
  ReviewTables::ClosedQuery query;
  query.tenants = {"a"};
  EXPECT_EQ(closed(query), (Numbers{2, 1}));
  query = {};
  query.from = {200};
  query.to = {300};
  EXPECT_EQ(closed(query), (Numbers{3}));
  query = {};
  query.after_time = {100};
  query.after = 2;
  query.limit = 1;
  EXPECT_EQ(closed(query), (Numbers{3}));
}

TEST_F(ReviewsTest, AnAnswerIsFinal) {
  add(1, "a", Verdict::kBenign, 300);
  write([&](Tables& all) -> core::Result<void> {
    ReviewTables tables(all);
    Review one;
    one.incident = 1;
    one.closing = 2;
    one.closed_at = {300};
    one.first = Verdict::kBenign;
    one.first_by = "ana";
    one.shown_to = "ben";
    one.shown_at = {400};
    one.id = TOCSIN_TRY(tables.insert(one));
    EXPECT_EQ(TOCSIN_TRY(tables.open_of("ben")).size(), 1u);
    EXPECT_TRUE(TOCSIN_TRY(tables.answered({})).empty());
    TOCSIN_TRY(tables.show_to(one.id, "cleo", {450}));
    EXPECT_TRUE(TOCSIN_TRY(tables.open_of("ben")).empty());
    one.verdict = Verdict::kDuplicate;
    EXPECT_EQ(tables.answer(one).error().code, core::ErrorCode::kInvalid);
    one.verdict = Verdict::kTruePositive;
    one.why = "it was real";
    one.answered_at = {500};
    TOCSIN_TRY(tables.answer(one));
    EXPECT_EQ(tables.answer(one).error().code, core::ErrorCode::kNotFound);
    EXPECT_EQ(tables.show_to(one.id, "dan", {600}).error().code, core::ErrorCode::kNotFound);
    const auto found = TOCSIN_TRY(tables.review_of(1, 2));
    EXPECT_EQ(found->verdict, Verdict::kTruePositive);
    EXPECT_EQ(found->first, Verdict::kBenign);
    EXPECT_EQ(found->why, "it was real");
    EXPECT_EQ(TOCSIN_TRY(tables.answered({})).size(), 1u);
    ReviewTables::ClosedQuery other;
    other.tenants = {"b"};
    EXPECT_TRUE(TOCSIN_TRY(tables.answered(other)).empty());
    return {};
  });
  sqlite3* db = nullptr;
  ASSERT_EQ(sqlite3_open(path().c_str(), &db), SQLITE_OK);
  EXPECT_EQ(sqlite3_exec(db, "update reviews set verdict = 'benign'", nullptr, nullptr, nullptr), SQLITE_CONSTRAINT);
  EXPECT_EQ(sqlite3_exec(db, "delete from reviews", nullptr, nullptr, nullptr), SQLITE_CONSTRAINT);
  sqlite3_close(db);
}

TEST_F(ReviewsTest, OneClosingHasOneReview) {
  add(1, "a", Verdict::kBenign, 300);
  write([&](Tables& all) -> core::Result<void> {
    Review one;
    one.incident = 1;
    one.closing = 2;
    TOCSIN_TRY(ReviewTables(all).insert(one));
    return {};
  });
  const auto again = ledger_->write([](Tables& all) -> core::Result<void> {
    Review one;
    one.incident = 1;
    one.closing = 2;
    TOCSIN_TRY(ReviewTables(all).insert(one));
    return {};
  });
  EXPECT_EQ(again.error().code, core::ErrorCode::kInvalid);
}

}  // namespace
}  // namespace tocsin::ledger
