// Rules: their state, their texts, trying one on stored events, and ATT&CK. Rules are shared by all tenants: one who sees
// some reads them, with the hits in their own tenants, and changes none.
#include <algorithm>
#include <array>
#include <map>

#include "api/handlers/handlers.h"
#include "api/parts/events.h"
#include "core/text.h"
#include "core/unicode.h"
#include "model/attack.h"

namespace tocsin::api {
namespace {

using store::SqlText;

constexpr std::size_t kMaxRuleBytes = 256u << 10;
constexpr std::int64_t kHour = 3'600'000'000'000, kDay = 24 * kHour;

struct Hits {
  std::int64_t day = 0;
  core::Timestamp last;
};

// Of the last day, by rule.
core::Result<std::map<std::string, Hits, std::less<>>> hits_of_day(const Call& call) {
  SqlText sql("SELECT rule_id, count(), max(event_time) FROM findings WHERE ");
  sql << call.tenant_condition({}) << " AND " << time_condition("event_time", {call.now().ns - kDay}, {})
      << " GROUP BY rule_id LIMIT 20000";
  store::QueryLimits limits = call.limits();
  limits.result_rows = 20'000;
  auto answer = TOCSIN_TRY(call.context.options.store->query(sql.str(), Rows::kFormat, limits));
  const Rows rows = TOCSIN_TRY(Rows::read(std::move(answer)));
  std::map<std::string, Hits, std::less<>> out;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    Row row = rows.row(i);
    const std::string id(row.text());
    const std::int64_t count = row.integer();
    out[id] = {count, row.time()};
  }
  return out;
}

void write_rule_members(core::JsonWriter& json, const Call& call, const RuleStatus& rule, const Hits& hits) {
  json.member("id", rule.id).member("title", rule.title).member("kind", rule.kind).member("level", rule.level);
  json.member("status", rule.status).member("mode", ledger::to_string(rule.mode)).member("path", rule.path);
  json.member("origin", rule.origin).key("logsource").begin_object().member("product", rule.product);
  json.member("category", rule.category).member("service", rule.service).end_object();
  write_texts(json, "tactics", rule.tactics);
  write_texts(json, "techniques", rule.techniques);
  write_texts(json, "tags", rule.tags);
  // Those since the start are of all tenants.
  json.key("hits").number(call.sees_all() ? rule.hits : static_cast<std::uint64_t>(hits.day));
  json.key("hits_24h").number(hits.day);
  write_time(json, "last_hit_at", call.sees_all() ? std::max(rule.last_hit, hits.last) : hits.last);
  json.key("cost_ns");
  if (rule.cost_ns) {
    json.number(*rule.cost_ns);
  } else {
    json.null();
  }
  json.key("cost_samples").number(rule.cost_samples);
  json.member("blind", rule.blind).member("changed_by", rule.changed_by);
  write_time(json, "changed_at", rule.changed_at);
}

struct Filter {
  std::string words, technique;
  std::vector<std::string> modes, levels;
  bool blind = false, hit = false;
};

bool matches(const RuleStatus& rule, const Filter& filter, const Hits& hits) {
  const auto any = [](const std::vector<std::string>& list, std::string_view value) {
    return list.empty() || std::ranges::find(list, value) != list.end();
  };
  if (!any(filter.modes, ledger::to_string(rule.mode)) || !any(filter.levels, rule.level)) return false;
  if ((filter.blind && rule.blind.empty()) || (filter.hit && hits.day == 0)) return false;
  if (!filter.technique.empty() && std::ranges::none_of(rule.techniques, [&](const std::string& id) {
        return id == filter.technique || model::parent_technique(id) == filter.technique;
      })) {
    return false;
  }
  if (filter.words.empty()) return true;
  const std::string text = core::fold_utf8(rule.title + '\n' + rule.id + '\n' + rule.path + '\n' + rule.product + ' ' +
                                           rule.category + ' ' + rule.service);
  for (std::size_t at = 0; at < filter.words.size();) {
    const std::size_t end = std::min(filter.words.find(' ', at), filter.words.size());
    if (text.find(filter.words.substr(at, end - at)) == std::string::npos) return false;
    at = end + 1;
  }
  return true;
}

void write_counts(core::JsonWriter& json, const std::vector<RuleStatus>& rules, std::size_t refused) {
  std::array<std::uint64_t, 3> modes{};
  std::uint64_t blind = 0;
  for (const RuleStatus& rule : rules) {
    ++modes[static_cast<std::size_t>(rule.mode)];
    if (!rule.blind.empty()) ++blind;
  }
  json.key("counts").begin_object().key("on").number(modes[2]).key("draft").number(modes[1]).key("off").number(modes[0]);
  json.key("blind").number(blind).key("refused").number(static_cast<std::uint64_t>(refused)).end_object();
}

// In the order of title and id, which is also the cursor.
Reply list(Call& call) {
  Query query = call.query();
  Filter filter{core::fold_utf8(query.text("q")), query.text("technique"), query.list("mode"), query.list("level"),
                query.text("blind") == "1",       query.text("hit") == "1"};
  const auto limit = static_cast<std::size_t>(query.number("limit", kDefaultLimit, 1, kMaxLimit));
  std::pair<std::string, std::string> after;
  if (const std::string cursor = query.text("cursor"); !cursor.empty()) {
    if (const auto parts = read_cursor(cursor, 2)) {
      after = {(*parts)[0], (*parts)[1]};
    } else {
      query.refuse("cursor", "is not of this list");
    }
  }
  if (query.problem()) return *query.problem();
  std::vector<RuleStatus> rules = call.context.options.platform->rules();
  const auto hits = TOCSIN_TRY(hits_of_day(call));
  const auto hits_of = [&](const RuleStatus& rule) {
    const auto found = hits.find(rule.id);
    return found == hits.end() ? Hits{} : found->second;
  };
  std::vector<const RuleStatus*> shown;
  for (const RuleStatus& rule : rules) {
    if (matches(rule, filter, hits_of(rule))) shown.push_back(&rule);
  }
  const auto key = [](const RuleStatus* rule) { return std::pair(rule->title, rule->id); };
  std::ranges::sort(shown, [&](const auto* a, const auto* b) { return key(a) < key(b); });
  std::string out, cursor;
  core::JsonWriter json(out);
  json.begin_object().key("items").begin_array();
  std::size_t count = 0;
  const RuleStatus* last = nullptr;
  for (const RuleStatus* rule : shown) {
    if (!query.text("cursor").empty() && key(rule) <= after) continue;
    if (count++ == limit) {
      cursor = make_cursor({last->title, last->id});
      break;
    }
    json.begin_object();
    write_rule_members(json, call, *rule, hits_of(*rule));
    json.end_object();
    last = rule;
  }
  json.end_array();
  write_cursor(json, cursor);
  json.key("total").number(static_cast<std::uint64_t>(shown.size()));
  write_counts(json, rules, call.context.options.platform->refused_rules().size());
  json.end_object();
  return Reply::json(std::move(out));
}

Reply get(Call& call) {
  const auto rule = call.context.options.platform->rule(call.captured("id"));
  if (!rule) return Reply::problem(404, "there is no such rule");
  const core::Timestamp to = call.now();
  const HistogramRange range = histogram_range({to.ns - kDay}, to, 24);
  SqlText sql("SELECT ");
  sql << bucket_of("event_time", range) << " AS b, count(), max(event_time) FROM findings WHERE "
      << call.tenant_condition({}) << " AND " << time_condition("event_time", range.from, range.to) << " AND rule_id = ";
  sql.text(rule->status.id) << " GROUP BY b";
  const Rows rows = TOCSIN_TRY(call.ask(sql));
  std::array<std::int64_t, 24> rates{};
  Hits hits;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    Row row = rows.row(i);
    const std::int64_t bucket = row.integer(), count = row.integer();
    if (bucket >= 0 && bucket < 24) rates[static_cast<std::size_t>(bucket)] = count;
    hits.day += count;
    hits.last = std::max(hits.last, row.time());
  }
  std::string out;
  core::JsonWriter json(out);
  json.begin_object();
  write_rule_members(json, call, rule->status, hits);
  json.member("text", rule->text).member("description", rule->description).member("author", rule->author);
  write_texts(json, "references", rule->references);
  write_texts(json, "falsepositives", rule->false_positives);
  json.member("date", rule->date).key("rates").begin_array();
  for (const std::int64_t rate : rates) json.number(rate);
  json.end_array().end_object();
  return Reply::json(std::move(out));
}

