// ExportLogsServiceRequest in protobuf: opentelemetry/proto/collector/logs/v1, logs/v1, common/v1, resource/v1. The numbers
// of the fields are theirs:
//
//   Request{1 resource_logs*}  ResourceLogs{1 resource, 2 scope_logs*, 3 schema_url}  Resource{1 attributes*, 2 dropped}
//   ScopeLogs{1 scope, 2 log_records*, 3 schema_url}  Scope{1 name, 2 version, 3 attributes*}
//   LogRecord{1 time, 2 severity_number, 3 severity_text, 5 body, 6 attributes*, 7 dropped, 8 flags, 9 trace_id, 10 span_id,
//             11 observed_time, 12 event_name}
//   KeyValue{1 key, 2 value}  AnyValue{1 string, 2 bool, 3 int, 4 double, 5 array{1 values*}, 6 kvlist{1 values*}, 7 bytes}
//
// The frame of resources and scopes is checked before any record is read: broken, it is no request at all. A record that
// is broken inside its frame is rejected alone.
#include <bit>

#include "core/json_writer.h"
#include "source/http_inputs.h"
#include "source/http_inputs/otlp_lines.h"
#include "source/http_inputs/protobuf.h"

namespace tocsin::source {
namespace {

using Wire = ProtobufReader::Wire;

bool write_value(std::string_view message, core::JsonWriter& json, std::size_t depth);

// Reads a KeyValue and writes it as a member.
bool write_member(std::string_view message, core::JsonWriter& json, std::size_t depth) {
  ProtobufReader reader(message);
  std::string_view key, value;
  while (reader.next()) {
    if (reader.is(1, Wire::kBytes)) key = reader.bytes();
    if (reader.is(2, Wire::kBytes)) value = reader.bytes();
  }
  if (reader.failed()) return false;
  json.key(key);
  return write_value(value, json, depth);
}

// The `field`s of a message as a list of values, or as an object of members.
bool write_list(std::string_view message, core::JsonWriter& json, std::size_t depth) {
  if (depth >= kMaxOtlpDepth) return false;
  json.begin_array();
  ProtobufReader reader(message);
  while (reader.next()) {
    if (reader.is(1, Wire::kBytes) && !write_value(reader.bytes(), json, depth + 1)) return false;
  }
  json.end_array();
  return !reader.failed();
}
bool write_map(std::string_view message, std::uint32_t field, core::JsonWriter& json, std::size_t depth) {
  if (depth >= kMaxOtlpDepth) return false;
  json.begin_object();
  ProtobufReader reader(message);
  while (reader.next()) {
    if (reader.is(field, Wire::kBytes) && !write_member(reader.bytes(), json, depth + 1)) return false;
  }
  json.end_object();
  return !reader.failed();
}

// The last of an AnyValue's fields counts, as in every oneof.
struct AnyValue {
  std::uint32_t field = 0;  // 0: none.
  std::uint64_t number = 0;
  std::string_view bytes;
};
bool read_value(std::string_view message, AnyValue& out) {
  ProtobufReader reader(message);
  while (reader.next()) {
    const std::uint32_t field = reader.field();
    const Wire wire = field == 2 || field == 3 ? Wire::kVarint : field == 4 ? Wire::kFixed64 : Wire::kBytes;
    if (field > 7 || !reader.is(field, wire)) continue;
    out = {field, reader.number(), reader.bytes()};
  }
  return !reader.failed();
}

bool write_value(const AnyValue& value, core::JsonWriter& json, std::size_t depth) {
  switch (value.field) {
    case 1: json.text(value.bytes); return true;
    case 2: json.boolean(value.number != 0); return true;
    case 3: json.number(static_cast<std::int64_t>(value.number)); return true;
    case 4: json.number(std::bit_cast<double>(value.number)); return true;
    case 5: return write_list(value.bytes, json, depth);
    case 6: return write_map(value.bytes, 1, json, depth);
    case 7: json.text(to_base64(value.bytes)); return true;
    default: json.null(); return true;
  }
}
bool write_value(std::string_view message, core::JsonWriter& json, std::size_t depth) {
  AnyValue value;
  return read_value(message, value) && write_value(value, json, depth);
}

// The attributes of a message, which are its fields `field`; empty where there are none.
bool read_attributes(std::string_view message, std::uint32_t field, std::string& out) {
  if (message.size() > kMaxOtlpLineBytes) return false;
  core::JsonWriter json(out);
  if (!write_map(message, field, json, 0)) return false;
  if (out == "{}") out.clear();
  return true;
}

bool read_body(std::string_view message, OtlpRecord& out) {
  AnyValue value;
  if (!read_value(message, value)) return false;
  if (value.field == 1) {
    out.body_text = std::string(value.bytes);
    return true;
  }
  out.body_is_map = value.field == 6;
  core::JsonWriter json(out.body_json);
  return value.field == 0 || write_value(value, json, 0);
}

std::string read_id(std::string_view bytes, std::size_t size) {
  const bool known = bytes.size() == size && bytes.find_first_not_of('\0') != std::string_view::npos;
  return known ? to_hex(bytes) : std::string();
}

bool read_record(std::string_view message, OtlpRecord& out) {
  if (message.size() > kMaxOtlpLineBytes) return false;
  ProtobufReader reader(message);
  std::string_view body;
  while (reader.next()) {
    if (reader.is(1, Wire::kFixed64)) out.time_ns = reader.number();
    if (reader.is(2, Wire::kVarint)) out.severity_number = static_cast<std::int32_t>(reader.number());
    if (reader.is(3, Wire::kBytes)) out.severity_text = reader.bytes();
    if (reader.is(5, Wire::kBytes)) body = reader.bytes();
    if (reader.is(7, Wire::kVarint)) out.dropped_attributes_count = static_cast<std::uint32_t>(reader.number());
    if (reader.is(8, Wire::kFixed32)) out.flags = reader.number();
    if (reader.is(9, Wire::kBytes)) out.trace_id = read_id(reader.bytes(), 16);
    if (reader.is(10, Wire::kBytes)) out.span_id = read_id(reader.bytes(), 8);
    if (reader.is(11, Wire::kFixed64)) out.observed_ns = reader.number();
    if (reader.is(12, Wire::kBytes)) out.event_name = reader.bytes();
  }
  return !reader.failed() && read_attributes(message, 6, out.attributes_json) && read_body(body, out);
}

bool read_resource(std::string_view message, OtlpResource& out) {
  ProtobufReader reader(message);
  while (reader.next()) {
    if (reader.is(2, Wire::kVarint)) out.dropped_attributes_count = static_cast<std::uint32_t>(reader.number());
  }
  return !reader.failed() && read_attributes(message, 1, out.attributes_json);
}

bool read_scope(std::string_view message, OtlpScope& out) {
  ProtobufReader reader(message);
  while (reader.next()) {
    if (reader.is(1, Wire::kBytes)) out.name = reader.bytes();
    if (reader.is(2, Wire::kBytes)) out.version = reader.bytes();
  }
  return !reader.failed() && read_attributes(message, 3, out.attributes_json);
}

// Each does two rounds: what describes the records may stand behind them.
bool read_scope_logs(std::string_view message, OtlpLines* out) {
  OtlpScope scope;
  ProtobufReader head(message);
  bool scope_is_good = true;
  while (head.next()) {
    if (head.is(1, Wire::kBytes)) scope_is_good = read_scope(head.bytes(), scope);
    if (head.is(3, Wire::kBytes)) scope.schema_url = head.bytes();
  }
  if (head.failed() || !scope_is_good) return false;
  if (out == nullptr) return true;
  out->set_scope(scope);
  ProtobufReader records(message);
  while (records.next()) {
    if (!records.is(2, Wire::kBytes)) continue;
    OtlpRecord record;
    if (read_record(records.bytes(), record)) {
      out->add(record);
    } else {
      out->reject("a log record is malformed, too long or nested too deeply");
    }
  }
  return true;
}

bool read_resource_logs(std::string_view message, OtlpLines* out) {
  OtlpResource resource;
  ProtobufReader head(message);
  while (head.next()) {
    if (head.is(1, Wire::kBytes) && !read_resource(head.bytes(), resource)) return false;
    if (head.is(3, Wire::kBytes)) resource.schema_url = head.bytes();
  }
  if (head.failed()) return false;
  if (out != nullptr) out->set_resource(resource);
  ProtobufReader scopes(message);
  while (scopes.next()) {
    if (scopes.is(2, Wire::kBytes) && !read_scope_logs(scopes.bytes(), out)) return false;
  }
  return true;
}

bool read_request(std::string_view message, OtlpLines* out) {
  ProtobufReader reader(message);
  while (reader.next()) {
    if (reader.is(1, Wire::kBytes) && !read_resource_logs(reader.bytes(), out)) return false;
  }
  return !reader.failed();
}

}  // namespace

core::Result<void> parse_otlp_protobuf(std::string_view body, OtlpLines& out) {
  if (!read_request(body, nullptr)) {
    return core::Error{core::ErrorCode::kInvalid, "the body is no ExportLogsServiceRequest in protobuf"};
  }
  read_request(body, &out);
  return {};
}

}  // namespace tocsin::source
