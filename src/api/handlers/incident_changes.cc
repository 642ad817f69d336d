// Incidents, changed: each by the desk, each in the audit trail. A caller changes only what it sees, and nothing moves from
// one tenant to another.
#include <algorithm>
#include <charconv>
#include <set>

#include "api/handlers/handlers.h"
#include "api/incident_json.h"
#include "api/parts/incident_call.h"
#include "triage/export.h"

namespace tocsin::api {
namespace {

using ledger::Incident;
using ledger::IncidentNumber;
using ledger::IncidentTables;

constexpr std::size_t kMaxTags = 50, kMaxTagBytes = 64;
constexpr std::size_t kMaxWhyBytes = 2'048;
constexpr std::size_t kMaxSummaryBytes = 8'192;
constexpr std::int64_t kMostNumber = std::int64_t{1} << 53;

std::string quoted(std::string_view text) {
  std::string out;
  core::JsonWriter(out).text(text);
  return out;
}
Reply answer(const Call& call, const Incident& incident, int status = 200) {
  Reply reply = Reply::json(incident_json(incident, sla_view(call)), status);
  reply.response().headers.emplace_back("ETag", "\"" + std::to_string(incident.version) + "\"");
  return reply;
}
Reply conflict(const Incident& incident) {
  return Reply::problem(409, "the incident was changed meanwhile; its version is " + std::to_string(incident.version),
                        {{"version", std::to_string(incident.version)}});
}
core::Result<void> record(const Call& call, const char* action, IncidentNumber number, std::string_view detail = {}) {
  return call.audit(action, triage::incident_label(number), detail);
}

// Of If-Match: "5", W/"5" or 5; * is any.
std::optional<std::int64_t> version_of_header(const Call& call, Body& body) {
  std::string_view text = call.request().header("if-match");
  if (text.empty() || text == "*") return std::nullopt;
  if (text.starts_with("W/")) text.remove_prefix(2);
  if (text.size() >= 2 && text.front() == '"' && text.back() == '"') text = text.substr(1, text.size() - 2);
  std::int64_t version = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), version);
  if (error != std::errc() || end != text.data() + text.size()) {
    body.refuse("If-Match", "must be the version of the incident");
    return std::nullopt;
  }
  return version;
}

// The incident of the path as it is, and the version that the caller knows.
struct Target {
  Incident incident;
  std::optional<std::int64_t> expected;
  [[nodiscard]] bool is_old() const { return expected && *expected != incident.version; }
};
// REQUIRES: read the body's members before; this asks for its problems last.
core::Result<Target> target_of(const Call& call, Body& body) {
  Target out{TOCSIN_TRY(read_incident(call)), version_of_header(call, body)};
  return out;
}

triage::Desk* desk_of(const Call& call) { return call.context.options.desk; }
// Runs what changes one incident. `work` gets the target and answers the incident after it.
using ChangeWork = std::function<core::Result<Incident>(triage::Desk&, const Target&)>;
Reply run_change(Call& call, Body& body, const char* action, const ChangeWork& work, std::string_view detail = {}) {
  triage::Desk* desk = desk_of(call);
  if (desk == nullptr) return Reply::problem(503, "incidents are not kept by this program");
  const Target target = TOCSIN_TRY(target_of(call, body));  // 404 goes before what is wrong with the body.
  if (body.problem()) return *body.problem();
  if (target.is_old()) return conflict(target.incident);
  const auto changed = work(*desk, target);
  if (!changed.ok()) {
    // The desk looks at the version under its lock: who was overtaken on the way there is told so.
    const auto now = read_incident(call);
    if (target.expected && now.ok() && now->version != *target.expected) return conflict(*now);
    return changed.error();
  }
  TOCSIN_TRY(record(call, action, target.incident.id, detail));
  return answer(call, *changed);
}

// The incident of the path as it is now, for those calls of the desk that do not answer it.
core::Result<Incident> again(const Call& call, IncidentNumber number) {
  Incident out;
  const auto done = read_tables(call, [&](IncidentTables& tables) -> core::Result<void> {
    out = TOCSIN_TRY(visible_incident(call, tables, number));
    return {};
  });
  if (!done.ok()) return done.error();
  return out;
}

