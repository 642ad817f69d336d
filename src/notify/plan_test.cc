// What is told to whom, step by step on a ledger of a file; nothing is sent.
#include <sqlite3.h>

#include "notify/service_test_support.h"

namespace tocsin::notify {
namespace {

class PlanTest : public ServiceFixture {
 protected:
  void sql(const char* text) {
    sqlite3* database = nullptr;
    ASSERT_EQ(sqlite3_open((folder_.path() / "ledger.db").c_str(), &database), SQLITE_OK);
    EXPECT_EQ(sqlite3_exec(database, text, nullptr, nullptr, nullptr), SQLITE_OK);
    sqlite3_close(database);
  }
};

TEST_F(PlanTest, EachEventIsToldOnce) {
  add(hook("all"));
  add_incident(3, "own", "p3");
  note(3, "assigned", "assigned to ana");
  note(3, "assigned", "given back");
  note(3, "priority", "priority p3 to p1", R"({"from":"p3","to":"p1"})");
  note(3, "priority", "priority p1 to p2", R"({"from":"p1","to":"p2"})");
  note(3, "joined", "2 findings joined");
  note(3, "closed", "closed as benign");
  EXPECT_EQ(planned(), 7u);
  EXPECT_EQ(told(), "opened:3 assigned:3 raised:3 closed:3");
  EXPECT_EQ(planned(), 0u);
  EXPECT_EQ(outbox().size(), 4u);
}

TEST_F(PlanTest, WhatHappenedBeforeTheChannelIsNotTold) {
  note(1, "closed", "closed");
  EXPECT_EQ(planned(), 1u);
  add(hook("late"));
  EXPECT_EQ(planned(), 0u);
  EXPECT_EQ(told(), "");
}

TEST_F(PlanTest, AChannelGetsItsEventsPrioritiesAndTenantOnly) {
  auto narrow = hook("narrow");
  narrow.channel.events = {"closed"};
  narrow.channel.min_priority = "p2";
  narrow.channel.tenant = "own";
  add(std::move(narrow));
  add_incident(3, "own", "p3");
  for (const int id : {1, 2, 3}) note(id, "closed", "closed");
  planned();
  EXPECT_EQ(told(), "closed:1");
}
TEST_F(PlanTest, AChannelOfNoTenantGetsWhatItsOwnerSees) {
  add(hook("all"), "boss");
  add(hook("own"), "nora");
  add(hook("nobody"), "gone");
  note(1, "closed", "closed");
  note(2, "closed", "closed");
  planned();
  std::string out;
  for (const auto& one : outbox()) out += one.channel_name + std::to_string(one.incident) + " ";
  EXPECT_EQ(out, "all1 own1 all2 ");
}
TEST_F(PlanTest, ADisabledChannelGetsNothing) {
  auto off = hook("off");
  off.channel.enabled = false;
  add(std::move(off));
  note(1, "closed", "closed");
  planned();
  EXPECT_EQ(told(), "");
}

TEST_F(PlanTest, MentionsAreOfUsersWhoSeeTheIncident) {
  add(hook("all"));
  const auto comment = [&](ledger::IncidentNumber id, const std::string& text) {
    std::int64_t number = 0;
    write([&](ledger::Tables& all) -> core::Result<void> {
      number = TOCSIN_TRY(ledger::IncidentTables(all).add_comment({0, id, clock_.now(), "ana", text}));
      return {};
    });
    note(id, "comment", "commented", "{\"comment\":" + std::to_string(number) + "}");
  };
  comment(1, "look here @nora, @nobody");
  comment(2, "look here @nora");  // She does not see that tenant.
  comment(1, "no one is named");
  planned();
  ASSERT_EQ(told(), "mentioned:1");
  EXPECT_EQ(read_stored(outbox()[0].body)->text, "ana mentions @nora: look here @nora, @nobody");
}

TEST_F(PlanTest, WhatBecamePartOfAnotherIsNotOpened) {
  add(hook("all"));
  add_incident(3, "own", "p2");
  write([&](ledger::Tables& all) -> core::Result<void> {
    ledger::IncidentTables incidents(all);
    auto one = *TOCSIN_TRY(incidents.incident(3));
    one.merged_into = 1;
    ++one.version;
    return incidents.update_incident(one);
  });
  planned();
  EXPECT_EQ(told(), "");
}

TEST_F(PlanTest, AServiceLevelIsToldOnceAlsoAfterARestart) {
  add(hook("all"));
  breached = 1;
  for (int i = 0; i < 3; ++i) {
    if (i == 2) start();
    ASSERT_TRUE(service_->check_clocks().ok());
    planned();
  }
  EXPECT_EQ(told(), "sla:1");
}

TEST_F(PlanTest, WhatNobodyAcknowledgesIsEscalatedOnce) {
  auto input = hook("on call");
  input.channel.events = {"escalated"};
  input.channel.escalate_after_s = 900;
  add(std::move(input));
  clock_.advance(seconds(899));
  ASSERT_TRUE(service_->check_clocks().ok());
  EXPECT_EQ(told(), "");
  clock_.advance(seconds(1));
  for (int i = 0; i < 3; ++i) {
    if (i == 1) start();
    ASSERT_TRUE(service_->check_clocks().ok());
    planned();
  }
  EXPECT_EQ(told(), "escalated:1 escalated:2");
}
TEST_F(PlanTest, WhatIsAcknowledgedOrWasDueBeforeTheChannelIsNotEscalated) {
  clock_.advance(minutes(60));
  auto input = hook("late");
  input.channel.escalate_after_s = 900;
  add(std::move(input));
  add_incident(3, "own", "p2");
  write([&](ledger::Tables& all) -> core::Result<void> {
    ledger::IncidentTables incidents(all);
    auto one = *TOCSIN_TRY(incidents.incident(3));
    one.state = model::IncidentState::kAcknowledged;
    one.acknowledged_at = clock_.now();
    ++one.version;
    return incidents.update_incident(one);
  });
  clock_.advance(minutes(60));
  ASSERT_TRUE(service_->check_clocks().ok());
  EXPECT_EQ(told(), "");
}

// The rows and the position are one transaction: what cannot be written leaves neither, and comes again.
TEST_F(PlanTest, APlanThatFailsIsMadeAgainAsAWhole) {
  add(hook("all"));
  note(1, "closed", "closed");
  note(2, "closed", "closed");
  sql("create trigger cut before insert on notify_outbox when new.incident = 2 begin select raise(abort, 'cut'); end");
  EXPECT_FALSE(service_->plan().ok());
  EXPECT_EQ(told(), "");
  sql("drop trigger cut");
  EXPECT_EQ(planned(), 2u);
  EXPECT_EQ(told(), "closed:1 closed:2");
}

TEST_F(PlanTest, TextsAtTheirLongestDoNotHoldUpTheRest) {
  add(hook("all"));
  write([&](ledger::Tables& all) -> core::Result<void> {
    ledger::IncidentTables incidents(all);
    auto one = *TOCSIN_TRY(incidents.incident(1));
    one.title = std::string(ledger::kMaxTitleBytes, '\x01');
    one.owner = std::string(ledger::kMaxNameBytes, '\x01');
    ++one.version;
    return incidents.update_incident(one);
  });
  note(1, "closed", std::string(ledger::kMaxSentenceBytes, '\x01'));
  planned();
  EXPECT_EQ(told(), "closed:1");
}

TEST_F(PlanTest, LongHistoriesAreReadInPages) {
  add(hook("all"));
  write([&](ledger::Tables& all) -> core::Result<void> {
    ledger::IncidentTables incidents(all);
    for (std::int64_t i = 0; i < kPlanPage + 1; ++i)
      TOCSIN_TRY(incidents.add_history({0, 1, clock_.now(), "ana", "closed", std::to_string(i), ""}));
    return {};
  });
  EXPECT_EQ(planned(), static_cast<std::size_t>(kPlanPage));
  EXPECT_EQ(planned(), 1u);
  EXPECT_EQ(planned(), 0u);
}

TEST_F(PlanTest, ChannelsAreCheckedWithTheFieldThatIsWrong) {
  const auto refusal = [&](const std::function<void(ChannelInput&)>& spoil) {
    auto input = hook("x");
    spoil(input);
    const auto made = service_->add(std::move(input), "boss");
    return made.ok() ? "accepted" : made.error().text.substr(0, made.error().text.find(':'));
  };
  EXPECT_EQ(refusal([](ChannelInput& in) { in.channel.name = ""; }), "name");
  EXPECT_EQ(refusal([](ChannelInput& in) { in.channel.name = "a\nb"; }), "name");
  EXPECT_EQ(refusal([](ChannelInput& in) { in.channel.kind = "pager"; }), "kind");
  EXPECT_EQ(refusal([](ChannelInput& in) { in.channel.targets = {"http://example.org"}; }), "target");
  EXPECT_EQ(refusal([](ChannelInput& in) { in.channel.targets = {"https://a.org", "https://b.org"}; }), "target");
  EXPECT_EQ(refusal([](ChannelInput& in) {
              in.channel.kind = "email";
              in.channel.targets = {"a@example.org", "b"};
            }),
            "target");
  EXPECT_EQ(refusal([](ChannelInput& in) {
              in.channel.kind = "email";
              in.channel.targets = {"a@example.org"};
              in.secret = core::Secret("s");
            }),
            "secret");
  EXPECT_EQ(refusal([](ChannelInput& in) { in.channel.events = {}; }), "events");
  EXPECT_EQ(refusal([](ChannelInput& in) { in.channel.events = {"exploded"}; }), "events");
  EXPECT_EQ(refusal([](ChannelInput& in) { in.channel.min_priority = "p5"; }), "min_priority");
  EXPECT_EQ(refusal([](ChannelInput& in) { in.channel.quiet = "{}"; }), "quiet");
  EXPECT_EQ(refusal([](ChannelInput& in) { in.channel.escalate_after_s = 59; }), "escalate_after_s");
  EXPECT_EQ(refusal([](ChannelInput&) {}), "accepted");
  EXPECT_EQ(refusal([](ChannelInput&) {}), "name");  // Taken.
}

TEST_F(PlanTest, TheSecretStaysUntilAnotherOrNoneIsGiven) {
  auto input = hook("x");
  input.secret = core::Secret("one");
  const auto id = add(std::move(input));
  EXPECT_EQ(service_->change(id, hook("x"))->secret_sealed, "sealed:one");
  auto other = hook("x");
  other.secret = core::Secret("two");
  EXPECT_EQ(service_->change(id, std::move(other))->secret_sealed, "sealed:two");
  auto none = hook("x");
  none.secret = core::Secret("");
  EXPECT_EQ(service_->change(id, std::move(none))->secret_sealed, "");
}

}  // namespace
}  // namespace tocsin::notify
