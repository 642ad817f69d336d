// Rules of automatic triage and task templates at work, on a ledger of a file of its own.
#include "triage/automatic.h"

#include <gtest/gtest.h>

#include "ledger/tuning.h"
#include "testing/paths.h"
#include "testing/temporary_folder.h"
#include "triage/desk.h"

namespace tocsin::triage {
namespace {

using ledger::IncidentNumber;
using ledger::IncidentTables;

const core::Timestamp kNoon{1'795'521'600'000'000'000};  // 2026-11-24T12:00:00Z
constexpr std::int64_t kSecond = 1'000'000'000;

constexpr const char* kRules = R"(id: loud
title: Loud
when: {findings: {at_least: 2}}
then: [{raise: 1}, {tag: loud}, {assign: ana}]
---
id: quiet
title: Quiet
when: {titles: '*nothing*'}
then: [{close_as_benign: known}]
---
id: off
title: Off
enabled: false
when: {severity: {at_least: low}}
then: [{tag: never}]
)";
constexpr const char* kTasks = R"(id: execution
title: Execution
when: {tactics: execution}
tasks: [{investigate: Find the parent}, {contain: Isolate it}]
---
id: high
title: High
when: {severity: {at_least: high}}
tasks: [{contain: Isolate it}, {learn: Ask why}]
---
id: other
title: Other
when: {tactics: impact}
tasks: [{recover: Restore}]
)";

class AutomaticTest : public ::testing::Test {
 protected:
  void SetUp() override { start(); }
  void start() {
    desk_.reset();
    ledger_.reset();
    ledger_ = std::move(ledger::Ledger::open((folder_.path() / "ledger.db").string())).value();
    DeskOptions options;
    options.joining = std::move(read_join_policy(content("joining.yml"), "joining.yml")).value();
    options.scoring = std::move(read_score_policy(content("scoring.yml"), "scoring.yml")).value();
    options.automatic = read_auto_rules({{"r.yml", rules_}});
    EXPECT_TRUE(options.automatic->problems.empty()) << options.automatic->problems[0].text;
    options.templates = read_task_templates(kTasks, "tasks.yml");
    options.automatic_close = close_;
    desk_ = std::move(Desk::open(*ledger_, options, clock_, metrics_, [](const ledger::Incident&) {})).value();
  }
  static std::string content(const char* name) {
    return testing::read_file(testing::project_root() / "content/triage" / name);
  }
  Automatic& automatic() { return *desk_->automatic(); }
  void add_user(const std::string& name, const std::string& role = "analyst") {
    ASSERT_TRUE(ledger_
                    ->write([&](ledger::Tables& all) -> core::Result<void> {
                      ledger::User user;
                      user.name = name;
                      user.role = role;
                      user.enabled = true;
                      TOCSIN_TRY(all.insert_user(user));
                      return {};
                    })
                    .ok());
  }
  // Of one process tree, so that they join.
  void take(int second, const std::string& title = "Rule") {
    Finding one;
    one.id = "f" + std::to_string(second);
    one.sequence = static_cast<std::uint64_t>(second);
    one.event_time = {kNoon.ns + second * kSecond};
    one.received_at = one.detected_at = one.event_time;
    one.tenant = "default";
    one.source = "sysmon";
    one.rule_id = "r" + std::to_string(second);
    one.rule_title = title + std::to_string(second);
    one.severity_id = 4;
    one.tactics = {"execution"};
    one.entities = {{model::EntityKind::kHost, model::EntityRole::kAffected, "ws-1", "WS-1"},
                    {model::EntityKind::kProcess, model::EntityRole::kAffected, "ws-1|{a}", "a.exe"}};
    const auto done = desk_->take({&one, 1}, {one.sequence, {one.id}});
    ASSERT_TRUE(done.ok()) << done.error().text;
  }
  template <class Work>
  void read(Work work) {
    const auto done = ledger_->read([&](ledger::Tables& all) -> core::Result<void> {
      IncidentTables tables(all);
      return work(tables);
    });
    ASSERT_TRUE(done.ok()) << done.error().text;
  }
  ledger::Incident incident(IncidentNumber id = 1) {
    ledger::Incident out;
    read([&](IncidentTables& tables) -> core::Result<void> {
      const auto row = TOCSIN_TRY(tables.incident(id));
      EXPECT_TRUE(row.has_value());
      if (row) out = *row;
      return {};
    });
    return out;
  }
  std::vector<ledger::IncidentHistory> history(const std::string& action, IncidentNumber id = 1) {
    std::vector<ledger::IncidentHistory> out;
    read([&](IncidentTables& tables) -> core::Result<void> {
      for (auto& entry : TOCSIN_TRY(tables.history(id, 100))) {
        if (entry.action == action) out.push_back(std::move(entry));
      }
      return {};
    });
    return out;
  }

