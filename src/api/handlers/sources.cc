// Sources and their dead letters. One who sees some tenants sees and changes the sources of those.
#include <algorithm>
#include <charconv>

#include "api/handlers/handlers.h"
#include "api/parts/source_status.h"

namespace tocsin::api {
namespace {

using store::SqlText;

constexpr std::size_t kSampleBytes = 512;
constexpr std::size_t kMaxConfigBytes = 60'000;

std::optional<SourceStatus> find_source(const Call& call, std::string_view name) {
  for (SourceStatus& source : call.context.options.platform->sources()) {
    if (source.name == name && call.who.may_see(source.tenant)) return std::move(source);
  }
  return std::nullopt;
}
Reply no_source() { return Reply::problem(404, "there is no such source"); }
Reply answer(const SourceStatus& source, std::string_view token, int status) {
  std::string out;
  core::JsonWriter json(out);
  write_source(json, source, token);
  return Reply::json(std::move(out), status);
}
// Of one's own: a source cannot be put where its maker does not see it.
bool own_tenant(const Call& call, Body& body, const std::string& tenant) {
  if (call.who.may_see(tenant)) return true;
  body.refuse("tenant", "must be one of yours");
  return false;
}

Reply list(Call& call) {
  std::string out;
  core::JsonWriter json(out);
  json.begin_object().key("items").begin_array();
  for (const SourceStatus& source : call.context.options.platform->sources()) {
    if (call.who.may_see(source.tenant)) write_source(json, source, "");
  }
  json.end_array().end_object();
  return Reply::json(std::move(out));
}

Reply get(Call& call) {
  const auto source = find_source(call, call.captured("name"));
  return source ? answer(*source, "", 200) : no_source();
}

Reply add(Call& call) {
  Body body(call.request().body);
  SourceChange wanted;
  wanted.name = body.text("name");
  wanted.kind = body.text("kind");
  wanted.tenant = body.optional_text("tenant").value_or(call.sees_all() ? "default" : call.who.tenants.front());
  wanted.site = body.optional_text("site").value_or("");
  wanted.format = body.optional_text("format").value_or("");
  wanted.config = body.object("config", kMaxConfigBytes);
  if (wanted.name.empty()) body.refuse("name", "must not be empty");
  own_tenant(call, body, wanted.tenant);
  if (body.problem()) return *body.problem();
  for (const SourceStatus& source : call.context.options.platform->sources()) {
    if (source.name == wanted.name) return Reply::problem(409, "there is a source of this name", {{"field", "\"name\""}});
  }
  core::Secret token;
  TOCSIN_TRY(call.audit("source.create", wanted.name));
  const SourceStatus added = TOCSIN_TRY(call.context.options.platform->add_source(wanted, token));
  return answer(added, token.reveal(), 201);
}

Reply change(Call& call) {
  const auto source = find_source(call, call.captured("name"));
  if (!source) return no_source();
  Body body(call.request().body);
  SourcePatch patch;
  patch.enabled = body.optional_boolean("enabled");
  patch.tenant = body.optional_text("tenant");
  patch.site = body.optional_text("site");
  patch.format = body.optional_text("format");
  if (body.has("config")) patch.config = body.object("config", kMaxConfigBytes);
  if (patch.tenant) own_tenant(call, body, *patch.tenant);
  if (source->origin != "api" && (patch.tenant || patch.site || patch.format || patch.config)) {
    body.refuse("", "this source comes from " + source->origin + ": only enabled can be changed here");
  }
  if (body.problem()) return *body.problem();
  TOCSIN_TRY(call.audit("source.change", source->name));
  const SourceStatus changed = TOCSIN_TRY(call.context.options.platform->change_source(source->name, patch));
  return answer(changed, "", 200);
}

Reply new_token(Call& call) {
  const auto source = find_source(call, call.captured("name"));
  if (!source) return no_source();
  TOCSIN_TRY(call.audit("source.token", source->name));
  const core::Secret token = TOCSIN_TRY(call.context.options.platform->new_source_token(source->name));
  std::string out;
  core::JsonWriter(out).begin_object().member("token", token.reveal()).end_object();
  return Reply::json(std::move(out));
}

Reply remove(Call& call) {
  const auto source = find_source(call, call.captured("name"));
  if (!source) return no_source();
  TOCSIN_TRY(call.audit("source.remove", source->name));
  TOCSIN_TRY(call.context.options.platform->remove_source(source->name));
  return Reply::nothing();
}

// "sequence,offset" of the last one shown.
std::optional<SqlText> behind(const std::string& cursor) {
  const auto parts = read_cursor(cursor, 2);
  if (!parts) return std::nullopt;
  SqlText out(" AND (sequence, offset) < (");
  for (std::size_t i = 0; i < 2; ++i) {
    std::uint64_t value = 0;
    const std::string& text = (*parts)[i];
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    if (i > 0) out << ", ";
    out.number(value);
  }
  out << ")";
  return out;
}

void write_letter(core::JsonWriter& json, Row row) {
  json.begin_object().member("sequence", row.text()).key("offset").number(row.whole());
  write_time(json, "received_at", row.time());
  for (const char* name : {"tenant", "source", "peer", "cause", "detail", "sample"}) json.member(name, row.text());
  json.key("bytes").number(row.whole()).end_object();
}

Reply dead_letters(Call& call) {
  Query query = call.query();
  const auto sources = query.list("source"), causes = query.list("cause");
  const std::int64_t limit = query.number("limit", kDefaultLimit, 1, kMaxLimit);
  SqlText where = call.tenant_condition(query.list("tenant"));
  if (!sources.empty()) (where << " AND source IN (").texts(sources) << ")";
  if (!causes.empty()) (where << " AND cause IN (").texts(causes) << ")";
  SqlText page = where;
  if (const std::string cursor = query.text("cursor"); !cursor.empty()) {
    const auto after = behind(cursor);
    if (!after) query.refuse("cursor", "is not of this list");
    if (after) page << *after;
  }
  if (query.problem()) return *query.problem();
  SqlText sql(
      "SELECT toString(sequence), offset, received_at, tenant, source, peer, cause, detail, toValidUTF8(substring(bytes, "
      "1, ");
  sql.number(kSampleBytes) << ")), length(bytes) FROM dead_letters WHERE " << page
                           << " ORDER BY sequence DESC, offset DESC LIMIT ";
  sql.number(limit + 1);
  const Rows rows = TOCSIN_TRY(call.ask(sql));
  SqlText count("SELECT count() FROM dead_letters WHERE ");
  count << where;
  const Rows total = TOCSIN_TRY(call.ask(count));
  std::string out, cursor;
  core::JsonWriter json(out);
  json.begin_object().key("items").begin_array();
  const std::size_t shown = std::min(rows.size(), static_cast<std::size_t>(limit));
  for (std::size_t i = 0; i < shown; ++i) write_letter(json, rows.row(i));
  if (rows.size() > shown) {
    Row last = rows.row(shown - 1);
    const std::string sequence(last.text());
    cursor = make_cursor({sequence, std::to_string(last.whole())});
  }
  json.end_array();
  write_cursor(json, cursor);
  json.key("total").number(total.row(0).integer()).end_object();
  return Reply::json(std::move(out));
}

Reply rerun(Call& call) {
  Body body(call.request().body);
  const std::string source = body.optional_text("source").value_or("");
  const std::string cause = body.optional_text("cause").value_or("");
  // Without a source it is about all of them.
  if (!call.sees_all() && !find_source(call, source)) body.refuse("source", "must be one of yours");
  if (body.problem()) return *body.problem();
  TOCSIN_TRY(call.audit("deadletters.rerun", source));
  const auto done = TOCSIN_TRY(call.context.options.platform->rerun_dead_letters(source, cause));
  std::string out;
  core::JsonWriter(out).begin_object().key("tried").number(done.tried).key("recovered").number(done.recovered).end_object();
  return Reply::json(std::move(out));
}

}  // namespace

void add_source_routes(Routes& routes) {
  const char* tag = "sources";
  const char* read = "sources.read";
  const char* write = "sources.write";
  for (RouteSpec spec :
       Routes{{"GET", "/api/v1/sources", read, tag, "Sources and how they do", "", "", "{items:[SourceStatus]}", list},
              {"GET", "/api/v1/sources/{name}", read, tag, "One of them", "", "", "SourceStatus", get},
              {"POST", "/api/v1/sources", write, tag, "A new source; of kind http with its token, shown once", "",
               "{name:text kind:text tenant?:text site?:text format?:text config?:any}", "SourceStatus", add, 201},
              {"PATCH", "/api/v1/sources/{name}", write, tag, "Changes a source; what is absent stays", "",
               "{enabled?:bool tenant?:text site?:text format?:text config?:any}", "SourceStatus", change},
              {"POST", "/api/v1/sources/{name}/token", write, tag, "A new token; the one before ends", "", "",
               "{token:text}", new_token},
              {"DELETE", "/api/v1/sources/{name}", write, tag, "Removes a source; its events stay", "", "", "", remove},
              {"GET", "/api/v1/dead-letters", read, tag, "Records that could not be read, newest first",
               "{source?:text cause?:text tenant?:text cursor?:text limit?:int}", "",
               "{items:[DeadLetter] next_cursor:cursor total:int}", dead_letters},
              {"POST", "/api/v1/dead-letters/rerun", write, tag, "Tries them again", "", "{source?:text cause?:text}",
               "{tried:int recovered:int}", rerun}}) {
    routes.push_back(std::move(spec));
  }
}

}  // namespace tocsin::api
