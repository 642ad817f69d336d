// Rules of automatic triage: which there are, what one would do, and to undo what one did.
//
// The rules are shared by all tenants: one who sees some may read and try them, within its tenants.
#include <algorithm>
#include <map>

#include "api/handlers/handlers.h"
#include "api/incident_json.h"
#include "api/parts/incident_call.h"
#include "ledger/tuning.h"
#include "triage/export.h"

namespace tocsin::api {
namespace {

using triage::Automatic;

constexpr std::size_t kMaxRuleBytes = 64 * 1024;
constexpr std::int64_t kDayNs = 86'400'000'000'000;
constexpr std::int64_t kMostSequence = std::int64_t{1} << 53;

// Null: this program has none.
Automatic* automatic_of(const Call& call) {
  return call.context.options.desk == nullptr ? nullptr : call.context.options.desk->automatic();
}
Reply absent() { return Reply::problem(503, "incidents are not kept by this program"); }

using Hits = std::map<std::string, ledger::TriageRuleHits>;
core::Result<Hits> hits_of(const Call& call) {
  Hits out;
  const auto done = call.context.options.ledger->read([&](ledger::Tables& all) -> core::Result<void> {
    for (auto& row : TOCSIN_TRY(ledger::TuningTables(all).triage_rule_hits(call.who.tenants))) out[row.rule_id] = row;
    return {};
  });
  if (!done.ok()) return done.error();
  return out;
}

void write_rule(core::JsonWriter& json, const Automatic::RuleView& rule, const Hits& hits) {
  const auto found = hits.find(rule.id);
  json.begin_object().member("id", rule.id).member("title", rule.title).member("description", rule.description);
  json.key("enabled").boolean(rule.enabled).member("when", rule.when);
  write_texts(json, "outcomes", rule.outcomes);
  json.member("file", rule.file).key("hits").number(found == hits.end() ? std::int64_t{0} : found->second.hits);
  write_time(json, "last_hit", found == hits.end() ? core::kNoTime : found->second.last_at);
  json.member("problem", rule.problem).end_object();
}

Reply list(Call& call) {
  Automatic* automatic = automatic_of(call);
  if (automatic == nullptr) return absent();
  const Hits hits = TOCSIN_TRY(hits_of(call));
  std::string out;
  core::JsonWriter json(out);
  json.begin_object().key("items").begin_array();
  for (const Automatic::RuleView& rule : automatic->rules()) write_rule(json, rule, hits);
  json.end_array().end_object();
  return Reply::json(std::move(out));
}

Reply change(Call& call) {
  if (auto refused = refuse_some_tenants(call)) return std::move(*refused);
  Automatic* automatic = automatic_of(call);
  if (automatic == nullptr) return absent();
  Body body(call.request().body);
  const auto enabled = body.optional_boolean("enabled");
  if (!enabled) body.refuse("enabled", "must be true or false");
  if (body.problem()) return *body.problem();
  const std::string& id = call.captured("id");
  TOCSIN_TRY(automatic->enable(id, *enabled, call.who.name));
  TOCSIN_TRY(call.audit("triage_rule.change", id, call.request().body));
  const auto rules = automatic->rules();
  const auto found = std::ranges::find_if(rules, [&](const auto& rule) { return rule.id == id; });
  if (found == rules.end()) return Reply::problem(404, "there is no such rule");
  const Hits hits = TOCSIN_TRY(hits_of(call));
  std::string out;
  core::JsonWriter json(out);
  write_rule(json, *found, hits);
  return Reply::json(std::move(out));
}

Reply dry_run(Call& call) {
  Automatic* automatic = automatic_of(call);
  if (automatic == nullptr) return absent();
  Body body(call.request().body);
  Automatic::DryRun asked;
  asked.rule = body.optional_text("id").value_or("");
  asked.yaml = body.optional_text("yaml", kMaxRuleBytes).value_or("");
  if (asked.rule.empty() == asked.yaml.empty()) body.refuse("id", "or yaml must be given, one of them");
  asked.from.ns = call.now().ns - body.number("days", 30, 1, 366) * kDayNs;
  asked.tenants = call.who.tenants;
  if (body.problem()) return *body.problem();
  const auto result = TOCSIN_TRY(automatic->dry_run(asked));
  std::string out;
  core::JsonWriter json(out);
  json.begin_object().key("looked_at").number(result.looked_at).key("matches").begin_array();
  for (const auto& match : result.matches) {
    json.begin_object().member("incident", triage::incident_label(match.incident)).member("title", match.title);
    write_texts(json, "outcomes", match.outcomes);
    json.end_object();
  }
  json.end_array().key("complete").boolean(result.complete).end_object();
  return Reply::json(std::move(out));
}

Reply revert(Call& call) {
  const ledger::Incident incident = TOCSIN_TRY(read_incident(call));
  const auto sequence = parse_incident_number(call.captured("sequence"));
  if (!sequence || *sequence > kMostSequence) return Reply::problem(404, "there is no such entry of the history");
  Automatic* automatic = automatic_of(call);
  if (automatic == nullptr) return absent();
  const auto changed = TOCSIN_TRY(automatic->revert(incident.id, *sequence, call.who.name));
  TOCSIN_TRY(call.audit("incident.revert", triage::incident_label(incident.id),
                        "{\"sequence\":" + std::to_string(*sequence) + "}"));
  Reply reply = Reply::json(incident_json(changed, sla_view(call)));
  reply.response().headers.emplace_back("ETag", "\"" + std::to_string(changed.version) + "\"");
  return reply;
}

}  // namespace

void add_triage_rule_routes(Routes& routes) {
  const char* tag = "tuning";
  const char* rule =
      "{id:text title:text description:text enabled:bool when:text outcomes:[text] file:text hits:int last_hit:time "
      "problem:text}";
  static const std::string kList = std::string("{items:[") + rule + "]}";
  for (RouteSpec spec : Routes{
           {"GET", "/api/v1/triage/rules", "findings.read", tag, "Rules of automatic triage", "", "", kList.c_str(), list},
           {"PATCH", "/api/v1/triage/rules/{id}", "rules.write", tag, "Switches one", "", "{enabled:bool}", rule, change},
           {"POST", "/api/v1/triage/rules/dry-run", "findings.read", tag, "What a rule would do to incidents as they are",
            "", "{id?:text yaml?:text days?:int}",
            "{looked_at:int matches:[{incident:text title:text outcomes:[text]}] complete:bool}", dry_run},
           {"POST", "/api/v1/incidents/{number}/history/{sequence}/revert", "findings.write", tag,
            "Undoes an automatic decision", "", "", "Incident", revert}}) {
    routes.push_back(std::move(spec));
  }
}

}  // namespace tocsin::api
