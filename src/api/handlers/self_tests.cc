// The pipeline's test of itself, shown and begun.
#include "api/handlers/handlers.h"
#include "api/self_test.h"

namespace tocsin::api {
namespace {

constexpr std::int64_t kShown = 200;

Reply get_self_test(Call& call) {
  if (auto refused = refuse_some_tenants(call)) return std::move(*refused);
  SelfTester* tester = call.context.options.self_test;
  std::string out;
  core::JsonWriter json(out);
  json.begin_object().key("every_s").number(std::int64_t{tester == nullptr ? 0 : tester->every().count()});
  json.key("items").begin_array();
  if (tester != nullptr) {
    for (const ledger::SelfTest& test : TOCSIN_TRY(tester->newest(kShown))) {
      json.begin_object().member("source", test.source).member("kind", test.kind);
      write_time(json, "at", test.at);
      json.key("detect_s");
      if (test.state == "ok") {
        json.number(static_cast<double>(test.detect_ns) / 1e9);
      } else {
        json.null();
      }
      json.member("state", test.state).member("problem", test.problem).end_object();
    }
  }
  json.end_array().end_object();
  return Reply::json(std::move(out));
}

Reply run_self_test(Call& call) {
  if (auto refused = refuse_some_tenants(call)) return std::move(*refused);
  if (call.context.options.self_test == nullptr) return Reply::problem(404, "this program does not test itself");
  TOCSIN_TRY(call.audit("self-test.run", ""));
  call.context.options.self_test->run_soon();
  return Reply::nothing();
}

}  // namespace

void add_self_test_routes(Routes& routes) {
  routes.push_back(
      {"GET", "/api/v1/self-test", "health.read", "health", "Runs of the pipeline's test of itself, newest first", "", "",
       "{every_s:int items:[{source:text kind:text at:time detect_s:any state:ok|missed|running problem:text}]}",
       get_self_test});
  routes.push_back({"POST", "/api/v1/self-test/run", "settings.write", "health", "Begins a run", "", "", "", run_self_test});
}

}  // namespace tocsin::api
