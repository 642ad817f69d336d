#include <simdjson.h>

#include <algorithm>

#include "api/incident_json.h"
#include "api/parts/report_page.h"
#include "api/parts/reports.h"
#include "triage/export.h"

namespace tocsin::api {
namespace {

using Lines = std::vector<std::vector<std::string>>;
using simdjson::dom::element;

constexpr std::size_t kShownReasons = 3;

std::string text_of(const element& object, const char* name) {
  std::string_view text;
  return object[name].get(text) == simdjson::SUCCESS ? std::string(text) : "";
}

// The objects of a JSON list; none where it is no list.
template <class Take>
void for_each_object(const std::string& json, Take take) {
  simdjson::dom::parser parser;
  element root;
  simdjson::dom::array list;
  if (parser.parse(json).get(root) != simdjson::SUCCESS || root.get(list) != simdjson::SUCCESS) return;
  for (const element object : list) take(object);
}

std::string joined(const std::vector<std::string>& list) {
  std::string out;
  for (const std::string& one : list) out += (out.empty() ? "" : ", ") + one;
  return out;
}
std::string words(std::string_view name) {
  std::string out(name);
  std::ranges::replace(out, '_', ' ');
  return out;
}
const char* severity_name(std::uint8_t severity) {
  constexpr const char* kNames[] = {"-", "informational", "low", "medium", "high", "critical", "fatal"};
  return severity < std::size(kNames) ? kNames[severity] : "-";
}
std::string seconds_text(std::optional<double> seconds) { return seconds ? report_duration(*seconds) : "-"; }

void write_facts(ReportPage& page, const ledger::Incident& incident) {
  const IncidentTimes times = times_of(incident);
  const std::string verdict = words(model::to_string(incident.verdict));
  page.facts({{"Incident", triage::incident_label(incident.id)},
              {"Tenant", incident.tenant + (incident.site.empty() ? "" : ", site " + incident.site)},
              {"State", model::to_string(incident.state)},
              {"Verdict", verdict},
              {"Cause", incident.cause},
              {"Severity", severity_name(incident.severity_id)},
              {"Priority", incident.priority},
              {"Owner", incident.owner},
              {"Marking", std::string(tlp_label(incident.tlp)) + ", PAP:" + incident.pap},
              {"Tags", joined(incident.tags)},
              {"Tactics", joined(incident.tactics)},
              {"Techniques", joined(incident.techniques)},
              {"First event", report_time(incident.first_event)},
              {"Last event", report_time(incident.last_event)},
              {"Opened", report_time(incident.created_at) + " by " + incident.opened_by},
              {"Acknowledged", report_time(incident.acknowledged_at)},
              {"Contained", report_time(incident.contained_at)},
              {"Recovered", report_time(incident.recovered_at)},
              {"Closed", report_time(incident.closed_at)},
              {"Time to detect", seconds_text(times.detect)},
              {"Time to acknowledge", seconds_text(times.acknowledge)},
              {"Time to contain", seconds_text(times.contain)},
              {"Time to recover", seconds_text(times.recover)}});
}

void write_score(ReportPage& page, const ledger::Incident& incident) {
  Lines rows;
  for_each_object(incident.score_parts, [&](const element& part) {
    double points = 0;
    if (part["points"].get(points) != simdjson::SUCCESS) points = 0;
    rows.push_back({words(text_of(part, "name")), (points > 0 ? "+" : "") + report_number(points), text_of(part, "why")});
  });
  page.section("Score: " + report_number(incident.score) + " of 100");
  page.table({"Part", "Points", "Why"}, rows, "The score has no parts.");
}

void write_timeline(ReportPage& page, const IncidentReport& data) {
  struct Item {
    core::Timestamp time;
    std::vector<std::string> cells;
  };
  std::vector<Item> items;
  const auto add = [&](core::Timestamp time, std::string what, std::string text, std::string where) {
    items.push_back({time, {report_time(time), std::move(what), std::move(text), std::move(where)}});
  };
  for (const auto& member : data.members) {
    const std::string where = member.host + (member.host.empty() || member.user.empty() ? "" : ", ") + member.user;
    add(member.event_time, "finding", member.rule_title, where);
  }
  for (const auto& note : data.notes) add(note.event_time, "note", note.text, note.author);
  constexpr std::string_view kShown[] = {"opened", "state", "assigned", "closed", "reopened", "merged", "split", "evidence"};
  for (const auto& entry : data.history) {
    if (std::ranges::find(kShown, entry.action) != std::end(kShown)) add(entry.at, "work", entry.text, entry.actor);
  }
  std::ranges::stable_sort(items, {}, &Item::time);
  const std::size_t left_out = items.size() > kMaxReportTimeline ? items.size() - kMaxReportTimeline : 0;
  items.resize(items.size() - left_out);
  Lines rows;
  for (Item& item : items) rows.push_back(std::move(item.cells));
  page.section("Timeline");
  page.table({"Time", "What", "Text", "Where or who"}, rows, "Nothing is known to have happened.");
  if (left_out > 0) page.note(std::to_string(left_out) + " later entries are left out.");
}

void write_scope(ReportPage& page, const IncidentReport& data) {
  page.section("Scope");
  page.paragraph(std::to_string(data.incident.host_count) + " hosts, " + std::to_string(data.incident.user_count) +
                 " accounts, " + std::to_string(data.incident.finding_count) + " findings of " +
                 std::to_string(data.incident.rule_count) + " rules.");
  Lines rows;
  for (const auto& entity : data.entities) {
    const std::string name = entity.entity.label.empty() ? entity.entity.key : entity.entity.label;
    rows.push_back({words(model::to_string(entity.entity.kind)), name, words(model::to_string(entity.entity.role)),
                    std::to_string(entity.findings), report_time(entity.first), report_time(entity.last)});
  }
  page.table({"Kind", "Name", "Role", "Findings", "First", "Last"}, rows, "No host, account or other thing is known.");
}

void write_findings(ReportPage& page, const IncidentReport& data) {
  Lines rows;
  for (const auto& member : data.members) {
    std::string reasons;
    std::size_t count = 0;
    for_each_object(member.reasons, [&](const element& reason) {
      if (count++ < kShownReasons) reasons += (reasons.empty() ? "" : "\n") + text_of(reason, "text");
    });
    const auto why = data.why.find(member.finding);
    std::string title = member.rule_title;
    if (member.folded > 1) title += " (" + std::to_string(member.folded) + " times)";
    rows.push_back({report_time(member.event_time), std::move(title), severity_name(member.severity_id),
                    member.host + (member.user.empty() ? "" : "\n" + member.user), why == data.why.end() ? "" : why->second,
                    std::move(reasons)});
  }
  page.section("Findings");
  page.table({"Time", "Rule", "Severity", "Host, account", "Why it fired", "Why it is in this incident"}, rows,
             "There are no findings.");
}

void write_work(ReportPage& page, const IncidentReport& data) {
  Lines tasks;
  for (const auto& task : data.tasks) {
    tasks.push_back({task.title, task.phase, task.assignee, report_time(task.due),
                     task.done ? "done " + report_time(task.done_at) + " by " + task.done_by : "open"});
  }
  page.section("Tasks");
  page.table({"Task", "Phase", "Who", "Due", "State"}, tasks, "There are no tasks.");
  Lines decisions;
  constexpr std::string_view kDecisions[] = {"state", "assigned",  "closed", "reopened", "merged", "split",
                                             "moved", "automatic", "title",  "priority", "tags",   "marking"};
  for (const auto& entry : data.history) {
    if (std::ranges::find(kDecisions, entry.action) == std::end(kDecisions)) continue;
    decisions.push_back({report_time(entry.at), entry.actor, words(entry.action), entry.text});
  }
  page.section("Decisions");
  page.table({"Time", "Who", "What", "Text"}, decisions, "Nothing was decided yet.");
}

void write_evidence(ReportPage& page, const IncidentReport& data) {
  Lines files, custody;
  for (const auto& [evidence, entries] : data.evidence) {
    files.push_back({std::to_string(evidence.id), evidence.name, std::to_string(evidence.size_bytes), evidence.sha256,
                     evidence.added_by + "\n" + report_time(evidence.at), evidence.note});
    for (const auto& entry : entries) {
      custody.push_back({std::to_string(evidence.id), report_time(entry.at), entry.actor, entry.action,
                         entry.sha256 == evidence.sha256 ? "as added" : entry.sha256, entry.text});
    }
  }
  page.section("Evidence");
  page.table({"Number", "Name", "Bytes", "SHA-256", "Added", "Note"}, files, "There is no evidence.");
  if (files.empty()) return;
  page.section("Chain of custody");
  page.table({"Number", "Time", "Who", "What", "SHA-256 found", "Text"}, custody, "There are no entries.");
}

}  // namespace

std::string incident_report(const IncidentReport& data) {
  const ledger::Incident& incident = data.incident;
  ReportPage page({triage::incident_label(incident.id) + ": " + incident.title, incident.tlp, data.made});
  if (incident.merged_into != 0) {
    page.note("This incident became part of " + triage::incident_label(incident.merged_into) + ".");
  }
  page.section("Summary");
  page.paragraph(incident.summary.empty() ? "There is no summary." : incident.summary);
  write_facts(page, incident);
  write_score(page, incident);
  write_timeline(page, data);
  write_scope(page, data);
  write_findings(page, data);
  write_work(page, data);
  write_evidence(page, data);
  if (!data.complete) {
    page.note("Not all is shown: at most " + std::to_string(kMaxReportMembers) + " findings, " +
              std::to_string(kMaxReportEntities) + " entities, " + std::to_string(kMaxReportHistory) +
              " entries of the history and " + std::to_string(kMaxReportCustody) + " of custody are.");
  }
  return std::move(page).finish();
}

}  // namespace tocsin::api
