// An incident seen in other ways: over time, as a graph of entities, as a file.
#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "api/handlers/handlers.h"
#include "api/incident_json.h"
#include "api/parts/incident_call.h"
#include "triage/export.h"

namespace tocsin::api {
namespace {

using ledger::IncidentTables;

constexpr std::size_t kMaxNodes = 300, kMaxEdges = 3'000;
constexpr std::int64_t kMaxGraphEntities = 5'000, kMaxViewHistory = 5'000, kMaxExportMembers = 50'000;
constexpr std::size_t kHubEdges = 30;  // A node with more joins everything and says little.

struct TimelineItem {
  core::Timestamp time;
  std::string lane;
  const char* kind = "";
  std::string title, host, user, finding, rule_id, text, actor;
  std::int64_t note = 0;
  int severity_id = 0;
};

// What a finding is mostly about, by the log source of its rule.
class Lanes {
 public:
  explicit Lanes(const Call& call) {
    for (const RuleStatus& rule : call.context.options.platform->rules()) {
      if (is_of(rule.category, {"firewall", "dns", "dns_query", "proxy", "network_connection", "webserver", "zeek"}) ||
          is_of(rule.product, {"zeek", "suricata"})) {
        lanes_[rule.id] = "network";
      } else if (is_of(rule.category, {"authentication"}) || is_of(rule.service, {"sshd", "auth", "sudo", "signinlogs"})) {
        lanes_[rule.id] = "user";
      }
    }
  }
  [[nodiscard]] std::string of(const ledger::IncidentMember& member) const {
    if (const auto found = lanes_.find(member.rule_id); found != lanes_.end()) return found->second;
    return !member.host.empty() ? "host" : !member.user.empty() ? "user" : "network";
  }

