// Taking documents as Elasticsearch does. What clients ask before is in elastic_questions.cc.
#include "source/http_inputs/elastic.h"

#include <atomic>
#include <utility>

#include "core/json_writer.h"
#include "source/http_inputs/bulk.h"
#include "source/http_inputs/json_cursor.h"

namespace tocsin::source {

using http::Captures;
using http::Exchange;
using http::Response;
using http::Route;

Response elastic_response(const http::Request& request, int status, std::string body) {
  Response out;
  out.status = status;
  out.body = std::move(body);
  const std::string_view accept = request.header("accept");
  if (accept.find("application/vnd.elasticsearch+json") != std::string_view::npos) {
    out.content_type = "application/vnd.elasticsearch+json;compatible-with=8";
  }
  out.headers.emplace_back("X-Elastic-Product", "Elasticsearch");
  return out;
}

Response elastic_error(const http::Request& request, int status, std::string_view type, std::string_view reason) {
  std::string body;
  core::JsonWriter json(body);
  json.begin_object().key("error").begin_object();
  json.key("root_cause").begin_array().begin_object().member("type", type).member("reason", reason).end_object().end_array();
  json.member("type", type).member("reason", reason).end_object();
  json.key("status").number(status).end_object();
  Response out = elastic_response(request, status, std::move(body));
  if (status == 401) out.headers.emplace_back("WWW-Authenticate", "Basic realm=\"security\", charset=\"UTF-8\"");
  return out;
}

Route elastic_route(const std::shared_ptr<ElasticInput>& input, std::string method, std::string pattern, std::string summary,
                    ElasticHandler handler) {
  return {std::move(method),
          std::move(pattern),
          std::move(summary),
          "public",
          "ingest",
          [input, handler = std::move(handler)](const std::shared_ptr<Exchange>& exchange, const Captures& captures) {
            Caller caller = find_caller(*input, exchange->request());
            if (!caller.source) {
              input->unauthorized.add();
              exchange->respond(elastic_error(exchange->request(), 401, "security_exception",
                                              caller.credentials == Credentials::kNone
                                                  ? "missing authentication credentials"
                                                  : "unable to authenticate with the provided credentials"));
              return;
            }
            handler(input, *caller.source, exchange, captures);
          }};
}

namespace {

struct Failure {
  int status;
  const char* type;
};
// Clients try again after 429 and 503, and drop what gets 400.
Failure failure_of(core::ErrorCode code) {
  switch (code) {
    case core::ErrorCode::kLimit: return {429, "es_rejected_execution_exception"};
    case core::ErrorCode::kInvalid:
    case core::ErrorCode::kUnsupported: return {400, "illegal_argument_exception"};
    default: return {503, "unavailable_shards_exception"};
  }
}

void write_created(core::JsonWriter& json, std::string_view index, std::string_view id) {
  json.member("_index", index).member("_id", id);
  json.raw(
      R"("_version":1,"result":"created","_shards":{"total":1,"successful":1,"failed":0},"_seq_no":0,"_primary_term":1)");
}

// A bulk request on its way.
struct Bulk {
  std::vector<BulkItem> items;
  std::vector<std::size_t> parcels;  // For each item that is taken, in order.
  std::chrono::nanoseconds began{};
  std::string all_well;  // The answer from "errors" on, where every parcel is kept.
};

void write_item(core::JsonWriter& json, const BulkItem& item, const core::Error* refused) {
  json.begin_object().key(item.action).begin_object();
  if (item.status == 0 && refused == nullptr) {
    write_created(json, item.index, item.id);
    json.key("status").number(201);
  } else {
    const Failure failure = item.status != 0 ? Failure{item.status, item.error_type} : failure_of(refused->code);
    json.member("_index", item.index).member_if("_id", item.id).key("status").number(failure.status);
    json.key("error").begin_object().member("type", failure.type);
    json.member("reason", item.status != 0 ? item.error_reason : refused->text).end_object();
  }
  json.end_object().end_object();
}

// `results` empty: all are well.
std::string render(const Bulk& bulk, const Results& results) {
  std::string items;
  core::JsonWriter json(items);
  bool errors = false;
  std::size_t taken = 0;
  json.begin_array();
  for (const BulkItem& item : bulk.items) {
    const core::Error* refused = nullptr;
    if (item.status == 0) {
      const std::size_t parcel = bulk.parcels[taken++];
      if (!results.empty() && !results[parcel].ok()) refused = &results[parcel].error();
    }
    errors = errors || item.status != 0 || refused != nullptr;
    write_item(json, item, refused);
  }
  json.end_array();
  return std::string(R"("errors":)") + (errors ? "true" : "false") + R"(,"items":)" + items + "}";
}

std::string next_id(ElasticInput& input) {
  constexpr std::string_view kDigits = "0123456789abcdefghijklmnopqrstuv";
  auto number = static_cast<std::uint64_t>(input.first_id) + input.id_count.fetch_add(1, std::memory_order_relaxed);
  std::string out(20, '0');
  for (std::size_t i = out.size(); number != 0; number >>= 5) out[--i] = kDigits[number & 31];
  return out;
}

void no_room(const ElasticInput& input, const std::shared_ptr<Exchange>& exchange) {
  exchange->respond(retry_later(input, elastic_error(exchange->request(), 429, "es_rejected_execution_exception",
                                                     "too much is waiting to be written; send this again later")));
}

void take_bulk(const std::shared_ptr<ElasticInput>& input, const SourceRef& source,
               const std::shared_ptr<Exchange>& exchange, const Captures& captures) {
  const auto index = captures.find("index");
  const auto bulk = std::make_shared<Bulk>();
  bulk->began = input->context.clock.steady_now();
  http::Request& request = exchange->request();
  auto items = parse_bulk(request.body, index == captures.end() ? "" : index->second);
  if (!items.ok()) {
    source.meter->refused("bad-request");
    const bool limit = items.error().code == core::ErrorCode::kLimit;
    exchange->respond(
        elastic_error(request, limit ? 413 : 400, limit ? "too_many_items" : "parse_exception", items.error().text));
    return;
  }
  bulk->items = std::move(items).value();
  LineParcels lines(*input, source, request.peer);
  std::size_t bad = 0;
  for (BulkItem& item : bulk->items) {
    if (item.status != 0) {
      ++bad;
      continue;
    }
    bulk->parcels.push_back(lines.add(item.document));
    item.document = {};
    if (item.id.empty()) item.id = next_id(*input);
  }
  if (bad > 0) source.meter->refused("bad-item", bad);
  request.body = {};
  bulk->all_well = render(*bulk, {});
  const bool handed_on = submit(input, source, lines.take(), [input, bulk, exchange](const Results& results) {
    const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(input->context.clock.steady_now() - bulk->began);
    std::string body = R"({"took":)" + std::to_string(took.count()) + ",";
    body += first_error(results) == nullptr ? bulk->all_well : render(*bulk, results);
    exchange->respond(elastic_response(exchange->request(), 200, std::move(body)));
  });
  if (!handed_on) no_room(*input, exchange);
}

void take_document(const std::shared_ptr<ElasticInput>& input, const SourceRef& source,
                   const std::shared_ptr<Exchange>& exchange, const Captures& captures) {
  http::Request& request = exchange->request();
  if (std::string why = check_document(request.body); !why.empty()) {
    source.meter->refused("bad-item");
    exchange->respond(elastic_error(request, 400, "document_parsing_exception", why));
    return;
  }
  std::string line;
  append_as_line(request.body, line);
  LineParcels lines(*input, source, request.peer);
  lines.add(line);
  request.body = {};
  const auto given = captures.find("id");
  std::string id = given == captures.end() ? next_id(*input) : given->second;
  const auto answer = [exchange, index = captures.at("index"), id = std::move(id), input](const Results& results) {
    const http::Request& asked = exchange->request();
    if (const core::Error* error = first_error(results)) {
      const Failure failure = failure_of(error->code);
      exchange->respond(retry_later(*input, elastic_error(asked, failure.status, failure.type, error->text)));
      return;
    }
    std::string body;
    core::JsonWriter json(body);
    json.begin_object();
    write_created(json, index, id);
    json.end_object();
    exchange->respond(elastic_response(asked, 201, std::move(body)));
  };
  if (!submit(input, source, lines.take(), answer)) no_room(*input, exchange);
}

}  // namespace

std::vector<Route> elastic_routes(const SourceContext& context, const HttpInputOptions& options) {
  const auto input = std::make_shared<ElasticInput>(context, options);
  std::vector<Route> out;
  const auto add = [&](const char* method, const char* pattern, const char* summary, ElasticHandler handler) {
    out.push_back(elastic_route(input, method, pattern, summary, std::move(handler)));
  };
  for (const char* method : {"POST", "PUT"}) {
    add(method, "/_bulk", "Takes documents", take_bulk);
    add(method, "/{index}/_bulk", "Takes documents", take_bulk);
    add(method, "/{index}/_doc/{id}", "Takes a document", take_document);
    add(method, "/{index}/_create/{id}", "Takes a document", take_document);
  }
  add("POST", "/{index}/_doc", "Takes a document", take_document);
  add_elastic_questions(input, out);
  return out;
}

}  // namespace tocsin::source
