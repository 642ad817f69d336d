// Logs by HTTP: Elasticsearch's _bulk, Splunk's HTTP Event Collector, OTLP logs, and our own ingest.
//
// Each function gives a table of routes for an http::Router; app serves each on a listener of its own, or ours beside the
// API. All routes have the right "public", for the handler itself checks whose bytes they are: `Authorization` with a
// source's token (Bearer; Basic with the token as password; ApiKey with the token or base64 of "id:token"; Splunk), else the
// client certificate, else `default_source`. A wrong token is refused even where there is a default; refused callers are
// counted in tocsin_http_input_unauthorized_total{input}.
//
// A request is answered when the Intake has all of it, from whatever thread says so; no worker waits for that. Malformed
// items never stop good ones. What is handed on and not yet answered is bounded by `max_waiting_bytes` for each table;
// past it the request is refused, with Retry-After, before anything of it was kept. Any thread; the handlers keep what they
// need alive, but for what SourceContext refers to.
//
// What is handed on, one line of JSON a record but for ingest and HEC raw:
// - Elastic: each document as it was sent.
// - HEC: {"sourcetype":..,"time":..,"host":..,"source":..,"index":..,"event":..,"fields":{..}}, what was not sent left out
//   but for sourcetype ("httpevent"), which comes first and tells the JSON decoder what `event` and `fields` are: the
//   members of both are the event's own. Raw: the bytes as sent, in the format they are told to be; host, source,
//   sourcetype and index of the query join the peer ("192.0.2.1 host=web01 source=/var/log/x").
// - OTLP: "@timestamp" (time_unix_nano, else observed_time_unix_nano), observed_timestamp, severity_number,
//   severity_text, the body, attributes{}, event_name, trace_id and span_id in hex, flags, dropped_attributes_count,
//   resource{attributes{}, schema_url, dropped_attributes_count}, scope{name, version, attributes{}, schema_url}. The body
//   is `message` where it is text; `_raw` where that text begins with '{', for the decoder looks into it; `_source` where it
//   is a map, so that its members are the event's own; else `body`.
#pragma once
#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "http/router.h"
#include "source/live.h"

namespace tocsin::source {

struct HttpInputOptions {
  // Whose bytes they are where a request says nothing of itself.
  std::optional<SourceRef> default_source;
  std::size_t max_waiting_bytes = 4 * kBacklogBytes;
  std::chrono::seconds retry_after{1};
  // What we say to be: not older than the shippers. Beats refuse to send to an older one.
  std::string elastic_version = "8.19.0";
};

// GET / and what else clients ask before they send; _bulk, _doc, _create. Answers to every path, so on its own listener.
// An update or delete fails alone with 400: logs are only appended. An item the Intake has no room for: 429; otherwise 503.
std::vector<http::Route> elastic_routes(const SourceContext& context, const HttpInputOptions& options = {});

// /services/collector[/event], /raw, /health, /ack, each also with /1.0. Codes: 0 2 3 4 5 6 8 9 10 11 12 13 15 16 17 18
// 21; a disabled token (1) cannot be told from an unknown one, and any index is taken (7). Where a request names a channel
// it gets an ackId; whatever has one is safe. Of an unknown channel, or one forgotten after kMaxHecChannels others, no id
// is.
std::vector<http::Route> splunk_hec_routes(const SourceContext& context, const HttpInputOptions& options = {});
inline constexpr std::size_t kMaxHecChannels = 10'000;

// POST /v1/logs, protobuf and JSON. Records that cannot be taken are counted in partial_success. No room: 429; the Intake
// fails: 503; both with Retry-After. What is no ExportLogsServiceRequest at all: 400.
std::vector<http::Route> otlp_routes(const SourceContext& context, const HttpInputOptions& options = {});
// Attributes of resource and scope are repeated for each record: past so much for one request, records are rejected.
inline constexpr std::size_t kMaxOtlpLineBytes = 16u << 20;
inline constexpr std::size_t kMaxOtlpOutputBytes = 128u << 20;

// POST /api/v1/ingest/{source}?format=..: any bytes that a decoder reads, cut into deliveries. The token must be that
// source's. Idempotency-Key (at most kMaxIdempotencyKeyBytes) makes a second try harmless. Answers
// {"accepted_bytes":..,"records":..}, records being lines; otherwise a problem document: 401, 403, 422 for what is no log,
// 429 and 503.
std::vector<http::Route> ingest_routes(const SourceContext& context, const HttpInputOptions& options = {});
inline constexpr std::size_t kMaxIdempotencyKeyBytes = 255;

}  // namespace tocsin::source
