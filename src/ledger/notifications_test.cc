#include "ledger/notifications.h"

#include <gtest/gtest.h>

#include "testing/temporary_folder.h"

namespace tocsin::ledger {
namespace {

class NotifyTablesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto opened = Ledger::open((folder_.path() / "ledger.db").string());
    ASSERT_TRUE(opened.ok()) << opened.error().text;
    ledger_ = std::move(*opened);
    write([](NotifyTables&, IncidentTables& incidents) -> core::Result<void> {
      Incident one;
      one.id = 1;
      one.tenant = "own";
      one.version = 1;
      one.priority = "p1";
      return incidents.insert_incident(one);
    });
  }
  template <class Work>
  void write(Work work) {
    const auto done = ledger_->write([&](Tables& all) -> core::Result<void> {
      NotifyTables tables(all);
      IncidentTables incidents(all);
      return work(tables, incidents);
    });
    ASSERT_TRUE(done.ok()) << done.error().text;
  }
  static NotifyChannel channel(const std::string& name) {
    NotifyChannel out;
    out.name = name;
    out.kind = "email";
    out.tenant = "own";
    out.targets = {"a@example.org", "b@example.org"};
    out.secret_sealed = "00ff";
    out.events = {"opened", "sla"};
    out.min_priority = "p2";
    out.quiet = "{}";
    out.escalate_after_s = 900;
    out.created_by = "boss";
    out.created_at = out.changed_at = {5};
    return out;
  }
  static NotifyDelivery delivery(std::int64_t channel, std::int64_t next, const std::string& tenant = "own") {
    NotifyDelivery out;
    out.channel = channel;
    out.channel_name = "mail";
    out.event = "opened";
    out.incident = 1;
    out.tenant = tenant;
    out.priority = "p1";
    out.body = "{}";
    out.next_at = {next};
    out.created_at = {next};
    return out;
  }
  testing::TemporaryFolder folder_;
  std::unique_ptr<Ledger> ledger_;
};

TEST_F(NotifyTablesTest, AChannelComesBackAsItWasAndChanges) {
  write([](NotifyTables& t, IncidentTables&) -> core::Result<void> {
    const auto id = TOCSIN_TRY(t.insert_channel(channel("mail")));
    auto kept = *TOCSIN_TRY(t.channel(id));
    EXPECT_EQ(kept.targets, channel("").targets);
    EXPECT_EQ(kept.events, channel("").events);
    EXPECT_EQ(kept.escalate_after_s, 900);
    EXPECT_EQ(kept.created_by, "boss");
    kept.enabled = false;
    kept.secret_sealed.clear();
    TOCSIN_TRY(t.update_channel(kept));
    EXPECT_FALSE(TOCSIN_TRY(t.channels()).at(0).enabled);
    kept.id = 99;
    EXPECT_EQ(t.update_channel(kept).error().code, core::ErrorCode::kNotFound);
    return {};
  });
}

TEST_F(NotifyTablesTest, ANameIsGivenOnce) {
  write([](NotifyTables& t, IncidentTables&) -> core::Result<void> {
    TOCSIN_TRY(t.insert_channel(channel("mail")));
    return {};
  });
  const auto again = ledger_->write([](Tables& all) -> core::Result<void> {
    TOCSIN_TRY(NotifyTables(all).insert_channel(channel("mail")));
    return {};
  });
  ASSERT_FALSE(again.ok());
  EXPECT_EQ(again.error().code, core::ErrorCode::kInvalid);
}

TEST_F(NotifyTablesTest, WhatWaitsOfARemovedChannelIsDead) {
  write([](NotifyTables& t, IncidentTables&) -> core::Result<void> {
    const auto id = TOCSIN_TRY(t.insert_channel(channel("mail")));
    const auto waiting = TOCSIN_TRY(t.insert_delivery(delivery(id, 1)));
    EXPECT_TRUE(TOCSIN_TRY(t.delete_channel(id)));
    EXPECT_FALSE(TOCSIN_TRY(t.delete_channel(id)));
    EXPECT_EQ(TOCSIN_TRY(t.delivery(waiting))->state, "dead");
    EXPECT_FALSE(TOCSIN_TRY(t.next_due({100})).has_value());
    EXPECT_GT(TOCSIN_TRY(t.insert_channel(channel("mail"))), id);
    return {};
  });
}