 private:
  static bool is_of(std::string_view value, std::initializer_list<std::string_view> names) {
    return std::ranges::find(names, value) != names.end();
  }
  std::map<std::string, std::string, std::less<>> lanes_;
};

struct TimelineData {
  std::vector<ledger::IncidentMember> members;
  std::vector<ledger::IncidentNote> notes;
  std::vector<ledger::IncidentHistory> history;
};
std::vector<TimelineItem> timeline_items(const Call& call, const TimelineData& data) {
  const Lanes lanes(call);
  std::vector<TimelineItem> out;
  for (const auto& member : data.members) {
    out.push_back({member.event_time, lanes.of(member), "finding", member.rule_title, member.host, member.user,
                   member.finding, member.rule_id, "", "", 0, member.severity_id});
  }
  for (const auto& note : data.notes) {
    out.push_back({note.event_time, note.lane, "note", note.text, "", "", "", "", note.text, note.author, note.id, 0});
  }
  constexpr std::string_view kShown[] = {"opened",   "state",  "assigned", "closed", "reopened",
                                         "priority", "merged", "split",    "moved",  "automatic"};
  for (const auto& entry : data.history) {
    if (std::ranges::find(kShown, entry.action) == std::end(kShown)) continue;
    out.push_back({entry.at, "work", "state", entry.text, "", "", "", "", "", entry.actor, 0, 0});
  }
  std::ranges::stable_sort(out, {}, &TimelineItem::time);
  return out;
}
void write_item(core::JsonWriter& json, const TimelineItem& item) {
  json.begin_object();
  write_time(json, "time", item.time);
  json.member("lane", item.lane).member("kind", item.kind).member("title", item.title);
  if (item.severity_id != 0) json.key("severity_id").number(item.severity_id);
  json.member("host", item.host).member("user", item.user).member_if("finding", item.finding);
  json.member_if("rule_id", item.rule_id).member_if("actor", item.actor);
  if (item.note != 0) json.key("note").number(item.note);
  json.end_object();
}
void write_flags(core::JsonWriter& json, const ledger::Incident& incident) {
  json.key("flags").begin_array();
  for (const auto& [name, time] :
       {std::pair("first_event", incident.first_event), std::pair("detected", incident.created_at),
        std::pair("acknowledged", incident.acknowledged_at), std::pair("contained", incident.contained_at),
        std::pair("recovered", incident.recovered_at), std::pair("closed", incident.closed_at)}) {
    if (!time.known()) continue;
    json.begin_object().member("name", name);
    write_time(json, "time", time);
    json.end_object();
  }
  json.end_array();
}

Reply show_timeline(Call& call) {
  Query query = call.query();
  const auto wanted = query.list("lane");
  constexpr std::string_view kLanes[] = {"host", "user", "network", "response", "work"};
  for (const std::string& lane : wanted) {
    if (std::ranges::find(kLanes, lane) == std::end(kLanes)) {
      query.refuse("lane", "must be of host, user, network, response, work");
    }
  }
  if (query.problem()) return *query.problem();
  TimelineData data;
  const auto incident_read =
      read_incident(call, [&](IncidentTables& tables, const ledger::Incident& one) -> core::Result<void> {
        data.members = TOCSIN_TRY(all_members(tables, one.id, kMaxViewMembers + 1));
        data.notes = TOCSIN_TRY(tables.notes(one.id));
        data.history = TOCSIN_TRY(tables.history(one.id, kMaxViewHistory));
        return {};
      });
  if (!incident_read.ok()) return incident_read.error();
  const ledger::Incident& incident = *incident_read;
  const bool complete = data.members.size() <= static_cast<std::size_t>(kMaxViewMembers);
  std::string out;
  core::JsonWriter json(out);
  json.begin_object().key("items").begin_array();
  for (const TimelineItem& item : timeline_items(call, data)) {
    if (wanted.empty() || std::ranges::find(wanted, item.lane) != wanted.end()) write_item(json, item);
  }
  json.end_array();
  write_flags(json, incident);
  write_times(json, "measures", times_of(incident));
  json.key("complete").boolean(complete).end_object();
  return Reply::json(std::move(out));
}

using EntityName = std::pair<model::EntityKind, std::string>;
std::string node_id(const EntityName& name) { return std::string(model::to_string(name.first)) + ":" + name.second; }
const char* relation_name(triage::Finding::Relation::Kind kind) {
  using Kind = triage::Finding::Relation::Kind;
  switch (kind) {
    case Kind::kStarted: return "started";
    case Kind::kConnected: return "connected";
    case Kind::kLoggedOn: return "logged_on";
    case Kind::kRanAs: return "ran_as";
    case Kind::kWrote: return "wrote";
  }
  return "related";
}

class Graph {
 public:
  struct Node {
    ledger::IncidentEntity entity;
    std::optional<int> criticality;
    std::size_t edges = 0;
  };
  // The most seen ones become nodes, the others are counted.
  core::Result<void> add_entities(IncidentTables& tables, const ledger::Incident& incident) {
    auto all = TOCSIN_TRY(tables.entities(incident.id, kMaxGraphEntities));
    std::map<EntityName, ledger::IncidentEntity> merged;  // One thing may have several roles.
    for (auto& entity : all) {
      const auto [at, is_new] = merged.try_emplace({entity.entity.kind, entity.entity.key}, entity);
      if (!is_new) at->second.findings = std::max(at->second.findings, entity.findings);
    }
    std::vector<ledger::IncidentEntity> sorted;
    for (auto& [name, entity] : merged) sorted.push_back(std::move(entity));
    std::ranges::stable_sort(sorted, std::greater(), [](const auto& entity) {
      return std::pair(entity.entity.kind <= model::EntityKind::kUser, entity.findings);
    });
    for (auto& entity : sorted) {
      if (nodes_.size() == kMaxNodes) break;
      const auto asset = TOCSIN_TRY(tables.asset(incident.tenant, entity.entity.kind, entity.entity.key));
      const EntityName name{entity.entity.kind, entity.entity.key};
      nodes_.emplace(name, Node{std::move(entity), asset ? std::optional(asset->criticality) : std::nullopt, 0});
    }
    grouped_ = sorted.size() - nodes_.size();
    return {};
  }
  void add_finding(const triage::Finding& finding) {
    std::set<std::size_t> related;
    for (const auto& relation : finding.relations) {
      if (relation.from >= finding.entities.size() || relation.to >= finding.entities.size()) continue;
      related.insert(relation.from);
      related.insert(relation.to);
      add_edge(finding.entities[relation.from], finding.entities[relation.to], relation_name(relation.kind));
    }
    // What no relation speaks of hangs on the host.
    const auto host = std::ranges::find(finding.entities, model::EntityKind::kHost, &model::Entity::kind);
    if (host == finding.entities.end()) return;
    for (std::size_t i = 0; i < finding.entities.size(); ++i) {
      if (!related.contains(i)) add_edge(*host, finding.entities[i], "seen_on");
    }
  }
  std::string json() {
    for (const auto& [edge, count] : edges_) {
      ++nodes_.at(std::get<0>(edge)).edges;
      ++nodes_.at(std::get<1>(edge)).edges;
    }
    std::string out;
    core::JsonWriter writer(out);
    writer.begin_object().key("nodes").begin_array();
    for (const auto& [name, node] : nodes_) {
      writer.begin_object().member("id", node_id(name)).member("kind", model::to_string(name.first));
      writer.member("key", name.second);
      writer.member("label", node.entity.entity.label.empty() ? name.second : node.entity.entity.label);
      writer.key("findings").number(node.entity.findings);
      if (node.criticality) writer.key("criticality").number(*node.criticality);
      if (node.edges > kHubEdges) writer.key("hub").boolean(true);
      writer.end_object();
    }
    writer.end_array().key("edges").begin_array();
    for (const auto& [edge, count] : edges_) {
      writer.begin_object().member("from", node_id(std::get<0>(edge))).member("to", node_id(std::get<1>(edge)));
      writer.member("kind", std::get<2>(edge)).key("count").number(count).end_object();
    }
    writer.end_array().key("grouped").number(static_cast<std::uint64_t>(grouped_)).end_object();
    return out;
  }

