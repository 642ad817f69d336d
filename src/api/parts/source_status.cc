#include "api/parts/source_status.h"

#include "api/parts/call.h"

namespace tocsin::api {

void write_source(core::JsonWriter& json, const SourceStatus& source, std::string_view token) {
  json.begin_object().member("id", std::to_string(static_cast<std::uint32_t>(source.id))).member("name", source.name);
  json.member("kind", source.kind).member("tenant", source.tenant).member("site", source.site);
  json.member("format", source.format).key("enabled").boolean(source.enabled).member("origin", source.origin);
  json.member("where", source.where).member("state", source.state).member("problem", source.problem);
  json.key("config").raw(source.config.empty() ? "{}" : source.config).key("has_token").boolean(source.has_token);
  json.key("records").number(source.records).key("bytes").number(source.bytes).key("events").number(source.events);
  json.key("bad_records").number(source.bad_records).key("refused").begin_object();
  for (const auto& [cause, count] : source.refused) json.key(cause).number(count);
  json.end_object().key("records_per_s").number(source.records_per_s).key("bytes_per_s").number(source.bytes_per_s);
  json.key("lag_ms");
  if (source.lag_ms) {
    json.number(*source.lag_ms);
  } else {
    json.null();
  }
  write_time(json, "last_received_at", source.last_received);
  json.key("expected").begin_object().key("per_hour");
  if (source.expected_per_hour) {
    json.number(*source.expected_per_hour);
  } else {
    json.null();
  }
  json.key("learned_hours").number(source.learned_hours).end_object();
  write_time(json, "silent_since", source.silent_since);
  json.key("rules").number(source.rule_count).key("rates").begin_array();
  for (const double rate : source.rates) json.number(rate);
  json.end_array().member_if("token", token).end_object();
}

}  // namespace tocsin::api
