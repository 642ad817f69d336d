#include "ledger/self_tests.h"

#include <gtest/gtest.h>

#include "testing/temporary_folder.h"

namespace tocsin::ledger {
namespace {

class SelfTestsTest : public ::testing::Test {
 protected:
  void SetUp() override { ledger_ = std::move(Ledger::open((folder_.path() / "ledger.db").string())).value(); }
  template <class Work>
  void write(Work work) {
    const auto done = ledger_->write([&](Tables& all) -> core::Result<void> {
      SelfTestTables tables(all);
      return work(tables);
    });
    ASSERT_TRUE(done.ok()) << done.error().text;
  }
  static SelfTest test(const std::string& token_hash) {
    SelfTest out;
    out.source = "syslog";
    out.kind = "syslog-tcp";
    out.token_hash = token_hash;
    out.at = {100};
    return out;
  }
  testing::TemporaryFolder folder_;
  std::unique_ptr<Ledger> ledger_;
};

TEST_F(SelfTestsTest, OneFindingClaimsATokenAndNoOtherDoes) {
  write([&](SelfTestTables& tables) -> core::Result<void> {
    TOCSIN_TRY(tables.insert(test("a")));
    EXPECT_TRUE(TOCSIN_TRY(tables.claim("a", "finding-1")));
    EXPECT_TRUE(TOCSIN_TRY(tables.claim("a", "finding-1")));  // Asked again.
    EXPECT_FALSE(TOCSIN_TRY(tables.claim("a", "finding-2")));
    EXPECT_FALSE(TOCSIN_TRY(tables.claim("made up", "finding-3")));
    EXPECT_EQ(TOCSIN_TRY(tables.newest(9)).front().finding, "finding-1");
    return {};
  });
}

TEST_F(SelfTestsTest, ARunEndsWithWhatCameOfIt) {
  write([&](SelfTestTables& tables) -> core::Result<void> {
    SelfTest one = test("a");
    one.id = TOCSIN_TRY(tables.insert(one));
    TOCSIN_TRY(tables.insert(test("b")));
    EXPECT_EQ(TOCSIN_TRY(tables.newest(9)).front().state, "running");
    one.state = "ok";
    one.detect_ns = 7;
    TOCSIN_TRY(tables.finish(one));
    TOCSIN_TRY(tables.end_running("stopped"));
    const auto all = TOCSIN_TRY(tables.newest(9));
    EXPECT_EQ(all.size(), 2u);
    EXPECT_EQ(all[0].state, "missed");
    EXPECT_EQ(all[0].problem, "stopped");
    EXPECT_EQ(all[1].state, "ok");
    EXPECT_EQ(all[1].detect_ns, 7);
    EXPECT_EQ(TOCSIN_TRY(tables.newest(1)).size(), 1u);
    return {};
  });
}

TEST_F(SelfTestsTest, TheNewestAreKept) {
  write([&](SelfTestTables& tables) -> core::Result<void> {
    for (std::int64_t i = 0; i <= kMaxSelfTests; ++i) TOCSIN_TRY(tables.insert(test(std::to_string(i))));
    const auto all = TOCSIN_TRY(tables.newest(2 * kMaxSelfTests));
    EXPECT_EQ(static_cast<std::int64_t>(all.size()), kMaxSelfTests);
    EXPECT_EQ(all.back().token_hash, "1");
    return {};
  });
}

}  // namespace
}  // namespace tocsin::ledger