ledger::RuleMode read_mode(Body& body) {
  const std::string mode = body.text("mode");
  if (mode == "off") return ledger::RuleMode::kOff;
  if (mode == "draft") return ledger::RuleMode::kDraft;
  if (mode != "on") body.refuse("mode", "must be on, draft or off");
  return ledger::RuleMode::kOn;
}

Reply set_modes(Call& call, const std::vector<std::string>& ids, Body& body) {
  if (auto refused = refuse_some_tenants(call)) return std::move(*refused);
  const ledger::RuleMode mode = read_mode(body);
  if (ids.empty()) body.refuse("ids", "must not be empty");
  if (body.problem()) return *body.problem();
  std::string detail;
  core::JsonWriter json(detail);
  json.begin_object().member("mode", ledger::to_string(mode));
  write_texts(json, "ids", ids);
  json.end_object();
  TOCSIN_TRY(call.audit("rule.mode", ids.front(), detail));
  TOCSIN_TRY(call.context.options.platform->set_rule_mode(ids, mode, call.who.name));
  return Reply::nothing();
}
Reply set_mode(Call& call) {
  Body body(call.request().body);
  return set_modes(call, {call.captured("id")}, body);
}
Reply set_many(Call& call) {
  Body body(call.request().body);
  return set_modes(call, body.texts("ids"), body);
}

