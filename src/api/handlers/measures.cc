// How well the work with incidents goes: times, verdicts, precision of rules, what is open.
//
// Computed when asked, of the incidents that were opened within the range, by the times that are recorded: the first event
// as its source says, the rest by our clock. Incidents that became part of another count with that one. The answer says what
// it rests on, as sources that were silent and records that were lost make it look better than it is.
#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <set>

#include "api/handlers/handlers.h"
#include "api/incident_json.h"
#include "api/parts/incident_call.h"
#include "triage/score.h"

namespace tocsin::api {
namespace {

using ledger::Incident;
using ledger::IncidentTables;

constexpr std::int64_t kMaxIncidents = 50'000, kPage = 1'000;
constexpr std::size_t kMaxClosedForRules = 5'000, kMaxShownRules = 200, kMaxShownOwners = 200;
constexpr std::int64_t kMaxMembersForRules = 1'000;
constexpr std::int64_t kDayNs = 86'400'000'000'000;

struct Asked {
  core::Timestamp from, to;
  std::vector<std::string> tenants;
  std::string rule, owner;
  std::int64_t severity = 0;  // 0: any.
};
struct Rule {
  std::string title;
  std::int64_t true_positive = 0, benign = 0, false_positive = 0;
};
struct Owner {
  std::int64_t open = 0, closed = 0;
};
struct Found {
  std::vector<Incident> incidents;
  std::map<std::string, Rule> rules;
  bool complete = true;
};

bool is_closed(const Incident& incident) { return incident.state == model::IncidentState::kClosed; }
bool fits(const Asked& asked, const Incident& incident) {
  if (incident.merged_into != 0) return false;
  if (asked.severity != 0 && incident.severity_id != asked.severity) return false;
  if (!asked.owner.empty() && incident.owner != (asked.owner == "-" ? "" : asked.owner)) return false;
  return true;
}
bool in_range(const Asked& asked, const Incident& incident) {
  return incident.created_at >= asked.from && incident.created_at < asked.to;
}

// Pages, each its own transaction, so that nobody waits for all.
core::Result<Found> read_incidents(const Call& call, const Asked& asked) {
  Found out;
  ledger::IncidentQuery query;
  query.tenants = asked.tenants;
  query.with_closed = true;
  query.order = ledger::IncidentQuery::Order::kNewest;
  query.limit = kPage;
  for (query.offset = 0; query.offset < kMaxIncidents; query.offset += kPage) {
    IncidentTables::Page page;
    const auto done = read_tables(call, [&](IncidentTables& tables) -> core::Result<void> {
      page = TOCSIN_TRY(tables.incidents(query));
      return {};
    });
    if (!done.ok()) return done.error();
    const bool last = page.items.size() < static_cast<std::size_t>(kPage);
    for (Incident& incident : page.items) {
      if (fits(asked, incident)) out.incidents.push_back(std::move(incident));
    }
    if (last) return out;
  }
  out.complete = false;
  return out;
}

// One decision for each rule of a closed incident. With a rule asked for, only incidents that have it stay.
core::Result<void> read_rules(const Call& call, const Asked& asked, Found& found) {
  std::set<ledger::IncidentNumber> with_rule;
  std::size_t looked = 0;
  for (const Incident& incident : found.incidents) {
    const bool decided = is_closed(incident) && incident.verdict != model::Verdict::kDuplicate &&
                         incident.verdict != model::Verdict::kNone && in_range(asked, incident);
    if (!decided && asked.rule.empty()) continue;
    if (++looked > kMaxClosedForRules) {
      found.complete = false;
      break;
    }
    std::map<std::string, std::string> rules;
    const auto done = read_tables(call, [&](IncidentTables& tables) -> core::Result<void> {
      for (const auto& member : TOCSIN_TRY(tables.members(incident.id, kMaxMembersForRules, 0))) {
        rules[member.rule_id] = member.rule_title;
      }
      return {};
    });
    if (!done.ok()) return done.error();
    if (rules.contains(asked.rule)) with_rule.insert(incident.id);
    if (!decided) continue;
    for (const auto& [id, title] : rules) {
      if (!asked.rule.empty() && id != asked.rule) continue;
      Rule& rule = found.rules[id];
      rule.title = title;
      if (incident.verdict == model::Verdict::kTruePositive) ++rule.true_positive;
      if (incident.verdict == model::Verdict::kBenign) ++rule.benign;
      if (incident.verdict == model::Verdict::kFalsePositive) ++rule.false_positive;
    }
  }
  if (!asked.rule.empty()) {
    std::erase_if(found.incidents, [&](const Incident& incident) { return !with_rule.contains(incident.id); });
  }
  return {};
}

void write_optional(core::JsonWriter& json, const char* name, std::optional<double> value) {
  json.key(name);
  if (value) {
    json.number(*value);
  } else {
    json.null();
  }
}
// Percentiles by the nearest rank.
void write_spread(core::JsonWriter& json, const char* name, std::vector<double> values) {
  std::ranges::sort(values);
  const auto at = [&](double share) -> std::optional<double> {
    if (values.empty()) return std::nullopt;
    const double rank = std::ceil(share * static_cast<double>(values.size()));
    return values[static_cast<std::size_t>(std::max(rank, 1.0)) - 1];
  };
  double sum = 0;
  for (const double value : values) sum += value;
  json.key(name).begin_object().key("count").number(static_cast<std::uint64_t>(values.size()));
  write_optional(json, "mean_s", values.empty() ? std::nullopt : std::optional(sum / static_cast<double>(values.size())));
  write_optional(json, "p50_s", at(0.5));
  write_optional(json, "p90_s", at(0.9));
  write_optional(json, "p95_s", at(0.95));
  write_optional(json, "p99_s", at(0.99));
  json.end_object();
}
void write_spreads(core::JsonWriter& json, const std::vector<const Incident*>& incidents) {
  std::array<std::vector<double>, 4> values;
  for (const Incident* incident : incidents) {
    const IncidentTimes times = times_of(*incident);
    const std::array all{times.detect, times.acknowledge, times.contain, times.recover};
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (all[i]) values[i].push_back(*all[i]);
    }
  }
  constexpr const char* kNames[] = {"detect", "acknowledge", "contain", "recover"};
  for (std::size_t i = 0; i < values.size(); ++i) write_spread(json, kNames[i], std::move(values[i]));
}

void write_rules(core::JsonWriter& json, const std::map<std::string, Rule>& rules) {
  const auto decided = [](const Rule& rule) { return rule.true_positive + rule.benign + rule.false_positive; };
  std::vector<std::pair<std::string, Rule>> sorted(rules.begin(), rules.end());
  std::ranges::stable_sort(sorted, std::greater(), [&](const auto& rule) { return decided(rule.second); });
  sorted.resize(std::min(sorted.size(), kMaxShownRules));
  json.key("rules").begin_array();
  for (const auto& [id, rule] : sorted) {
    // No belief before: what this range alone says.
    const triage::Precision precision{1 + static_cast<double>(rule.true_positive),
                                      1 + static_cast<double>(rule.benign + rule.false_positive),
                                      static_cast<std::uint64_t>(decided(rule))};
    const auto range = precision.interval(0.9);
    json.begin_object().member("rule_id", id).member("title", rule.title);
    json.key("true_positive").number(rule.true_positive).key("benign").number(rule.benign);
    json.key("false_positive").number(rule.false_positive).key("precision").begin_object();
    json.key("mean").number(precision.mean()).key("low").number(range.low).key("high").number(range.high);
    json.key("decided").number(precision.decided).end_object().end_object();
  }
  json.end_array();
}

void write_verdicts(core::JsonWriter& json, const std::vector<const Incident*>& incidents) {
  std::map<std::string, std::int64_t> verdicts{{"true_positive", 0}, {"benign", 0}, {"false_positive", 0}, {"duplicate", 0}};
  for (const Incident* incident : incidents) {
    if (is_closed(*incident) && incident->verdict != model::Verdict::kNone) ++verdicts[model::to_string(incident->verdict)];
  }
  json.key("verdicts").begin_object();
  for (const auto& [name, count] : verdicts) json.key(name).number(count);
  json.end_object();
}

// What is open now, whenever it was opened.
void write_backlog(core::JsonWriter& json, const Found& found, core::Timestamp now) {
  std::map<std::string, std::int64_t> priorities{{"p1", 0}, {"p2", 0}, {"p3", 0}, {"p4", 0}};
  std::int64_t open = 0;
  std::optional<double> oldest;
  for (const Incident& incident : found.incidents) {
    if (is_closed(incident)) continue;
    ++open;
    ++priorities[incident.priority];
    oldest = std::max(oldest.value_or(0), static_cast<double>(now.ns - incident.created_at.ns) / 1e9);
  }
  json.key("backlog").begin_object().key("open").number(open);
  write_optional(json, "oldest_s", oldest);
  json.key("by_priority").begin_object();
  for (const auto& [name, count] : priorities) json.key(name).number(count);
  json.end_object().end_object();
}

void write_owners(core::JsonWriter& json, const Asked& asked, const Found& found) {
  std::map<std::string, Owner> owners;
  for (const Incident& incident : found.incidents) {
    if (!is_closed(incident)) ++owners[incident.owner].open;
    if (is_closed(incident) && in_range(asked, incident)) ++owners[incident.owner].closed;
  }
  json.key("per_owner").begin_array();
  std::size_t shown = 0;
  for (const auto& [name, owner] : owners) {
    if (++shown > kMaxShownOwners) break;
    json.begin_object().member("owner", name).key("open").number(owner.open).key("closed").number(owner.closed);
    json.end_object();
  }
  json.end_array();
}

// Of clocks that have ended or are over their time.
void write_sla(core::JsonWriter& json, const Call& call, const std::vector<const Incident*>& incidents) {
  const auto policy = call.context.options.sla;
  if (!policy) return;
  struct Tally {
    std::int64_t met = 0, breached = 0;
  };
  std::array<Tally, triage::kSlaGoals> tallies;
  for (const Incident* incident : incidents) {
    for (const triage::SlaClock& clock : triage::sla_clocks(*policy, *incident, call.now())) {
      Tally& tally = tallies[static_cast<std::size_t>(clock.goal)];
      if (clock.state == triage::SlaClock::State::kMet) ++tally.met;
      if (clock.state == triage::SlaClock::State::kBreached) ++tally.breached;
    }
  }
  json.key("sla").begin_object();
  for (std::size_t i = 0; i < tallies.size(); ++i) {
    json.key(triage::to_string(static_cast<triage::SlaGoal>(i))).begin_object();
    json.key("met").number(tallies[i].met).key("breached").number(tallies[i].breached).end_object();
  }
  json.end_object();
}

void write_basis(core::JsonWriter& json, const Call& call, const Asked& asked, std::size_t incidents, bool complete) {
  std::int64_t silent = 0;
  for (const SourceStatus& source : call.context.options.platform->sources()) {
    const bool wanted = asked.tenants.empty() || std::ranges::find(asked.tenants, source.tenant) != asked.tenants.end();
    if (wanted && source.state == "silent") ++silent;
  }
  json.key("rests_on").begin_object().key("incidents").number(static_cast<std::uint64_t>(incidents));
  json.key("silent_sources").number(silent).key("losses").begin_array();
  if (call.sees_all()) {  // They are of all tenants together.
    for (const Loss& loss : call.context.options.platform->losses()) {
      if (loss.count == 0) continue;
      json.begin_object().member("what", loss.what).key("count").number(loss.count).end_object();
    }
  }
  json.end_array().key("complete").boolean(complete).end_object();
}

Asked read_asked(const Call& call, Query& query) {
  Asked out;
  out.to = query.when("to", {call.now().ns + 1});  // What was opened this instant is among them.
  out.from = query.when("from", {out.to.ns - 30 * kDayNs});
  if (out.from >= out.to) query.refuse("from", "must be before to");
  out.tenants = call.who.tenants;
  if (const std::string tenant = query.text("tenant"); !tenant.empty()) {
    if (!call.who.may_see(tenant)) query.refuse("tenant", "is none of yours");
    out.tenants = {tenant};
  }
  out.severity = query.number("severity", 0, 0, 6);
  out.rule = query.text("rule");
  out.owner = query.text("owner");
  return out;
}

}  // namespace

