// What shippers ask before they send. Templates, policies and pipelines are all "there": we need none, and a shipper that
// finds its own does not try to load it. What is put is acknowledged and forgotten.
#include <utility>

#include "core/json_writer.h"
#include "source/http_inputs/elastic.h"

namespace tocsin::source {
namespace {

using http::Captures;
using http::Exchange;
using http::Route;
using Input = std::shared_ptr<ElasticInput>;

ElasticHandler fixed(int status, std::string body) {
  return [status, body = std::move(body)](const Input&, const SourceRef&, const std::shared_ptr<Exchange>& exchange,
                                          const Captures&) {
    exchange->respond(elastic_response(exchange->request(), status, body));
  };
}

constexpr const char* kLicense =
    R"({"license":{"status":"active","uid":"00000000-0000-0000-0000-000000000000","type":"basic",)"
    R"("issue_date":"2024-01-01T00:00:00.000Z","issue_date_in_millis":1704067200000,"max_nodes":1000,"max_resource_units":null,)"
    R"("issued_to":"tocsin","issuer":"elasticsearch","start_date_in_millis":-1}})";
constexpr const char* kXpack =
    R"({"build":{"hash":"0","date":"2024-01-01T00:00:00.000Z"},)"
    R"("license":{"uid":"00000000-0000-0000-0000-000000000000","type":"basic","mode":"basic","status":"active"},)"
    R"("features":{"ilm":{"available":true,"enabled":true},"data_streams":{"available":true,"enabled":true},)"
    R"("security":{"available":true,"enabled":true},"monitoring":{"available":false,"enabled":false}},)"
    R"("tagline":"You know, for X"})";
constexpr const char* kHealth =
    R"({"cluster_name":"tocsin","status":"green","timed_out":false,"number_of_nodes":1,"number_of_data_nodes":1,)"
    R"("active_primary_shards":0,"active_shards":0,"relocating_shards":0,"initializing_shards":0,"unassigned_shards":0,)"
    R"("delayed_unassigned_shards":0,"number_of_pending_tasks":0,"number_of_in_flight_fetch":0,)"
    R"("task_max_waiting_in_queue_millis":0,"active_shards_percent_as_number":100.0})";
constexpr const char* kNodes = R"({"_nodes":{"total":1,"successful":1,"failed":0},"cluster_name":"tocsin","nodes":{}})";
constexpr const char* kRefreshed = R"({"_shards":{"total":1,"successful":1,"failed":0}})";
constexpr const char* kAcknowledged = R"({"acknowledged":true})";

std::string root(const std::string& version) {
  std::string out;
  core::JsonWriter json(out);
  json.begin_object().member("name", "tocsin").member("cluster_name", "tocsin").member("cluster_uuid", "tocsin");
  json.key("version").begin_object().member("number", version);
  json.raw(R"("build_flavor":"default","build_type":"deb","build_hash":"0","build_date":"2024-01-01T00:00:00.000Z",)"
           R"("build_snapshot":false,"lucene_version":"9.12.0","minimum_wire_compatibility_version":"7.17.0",)"
           R"("minimum_index_compatibility_version":"7.0.0")");
  json.end_object().member("tagline", "You Know, for Search").end_object();
  return out;
}

// One thing that is asked for by its name, as each interface puts it.
using Describe = std::string (*)(const std::string& name);
std::string named(const std::string& name, const char* value) {
  std::string out;
  core::JsonWriter(out).begin_object().key(name).raw(value).end_object();
  return out;
}
std::string listed(const char* list, const std::string& name, const char* value) {
  std::string out;
  core::JsonWriter json(out);
  json.begin_object().key(list).begin_array().begin_object().member("name", name).raw(value).end_object().end_array();
  json.end_object();
  return out;
}
struct Thing {
  const char* path;
  Describe describe;
};
constexpr Thing kThings[] = {
    {"/_index_template/",
     [](const std::string& name) {
       return listed("index_templates", name, R"("index_template":{"index_patterns":[],"composed_of":[]})");
     }},
    {"/_component_template/",
     [](const std::string& name) { return listed("component_templates", name, R"("component_template":{"template":{}})"); }},
    {"/_template/", [](const std::string& name) { return named(name, R"({"order":0,"index_patterns":[],"settings":{}})"); }},
    {"/_ilm/policy/",
     [](const std::string& name) {
       return named(name, R"({"version":1,"modified_date":"2024-01-01T00:00:00.000Z","policy":{"phases":{}}})");
     }},
    {"/_ingest/pipeline/", [](const std::string& name) { return named(name, R"({"processors":[]})"); }},
    {"/_data_stream/",
     [](const std::string& name) {
       return listed("data_streams", name,
                     R"("timestamp_field":{"name":"@timestamp"},"indices":[],"generation":1,"status":"GREEN")");
     }},
    {"/_alias/", [](const std::string& name) { return named(name, R"({"aliases":{}})"); }},
};

ElasticHandler described(Describe describe) {
  return [describe](const Input&, const SourceRef&, const std::shared_ptr<Exchange>& exchange, const Captures& captures) {
    exchange->respond(elastic_response(exchange->request(), 200, describe(captures.at("name"))));
  };
}

void put_index(const Input&, const SourceRef&, const std::shared_ptr<Exchange>& exchange, const Captures& captures) {
  std::string body;
  core::JsonWriter json(body);
  json.begin_object().raw(R"("acknowledged":true,"shards_acknowledged":true)").member("index", captures.at("index"));
  json.end_object();
  exchange->respond(elastic_response(exchange->request(), 200, std::move(body)));
}

void show_list(const Input&, const SourceRef&, const std::shared_ptr<Exchange>& exchange, const Captures&) {
  const http::Request& request = exchange->request();
  const auto format = request.query.find("format");
  const bool json = (format != request.query.end() && format->second == "json") ||
                    request.header("accept").find("json") != std::string_view::npos;
  http::Response response = elastic_response(request, 200, json ? "[]" : "");
  if (!json) response.content_type = "text/plain; charset=UTF-8";
  exchange->respond(std::move(response));
}

void not_here(const Input&, const SourceRef&, const std::shared_ptr<Exchange>& exchange, const Captures&) {
  const http::Request& request = exchange->request();
  exchange->respond(elastic_error(request, 404, "resource_not_found_exception",
                                  "Tocsin takes logs here; it does not answer " + request.method + " " + request.path));
}

}  // namespace

void add_elastic_questions(const Input& input, std::vector<Route>& out) {
  const auto add = [&](const char* method, std::string pattern, const char* summary, ElasticHandler handler) {
    out.push_back(elastic_route(input, method, std::move(pattern), summary, std::move(handler)));
  };
  add("GET", "/", "Says which version of Elasticsearch it speaks", fixed(200, root(input->options.elastic_version)));
  add("GET", "/_license", "An active licence", fixed(200, kLicense));
  add("GET", "/_xpack", "Features", fixed(200, kXpack));
  add("GET", "/_cluster/health", "Always green", fixed(200, kHealth));
  add("GET", "/_cluster/health/{index}", "Always green", fixed(200, kHealth));
  add("GET", "/_nodes", "No addresses to find", fixed(200, kNodes));
  add("GET", "/_nodes/{what*}", "No addresses to find", fixed(200, kNodes));
  add("GET", "/_cat/{what*}", "Nothing to list", show_list);
  for (const Thing& thing : kThings) {
    const std::string pattern = std::string(thing.path) + "{name}";
    add("GET", pattern, "Is there", described(thing.describe));
    add("PUT", pattern, "Acknowledged; nothing is set up", fixed(200, kAcknowledged));
    add("POST", pattern, "Acknowledged; nothing is set up", fixed(200, kAcknowledged));
  }
  add("GET", "/{index}", "Is there",
      [](const Input& asked, const SourceRef& source, const std::shared_ptr<Exchange>& exchange, const Captures& captures) {
        if (exchange->request().method != "HEAD") return not_here(asked, source, exchange, captures);
        exchange->respond(elastic_response(exchange->request(), 200, ""));
      });
  add("PUT", "/{index}", "Acknowledged; nothing is set up", put_index);
  for (const char* method : {"GET", "POST"}) {
    add(method, "/_refresh", "Nothing to refresh", fixed(200, kRefreshed));
    add(method, "/{index}/_refresh", "Nothing to refresh", fixed(200, kRefreshed));
  }
  for (const char* method : {"GET", "POST", "PUT", "DELETE", "PATCH"}) add(method, "/{path*}", "404", not_here);
}

}  // namespace tocsin::source