void check_choice(Body& body, const char* name, const std::optional<std::string>& value,
                  std::initializer_list<const char*> allowed) {
  if (!value || std::ranges::find(allowed, *value) != allowed.end()) return;
  std::string list;
  for (const char* one : allowed) list += (list.empty() ? "" : ", ") + std::string(one[0] == '\0' ? "nothing" : one);
  body.refuse(name, "must be one of " + list);
}
void check_tags(Body& body, const std::vector<std::string>& tags) {
  if (tags.size() > kMaxTags) body.refuse("tags", "must be at most 50");
  for (const std::string& tag : tags) {
    if (tag.empty() || tag.size() > kMaxTagBytes) body.refuse("tags", "must be of 1 to 64 bytes each");
  }
}
void check_title(Body& body, const std::optional<std::string>& title) {
  if (title && title->empty()) body.refuse("title", "must not be empty");
}

triage::Change read_change(Body& body) {
  triage::Change out;
  out.title = body.optional_text("title", ledger::kMaxTitleBytes);
  check_title(body, out.title);
  out.owner = body.optional_text("owner");
  out.priority = body.optional_text("priority");
  check_choice(body, "priority", out.priority, {"", "p1", "p2", "p3", "p4"});  // Nothing: that of the score.
  out.tlp = body.optional_text("tlp");
  check_choice(body, "tlp", out.tlp, {"red", "amber", "amber+strict", "green", "clear"});
  out.pap = body.optional_text("pap");
  check_choice(body, "pap", out.pap, {"red", "amber", "green", "clear"});
  if (body.has("tags")) {
    out.tags = body.texts("tags");
    check_tags(body, *out.tags);
  }
  if (const auto state = body.optional_text("state")) {
    out.state = model::parse_incident_state(*state);
    if (!out.state || *out.state == model::IncidentState::kClosed) {
      body.refuse("state",
                  "must be new, acknowledged, investigating, contained, eradicated or recovered; close with /close");
    }
  }
  if (body.has("version")) out.expected_version = body.number("version", 0, 0, kMostNumber);
  return out;
}
// "" where well.
core::Result<std::string> wrong_owner(const Call& call, const triage::Change& change, const std::string& tenant) {
  if (!change.owner || TOCSIN_TRY(may_work(call, *change.owner, tenant))) return std::string();
  return std::string("must be the name of a user who may work on incidents of this tenant, or empty");
}

// What a request says, for the trail: small bodies as they are.
std::string_view detail_of(const Call& call) { return call.request().body; }

Reply change_incident(Call& call) {
  Body body(call.request().body);
  triage::Change change = read_change(body);
  if (desk_of(call) == nullptr) return Reply::problem(503, "incidents are not kept by this program");
  Target target = TOCSIN_TRY(target_of(call, body));
  if (const std::string wrong = TOCSIN_TRY(wrong_owner(call, change, target.incident.tenant)); !wrong.empty()) {
    body.refuse("owner", wrong);
  }
  if (change.expected_version && target.expected && change.expected_version != target.expected) {
    body.refuse("version", "is not that of If-Match");
  }
  if (!change.expected_version) change.expected_version = target.expected;
  target.expected = change.expected_version;
  if (body.problem()) return *body.problem();
  if (target.is_old()) return conflict(target.incident);
  const auto changed = desk_of(call)->change(target.incident.id, change, call.who.name);
  if (!changed.ok()) {
    const auto now = read_incident(call);
    if (target.expected && now.ok() && now->version != *target.expected) return conflict(*now);
    return changed.error();
  }
  TOCSIN_TRY(record(call, "incident.change", target.incident.id, detail_of(call)));
  return answer(call, *changed);
}

