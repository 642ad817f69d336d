// OTLP log records as lines of JSON, whichever encoding they came in. Pure.
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "core/result.h"

namespace tocsin::source {

// A LogRecord; members called ..._json hold JSON, empty where absent.
struct OtlpRecord {
  std::uint64_t time_ns = 0, observed_ns = 0;  // 0: not known.
  std::int64_t severity_number = 0;
  std::string severity_text;
  std::optional<std::string> body_text;  // The body, where it is text,
  std::string body_json;                 // and where it is not.
  bool body_is_map = false;
  std::string attributes_json;
  std::string trace_id, span_id;  // In hex.
  std::string event_name;
  std::uint64_t flags = 0, dropped_attributes_count = 0;
};

struct OtlpResource {
  std::string attributes_json, schema_url;
  std::uint64_t dropped_attributes_count = 0;
};
struct OtlpScope {
  std::string name, version, attributes_json, schema_url;
};

// Takes records over, within the limits of one request.
class OtlpLines {
 public:
  explicit OtlpLines(std::function<void(std::string_view)> take) : take_(std::move(take)) {}

  // For the records that follow.
  void set_resource(const OtlpResource& resource);
  void set_scope(const OtlpScope& scope);
  void add(const OtlpRecord& record);
  // A record that could not be read.
  void reject(std::string_view why);

  [[nodiscard]] std::uint64_t taken() const { return taken_; }
  [[nodiscard]] std::uint64_t rejected() const { return rejected_; }
  [[nodiscard]] const std::string& reason() const { return reason_; }  // Of the first that was rejected.

 private:
  std::function<void(std::string_view)> take_;
  std::string resource_, scope_;  // JSON objects; empty where there is nothing to say.
  std::string line_, reason_;
  std::uint64_t taken_ = 0, rejected_ = 0;
  std::size_t output_bytes_ = 0;
};

// ExportLogsServiceRequest, in protobuf and in JSON. An error (invalid): it is none, and nothing of it counts.
core::Result<void> parse_otlp_protobuf(std::string_view body, OtlpLines& out);
core::Result<void> parse_otlp_json(std::string_view body, OtlpLines& out);
// Values in values; each adds two containers to the JSON at most.
inline constexpr std::size_t kMaxOtlpDepth = 20;

std::string to_hex(std::string_view bytes);
std::string to_base64(std::string_view bytes);

}  // namespace tocsin::source
