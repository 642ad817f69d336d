// Findings: the queue, its groups, facets and histogram, and one finding with what explains it.
#include <algorithm>
#include <charconv>
#include <map>

#include "api/handlers/handlers.h"
#include "api/parts/events.h"
#include "api/parts/finding_document.h"
#include "api/parts/incident_call.h"
#include "model/attack.h"

namespace tocsin::api {
namespace {

using store::SqlText;

constexpr std::size_t kMaxWords = 16;
constexpr std::size_t kMaxFindingEvents = 100;
constexpr std::int64_t kMaxGroups = 1'000;
constexpr const char* kFilters =
    "{from?:text to?:text level?:text rule?:text host?:text user?:text source?:text tactic?:text technique?:text q?:text "
    "tenant?:text sort?:-time|time|severity cursor?:text limit?:int}";

// Names of facets and groups, and their columns.
struct Column {
  const char* name;
  const char* sql;
  bool list;
};
constexpr Column kColumns[] = {{"level", "level", false},        {"rule", "rule_id", false},  {"host", "host", false},
                               {"user", "user", false},          {"source", "source", false}, {"tactic", "tactics", true},
                               {"technique", "techniques", true}};
const Column* find_column(std::string_view name) {
  const auto found = std::ranges::find_if(kColumns, [&](const Column& column) { return name == column.name; });
  return found == std::end(kColumns) ? nullptr : found;
}

void add_words(SqlText& where, std::string_view text) {
  std::size_t words = 0;
  for (std::size_t at = 0; at < text.size() && words < kMaxWords;) {
    const std::size_t end = std::min(text.find(' ', at), text.size());
    if (end > at) {
      ++words;
      where << " AND (0";
      for (const char* column : {"rule_title", "reason", "host", "user"}) {
        where << " OR positionCaseInsensitiveUTF8(toString(";
        where.made(column) << "), ";
        where.text(text.substr(at, end - at)) << ") > 0";
      }
      where << ")";
    }
    at = end + 1;
  }
}

// All filters of the query but sort, cursor and limit.
SqlText filters(const Call& call, Query& query, core::Timestamp from, core::Timestamp to) {
  SqlText where = call.tenant_condition(query.list("tenant"));
  where << " AND " << time_condition("event_time", from, to);
  for (const Column& column : kColumns) {
    const auto values = query.list(column.name);
    if (values.empty()) continue;
    if (column.list) {
      where << " AND hasAny(";
      where.made(column.sql) << ", [";
      where.texts(values) << "])";
    } else {
      where << " AND ";
      where.made(column.sql) << " IN (";
      where.texts(values) << ")";
    }
  }
  add_words(where, query.text("q"));
  return where;
}
SqlText filters(const Call& call, Query& query) {
  return filters(call, query, query.when("from", {}), query.when("to", {}));
}

struct Order {
  SqlText by, key;  // ORDER BY, and the tuple it orders by.
  bool falling = true;
};
Order order_of(const std::string& sort) {
  if (sort == "time") return {SqlText("event_time, id"), SqlText("(event_time, id)"), false};
  if (sort == "severity")
    return {SqlText("severity_id DESC, event_time DESC, id DESC"), SqlText("(severity_id, event_time, id)"), true};
  return {SqlText("event_time DESC, id DESC"), SqlText("(event_time, id)"), true};
}
std::optional<std::int64_t> number_of(const std::string& text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}
// The condition for what comes behind the cursor: sort, severity, time, id.
std::optional<SqlText> behind(const std::string& cursor, const std::string& sort, const Order& order) {
  const auto parts = read_cursor(cursor, 4);
  if (!parts || (*parts)[0] != sort) return std::nullopt;
  const auto severity = number_of((*parts)[1]), time = number_of((*parts)[2]);
  if (!severity || !time) return std::nullopt;
  SqlText out = order.key;
  if (order.falling) {
    out << " < (";
  } else {
    out << " > (";
  }
  if (sort == "severity") out.number(*severity) << ", ";
  out.number(*time) << ", ";
  out.text((*parts)[3]) << ")";
  return out;
}

// What a page is taken from: how many fit the filters, and the span of time that holds the page, so that its wide columns
// are read of few rows.
struct Span {
  std::int64_t total = 0;
  bool empty = false;  // No row is of the page.
  SqlText condition;
};
core::Result<Span> span_of_page(Call& call, const SqlText& where, const std::optional<SqlText>& after,
                                const std::string& sort, std::int64_t rows_wanted) {
  const bool newest_first = sort == "-time";
  const SqlText on_page = after ? *after : SqlText("1");
  SqlText sql("SELECT count(), countIf(");
  sql << on_page << "), arrayElement(groupArraySortedIf(";
  sql.number(rows_wanted) << ")(";
  if (newest_first) sql << "-";
  sql << "event_time, " << on_page << "), -1) FROM findings WHERE " << where;
  const Rows rows = TOCSIN_TRY(call.ask(sql));
  Row row = rows.row(0);
  Span out;
  out.total = row.integer();
  out.empty = row.integer() == 0;
  const std::int64_t last = row.integer();
  if (newest_first) {
    out.condition = time_condition("event_time", {-last}, {});
  } else {
    out.condition = time_condition("event_time", {}, {last + 1});
  }
  return out;
}
core::Result<Span> whole_span(Call& call, const SqlText& where) {
  SqlText sql("SELECT count() FROM findings WHERE ");
  sql << where;
  const Rows rows = TOCSIN_TRY(call.ask(sql));
  Row row = rows.row(0);
  Span out;
  out.total = row.integer();
  out.empty = out.total == 0;
  out.condition = SqlText("1");
  return out;
}

Reply list_findings(Call& call) {
  Query query = call.query();
  const SqlText where = filters(call, query);
  const std::string sort = query.choice("sort", {"-time", "time", "severity"});
  const std::int64_t limit = query.number("limit", kDefaultLimit, 1, kMaxLimit);
  const Order order = order_of(sort);
  std::optional<SqlText> after;
  if (const std::string cursor = query.text("cursor"); !cursor.empty()) {
    after = behind(cursor, sort, order);
    if (!after) query.refuse("cursor", "is not of this list");
  }
  if (query.problem()) return *query.problem();
  const Span span =
      TOCSIN_TRY(sort == "severity" ? whole_span(call, where) : span_of_page(call, where, after, sort, limit + 1));
  SqlText page = where;
  page << " AND " << span.condition;
  if (after) page << " AND " << *after;
  if (span.empty) page << " AND 0";
  SqlText sql("SELECT ");
  sql << finding_list() << " FROM findings WHERE " << page << " ORDER BY " << order.by << " LIMIT ";
  sql.number(limit + 1);
  const Rows rows = TOCSIN_TRY(call.ask(sql));
  std::string out, cursor;
  core::JsonWriter json(out);
  json.begin_object().key("items").begin_array();
  const std::size_t shown = std::min(rows.size(), static_cast<std::size_t>(limit));
  for (std::size_t i = 0; i < shown; ++i) {
    Row row = rows.row(i);
    write_finding_row(row, json);
  }
  if (rows.size() > shown) {
    Row last = rows.row(shown - 1);
    const std::string id(last.text());
    const std::int64_t time = last.integer();
    for (int i = 0; i < 8; ++i) last.skip();  // received_at to level.
    cursor = make_cursor({sort, std::to_string(last.integer()), std::to_string(time), id});
  }
  json.end_array();
  write_cursor(json, cursor);
  json.key("total").number(span.total);
  write_numbers(json, rows.numbers());
  json.end_object();
  return Reply::json(std::move(out));
}

void write_group(core::JsonWriter& json, Row& row, const std::vector<const Column*>& keys) {
  json.begin_object().key("key").begin_object();
  for (const Column* key : keys) json.member(key->sql, row.text());
  json.end_object();
  json.member("rule_title", row.text()).member("level", row.text()).key("severity_id").number(row.integer());
  json.key("count").number(row.integer());
  write_time(json, "first", row.time());
  write_time(json, "last", row.time());
  write_texts(json, "hosts", row.texts());
  json.key("host_count").number(row.integer());
  write_texts(json, "users", row.texts());
  write_texts(json, "techniques", row.texts());
  json.end_object();
}

Reply group_findings(Call& call) {
  Query query = call.query();
  std::vector<const Column*> keys;
  auto by = query.list("by");
  if (by.empty()) by = {"rule", "source"};
  SqlText columns;
  for (const std::string& name : by) {
    const Column* column = find_column(name);
    if (column == nullptr || column->list || std::ranges::find(keys, column) != keys.end() || keys.size() == 3) {
      return InputProblem{"by", "must be of rule, source, host, user, level, at most 3"};
    }
    if (!keys.empty()) columns << ", ";
    columns.made(column->sql);
    keys.push_back(column);
  }
  const SqlText where = filters(call, query);
  const std::int64_t limit = query.number("limit", kDefaultLimit, 1, kMaxGroups);
  if (query.problem()) return *query.problem();
  SqlText sql("SELECT ");
  sql << columns
      << ", any(rule_title), argMax(level, severity_id), max(severity_id) AS s, count() AS c, min(event_time), "
         "max(event_time), "
         "groupUniqArrayIf(10)(host, host != ''), uniqExactIf(host, host != ''), groupUniqArrayIf(10)(user, user != ''), "
         "arraySlice(arraySort(groupUniqArrayArray(techniques)), 1, 50) FROM findings WHERE "
      << where << " GROUP BY " << columns << " ORDER BY s DESC, c DESC, " << columns << " LIMIT ";
  sql.number(limit);
  const Rows rows = TOCSIN_TRY(call.ask(sql));
  SqlText totals("SELECT uniqExact(");
  totals << columns << "), count() FROM findings WHERE " << where;
  const Rows total = TOCSIN_TRY(call.ask(totals));
  std::string out;
  core::JsonWriter json(out);
  json.begin_object().key("items").begin_array();
  for (std::size_t i = 0; i < rows.size(); ++i) {
    Row row = rows.row(i);
    write_group(json, row, keys);
  }
  json.end_array();
  Row counts = total.row(0);
  json.key("total_groups").number(counts.integer()).key("total").number(counts.integer());
  write_numbers(json, rows.numbers());
  json.end_object();
  return Reply::json(std::move(out));
}

std::string label_of(std::string_view facet, std::string_view value, std::string_view title) {
  if (facet == "rule") return std::string(title);
  if (facet == "tactic") return std::string(model::tactic_name(value));
  if (facet == "technique") {
    const model::Technique* technique = model::find_technique(value);
    return technique == nullptr ? std::string() : std::string(technique->name);
  }
  return {};
}

Reply facet_findings(Call& call) {
  Query query = call.query();
  std::vector<const Column*> fields;
  for (const std::string& name : query.list("fields")) {
    const Column* column = find_column(name);
    if (column == nullptr) return InputProblem{"fields", "must be of level, rule, host, user, source, tactic, technique"};
    if (std::ranges::find(fields, column) == fields.end()) fields.push_back(column);
  }
  if (fields.empty()) {
    for (const Column& column : kColumns) fields.push_back(&column);
  }
  const SqlText where = filters(call, query);
  if (query.problem()) return *query.problem();
  std::string out;
  core::JsonWriter json(out);
  json.begin_object().key("facets").begin_object();
  for (const Column* field : fields) {
    SqlText sql("SELECT ");
    if (field->list) {
      sql << "arrayJoin(";
      sql.made(field->sql) << ")";
    } else {
      sql.made(field->sql);
    }
    sql << " AS v, count() AS c, any(rule_title) FROM findings WHERE " << where
        << " GROUP BY v HAVING v != '' ORDER BY c DESC, v LIMIT 20";
    const Rows rows = TOCSIN_TRY(call.ask(sql));
    json.key(field->name).begin_array();
    for (std::size_t i = 0; i < rows.size(); ++i) {
      Row row = rows.row(i);
      const std::string_view value = row.text();
      json.begin_object().member("value", value).key("count").number(row.integer());
      json.member_if("label", label_of(field->name, value, row.text())).end_object();
    }
    json.end_array();
  }
  json.end_object().end_object();
  return Reply::json(std::move(out));
}

Reply finding_histogram(Call& call) {
  Query query = call.query();
  const core::Timestamp to = query.when("to", call.now());
  const core::Timestamp from = query.when("from", {to.ns - 86'400'000'000'000});
  const std::int64_t buckets = query.number("buckets", 60, 1, 1'000);
  if (from >= to) query.refuse("from", "must be before to");
  const SqlText where = filters(call, query, from, to);
  if (query.problem()) return *query.problem();
  const HistogramRange range = histogram_range(from, to, buckets);
  SqlText sql("SELECT level, ");
  sql << bucket_of("event_time", range) << " AS b, count() FROM findings WHERE " << where
      << " GROUP BY level, severity_id, b ORDER BY severity_id DESC, level, b";
  const Rows rows = TOCSIN_TRY(call.ask(sql));
  std::string out;
  core::JsonWriter json(out);
  write_histogram(json, range, rows);
  return Reply::json(std::move(out));
}

SqlText one_finding(const Call& call) {
  SqlText where = call.tenant_condition({});
  where << " AND id = ";
  where.text(call.captured("id"));
  return where;
}

core::Result<void> write_events(Call& call, const std::vector<std::uint64_t>& ids, core::JsonWriter& json) {
  json.key("events").begin_array();
  if (!ids.empty()) {
    const EventSelect select = EventSelect::everything();
    SqlText sql("SELECT ");
    sql << select.list() << " FROM events WHERE " << call.tenant_condition({}) << " AND id IN (";
    for (std::size_t i = 0; i < std::min(ids.size(), kMaxFindingEvents); ++i) {
      if (i > 0) sql << ", ";
      sql.number(ids[i]);
    }
    sql << ") ORDER BY ts, id";
    const Rows rows = TOCSIN_TRY(call.ask(sql));
    for (std::size_t i = 0; i < rows.size(); ++i) {
      Row row = rows.row(i);
      select.write(row, json);
    }
  }
  json.end_array();
  return {};
}

void write_short_rule(Call& call, const std::string& id, core::JsonWriter& json) {
  const auto rule = call.context.options.platform->rule(id);
  if (!rule) return;
  json.key("rule").begin_object().member("id", rule->status.id).member("title", rule->status.title);
  json.member("level", rule->status.level).member("status", rule->status.status).member("kind", rule->status.kind);
  json.member("mode", ledger::to_string(rule->status.mode)).member("description", rule->description);
  json.member("author", rule->author);
  write_texts(json, "references", rule->references);
  write_texts(json, "falsepositives", rule->false_positives);
  write_texts(json, "tags", rule->status.tags);
  json.end_object();
}

// "INC-17"; null where it is in none yet.
core::Result<void> write_incident_of(Call& call, std::string_view finding, core::JsonWriter& json) {
  std::optional<ledger::IncidentNumber> incident;
  const auto read = read_tables(call, [&](ledger::IncidentTables& tables) -> core::Result<void> {
    incident = TOCSIN_TRY(tables.incident_with(finding));
    return {};
  });
  if (!read.ok()) return read;
  json.key("incident");
  if (incident) {
    json.text("INC-" + std::to_string(*incident));
  } else {
    json.null();
  }
  return {};
}

Reply get_finding(Call& call) {
  SqlText sql("SELECT ");
  sql << finding_list() << ", event_ids, finding FROM findings WHERE " << one_finding(call) << " LIMIT 1";
  const Rows rows = TOCSIN_TRY(call.ask(sql));
  if (rows.size() == 0) return Reply::problem(404, "there is no such finding");
  Row look = rows.row(0);
  for (int i = 0; i < 7; ++i) look.skip();
  const std::string rule_id(look.text());
  for (int i = 0; i < 9; ++i) look.skip();
  const auto ids = look.wholes();
  const std::string_view document = look.text();
  std::string more;
  core::JsonWriter json(more);
  write_explanation(document, json);
  TOCSIN_TRY(write_events(call, ids, json));
  write_short_rule(call, rule_id, json);
  TOCSIN_TRY(write_incident_of(call, call.captured("id"), json));
  std::string out;
  core::JsonWriter whole(out);
  Row row = rows.row(0);
  write_finding_row(row, whole, more);
  return Reply::json(std::move(out));
}

Reply related_findings(Call& call) {
  SqlText sql("SELECT id, event_time, host, user, rule_id, event_ids FROM findings WHERE ");
  sql << one_finding(call) << " LIMIT 1";
  const Rows rows = TOCSIN_TRY(call.ask(sql));
  if (rows.size() == 0) return Reply::problem(404, "there is no such finding");
  Row found = rows.row(0);
  const std::string id(found.text());
  const core::Timestamp time = found.time();
  const std::string host(found.text()), user(found.text()), rule(found.text());
  auto events = found.wholes();
  events.resize(std::min(events.size(), kMaxFindingEvents));
  constexpr std::int64_t kDay = 86'400'000'000'000;
  SqlText base = call.tenant_condition({});
  base << " AND " << time_condition("event_time", {time.ns - kDay}, {time.ns + kDay}) << " AND id != ";
  base.text(id);
  std::string out;
  core::JsonWriter json(out);
  json.begin_object();
  for (const std::string_view relation : {"same_event", "same_host", "same_user", "same_rule"}) {
    SqlText like;
    if (relation == "same_event" && !events.empty()) {
      like << "hasAny(event_ids, [";
      for (std::size_t i = 0; i < events.size(); ++i) {
        if (i > 0) like << ", ";
        like << "toUInt64(";
        like.number(events[i]) << ")";
      }
      like << "])";
    } else if (relation == "same_host" && !host.empty()) {
      like << "host = ";
      like.text(host);
    } else if (relation == "same_user" && !user.empty()) {
      like << "user = ";
      like.text(user);
    } else if (relation == "same_rule") {
      like << "rule_id = ";
      like.text(rule);
    }
    json.key(relation).begin_array();
    if (!like.empty()) {
      SqlText ask("SELECT ");
      ask << finding_list() << " FROM findings WHERE " << base << " AND " << like << " ORDER BY abs(event_time - (";
      ask.number(time.ns) << ")), id LIMIT 20";
      const Rows near = TOCSIN_TRY(call.ask(ask));
      for (std::size_t i = 0; i < near.size(); ++i) {
        Row row = near.row(i);
        write_finding_row(row, json);
      }
    }
    json.end_array();
  }
  json.end_object();
  return Reply::json(std::move(out));
}

}  // namespace

void add_finding_routes(Routes& routes) {
  const char* tag = "findings";
  const char* right = "findings.read";
  for (RouteSpec spec : Routes{
           {"GET", "/api/v1/findings", right, tag, "Findings, newest first", kFilters, "",
            "{items:[Finding] next_cursor:cursor total:int}", list_findings},
           {"GET", "/api/v1/findings/groups", right, tag, "Findings that belong together, the worst first",
            "{by?:text from?:text to?:text level?:text rule?:text host?:text user?:text source?:text tactic?:text "
            "technique?:text q?:text tenant?:text limit?:int}",
            "",
            "{items:[{key:{*:text} rule_title:text level:text severity_id:int count:int first:time last:time hosts:[text] "
            "host_count:int users:[text] techniques:[text]}] total_groups:int total:int}",
            group_findings},
           {"GET", "/api/v1/findings/facets", right, tag, "What the findings have, counted",
            "{fields?:text from?:text to?:text level?:text rule?:text host?:text user?:text source?:text tactic?:text "
            "technique?:text q?:text tenant?:text}",
            "", "{facets:{*:[Counted]}}", facet_findings},
           {"GET", "/api/v1/findings/histogram", right, tag, "Findings over time by level",
            "{buckets?:int from?:text to?:text level?:text rule?:text host?:text user?:text source?:text tactic?:text "
            "technique?:text q?:text tenant?:text}",
            "", "Histogram", finding_histogram},
           {"GET", "/api/v1/findings/{id}", right, tag, "One finding, explained", "", "", "Finding", get_finding},
           {"GET", "/api/v1/findings/{id}/related", right, tag, "Findings near it", "", "",
            "{same_event:[Finding] same_host:[Finding] same_user:[Finding] same_rule:[Finding]}", related_findings}}) {
    routes.push_back(std::move(spec));
  }
}

}  // namespace tocsin::api
