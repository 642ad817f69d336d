// One entity: what is known of it, the findings that speak of it, the incidents it is in, what is seen with it.
//
// Findings are looked for by the telling part of the key in their documents, newest first, and taken only where the document
// names that entity: exact, but for those beyond the limit ("complete").
#include <algorithm>
#include <map>

#include "api/handlers/handlers.h"
#include "api/incident_json.h"
#include "api/parts/events.h"
#include "api/parts/incident_call.h"
#include "triage/score.h"

namespace tocsin::api {
namespace {

using ledger::IncidentTables;
using store::SqlText;

constexpr std::int64_t kMaxCandidates = 500;
constexpr std::size_t kMaxPeers = 50, kMaxRules = 50, kMaxShownFindings = 100;
constexpr std::int64_t kMaxIncidents = 50;
constexpr std::int64_t kDayNs = 86'400'000'000'000;
constexpr int kDays = 30;
// What a finding adds to the risk of its entities, by severity; halves each week.
constexpr double kRiskPoints[] = {1, 1, 3, 8, 20, 40};
constexpr std::int64_t kRiskHalfLifeNs = 7 * kDayNs;

// The part of the key that a document must hold, as JSON writes it.
std::string needle_of(model::EntityKind kind, std::string_view key) {
  if (kind != model::EntityKind::kUrl && kind != model::EntityKind::kCloudResource) {
    const std::size_t bar = key.find('|');
    if (bar != std::string_view::npos) key.remove_prefix(bar + 1);
  }
  if (kind == model::EntityKind::kProcess) key = key.substr(0, key.find('|'));
  if (kind == model::EntityKind::kUser) key = key.substr(0, key.find('@'));
  if (kind == model::EntityKind::kFileHash) key.remove_prefix(std::min(key.find(':') + 1, key.size()));
  std::string out;
  core::append_json_escaped(key, out);
  return out;
}

struct Entity {
  model::EntityKind kind = model::EntityKind::kHost;
  std::string key, label, tenant;  // tenant: asked for; empty: all that the caller sees.
  std::optional<Rows> rows;
  std::vector<std::pair<std::size_t, triage::Finding>> findings;  // Row and finding, newest first.
  bool complete = true;
  std::vector<ledger::Incident> incidents;
  std::optional<ledger::Asset> asset;
};

core::Result<void> read_findings(const Call& call, Entity& entity) {
  const std::string needle = needle_of(entity.kind, entity.key);
  SqlText sql("SELECT ");
  sql << finding_list() << ", finding FROM findings WHERE "
      << call.tenant_condition(entity.tenant.empty() ? std::vector<std::string>() : std::vector{entity.tenant}) << " AND "
      << time_condition("event_time", {call.now().ns - kDays * kDayNs}, {}) << " AND positionCaseInsensitiveUTF8(finding, ";
  sql.text(needle) << ") > 0 ORDER BY event_time DESC, id LIMIT ";
  sql.number(kMaxCandidates);
  entity.rows = TOCSIN_TRY(call.ask(sql));
  entity.complete = entity.rows->size() < static_cast<std::size_t>(kMaxCandidates);
  for (std::size_t i = 0; i < entity.rows->size(); ++i) {
    Row row = entity.rows->row(i);
    triage::Finding finding;
    finding.id = row.text();
    finding.event_time = row.time();
    for (int skipped = 0; skipped < 2; ++skipped) row.skip();
    finding.tenant = row.text();
    for (int skipped = 0; skipped < 2; ++skipped) row.skip();
    finding.rule_id = row.text();
    finding.rule_title = row.text();
    row.skip();
    finding.severity_id = static_cast<std::uint8_t>(std::clamp<std::int64_t>(row.integer(), 0, 5));
    for (int skipped = 0; skipped < 6; ++skipped) row.skip();
    triage::read_finding(row.text(), finding).ignore("a document that cannot be read speaks of nothing");
    const auto named = std::ranges::find_if(
        finding.entities, [&](const auto& one) { return one.kind == entity.kind && one.key == entity.key; });
    if (named == finding.entities.end()) continue;
    if (entity.label.empty()) entity.label = named->label;
    entity.findings.emplace_back(i, std::move(finding));
  }
  return {};
}

core::Result<void> read_ledger(const Call& call, Entity& entity) {
  return read_tables(call, [&](IncidentTables& tables) -> core::Result<void> {
    ledger::IncidentQuery asked;
    asked.tenants = entity.tenant.empty() ? call.who.tenants : std::vector{entity.tenant};
    asked.with_closed = true;
    asked.entity_kind = model::to_string(entity.kind);
    asked.entity_key = entity.key;
    asked.order = ledger::IncidentQuery::Order::kNewest;
    asked.limit = kMaxIncidents;
    entity.incidents = TOCSIN_TRY(tables.incidents(asked)).items;
    std::vector<std::string> tenants = asked.tenants;
    for (const auto& incident : entity.incidents) tenants.push_back(incident.tenant);
    for (const auto& [row, finding] : entity.findings) tenants.push_back(finding.tenant);
    if (tenants.empty()) tenants.emplace_back("default");
    for (const std::string& tenant : tenants) {
      if (entity.asset || !call.who.may_see(tenant)) continue;
      entity.asset = TOCSIN_TRY(tables.asset(tenant, entity.kind, entity.key));
    }
    if (entity.asset && !entity.asset->label.empty()) entity.label = entity.asset->label;
    return {};
  });
}

void write_days(core::JsonWriter& json, const Entity& entity, core::Timestamp now) {
  std::vector<std::int64_t> counts(kDays, 0);
  const std::int64_t today = now.ns / kDayNs;
  for (const auto& [row, finding] : entity.findings) {
    const std::int64_t age = today - finding.event_time.ns / kDayNs;
    if (age >= 0 && age < kDays) ++counts[static_cast<std::size_t>(kDays - 1 - age)];
  }
  json.key("findings_by_day").begin_array();
  for (int i = 0; i < kDays; ++i) {
    const core::Timestamp day{(today - kDays + 1 + i) * kDayNs};
    json.begin_object().member("day", core::format_iso_time(day).substr(0, 10));
    json.key("count").number(counts[static_cast<std::size_t>(i)]).end_object();
  }
  json.end_array();
}

void write_rules(core::JsonWriter& json, const Entity& entity) {
  std::map<std::string, std::pair<std::string, std::int64_t>> rules;
  for (const auto& [row, finding] : entity.findings) {
    auto& rule = rules[finding.rule_id];
    rule.first = finding.rule_title;
    ++rule.second;
  }
  std::vector<std::pair<std::string, std::pair<std::string, std::int64_t>>> sorted(rules.begin(), rules.end());
  std::ranges::stable_sort(sorted, std::greater(), [](const auto& rule) { return rule.second.second; });
  sorted.resize(std::min(sorted.size(), kMaxRules));
  json.key("rules").begin_array();
  for (const auto& [id, rule] : sorted) {
    json.begin_object().member("value", id).member("label", rule.first).key("count").number(rule.second).end_object();
  }
  json.end_array();
}

void write_peers(core::JsonWriter& json, const Entity& entity) {
  std::map<std::pair<model::EntityKind, std::string>, std::pair<std::string, std::int64_t>> peers;
  for (const auto& [row, finding] : entity.findings) {
    for (const auto& one : finding.entities) {
      if (one.kind == entity.kind && one.key == entity.key) continue;
      auto& peer = peers[{one.kind, one.key}];
      peer.first = one.label;
      ++peer.second;
    }
  }
  using Peer = std::pair<std::pair<model::EntityKind, std::string>, std::pair<std::string, std::int64_t>>;
  std::vector<Peer> sorted(peers.begin(), peers.end());
  std::ranges::stable_sort(sorted, std::greater(), [](const Peer& peer) { return peer.second.second; });
  sorted.resize(std::min(sorted.size(), kMaxPeers));
  json.key("peers").begin_array();
  for (const auto& [name, peer] : sorted) {
    json.begin_object().member("kind", model::to_string(name.first)).member("key", name.second);
    json.member("label", peer.first.empty() ? name.second : peer.first).key("shared").number(peer.second).end_object();
  }
  json.end_array();
}

double risk_of(const Entity& entity, core::Timestamp now) {
  std::vector<std::pair<core::Timestamp, double>> points;
  for (const auto& [row, finding] : entity.findings) {
    points.emplace_back(finding.event_time, kRiskPoints[std::min<std::size_t>(finding.severity_id, 5)]);
  }
  return triage::decayed_risk(points, now, kRiskHalfLifeNs);
}

Reply get_entity(Call& call) {
  Entity entity;
  const auto kind = model::parse_entity_kind(call.captured("kind"));
  entity.key = call.captured("key");
  if (!kind || entity.key.empty()) return Reply::problem(404, "there is no such kind of entity");
  entity.kind = *kind;
  Query query = call.query();
  entity.tenant = query.text("tenant");
  if (!entity.tenant.empty() && !call.who.may_see(entity.tenant)) query.refuse("tenant", "is none of yours");
  if (query.problem()) return *query.problem();
  TOCSIN_TRY(read_findings(call, entity));
  TOCSIN_TRY(read_ledger(call, entity));
  if (entity.findings.empty() && entity.incidents.empty() && !entity.asset) {
    return Reply::problem(404, "nothing is known of it");
  }
  std::string out;
  core::JsonWriter json(out);
  json.begin_object().key("entity");
  write_entity_name(json, entity.kind, entity.key, entity.label);
  json.key("asset");
  if (entity.asset) {
    write_asset(json, *entity.asset);
  } else {
    json.null();
  }
  json.key("risk").number(risk_of(entity, call.now()));
  const bool seen = !entity.findings.empty();
  write_time(json, "first", seen ? entity.findings.back().second.event_time : core::kNoTime);
  write_time(json, "last", seen ? entity.findings.front().second.event_time : core::kNoTime);
  write_days(json, entity, call.now());
  json.key("incidents").begin_array();
  for (const auto& incident : entity.incidents) write_incident(json, incident, sla_view(call));
  json.end_array();
  write_rules(json, entity);
  write_peers(json, entity);
  json.key("findings").begin_array();
  for (std::size_t i = 0; i < std::min(entity.findings.size(), kMaxShownFindings); ++i) {
    Row row = entity.rows->row(entity.findings[i].first);
    write_finding_row(row, json);
  }
  json.end_array().key("complete").boolean(entity.complete).end_object();
  return Reply::json(std::move(out));
}

}  // namespace

void add_entity_routes(Routes& routes) {
  routes.push_back({"GET", "/api/v1/entities/{kind}/{key*}", "findings.read", "entities",
                    "One host, user, address ...: its findings of 30 days, incidents and what is seen with it",
                    "{tenant?:text}", "",
                    "{entity:EntityName asset:any risk:number first:time last:time findings_by_day:[{day:text count:int}] "
                    "incidents:[Incident] rules:[Counted] peers:[{kind:text key:text label:text shared:int}] "
                    "findings:[Finding] complete:bool}",
                    get_entity});
}

}  // namespace tocsin::api
