// Findings of incidents and what they speak of.
#include <array>

#include "ledger/connection.h"
#include "ledger/incident_columns.h"
#include "ledger/incidents.h"

namespace tocsin::ledger {
namespace {

struct MemberColumns {
  IncidentMember row;
  std::string tactics;
  long long incident = 0, severity = 0;
  std::array<long long, 3> times{};
  long long folded = 0;
  void exchange(soci::statement& s) {
    for (std::string* text : {&row.finding, &row.rule_id, &row.rule_title, &row.host, &row.user, &row.source, &tactics,
                              &row.reasons, &row.added_by}) {
      s.exchange(soci::into(*text));
    }
    for (long long* value : {&incident, &severity, &times[0], &times[1], &times[2], &folded}) s.exchange(soci::into(*value));
  }
  IncidentMember take() {
    row.incident = incident;
    row.severity_id = static_cast<std::uint8_t>(severity);
    row.tactics = split_list(tactics);
    row.event_time.ns = times[0];
    row.detected_at.ns = times[1];
    row.joined_at.ns = times[2];
    row.folded = folded;
    return row;
  }
};
const std::string kMemberColumns =
    "m.finding, m.rule_id, m.rule_title, m.host, m.user, m.source, m.tactics, m.reasons, m.added_by, m.incident, "
    "m.severity_id, m.event_time, m.detected_at, m.joined_at, m.folded";
const std::string kSelectMember = "select " + kMemberColumns + " from incident_members m ";

struct JoiningColumns {
  MemberColumns member;
  std::string body, tenant, state;
  long long place = 0;
  void exchange(soci::statement& s) {
    member.exchange(s);
    for (std::string* text : {&body, &tenant, &state}) s.exchange(soci::into(*text));
    s.exchange(soci::into(place));
  }
  IncidentTables::Joining take() {
    const bool open = state != model::to_string(model::IncidentState::kClosed);
    return {place, tenant, open, member.take(), body};
  }
};

struct FoldedColumns {
  FoldedFinding row;
  long long event = 0, detected = 0;
  void exchange(soci::statement& s) {
    s.exchange(soci::into(row.finding));
    s.exchange(soci::into(row.member));
    s.exchange(soci::into(event));
    s.exchange(soci::into(detected));
  }
  FoldedFinding take() {
    row.event_time.ns = event;
    row.detected_at.ns = detected;
    return row;
  }
};

struct RuleCountColumns {
  RuleCount row;
  long long severity = 0, findings = 0, from = 0, to = 0;
  void exchange(soci::statement& s) {
    for (std::string* text : {&row.rule_id, &row.rule_title, &row.source}) s.exchange(soci::into(*text));
    for (long long* value : {&severity, &findings, &from, &to}) s.exchange(soci::into(*value));
  }
  RuleCount take() {
    row.severity_id = static_cast<std::uint8_t>(severity);
    row.findings = findings;
    row.first.ns = from;
    row.last.ns = to;
    return row;
  }
};

struct EntityColumns {
  IncidentEntity row;
  std::string kind, role;
  long long incident = 0, from = 0, to = 0, findings = 0;
  void exchange(soci::statement& s) {
    for (std::string* text : {&kind, &role, &row.entity.key, &row.entity.label}) s.exchange(soci::into(*text));
    for (long long* value : {&incident, &from, &to, &findings}) s.exchange(soci::into(*value));
  }
  IncidentEntity take() {
    row.entity.kind = model::parse_entity_kind(kind).value_or(model::EntityKind::kHost);
    row.entity.role = model::parse_entity_role(role).value_or(model::EntityRole::kRelated);
    row.incident = incident;
    row.first.ns = from;
    row.last.ns = to;
    row.findings = findings;
    return row;
  }
};

core::Result<void> check_member(const IncidentMember& member) {
  for (const std::string* text : {&member.finding, &member.rule_id, &member.added_by, &member.source}) {
    if (auto fits = check_text("a finding's text", *text, kMaxNameBytes); !fits.ok()) return fits;
  }
  for (const std::string* text : {&member.rule_title, &member.host, &member.user}) {
    if (auto fits = check_text("a finding's title, host or user", *text, kMaxEntityBytes); !fits.ok()) return fits;
  }
  if (auto fits = check_list("a finding's tactics", member.tactics); !fits.ok()) return fits;
  return check_text("a finding's reasons", member.reasons, kMaxJsonBytes);
}

core::Error no_member(std::string_view finding) {
  return {core::ErrorCode::kNotFound, "ledger: finding " + std::string(finding) + " is in no incident"};
}

constexpr const char* kIsThere =
    "select exists (select 1 from incident_members where finding = :a) or exists (select 1 from incident_folded where "
    "finding = :b)";

}  // namespace

core::Result<bool> IncidentTables::add_member(const IncidentMember& member) {
  if (auto good = check_member(member); !good.ok()) return good.error();
  return guarded([&]() -> core::Result<bool> {
    if (count(connection(), kIsThere, member.finding, member.finding) != 0) return false;
    change(connection(),
           "insert into incident_members (finding, incident, event_time, detected_at, joined_at, rule_id, rule_title, host, "
           "user, source, severity_id, tactics, reasons, added_by, folded) values (:a, :b, :c, :d, :e, :f, :g, :h, :i, :j, "
           ":k, :l, :m, :n, :o)",
           member.finding, number(member.incident), number(member.event_time.ns), number(member.detected_at.ns),
           number(member.joined_at.ns), member.rule_id, member.rule_title, member.host, member.user, member.source,
           number(std::int64_t{member.severity_id}), join_list(member.tactics), member.reasons, member.added_by,
           number(member.folded));
    return true;
  });
}

core::Result<void> IncidentTables::move_member(std::string_view finding, IncidentNumber to, std::string_view reasons,
                                               std::string_view by) {
  if (auto fits = check_text("a finding's reasons", reasons, kMaxJsonBytes); !fits.ok()) return fits;
  return guarded([&]() -> core::Result<void> {
    const long long changed =
        change(connection(), "update incident_members set incident = :a, reasons = :b, added_by = :c where finding = :d",
               number(to), std::string(reasons), std::string(by), std::string(finding));
    if (changed == 0) return no_member(finding);
    return {};
  });
}

core::Result<std::int64_t> IncidentTables::move_members(IncidentNumber from, IncidentNumber to) {
  return guarded([&]() -> core::Result<std::int64_t> {
    return change(connection(), "update incident_members set incident = :a where incident = :b", number(to), number(from));
  });
}

core::Result<std::vector<IncidentMember>> IncidentTables::members(IncidentNumber incident, std::int64_t limit,
                                                                  std::int64_t offset) {
  return guarded([&]() -> core::Result<std::vector<IncidentMember>> {
    return select<MemberColumns>(connection(),
                                 kSelectMember + "where m.incident = :a order by m.event_time, m.finding limit :b offset :c",
                                 number(incident), number(limit), number(offset));
  });
}

core::Result<std::vector<IncidentMember>> IncidentTables::members_after(core::Timestamp event_time) {
  return guarded([&]() -> core::Result<std::vector<IncidentMember>> {
    return select<MemberColumns>(connection(),
                                 kSelectMember +
                                     "join incidents i on i.id = m.incident where i.state <> 'closed' and i.merged_into = 0 "
                                     "and m.event_time >= :a order by m.event_time, m.finding",
                                 number(event_time.ns));
  });
}

core::Result<std::optional<IncidentMember>> IncidentTables::member(std::string_view finding) {
  return guarded(
      [&] { return first<MemberColumns>(connection(), kSelectMember + "where m.finding = :a", std::string(finding)); });
}

core::Result<void> IncidentTables::fold_into(std::string_view finding, std::int64_t more) {
  return guarded([&]() -> core::Result<void> {
    if (change(connection(), "update incident_members set folded = folded + :a where finding = :b", number(more),
               std::string(finding)) == 0) {
      return no_member(finding);
    }
    return {};
  });
}

core::Result<bool> IncidentTables::add_folded(const FoldedFinding& finding) {
  if (auto fits = check_text("a finding's id", finding.finding, kMaxNameBytes); !fits.ok()) return fits.error();
  return guarded([&]() -> core::Result<bool> {
    if (count(connection(), kIsThere, finding.finding, finding.finding) != 0) return false;
    change(connection(), "insert into incident_folded (finding, member, event_time, detected_at) values (:a, :b, :c, :d)",
           finding.finding, finding.member, number(finding.event_time.ns), number(finding.detected_at.ns));
    return true;
  });
}

core::Result<std::vector<FoldedFinding>> IncidentTables::folded(std::string_view member, std::int64_t limit) {
  return guarded([&]() -> core::Result<std::vector<FoldedFinding>> {
    return select<FoldedColumns>(connection(),
                                 "select finding, member, event_time, detected_at from incident_folded where member = :a "
                                 "order by event_time, finding limit :b",
                                 std::string(member), number(limit));
  });
}

core::Result<std::vector<FoldedFinding>> IncidentTables::folded_after(core::Timestamp event_time) {
  return guarded([&]() -> core::Result<std::vector<FoldedFinding>> {
    return select<FoldedColumns>(connection(),
                                 "select f.finding, f.member, f.event_time, f.detected_at from incident_folded f join "
                                 "incident_members m on m.finding = f.member join incidents i on i.id = m.incident where "
                                 "i.state <> 'closed' and i.merged_into = 0 and f.event_time >= :a",
                                 number(event_time.ns));
  });
}

core::Result<std::optional<IncidentNumber>> IncidentTables::incident_with(std::string_view finding) {
  return guarded([&]() -> core::Result<std::optional<IncidentNumber>> {
    return first<NumberColumn>(connection(),
                               "select incident from incident_members where finding = :a or finding = (select member from "
                               "incident_folded where finding = :b)",
                               std::string(finding), std::string(finding));
  });
}

core::Result<std::vector<RuleCount>> IncidentTables::rule_counts(IncidentNumber incident) {
  return guarded([&]() -> core::Result<std::vector<RuleCount>> {
    return select<RuleCountColumns>(connection(),
                                    "select rule_id, max(rule_title), source, max(severity_id), sum(folded), "
                                    "min(event_time), max(event_time) from incident_members where incident = :a group by "
                                    "rule_id, source order by rule_id, source",
                                    number(incident));
  });
}

core::Result<void> IncidentTables::put_joining(std::string_view finding, core::Timestamp event_time, std::string_view body) {
  if (auto fits = check_text("a finding's entities", body, kMaxJsonBytes); !fits.ok()) return fits;
  return guarded([&]() -> core::Result<void> {
    change(connection(), "insert or replace into incident_joining (finding, event_time, body) values (:a, :b, :c)",
           std::string(finding), number(event_time.ns), std::string(body));
    return {};
  });
}

core::Result<std::optional<std::string>> IncidentTables::joining(std::string_view finding) {
  return guarded([&] {
    return first<TextColumn>(connection(), "select body from incident_joining where finding = :a", std::string(finding));
  });
}

core::Result<std::vector<IncidentTables::Joining>> IncidentTables::joining_page(std::int64_t after, std::int64_t limit) {
  return guarded([&]() -> core::Result<std::vector<Joining>> {
    return select<JoiningColumns>(connection(),
                                  "select " + kMemberColumns +
                                      ", j.body, i.tenant, i.state, j.rowid from incident_joining j join incident_members m "
                                      "on m.finding = j.finding join incidents i on i.id = m.incident where j.rowid > :a "
                                      "order by j.rowid limit :b",
                                  number(after), number(limit));
  });
}

core::Result<std::int64_t> IncidentTables::forget_joining(core::Timestamp before, std::int64_t limit) {
  return guarded([&]() -> core::Result<std::int64_t> {
    return change(connection(),
                  "delete from incident_joining where rowid in (select rowid from incident_joining where event_time < :a "
                  "limit :b)",
                  number(before.ns), number(limit));
  });
}

core::Result<void> IncidentTables::put_entity(const IncidentEntity& entity) {
  if (auto fits = check_text("an entity's key", entity.entity.key, kMaxEntityBytes); !fits.ok()) return fits;
  if (auto fits = check_text("an entity's label", entity.entity.label, kMaxEntityBytes); !fits.ok()) return fits;
  return guarded([&]() -> core::Result<void> {
    const std::string kind = model::to_string(entity.entity.kind);
    change(connection(),
           "insert into incident_entities (incident, kind, key, role, label, first, last, findings) values (:a, :b, :c, :d, "
           ":e, :f, :g, :h) on conflict (incident, kind, key) do update set first = min(first, excluded.first), last = "
           "max(last, excluded.last), findings = findings + excluded.findings",
           number(entity.incident), kind, entity.entity.key, std::string(model::to_string(entity.entity.role)),
           entity.entity.label, number(entity.first.ns), number(entity.last.ns), number(entity.findings));
    if (entity.findings > 0) return {};
    change(connection(), "delete from incident_entities where incident = :a and kind = :b and key = :c and findings <= 0",
           number(entity.incident), kind, entity.entity.key);
    return {};
  });
}

core::Result<void> IncidentTables::add_entities(IncidentNumber to, IncidentNumber from) {
  return guarded([&]() -> core::Result<void> {
    change(connection(),
           "insert into incident_entities (incident, kind, key, role, label, first, last, findings) select :a, kind, key, "
           "role, label, first, last, findings from incident_entities where incident = :b on conflict (incident, kind, key) "
           "do update set first = min(first, excluded.first), last = max(last, excluded.last), findings = findings + "
           "excluded.findings",
           number(to), number(from));
    return {};
  });
}

core::Result<std::int64_t> IncidentTables::entity_count(IncidentNumber incident, model::EntityKind kind) {
  return guarded([&]() -> core::Result<std::int64_t> {
    return count(connection(), "select count(*) from incident_entities where incident = :a and kind = :b", number(incident),
                 std::string(model::to_string(kind)));
  });
}

core::Result<std::vector<IncidentEntity>> IncidentTables::entities(IncidentNumber incident, std::int64_t limit) {
  return guarded([&]() -> core::Result<std::vector<IncidentEntity>> {
    return select<EntityColumns>(connection(),
                                 "select kind, role, key, label, incident, first, last, findings from incident_entities "
                                 "where incident = :a order by findings desc, kind, key limit :b",
                                 number(incident), number(limit));
  });
}

core::Result<std::vector<IncidentNumber>> IncidentTables::incidents_of(std::string_view tenant, model::EntityKind kind,
                                                                       std::string_view key, std::int64_t limit) {
  return guarded([&]() -> core::Result<std::vector<IncidentNumber>> {
    return select<NumberColumn>(connection(),
                                "select i.id from incident_entities e join incidents i on i.id = e.incident where e.kind = "
                                ":a and e.key = :b and i.tenant = :c and i.merged_into = 0 order by i.last_event desc, i.id "
                                "desc limit :d",
                                std::string(model::to_string(kind)), std::string(key), std::string(tenant), number(limit));
  });
}

}  // namespace tocsin::ledger
