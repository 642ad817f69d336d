#include "api/live_json.h"

#include <algorithm>

#include "api/parts/call.h"
#include "api/parts/health_json.h"
#include "api/parts/source_status.h"

namespace tocsin::api {

std::string finding_json(const store::FindingRow& finding) {
  std::string out;
  core::JsonWriter json(out);
  json.begin_object().member("id", finding.id);
  write_time(json, "time", finding.event_time);
  write_time(json, "received_at", finding.received_at);
  write_time(json, "detected_at", finding.detected_at);
  json.member("tenant", finding.tenant).member("site", finding.site).member("source", finding.source);
  json.member("rule_id", finding.rule_id).member("rule_title", finding.rule_title).member("level", finding.level);
  json.key("severity_id").number(static_cast<int>(finding.severity_id));
  json.member("host", finding.host).member("user", finding.user);
  write_texts(json, "tactics", finding.tactics);
  write_texts(json, "techniques", finding.techniques);
  json.key("event_count").number(static_cast<std::uint64_t>(finding.event_ids.size()));
  json.member("reason", finding.reason).end_object();
  return out;
}

std::string source_json(const SourceStatus& source) {
  std::string out;
  core::JsonWriter json(out);
  write_source(json, source, "");
  return out;
}

std::string health_json(const std::vector<PartHealth>& parts, const std::vector<Loss>& losses) {
  std::string out;
  core::JsonWriter json(out);
  json.begin_object().key("ok").boolean(std::ranges::all_of(parts, [](const PartHealth& part) { return part.ok; }));
  write_parts(json, "parts", parts);
  json.key("losses").begin_array();
  for (const Loss& loss : losses) {
    json.begin_object().member("what", loss.what).key("count").number(loss.count).end_object();
  }
  json.end_array().end_object();
  return out;
}

void write_parts(core::JsonWriter& json, const char* name, const std::vector<PartHealth>& parts) {
  json.key(name).begin_array();
  for (const PartHealth& part : parts) {
    json.begin_object().member("name", part.name).key("ok").boolean(part.ok).member("problem", part.problem);
    json.key("facts").begin_object();
    for (const auto& [fact, value] : part.facts) json.member(fact, value);
    json.end_object().end_object();
  }
  json.end_array();
}

}  // namespace tocsin::api
