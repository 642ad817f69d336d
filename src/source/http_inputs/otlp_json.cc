// ExportLogsServiceRequest in JSON: names in lowerCamelCase (those with underscores are taken too), 64-bit integers as text
// or numbers, ids in hex, bytes in base64. Unknown members are passed over.
//
// As for protobuf, the frame is read by the texts of its members, each checked by skip(); records and values stream.
#include <cctype>
#include <charconv>
#include <map>
#include <vector>

#include "core/json_writer.h"
#include "source/http_inputs.h"
#include "source/http_inputs/json_cursor.h"
#include "source/http_inputs/otlp_lines.h"

namespace tocsin::source {
namespace {

// "time_unix_nano" -> "timeUnixNano".
std::string camel(const std::string& name) {
  std::string out;
  bool up = false;
  for (const char c : name) {
    if (c == '_') {
      up = true;
      continue;
    }
    out += up && c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    up = false;
  }
  return out;
}

bool is_null(JsonCursor& cursor) { return cursor.peek() == 'n'; }

std::string read_text(JsonCursor& cursor) {
  if (is_null(cursor)) {
    cursor.scalar();
    return {};
  }
  return cursor.string().value_or(std::string());
}

// An integer as number or text. 0 where it is neither: then nothing is known.
template <class T>
T read_number(JsonCursor& cursor) {
  std::string text;
  if (cursor.peek() == '"') {
    text = cursor.string().value_or(std::string());
  } else if (cursor.peek() == '{' || cursor.peek() == '[') {
    cursor.skip();
  } else {
    text = cursor.scalar();
  }
  T out = 0;
  const char* const end = text.data() + text.size();
  return std::from_chars(text.data(), end, out).ptr == end ? out : T{0};
}

bool write_value(JsonCursor& cursor, core::JsonWriter& json, std::size_t depth);

// A list of {"key":..,"value":..} as the members of an object.
bool write_map(JsonCursor& cursor, core::JsonWriter& json, std::size_t depth) {
  if (depth >= kMaxOtlpDepth) return false;
  json.begin_object();
  if (is_null(cursor)) {
    cursor.scalar();
  } else {
    if (!cursor.begin_array()) return false;
    while (cursor.next_element()) {
      if (!cursor.begin_object()) return false;
      std::string name, key;
      bool has_key = false, written = false;
      std::string_view early;  // A value that came before its key.
      while (cursor.next_member(name)) {
        if (name == "key" && !has_key) {
          key = read_text(cursor);
          has_key = true;
        } else if (name == "value" && has_key && !written) {
          json.key(key);
          if (!write_value(cursor, json, depth + 1)) return false;
          written = true;
        } else {
          const std::string_view text = cursor.skip();
          if (name == "value") early = text;
        }
      }
      if (cursor.failed()) return false;
      if (written) continue;
      json.key(key);
      JsonCursor inner(early.empty() ? std::string_view("null") : early);
      if (!write_value(inner, json, depth + 1)) return false;
    }
  }
  json.end_object();
  return !cursor.failed();
}

// {"values":[..]}: `write_one` gets the cursor at the value of "values".
template <class Write>
bool with_values(JsonCursor& cursor, Write write_all, const char* empty, core::JsonWriter& json) {
  if (!cursor.begin_object()) return false;
  std::string name;
  bool written = false;
  while (cursor.next_member(name)) {
    if (name != "values" || written) {
      cursor.skip();
      continue;
    }
    if (!write_all()) return false;
    written = true;
  }
  if (!written) json.raw(empty);
  return !cursor.failed();
}

bool write_list(JsonCursor& cursor, core::JsonWriter& json, std::size_t depth) {
  if (depth >= kMaxOtlpDepth) return false;
  json.begin_array();
  if (!cursor.begin_array()) return false;
  while (cursor.next_element()) {
    if (!write_value(cursor, json, depth + 1)) return false;
  }
  json.end_array();
  return !cursor.failed();
}

// One member of an AnyValue; false where it is none of them, and then nothing was read.
bool write_kind(const std::string& kind, JsonCursor& cursor, core::JsonWriter& json, std::size_t depth, bool& good) {
  if (kind == "stringValue" || kind == "bytesValue") {
    json.text(read_text(cursor));
  } else if (kind == "boolValue" || kind == "doubleValue") {
    if (cursor.peek() == '"') {
      json.text(read_text(cursor));  // "NaN", "Infinity".
    } else {
      json.raw(cursor.scalar());
    }
  } else if (kind == "intValue") {
    json.number(read_number<std::int64_t>(cursor));
  } else if (kind == "arrayValue") {
    good = with_values(cursor, [&] { return write_list(cursor, json, depth); }, "[]", json);
  } else if (kind == "kvlistValue") {
    good = with_values(cursor, [&] { return write_map(cursor, json, depth); }, "{}", json);
  } else {
    return false;
  }
  good = good && !cursor.failed();
  return true;
}

// An AnyValue; the first of its kinds counts.
bool write_value(JsonCursor& cursor, core::JsonWriter& json, std::size_t depth) {
  if (is_null(cursor)) {
    cursor.scalar();
    json.null();
    return !cursor.failed();
  }
  if (!cursor.begin_object()) return false;
  std::string name;
  bool written = false, good = true;
  while (cursor.next_member(name)) {
    if (written || is_null(cursor) || !write_kind(camel(name), cursor, json, depth, good)) {
      cursor.skip();
    } else {
      written = true;
    }
    if (!good) return false;
  }
  if (!written) json.null();
  return !cursor.failed();
}

bool read_attributes(JsonCursor& cursor, std::string& out) {
  out.clear();
  core::JsonWriter json(out);
  if (!write_map(cursor, json, 0)) return false;
  if (out == "{}") out.clear();
  return true;
}

bool read_body(JsonCursor& cursor, OtlpRecord& out) {
  const std::string_view text = cursor.skip();
  JsonCursor kind(text);
  std::string name;
  if (!kind.begin_object() || !kind.next_member(name)) return !cursor.failed();  // null or {}: no body.
  name = camel(name);
  if (name == "stringValue" && kind.peek() == '"') {
    out.body_text = kind.string();
    return out.body_text.has_value();
  }
  out.body_is_map = name == "kvlistValue";
  JsonCursor value(text);
  core::JsonWriter json(out.body_json);
  return write_value(value, json, 0);
}

std::string read_id(JsonCursor& cursor, std::size_t digits) {
  std::string out = read_text(cursor);
  bool zero = true;
  for (char& c : out) {
    if (std::isxdigit(static_cast<unsigned char>(c)) == 0) return {};
    zero = zero && c == '0';
    c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return out.size() != digits || zero ? std::string() : out;
}

bool read_record(std::string_view text, OtlpRecord& out) {
  if (text.size() > kMaxOtlpLineBytes) return false;
  JsonCursor cursor(text);
  if (!cursor.begin_object()) return false;
  std::string name;
  bool good = true;
  while (good && cursor.next_member(name)) {
    name = camel(name);
    if (name == "timeUnixNano") {
      out.time_ns = read_number<std::uint64_t>(cursor);
    } else if (name == "observedTimeUnixNano") {
      out.observed_ns = read_number<std::uint64_t>(cursor);
    } else if (name == "severityNumber") {
      out.severity_number = read_number<std::int32_t>(cursor);
    } else if (name == "severityText") {
      out.severity_text = read_text(cursor);
    } else if (name == "body") {
      good = read_body(cursor, out);
    } else if (name == "attributes") {
      good = read_attributes(cursor, out.attributes_json);
    } else if (name == "traceId") {
      out.trace_id = read_id(cursor, 32);
    } else if (name == "spanId") {
      out.span_id = read_id(cursor, 16);
    } else if (name == "eventName") {
      out.event_name = read_text(cursor);
    } else if (name == "flags") {
      out.flags = read_number<std::uint32_t>(cursor);
    } else if (name == "droppedAttributesCount") {
      out.dropped_attributes_count = read_number<std::uint32_t>(cursor);
    } else {
      cursor.skip();
    }
  }
  return good && !cursor.failed();
}

// The members of an object as texts; the last of equal names. False where it is no object.
bool members(std::string_view text, std::map<std::string, std::string_view>& out) {
  JsonCursor cursor(text, kMaxSkippedJsonDepth);
  if (!cursor.begin_object()) return false;
  std::string name;
  while (cursor.next_member(name)) out[camel(name)] = cursor.skip();
  return !cursor.failed() && cursor.at_end();
}
std::string text_of(const std::map<std::string, std::string_view>& all, const char* name) {
  const auto found = all.find(name);
  JsonCursor cursor(found == all.end() ? std::string_view("null") : found->second);
  return read_text(cursor);
}
// Calls `each` with the elements of a list; false where it is none, or `each` says so. Absent and null are empty.
template <class Each>
bool elements(const std::map<std::string, std::string_view>& all, const char* name, Each each) {
  const auto found = all.find(name);
  if (found == all.end() || found->second == "null") return true;
  JsonCursor cursor(found->second, kMaxSkippedJsonDepth);
  if (!cursor.begin_array()) return false;
  while (cursor.next_element()) {
    if (!each(cursor.skip())) return false;
  }
  return !cursor.failed();
}
bool attributes_of(const std::map<std::string, std::string_view>& all, std::string& out) {
  const auto found = all.find("attributes");
  if (found == all.end()) return true;
  JsonCursor cursor(found->second);
  return read_attributes(cursor, out);
}

bool read_scope_logs(std::string_view text, OtlpLines* out) {
  std::map<std::string, std::string_view> all, inner;
  if (!members(text, all)) return false;
  OtlpScope scope;
  scope.schema_url = text_of(all, "schemaUrl");
  if (const auto found = all.find("scope"); found != all.end() && found->second != "null") {
    if (!members(found->second, inner) || !attributes_of(inner, scope.attributes_json)) return false;
    scope.name = text_of(inner, "name");
    scope.version = text_of(inner, "version");
  }
  if (out != nullptr) out->set_scope(scope);
  return elements(all, "logRecords", [out](std::string_view record_text) {
    if (out == nullptr) return true;
    OtlpRecord record;
    if (read_record(record_text, record)) {
      out->add(record);
    } else {
      out->reject("a log record is malformed, too long or nested too deeply");
    }
    return true;
  });
}

bool read_resource_logs(std::string_view text, OtlpLines* out) {
  std::map<std::string, std::string_view> all, inner;
  if (!members(text, all)) return false;
  OtlpResource resource;
  resource.schema_url = text_of(all, "schemaUrl");
  if (const auto found = all.find("resource"); found != all.end() && found->second != "null") {
    if (!members(found->second, inner) || !attributes_of(inner, resource.attributes_json)) return false;
    if (const auto dropped = inner.find("droppedAttributesCount"); dropped != inner.end()) {
      JsonCursor cursor(dropped->second);
      resource.dropped_attributes_count = read_number<std::uint32_t>(cursor);
    }
  }
  if (out != nullptr) out->set_resource(resource);
  return elements(all, "scopeLogs", [out](std::string_view scope) { return read_scope_logs(scope, out); });
}

bool read_request(std::string_view body, OtlpLines* out) {
  std::map<std::string, std::string_view> all;
  return members(body, all) &&
         elements(all, "resourceLogs", [out](std::string_view resource) { return read_resource_logs(resource, out); });
}

}  // namespace

core::Result<void> parse_otlp_json(std::string_view body, OtlpLines& out) {
  if (!read_request(body, nullptr)) {
    return core::Error{core::ErrorCode::kInvalid, "the body is no ExportLogsServiceRequest in JSON"};
  }
  read_request(body, &out);
  return {};
}

}  // namespace tocsin::source