Reply reload(Call& call) {
  if (auto refused = refuse_some_tenants(call)) return std::move(*refused);
  TOCSIN_TRY(call.audit("rules.reload", ""));
  const auto done = TOCSIN_TRY(call.context.options.platform->reload_rules());
  std::string out;
  core::JsonWriter(out)
      .begin_object()
      .key("loaded")
      .number(done.loaded)
      .key("refused")
      .number(done.refused)
      .key("took_ms")
      .number(static_cast<std::int64_t>(done.took.count()))
      .end_object();
  return Reply::json(std::move(out));
}

Reply refused(Call& call) {
  std::string out;
  core::JsonWriter json(out);
  json.begin_object().key("items").begin_array();
  for (const RefusedRule& rule : call.context.options.platform->refused_rules()) {
    json.begin_object().member("path", rule.path).key("line").number(rule.line).key("column").number(rule.column);
    json.member("message", rule.message).member("hint", rule.hint).member("code", rule.code).member("title", rule.title);
    json.end_object();
  }
  json.end_array().end_object();
  return Reply::json(std::move(out));
}

core::Result<void> write_test_hits(Call& call, const RuleTestResult& result, core::JsonWriter& json) {
  const EventSelect select = EventSelect::everything();
  std::map<std::string, std::string> events;
  if (!result.hits.empty()) {
    SqlText sql("SELECT ");
    sql << select.list() << " FROM events WHERE " << call.tenant_condition({}) << " AND id IN (";
    for (std::size_t i = 0; i < result.hits.size(); ++i) {
      if (i > 0) sql << ", ";
      sql.number(result.hits[i].event);
    }
    sql << ")";
    const Rows rows = TOCSIN_TRY(call.ask(sql));
    for (std::size_t i = 0; i < rows.size(); ++i) {
      Row row = rows.row(i), look = rows.row(i);
      std::string event;
      core::JsonWriter one(event);
      select.write(row, one);
      events.emplace(look.text(), std::move(event));
    }
  }
  json.key("items").begin_array();
  for (const RuleTestResult::Hit& hit : result.hits) {
    const auto found = events.find(std::to_string(hit.event));
    if (found == events.end()) continue;
    json.begin_object().key("event").raw(found->second).key("why").raw(hit.why.empty() ? "null" : hit.why).end_object();
  }
  json.end_array();
  return {};
}

