#include "api/incident_json.h"

#include "api/parts/call.h"
#include "triage/export.h"

namespace tocsin::api {
namespace {

// JSON of the ledger; empty: `absent`.
void write_stored(core::JsonWriter& json, const char* name, std::string_view stored, std::string_view absent) {
  json.key(name).raw(stored.empty() ? absent : stored);
}
std::optional<double> seconds_between(core::Timestamp from, core::Timestamp to) {
  if (!from.known() || !to.known() || to < from) return std::nullopt;
  return static_cast<double>(to.ns - from.ns) / 1e9;
}
void write_seconds(core::JsonWriter& json, const char* name, std::optional<double> seconds) {
  json.key(name);
  if (seconds) {
    json.number(*seconds);
  } else {
    json.null();
  }
}

}  // namespace

void write_incident_members(core::JsonWriter& json, const ledger::Incident& incident, const SlaView& sla) {
  json.member("id", triage::incident_label(incident.id)).key("number").number(incident.id);
  json.member("tenant", incident.tenant).member("site", incident.site).member("title", incident.title);
  json.member("summary", incident.summary).member("state", model::to_string(incident.state));
  json.member("verdict", model::to_string(incident.verdict)).key("severity_id").number(int{incident.severity_id});
  json.key("score").number(incident.score).member("priority", incident.priority).member("owner", incident.owner);
  write_texts(json, "tags", incident.tags);
  write_texts(json, "tactics", incident.tactics);
  write_texts(json, "techniques", incident.techniques);
  json.key("finding_count").number(incident.finding_count).key("host_count").number(incident.host_count);
  json.key("user_count").number(incident.user_count).key("rule_count").number(incident.rule_count);
  json.member("main_host", incident.main_host).member("main_user", incident.main_user);
  json.member("tlp", incident.tlp).member("pap", incident.pap).member("opened_by", incident.opened_by).key("merged_into");
  if (incident.merged_into == 0) {
    json.null();
  } else {
    json.text(triage::incident_label(incident.merged_into));
  }
  json.key("version").number(incident.version);
  write_time(json, "first_event", incident.first_event);
  write_time(json, "last_event", incident.last_event);
  write_time(json, "created_at", incident.created_at);
  write_time(json, "changed_at", incident.changed_at);
  write_time(json, "acknowledged_at", incident.acknowledged_at);
  write_time(json, "contained_at", incident.contained_at);
  write_time(json, "recovered_at", incident.recovered_at);
  write_time(json, "closed_at", incident.closed_at);
  if (sla.policy == nullptr) return;
  const triage::SlaSummary clocks = triage::sla_summary(*sla.policy, incident, sla.now);
  write_time(json, "sla_due", clocks.due);
  json.key("sla_breached").boolean(clocks.breached);
}
void write_incident(core::JsonWriter& json, const ledger::Incident& incident, const SlaView& sla) {
  json.begin_object();
  write_incident_members(json, incident, sla);
  json.end_object();
}
std::string incident_json(const ledger::Incident& incident, const SlaView& sla) {
  std::string out;
  core::JsonWriter json(out);
  write_incident(json, incident, sla);
  return out;
}

void write_member(core::JsonWriter& json, const ledger::IncidentMember& member) {
  json.begin_object().member("id", member.finding);
  write_time(json, "time", member.event_time);
  write_time(json, "detected_at", member.detected_at);
  write_time(json, "joined_at", member.joined_at);
  json.member("rule_id", member.rule_id).member("rule_title", member.rule_title);
  json.key("severity_id").number(int{member.severity_id}).member("host", member.host).member("user", member.user);
  json.member("source", member.source);
  write_texts(json, "tactics", member.tactics);
  write_stored(json, "reasons", member.reasons, "[]");
  json.member("added_by", member.added_by).key("folded").number(member.folded).end_object();
}

void write_history(core::JsonWriter& json, const ledger::IncidentHistory& entry, bool revertable) {
  json.begin_object().key("sequence").number(entry.sequence);
  write_time(json, "at", entry.at);
  json.member("actor", entry.actor).member("action", entry.action).member("text", entry.text);
  write_stored(json, "detail", entry.detail, "null");
  json.key("revertable").boolean(revertable).end_object();
}

void write_comment(core::JsonWriter& json, const ledger::IncidentComment& comment) {
  json.begin_object().key("id").number(comment.id);
  write_time(json, "at", comment.at);
  json.member("author", comment.author).member("text", comment.text).end_object();
}

void write_task(core::JsonWriter& json, const ledger::IncidentTask& task) {
  json.begin_object().key("id").number(task.id).member("title", task.title).member("phase", task.phase);
  json.member("assignee", task.assignee).key("done").boolean(task.done);
  write_time(json, "due", task.due);
  write_time(json, "done_at", task.done_at);
  json.member("done_by", task.done_by).key("position").number(task.position).end_object();
}

void write_note(core::JsonWriter& json, const ledger::IncidentNote& note) {
  json.begin_object().key("id").number(note.id);
  write_time(json, "event_time", note.event_time);
  write_time(json, "at", note.at);
  json.member("author", note.author).member("text", note.text).member("lane", note.lane);
  json.member("event_id", note.event_id).end_object();
}

void write_asset(core::JsonWriter& json, const ledger::Asset& asset) {
  json.begin_object().member("tenant", asset.tenant).member("site", asset.site);
  json.member("kind", model::to_string(asset.kind)).member("key", asset.key).member("label", asset.label);
  write_texts(json, "aliases", asset.aliases);
  write_texts(json, "addresses", asset.addresses);
  json.key("criticality").number(asset.criticality).member("owner", asset.owner).member("zone", asset.zone);
  json.member("exposure", asset.exposure).member("os", asset.os);
  write_texts(json, "tags", asset.tags);
  json.key("declared").boolean(asset.declared);
  write_time(json, "first_seen", asset.first_seen);
  write_time(json, "last_seen", asset.last_seen);
  write_time(json, "changed_at", asset.changed_at);
  json.member("changed_by", asset.changed_by).end_object();
}

void write_entity_name(core::JsonWriter& json, model::EntityKind kind, std::string_view key, std::string_view label) {
  json.begin_object().member("kind", model::to_string(kind)).member("key", key);
  json.member("label", label.empty() ? key : label).end_object();
}

IncidentTimes times_of(const ledger::Incident& incident) {
  return {seconds_between(incident.first_event, incident.created_at),
          seconds_between(incident.created_at, incident.acknowledged_at),
          seconds_between(incident.created_at, incident.contained_at),
          seconds_between(incident.created_at, incident.recovered_at)};
}
void write_times(core::JsonWriter& json, const char* name, const IncidentTimes& times) {
  json.key(name).begin_object();
  write_seconds(json, "detect_s", times.detect);
  write_seconds(json, "acknowledge_s", times.acknowledge);
  write_seconds(json, "contain_s", times.contain);
  write_seconds(json, "recover_s", times.recover);
  json.end_object();
}

}  // namespace tocsin::api
