// A desk that does what it is told and thinks nothing, and incidents to try the routes on. Used by tests only.
#pragma once
#include <list>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "api/api_test_support.h"
#include "ledger/incidents.h"
#include "testing/paths.h"
#include "triage/desk.h"

namespace tocsin::api {

using ledger::Incident;
using ledger::IncidentTables;

class PlainDesk final : public triage::Desk {
 public:
  PlainDesk(ledger::Ledger& ledger, const core::Clock& clock) : ledger_(ledger), clock_(clock) {}

  core::Result<void> prepare() override { return {}; }
  [[nodiscard]] triage::DeskPosition position() const override { return {}; }
  core::Result<void> take(std::span<const triage::Finding>, const triage::DeskPosition&) override { return {}; }
  core::Result<std::size_t> learn_addresses(std::span<const triage::OwnAddress>) override { return std::size_t{0}; }
  core::Result<Incident> change(ledger::IncidentNumber id, const triage::Change& change, std::string_view by) override {
    return edit(id, by, "state", "changed", [&](Incident& one) -> core::Result<void> {
      if (before_change) before_change();
      if (change.expected_version && *change.expected_version != one.version) {
        return core::Error{core::ErrorCode::kInvalid, "the version is old"};
      }
      if (change.title) one.title = *change.title;
      if (change.owner) one.owner = *change.owner;
      if (change.priority) one.priority = *change.priority;
      if (change.tags) one.tags = *change.tags;
      if (change.state) one.state = *change.state;
      return {};
    });
  }
  core::Result<Incident> close(ledger::IncidentNumber id, const triage::Closing& closing, std::string_view by) override {
    return edit(id, by, "closed", "closed", [&](Incident& one) -> core::Result<void> {
      one.state = model::IncidentState::kClosed;
      one.verdict = closing.verdict;
      one.cause = closing.cause;
      one.closed_at = clock_.now();
      return {};
    });
  }
  core::Result<Incident> reopen(ledger::IncidentNumber id, std::string_view why, std::string_view by) override {
    return edit(id, by, "reopened", std::string(why), [](Incident& one) -> core::Result<void> {
      one.state = model::IncidentState::kInvestigating;
      return {};
    });
  }
  core::Result<Incident> create(const triage::NewIncident& wanted, std::string_view by) override {
    Incident one;
    one.tenant = wanted.tenant;
    one.title = wanted.title;
    one.severity_id = wanted.severity_id;
    one.opened_by = by;
    one.first_event = wanted.first_event;
    one.created_at = one.changed_at = clock_.now();
    one.version = 1;
    const auto done = tables([&](IncidentTables& all) -> core::Result<void> {
      one.id = TOCSIN_TRY(all.next_incident_number());
      return all.insert_incident(one);
    });
    if (!done.ok()) return done.error();
    return one;
  }
  core::Result<Incident> merge(ledger::IncidentNumber into, const std::vector<ledger::IncidentNumber>& from,
                               std::string_view why, std::string_view by) override {
    for (const auto one : from) {
      const auto done = tables([&](IncidentTables& all) -> core::Result<void> {
        TOCSIN_TRY(all.move_members(one, into));
        return {};
      });
      if (!done.ok()) return done.error();
    }
    return edit(into, by, "merged", std::string(why), [](Incident&) -> core::Result<void> { return {}; });
  }
  core::Result<Incident> split(ledger::IncidentNumber, const std::vector<std::string>& findings, std::string_view why,
                               std::string_view by) override {
    const auto made = create({"own", "", "split", "", "", 3, clock_.now(), {}, {}}, by);
    if (!made.ok()) return made.error();
    const auto moved = move(findings, made->id, why, by);
    if (!moved.ok()) return moved.error();
    return *made;
  }
  core::Result<void> move(const std::vector<std::string>& findings, ledger::IncidentNumber to, std::string_view,
                          std::string_view by) override {
    return tables([&](IncidentTables& all) -> core::Result<void> {
      for (const std::string& id : findings) TOCSIN_TRY(all.move_member(id, to, "[]", by));
      return {};
    });
  }
  core::Result<void> comment(ledger::IncidentNumber id, std::string_view text, std::string_view by) override {
    return tables([&](IncidentTables& all) -> core::Result<void> {
      TOCSIN_TRY(all.add_comment({0, id, clock_.now(), std::string(by), std::string(text)}));
      return {};
    });
  }
  core::Result<std::int64_t> add_task(ledger::IncidentTask task, std::string_view) override {
    std::int64_t id = 0;
    const auto done = tables([&](IncidentTables& all) -> core::Result<void> {
      id = TOCSIN_TRY(all.add_task(task));
      return {};
    });
    if (!done.ok()) return done.error();
    return id;
  }
  core::Result<void> change_task(const ledger::IncidentTask& task, std::string_view) override {
    return tables([&](IncidentTables& all) { return all.update_task(task); });
  }
  core::Result<std::int64_t> annotate(ledger::IncidentNote note, std::string_view) override {
    std::int64_t id = 0;
    const auto done = tables([&](IncidentTables& all) -> core::Result<void> {
      id = TOCSIN_TRY(all.add_note(note));
      return {};
    });
    if (!done.ok()) return done.error();
    return id;
  }
  core::Result<void> watch(ledger::IncidentNumber id, std::string_view user, bool on) override {
    return tables([&](IncidentTables& all) { return all.watch(id, user, on); });
  }
  core::Result<ledger::Asset> put_asset(ledger::Asset asset, std::string_view) override {
    const auto done = tables([&](IncidentTables& all) -> core::Result<void> {
      asset.id = TOCSIN_TRY(all.put_asset(asset));
      return {};
    });
    if (!done.ok()) return done.error();
    return asset;
  }
  core::Result<std::vector<Similar>> similar(ledger::IncidentNumber, std::size_t) override {
    std::vector<Similar> out;
    for (const ledger::IncidentNumber id : alike) {
      const auto done = tables([&](IncidentTables& all) -> core::Result<void> {
        const auto one = TOCSIN_TRY(all.incident(id));
        if (one) out.push_back({*one, 0.5, "the same host"});
        return {};
      });
      if (!done.ok()) return done.error();
    }
    return out;
  }
  [[nodiscard]] triage::Precision precision(std::string_view, std::string_view, std::uint8_t) const override { return {}; }
  [[nodiscard]] triage::Joiner::Stats stats() const override { return {}; }

