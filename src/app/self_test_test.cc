// The pipeline's test of itself, over a real store and ledger; what a finding looks like is made up here, and true in
// test/serve_test.py.
#include "app/self_test.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "app/triage_runner.h"
#include "auth/token.h"
#include "detect/rule_set.h"
#include "ledger/incidents.h"
#include "store/store_test_support.h"
#include "testing/patience.h"
#include "testing/temporary_folder.h"

namespace tocsin::app {
namespace {

using store::engine_library;

class SelfTestTest : public ::testing::Test {
 protected:
  void SetUp() override {
    TOCSIN_NEEDS_ENGINE();
    store::StoreOptions options;
    options.folder = (folder_.path() / "store").string();
    options.engine_library = engine_library();
    options.program = store::store_program();
    store_ = std::move(store::Store::open(options, metrics_)).value();
    ledger_ = std::move(ledger::Ledger::open((folder_.path() / "ledger.db").string())).value();
    make(tocsin::testing::kPatience);
  }
  void make(std::chrono::milliseconds patience) {
    self_test_ = std::make_unique<SelfTest>(SelfTest::Parts{*ledger_, *store_, clock_, metrics_, [this] { return ways_; },
                                                            [] { return std::chrono::seconds(0); }, patience,
                                                            std::chrono::seconds(60)});
  }
  // What the pipeline would store of the line.
  core::Result<void> put(const std::string& id, const std::string& line, const std::string& rule = kSelfTestRuleId) {
    store::Block block;
    store::FindingRow row;
    row.id = id;
    row.sequence = 9;
    row.event_time = row.received_at = row.detected_at = clock_.now();
    row.tenant = "default";
    row.rule_id = rule;
    row.rule_title = "Self-test";
    row.level = "informational";
    row.severity_id = 1;
    const std::string document = "{\"class_uid\":2004,\"raw\":" + line + "}";
    row.finding = document;
    block.add(row);
    return store_->insert(block, tocsin::testing::kPatience);
  }
  SelfTestWay way(const std::string& name, const std::string& finding) {
    return {name, "http", [this, finding](const std::string& line) -> core::Result<void> {
              sent_.push_back(line);
              return finding.empty() ? core::Result<void>() : put(finding, line);
            }};
  }
  std::vector<ledger::SelfTest> rows() {
    auto out = self_test_->newest(100);
    EXPECT_TRUE(out.ok());
    return std::move(*out);
  }
  bool marked(const std::string& finding, const std::string& document, const std::string& rule = kSelfTestRuleId) {
    const auto out = self_test_->marks(rule, finding, document);
    EXPECT_TRUE(out.ok()) << out.error().text;
    return out.ok() && *out;
  }
  testing::TemporaryFolder folder_;
  core::FakeClock clock_{store::kNoon};
  core::Metrics metrics_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<ledger::Ledger> ledger_;
  std::vector<SelfTestWay> ways_;
  std::vector<std::string> sent_;
  std::unique_ptr<SelfTest> self_test_;
};

TEST_F(SelfTestTest, ItsRuleIsOne) {
  const detect::RuleSet rules = detect::load_rules({{kSelfTestRulePath, kSelfTestRule}}, {});
  ASSERT_EQ(rules.rules.size(), 1u);
  EXPECT_EQ(rules.refused_count, 0u);
  EXPECT_EQ(rules.rules[0].info.id, kSelfTestRuleId);
}

TEST_F(SelfTestTest, TheTimeUntilTheFindingIsStoredIsKept) {
  ways_ = {way("one", "f1"), way("two", "f2")};
  const auto done = self_test_->run();
  ASSERT_TRUE(done.ok()) << done.error().text;
  const auto all = rows();
  ASSERT_EQ(all.size(), 2u);
  for (const auto& row : all) {
    EXPECT_EQ(row.state, "ok") << row.problem;
    EXPECT_GT(row.detect_ns, 0);
  }
  EXPECT_TRUE(self_test_->health().ok);
  EXPECT_NE(metrics_.prometheus_text().find("tocsin_self_tests_total{outcome=\"ok\"} 2"), std::string::npos);
}

TEST_F(SelfTestTest, WhatDoesNotComeIsAnAlarmUntilItComesAgain) {
  make(std::chrono::milliseconds(1'000));
  ways_ = {way("one", "f1"), way("lost", ""), {"broken", "syslog-tcp", [](const std::string&) -> core::Result<void> {
                                                 return core::Error{core::ErrorCode::kIo, "cannot connect"};
                                               }}};
  ASSERT_TRUE(self_test_->run().ok());
  const auto all = rows();
  ASSERT_EQ(all.size(), 3u);
  EXPECT_EQ(all[0].state, "missed");
  EXPECT_EQ(all[0].problem, "cannot connect");
  EXPECT_EQ(all[1].problem, "its finding was not stored within 1 s");
  EXPECT_EQ(all[2].state, "ok");
  EXPECT_FALSE(self_test_->health().ok);
  EXPECT_NE(self_test_->health().problem.find("lost: "), std::string::npos);
  EXPECT_NE(metrics_.prometheus_text().find("tocsin_self_tests_total{outcome=\"missed\"} 2"), std::string::npos);
  make(tocsin::testing::kPatience);
  ways_ = {way("lost", "f2")};
  ASSERT_TRUE(self_test_->run().ok());
  EXPECT_TRUE(self_test_->health().ok);
}

TEST_F(SelfTestTest, OnlyTheFindingOfARealTokenIsMarkedAndOnlyOnce) {
  ways_ = {way("one", "f1")};
  ASSERT_TRUE(self_test_->run().ok());
  const std::string forged = "{\"self_test\":\"" + std::string(auth::new_token(kSelfTestTokenPrefix).reveal()) + "\"}";
  EXPECT_FALSE(marked("f9", forged));
  EXPECT_FALSE(marked("f9", "{}"));
  EXPECT_FALSE(marked("f9", "tst_short"));
  EXPECT_FALSE(marked("f9", sent_[0], "another-rule"));
  EXPECT_TRUE(marked("f1", sent_[0]));
  EXPECT_TRUE(marked("f1", sent_[0]));
  EXPECT_FALSE(marked("f2", sent_[0])) << "who has seen a token can hide nothing with it";
  // A restart knows it still.
  make(tocsin::testing::kPatience);
  EXPECT_TRUE(marked("f1", sent_[0]));
  EXPECT_FALSE(marked("f2", sent_[0]));
}

TEST_F(SelfTestTest, NoIncidentHasItAndAForgedOneIsInOne) {
  ways_ = {way("one", "f1")};
  ASSERT_TRUE(self_test_->run().ok());
  auto desk = open_desk(*ledger_, "", clock_, metrics_, [](const api::LiveEvent&) {});
  ASSERT_TRUE(desk.ok()) << desk.error().text;
  TriageRunner runner(*store_, **desk, *ledger_, clock_, metrics_);
  runner.leave_out([this](std::string_view rule, std::string_view id, std::string_view document) {
    return self_test_->marks(rule, id, document);
  });
  const auto rounds = [&] {
    while (true) {
      const auto more = runner.round();
      ASSERT_TRUE(more.ok()) << more.error().text;
      if (!*more) break;
    }
    const auto swept = runner.sweep();
    ASSERT_TRUE(swept.ok()) << swept.error().text;
  };
  const auto incidents = [&] {
    std::int64_t count = 0;
    EXPECT_TRUE(ledger_
                    ->read([&](ledger::Tables& all) -> core::Result<void> {
                      count = TOCSIN_TRY(ledger::IncidentTables(all).open_count());
                      return {};
                    })
                    .ok());
    return count;
  };
  rounds();
  EXPECT_EQ(incidents(), 0);
  EXPECT_EQ((*desk)->position().sequence, 9u) << "the position goes on though all was left out";
  ASSERT_TRUE(put("g1", sent_[0]).ok());
  rounds();
  EXPECT_EQ(incidents(), 1);
}

TEST_F(SelfTestTest, WhatAnEndedProgramLeftIsMissed) {
  const auto kept = ledger_->write([](ledger::Tables& all) -> core::Result<void> {
    ledger::SelfTest one;
    one.source = "s";
    one.token_hash = "h";
    TOCSIN_TRY(ledger::SelfTestTables(all).insert(one));
    return {};
  });
  ASSERT_TRUE(kept.ok());
  self_test_->start();
  self_test_->stop();
  ASSERT_EQ(rows().size(), 1u);
  EXPECT_EQ(rows()[0].state, "missed");
}

TEST_F(SelfTestTest, ARunThatIsAskedForComesThoughTheScheduleIsOff) {
  ways_ = {way("one", "f1")};
  self_test_->start();
  self_test_->run_soon();
  const auto until = std::chrono::steady_clock::now() + tocsin::testing::kPatience;
  while ((rows().empty() || rows()[0].state != "ok") && std::chrono::steady_clock::now() < until) std::this_thread::yield();
  self_test_->stop();
  ASSERT_EQ(rows().size(), 1u);
  EXPECT_EQ(rows()[0].state, "ok");
}

TEST(SendSyslogTcp, SendsOneFramedMessage) {
  const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof at;
  ASSERT_EQ(::bind(listener, reinterpret_cast<sockaddr*>(&at), size), 0);
  ASSERT_EQ(::listen(listener, 1), 0);
  ASSERT_EQ(::getsockname(listener, reinterpret_cast<sockaddr*>(&at), &size), 0);
  const auto sent = send_syslog_tcp("0.0.0.0:" + std::to_string(ntohs(at.sin_port)), "{\"a\":1}", store::kNoon);
  ASSERT_TRUE(sent.ok()) << sent.error().text;
  const int peer = ::accept(listener, nullptr, nullptr);
  char text[512];
  const ssize_t got = ::recv(peer, text, sizeof text, MSG_WAITALL);
  ASSERT_GT(got, 0);
  const std::string message(text, static_cast<std::size_t>(got));
  EXPECT_TRUE(message.starts_with("<134>1 20")) << message;
  EXPECT_TRUE(message.ends_with(" {\"a\":1}\n")) << message;
  ::close(peer);
  ::close(listener);
  const auto refused = send_syslog_tcp("127.0.0.1:" + std::to_string(ntohs(at.sin_port)), "x", store::kNoon);
  ASSERT_FALSE(refused.ok());
  EXPECT_NE(refused.error().text.find("cannot connect"), std::string::npos);
  for (const char* wrong : {"", "nowhere", "host.example:514", "127.0.0.1:0", "127.0.0.1:99999", "127.0.0.1:5x"}) {
    EXPECT_FALSE(send_syslog_tcp(wrong, "x", store::kNoon).ok()) << wrong;
  }
}

}  // namespace
}  // namespace tocsin::app

int main(int argc, char** argv) {
  if (argc > 1 && std::string_view(argv[1]) == "store") return tocsin::store::run_store_process(argc, argv);
  ::testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
