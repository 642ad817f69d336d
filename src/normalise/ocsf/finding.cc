// Findings as OCSF Detection Findings (class 2004).
#include <string>

#include "normalise/ocsf.h"
#include "normalise/ocsf/attacks.h"
#include "normalise/ocsf/convert.h"
#include "normalise/ocsf/value.h"

namespace tocsin::normalise {
namespace {

using core::JsonWriter;
using ocsf::Budget;

constexpr std::int64_t kNsPerMs = 1'000'000;
constexpr std::string_view kVersion = TOCSIN_VERSION;
constexpr std::string_view kRecordMarkText(&kRecordMark, 1);

std::string_view severity_name(int id) {
  constexpr std::string_view kNames[] = {"Unknown", "Informational", "Low", "Medium", "High", "Critical"};
  return kNames[id];
}

// Rounded down, also before 1970.
std::int64_t to_ms(core::Timestamp time) {
  const std::int64_t ms = time.ns / kNsPerMs;
  return time.ns % kNsPerMs < 0 ? ms - 1 : ms;
}

// What names the rule where it has no id.
std::string_view rule_uid(const model::RuleInfo& rule) { return rule.id.empty() ? std::string_view(rule.title) : rule.id; }

void write_texts(std::string_view key, const std::vector<std::string>& texts, JsonWriter& out, Budget& budget) {
  if (texts.empty()) return;
  out.key(key).begin_array();
  for (const std::string& text : texts) write_text(text, out, budget);
  out.end_array();
}

void write_record(std::string_view key, std::uint64_t record, JsonWriter& out) {
  out.key(key);
  if (record == 0) {
    out.raw(kRecordMarkText);
  } else {
    out.number(record);
  }
}

// class, category, activity, type, severity, status, metadata: the head of both kinds of findings.
void write_head(const model::RuleInfo& rule, core::Timestamp time, bool with_device, JsonWriter& out) {
  out.key("class_uid").number(2004).member("class_name", "Detection Finding");
  out.key("category_uid").number(2).member("category_name", "Findings");
  out.key("activity_id").number(1).member("activity_name", "Create");
  out.key("type_uid").number(200401).member("type_name", "Detection Finding: Create");
  const int severity = severity_id(rule.level);
  out.key("severity_id").number(severity).member("severity", severity_name(severity));
  out.key("status_id").number(1).member("status", "New");
  if (time.known()) out.key("time").number(to_ms(time));
  out.member_if("message", rule.title);
  out.key("metadata").begin_object().member("version", "1.8.0");
  out.key("product").begin_object().member("name", "Tocsin").member("vendor_name", "Tocsin").member("version", kVersion);
  out.end_object();
  if (with_device) out.key("profiles").begin_array().text("host").end_array();
  out.end_object();
}

void write_analytic(const model::RuleInfo& rule, bool correlation, JsonWriter& out, Budget& budget) {
  out.key("analytic").begin_object();
  out.member("uid", rule_uid(rule)).member("name", rule.title);
  if (correlation) {
    out.member("type", rule.type).key("type_id").number(99);
  } else {
    out.member("type", "Rule").key("type_id").number(1);
  }
  const model::LogSource& source = rule.logsource;
  std::string category;
  for (const std::string* part : {&source.product, &source.category, &source.service}) {
    if (!part->empty()) category += (category.empty() ? "" : "/") + *part;
  }
  out.member_if("category", category);
  if (rule.status == "experimental")
    out.member("state", "Experimental").key("state_id").number(3);
  else if (rule.status == "stable" || rule.status == "test")
    out.member("state", "Active").key("state_id").number(1);
  if (!rule.description.empty()) {
    out.key("desc");
    write_text(rule.description, out, budget);
  }
  out.end_object();
}

struct Seen {
  core::Timestamp first, last;
};

// "<rule>:<file>:<record>" as a JSON string: written raw, since the record's mark must not be escaped.
std::string finding_uid(const model::RuleInfo& rule, const Origin& origin) {
  std::string uid = "\"";
  core::append_json_escaped(rule_uid(rule), uid);
  uid += ':';
  core::append_json_escaped(origin.file, uid);
  uid += ':';
  uid += origin.record == 0 ? std::string(kRecordMarkText) : std::to_string(origin.record);
  return uid += '"';
}

// Opens "finding_info" and leaves it open. `uid` is JSON.
void begin_finding_info(const model::RuleInfo& rule, const std::string& uid, Seen seen, JsonWriter& out, Budget& budget) {
  out.key("finding_info").begin_object();
  out.key("uid").raw(uid).member("title", rule.title);
  if (!rule.description.empty()) {
    out.key("desc");
    write_text(rule.description, out, budget);
  }
  out.key("types").begin_array().text("Sigma").end_array();
  if (seen.last.known()) out.key("created_time").number(to_ms(seen.last));
  if (seen.first.known()) out.key("first_seen_time").number(to_ms(seen.first));
  if (seen.last.known()) out.key("last_seen_time").number(to_ms(seen.last));
  ocsf::write_attacks(rule.tags, out);
  if (!rule.references.empty()) out.member("src_url", rule.references.front());
}

void write_rule(const model::RuleInfo& rule, JsonWriter& out, Budget& budget) {
  out.key("rule").begin_object();
  if (rule.level_given) out.member("level", model::to_string(rule.level));
  out.member_if("name", rule.name).member_if("status", rule.status).member_if("author", rule.author);
  out.member_if("path", rule.path);
  write_texts("falsepositives", rule.falsepositives, out, budget);
  write_texts("references", rule.references, out, budget);
  write_texts("tags", rule.tags, out, budget);
  out.end_object();
}

void write_predicate(const model::PredicateMatch& match, JsonWriter& out, Budget& budget) {
  out.begin_object();
  out.member("selection", match.selection).member("field", match.field);
  if (match.event_field != match.field) out.member_if("event_field", match.event_field);
  out.member("op", match.op);
  out.key("pattern");
  write_text(match.pattern, out, budget);
  out.key("value");
  write_text(match.value, out, budget);
  out.key("position").number(match.position).key("length").number(match.length);
  out.end_object();
}

void write_matches(const model::Explanation& why, JsonWriter& out, Budget& budget) {
  out.begin_object();
  out.key("selections").begin_array();
  for (const std::string& name : why.selections) out.text(name);
  out.end_array();
  out.key("absent").begin_array();
  for (const std::string& name : why.absent) out.text(name);
  out.end_array();
  out.key("condition");
  write_text(why.condition, out, budget);
  out.key("predicates").begin_array();
  std::size_t left_out = 0;
  for (const model::PredicateMatch& match : why.predicates) {
    if (budget.spent(out)) {
      ++left_out;
    } else {
      write_predicate(match, out, budget);
    }
  }
  out.end_array();
  if (left_out > 0) out.key("predicates_left_out").number(static_cast<std::uint64_t>(left_out));
  out.end_object();
}

void write_device(std::string_view host, JsonWriter& out) {
  if (host.empty()) return;
  out.key("device").begin_object().member(ocsf::is_ip(host) ? "ip" : "hostname", host).key("type_id").number(0).end_object();
}

void write_source(const Origin& origin, JsonWriter& out) {
  out.key("source").begin_object().member("file", origin.file);
  write_record("record", origin.record, out);
  out.member_if("event_record_id", origin.event_record_id);
  out.end_object();
}

void write_contribution(const model::Contribution& event, const model::RuleInfo* rule, JsonWriter& out) {
  out.begin_object();
  if (rule != nullptr) out.member("rule_uid", rule_uid(*rule)).member("rule_name", rule->title);
  if (event.event_time.known()) out.key("time").number(to_ms(event.event_time));
  out.member("file", event.file);
  write_record("record", event.record, out);
  out.end_object();
}

void write_group(const CorrelationView& view, JsonWriter& out) {
  out.key("group").begin_object();
  for (const auto& [name, value] : view.group) out.member(name, value);
  out.end_object();
}

void write_correlation_members(const CorrelationView& view, JsonWriter& out, Budget& budget) {
  out.key("correlation").begin_object();
  out.member("type", view.rule->type);
  write_group(view, out);
  out.key("value").number(view.value).key("event_count").number(view.event_count);
  if (view.ongoing) out.key("ongoing").boolean(true);
  out.key("reason");
  write_text(view.reason, out, budget);
  out.key("events").begin_array();
  for (std::size_t i = 0; i < view.events.size(); ++i) {
    write_contribution(view.events[i], i < view.event_rules.size() ? view.event_rules[i] : nullptr, out);
  }
  out.end_array().end_object();
}

// What was counted, and on which hosts.
void write_correlation_evidence(const CorrelationView& view, JsonWriter& out) {
  out.key("evidences").begin_array().begin_object().member("name", view.rule->title);
  if (view.hosts.size() == 1) write_device(view.hosts.front(), out);
  out.key("data").begin_object();
  write_group(view, out);
  out.key("value").number(view.value).key("event_count").number(view.event_count);
  out.key("hosts").begin_array();
  for (const std::string& host : view.hosts) out.text(host);
  out.end_array().end_object().end_object().end_array();
}

std::string correlation_uid(const CorrelationView& view) {
  std::string uid = "\"";
  core::append_json_escaped(rule_uid(*view.rule), uid);
  if (view.first.known()) uid += ":" + core::format_iso_time(view.first);
  for (const auto& [name, value] : view.group) {
    uid += ':';
    core::append_json_escaped(value, uid);
  }
  return uid += '"';
}

}  // namespace

std::string reason_of(const model::Explanation& why) {
  constexpr std::size_t kMaxReasonBytes = 200;
  std::string out;
  for (const model::PredicateMatch& match : why.predicates) {
    std::string one = (match.field.empty() ? "any value" : match.field) + " " + match.op;
    if (!match.pattern.empty()) one += " '" + match.pattern + "'";
    if (out.size() + one.size() > kMaxReasonBytes) {
      if (out.empty()) out = one.substr(0, kMaxReasonBytes);
      out += " ...";
      break;
    }
    out += (out.empty() ? "" : "; ") + one;
  }
  return out;
}

std::string explanation_json(const model::Explanation& why) {
  std::string out;
  JsonWriter json(out);
  Budget budget{.end_bytes = kMaxEvidenceBytes};
  write_matches(why, json, budget);
  return out;
}

int severity_id(model::Level level) { return static_cast<int>(level) + 1; }

void write_finding(const Mapper& mapper, const model::Event& event, const model::RuleInfo& rule,
                   const model::Explanation& why, const Origin& origin, std::string& out_text) {
  JsonWriter out(out_text);
  Budget budget{.end_bytes = out_text.size() + kMaxEvidenceBytes};
  const core::Timestamp time = event.slot->time;
  const std::string host = mapper.host(event);
  out.begin_object();
  write_head(rule, time, !host.empty(), out);
  begin_finding_info(rule, finding_uid(rule, origin), {time, time}, out, budget);
  write_analytic(rule, false, out, budget);
  write_texts("data_sources", {std::string(model::to_string(event.slot->format))}, out, budget);
  out.end_object();
  write_device(host, out);
  out.key("evidences").begin_array();
  mapper.write_evidence(event, out);
  out.end_array();
  out.key("unmapped").begin_object().key("tocsin").begin_object();
  out.key("matches");
  write_matches(why, out, budget);
  write_source(origin, out);
  write_rule(rule, out, budget);
  if (!time.known()) out.key("time_unknown").boolean(true);
  if (budget.cut_value_count > 0) out.key("cut_values").number(budget.cut_value_count);
  out.end_object().end_object().end_object();
}

void write_correlation_finding(const CorrelationView& view, std::string& out_text) {
  JsonWriter out(out_text);
  Budget budget{.end_bytes = out_text.size() + kMaxEvidenceBytes};
  out.begin_object();
  write_head(*view.rule, view.last, view.hosts.size() == 1, out);
  begin_finding_info(*view.rule, correlation_uid(view), {view.first, view.last}, out, budget);
  write_analytic(*view.rule, true, out, budget);
  out.key("related_events_count").number(view.event_count);
  out.end_object();
  if (view.hosts.size() == 1) write_device(view.hosts.front(), out);
  out.key("count").number(view.event_count);
  if (view.first.known()) out.key("start_time").number(to_ms(view.first));
  if (view.last.known()) out.key("end_time").number(to_ms(view.last));
  write_correlation_evidence(view, out);
  out.key("unmapped").begin_object().key("tocsin").begin_object();
  write_correlation_members(view, out, budget);
  write_rule(*view.rule, out, budget);
  if (!view.last.known()) out.key("time_unknown").boolean(true);
  out.end_object().end_object().end_object();
}

}  // namespace tocsin::normalise
