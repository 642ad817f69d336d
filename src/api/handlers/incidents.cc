// Incidents, read: the list, one with what belongs to it, and the lists of its parts.
#include <algorithm>
#include <map>

#include "api/handlers/handlers.h"
#include "api/incident_json.h"
#include "api/parts/incident_call.h"
#include "ledger/tuning.h"
#include "triage/export.h"

namespace tocsin::api {
namespace {

using ledger::IncidentTables;

constexpr std::int64_t kMaxEntities = 200, kMaxHistory = 1'000;
constexpr std::size_t kMaxSimilar = 10;

template <class Item, class Write>
Reply items(const std::vector<Item>& all, Write write) {
  std::string out;
  core::JsonWriter json(out);
  json.begin_object().key("items").begin_array();
  for (const Item& item : all) write(json, item);
  json.end_array().end_object();
  return Reply::json(std::move(out));
}

ledger::IncidentQuery read_filters(const Call& call, Query& query) {
  ledger::IncidentQuery out;
  out.tenants = call.who.tenants;
  if (const auto asked = query.list("tenant"); !asked.empty()) {
    out.tenants.clear();
    for (const std::string& tenant : asked) {
      if (call.who.may_see(tenant)) out.tenants.push_back(tenant);
    }
    if (out.tenants.empty()) query.refuse("tenant", "is none of yours");
  }
  for (const std::string& name : query.list("state")) {
    const auto state = model::parse_incident_state(name);
    if (!state)
      query.refuse("state", "must be new, acknowledged, investigating, contained, eradicated, recovered or closed");
    if (state) out.states.push_back(*state);
  }
  out.with_closed = query.text("with_closed") == "1";
  out.owner = query.text("owner");
  if (out.owner == "me") out.owner = call.who.name;
  out.text = query.text("q");
  if (!query.text("min_severity").empty()) {
    out.min_severity = static_cast<std::uint8_t>(query.number("min_severity", 0, 0, 6));
  }
  out.tag = query.text("tag");
  if (const std::string entity = query.text("entity"); !entity.empty()) {
    const std::size_t colon = std::min(entity.find(':'), entity.size());
    out.entity_kind = entity.substr(0, colon);
    out.entity_key = colon < entity.size() ? entity.substr(colon + 1) : "";
    if (!model::parse_entity_kind(out.entity_kind) || out.entity_key.empty()) {
      query.refuse("entity", "must be a kind and a key, as host:ws-042");
    }
  }
  out.from = query.when("from", {});
  out.to = query.when("to", {});
  const std::string order = query.choice("order", {"score", "newest", "oldest"});
  out.order = order == "newest"   ? ledger::IncidentQuery::Order::kNewest
              : order == "oldest" ? ledger::IncidentQuery::Order::kOldest
                                  : ledger::IncidentQuery::Order::kScore;
  return out;
}

Reply list_incidents(Call& call) {
  Query query = call.query();
  ledger::IncidentQuery asked = read_filters(call, query);
  const TablePage page = read_page(query, "incidents");
  if (query.problem()) return *query.problem();
  asked.limit = page.limit;
  asked.offset = page.offset;
  IncidentTables::Page found;
  const auto done = read_tables(call, [&](IncidentTables& tables) -> core::Result<void> {
    found = TOCSIN_TRY(tables.incidents(asked));
    return {};
  });
  if (!done.ok()) return done.error();
  std::string out;
  core::JsonWriter json(out);
  json.begin_object().key("items").begin_array();
  const SlaView sla = sla_view(call);
  for (const auto& incident : found.items) write_incident(json, incident, sla);
  json.end_array().key("total").number(found.total);
  write_cursor(json, page.next("incidents", found.items.size(), found.total));
  json.end_object();
  return Reply::json(std::move(out));
}

struct Detail {
  struct Entity {
    ledger::IncidentEntity entity;
    std::optional<int> criticality;
  };
  std::vector<Entity> entities;
  std::vector<std::string> watchers;
  std::vector<ledger::IncidentLink> links;
  std::map<ledger::IncidentNumber, bool> visible;  // The other ends of links.
  std::vector<ledger::IncidentMember> members;
};

core::Result<Detail> read_detail(const Call& call, IncidentTables& tables, const ledger::Incident& incident) {
  Detail out;
  for (auto& entity : TOCSIN_TRY(tables.entities(incident.id, kMaxEntities))) {
    const auto asset = TOCSIN_TRY(tables.asset(incident.tenant, entity.entity.kind, entity.entity.key));
    out.entities.push_back({std::move(entity), asset ? std::optional(asset->criticality) : std::nullopt});
  }
  out.watchers = TOCSIN_TRY(tables.watchers(incident.id));
  out.links = TOCSIN_TRY(tables.links(incident.id));
  for (const auto& link : out.links) {
    const ledger::IncidentNumber other = link.one == incident.id ? link.other : link.one;
    const auto found = TOCSIN_TRY(tables.incident(other));
    out.visible[other] = found && call.who.may_see(found->tenant);
  }
  out.members = TOCSIN_TRY(all_members(tables, incident.id, kMaxViewMembers));
  return out;
}

void write_stages(core::JsonWriter& json, const std::vector<ledger::IncidentMember>& members) {
  struct Stage {
    std::string tactic;
    core::Timestamp first, last;
    std::int64_t findings = 0;
  };
  std::map<std::string, Stage> by_tactic;
  for (const auto& member : members) {
    for (const std::string& tactic : member.tactics) {
      Stage& stage = by_tactic[tactic];
      stage.tactic = tactic;
      if (stage.findings == 0 || member.event_time < stage.first) stage.first = member.event_time;
      stage.last = std::max(stage.last, member.event_time);
      stage.findings += std::max<std::int64_t>(member.folded, 1);
    }
  }
  std::vector<Stage> stages;
  for (auto& [tactic, stage] : by_tactic) stages.push_back(std::move(stage));
  std::ranges::stable_sort(stages, {}, &Stage::first);
  json.key("stages").begin_array();
  for (const Stage& stage : stages) {
    json.begin_object().member("tactic", stage.tactic);
    write_time(json, "first", stage.first);
    write_time(json, "last", stage.last);
    json.key("findings").number(stage.findings).end_object();
  }
  json.end_array();
}

void write_detail(core::JsonWriter& json, const ledger::Incident& incident, const Detail& detail) {
  json.key("score_parts").raw(incident.score_parts.empty() ? "[]" : incident.score_parts);
  json.key("entities").begin_array();
  for (const auto& [entity, criticality] : detail.entities) {
    json.begin_object().member("kind", model::to_string(entity.entity.kind));
    json.member("role", model::to_string(entity.entity.role)).member("key", entity.entity.key);
    json.member("label", entity.entity.label);
    write_time(json, "first", entity.first);
    write_time(json, "last", entity.last);
    json.key("findings").number(entity.findings);
    if (criticality) json.key("criticality").number(*criticality);
    json.end_object();
  }
  json.end_array();
  write_texts(json, "watchers", detail.watchers);
  json.key("links").begin_array();
  for (const auto& link : detail.links) {
    const ledger::IncidentNumber other = link.one == incident.id ? link.other : link.one;
    if (!detail.visible.at(other)) continue;
    json.begin_object().member("id", triage::incident_label(other)).member("kind", link.kind);
    json.member("reason", link.reason).member("by", link.by);
    write_time(json, "at", link.at);
    json.end_object();
  }
  json.end_array().member("cause", incident.cause);
  write_stages(json, detail.members);
  write_times(json, "measures", times_of(incident));
}

Reply get_incident(Call& call) {
  Detail detail;
  const auto incident_read =
      read_incident(call, [&](IncidentTables& tables, const ledger::Incident& one) -> core::Result<void> {
        detail = TOCSIN_TRY(read_detail(call, tables, one));
        return {};
      });
  if (!incident_read.ok()) return incident_read.error();
  const ledger::Incident& incident = *incident_read;
  std::string out;
  core::JsonWriter json(out);
  json.begin_object();
  write_incident_members(json, incident, sla_view(call));
  write_detail(json, incident, detail);
  json.end_object();
  Reply reply = Reply::json(std::move(out));
  reply.response().headers.emplace_back("ETag", "\"" + std::to_string(incident.version) + "\"");
  return reply;
}

Reply list_members(Call& call) {
  Query query = call.query();
  const TablePage page = read_page(query, "members");
  if (query.problem()) return *query.problem();
  std::vector<ledger::IncidentMember> members;
  const auto incident_read =
      read_incident(call, [&](IncidentTables& tables, const ledger::Incident& one) -> core::Result<void> {
        members = TOCSIN_TRY(tables.members(one.id, page.limit, page.offset));
        return {};
      });
  if (!incident_read.ok()) return incident_read.error();
  const ledger::Incident& incident = *incident_read;
  std::string out;
  core::JsonWriter json(out);
  json.begin_object().key("items").begin_array();
  for (const auto& member : members) write_member(json, member);
  json.end_array();
  // finding_count may count folded ones; a full page may have a next one.
  const bool full = members.size() == static_cast<std::size_t>(page.limit);
  write_cursor(json, full ? page.next("members", members.size(), kMaxTableOffset) : "");
  json.key("total").number(incident.finding_count).end_object();
  return Reply::json(std::move(out));
}

// A list that belongs to the incident of the path, read by `read` and written by `write`.
template <class Item>
Reply list_of(Call& call, core::Result<std::vector<Item>> (*read)(IncidentTables&, ledger::IncidentNumber),
              void (*write)(core::JsonWriter&, const Item&)) {
  std::vector<Item> all;
  const auto done = read_incident(call, [&](IncidentTables& tables, const ledger::Incident& one) -> core::Result<void> {
    all = TOCSIN_TRY(read(tables, one.id));
    return {};
  });
  if (!done.ok()) return done.error();
  return items(all, write);
}
Reply list_history(Call& call) {
  std::vector<ledger::IncidentHistory> all;
  std::vector<std::int64_t> undone;
  const auto number = parse_incident_number(call.captured("number"));
  if (!number) return Reply::problem(404, "there is no such incident");
  const auto done = call.context.options.ledger->read([&](ledger::Tables& tables) -> core::Result<void> {
    IncidentTables incidents(tables);
    const auto one = TOCSIN_TRY(visible_incident(call, incidents, *number));
    all = TOCSIN_TRY(incidents.history(one.id, kMaxHistory));
    undone = TOCSIN_TRY(ledger::TuningTables(tables).reverted(one.id));
    return {};
  });
  if (!done.ok()) return done.error();
  return items(all, [&](core::JsonWriter& json, const ledger::IncidentHistory& entry) {
    write_history(json, entry, entry.action == "automatic" && !std::ranges::binary_search(undone, entry.sequence));
  });
}
Reply list_comments(Call& call) {
  return list_of<ledger::IncidentComment>(
      call, [](IncidentTables& tables, ledger::IncidentNumber id) { return tables.comments(id); }, write_comment);
}
Reply list_tasks(Call& call) {
  return list_of<ledger::IncidentTask>(
      call, [](IncidentTables& tables, ledger::IncidentNumber id) { return tables.tasks(id); }, write_task);
}
Reply list_notes(Call& call) {
  return list_of<ledger::IncidentNote>(
      call, [](IncidentTables& tables, ledger::IncidentNumber id) { return tables.notes(id); }, write_note);
}

Reply list_similar(Call& call) {
  const auto incident = TOCSIN_TRY(read_incident(call));
  if (call.context.options.desk == nullptr) return Reply::problem(503, "incidents are not kept by this program");
  auto found = TOCSIN_TRY(call.context.options.desk->similar(incident.id, kMaxSimilar));
  std::erase_if(found, [&](const auto& one) { return !call.who.may_see(one.incident.tenant); });
  return items(found, [sla = sla_view(call)](core::JsonWriter& json, const triage::Desk::Similar& one) {
    json.begin_object().key("incident");
    write_incident(json, one.incident, sla);
    json.key("likeness").number(one.likeness).member("why", one.why).end_object();
  });
}

}  // namespace

void add_incident_routes(Routes& routes) {
  const char* tag = "incidents";
  const char* right = "findings.read";
  for (RouteSpec spec :
       Routes{{"GET", "/api/v1/incidents", right, tag, "Incidents, the most urgent first",
               "{tenant?:text state?:text owner?:text q?:text min_severity?:int tag?:text entity?:text with_closed?:text "
               "from?:text to?:text order?:score|newest|oldest limit?:int cursor?:text}",
               "", "{items:[Incident] total:int next_cursor:cursor}", list_incidents},
              {"GET", "/api/v1/incidents/{number}", right, tag, "One incident and what belongs to it", "", "",
               "IncidentDetail", get_incident},
              {"GET", "/api/v1/incidents/{number}/findings", right, tag, "Its findings, each with the reasons it is in",
               "{limit?:int cursor?:text}", "", "{items:[IncidentFinding] total:int next_cursor:cursor}", list_members},
              {"GET", "/api/v1/incidents/{number}/history", right, tag, "What was done with it, and by whom", "", "",
               "{items:[{sequence:int at:time actor:text action:text text:text detail:any revertable:bool}]}", list_history},
              {"GET", "/api/v1/incidents/{number}/comments", right, tag, "Comments", "", "", "{items:[IncidentComment]}",
               list_comments},
              {"GET", "/api/v1/incidents/{number}/tasks", right, tag, "Tasks", "", "", "{items:[IncidentTask]}", list_tasks},
              {"GET", "/api/v1/incidents/{number}/notes", right, tag, "Notes on its timeline", "", "",
               "{items:[IncidentNote]}", list_notes},
              {"GET", "/api/v1/incidents/{number}/similar", right, tag, "Incidents like it, the most alike first", "", "",
               "{items:[{incident:Incident likeness:number why:text}]}", list_similar}}) {
    routes.push_back(std::move(spec));
  }
}

}  // namespace tocsin::api
