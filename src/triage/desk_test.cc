// The desk on a ledger of a file of its own: what findings and people do, restarts and faults.
#include "triage/desk.h"

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <fstream>
#include <sstream>

#include "testing/paths.h"
#include "testing/temporary_folder.h"
#include "triage/desk/addresses.h"

namespace tocsin::triage {
namespace {

using ledger::IncidentNumber;
using ledger::IncidentTables;

const core::Timestamp kNoon{1'795'521'600'000'000'000};  // 2026-11-24T12:00:00Z
constexpr std::int64_t kSecond = 1'000'000'000;

std::string content(const char* name) {
  std::ifstream in(testing::project_root() / "content/triage" / name);
  std::stringstream out;
  out << in.rdbuf();
  return out.str();
}

Finding finding(const std::string& id, const std::string& process, int second, const std::string& rule = "r1") {
  Finding out;
  out.id = id;
  out.sequence = static_cast<std::uint64_t>(second);
  out.event_time = {kNoon.ns + second * kSecond};
  out.received_at = out.detected_at = {out.event_time.ns + kSecond};
  out.tenant = "default";
  out.site = "main";
  out.source = "sysmon";
  out.rule_id = rule;
  out.rule_title = "Rule " + rule;
  out.severity_id = 4;
  out.tactics = {"execution"};
  out.techniques = {"T1059"};
  out.entities = {{model::EntityKind::kHost, model::EntityRole::kAffected, "ws-1", "WS-1"},
                  {model::EntityKind::kProcess, model::EntityRole::kAffected, "ws-1|{" + process + "}", process + ".exe"}};
  return out;
}

class DeskTest : public ::testing::Test {
 protected:
  void SetUp() override { start(); }
  void start() {
    desk_.reset();
    ledger_.reset();
    auto ledger = ledger::Ledger::open(path());
    ASSERT_TRUE(ledger.ok()) << ledger.error().text;
    ledger_ = std::move(*ledger);
    DeskOptions options;
    auto joining = read_join_policy(content("joining.yml"), "joining.yml");
    ASSERT_TRUE(joining.ok()) << joining.error().text;
    auto scoring = read_score_policy(content("scoring.yml"), "scoring.yml");
    ASSERT_TRUE(scoring.ok()) << scoring.error().text;
    options.joining = *joining;
    options.scoring = *scoring;
    auto desk = Desk::open(*ledger_, options, clock_, metrics_,
                           [this](const ledger::Incident& incident) { told_.push_back(incident.id); });
    ASSERT_TRUE(desk.ok()) << desk.error().text;
    desk_ = std::move(*desk);
  }
  std::string path() const { return (folder_.path() / "ledger.db").string(); }
  void raw(const std::string& statement) {
    sqlite3* db = nullptr;
    ASSERT_EQ(sqlite3_open(path().c_str(), &db), SQLITE_OK);
    char* message = nullptr;
    EXPECT_EQ(sqlite3_exec(db, statement.c_str(), nullptr, nullptr, &message), SQLITE_OK) << (message ? message : "");
    sqlite3_close(db);
  }
  void take(const std::vector<Finding>& findings) {
    const auto done = desk_->take(findings, {findings.back().sequence, {findings.back().id}});
    ASSERT_TRUE(done.ok()) << done.error().text;
  }
  void read(const std::function<core::Result<void>(IncidentTables&)>& work) {
    const auto done = ledger_->read([&](ledger::Tables& all) {
      IncidentTables tables(all);
      return work(tables);
    });
    ASSERT_TRUE(done.ok()) << done.error().text;
  }
  ledger::Incident incident(IncidentNumber id) {
    ledger::Incident out;
    read([&](IncidentTables& t) -> core::Result<void> {
      const auto row = TOCSIN_TRY(t.incident(id));
      EXPECT_TRUE(row) << id;
      if (row) out = *row;
      return {};
    });
    return out;
  }
  IncidentNumber with(const std::string& id) {
    IncidentNumber out = 0;
    read([&](IncidentTables& t) -> core::Result<void> {
      out = TOCSIN_TRY(t.incident_with(id)).value_or(0);
      return {};
    });
    return out;
  }
  std::vector<std::string> actions(IncidentNumber id) {
    std::vector<std::string> out;
    read([&](IncidentTables& t) -> core::Result<void> {
      for (const auto& entry : TOCSIN_TRY(t.history(id, 100))) out.push_back(entry.action);
      return {};
    });
    return out;
  }
  tocsin::testing::TemporaryFolder folder_;
  core::FakeClock clock_{core::Timestamp{kNoon.ns + 3'600 * kSecond}};
  core::Metrics metrics_;
  std::vector<IncidentNumber> told_;
  std::unique_ptr<ledger::Ledger> ledger_;
  std::unique_ptr<Desk> desk_;
};

TEST_F(DeskTest, FindingsOfOneProcessBecomeOneScoredAndNamedIncident) {
  take({finding("a", "p", 1), finding("b", "p", 5, "r2")});
  EXPECT_EQ(with("a"), with("b"));
  const ledger::Incident row = incident(with("a"));
  EXPECT_EQ(row.finding_count, 2);
  EXPECT_EQ(row.rule_count, 2);
  EXPECT_EQ(row.host_count, 1);
  EXPECT_EQ(row.main_host, "WS-1");
  EXPECT_EQ(row.title, "Execution on WS-1");
  EXPECT_NE(row.summary.find("2 findings of 2 rules"), std::string::npos) << row.summary;
  EXPECT_EQ(row.first_event.ns, kNoon.ns + kSecond);
  EXPECT_EQ(row.last_event.ns, kNoon.ns + 5 * kSecond);
  EXPECT_GT(row.score, 0);
  EXPECT_NE(row.score_parts.find("\"level\""), std::string::npos);
  EXPECT_EQ(row.severity_id, 4);
  EXPECT_EQ(told_, std::vector<IncidentNumber>{row.id});
  read([&](IncidentTables& t) -> core::Result<void> {
    const auto members = TOCSIN_TRY(t.members(row.id, 10, 0));
    EXPECT_EQ(members.size(), 2u);
    EXPECT_NE(members.at(0).reasons.find("\"kind\":\"first\""), std::string::npos) << members.at(0).reasons;
    EXPECT_NE(members.at(1).reasons.find("process"), std::string::npos) << members.at(1).reasons;
    const auto asset = TOCSIN_TRY(t.asset("default", model::EntityKind::kHost, "ws-1"));
    EXPECT_TRUE(asset);
    EXPECT_EQ(asset->first_seen.ns, kNoon.ns + kSecond);
    EXPECT_FALSE(asset->declared);
    return {};
  });
  EXPECT_EQ(desk_->position().sequence, 5u);
}

// What notifications are made of.
TEST_F(DeskTest, TheHistorySaysFromWhereToWhereAPriorityRoseAndWhichCommentWasMade) {
  Finding dull = finding("a", "p", 1), bad = finding("b", "p", 2, "r2");
  dull.severity_id = 2;
  bad.severity_id = 5;
  take({dull});
  const IncidentNumber id = with("a");
  ASSERT_EQ(incident(id).priority, "p4");
  take({bad});
  const std::string risen = incident(id).priority;
  ASSERT_LT(risen, "p4");
  Change change;
  change.priority = "p1";
  ASSERT_TRUE(desk_->change(id, change, "ana").ok());
  ASSERT_TRUE(desk_->comment(id, "hello", "ana").ok());
  std::vector<std::string> details;
  read([&](IncidentTables& t) -> core::Result<void> {
    for (const auto& entry : TOCSIN_TRY(t.history(id, 100))) {
      if (entry.action == "priority" || entry.action == "comment") details.push_back(entry.actor + " " + entry.detail);
    }
    return {};
  });
  EXPECT_EQ(details, (std::vector<std::string>{"engine {\"from\":\"p4\",\"to\":\"" + risen + "\"}",
                                               "ana {\"from\":\"" + risen + "\",\"to\":\"p1\"}", "ana {\"comment\":1}"}));
}

TEST_F(DeskTest, TheSameFindingTwiceIsTakenOnce) {
  take({finding("a", "p", 1)});
  take({finding("a", "p", 1), finding("b", "p", 2, "r2")});
  EXPECT_EQ(incident(with("a")).finding_count, 2);
}

TEST_F(DeskTest, RepeatedFindingsAreFoldedWithTheirIdsKept) {
  take({finding("a", "p", 1), finding("b", "p", 2), finding("c", "p", 3)});
  const IncidentNumber id = with("a");
  EXPECT_EQ(with("b"), id);
  EXPECT_EQ(with("c"), id);
  EXPECT_EQ(incident(id).finding_count, 3);
  read([&](IncidentTables& t) -> core::Result<void> {
    const auto members = TOCSIN_TRY(t.members(id, 10, 0));
    EXPECT_EQ(members.size(), 1u);
    EXPECT_EQ(members.at(0).folded, 3);
    EXPECT_EQ(TOCSIN_TRY(t.folded("a", 10)).size(), 2u);
    return {};
  });
  // After the window it stands for itself.
  take({finding("d", "p", 3'700)});
  read([&](IncidentTables& t) -> core::Result<void> {
    EXPECT_TRUE(TOCSIN_TRY(t.member("d")));
    return {};
  });
}

TEST_F(DeskTest, AFindingThatLinksTwoIncidentsMergesThemAndBothKeepTheirHistory) {
  // Low findings: the host alone does not link them.
  Finding a = finding("a", "p", 1), b = finding("b", "q", 2, "r2"), both = finding("c", "p", 3, "r3");
  a.severity_id = b.severity_id = both.severity_id = 2;
  take({a, b});
  const IncidentNumber one = with("a"), other = with("b");
  ASSERT_NE(one, other);
  both.entities.push_back({model::EntityKind::kProcess, model::EntityRole::kParent, "ws-1|{q}", "q.exe"});
  both.relations.push_back({Finding::Relation::Kind::kStarted, 2, 1});
  take({both});
  EXPECT_EQ(with("a"), with("b"));
  const IncidentNumber gone = with("a") == one ? other : one;
  EXPECT_EQ(incident(gone).merged_into, with("a"));
  EXPECT_EQ(incident(with("a")).finding_count, 3);
  EXPECT_FALSE(actions(gone).empty());
  EXPECT_EQ(actions(gone).back(), "merged");
}

TEST_F(DeskTest, AfterARestartFindingsGoOnWhereTheyWere) {
  take({finding("a", "p", 1), finding("b", "p", 2)});
  const IncidentNumber id = with("a");
  start();
  EXPECT_EQ(desk_->position().sequence, 2u);
  EXPECT_EQ(desk_->position().ids, std::vector<std::string>{"b"});
  take({finding("c", "p", 3, "r2"), finding("d", "p", 4)});
  EXPECT_EQ(with("c"), id);
  EXPECT_EQ(with("d"), id);
  read([&](IncidentTables& t) -> core::Result<void> {
    EXPECT_FALSE(TOCSIN_TRY(t.member("d"))) << "folded, also after the restart";
    return {};
  });
}

TEST_F(DeskTest, AFailedTransactionLeavesNothingBehindNeitherInMemory) {
  take({finding("a", "p", 1)});
  const IncidentNumber first = with("a");
  raw("create trigger broken before insert on incident_members when new.finding = 'bad' begin select raise(abort, "
      "'injected'); "
      "end");
  const std::vector<Finding> batch{finding("b", "q", 2, "r2"), finding("bad", "q", 3, "r3")};
  EXPECT_FALSE(desk_->take(batch, {3, {}}).ok());
  EXPECT_EQ(with("b"), 0);
  EXPECT_EQ(desk_->position().sequence, 1u);
  told_.clear();
  raw("drop trigger broken");
  take(batch);
  EXPECT_NE(with("b"), 0);
  EXPECT_EQ(with("b"), with("bad"));
  const ledger::Incident row = incident(with("b"));
  EXPECT_EQ(row.finding_count, with("b") == first ? 3 : 2);
  EXPECT_EQ(told_.size(), 1u);
  take({finding("c", "p", 4, "r2")});
  EXPECT_EQ(with("c"), first);
}

TEST_F(DeskTest, PeopleChangeStatesAndTimesAreKept) {
  take({finding("a", "p", 1)});
  const IncidentNumber id = with("a");
  Change change;
  change.state = model::IncidentState::kContained;
  change.owner = "anna";
  change.title = "Mine";
  change.priority = "p1";
  change.expected_version = incident(id).version;
  auto done = desk_->change(id, change, "anna");
  ASSERT_TRUE(done.ok()) << done.error().text;
  EXPECT_EQ(done->acknowledged_at, clock_.now());
  EXPECT_EQ(done->contained_at, clock_.now());
  EXPECT_FALSE(done->recovered_at.known());
  // An old version is refused, closing has its own way, nonsense has none.
  EXPECT_EQ(desk_->change(id, change, "bob").error().code, core::ErrorCode::kDenied);
  change = {};
  change.state = model::IncidentState::kClosed;
  EXPECT_FALSE(desk_->change(id, change, "bob").ok());
  change = {};
  change.priority = "p9";
  EXPECT_FALSE(desk_->change(id, change, "bob").ok());
  EXPECT_EQ(desk_->change(999, {}, "bob").error().code, core::ErrorCode::kNotFound);
  take({finding("b", "p", 2, "r2")});
  const ledger::Incident row = incident(id);
  EXPECT_EQ(row.title, "Mine");
  EXPECT_EQ(row.priority, "p1");
  EXPECT_EQ(row.owner, "anna");
}

TEST_F(DeskTest, ClosingDecidesThePrecisionOfItsRulesAndReopeningTakesItBack) {
  take({finding("a", "p", 1), finding("b", "p", 2, "r2")});
  const IncidentNumber id = with("a");
  const double before = desk_->precision("default", "r1", 4).mean();
  Closing closing;
  closing.verdict = model::Verdict::kFalsePositive;
  closing.cause = "backup software";
  auto closed = desk_->close(id, closing, "anna");
  ASSERT_TRUE(closed.ok()) << closed.error().text;
  EXPECT_EQ(closed->state, model::IncidentState::kClosed);
  EXPECT_EQ(closed->closed_at, clock_.now());
  EXPECT_LT(desk_->precision("default", "r1", 4).mean(), before);
  EXPECT_EQ(desk_->precision("default", "r2", 4).decided, 1u);
  EXPECT_EQ(desk_->precision("other", "r1", 4).decided, 0u);
  start();
  EXPECT_EQ(desk_->precision("default", "r1", 4).decided, 1u);
  EXPECT_FALSE(desk_->close(id, closing, "anna").ok());
  ASSERT_TRUE(desk_->reopen(id, "not so", "bob").ok());
  EXPECT_EQ(desk_->precision("default", "r1", 4).decided, 0u);
  EXPECT_EQ(incident(id).verdict, model::Verdict::kNone);
  take({finding("c", "p", 6, "r3")});
  EXPECT_EQ(with("c"), id) << "a reopened incident takes findings again";
}

TEST_F(DeskTest, AClosedIncidentTakesNoMoreFindings) {
  take({finding("a", "p", 1)});
  const IncidentNumber id = with("a");
  ASSERT_TRUE(desk_->close(id, {}, "anna").ok());
  take({finding("b", "p", 2), finding("c", "p", 3, "r2")});
  EXPECT_NE(with("b"), id);
  EXPECT_EQ(with("b"), with("c"));
  read([&](IncidentTables& t) -> core::Result<void> {
    const auto links = TOCSIN_TRY(t.links(id));
    EXPECT_EQ(links.size(), 1u);
    EXPECT_EQ(links.at(0).kind, "related");
    return {};
  });
}

TEST_F(DeskTest, DuplicatesNameTheirOriginal) {
  take({finding("a", "p", 1), finding("b", "q", 2, "r2")});
  Closing closing;
  closing.verdict = model::Verdict::kDuplicate;
  EXPECT_FALSE(desk_->close(with("a"), closing, "anna").ok());
  const auto other = desk_->create({"default", "", "A call", "Someone called", "", 3, kNoon, {}, {}}, "bob");
  ASSERT_TRUE(other.ok()) << other.error().text;
  closing.duplicate_of = other->id;
  EXPECT_TRUE(desk_->close(with("a"), closing, "anna").ok());
}

TEST_F(DeskTest, SplitFindingsStayApartAlsoAfterARestart) {
  take({finding("a", "p", 1), finding("b", "p", 2, "r2"), finding("c", "p", 3, "r3")});
  const IncidentNumber id = with("a");
  EXPECT_FALSE(desk_->split(id, {"a", "b", "c"}, "all", "anna").ok());
  EXPECT_FALSE(desk_->split(id, {"nothing"}, "", "anna").ok());
  const auto split = desk_->split(id, {"c"}, "an administrator's", "anna");
  ASSERT_TRUE(split.ok()) << split.error().text;
  EXPECT_EQ(with("c"), split->id);
  EXPECT_EQ(incident(id).finding_count, 2);
  EXPECT_EQ(incident(id).last_event.ns, kNoon.ns + 2 * kSecond);
  EXPECT_EQ(split->finding_count, 1);
  EXPECT_EQ(split->host_count, 1);
  EXPECT_EQ(split->title, "Rule r3 on WS-1");
  start();
  take({finding("d", "p", 9, "r4")});
  EXPECT_EQ(incident(id).merged_into, 0);
  EXPECT_EQ(incident(split->id).merged_into, 0);
  ASSERT_TRUE(desk_->move({"c"}, id, "after all", "anna").ok());
  EXPECT_EQ(with("c"), id);
}

TEST_F(DeskTest, IncidentsAreMergedByHand) {
  take({finding("a", "p", 1)});
  Finding elsewhere = finding("b", "q", 2, "r2");
  elsewhere.entities = {{model::EntityKind::kHost, model::EntityRole::kAffected, "ws-2", "WS-2"},
                        {model::EntityKind::kProcess, model::EntityRole::kAffected, "ws-2|{q}", "q.exe"}};
  take({elsewhere});
  const IncidentNumber one = with("a"), other = with("b");
  ASSERT_NE(one, other);
  EXPECT_FALSE(desk_->merge(one, {one}, "", "anna").ok());
  const auto merged = desk_->merge(one, {other}, "one campaign", "anna");
  ASSERT_TRUE(merged.ok()) << merged.error().text;
  EXPECT_EQ(merged->finding_count, 2);
  EXPECT_EQ(merged->host_count, 2);
  EXPECT_EQ(incident(other).merged_into, one);
  elsewhere.id = "c";
  elsewhere.rule_id = "r9";
  elsewhere.event_time.ns += kSecond;
  take({elsewhere});
  EXPECT_EQ(with("c"), one);
}

TEST_F(DeskTest, DeclaredFactsOfAnAssetAreNotOverwritten) {
  ledger::Asset asset;
  asset.tenant = "default";
  asset.key = "ws-1";
  asset.label = "Cash desk";
  asset.criticality = 5;
  asset.exposure = "internet";
  ASSERT_TRUE(desk_->put_asset(asset, "anna").ok());
  take({finding("a", "p", 1)});
  read([&](IncidentTables& t) -> core::Result<void> {
    const auto row = TOCSIN_TRY(t.asset("default", model::EntityKind::kHost, "ws-1"));
    EXPECT_EQ(row->label, "Cash desk");
    EXPECT_EQ(row->criticality, 5);
    EXPECT_TRUE(row->declared);
    EXPECT_EQ(row->first_seen.ns, kNoon.ns + kSecond);
    return {};
  });
  EXPECT_NE(incident(with("a")).score_parts.find("Cash desk"), std::string::npos) << incident(with("a")).score_parts;
}

TEST_F(DeskTest, KeepsTasksNotesCommentsWatchersAndFindsTheSimilar) {
  take({finding("a", "p", 1)});
  const IncidentNumber id = with("a");
  EXPECT_TRUE(desk_->comment(id, "hello", "anna").ok());
  ledger::IncidentTask task;
  task.incident = id;
  task.title = "Isolate";
  task.phase = "contain";
  const auto added = desk_->add_task(task, "anna");
  ASSERT_TRUE(added.ok()) << added.error().text;
  task.id = *added;
  task.done = true;
  EXPECT_TRUE(desk_->change_task(task, "bob").ok());
  task.phase = "nonsense";
  EXPECT_FALSE(desk_->add_task(task, "anna").ok());
  EXPECT_TRUE(desk_->annotate({0, id, kNoon, {}, "", "called", "user", ""}, "anna").ok());
  EXPECT_FALSE(desk_->annotate({0, id, kNoon, {}, "", "called", "nowhere", ""}, "anna").ok());
  EXPECT_TRUE(desk_->watch(id, "anna", true).ok());
  EXPECT_EQ(desk_->watch(77, "anna", true).error().code, core::ErrorCode::kNotFound);
  read([&](IncidentTables& t) -> core::Result<void> {
    const auto tasks = TOCSIN_TRY(t.tasks(id));
    EXPECT_EQ(tasks.at(0).done_by, "bob");
    EXPECT_EQ(tasks.at(0).done_at, clock_.now());
    EXPECT_EQ(TOCSIN_TRY(t.notes(id)).at(0).author, "anna");
    return {};
  });
  ASSERT_TRUE(desk_->close(id, {}, "anna").ok());
  take({finding("b", "z", 50, "r2")});
  const auto similar = desk_->similar(with("b"), 5);
  ASSERT_TRUE(similar.ok()) << similar.error().text;
  ASSERT_EQ(similar->size(), 1u);
  EXPECT_EQ(similar->at(0).incident.id, id);
  EXPECT_NE(similar->at(0).why.find("host WS-1"), std::string::npos);
}

TEST_F(DeskTest, HostileTextsAreTakenAsTheyAre) {
  Finding odd = finding("a", "p", 1);
  odd.rule_title = std::string("x\0y", 3) + std::string(5'000, 'z');
  odd.tactics = {"a,b", ""};
  odd.entities.push_back({model::EntityKind::kUser, model::EntityRole::kActor, "k:1 2\n'\"", std::string(3'000, 'u')});
  odd.entities.push_back({model::EntityKind::kUrl, model::EntityRole::kRelated, std::string(5'000, 'k'), "long"});
  take({odd});
  start();
  take({finding("b", "p", 2, "r2")});
  EXPECT_EQ(with("a"), with("b"));
}

TEST_F(DeskTest, AddressesThatHostsCallTheirOwnJoinWhatOtherSourcesSayOfThem) {
  const auto by_address = [](const std::string& id, int second, const std::string& to) {
    Finding out = finding(id, "p", second, "r-" + id);
    out.source = "zeek";
    out.entities = {{model::EntityKind::kAddress, model::EntityRole::kAffected, to, to}};
    return out;
  };
  const OwnAddress own{"default", "main", "WS-1.corp.example", "10.0.0.5", kNoon};
  const auto learned = desk_->learn_addresses(std::span(&own, 1));
  ASSERT_TRUE(learned.ok()) << learned.error().text;
  EXPECT_EQ(*learned, 1u);
  EXPECT_EQ(*desk_->learn_addresses(std::span(&own, 1)), 0u);
  read([&](IncidentTables& t) -> core::Result<void> {
    const auto row = TOCSIN_TRY(t.asset("default", model::EntityKind::kHost, "ws-1"));
    EXPECT_TRUE(row && row->addresses == std::vector<std::string>{"10.0.0.5"});
    return {};
  });
  take({finding("a", "p", 1), by_address("b", 20, "10.0.0.5")});
  const bool together = with("a") == with("b");
  start();  // From the register.
  take({finding("c", "q", 40, "r9"), by_address("d", 60, "10.0.0.5")});
  EXPECT_EQ(together, with("c") == with("d"));
  EXPECT_TRUE(together);
}

TEST_F(DeskTest, AccountsAreNamedOnceAndThoseOfANumberLast) {
  Finding one = finding("a", "p", 1);
  for (const auto& [key, label] :
       {std::pair("0@ws-1", "0"), std::pair("s-1-5-21-1-2-3-4", "CORP\\anna"), std::pair("anna@corp", "CORP\\anna")})
    one.entities.push_back({model::EntityKind::kUser, model::EntityRole::kActor, key, label});
  take({one});
  const ledger::Incident row = incident(with("a"));
  EXPECT_EQ(row.main_user, "CORP\\anna");
  EXPECT_EQ(row.user_count, 2);
  EXPECT_NE(row.summary.find("CORP\\anna and 0"), std::string::npos) << row.summary;
}

TEST_F(DeskTest, AnAddressThatIsLearnedLateLinksWhatWasFoundBefore) {
  const auto by_address = [](const std::string& id, int second) {
    Finding out = finding(id, "p", second, "r-" + id);
    out.source = "zeek";
    out.entities = {{model::EntityKind::kAddress, model::EntityRole::kAffected, "10.0.0.5", "10.0.0.5"}};
    return out;
  };
  take({finding("a", "p", 1), by_address("b", 20)});
  EXPECT_NE(with("a"), with("b"));
  const OwnAddress own{"default", "main", "ws-1", "10.0.0.5", kNoon};
  ASSERT_TRUE(desk_->learn_addresses(std::span(&own, 1)).ok());
  EXPECT_EQ(with("a"), with("b"));
  EXPECT_EQ(incident(with("a")).finding_count, 2);
  EXPECT_EQ(std::count(told_.begin() + 2, told_.end(), with("a")), 1);
  take({by_address("c", 40)});
  EXPECT_EQ(with("a"), with("c"));
  start();
  take({by_address("d", 60)});
  EXPECT_EQ(with("a"), with("d"));
}

TEST(AddressOwners, AnAddressOfTwoHostsWithinADayIsOfNeitherUntilOneIsSilent) {
  using Told = AddressOwners::Told;
  AddressOwners owners;
  const auto tell = [&](const char* host, double hours) {
    return owners.tell("t", "192.168.1.23", host, {kNoon.ns + static_cast<std::int64_t>(hours * 3'600) * kSecond});
  };
  EXPECT_EQ(tell("a", 0), Told::kNew);
  EXPECT_EQ(tell("a", 1), Told::kKnown);
  EXPECT_EQ(tell("b", 25), Told::kShared);  // 24 h after the last word of a.
  EXPECT_EQ(tell("a", 26), Told::kShared);
  EXPECT_EQ(tell("a", 49), Told::kShared);  // 24 h after the last word of b.
  EXPECT_EQ(tell("a", 49.5), Told::kNew);
  EXPECT_EQ(tell("b", 74), Told::kNew);   // It moved.
  EXPECT_EQ(tell("a", 1), Told::kKnown);  // An old word says nothing.
  EXPECT_EQ(owners.tell("u", "192.168.1.23", "z", kNoon), Told::kNew);
}

TEST(AddressOwners, AddressesThatManyHaveTellOfNoHost) {
  for (const char* address : {"127.0.0.1", "0.0.0.0", "169.254.3.4", "224.0.0.251", "255.255.255.255", "::1",
                              "::", "fe80::1", "ff02::fb", "no address"}) {
    EXPECT_FALSE(tells_of_one_host(address)) << address;
  }
  for (const char* address : {"10.0.0.5", "223.255.255.255", "2001:db8::1", "169.253.0.1"}) {
    EXPECT_TRUE(tells_of_one_host(address)) << address;
  }
}

}  // namespace
}  // namespace tocsin::triage
