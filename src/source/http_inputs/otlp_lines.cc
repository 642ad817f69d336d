#include "source/http_inputs/otlp_lines.h"

#include <limits>

#include "core/json_writer.h"
#include "core/time.h"
#include "source/http_inputs/input.h"

namespace tocsin::source {
namespace {

void write_time(core::JsonWriter& json, std::string_view name, std::uint64_t ns) {
  if (ns == 0) return;
  if (ns > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
    json.key(name).number(ns);
  } else {
    json.member(name, core::format_iso_time({static_cast<std::int64_t>(ns)}));
  }
}

void write_json(core::JsonWriter& json, std::string_view name, std::string_view value) {
  if (!value.empty()) json.key(name).raw(value);
}

bool looks_like_object(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  return first != std::string_view::npos && text[first] == '{';
}

void write_body(core::JsonWriter& json, const OtlpRecord& record) {
  if (record.body_text) {
    json.member(looks_like_object(*record.body_text) ? "_raw" : "message", *record.body_text);
  } else {
    write_json(json, record.body_is_map ? "_source" : "body", record.body_json);
  }
}

}  // namespace

void OtlpLines::set_resource(const OtlpResource& resource) {
  resource_.clear();
  if (resource.attributes_json.empty() && resource.schema_url.empty()) return;
  core::JsonWriter json(resource_);
  json.begin_object();
  write_json(json, "attributes", resource.attributes_json);
  json.member_if("schema_url", resource.schema_url);
  if (resource.dropped_attributes_count != 0) {
    json.key("dropped_attributes_count").number(resource.dropped_attributes_count);
  }
  json.end_object();
}

void OtlpLines::set_scope(const OtlpScope& scope) {
  scope_.clear();
  if (scope.name.empty() && scope.version.empty() && scope.attributes_json.empty() && scope.schema_url.empty()) return;
  core::JsonWriter json(scope_);
  json.begin_object().member_if("name", scope.name).member_if("version", scope.version);
  write_json(json, "attributes", scope.attributes_json);
  json.member_if("schema_url", scope.schema_url).end_object();
}

void OtlpLines::add(const OtlpRecord& record) {
  if (output_bytes_ >= kMaxOtlpOutputBytes) {
    return reject("the records with their resources have more than " + std::to_string(kMaxOtlpOutputBytes) +
                  " bytes; send smaller batches");
  }
  line_.clear();
  core::JsonWriter json(line_);
  json.begin_object();
  write_time(json, "@timestamp", record.time_ns != 0 ? record.time_ns : record.observed_ns);
  write_time(json, "observed_timestamp", record.observed_ns);
  if (record.severity_number != 0) json.key("severity_number").number(record.severity_number);
  json.member_if("severity_text", record.severity_text);
  write_body(json, record);
  write_json(json, "attributes", record.attributes_json);
  json.member_if("event_name", record.event_name);
  json.member_if("trace_id", record.trace_id).member_if("span_id", record.span_id);
  if (record.flags != 0) json.key("flags").number(record.flags);
  if (record.dropped_attributes_count != 0) json.key("dropped_attributes_count").number(record.dropped_attributes_count);
  write_json(json, "resource", resource_);
  write_json(json, "scope", scope_);
  json.end_object();
  if (line_.size() > kMaxOtlpLineBytes) {
    return reject("a record has " + std::to_string(line_.size()) + " bytes; at most " + std::to_string(kMaxOtlpLineBytes) +
                  " are taken");
  }
  output_bytes_ += line_.size();
  ++taken_;
  take_(line_);
}

void OtlpLines::reject(std::string_view why) {
  if (rejected_++ == 0) reason_ = why;
}

std::string to_hex(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    out += kDigits[byte >> 4];
    out += kDigits[byte & 15];
  }
  return out;
}

std::string to_base64(std::string_view bytes) {
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t count = std::min(bytes.size() - i, std::size_t{3});
    std::uint32_t bits = 0;
    for (std::size_t j = 0; j < 3; ++j) bits = bits << 8 | (j < count ? static_cast<unsigned char>(bytes[i + j]) : 0u);
    for (std::size_t j = 0; j < 4; ++j) out += j <= count ? kDigits[bits >> (18 - 6 * j) & 63] : '=';
  }
  return out;
}

}  // namespace tocsin::source