struct Closing {
  triage::Closing closing;
  bool duplicate = false;
};
Closing read_closing(Body& body) {
  Closing out;
  const std::string verdict = body.text("verdict");
  const auto parsed = model::parse_verdict(verdict);
  if (!parsed || *parsed == model::Verdict::kNone) {
    body.refuse("verdict", "must be true_positive, benign, false_positive or duplicate");
  }
  out.closing.verdict = parsed.value_or(model::Verdict::kNone);
  out.closing.cause = body.optional_text("cause", kMaxWhyBytes).value_or("");
  out.duplicate = out.closing.verdict == model::Verdict::kDuplicate;
  if (out.duplicate) {
    out.closing.duplicate_of = body.number("duplicate_of", 0, 1, kMostNumber);
    if (!body.has("duplicate_of")) body.refuse("duplicate_of", "must be the number of the incident that it repeats");
  }
  return out;
}
// The other incident of a change: one that the caller sees, of the same tenant, and another.
core::Result<void> check_other(const Call& call, const Incident& incident, IncidentNumber other) {
  return read_tables(call, [&](IncidentTables& tables) -> core::Result<void> {
    const auto found = TOCSIN_TRY(visible_incident(call, tables, other));
    if (found.tenant != incident.tenant) {
      return core::Error{core::ErrorCode::kInvalid, triage::incident_label(other) + " is of another tenant than " +
                                                        triage::incident_label(incident.id)};
    }
    if (found.id == incident.id) return core::Error{core::ErrorCode::kInvalid, "an incident cannot be joined to itself"};
    return {};
  });
}

Reply close_incident(Call& call) {
  Body body(call.request().body);
  const Closing closing = read_closing(body);
  return run_change(
      call, body, "incident.close",
      [&](triage::Desk& desk, const Target& target) -> core::Result<Incident> {
        if (closing.duplicate) TOCSIN_TRY(check_other(call, target.incident, closing.closing.duplicate_of));
        return desk.close(target.incident.id, closing.closing, call.who.name);
      },
      detail_of(call));
}

Reply reopen_incident(Call& call) {
  Body body(call.request().body);
  const std::string why = body.text("why", {true, kMaxWhyBytes});
  return run_change(
      call, body, "incident.reopen",
      [&](triage::Desk& desk, const Target& target) { return desk.reopen(target.incident.id, why, call.who.name); },
      detail_of(call));
}

Reply merge_incidents(Call& call) {
  Body body(call.request().body);
  auto from = body.numbers("from", 1, kMostNumber);
  std::ranges::sort(from);
  from.erase(std::unique(from.begin(), from.end()), from.end());
  if (from.empty()) body.refuse("from", "must name at least one incident");
  const std::string why = body.text("why", {true, kMaxWhyBytes});
  return run_change(
      call, body, "incident.merge",
      [&](triage::Desk& desk, const Target& target) -> core::Result<Incident> {
        for (const IncidentNumber one : from) TOCSIN_TRY(check_other(call, target.incident, one));
        return desk.merge(target.incident.id, from, why, call.who.name);
      },
      detail_of(call));
}

std::vector<std::string> read_finding_ids(Body& body, bool needed) {
  auto out = body.texts("findings");
  std::ranges::sort(out);
  out.erase(std::unique(out.begin(), out.end()), out.end());
  if (needed && out.empty()) body.refuse("findings", "must name at least one finding");
  return out;
}
// That all are of that incident.
core::Result<void> check_members(const Call& call, IncidentNumber incident, const std::vector<std::string>& findings) {
  return read_tables(call, [&](IncidentTables& tables) -> core::Result<void> {
    for (const std::string& id : findings) {
      const auto member = TOCSIN_TRY(tables.member(id));
      if (!member || member->incident != incident) {
        return core::Error{core::ErrorCode::kInvalid,
                           "there is no finding " + id + " in " + triage::incident_label(incident)};
      }
    }
    return {};
  });
}

Reply split_incident(Call& call) {
  Body body(call.request().body);
  const auto findings = read_finding_ids(body, true);
  const std::string why = body.text("why", {true, kMaxWhyBytes});
  return run_change(
      call, body, "incident.split",
      [&](triage::Desk& desk, const Target& target) -> core::Result<Incident> {
        TOCSIN_TRY(check_members(call, target.incident.id, findings));
        return desk.split(target.incident.id, findings, why, call.who.name);
      },
      detail_of(call));
}