Reply get_measures(Call& call) {
  Query query = call.query();
  const Asked asked = read_asked(call, query);
  if (query.problem()) return *query.problem();
  Found found = TOCSIN_TRY(read_incidents(call, asked));
  TOCSIN_TRY(read_rules(call, asked, found));
  std::vector<const Incident*> incidents;
  for (const Incident& incident : found.incidents) {
    if (in_range(asked, incident)) incidents.push_back(&incident);
  }
  std::string out;
  core::JsonWriter json(out);
  json.begin_object();
  write_time(json, "from", asked.from);
  write_time(json, "to", asked.to);
  json.key("incidents").number(static_cast<std::uint64_t>(incidents.size()));
  json.key("closed").number(std::ranges::count_if(incidents, [](const Incident* one) { return is_closed(*one); }));
  write_spreads(json, incidents);
  write_verdicts(json, incidents);
  write_sla(json, call, incidents);
  write_rules(json, found.rules);
  write_backlog(json, found, call.now());
  write_owners(json, asked, found);
  write_basis(json, call, asked, incidents.size(), found.complete);
  json.end_object();
  return Reply::json(std::move(out));
}

void add_measure_routes(Routes& routes) {
  routes.push_back(
      {"GET", "/api/v1/measures", "findings.read", "measures", "How fast and how right the work with incidents is",
       "{from?:text to?:text tenant?:text severity?:int rule?:text owner?:text}", "",
       "{from:time to:time incidents:int closed:int detect:Spread acknowledge:Spread contain:Spread recover:Spread "
       "verdicts:{*:int} sla?:{*:{met:int breached:int}} rules:[{rule_id:text title:text true_positive:int benign:int "
       "false_positive:int "
       "precision:{mean:number low:number high:number decided:int}}] backlog:{open:int oldest_s:any by_priority:{*:int}} "
       "per_owner:[{owner:text open:int closed:int}] rests_on:{incidents:int silent_sources:int "
       "losses:[{what:text count:int}] complete:bool}}",
       get_measures});
}

}  // namespace tocsin::api