  tocsin::testing::TemporaryFolder folder_;
  core::FakeClock clock_{core::Timestamp{kNoon.ns + 3'600 * kSecond}};
  core::Metrics metrics_;
  std::string rules_ = kRules;
  bool close_ = false;
  std::unique_ptr<ledger::Ledger> ledger_;
  std::unique_ptr<Desk> desk_;
};

TEST_F(AutomaticTest, ARuleActsOnceWhenItsConditionsBeginToHold) {
  add_user("ana");
  take(1);
  EXPECT_TRUE(history("automatic").empty());
  const std::string before = incident().priority;
  take(2);
  ASSERT_EQ(history("automatic").size(), 1u);
  const auto entry = history("automatic")[0];
  EXPECT_EQ(entry.actor, "rule:loud");
  EXPECT_NE(entry.text.find("tagged loud; assigned to ana"), std::string::npos) << entry.text;
  EXPECT_NE(entry.detail.find(R"("priority":")" + before), std::string::npos) << entry.detail;
  EXPECT_EQ(incident().tags, std::vector<std::string>{"loud"});
  EXPECT_EQ(incident().owner, "ana");
  EXPECT_LT(incident().priority, before);
  take(3);
  start();
  take(4);
  EXPECT_EQ(history("automatic").size(), 1u);
}

TEST_F(AutomaticTest, ConditionsThatNewlyHoldActAgain) {
  rules_ = "id: t\ntitle: T\nwhen: {states: new}\nthen: [{tag: fresh}]\n";
  start();
  take(1);
  EXPECT_EQ(history("automatic").size(), 1u);
  Change change;
  change.state = model::IncidentState::kInvestigating;
  change.tags = std::vector<std::string>{};
  ASSERT_TRUE(desk_->change(1, change, "ana").ok());
  change.state = model::IncidentState::kNew;
  ASSERT_TRUE(desk_->change(1, change, "ana").ok());
  EXPECT_EQ(history("automatic").size(), 2u);
  EXPECT_EQ(incident().tags, std::vector<std::string>{"fresh"});
}

TEST_F(AutomaticTest, WhatAPersonTookBackIsNotDoneAgain) {
  add_user("ana");
  take(1);
  take(2);
  Change change;
  change.tags = std::vector<std::string>{};
  change.owner = "";
  ASSERT_TRUE(desk_->change(1, change, "eve").ok());
  take(3);
  EXPECT_TRUE(incident().tags.empty());
  EXPECT_EQ(incident().owner, "");
}

TEST_F(AutomaticTest, APriorityAndAnOwnerOfPeopleStand) {
  add_user("ana");
  take(1);
  Change change;
  change.priority = "p3";
  change.owner = "eve";
  ASSERT_TRUE(desk_->change(1, change, "eve").ok());
  take(2);
  EXPECT_EQ(incident().priority, "p3");
  EXPECT_EQ(incident().owner, "eve");
  EXPECT_EQ(incident().tags, std::vector<std::string>{"loud"});
}

TEST_F(AutomaticTest, OnlyThoseWhoCanWorkOnItAreAssigned) {
  take(1);
  take(2);
  EXPECT_EQ(incident().owner, "");
  EXPECT_NE(history("automatic").at(0).text.find("not assigned to ana"), std::string::npos);
}

TEST_F(AutomaticTest, ADecisionIsUndoneAndTheRuleLeavesTheIncidentAlone) {
  add_user("ana");
  take(1);
  const std::string before = incident().priority;
  take(2);
  const std::int64_t sequence = history("automatic").at(0).sequence;
  const auto undone = automatic().revert(1, sequence, "eve");
  ASSERT_TRUE(undone.ok()) << undone.error().text;
  EXPECT_EQ(undone->owner, "");
  EXPECT_TRUE(undone->tags.empty());
  EXPECT_FALSE(undone->priority_by_hand);
  EXPECT_GE(undone->priority, "p1");
  EXPECT_EQ(history("reverted").size(), 1u);
  EXPECT_EQ(history("reverted")[0].actor, "eve");
  start();
  take(3);
  EXPECT_EQ(history("automatic").size(), 1u);
  EXPECT_TRUE(incident().tags.empty());
  EXPECT_FALSE(automatic().revert(1, sequence, "eve").ok());  // Once.
  EXPECT_EQ(automatic().revert(1, 9'999, "eve").error().code, core::ErrorCode::kNotFound);
  EXPECT_FALSE(automatic().revert(1, history("opened").at(0).sequence, "eve").ok());  // No automatic decision.
  EXPECT_FALSE(automatic().revert(99, sequence, "eve").ok());
}

TEST_F(AutomaticTest, UndoingLeavesWhatPeopleChangedSince) {
  add_user("ana");
  take(1);
  take(2);
  Change change;
  change.priority = "p4";
  change.owner = "eve";
  change.tags = std::vector<std::string>{"mine"};
  ASSERT_TRUE(desk_->change(1, change, "eve").ok());
  const auto undone = automatic().revert(1, history("automatic").at(0).sequence, "eve");
  ASSERT_TRUE(undone.ok());
  EXPECT_EQ(undone->priority, "p4");
  EXPECT_EQ(undone->owner, "eve");
  EXPECT_EQ(undone->tags, std::vector<std::string>{"mine"});
  EXPECT_NE(history("reverted").at(0).text.find("nothing"), std::string::npos);
}

TEST_F(AutomaticTest, NothingIsClosedUnlessItIsAllowed) {
  take(1, "nothing ");
  EXPECT_NE(incident().state, model::IncidentState::kClosed);
  EXPECT_FALSE(automatic().rules().at(1).problem.empty());
  close_ = true;
  start();
  EXPECT_TRUE(automatic().rules().at(1).problem.empty());
  ASSERT_TRUE(desk_->comment(1, "a change", "eve").ok());
  EXPECT_EQ(incident().state, model::IncidentState::kClosed);
  EXPECT_EQ(incident().verdict, model::Verdict::kBenign);
  EXPECT_EQ(incident().cause, "known");
  // What comes now is another incident; undone, it takes findings again.
  const auto undone = automatic().revert(1, history("automatic").at(0).sequence, "eve");
  ASSERT_TRUE(undone.ok()) << undone.error().text;
  EXPECT_EQ(undone->state, model::IncidentState::kNew);
  EXPECT_EQ(undone->verdict, model::Verdict::kNone);
  EXPECT_EQ(desk_->precision("default", "r1", 4).decided, 0u);
  take(2, "nothing ");
  EXPECT_EQ(incident().finding_count, 2);
  EXPECT_EQ(incident().state, model::IncidentState::kNew);
}

TEST_F(AutomaticTest, WhatSomebodyWorksOnIsNotClosed) {
  take(1);
  Change change;
  change.state = model::IncidentState::kAcknowledged;
  change.title = "nothing much";
  close_ = true;
  start();
  ASSERT_TRUE(desk_->change(1, change, "eve").ok());
  EXPECT_EQ(incident().state, model::IncidentState::kAcknowledged);
}

TEST_F(AutomaticTest, ARuleIsSwitchedAndStaysSoAfterARestart) {
  EXPECT_FALSE(automatic().rules().at(2).enabled);
  ASSERT_TRUE(automatic().enable("off", true, "eve").ok());
  ASSERT_TRUE(automatic().enable("loud", false, "eve").ok());
  EXPECT_EQ(automatic().enable("none", true, "eve").error().code, core::ErrorCode::kNotFound);
  start();
  EXPECT_TRUE(automatic().rules().at(2).enabled);
  take(1);
  take(2);
  EXPECT_EQ(incident().tags, std::vector<std::string>{"never"});
  std::vector<ledger::TriageRuleHits> hits;
  ASSERT_TRUE(ledger_
                  ->read([&](ledger::Tables& all) -> core::Result<void> {
                    hits = TOCSIN_TRY(ledger::TuningTables(all).triage_rule_hits({}));
                    return {};
                  })
                  .ok());
  ASSERT_EQ(hits.size(), 1u);
  EXPECT_EQ(hits[0].rule_id, "off");
  EXPECT_EQ(hits[0].hits, 1);
}

TEST_F(AutomaticTest, ADryRunChangesNothing) {
  take(1);
  const auto version = incident().version;
  const auto by_id = automatic().dry_run({"off", "", {}, core::kNoTime});
  ASSERT_TRUE(by_id.ok()) << by_id.error().text;
  EXPECT_EQ(by_id->looked_at, 1u);
  ASSERT_EQ(by_id->matches.size(), 1u);
  EXPECT_EQ(by_id->matches[0].outcomes, std::vector<std::string>{"tag never"});
  EXPECT_TRUE(by_id->complete);
  const auto by_text = automatic().dry_run(
      {"", "id: x\ntitle: X\nwhen: {entities: {kind: host, key: ws-*}}\nthen: [{tag: x}]\n", {}, core::kNoTime});
  ASSERT_TRUE(by_text.ok());
  EXPECT_EQ(by_text->matches.size(), 1u);
  EXPECT_EQ(automatic().dry_run({"off", "", {"other"}, core::kNoTime})->looked_at, 0u);
  EXPECT_EQ(automatic().dry_run({"off", "", {}, {kNoon.ns + 10 * kSecond}})->looked_at, 0u);
  EXPECT_EQ(automatic().dry_run({"", "id: [", {}, core::kNoTime}).error().code, core::ErrorCode::kInvalid);
  EXPECT_EQ(automatic().dry_run({"none", "", {}, core::kNoTime}).error().code, core::ErrorCode::kNotFound);
  EXPECT_EQ(incident().version, version);
}

TEST_F(AutomaticTest, RulesOfFilesReadAgainTakeThePlaceOfThoseBefore) {
  automatic().set_rules(read_auto_rules(
      {{"n.yml", "id: n\ntitle: N\nwhen: {severity: {at_least: low}}\nthen: [{tag: n}]\n"}, {"bad.yml", "id: [\n"}}));
  const auto views = automatic().rules();
  ASSERT_EQ(views.size(), 2u);
  EXPECT_EQ(views[1].id, "");
  EXPECT_NE(views[1].problem.find("bad.yml:"), std::string::npos);
  take(1);
  EXPECT_EQ(incident().tags, std::vector<std::string>{"n"});
}

TEST_F(AutomaticTest, TasksOfTemplatesAreAddedAtOpeningOnce) {
  take(1);
  const auto titles = [&] {
    std::vector<std::string> out;
    read([&](IncidentTables& tables) -> core::Result<void> {
      for (const auto& task : TOCSIN_TRY(tables.tasks(1))) out.push_back(task.phase + " " + task.title);
      return {};
    });
    return out;
  };
  const std::vector<std::string> wanted{"investigate Find the parent", "contain Isolate it", "learn Ask why"};
  EXPECT_EQ(titles(), wanted);
  ASSERT_EQ(history("task").size(), 1u);
  EXPECT_EQ(history("task")[0].text, "3 tasks by template: Execution; High");
  take(2);
  start();
  take(3);
  EXPECT_EQ(titles(), wanted);
}

}  // namespace
}  // namespace tocsin::triage