Reply move_findings(Call& call) {
  Body body(call.request().body);
  const auto findings = read_finding_ids(body, true);
  const IncidentNumber to = body.number("to", 0, 1, kMostNumber);
  if (!body.has("to")) body.refuse("to", "must be the number of an incident");
  const std::string why = body.text("why", {true, kMaxWhyBytes});
  return run_change(
      call, body, "incident.move",
      [&](triage::Desk& desk, const Target& target) -> core::Result<Incident> {
        TOCSIN_TRY(check_members(call, target.incident.id, findings));
        TOCSIN_TRY(check_other(call, target.incident, to));
        TOCSIN_TRY(desk.move(findings, to, why, call.who.name));
        return again(call, target.incident.id);
      },
      detail_of(call));
}

Reply comment_incident(Call& call) {
  Body body(call.request().body);
  const std::string text = body.text("text", {true, ledger::kMaxCommentBytes});
  if (text.empty()) body.refuse("text", "must not be empty");
  return run_change(call, body, "incident.comment", [&](triage::Desk& desk, const Target& target) -> core::Result<Incident> {
    TOCSIN_TRY(desk.comment(target.incident.id, text, call.who.name));
    return again(call, target.incident.id);
  });
}

constexpr const char* kTaskHelp = "must be a user who may work on incidents of this tenant, or empty";
void check_phase(Body& body, const std::string& phase) {
  check_choice(body, "phase", phase, {"investigate", "contain", "eradicate", "recover", "learn"});
}
core::Result<std::optional<ledger::IncidentTask>> task_of(const Call& call, IncidentNumber incident, std::int64_t id) {
  std::optional<ledger::IncidentTask> out;
  const auto done = read_tables(call, [&](IncidentTables& tables) -> core::Result<void> {
    for (auto& task : TOCSIN_TRY(tables.tasks(incident))) {
      if (task.id == id) out = std::move(task);
    }
    return {};
  });
  if (!done.ok()) return done.error();
  return out;
}
Reply answer_task(const Call& call, IncidentNumber incident, std::int64_t id, int status) {
  const auto task = TOCSIN_TRY(task_of(call, incident, id));
  if (!task) return Reply::problem(404, "there is no such task");
  std::string out;
  core::JsonWriter json(out);
  write_task(json, *task);
  return Reply::json(std::move(out), status);
}

Reply add_task(Call& call) {
  triage::Desk* desk = desk_of(call);
  if (desk == nullptr) return Reply::problem(503, "incidents are not kept by this program");
  Body body(call.request().body);
  ledger::IncidentTask task;
  task.title = body.text("title", {true, ledger::kMaxTitleBytes});
  check_title(body, task.title);
  task.phase = body.optional_text("phase").value_or("investigate");
  check_phase(body, task.phase);
  task.assignee = body.optional_text("assignee").value_or("");
  task.due = body.when("due", {}, call.now());
  const auto incident = TOCSIN_TRY(read_incident(call));
  if (!TOCSIN_TRY(may_work(call, task.assignee, incident.tenant))) body.refuse("assignee", kTaskHelp);
  if (body.problem()) return *body.problem();
  task.incident = incident.id;
  const std::int64_t id = TOCSIN_TRY(desk->add_task(task, call.who.name));
  TOCSIN_TRY(record(call, "incident.task", incident.id, detail_of(call)));
  return answer_task(call, incident.id, id, 201);
}

