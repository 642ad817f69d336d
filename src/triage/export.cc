#include "triage/export.h"

#include "core/csv.h"
#include "core/json_writer.h"

namespace tocsin::triage {
namespace {

constexpr const char* kLevels[] = {"unknown", "informational", "low", "medium", "high", "critical"};

std::string level_of(std::uint8_t severity_id) {
  return severity_id < std::size(kLevels) ? kLevels[severity_id] : "critical";
}
std::string joined(const std::vector<std::string>& values) {
  std::string out;
  for (const std::string& value : values) out += (out.empty() ? "" : " ") + value;
  return out;
}
std::int64_t microseconds(core::Timestamp time) { return time.known() ? time.ns / 1'000 : 0; }
std::string iso(core::Timestamp time) { return time.known() ? core::format_iso_time({time.ns / 1'000 * 1'000}) : ""; }
std::string message_of(const ledger::IncidentMember& member) {
  std::string out = member.rule_title.empty() ? member.rule_id : member.rule_title;
  if (!member.host.empty()) out += " on " + member.host;
  if (!member.user.empty()) out += " by " + member.user;
  return out;
}

}  // namespace

std::string incident_label(ledger::IncidentNumber number) { return "INC-" + std::to_string(number); }

std::string findings_csv(const IncidentExport& data) {
  std::string out;
  core::append_csv_row({"message", "timestamp", "datetime", "timestamp_desc", "incident", "finding", "detected_at",
                        "rule_id", "rule_title", "level", "host", "user", "source", "tactics", "folded", "added_by"},
                       out);
  for (const ledger::IncidentMember& member : data.members) {
    core::append_csv_row({message_of(member), std::to_string(microseconds(member.event_time)), iso(member.event_time),
                          "Event of a finding", incident_label(data.incident.id), member.finding, iso(member.detected_at),
                          member.rule_id, member.rule_title, level_of(member.severity_id), member.host, member.user,
                          member.source, joined(member.tactics), std::to_string(member.folded), member.added_by},
                         out);
  }
  return out;
}

std::string timesketch_lines(const IncidentExport& data) {
  std::string out;
  const auto begin = [&](core::JsonWriter& json, const std::string& message, core::Timestamp time, const char* what) {
    json.begin_object().member("message", message).member("datetime", iso(time));
    json.key("timestamp").number(microseconds(time)).member("timestamp_desc", what);
    json.member("incident", incident_label(data.incident.id));
  };
  for (const ledger::IncidentMember& member : data.members) {
    core::JsonWriter json(out);
    begin(json, message_of(member), member.event_time, "Event of a finding");
    json.member("finding", member.finding).member("rule_id", member.rule_id).member("rule_title", member.rule_title);
    json.member("level", level_of(member.severity_id)).member("host", member.host).member("user", member.user);
    json.member("source", member.source).key("tactics").begin_array();
    for (const std::string& tactic : member.tactics) json.text(tactic);
    json.end_array().end_object();
    out += '\n';
  }
  for (const ledger::IncidentNote& note : data.notes) {
    core::JsonWriter json(out);
    begin(json, note.text, note.event_time, "Note of an analyst");
    json.member("author", note.author).member("lane", note.lane).member_if("event", note.event_id).end_object();
    out += '\n';
  }
  return out;
}

}  // namespace tocsin::triage
