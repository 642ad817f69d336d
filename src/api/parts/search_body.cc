#include "api/parts/search_body.h"

#include <algorithm>

#include "core/log.h"
#include "store/search_language.h"

namespace tocsin::api {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000, kDay = 86'400 * kSecond;

// The word that begins at the place of an error, to be marked.
std::size_t marked_length(std::string_view text, std::size_t position) {
  if (position >= text.size()) return 0;
  return std::min(text.find_first_of(" ()", position), text.size()) - position;
}

Reply search_problem(std::string_view text, const store::SearchError& error) {
  std::string hint;
  core::JsonWriter(hint).text("expected " + error.expected);
  return Reply::problem(400,
                        "the search is wrong at position " + std::to_string(error.position) + ": expected " + error.expected,
                        {{"field", "\"query\""},
                         {"position", std::to_string(error.position)},
                         {"length", std::to_string(marked_length(text, error.position))},
                         {"hint", hint}});
}

}  // namespace

std::expected<SearchBody, Reply> read_search(const Call& call, Body& body) {
  SearchBody out;
  out.query = body.optional_text("query", store::kMaxSearchBytes).value_or("");
  out.id = body.optional_text("search_id", 128).value_or("");
  const std::int64_t second = call.now().ns / kSecond * kSecond;
  const core::Timestamp next{second == call.now().ns ? second : second + kSecond};
  out.to = body.when("to", next, next);
  out.from = body.when("from", {out.to.ns - kDay}, {second});
  if (out.from >= out.to) body.refuse("from", "must be before to");
  const auto tenants = body.texts("tenant");
  if (body.problem()) return std::unexpected(Reply(*body.problem()));
  const auto condition = store::search_condition(out.query, call.context.search_fields);
  if (!condition) return std::unexpected(search_problem(out.query, condition.error()));
  out.tenants = call.tenant_condition(tenants);
  out.condition.made(*condition);
  out.where = out.where_within(out.from, out.to);
  return out;
}

store::SqlText SearchBody::where_within(core::Timestamp first, core::Timestamp end) const {
  store::SqlText out = tenants;
  out << " AND " << time_condition("ts", first, end) << " AND (" << condition << ")";
  return out;
}

void audit_search(const Call& call, const char* action, const SearchBody& search) {
  std::string detail;
  core::JsonWriter json(detail);
  json.begin_object();
  write_time(json, "from", search.from);
  write_time(json, "to", search.to);
  json.end_object();
  const auto done = call.audit(action, search.query, detail);
  if (done.ok()) return;
  call.context.options.metrics
      ->counter("tocsin_api_audit_failures_total", "Searches that the audit trail could not take; they went on.")
      .add();
}

}  // namespace tocsin::api
