// How the program does: overview, health, metrics, and what probes ask.
#include <algorithm>

#include "api/handlers/handlers.h"
#include "api/live_json.h"
#include "api/parts/events.h"
#include "api/parts/health_json.h"

namespace tocsin::api {
namespace {

using store::SqlText;

constexpr std::int64_t kDay = 86'400'000'000'000;

Reply health(Call& call) {
  const Platform& platform = *call.context.options.platform;
  return Reply::json(health_json(platform.health(), platform.losses()));
}

void write_source_counts(core::JsonWriter& json, const std::vector<SourceStatus>& sources) {
  const auto count = [&](const char* state) {
    return static_cast<std::uint64_t>(std::ranges::count(sources, state, &SourceStatus::state));
  };
  json.key("sources").begin_object().key("total").number(static_cast<std::uint64_t>(sources.size()));
  json.key("silent").number(count("silent")).key("problem").number(count("problem")).end_object();
}

void write_rule_counts(core::JsonWriter& json, const Platform& platform) {
  std::uint64_t on = 0, blind = 0;
  for (const RuleStatus& rule : platform.rules()) {
    if (rule.mode == ledger::RuleMode::kOn) ++on;
    if (!rule.blind.empty()) ++blind;
  }
  json.key("rules").begin_object().key("on").number(on).key("blind").number(blind);
  json.key("refused").number(static_cast<std::uint64_t>(platform.refused_rules().size())).end_object();
}

core::Result<void> write_top(const Call& call, core::JsonWriter& json, const char* name, const char* column,
                             core::Timestamp from) {
  SqlText sql("SELECT v, count() AS c, any(rule_title), max(severity_id) AS s FROM (SELECT ");
  sql.made(column) << " AS v, rule_title, severity_id FROM findings WHERE " << call.tenant_condition({}) << " AND "
                   << time_condition("event_time", from, {})
                   << ") WHERE v != '' GROUP BY v ORDER BY s DESC, c DESC, v LIMIT 10";
  const Rows rows = TOCSIN_TRY(call.ask(sql));
  const bool rule = std::string_view(column) == "rule_id";
  json.key(name).begin_array();
  for (std::size_t i = 0; i < rows.size(); ++i) {
    Row row = rows.row(i);
    json.begin_object().member("value", row.text()).key("count").number(row.integer());
    const std::string_view title = row.text();
    if (rule) json.member("label", title);
    json.key("severity_id").number(row.integer()).end_object();
  }
  json.end_array();
  return {};
}

core::Result<void> write_counts(const Call& call, core::JsonWriter& json) {
  const core::Timestamp since{call.now().ns - kDay};
  SqlText where = call.tenant_condition({});
  where << " AND " << time_condition("ts", since, {});
  SqlText events("SELECT count(), ");
  // Reading every record to measure it would take seconds: some thousand stand for all.
  events << "(SELECT avg(length(raw)) FROM (SELECT raw FROM events WHERE " << where << " LIMIT 5000)) FROM events WHERE "
         << where;
  const Rows day = TOCSIN_TRY(call.ask(events));
  Row row = day.row(0);
  const std::int64_t count = row.integer();
  json.key("events_24h").number(count).key("bytes_24h");
  json.number(static_cast<std::uint64_t>(row.number() * static_cast<double>(count)));
  SqlText findings("SELECT level, count() FROM findings WHERE ");
  findings << call.tenant_condition({}) << " AND " << time_condition("event_time", since, {}) << " GROUP BY level";
  const Rows levels = TOCSIN_TRY(call.ask(findings));
  json.key("findings").begin_object().key("by_level_24h").begin_object();
  for (std::size_t i = 0; i < levels.size(); ++i) {
    Row level = levels.row(i);
    json.key(level.text()).number(level.integer());
  }
  json.end_object().end_object();
  return {};
}

core::Result<void> write_histograms(const Call& call, core::JsonWriter& json, core::Timestamp from) {
  const HistogramRange range = histogram_range(from, call.now(), 60);
  SqlText events("SELECT '', ");
  events << bucket_of("ts", range) << " AS b, count() FROM events WHERE " << call.tenant_condition({}) << " AND "
         << time_condition("ts", range.from, range.to) << " GROUP BY b ORDER BY b";
  json.key("events");
  write_histogram(json, range, TOCSIN_TRY(call.ask(events)));
  SqlText findings("SELECT level, ");
  findings << bucket_of("event_time", range) << " AS b, count() FROM findings WHERE " << call.tenant_condition({}) << " AND "
           << time_condition("event_time", range.from, range.to)
           << " GROUP BY level, severity_id, b ORDER BY severity_id DESC, level, b";
  json.key("findings_over_time");
  write_histogram(json, range, TOCSIN_TRY(call.ask(findings)));
  return {};
}

Reply overview(Call& call) {
  Query query = call.query();
  const core::Timestamp from = query.when("from", {call.now().ns - kDay});
  if (from >= call.now()) query.refuse("from", "must be in the past");
  if (query.problem()) return *query.problem();
  const Platform& platform = *call.context.options.platform;
  auto sources = platform.sources();
  std::erase_if(sources, [&](const SourceStatus& source) { return !call.who.may_see(source.tenant); });
  double rate = 0;
  for (const SourceStatus& source : sources) rate += source.records_per_s;
  std::string out;
  core::JsonWriter json(out);
  json.begin_object().key("events_per_s").number(call.sees_all() ? platform.rates().events_per_s : rate);
  TOCSIN_TRY(write_counts(call, json));
  write_source_counts(json, sources);
  write_rule_counts(json, platform);
  write_parts(json, "health", call.who.may(auth::Right::kHealthRead) ? platform.health() : std::vector<PartHealth>());
  TOCSIN_TRY(write_top(call, json, "top_rules", "rule_id", from));
  TOCSIN_TRY(write_top(call, json, "top_hosts", "host", from));
  TOCSIN_TRY(write_histograms(call, json, from));
  json.end_object();
  return Reply::json(std::move(out));
}

Reply metrics(Call& call) {
  http::Response response;
  response.content_type = "text/plain; version=0.0.4; charset=utf-8";
  response.body = call.context.options.metrics->prometheus_text();
  return response;
}

Reply alive(Call&) { return Reply::json(R"({"ok":true})"); }

Reply ready(Call& call) {
  std::vector<std::string> failing;
  for (const PartHealth& part : call.context.options.platform->health()) {
    if (!part.ok) failing.push_back(part.name + ": " + part.problem);
  }
  if (failing.empty()) return alive(call);
  std::string out;
  core::JsonWriter json(out);
  json.begin_object().key("ok").boolean(false);
  write_texts(json, "failing", failing);
  json.end_object();
  return Reply::json(std::move(out), 503);
}

}  // namespace

void add_health_routes(Routes& routes) {
  const char* tag = "health";
  for (RouteSpec spec :
       Routes{{"GET", "/api/v1/overview", "findings.read", tag, "What one looks at first", "{from?:text}", "",
               "{events_per_s:number events_24h:int bytes_24h:int findings:{by_level_24h:{*:int}} "
               "sources:{total:int silent:int problem:int} rules:{on:int blind:int refused:int} health:[Part] "
               "top_rules:[Counted] top_hosts:[Counted] events:Histogram findings_over_time:Histogram}",
               overview},
              {"GET", "/api/v1/health", "health.read", tag, "Every part, every loss", "", "",
               "{ok:bool parts:[Part] losses:[{what:text count:int}]}", health},
              {"GET", "/metrics", "health.read", tag, "Prometheus text; open to the same machine", "", "", "!text/plain",
               metrics},
              {"GET", "/healthz", "public", tag, "Whether the program runs", "", "", "{ok:bool}", alive},
              {"GET", "/readyz", "public", tag, "Whether it can do its work; 503 names what fails", "", "",
               "{ok:bool failing?:[text]}", ready}}) {
    routes.push_back(std::move(spec));
  }
}

}  // namespace tocsin::api
