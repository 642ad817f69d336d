// Coverage: what of the rules is at work. Active, with data, proven, silent.
#include <map>

#include "api/handlers/handlers.h"

namespace tocsin::api {
namespace {

constexpr std::int64_t kDayNs = 86'400'000'000'000;
constexpr std::uint64_t kMaxRules = 50'000;

// When each rule last gave a finding that the caller may see, as far back as findings are kept.
core::Result<std::map<std::string, core::Timestamp, std::less<>>> last_hits(const Call& call) {
  store::SqlText sql("SELECT rule_id, max(detected_at) FROM findings WHERE ");
  sql << call.tenant_condition({}) << " GROUP BY rule_id LIMIT ";
  sql.number(kMaxRules);
  store::QueryLimits limits = call.limits();
  limits.result_rows = kMaxRules;
  auto answer = TOCSIN_TRY(call.context.options.store->query(sql.str(), Rows::kFormat, limits));
  const Rows rows = TOCSIN_TRY(Rows::read(std::move(answer)));
  std::map<std::string, core::Timestamp, std::less<>> out;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    Row row = rows.row(i);
    std::string id(row.text());
    out[std::move(id)] = row.time();
  }
  return out;
}

struct Summary {
  std::int64_t on = 0, with_data = 0, proven = 0, silent = 0;
};

// Adds it to the summary, which is of rules that are on.
void write_rule(core::JsonWriter& json, const Call& call, const RuleStatus& rule, core::Timestamp last, std::int64_t days,
                Summary& summary) {
  const bool on = rule.mode == ledger::RuleMode::kOn, has_data = rule.blind.empty();
  const char* proven = last.known() ? "hit" : rule.has_test ? "test" : "";
  json.begin_object().member("rule_id", rule.id).member("title", rule.title).member("level", rule.level);
  json.member("state", ledger::to_string(rule.mode)).key("has_data").boolean(has_data).member("proven", proven);
  write_time(json, "last_hit", last);
  json.key("silent_days");
  const std::int64_t silent_days = last.known() ? std::max<std::int64_t>(0, call.now().ns - last.ns) / kDayNs : 0;
  if (last.known()) {
    json.number(silent_days);
  } else {
    json.null();
  }
  write_texts(json, "techniques", rule.techniques);
  json.end_object();
  if (!on) return;
  ++summary.on;
  summary.with_data += has_data ? 1 : 0;
  summary.proven += *proven != '\0' ? 1 : 0;
  summary.silent += has_data && (!last.known() || silent_days >= days) ? 1 : 0;
}

Reply get_coverage(Call& call) {
  Query query = call.query();
  const std::int64_t days = query.number("days", 30, 1, 3'650);
  if (query.problem()) return *query.problem();
  const auto hits = TOCSIN_TRY(last_hits(call));
  Summary summary;
  std::string out;
  core::JsonWriter json(out);
  json.begin_object().key("items").begin_array();
  for (const RuleStatus& rule : call.context.options.platform->rules()) {
    const auto found = hits.find(rule.id);
    write_rule(json, call, rule, found == hits.end() ? core::kNoTime : found->second, days, summary);
  }
  json.end_array().key("summary").begin_object().key("on").number(summary.on).key("with_data").number(summary.with_data);
  json.key("proven").number(summary.proven).key("silent").number(summary.silent).end_object();
  json.key("days").number(days).end_object();
  return Reply::json(std::move(out));
}

}  // namespace

void add_coverage_routes(Routes& routes) {
  routes.push_back(
      {"GET", "/api/v1/coverage", "rules.read", "rules", "What of the rules is at work: on, with data, proven, silent",
       "{days?:int}", "",
       "{items:[{rule_id:text title:text level:text state:Mode has_data:bool proven:text last_hit:time silent_days:any "
       "techniques:[text]}] summary:{on:int with_data:int proven:int silent:int} days:int}",
       get_coverage});
}

}  // namespace tocsin::api