 private:
  void add_edge(const model::Entity& from, const model::Entity& to, const char* kind) {
    const EntityName one{from.kind, from.key}, other{to.kind, to.key};
    if (one == other || !nodes_.contains(one) || !nodes_.contains(other)) return;
    const auto edge = std::tuple(one, other, std::string_view(kind));
    if (edges_.size() < kMaxEdges || edges_.contains(edge)) ++edges_[edge];
  }
  std::map<EntityName, Node> nodes_;
  std::map<std::tuple<EntityName, EntityName, std::string_view>, std::int64_t> edges_;
  std::size_t grouped_ = 0;
};

Reply show_graph(Call& call) {
  Graph graph;
  std::vector<std::string> ids;
  const auto incident_read =
      read_incident(call, [&](IncidentTables& tables, const ledger::Incident& one) -> core::Result<void> {
        TOCSIN_TRY(graph.add_entities(tables, one));
        for (const auto& member : TOCSIN_TRY(all_members(tables, one.id, static_cast<std::int64_t>(kMaxDocuments)))) {
          ids.push_back(member.finding);
        }
        return {};
      });
  if (!incident_read.ok()) return incident_read.error();
  const ledger::Incident& incident = *incident_read;
  for (const triage::Finding& finding : TOCSIN_TRY(findings_of(call, incident.tenant, ids))) graph.add_finding(finding);
  return Reply::json(graph.json());
}

Reply export_incident(Call& call) {
  Query query = call.query();
  const std::string format = query.choice("format", {"csv", "json", "stix"});
  if (query.problem()) return *query.problem();
  triage::IncidentExport data;
  auto done = read_incident(call, [&](IncidentTables& tables, const ledger::Incident& one) -> core::Result<void> {
    data.members = TOCSIN_TRY(all_members(tables, one.id, kMaxExportMembers));
    data.entities = TOCSIN_TRY(tables.entities(one.id, kMaxGraphEntities));
    data.notes = TOCSIN_TRY(tables.notes(one.id));
    return {};
  });
  if (!done.ok()) return done.error();
  data.incident = std::move(*done);
  const std::string label = triage::incident_label(data.incident.id);
  TOCSIN_TRY(call.audit("incident.export", label, "{\"format\":\"" + format + "\"}"));
  http::Response response;
  const char* ending = "csv";
  if (format == "csv") {
    response.content_type = "text/csv; charset=utf-8";
    response.body = triage::findings_csv(data);
  } else if (format == "json") {
    response.content_type = "application/x-ndjson";
    response.body = triage::timesketch_lines(data);
    ending = "jsonl";
  } else {
    response.content_type = "application/stix+json;version=2.1";
    response.body = triage::stix_bundle(data);
    ending = "stix.json";
  }
  response.headers.emplace_back("Content-Disposition", "attachment; filename=\"" + label + "." + ending + "\"");
  return response;
}

}  // namespace

void add_incident_view_routes(Routes& routes) {
  const char* tag = "incidents";
  const char* right = "findings.read";
  for (RouteSpec spec :
       Routes{{"GET", "/api/v1/incidents/{number}/timeline", right, tag, "What happened and what was done, in order",
               "{lane?:text}", "",
               "{items:[{time:time lane:text kind:finding|note|state title:text severity_id?:int host:text user:text "
               "finding?:text rule_id?:text actor?:text note?:int}] flags:[{name:text time:time}] measures:Times "
               "complete:bool}",
               show_timeline},
              {"GET", "/api/v1/incidents/{number}/graph", right, tag, "Its entities and what joins them", "", "",
               "{nodes:[{id:text kind:text key:text label:text findings:int criticality?:int hub?:bool}] "
               "edges:[{from:text to:text kind:text count:int}] grouped:int}",
               show_graph},
              {"GET", "/api/v1/incidents/{number}/export", right, tag,
               "Its findings as CSV, as lines for Timesketch, or a STIX 2.1 bundle; in the audit trail",
               "{format?:csv|json|stix}", "", "!text/csv", export_incident}}) {
    routes.push_back(std::move(spec));
  }
}

}  // namespace tocsin::api