TEST_F(NotifyTablesTest, GivesWhatHasBeenDueLongestAndNothingBeforeItsTime) {
  write([](NotifyTables& t, IncidentTables&) -> core::Result<void> {
    TOCSIN_TRY(t.insert_delivery(delivery(1, 20)));
    const auto first = TOCSIN_TRY(t.insert_delivery(delivery(1, 10)));
    EXPECT_FALSE(TOCSIN_TRY(t.next_due({9})).has_value());
    EXPECT_EQ(TOCSIN_TRY(t.next_due({20}))->id, first);
    TOCSIN_TRY(t.wake_channel(1, {5}));
    EXPECT_TRUE(TOCSIN_TRY(t.next_due({5})).has_value());
    return {};
  });
}

TEST_F(NotifyTablesTest, ListsByTenantAndStateNewestFirst) {
  write([](NotifyTables& t, IncidentTables&) -> core::Result<void> {
    TOCSIN_TRY(t.insert_delivery(delivery(1, 1)));
    const auto foreign = TOCSIN_TRY(t.insert_delivery(delivery(1, 2, "other")));
    const auto last = TOCSIN_TRY(t.insert_delivery(delivery(1, 3)));
    EXPECT_EQ(TOCSIN_TRY(t.deliveries({})).at(0).id, last);
    EXPECT_EQ(TOCSIN_TRY(t.delivery_count({{"other"}, "pending"})), 1);
    EXPECT_EQ(TOCSIN_TRY(t.deliveries({{"other"}, ""})).at(0).id, foreign);
    EXPECT_EQ(TOCSIN_TRY(t.delivery_count({{}, "dead"})), 0);
    EXPECT_EQ(TOCSIN_TRY(t.deliveries({{}, "", 1, 1})).at(0).id, foreign);
    return {};
  });
}

TEST_F(NotifyTablesTest, ForgetsWhatIsOverAndNothingThatWaits) {
  write([](NotifyTables& t, IncidentTables&) -> core::Result<void> {
    TOCSIN_TRY(t.insert_delivery(delivery(1, 1)));
    auto sent = delivery(1, 1);
    sent.id = TOCSIN_TRY(t.insert_delivery(sent));
    sent.state = "sent";
    TOCSIN_TRY(t.update_delivery(sent));
    EXPECT_EQ(TOCSIN_TRY(t.forget_deliveries({1}, 10)), 0);
    EXPECT_EQ(TOCSIN_TRY(t.forget_deliveries({2}, 10)), 1);
    EXPECT_EQ(TOCSIN_TRY(t.delivery_count({})), 1);
    return {};
  });
}

TEST_F(NotifyTablesTest, AMarkIsSetOnce) {
  write([](NotifyTables& t, IncidentTables&) -> core::Result<void> {
    EXPECT_TRUE(TOCSIN_TRY(t.mark(1, "sla.close", {1})));
    EXPECT_FALSE(TOCSIN_TRY(t.mark(1, "sla.close", {2})));
    EXPECT_TRUE(TOCSIN_TRY(t.mark(1, "sla.contain", {2})));
    return {};
  });
}

TEST_F(NotifyTablesTest, ReadsTheHistoryOfAllIncidentsBehindAPosition) {
  write([](NotifyTables& t, IncidentTables& incidents) -> core::Result<void> {
    EXPECT_FALSE(TOCSIN_TRY(t.position()).has_value());
    EXPECT_EQ(TOCSIN_TRY(t.last_history()), 0);
    for (const char* text : {"a", "b", "c"}) TOCSIN_TRY(incidents.add_history({0, 1, {1}, "engine", "opened", text, ""}));
    const auto last = TOCSIN_TRY(t.last_history());
    EXPECT_EQ(TOCSIN_TRY(t.history_after(last - 2, 10)).at(0).text, "b");
    EXPECT_EQ(TOCSIN_TRY(t.history_after(0, 2)).size(), 2u);
    TOCSIN_TRY(t.set_position(last));
    TOCSIN_TRY(t.set_position(last + 1));
    EXPECT_EQ(TOCSIN_TRY(t.position()).value_or(0), last + 1);
    return {};
  });
}

}  // namespace
}  // namespace tocsin::ledger