Reply change_task(Call& call) {
  triage::Desk* desk = desk_of(call);
  if (desk == nullptr) return Reply::problem(503, "incidents are not kept by this program");
  const auto incident = TOCSIN_TRY(read_incident(call));
  const auto id = parse_incident_number(call.captured("id"));
  auto task = id ? TOCSIN_TRY(task_of(call, incident.id, *id)) : std::nullopt;
  if (!task) return Reply::problem(404, "there is no such task");
  Body body(call.request().body);
  if (const auto title = body.optional_text("title", ledger::kMaxTitleBytes)) {
    check_title(body, title);
    task->title = *title;
  }
  if (const auto phase = body.optional_text("phase")) {
    check_phase(body, *phase);
    task->phase = *phase;
  }
  if (const auto assignee = body.optional_text("assignee")) {
    if (!TOCSIN_TRY(may_work(call, *assignee, incident.tenant))) body.refuse("assignee", kTaskHelp);
    task->assignee = *assignee;
  }
  if (body.has("due")) task->due = body.when("due", {}, call.now());
  if (const auto done = body.optional_boolean("done"); done && *done != task->done) {
    task->done = *done;
    task->done_at = *done ? call.now() : core::kNoTime;
    task->done_by = *done ? call.who.name : "";
  }
  if (body.problem()) return *body.problem();
  TOCSIN_TRY(desk->change_task(*task, call.who.name));
  TOCSIN_TRY(record(call, "incident.task", incident.id, detail_of(call)));
  return answer_task(call, incident.id, task->id, 200);
}

// Where the event of a note is: of the incident's tenant, or there is none.
core::Result<std::optional<core::Timestamp>> time_of_event(const Call& call, const std::string& tenant,
                                                           const std::string& id) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(id.data(), id.data() + id.size(), number);
  if (error != std::errc() || end != id.data() + id.size()) return std::optional<core::Timestamp>();
  store::SqlText sql("SELECT ts FROM events WHERE tenant = ");
  sql.text(tenant) << " AND id = ";
  sql.number(number) << " LIMIT 1";
  const Rows rows = TOCSIN_TRY(call.ask(sql));
  if (rows.size() == 0) return std::optional<core::Timestamp>();
  Row row = rows.row(0);
  return std::optional(row.time());
}

Reply add_note(Call& call) {
  triage::Desk* desk = desk_of(call);
  if (desk == nullptr) return Reply::problem(503, "incidents are not kept by this program");
  Body body(call.request().body);
  ledger::IncidentNote note;
  note.text = body.text("text", {true, ledger::kMaxCommentBytes});
  if (note.text.empty()) body.refuse("text", "must not be empty");
  note.lane = body.optional_text("lane").value_or("host");
  check_choice(body, "lane", note.lane, {"host", "user", "network", "response"});
  note.event_id = body.optional_text("event_id").value_or("");
  note.event_time = body.when("event_time", {}, call.now());
  const auto incident = TOCSIN_TRY(read_incident(call));
  if (!body.problem() && !note.event_id.empty()) {
    const auto time = TOCSIN_TRY(time_of_event(call, incident.tenant, note.event_id));
    if (!time) body.refuse("event_id", "is no event of this tenant");
    if (time && !note.event_time.known()) note.event_time = *time;
  }
  if (!note.event_time.known()) body.refuse("event_time", "must be given");
  if (body.problem()) return *body.problem();
  note.incident = incident.id;
  note.author = call.who.name;
  note.at = call.now();
  note.id = TOCSIN_TRY(desk->annotate(note, call.who.name));
  TOCSIN_TRY(record(call, "incident.note", incident.id));
  std::string out;
  core::JsonWriter json(out);
  write_note(json, note);
  return Reply::json(std::move(out), 201);
}

Reply set_watch(Call& call, bool on) {
  triage::Desk* desk = desk_of(call);
  if (desk == nullptr) return Reply::problem(503, "incidents are not kept by this program");
  const auto incident = TOCSIN_TRY(read_incident(call));
  TOCSIN_TRY(desk->watch(incident.id, call.who.name, on));
  TOCSIN_TRY(record(call, on ? "incident.watch" : "incident.unwatch", incident.id));
  return Reply::nothing();
}

