#include <gtest/gtest.h>
#include <sqlite3.h>

#include "ledger/audit_chain.h"
#include "ledger/ledger.h"
#include "testing/temporary_folder.h"

namespace tocsin::ledger {
namespace {

class AuditTest : public ::testing::Test {
 protected:
  void SetUp() override {
    path_ = (folder_.path() / "ledger.db").string();
    auto opened = Ledger::open(path_);
    ASSERT_TRUE(opened.ok()) << opened.error().text;
    ledger_ = std::move(opened).value();
  }
  void append(int count) {
    auto done = ledger_->write([&](Tables& t) -> core::Result<void> {
      for (int i = 0; i < count; ++i) {
        TOCSIN_TRY(t.append_audit({{100 + i},
                                   i % 2 == 0 ? "alice" : "bob",
                                   i % 3 == 0 ? "login.ok" : "login",
                                   "o",
                                   "192.0.2.1",
                                   "{\"n\":" + std::to_string(i) + "}"}));
      }
      return {};
    });
    ASSERT_TRUE(done.ok()) << done.error().text;
  }
  void raw(const std::string& statements) {
    sqlite3* db = nullptr;
    ASSERT_EQ(sqlite3_open(path_.c_str(), &db), SQLITE_OK);
    char* message = nullptr;
    EXPECT_EQ(sqlite3_exec(db, statements.c_str(), nullptr, nullptr, &message), SQLITE_OK) << message;
    sqlite3_close(db);
  }
  std::int64_t first_broken() {
    auto verdict = ledger_->verify_audit();
    EXPECT_TRUE(verdict.ok());
    return verdict.ok() ? verdict->first_broken : -1;
  }
  tocsin::testing::TemporaryFolder folder_;
  std::string path_;
  std::unique_ptr<Ledger> ledger_;
};

TEST_F(AuditTest, EmptyTrailIsIntact) { EXPECT_EQ(first_broken(), 0); }

TEST_F(AuditTest, LongTrailIsIntactOverPages) {
  append(static_cast<int>(kMaxAuditPage) + 1);
  const auto verdict = ledger_->verify_audit();
  ASSERT_TRUE(verdict.ok());
  EXPECT_TRUE(verdict->intact()) << verdict->reason;
  EXPECT_EQ(verdict->checked, kMaxAuditPage + 1);
  EXPECT_EQ(verdict->head.sequence, kMaxAuditPage + 1);
}

TEST_F(AuditTest, FindsAnyAlteredField) {
  for (const char* change : {"time = time + 1", "actor = 'eve'", "action = 'x'", "object = ''", "address = ''",
                             "detail = '{}'", "hash = previous_hash", "previous_hash = hash"}) {
    raw("delete from audit; delete from audit_head");
    append(6);
    EXPECT_EQ(first_broken(), 0);
    raw("update audit set " + std::string(change) + " where sequence = 3");
    EXPECT_EQ(first_broken(), 3) << change;
  }
}

TEST_F(AuditTest, FindsAMovedFieldBorder) {
  append(3);
  raw("update audit set actor = actor || 'l', action = substr(action, 2) where sequence = 2");
  EXPECT_EQ(first_broken(), 2);
}

TEST_F(AuditTest, FindsARemovedRecord) {
  append(6);
  raw("delete from audit where sequence = 4");
  EXPECT_EQ(first_broken(), 4);
}

TEST_F(AuditTest, FindsARemovedLastRecord) {
  append(6);
  raw("delete from audit where sequence = 6");
  EXPECT_EQ(first_broken(), 6);
}

TEST_F(AuditTest, FindsARemovedRecordWhoseNumberWasClosed) {
  append(6);
  raw("delete from audit where sequence = 4; update audit set sequence = sequence - 1 where sequence > 4");
  EXPECT_EQ(first_broken(), 4);
}

TEST_F(AuditTest, FindsSwappedRecords) {
  append(6);
  raw("update audit set sequence = 99 where sequence = 2; update audit set sequence = 2 where sequence = 5; "
      "update audit set sequence = 5 where sequence = 99");
  EXPECT_EQ(first_broken(), 2);
}

TEST_F(AuditTest, FindsAnAddedRecord) {
  append(2);
  raw("insert into audit select 3, time, actor, action, object, address, detail, hash, hash from audit where sequence = 2");
  EXPECT_EQ(first_broken(), 3);
}

TEST_F(AuditTest, UndoneTransactionLeavesNoGap) {
  append(1);
  EXPECT_FALSE(ledger_
                   ->write([](Tables& t) -> core::Result<void> {
                     TOCSIN_TRY(t.append_audit({{1}, "a", "b", "", "", ""}));
                     return core::Error{core::ErrorCode::kDenied, "no"};
                   })
                   .ok());
  append(1);
  EXPECT_EQ(first_broken(), 0);
}

TEST_F(AuditTest, LongAndStrangeTextsAreCutAndStayVerifiable) {
  auto done = ledger_->write([](Tables& t) -> core::Result<void> {
    const auto record =
        TOCSIN_TRY(t.append_audit({{1}, std::string(5'000, 'a'), std::string("x\0y", 3), "\xff\xfe\n", "", ""}));
    EXPECT_EQ(record.entry.actor.size(), kMaxAuditTextBytes);
    EXPECT_EQ(record.entry.action, "x?y");
    EXPECT_FALSE(t.append_audit({{1}, "", "", "", "", std::string(kMaxJsonBytes + 1, ' ')}).ok());
    return {};
  });
  EXPECT_TRUE(done.ok());
  EXPECT_EQ(first_broken(), 0);
}

TEST_F(AuditTest, PagesGoBackFromTheNewest) {
  append(10);
  auto done = ledger_->read([](Tables& t) -> core::Result<void> {
    auto page = TOCSIN_TRY(t.audit({0, 3, "", ""}));
    EXPECT_TRUE(page.size() == 3 && page.front().sequence == 10 && page.back().sequence == 8);
    page = TOCSIN_TRY(t.audit({8, 100, "alice", ""}));
    EXPECT_TRUE(page.size() == 4 && page.front().sequence == 7);
    EXPECT_EQ(TOCSIN_TRY(t.audit({0, 100, "", "login"})).size(), 10u);
    EXPECT_EQ(TOCSIN_TRY(t.audit({0, 100, "", "login.ok"})).size(), 4u);
    EXPECT_EQ(TOCSIN_TRY(t.audit({0, 100, "", "log"})).size(), 0u);
    return {};
  });
  EXPECT_TRUE(done.ok()) << done.error().text;
}

}  // namespace
}  // namespace tocsin::ledger