  std::function<void()> before_change;  // What another does in between.
  std::vector<ledger::IncidentNumber> alike;

 private:
  core::Result<void> tables(const std::function<core::Result<void>(IncidentTables&)>& work) {
    return ledger_.write([&](ledger::Tables& all) -> core::Result<void> {
      IncidentTables incidents(all);
      return work(incidents);
    });
  }
  core::Result<Incident> edit(ledger::IncidentNumber id, std::string_view by, const char* action, const std::string& text,
                              const std::function<core::Result<void>(Incident&)>& work) {
    Incident out;
    const auto done = tables([&](IncidentTables& all) -> core::Result<void> {
      auto found = TOCSIN_TRY(all.incident(id));
      if (!found) return core::Error{core::ErrorCode::kNotFound, "there is no such incident"};
      TOCSIN_TRY(work(*found));
      ++found->version;
      found->changed_at = clock_.now();
      TOCSIN_TRY(all.update_incident(*found));
      TOCSIN_TRY(all.add_history({0, id, clock_.now(), std::string(by), action, text, ""}));
      out = *found;
      return {};
    });
    if (!done.ok()) return done.error();
    return out;
  }
  ledger::Ledger& ledger_;
  const core::Clock& clock_;
};

inline constexpr const char* kForeign = "4711-of-the-other";

// INC-1 and INC-2 are of tenant "own", INC-3 of "other"; finding own-1 .. own-3 are in INC-1, own-4 in INC-2, other-1 in
// INC-3.
class IncidentFixture : public ApiFixture {
 protected:
  void change(ApiOptions& changed) override {
    desk = std::make_unique<PlainDesk>(*ledger, *clock);
    changed.desk = desk.get();
    const auto file = testing::project_root() / "content/triage/sla.yml";
    changed.sla = std::move(triage::read_sla_policy(testing::read_file(file), "sla.yml")).value();
  }
  void TearDown() override {
    ApiFixture::TearDown();
    desk.reset();
  }
  void SetUp() override {
    ApiFixture::SetUp();
    if (!server) return;
    boss = admin();
    nora = user("nora", auth::Role::kAdmin, {"own"});
    ana = user("ana", auth::Role::kAnalyst, {"own"});
    viewer = user("vera", auth::Role::kViewer, {"own"});
    add_incident("own", "Macro on WS-042");
    add_incident("own", "Scan of the office");
    add_incident("other", kForeign);
    for (const int i : {1, 2, 3}) add_finding("own", "own-" + std::to_string(i), 1, i);
    add_finding("own", "own-4", 2, 4);
    add_finding("other", "other-1", 3, 5);
    insert(block_);
    block_.clear();
  }
  template <class Work>
  void write(Work work) {
    const auto done = ledger->write([&](ledger::Tables& all) -> core::Result<void> {
      IncidentTables tables(all);
      return work(tables);
    });
    ASSERT_TRUE(done.ok()) << done.error().text;
  }
  void add_incident(const std::string& tenant, const std::string& title) {
    write([&](IncidentTables& tables) -> core::Result<void> {
      Incident one;
      one.id = TOCSIN_TRY(tables.next_incident_number());
      one.tenant = tenant;
      one.title = one.summary = one.main_host = one.main_user = title;
      one.severity_id = 4;
      one.score = 50 + static_cast<double>(one.id);
      one.score_parts = R"([{"name":"level","points":45,"why":"high"}])";
      one.priority = "p3";
      one.tags = {tenant};
      one.techniques = {"T1059.001"};
      one.opened_by = "engine";
      one.version = 1;
      one.first_event = store::kNoon;
      one.last_event = one.created_at = one.changed_at = {store::kNoon.ns + 60'000'000'000 * one.id};
      TOCSIN_TRY(tables.insert_incident(one));
      return tables.add_history({0, one.id, one.created_at, "engine", "opened", title, ""});
    });
  }
  // A finding with its document, in the store and in the incident.
  void add_finding(const std::string& tenant, const std::string& id, ledger::IncidentNumber incident, int place) {
    const bool own = tenant == "own";
    const std::string host = own ? "WS-042" : kForeign, person = own ? "anna" : kForeign;
    auto event = store::sample_event(static_cast<std::uint64_t>(100 + place));
    event.tenant = tenant;
    event.host = host;
    event.user = person;
    block_.add(event);
    documents_.push_back(R"({"class_uid":2004,"evidences":[{"device":{"hostname":")" + host +
                         R"("},"actor":{"user":{"name":")" + person + R"("}},"src_endpoint":{"ip":"198.51.100.)" +
                         std::to_string(place) + R"("}}]})");
    store::FindingRow row;
    row.id = id;
    row.sequence = static_cast<std::uint64_t>(100 + place);
    row.event_time = row.received_at = row.detected_at = {store::kNoon.ns + std::int64_t{place} * 1'000'000'000};
    row.tenant = tenant;
    row.rule_id = own ? "r1" : kForeign;
    row.rule_title = own ? "Macro" : kForeign;
    row.level = "high";
    row.severity_id = 4;
    row.host = host;
    row.user = person;
    row.event_ids = {event.id};
    row.finding = documents_.back();
    block_.add(row);
    write([&](IncidentTables& tables) -> core::Result<void> {
      ledger::IncidentMember member;
      member.incident = incident;
      member.finding = id;
      member.event_time = member.detected_at = member.joined_at = row.event_time;
      member.rule_id = row.rule_id;
      member.rule_title = row.rule_title;
      member.host = host;
      member.user = person;
      member.severity_id = 4;
      member.tactics = {place == 3 ? "persistence" : "execution"};
      member.reasons = R"([{"kind":"first","text":"it opened it","entity":{"kind":"host","key":"ws-042","label":""},)"
                       R"("finding":"","gap_ms":0,"weight":1}])";
      member.added_by = "engine";
      TOCSIN_TRY(tables.add_member(member));
      const core::Timestamp at = row.event_time;
      const std::string key = own ? "ws-042" : kForeign;
      TOCSIN_TRY(
          tables.put_entity({incident, {model::EntityKind::kHost, model::EntityRole::kAffected, key, host}, at, at, 1}));
      return tables.put_entity(
          {incident,
           {model::EntityKind::kAddress, model::EntityRole::kSource, "198.51.100." + std::to_string(place), ""},
           at,
           at,
           1});
    });
  }
  Answer patch(const std::string& path, const Identity& who, const std::string& body, const std::string& more = "") {
    return ask("PATCH", path, who, body, more);
  }

  std::unique_ptr<PlainDesk> desk;
  Identity boss, nora, ana, viewer;
  store::Block block_;
  std::list<std::string> documents_;
};

}  // namespace tocsin::api