// "" where all findings are of the tenant.
core::Result<std::string> foreign_finding(const Call& call, const std::string& tenant,
                                          const std::vector<std::string>& findings) {
  if (findings.empty()) return std::string();
  store::SqlText sql("SELECT DISTINCT id FROM findings WHERE tenant = ");
  sql.text(tenant) << " AND id IN (";
  sql.texts(findings) << ")";
  const Rows rows = TOCSIN_TRY(call.ask(sql));
  std::set<std::string, std::less<>> there;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    Row row = rows.row(i);
    there.emplace(row.text());
  }
  for (const std::string& id : findings) {
    if (!there.contains(id)) return id;
  }
  return std::string();
}

Reply create_incident(Call& call) {
  triage::Desk* desk = desk_of(call);
  if (desk == nullptr) return Reply::problem(503, "incidents are not kept by this program");
  Body body(call.request().body);
  triage::NewIncident wanted;
  wanted.tenant = tenant_of(call, body.optional_text("tenant").value_or(""),
                            [&](std::string text) { body.refuse("tenant", std::move(text)); });
  wanted.site = body.optional_text("site").value_or("");
  wanted.title = body.text("title", {true, ledger::kMaxTitleBytes});
  check_title(body, wanted.title);
  wanted.summary = body.optional_text("summary", kMaxSummaryBytes).value_or("");
  const auto priority = body.optional_text("priority");
  check_choice(body, "priority", priority, {"p1", "p2", "p3", "p4"});
  wanted.priority = priority.value_or("");
  wanted.severity_id = static_cast<std::uint8_t>(body.number("severity_id", 3, 1, 5));
  wanted.first_event = body.when("first_event", call.now(), call.now());
  wanted.tags = body.texts("tags");
  check_tags(body, wanted.tags);
  wanted.findings = read_finding_ids(body, false);
  if (body.problem()) return *body.problem();
  if (const std::string id = TOCSIN_TRY(foreign_finding(call, wanted.tenant, wanted.findings)); !id.empty()) {
    return InputProblem{"findings", "must be of this tenant; there is no " + id};
  }
  const auto made = TOCSIN_TRY(desk->create(wanted, call.who.name));
  TOCSIN_TRY(record(call, "incident.create", made.id, "{\"title\":" + quoted(wanted.title) + "}"));
  return answer(call, made, 201);
}

// One of a bulk change; the problem in words where it was not changed.
std::optional<std::string> change_one(Call& call, IncidentNumber number, const std::optional<triage::Change>& change,
                                      const std::optional<Closing>& closing) {
  const auto incident = again(call, number);
  if (!incident.ok()) return incident.error().text;
  if (change) {
    const auto wrong = wrong_owner(call, *change, incident->tenant);
    if (!wrong.ok()) return wrong.error().text;
    if (!wrong->empty()) return "owner " + *wrong;
    const auto done = desk_of(call)->change(number, *change, call.who.name);
    if (!done.ok()) return done.error().text;
  }
  if (closing) {
    if (closing->duplicate) {
      const auto other = check_other(call, *incident, closing->closing.duplicate_of);
      if (!other.ok()) return other.error().text;
    }
    const auto done = desk_of(call)->close(number, closing->closing, call.who.name);
    if (!done.ok()) return done.error().text;
  }
  return std::nullopt;
}

Reply change_many(Call& call) {
  if (desk_of(call) == nullptr) return Reply::problem(503, "incidents are not kept by this program");
  Body body(call.request().body);
  auto numbers = body.numbers("numbers", 1, kMostNumber);
  std::ranges::sort(numbers);
  numbers.erase(std::unique(numbers.begin(), numbers.end()), numbers.end());
  if (numbers.empty()) body.refuse("numbers", "must name at least one incident");
  if (!body.has("change") && !body.has("close")) body.refuse("change", "or close must be given");
  std::optional<triage::Change> change;
  std::optional<Closing> closing;
  if (body.has("change")) {
    Body inner(body.object("change", ledger::kMaxJsonBytes));
    change = read_change(inner);
    if (inner.has("version")) inner.refuse("version", "is of one incident");
    if (inner.problem()) body.refuse("change." + inner.problem()->field, inner.problem()->text);
  }
  if (body.has("close")) {
    Body inner(body.object("close", ledger::kMaxJsonBytes));
    closing = read_closing(inner);
    if (inner.problem()) body.refuse("close." + inner.problem()->field, inner.problem()->text);
  }
  if (body.problem()) return *body.problem();
  std::vector<IncidentNumber> changed;
  std::vector<std::pair<IncidentNumber, std::string>> failed;
  for (const IncidentNumber number : numbers) {
    if (auto problem = change_one(call, number, change, closing)) {
      failed.emplace_back(number, std::move(*problem));
    } else {
      changed.push_back(number);
    }
  }
  std::string out;
  core::JsonWriter json(out);
  json.begin_object().key("changed").begin_array();
  for (const IncidentNumber number : changed) json.number(number);
  json.end_array().key("failed").begin_array();
  for (const auto& [number, problem] : failed) {
    json.begin_object().key("number").number(number).member("problem", problem).end_object();
  }
  json.end_array().end_object();
  TOCSIN_TRY(call.audit("incident.bulk", std::to_string(changed.size()) + " incidents", detail_of(call)));
  return Reply::json(std::move(out));
}

}  // namespace

