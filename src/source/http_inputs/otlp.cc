// OTLP over HTTP, logs. Answers in the encoding of the request: ExportLogsServiceResponse, or google.rpc.Status for errors.
#include <utility>

#include "core/json_writer.h"
#include "core/text.h"
#include "source/http_inputs/input.h"
#include "source/http_inputs/otlp_lines.h"
#include "source/http_inputs/protobuf.h"

namespace tocsin::source {
namespace {

using http::Captures;
using http::Exchange;
using http::Response;
using Input = std::shared_ptr<HttpInput>;

enum class Encoding : std::uint8_t { kProtobuf, kJson, kOther };
Encoding encoding_of(const http::Request& request) {
  std::string_view type = request.header("content-type");
  type = type.substr(0, type.find(';'));
  while (type.ends_with(' ')) type.remove_suffix(1);
  if (core::equal_ascii_case(type, "application/x-protobuf")) return Encoding::kProtobuf;
  return core::equal_ascii_case(type, "application/json") ? Encoding::kJson : Encoding::kOther;
}

Response response(Encoding encoding, int status) {
  Response out;
  out.status = status;
  out.content_type = encoding == Encoding::kProtobuf ? "application/x-protobuf" : "application/json";
  return out;
}

// Status{1 code, 2 message}; the codes are google.rpc's.
Response error(Encoding encoding, int status, std::string_view message) {
  const int code = status == 401 ? 16 : status == 429 ? 8 : status == 503 ? 14 : 3;
  Response out = response(encoding, status);
  if (encoding == Encoding::kProtobuf) {
    append_number_field(1, static_cast<std::uint64_t>(code), out.body);
    append_bytes_field(2, message, out.body);
  } else {
    core::JsonWriter json(out.body);
    json.begin_object().key("code").number(code).member("message", message).end_object();
  }
  if (status == 401) out.headers.emplace_back("WWW-Authenticate", "Bearer");
  return out;
}

// ExportLogsServiceResponse{1 partial_success{1 rejected_log_records, 2 error_message}}; empty where all were taken.
Response success(Encoding encoding, std::uint64_t rejected, std::string_view reason) {
  Response out = response(encoding, 200);
  if (encoding == Encoding::kProtobuf) {
    if (rejected == 0) return out;
    std::string partial;
    append_number_field(1, rejected, partial);
    append_bytes_field(2, reason, partial);
    append_bytes_field(1, partial, out.body);
    return out;
  }
  core::JsonWriter json(out.body);
  json.begin_object();
  if (rejected != 0) {
    json.key("partialSuccess").begin_object().member("rejectedLogRecords", std::to_string(rejected));
    json.member("errorMessage", reason).end_object();
  }
  json.end_object();
  return out;
}

void take(const Input& input, const std::shared_ptr<Exchange>& exchange) {
  http::Request& request = exchange->request();
  const Encoding encoding = encoding_of(request);
  const Caller caller = find_caller(*input, request);
  if (!caller.source) {
    input->unauthorized.add();
    return exchange->respond(error(encoding, 401, "a token of a source is needed: Authorization: Bearer"));
  }
  const SourceRef& source = *caller.source;
  if (encoding == Encoding::kOther) {
    source.meter->refused("bad-request");
    return exchange->respond(error(encoding, 415, "Content-Type must be application/x-protobuf or application/json"));
  }
  LineParcels parcels(*input, source, request.peer);
  OtlpLines lines([&parcels](std::string_view line) { parcels.add(line); });
  const auto parsed =
      encoding == Encoding::kJson ? parse_otlp_json(request.body, lines) : parse_otlp_protobuf(request.body, lines);
  if (!parsed.ok()) {
    source.meter->refused("bad-request");
    return exchange->respond(error(encoding, 400, parsed.error().text));
  }
  if (lines.rejected() > 0) source.meter->refused("bad-item", lines.rejected());
  request.body = {};
  const auto answer = [input, exchange, encoding, rejected = lines.rejected(),
                       reason = lines.reason()](const Results& results) {
    if (const core::Error* failed = first_error(results)) {
      const int status = failed->code == core::ErrorCode::kLimit ? 429 : 503;
      return exchange->respond(retry_later(*input, error(encoding, status, failed->text)));
    }
    exchange->respond(success(encoding, rejected, reason));
  };
  if (!submit(input, source, parcels.take(), answer)) {
    exchange->respond(retry_later(*input, error(encoding, 429, "too much is waiting to be written")));
  }
}

}  // namespace

std::vector<http::Route> otlp_routes(const SourceContext& context, const HttpInputOptions& options) {
  const auto input = std::make_shared<HttpInput>("otlp", context, options);
  return {{"POST", "/v1/logs", "Takes OTLP log records", "public", "ingest",
           [input](const std::shared_ptr<Exchange>& exchange, const Captures&) { take(input, exchange); }}};
}

}  // namespace tocsin::source
