// Our own way in.
#include <algorithm>
#include <utility>

#include "core/json_writer.h"
#include "http/problem.h"
#include "source/http_inputs/cut_body.h"
#include "source/http_inputs/input.h"

namespace tocsin::source {
namespace {

using http::Captures;
using http::Exchange;
using http::problem_response;
using http::Response;

std::optional<model::Format> format_named(std::string_view name) {
  for (int i = 1; i <= static_cast<int>(model::kLastFormat); ++i) {
    const auto format = static_cast<model::Format>(i);
    if (model::to_string(format) == name) return format;
  }
  return std::nullopt;
}

std::string format_names() {
  std::string out;
  for (int i = 1; i <= static_cast<int>(model::kLastFormat); ++i) {
    out += (i > 1 ? ", " : "") + std::string(model::to_string(static_cast<model::Format>(i)));
  }
  return out;
}

// Empty where all is well.
std::optional<Response> refuse(const Caller& caller, const http::Request& request, const std::string& name) {
  if (!caller.source) {
    Response out = problem_response(401, "a token of the source is needed: Authorization: Bearer <token>", request.path);
    out.headers.emplace_back("WWW-Authenticate", "Bearer");
    return out;
  }
  if (caller.source->name != name) return problem_response(403, "the token is not one of this source", request.path);
  return std::nullopt;
}

// The key of the request as the stream sees it; an error where it is malformed.
core::Result<std::string> once_key(const http::Request& request, const SourceRef& source) {
  const std::string_view key = request.header("idempotency-key");
  if (key.empty()) return std::string();
  const bool plain = std::all_of(key.begin(), key.end(), [](char c) { return c > ' ' && c < '\x7F'; });
  if (key.size() > kMaxIdempotencyKeyBytes || !plain) {
    return core::Error{core::ErrorCode::kInvalid, "Idempotency-Key must be at most " +
                                                      std::to_string(kMaxIdempotencyKeyBytes) +
                                                      " printable characters without spaces"};
  }
  return std::to_string(static_cast<std::uint32_t>(source.id)) + "/" + std::string(key);
}

// What was kept of a body in several pieces, of which not all were.
Response not_kept(const HttpInput& input, const core::Error& error, std::uint64_t kept_bytes, const std::string& path) {
  const int status = error.code == core::ErrorCode::kLimit ? 429 : 503;
  http::Problem problem;
  problem.status = status;
  problem.detail = error.text;
  problem.instance = path;
  if (kept_bytes > 0) {
    problem.detail += "; " + std::to_string(kept_bytes) +
                      " bytes of this request were kept: with an Idempotency-Key, sending it again does not double them";
  }
  return retry_later(input, problem_response(problem));
}

void take(const std::shared_ptr<HttpInput>& input, const std::shared_ptr<Exchange>& exchange, const Captures& captures) {
  http::Request& request = exchange->request();
  const Caller caller = find_caller(*input, request);
  if (auto refused = refuse(caller, request, captures.at("source"))) {
    input->unauthorized.add();
    return exchange->respond(std::move(*refused));
  }
  const SourceRef& source = *caller.source;
  BodyOrigin origin{.source = source, .format = source.format, .peer = request.peer, .once_key = {}};
  if (const auto named = request.query.find("format"); named != request.query.end()) {
    const auto format = format_named(named->second);
    if (!format) {
      source.meter->refused("bad-request");
      return exchange->respond(
          problem_response(400, "there is no format '" + named->second + "'; there are " + format_names(), request.path));
    }
    origin.format = *format;
  }
  auto key = once_key(request, source);
  if (!key.ok()) {
    source.meter->refused("bad-request");
    return exchange->respond(problem_response(key.error(), request.path));
  }
  origin.once_key = std::move(key).value();
  if (request.body.empty()) {
    source.meter->refused("empty");
    return exchange->respond(problem_response(422, "the body is empty", request.path));
  }
  auto parcels = cut_body(*input, origin, request.body);
  if (!parcels.ok()) {
    source.meter->refused("no-log");
    return exchange->respond(problem_response(422, parcels.error().text, request.path));
  }
  std::vector<std::uint64_t> sizes;
  std::uint64_t records = 0;
  for (const Parcel& parcel : parcels.value()) {
    sizes.push_back(parcel.delivery.bytes.size());
    records += parcel.records;
  }
  request.body = {};
  const auto answer = [input, exchange, sizes = std::move(sizes), records](const Results& results) {
    std::uint64_t kept = 0;
    for (std::size_t i = 0; i < results.size(); ++i) kept += results[i].ok() ? sizes[i] : 0;
    if (const core::Error* error = first_error(results)) {
      return exchange->respond(not_kept(*input, *error, kept, exchange->request().path));
    }
    Response out;
    core::JsonWriter json(out.body);
    json.begin_object().key("accepted_bytes").number(kept).key("records").number(records).end_object();
    exchange->respond(std::move(out));
  };
  if (!submit(input, source, std::move(parcels).value(), answer)) {
    exchange->respond(retry_later(
        *input, problem_response(429, "too much is waiting to be written; send this again later", request.path)));
  }
}

}  // namespace

std::vector<http::Route> ingest_routes(const SourceContext& context, const HttpInputOptions& options) {
  const auto input = std::make_shared<HttpInput>("ingest", context, options);
  return {
      {"POST", "/api/v1/ingest/{source}", "Takes bytes of log for one source, whose token is needed", "public", "ingest",
       [input](const std::shared_ptr<Exchange>& exchange, const Captures& captures) { take(input, exchange, captures); }}};
}

}  // namespace tocsin::source