void add_incident_change_routes(Routes& routes) {
  const char* tag = "incidents";
  const char* right = "findings.write";
  for (RouteSpec spec : Routes{
           {"POST", "/api/v1/incidents", right, tag, "A new incident by hand", "",
            "{tenant?:text site?:text title:text summary?:text severity_id?:int priority?:text first_event?:text "
            "findings?:[text] tags?:[text]}",
            "Incident", create_incident, 201},
           {"POST", "/api/v1/incidents/bulk", right, tag, "Changes or closes up to 1000 at once", "",
            "{numbers:[int] change?:IncidentChange close?:Closing}", "{changed:[int] failed:[{number:int problem:text}]}",
            change_many},
           {"PATCH", "/api/v1/incidents/{number}", right, tag, "Changes it; what is absent stays. 409: changed meanwhile",
            "", "IncidentChange", "Incident", change_incident},
           {"POST", "/api/v1/incidents/{number}/close", right, tag, "Closes it with a verdict", "", "Closing", "Incident",
            close_incident},
           {"POST", "/api/v1/incidents/{number}/reopen", right, tag, "Opens it again", "", "{why:text}", "Incident",
            reopen_incident},
           {"POST", "/api/v1/incidents/{number}/merge", right, tag, "Others of the same tenant become part of it", "",
            "{from:[int] why:text}", "Incident", merge_incidents},
           {"POST", "/api/v1/incidents/{number}/split", right, tag, "Findings become an incident of their own, answered", "",
            "{findings:[text] why:text}", "Incident", split_incident},
           {"POST", "/api/v1/incidents/{number}/move", right, tag, "Findings go to another incident of the same tenant", "",
            "{findings:[text] to:int why:text}", "Incident", move_findings},
           {"POST", "/api/v1/incidents/{number}/comments", right, tag, "A comment", "", "{text:text}", "Incident",
            comment_incident},
           {"POST", "/api/v1/incidents/{number}/tasks", right, tag, "A task", "",
            "{title:text phase?:investigate|contain|eradicate|recover|learn assignee?:text due?:text}", "IncidentTask",
            add_task, 201},
           {"PATCH", "/api/v1/incidents/{number}/tasks/{id}", right, tag, "Changes a task; what is absent stays", "",
            "{title?:text phase?:text assignee?:text due?:text done?:bool}", "IncidentTask", change_task},
           {"POST", "/api/v1/incidents/{number}/notes", right, tag, "A note or an event on its timeline", "",
            "{event_time?:text text:text lane?:host|user|network|response event_id?:text}", "IncidentNote", add_note, 201},
           {"PUT", "/api/v1/incidents/{number}/watch", right, tag, "Watch it", "", "", "",
            [](Call& call) { return set_watch(call, true); }},
           {"DELETE", "/api/v1/incidents/{number}/watch", right, tag, "Watch it no more", "", "", "",
            [](Call& call) { return set_watch(call, false); }}}) {
    routes.push_back(std::move(spec));
  }
}

}  // namespace tocsin::api