Reply test(Call& call) {
  Body body(call.request().body);
  RuleTestRequest request;
  request.text = body.optional_text("text", kMaxRuleBytes).value_or("");
  request.id = body.optional_text("id").value_or("");
  request.to = body.when("to", call.now(), call.now());
  request.from = body.when("from", {request.to.ns - kDay}, call.now());
  request.limit = static_cast<std::uint64_t>(body.number("limit", 100, 1, 1'000));
  request.tenants = call.who.tenants;
  if (request.text.empty() == request.id.empty()) body.refuse("text", "or id must be given, one of them");
  if (request.from >= request.to) body.refuse("from", "must be before to");
  if (body.problem()) return *body.problem();
  const auto begin = call.context.options.clock->steady_now();
  const RuleTestResult result = TOCSIN_TRY(call.context.options.platform->test_rule(request));
  const auto took = call.context.options.clock->steady_now() - begin;
  std::string out;
  core::JsonWriter json(out);
  json.begin_object().key("matches").number(result.matches).key("events_read").number(result.events_read);
  json.key("complete").boolean(result.complete);
  TOCSIN_TRY(write_test_hits(call, result, json));
  write_texts(json, "problems", result.problems);
  json.key("elapsed_ms").number(static_cast<double>(took.count()) / 1e6).end_object();
  return Reply::json(std::move(out));
}

Reply save(Call& call) {
  if (auto no = refuse_some_tenants(call)) return std::move(*no);
  Body body(call.request().body);
  const std::string text = body.text("text", {true, kMaxRuleBytes}), name = body.text("name");
  if (body.problem()) return *body.problem();
  TOCSIN_TRY(call.audit("rule.save", name));
  const std::string id = TOCSIN_TRY(call.context.options.platform->save_rule(name, text));
  std::string out;
  core::JsonWriter(out).begin_object().member("id", id).end_object();
  return Reply::json(std::move(out), 201);
}

Reply remove(Call& call) {
  if (auto no = refuse_some_tenants(call)) return std::move(*no);
  TOCSIN_TRY(call.audit("rule.remove", call.captured("id")));
  TOCSIN_TRY(call.context.options.platform->remove_rule(call.captured("id")));
  return Reply::nothing();
}

// Of a technique: rules that name it, those on, those on whose data came, and findings of a day and of a month.
struct Covered {
  std::int64_t rules = 0, on = 0, seeing = 0, day = 0, month = 0;
  Covered& operator+=(const Covered& other) {
    rules += other.rules;
    on += other.on;
    seeing += other.seeing;
    day += other.day;
    month += other.month;
    return *this;
  }
};
using Coverage = std::map<std::string, Covered, std::less<>>;

void write_covered(core::JsonWriter& json, std::string_view id, const Covered& covered) {
  const model::Technique* technique = model::find_technique(id);
  json.member("id", id).member("name", technique == nullptr ? std::string_view() : technique->name);
  json.key("rules").number(covered.rules).key("on").number(covered.on).key("hits_24h").number(covered.day);
  json.key("hits_30d").number(covered.month).key("rules_with_data").number(covered.seeing);
}

// All techniques of the table; those revoked only where rules or findings name them.
void write_tactic(core::JsonWriter& json, const model::Tactic& tactic, const Coverage& coverage) {
  std::map<std::string_view, std::vector<std::string_view>> parents;  // With their sub-techniques.
  for (const model::Technique& technique : model::techniques()) {
    if (!technique.replaced_by.empty() && !coverage.contains(technique.id)) continue;
    if (std::ranges::find(technique.tactics, tactic.shortname) == technique.tactics.end()) continue;
    const std::string_view parent = model::parent_technique(technique.id);
    auto& children = parents[parent];
    if (parent != technique.id) children.push_back(technique.id);
  }
  if (parents.empty()) return;
  const auto covered = [&](std::string_view id) {
    const auto found = coverage.find(id);
    return found == coverage.end() ? Covered{} : found->second;
  };
  json.begin_object().member("id", tactic.uid).member("shortname", tactic.shortname).member("name", tactic.name);
  json.key("techniques").begin_array();
  for (const auto& [id, children] : parents) {
    Covered sum = covered(id);
    for (const std::string_view child : children) sum += covered(child);
    json.begin_object();
    write_covered(json, id, sum);
    json.key("subtechniques").begin_array();
    for (const std::string_view child : children) {
      json.begin_object();
      write_covered(json, child, covered(child));
      json.end_object();
    }
    json.end_array().end_object();
  }
  json.end_array().end_object();
}

Reply attack(Call& call) {
  Coverage coverage;
  for (const RuleStatus& rule : call.context.options.platform->rules()) {
    const bool on = rule.mode == ledger::RuleMode::kOn;
    for (const std::string& id : rule.techniques) coverage[id] += {1, on, on && rule.blind.empty(), 0, 0};
  }
  SqlText sql("SELECT arrayJoin(techniques) AS t, countIf(event_time >= ");
  sql.number(call.now().ns - kDay) << "), count() FROM findings WHERE " << call.tenant_condition({}) << " AND "
                                   << time_condition("event_time", {call.now().ns - 30 * kDay}, {})
                                   << " GROUP BY t LIMIT 2000";
  const Rows rows = TOCSIN_TRY(call.ask(sql));
  for (std::size_t i = 0; i < rows.size(); ++i) {
    Row row = rows.row(i);
    Covered& covered = coverage[std::string(row.text())];
    covered.day = row.integer();
    covered.month = row.integer();
  }
  std::string out;
  core::JsonWriter json(out);
  json.begin_object().member("version", "19").key("tactics").begin_array();
  for (const model::Tactic& tactic : model::tactics()) write_tactic(json, tactic, coverage);
  json.end_array().end_object();
  return Reply::json(std::move(out));
}

}  // namespace

void add_rule_routes(Routes& routes) {
  const char* tag = "rules";
  const char* read = "rules.read";
  const char* write = "rules.write";
  const char* technique =
      "{id:text name:text rules:int on:int hits_24h:int hits_30d:int rules_with_data:int "
      "subtechniques:[{id:text name:text rules:int on:int hits_24h:int hits_30d:int rules_with_data:int}]}";
  static const std::string kAttack =
      std::string("{version:text tactics:[{id:text shortname:text name:text techniques:[") + technique + "]}]}";
  for (RouteSpec spec :
       Routes{{"GET", "/api/v1/rules", read, tag, "Rules by title",
               "{q?:text mode?:text level?:text blind?:text hit?:text technique?:text cursor?:text limit?:int}", "",
               "{items:[RuleStatus] next_cursor:cursor total:int counts:{on:int draft:int off:int blind:int refused:int}}",
               list},
              {"GET", "/api/v1/rules/{id}", read, tag, "One rule with its text", "", "", "RuleStatus", get},
              {"PUT", "/api/v1/rules/{id}/mode", write, tag, "Switches a rule", "", "{mode:Mode}", "", set_mode},
              {"POST", "/api/v1/rules/mode", write, tag, "Switches several", "", "{ids:[text] mode:Mode}", "", set_many},
              {"POST", "/api/v1/rules/reload", write, tag, "Reads all rules again", "", "",
               "{loaded:int refused:int took_ms:int}", reload},
              {"GET", "/api/v1/rules/refused", read, tag, "Rules that could not be loaded, and why", "", "",
               "{items:[{path:text line:int column:int message:text hint:text code:text title:text}]}", refused},
              {"POST", "/api/v1/rules/test", write, tag, "Tries a rule on stored events", "",
               "{text?:text id?:text from?:text to?:text limit?:int}",
               "{matches:int events_read:int complete:bool items:[{event:Event why:any}] problems:[text] elapsed_ms:number}",
               test},
              {"POST", "/api/v1/rules", write, tag, "Writes a rule of the user's folder", "", "{text:text name:text}",
               "{id:text}", save, 201},
              {"DELETE", "/api/v1/rules/{id}", write, tag, "Removes one of them", "", "", "", remove},
              {"GET", "/api/v1/attack", read, tag, "All ATT&CK techniques, with their rules and findings", "", "",
               kAttack.c_str(), attack}}) {
    routes.push_back(std::move(spec));
  }
}

}  // namespace tocsin::api
