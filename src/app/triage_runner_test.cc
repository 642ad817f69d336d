// Findings of a store on the real engine into incidents: each in exactly one, whatever order they become visible in.
#include "app/triage_runner.h"

#include <gtest/gtest.h>

#include <map>

#include "ledger/incidents.h"
#include "store/store_test_support.h"
#include "testing/patience.h"
#include "testing/temporary_folder.h"

namespace tocsin::app {
namespace {

using store::engine_library;

class TriageRunnerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    TOCSIN_NEEDS_ENGINE();
    store::StoreOptions options;
    options.folder = (folder_.path() / "store").string();
    options.engine_library = engine_library();
    options.program = store::store_program();
    auto store = store::Store::open(options, metrics_);
    ASSERT_TRUE(store.ok()) << store.error().text;
    store_ = std::move(*store);
    open();
  }
  void open() {
    runner_.reset();
    desk_.reset();
    ledger_.reset();
    auto ledger = ledger::Ledger::open((folder_.path() / "ledger.db").string());
    ASSERT_TRUE(ledger.ok()) << ledger.error().text;
    ledger_ = std::move(*ledger);
    auto desk = open_desk(*ledger_, "", clock_, metrics_, [this](const api::LiveEvent& event) {
      const core::Lock lock(mutex_);
      told_.push_back(event);
      changed_.notify_all();
    });
    ASSERT_TRUE(desk.ok()) << desk.error().text;
    desk_ = std::move(*desk);
    runner_ = std::make_unique<TriageRunner>(*store_, *desk_, *ledger_, clock_, metrics_);
  }
  // Ids that begin with `name`, of one tenant, on one host each.
  void put(std::uint64_t sequence, const std::string& name, int count, std::int64_t detected_ns = 0,
           const std::string& tenant = "default") {
    store::Block block;
    std::vector<std::string> documents(static_cast<std::size_t>(count));
    for (int i = 0; i < count; ++i) {
      store::FindingRow row;
      row.id = name + std::to_string(100'000 + i);
      row.sequence = sequence;
      row.event_time = row.received_at = {store::kNoon.ns + i};
      row.detected_at = {detected_ns == 0 ? clock_.now().ns : detected_ns};
      row.tenant = tenant;
      row.source = "test";
      row.rule_id = "rule-1";
      row.rule_title = "A rule";
      row.level = "high";
      row.severity_id = 4;
      row.tactics = {"execution"};
      row.techniques = {"T1059"};
      documents[static_cast<std::size_t>(i)] =
          R"({"class_uid":2004,"evidences":[{"device":{"hostname":"ws-)" + std::to_string(i) + R"("}}]})";
      row.finding = documents[static_cast<std::size_t>(i)];
      block.add(row);
    }
    const auto done = store_->insert(block, tocsin::testing::kPatience);
    ASSERT_TRUE(done.ok()) << done.error().text;
  }
  void all_rounds() {
    while (true) {
      const auto more = runner_->round();
      ASSERT_TRUE(more.ok()) << more.error().text;
      if (!*more) return;
    }
  }
  bool taken(const std::string& id) {
    bool out = false;
    const auto done = ledger_->read([&](ledger::Tables& all) -> core::Result<void> {
      ledger::IncidentTables tables(all);
      out = TOCSIN_TRY(tables.incident_with(id)).has_value();
      return {};
    });
    EXPECT_TRUE(done.ok());
    return out;
  }
  testing::TemporaryFolder folder_;
  core::FakeClock clock_{store::kNoon};
  core::Metrics metrics_;
  core::Mutex mutex_;
  std::condition_variable changed_;
  std::vector<api::LiveEvent> told_;
  std::unique_ptr<ledger::Ledger> ledger_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<triage::Desk> desk_;
  std::unique_ptr<TriageRunner> runner_;
};

TEST_F(TriageRunnerTest, TakesPagesInOrderAndGoesOnAfterARestart) {
  put(5, "a", 3);
  put(6, "b", 2);
  all_rounds();
  EXPECT_EQ(desk_->position().sequence, 6u);
  EXPECT_TRUE(taken("a100002"));
  EXPECT_TRUE(taken("b100001"));
  EXPECT_FALSE(told_.empty());
  EXPECT_EQ(told_.back().topic, api::LiveEvent::Topic::kIncident);
  open();
  put(6, "c", 1);
  put(7, "d", 1);
  all_rounds();
  EXPECT_TRUE(taken("c100000"));
  EXPECT_TRUE(taken("d100000"));
  EXPECT_EQ(runner_->health().problem, "");
}

TEST_F(TriageRunnerTest, APageIsBoundedAndTheNextFollows) {
  put(9, "a", static_cast<int>(kTriagePage) + 1);
  auto more = runner_->round();
  ASSERT_TRUE(more.ok()) << more.error().text;
  EXPECT_TRUE(*more);
  EXPECT_FALSE(taken("a" + std::to_string(100'000 + kTriagePage)));
  all_rounds();
  EXPECT_TRUE(taken("a" + std::to_string(100'000 + kTriagePage)));
}

TEST_F(TriageRunnerTest, WhatThePositionHasPassedIsFoundAgain) {
  put(9, "a", 1);
  all_rounds();
  put(4, "late", 1, 0, "other");
  all_rounds();
  EXPECT_FALSE(taken("late100000"));
  auto swept = runner_->sweep();
  ASSERT_TRUE(swept.ok()) << swept.error().text;
  EXPECT_TRUE(taken("late100000"));
  EXPECT_EQ(desk_->position().sequence, 9u);
  // Also when the program ended between.
  put(3, "later", 1);
  open();
  swept = runner_->sweep();
  ASSERT_TRUE(swept.ok()) << swept.error().text;
  EXPECT_TRUE(taken("later100000"));
}

TEST_F(TriageRunnerTest, TheFirstStartLeavesWhatIsOldAsItIs) {
  const std::int64_t day = 86'400'000'000'000;
  put(3, "old", 1, store::kNoon.ns - 20 * day);
  put(4, "new", 1, store::kNoon.ns - 10 * day);
  all_rounds();
  EXPECT_FALSE(taken("old100000"));
  EXPECT_TRUE(taken("new100000"));
}

TEST_F(TriageRunnerTest, LearnsTheAddressesThatEventsSayAreTheirHostsOwn) {
  const model::NamedValue out[] = {{"Initiated", "true"}}, in[] = {{"Initiated", "false"}},
                          allowed[] = {{"Direction", "%%14593"}};
  store::Block block;
  const auto add = [&](std::uint64_t sequence, const char* host, const char* code, std::span<const model::NamedValue> more) {
    model::EventRow event = store::sample_event(sequence);
    event.host = host;
    event.event_code = code;
    event.src_ip = "10.0.0.1";
    event.dst_ip = "10.0.0.2";
    event.attributes.assign(more.begin(), more.end());
    block.add(event);
  };
  add(1, "ws-1.corp.example", "3", out);
  add(2, "srv-2", "3", in);
  add(3, "ws-3", "1", out);
  add(4, "ws-4", "3", {});
  ASSERT_TRUE(store_->insert(block, tocsin::testing::kPatience).ok());
  auto learned = runner_->learn_addresses();
  ASSERT_TRUE(learned.ok()) << learned.error().text;
  EXPECT_EQ(*learned, 2u);
  EXPECT_EQ(*runner_->learn_addresses(), 0u);
  store::Block second;
  model::EventRow event = store::sample_event(5);
  event.host = "ws-5";
  event.event_code = "5156";
  event.src_ip = "10.0.0.5";
  event.attributes.assign(std::begin(allowed), std::end(allowed));
  second.add(event);
  ASSERT_TRUE(store_->insert(second, tocsin::testing::kPatience).ok());
  EXPECT_EQ(*runner_->learn_addresses(), 1u);
  const auto done = ledger_->read([&](ledger::Tables& all) -> core::Result<void> {
    ledger::IncidentTables tables(all);
    const auto addresses = [&](const char* key) -> core::Result<std::vector<std::string>> {
      const auto row = TOCSIN_TRY(tables.asset("default", model::EntityKind::kHost, key));
      return row ? row->addresses : std::vector<std::string>();
    };
    EXPECT_EQ(TOCSIN_TRY(addresses("ws-1")), std::vector<std::string>{"10.0.0.1"});
    EXPECT_EQ(TOCSIN_TRY(addresses("srv-2")), std::vector<std::string>{"10.0.0.2"});
    EXPECT_EQ(TOCSIN_TRY(addresses("ws-5")), std::vector<std::string>{"10.0.0.5"});
    EXPECT_TRUE(TOCSIN_TRY(addresses("ws-3")).empty());
    return {};
  });
  EXPECT_TRUE(done.ok());
}

TEST_F(TriageRunnerTest, RunsBehindTheWriterUntilItIsStopped) {
  runner_->start();
  put(2, "a", 1);
  runner_->wake();
  const auto until = std::chrono::steady_clock::now() + tocsin::testing::kPatience;
  {
    core::Lock lock(mutex_);
    while (told_.empty() && std::chrono::steady_clock::now() < until)
      lock.wait_for(changed_, std::chrono::milliseconds(100));
  }
  runner_->stop();
  EXPECT_TRUE(taken("a100000"));
}

// The user's folder beside what comes with the program.
TEST(TriageRules, OfTheUsersFolderAreReadAfterOursAndMayTakeTheirPlace) {
  const testing::TemporaryFolder folder;
  const std::string rest = "title: T\nwhen: {tags: x}\nthen: [{tag: y}]\n";
  folder.write("rules/a.yml", "id: industrial-zone\n" + rest);
  folder.write("rules/b.yml", "id: mine\n" + rest + "---\nid: wrong\n");
  folder.write("rules/note.txt", "no rule");
  folder.write("tasks.yml", "id: t\ntitle: T\nwhen: {tags: x}\ntasks: [{panic: x}]\n");
  const auto ours = read_triage_rules("", "");
  const auto all = read_triage_rules("", folder.path().string());
  ASSERT_TRUE(ours.ok() && all.ok());
  EXPECT_TRUE((*ours)->problems.empty());
  EXPECT_GE((*ours)->rules.size(), 5u);
  EXPECT_EQ((*all)->rules.size(), (*ours)->rules.size() + 1);
  ASSERT_EQ((*all)->problems.size(), 1u);
  EXPECT_NE((*all)->problems[0].text.find("rules/b.yml:"), std::string::npos);
  core::FakeClock clock{store::kNoon};
  core::Metrics metrics;
  const auto ledger = std::move(ledger::Ledger::open((folder.path() / "ledger.db").string())).value();
  TriageConfig config;
  config.folder = folder.path().string();
  const auto desk = open_desk(*ledger, "", clock, metrics, [](const api::LiveEvent&) {}, config);
  ASSERT_TRUE(desk.ok()) << desk.error().text;
  std::map<std::string, triage::Automatic::RuleView> views;
  for (auto& view : (*desk)->automatic()->rules()) views[view.id.empty() ? view.file : view.id] = view;
  EXPECT_EQ(views.at("industrial-zone").title, "T");
  EXPECT_TRUE(views.contains("mine"));
  EXPECT_NE(views.at((folder.path() / "tasks.yml").string()).problem.find("phase"), std::string::npos);
}

}  // namespace
}  // namespace tocsin::app

// The store is started as this program, `<program> store`: without this it would run the tests again, without end.
int main(int argc, char** argv) {
  if (argc > 1 && std::string_view(argv[1]) == "store") return tocsin::store::run_store_process(argc, argv);
  ::testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
