// Suppressions: drafted from a finding, tried on what was found, made, changed and ended; each change in the trail.
//
// Of all tenants (tenant "") they are of those who see all: to others they are not there, as are those of foreign tenants.
#include "api/suppressions.h"

#include <algorithm>
#include <charconv>

#include "api/handlers/handlers.h"
#include "api/parts/incident_call.h"
#include "triage/export.h"

namespace tocsin::api {
namespace {

using ledger::Suppression;
using ledger::TuningTables;

constexpr std::size_t kMaxFields = 50;
constexpr const char* kAbsent = "suppressions are not kept by this program";

bool sees(const Call& call, const Suppression& row) {
  return call.sees_all() || (!row.tenant.empty() && call.who.may_see(row.tenant));
}
const char* state_of(const Suppression& row, core::Timestamp now) {
  if (row.ended_at.known() || !row.enabled) return "off";
  return row.expires_at <= now ? "expired" : "active";
}

void write_suppression(core::JsonWriter& json, const Call& call, const Suppression& row) {
  json.begin_object().key("id").number(row.id).member("tenant", row.tenant).member("title", row.title);
  json.member("rule_id", row.rule_id).member("rule_title", row.rule_title);
  json.key("fields").raw(row.fields.empty() ? "[]" : row.fields);
  json.member("yaml", row.yaml).member("reason", row.reason).member("author", row.author);
  write_time(json, "created_at", row.created_at);
  write_time(json, "expires_at", row.expires_at);
  json.key("enabled").boolean(row.enabled && !row.ended_at.known()).member("state", state_of(row, call.now()));
  write_time(json, "ended_at", row.ended_at);
  write_time(json, "changed_at", row.changed_at);
  json.member("ended_by", row.ended_by).member("changed_by", row.changed_by);
  const Suppressions::Count count = call.context.options.suppressions->count(row.id);
  json.key("silenced").number(count.silenced);
  write_time(json, "last_silenced_at", count.last);
  json.end_object();
}
Reply answer(const Call& call, const Suppression& row, int status = 200) {
  std::string out;
  core::JsonWriter json(out);
  write_suppression(json, call, row);
  return Reply::json(std::move(out), status);
}

core::Result<std::vector<Suppression>> visible(const Call& call) {
  std::vector<Suppression> out;
  const auto done = call.context.options.ledger->read([&](ledger::Tables& all) -> core::Result<void> {
    out = TOCSIN_TRY(TuningTables(all).suppressions());
    return {};
  });
  if (!done.ok()) return done.error();
  std::erase_if(out, [&](const Suppression& row) { return !sees(call, row); });
  return out;
}
// That of the path, where the caller sees it.
core::Result<Suppression> target(const Call& call) {
  const std::string& text = call.captured("id");
  std::int64_t id = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
  std::optional<Suppression> found;
  if (error == std::errc() && end == text.data() + text.size()) {
    const auto done = call.context.options.ledger->read([&](ledger::Tables& all) -> core::Result<void> {
      found = TOCSIN_TRY(TuningTables(all).suppression(id));
      return {};
    });
    if (!done.ok()) return done.error();
  }
  if (!found || !sees(call, *found)) return core::Error{core::ErrorCode::kNotFound, "there is no such suppression"};
  return std::move(*found);
}

Reply list(Call& call) {
  if (call.context.options.suppressions == nullptr) return Reply::problem(503, kAbsent);
  Query query = call.query();
  const TablePage page = read_page(query, "suppressions");
  const std::string rule = query.text("rule"), state = query.text("state");
  if (!state.empty() && state != "active" && state != "expired" && state != "off")
    query.refuse("state", "must be active, expired or off");
  if (query.problem()) return *query.problem();
  auto rows = TOCSIN_TRY(visible(call));
  std::erase_if(rows, [&](const Suppression& row) {
    return (!rule.empty() && row.rule_id != rule) || (!state.empty() && state != state_of(row, call.now()));
  });
  std::string out;
  core::JsonWriter json(out);
  json.begin_object().key("items").begin_array();
  std::size_t shown = 0;
  for (auto at = static_cast<std::size_t>(page.offset); at < rows.size() && shown < static_cast<std::size_t>(page.limit);
       ++at, ++shown) {
    write_suppression(json, call, rows[at]);
  }
  json.end_array().key("total").number(static_cast<std::uint64_t>(rows.size()));
  write_cursor(json, page.next("suppressions", shown, static_cast<std::int64_t>(rows.size())));
  json.end_object();
  return Reply::json(std::move(out));
}

void write_field(core::JsonWriter& json, const SuppressionField& field) {
  json.begin_object().member("field", field.field).member("op", field.op).member("value", field.value);
  json.key("chosen").boolean(field.chosen).member("why", field.why).end_object();
}

Reply draft(Call& call) {
  if (call.context.options.suppressions == nullptr) return Reply::problem(503, kAbsent);
  Body body(call.request().body);
  const std::string finding = body.text("finding");
  if (body.problem()) return *body.problem();
  const auto draft = TOCSIN_TRY(call.context.options.suppressions->draft(finding, call.who.tenants, call.who.name));
  std::string out;
  core::JsonWriter json(out);
  json.begin_object().member("tenant", draft.tenant).member("rule_id", draft.rule_id);
  json.member("rule_title", draft.rule_title).member("title", draft.title).key("fields").begin_array();
  for (const SuppressionField& field : draft.fields) write_field(json, field);
  json.end_array().member("yaml", draft.yaml);
  write_time(json, "expires_at", draft.expires_at);
  json.end_object();
  return Reply::json(std::move(out));
}

// Of {rule_id, title, fields|yaml}.
SuppressionFilterText read_filter(const Call& call, Body& body) {
  SuppressionFilterText out;
  out.rule_id = body.text("rule_id", {true, ledger::kMaxSentenceBytes});
  out.title = body.optional_text("title", ledger::kMaxTitleBytes - 8).value_or("");
  out.yaml = body.optional_text("yaml", ledger::kMaxSuppressionBytes).value_or("");
  out.author = call.who.name;
  for (const std::string& one : body.objects("fields", kMaxFields)) {
    Body field(one);
    SuppressionField read;
    read.field = field.text("field");
    read.op = field.optional_text("op").value_or("equals");
    read.value = field.text("value", {true, 4'096});
    if (field.problem()) body.refuse("fields", field.problem()->field + " " + field.problem()->text);
    out.fields.push_back(std::move(read));
  }
  if (out.yaml.empty() == out.fields.empty()) body.refuse("fields", "or yaml must be given, one of them, and not empty");
  return out;
}

// "" for all tenants: only by one who sees all of them.
std::string read_tenant(const Call& call, Body& body) {
  const std::string asked = body.optional_text("tenant").value_or("");
  if (asked.empty() && call.sees_all()) return asked;
  return tenant_of(call, asked, [&](std::string text) { body.refuse("tenant", std::move(text)); });
}

Reply preview(Call& call) {
  if (call.context.options.suppressions == nullptr) return Reply::problem(503, kAbsent);
  Body body(call.request().body);
  const SuppressionFilterText filter = read_filter(call, body);
  const std::string tenant = body.optional_text("tenant").value_or("");
  if (!tenant.empty() && !call.who.may_see(tenant)) body.refuse("tenant", "is none of yours");
  const auto days = static_cast<int>(body.number("days", 30, 1, 366));
  if (body.problem()) return *body.problem();
  const auto tenants = tenant.empty() ? call.who.tenants : std::vector{tenant};
  const auto shown = TOCSIN_TRY(call.context.options.suppressions->preview(filter, tenants, days));
  std::string out;
  core::JsonWriter json(out);
  json.begin_object().key("looked_at").number(shown.looked_at).key("passed_over").number(shown.passed_over);
  json.key("silenced").begin_object().key("total").number(shown.total).key("true_positive").number(shown.true_positive);
  json.key("benign").number(shown.benign).key("false_positive").number(shown.false_positive);
  json.key("undecided").number(shown.undecided).end_object().key("findings").begin_array();
  for (const auto& one : shown.findings) {
    json.begin_object().member("id", one.id);
    write_time(json, "time", one.time);
    json.member("host", one.host).member("user", one.user).member("verdict", one.verdict).key("incident");
    if (one.incident == 0) {
      json.null();
    } else {
      json.text(triage::incident_label(one.incident));
    }
    json.end_object();
  }
  json.end_array().key("complete").boolean(shown.complete);
  json.key("silences_anything").boolean(shown.silences_anything).end_object();
  return Reply::json(std::move(out));
}

Reply add(Call& call) {
  if (call.context.options.suppressions == nullptr) return Reply::problem(503, kAbsent);
  Body body(call.request().body);
  NewSuppression wanted;
  wanted.filter = read_filter(call, body);
  wanted.tenant = read_tenant(call, body);
  wanted.reason = body.text("reason", {true, ledger::kMaxReasonBytes});
  wanted.expires_at = body.when("expires_at", {}, call.now());
  wanted.silence_all = body.optional_boolean("silence_all").value_or(false);
  if (!wanted.expires_at.known()) body.refuse("expires_at", "must be given: a suppression has an end, at most a year ahead");
  if (body.problem()) return *body.problem();
  const auto made = TOCSIN_TRY(call.context.options.suppressions->add(wanted, call.who.name));
  std::string detail;
  core::JsonWriter(detail)
      .begin_object()
      .member("rule_id", made.rule_id)
      .member("tenant", made.tenant)
      .member("expires_at", core::format_iso_time(made.expires_at))
      .member("reason", made.reason)
      .end_object();
  TOCSIN_TRY(call.audit("suppression.add", std::to_string(made.id), detail));
  return answer(call, made, 201);
}

Reply change(Call& call) {
  if (call.context.options.suppressions == nullptr) return Reply::problem(503, kAbsent);
  const Suppression before = TOCSIN_TRY(target(call));
  Body body(call.request().body);
  SuppressionPatch patch;
  patch.enabled = body.optional_boolean("enabled");
  patch.reason = body.optional_text("reason", ledger::kMaxReasonBytes);
  if (body.has("expires_at")) patch.expires_at = body.when("expires_at", {}, call.now());
  if (body.problem()) return *body.problem();
  const auto changed = TOCSIN_TRY(call.context.options.suppressions->change(before.id, patch, call.who.name));
  TOCSIN_TRY(call.audit("suppression.change", std::to_string(before.id), call.request().body));
  return answer(call, changed);
}

Reply end(Call& call) {
  if (call.context.options.suppressions == nullptr) return Reply::problem(503, kAbsent);
  const Suppression before = TOCSIN_TRY(target(call));
  TOCSIN_TRY(call.context.options.suppressions->end(before.id, call.who.name));
  TOCSIN_TRY(call.audit("suppression.end", std::to_string(before.id)));
  return Reply::nothing();
}

}  // namespace

void add_suppression_routes(Routes& routes) {
  const char* tag = "tuning";
  const char* read = "findings.read";
  const char* write = "findings.write";
  for (RouteSpec spec :
       Routes{{"POST", "/api/v1/suppressions/draft", read, tag, "A suppression proposed of a finding", "", "{finding:text}",
               "{tenant:text rule_id:text rule_title:text title:text fields:[{field:text op:text value:text chosen:bool "
               "why:text}] yaml:text expires_at:time}",
               draft},
              {"POST", "/api/v1/suppressions/preview", read, tag, "What a suppression would have silenced", "",
               "{tenant?:text rule_id:text title?:text fields?:[SuppressionField] yaml?:text days?:int}",
               "{looked_at:int passed_over:int silenced:{total:int true_positive:int benign:int false_positive:int "
               "undecided:int} findings:[{id:text time:time host:text user:text verdict:text incident:any}] complete:bool "
               "silences_anything:bool}",
               preview},
              {"GET", "/api/v1/suppressions", read, tag, "Suppressions, the newest first",
               "{rule?:text state?:active|expired|off limit?:int cursor?:text}", "",
               "{items:[Suppression] total:int next_cursor:cursor}", list},
              {"POST", "/api/v1/suppressions", write, tag, "Makes one", "",
               "{tenant?:text rule_id:text title?:text fields?:[SuppressionField] yaml?:text reason:text expires_at:text "
               "silence_all?:bool}",
               "Suppression", add, 201},
              {"PATCH", "/api/v1/suppressions/{id}", write, tag, "Changes one", "",
               "{enabled?:bool reason?:text expires_at?:text}", "Suppression", change},
              {"DELETE", "/api/v1/suppressions/{id}", write, tag, "Ends one", "", "", "", end}}) {
    routes.push_back(std::move(spec));
  }
}

}  // namespace tocsin::api
