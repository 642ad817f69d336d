// Searches of events: rows, histogram, top values, statistics, fields, SQL.
#include <algorithm>
#include <charconv>

#include "api/handlers/handlers.h"
#include "api/parts/events.h"
#include "api/parts/search_body.h"
#include "store/search_language.h"

namespace tocsin::api {
namespace {

using store::SqlText;

constexpr std::size_t kMaxTopFields = 20;
constexpr std::int64_t kMaxTop = 1'000;
constexpr std::int64_t kSecondNs = 1'000'000'000, kFirstLookNs = 3'600 * kSecondNs;
constexpr std::size_t kMaxSqlAnswerBytes = 16u << 20;
constexpr const char* kSeries = "9";  // The values most often met; the others are one series.

Reply id_taken() { return Reply::problem(409, "a search of this search_id is under way", {{"field", "\"search_id\""}}); }

std::optional<std::pair<std::int64_t, std::uint64_t>> read_place(const std::string& cursor, const std::string& sort) {
  const auto parts = read_cursor(cursor, 3);
  if (!parts || (*parts)[0] != sort) return std::nullopt;
  std::int64_t time = 0;
  std::uint64_t id = 0;
  const std::string &time_text = (*parts)[1], &id_text = (*parts)[2];
  const auto time_end = std::from_chars(time_text.data(), time_text.data() + time_text.size(), time);
  const auto id_end = std::from_chars(id_text.data(), id_text.data() + id_text.size(), id);
  if (time_end.ec != std::errc() || id_end.ec != std::errc()) return std::nullopt;
  return std::pair(time, id);
}

Reply answer_page(const EventSelect& select, const Rows& rows, std::size_t limit, const std::string& sort) {
  std::string out, cursor;
  core::JsonWriter json(out);
  json.begin_object().key("items").begin_array();
  const std::size_t shown = std::min(rows.size(), limit);
  for (std::size_t i = 0; i < shown; ++i) {
    Row row = rows.row(i);
    select.write(row, json);
  }
  json.end_array();
  if (rows.size() > shown) {
    Row last = rows.row(shown - 1);
    const std::string id(last.text());
    cursor = make_cursor({sort, std::to_string(last.integer()), id});
  }
  write_cursor(json, cursor);
  write_numbers(json, rows.numbers());
  json.end_object();
  return Reply::json(std::move(out));
}

struct Page {
  std::string sort;
  std::int64_t limit = 0;
  std::optional<std::pair<std::int64_t, std::uint64_t>> after;
};

core::Result<Rows> ask_page(Call& call, const Running& running, const Page& page, const EventSelect& select,
                            const store::SqlText& where) {
  SqlText sql("SELECT ");
  sql << select.list() << " FROM events WHERE " << where;
  if (page.after) {
    sql << " AND (ts, id) ";
    sql.made(page.sort == "time" ? "> (" : "< (").number(page.after->first) << ", ";
    sql.number(page.after->second) << ")";
  }
  if (page.sort == "time") {
    sql << " ORDER BY ts, id LIMIT ";
  } else {
    sql << " ORDER BY ts DESC, id DESC LIMIT ";
  }
  sql.number(page.limit + 1);
  return call.ask(sql, running.token());
}

// What comes before the place where the last page ended is not looked at. Of all events a page is mostly full with those of
// an hour at that end, so that is asked first.
core::Result<Rows> read_page(Call& call, const Running& running, const Page& page, const EventSelect& select,
                             const SearchBody& asked) {
  core::Timestamp from = asked.from, to = asked.to;
  if (page.after && page.sort == "time") from = std::max(from, {page.after->first / kSecondNs * kSecondNs});
  if (page.after && page.sort != "time") to = std::min(to, {(page.after->first / kSecondNs + 1) * kSecondNs});
  if (asked.everything() && to.ns - from.ns > kFirstLookNs) {
    const core::Timestamp first = page.sort == "time" ? from : core::Timestamp{to.ns - kFirstLookNs};
    Rows rows = TOCSIN_TRY(ask_page(call, running, page, select, asked.where_within(first, {first.ns + kFirstLookNs})));
    if (rows.size() > static_cast<std::size_t>(page.limit)) return rows;
  }
  return ask_page(call, running, page, select, asked.where_within(from, to));
}

Reply search(Call& call) {
  Body body(call.request().body);
  const auto columns = body.texts("columns");
  const std::string sort = body.optional_text("sort").value_or("-time");
  if (sort != "-time" && sort != "time") body.refuse("sort", "must be -time or time");
  const std::int64_t limit = body.number("limit", kDefaultLimit, 1, kMaxLimit);
  const std::string cursor = body.optional_text("cursor", 4'096).value_or("");
  const auto place = cursor.empty() ? std::nullopt : read_place(cursor, sort);
  if (!cursor.empty() && !place) body.refuse("cursor", "is not of this search");
  auto asked = read_search(call, body);
  if (!asked) return std::move(asked.error());
  const auto select = EventSelect::of(columns);
  if (!select.ok()) return InputProblem{"columns", select.error().text};
  const Running running(call, asked->id);
  if (running.refused()) return id_taken();
  if (cursor.empty()) audit_search(call, "search.run", *asked);
  const Rows rows = TOCSIN_TRY(read_page(call, running, {sort, limit, place}, *select, *asked));
  return answer_page(*select, rows, static_cast<std::size_t>(limit), sort);
}

Reply histogram(Call& call) {
  Body body(call.request().body);
  const std::int64_t buckets = body.number("buckets", 60, 1, 1'000);
  const std::string by = body.optional_text("by").value_or("");
  auto asked = read_search(call, body);
  if (!asked) return std::move(asked.error());
  const Running running(call, asked->id);
  if (running.refused()) return id_taken();
  const HistogramRange range = histogram_range(asked->from, asked->to, buckets);
  SqlText sql;
  if (by.empty()) {
    sql << "SELECT '', " << bucket_of("ts", range) << " AS b, count() FROM events WHERE " << asked->where
        << " GROUP BY b ORDER BY b";
  } else {
    const auto value = value_of_field(by);
    if (!value) return InputProblem{"by", "must be a column or attr.Name"};
    sql << "SELECT if(v IN (SELECT " << *value << " AS v FROM events WHERE " << asked->where
        << " GROUP BY v ORDER BY count() DESC, v LIMIT ";
    sql.made(kSeries) << "), v, '') AS n, " << bucket_of("ts", range) << " AS b, count() FROM (SELECT " << *value
                      << " AS v, ts FROM events WHERE " << asked->where << ") GROUP BY n, b ORDER BY n, b";
  }
  const Rows rows = TOCSIN_TRY(call.ask(sql, running.token()));
  std::string out;
  core::JsonWriter json(out);
  write_histogram(json, range, rows);
  return Reply::json(std::move(out));
}

// The values, how many there are, the events without one, and all events: one pass. Returns the numbers of the question.
core::Result<store::QueryResult> write_top(Call& call, const Running& running, const SearchBody& asked,
                                           const std::string& field, std::int64_t limit, std::int64_t* total,
                                           core::JsonWriter& json) {
  const SqlText value = *value_of_field(field);
  SqlText sql(
      "SELECT arrayMap(x -> x.2, best), arrayMap(x -> toUInt64(-x.1), best), distinct, empty, total FROM (SELECT "
      "groupArraySortedIf(");
  sql.number(limit) << ")((-toInt64(c), v), v != '') AS best, countIf(v != '') AS distinct, sumIf(c, v = '') AS empty, "
                       "sum(c) AS total FROM (SELECT "
                    << value << " AS v, count() AS c FROM events WHERE " << asked.where << " GROUP BY v))";
  const Rows rows = TOCSIN_TRY(call.ask(sql, running.token()));
  Row row = rows.row(0);
  const auto values = row.texts();
  const auto counts = row.wholes();
  json.key(field).begin_object().key("values").begin_array();
  for (std::size_t i = 0; i < std::min(values.size(), counts.size()); ++i) {
    json.begin_object().member("value", values[i]).key("count").number(counts[i]).end_object();
  }
  json.end_array().key("distinct").number(row.integer()).key("empty").number(row.integer()).end_object();
  *total = row.integer();
  return rows.numbers();
}

Reply top(Call& call) {
  Body body(call.request().body);
  const auto fields = body.texts("fields");
  const std::int64_t limit = body.number("limit", 10, 1, kMaxTop);
  if (fields.empty() || fields.size() > kMaxTopFields) body.refuse("fields", "must be 1 to 20 names");
  for (const std::string& field : fields) {
    if (!value_of_field(field)) body.refuse("fields", "must be columns or attr.Name; there is no " + field);
  }
  auto asked = read_search(call, body);
  if (!asked) return std::move(asked.error());
  const Running running(call, asked->id);
  if (running.refused()) return id_taken();
  std::string out;
  core::JsonWriter json(out);
  json.begin_object().key("fields").begin_object();
  std::int64_t total = 0;
  store::QueryResult numbers;
  for (const std::string& field : fields) {
    const auto one = TOCSIN_TRY(write_top(call, running, *asked, field, limit, &total, json));
    numbers.rows_read += one.rows_read;
    numbers.bytes_read += one.bytes_read;
    numbers.elapsed += one.elapsed;
  }
  json.end_object();
  json.key("total").number(total);
  write_numbers(json, numbers);
  json.end_object();
  return Reply::json(std::move(out));
}

Reply stats(Call& call) {
  Body body(call.request().body);
  const std::string field = body.text("field");
  const auto value = value_of_field(field);
  if (!value) body.refuse("field", "must be a column or attr.Name");
  auto asked = read_search(call, body);
  if (!asked) return std::move(asked.error());
  const Running running(call, asked->id);
  if (running.refused()) return id_taken();
  const EventColumn* column = find_event_column(field);
  const bool numeric = column != nullptr && column->kind == EventColumn::Kind::kNumber;
  SqlText sql("SELECT count(), countIf(v = ''), uniqIf(v, v != ''), ");
  if (numeric) {
    sql << "minIf(toUInt64OrZero(v), v != ''), maxIf(toUInt64OrZero(v), v != ''), avgIf(toUInt64OrZero(v), v != '')";
  } else {
    sql << "minIf(v, v != ''), maxIf(v, v != '')";
  }
  sql << " FROM (SELECT " << *value << " AS v FROM events WHERE " << asked->where << ")";
  const Rows rows = TOCSIN_TRY(call.ask(sql, running.token()));
  Row row = rows.row(0);
  std::string out;
  core::JsonWriter json(out);
  json.begin_object()
      .key("count")
      .number(row.integer())
      .key("empty")
      .number(row.integer())
      .key("distinct")
      .number(row.integer());
  json.key("min");
  row.write(json);
  json.key("max");
  row.write(json);
  if (numeric) {
    json.key("mean");
    row.write(json);
  }
  write_numbers(json, rows.numbers());
  json.end_object();
  return Reply::json(std::move(out));
}

const char* type_of(const EventColumn& column) {
  switch (column.kind) {
    case EventColumn::Kind::kNumber: return "number";
    case EventColumn::Kind::kTime: return "time";
    case EventColumn::Kind::kId: return "id";
    case EventColumn::Kind::kText: break;
  }
  return "text";
}

Reply fields(Call& call) {
  Body body(call.request().body);
  auto asked = read_search(call, body);
  if (!asked) return std::move(asked.error());
  const Running running(call, asked->id);
  if (running.refused()) return id_taken();
  SqlText sql("SELECT count()");
  for (const EventColumn& column : event_columns()) {
    if (column.kind == EventColumn::Kind::kTime || column.kind == EventColumn::Kind::kId) continue;
    sql << ", countIf(";
    sql.made(column.name);
    if (column.kind == EventColumn::Kind::kNumber) {
      sql << " != 0)";
    } else {
      sql << " != '')";
    }
  }
  sql << " FROM events WHERE " << asked->where;
  const Rows counts = TOCSIN_TRY(call.ask(sql, running.token()));
  SqlText names("SELECT arrayJoin(attr.name) AS n, count() AS c FROM events WHERE ");
  names << asked->where << " GROUP BY n ORDER BY c DESC, n LIMIT 500";
  const Rows attributes = TOCSIN_TRY(call.ask(names, running.token()));
  std::string out;
  core::JsonWriter json(out);
  json.begin_object().key("items").begin_array();
  const auto item = [&](std::string_view name, const char* type, bool is_column, std::int64_t count) {
    json.begin_object().member("name", name).member("type", type).key("column").boolean(is_column);
    json.key("count").number(count).end_object();
  };
  Row row = counts.row(0);
  const std::int64_t total = row.integer();
  for (const EventColumn& column : event_columns()) {
    const bool always = column.kind == EventColumn::Kind::kTime || column.kind == EventColumn::Kind::kId;
    const std::int64_t count = always ? total : row.integer();
    if (count > 0) item(column.name, type_of(column), true, count);
  }
  for (std::size_t i = 0; i < attributes.size(); ++i) {
    Row attribute = attributes.row(i);
    const std::string name = "attr." + std::string(attribute.text());
    item(name, "text", false, attribute.integer());
  }
  json.end_array().key("total").number(total);
  write_numbers(json, counts.numbers());
  json.end_object();
  return Reply::json(std::move(out));
}

Reply check(Call& call) {
  Body body(call.request().body);
  const std::string text = body.optional_text("query", 2 * store::kMaxSearchBytes).value_or("");
  if (body.problem()) return *body.problem();
  std::string out;
  core::JsonWriter json(out);
  const auto condition = store::search_condition(text, call.context.search_fields);
  json.begin_object().key("ok").boolean(condition.has_value());
  if (!condition) {
    const std::size_t at = condition.error().position;
    const std::size_t end = at < text.size() ? std::min(text.find_first_of(" ()", at), text.size()) : at;
    json.member("message", "expected " + condition.error().expected);
    json.key("position").number(static_cast<std::uint64_t>(at)).key("length").number(static_cast<std::uint64_t>(end - at));
    json.member("hint", condition.error().expected);
  }
  json.end_object();
  return Reply::json(std::move(out));
}

// Takes lines until there are enough: the engine then stops.
core::Result<Rows> ask_lines(Call& call, const std::string& sql, std::size_t limit, const Running& running) {
  std::string lines;
  std::size_t count = 0;
  bool too_long = false;
  store::QueryLimits limits = call.limits();
  limits.result_rows = 0;
  TOCSIN_TRY(call.context.options.store->query_stream(
      sql, Rows::kLineFormat, limits,
      [&](std::string_view piece) {
        lines += piece;
        count += static_cast<std::size_t>(std::count(piece.begin(), piece.end(), '\n'));
        too_long = lines.size() > kMaxSqlAnswerBytes && count < limit + 3;
        return !too_long && count < limit + 3;  // Names, types, and one more row than is shown.
      },
      running.token()));
  if (too_long)
    return core::Error{core::ErrorCode::kLimit, "the answer is longer than 16 MB; ask for fewer columns or rows"};
  return Rows::read_lines(std::move(lines), limit + 1);
}

Reply sql(Call& call) {
  Body body(call.request().body);
  const std::string text = body.text("sql", {true, 256u << 10});
  const auto limit = static_cast<std::size_t>(body.number("limit", 1'000, 1, 10'000));
  const std::string id = body.optional_text("search_id", 128).value_or("");
  if (body.problem()) return *body.problem();
  const Running running(call, id);
  if (running.refused()) return id_taken();
  SearchBody noted;
  noted.query = text;
  audit_search(call, "search.sql", noted);
  const auto begin = call.context.options.clock->steady_now();
  const Rows rows = TOCSIN_TRY(ask_lines(call, text, limit, running));
  const auto took = call.context.options.clock->steady_now() - begin;
  std::string out;
  core::JsonWriter json(out);
  json.begin_object().key("columns").begin_array();
  for (const auto& [name, type] : rows.columns()) json.begin_object().member("name", name).member("type", type).end_object();
  json.end_array().key("rows").begin_array();
  for (std::size_t i = 0; i < std::min(rows.size(), limit); ++i) {
    Row row = rows.row(i);
    json.begin_array();
    for (std::size_t column = 0; column < rows.columns().size(); ++column) row.write(json);
    json.end_array();
  }
  json.end_array().key("truncated").boolean(rows.size() > limit);
  json.key("elapsed_ms").number(static_cast<double>(took.count()) / 1e6).end_object();
  return Reply::json(std::move(out));
}

Reply end_search(Call& call) {
  if (!call.context.searches.end(call.who.user, call.captured("search_id"))) {
    return Reply::problem(404, "no search of yours with this id is under way");
  }
  return Reply::nothing();
}

Reply columns(Call& call) {
  std::string out;
  core::JsonWriter json(out);
  json.begin_object().key("items").begin_array();
  for (const EventColumn& column : event_columns()) {
    json.begin_object().member("name", column.name).member("type", type_of(column));
    std::vector<std::string> aliases, native;
    for (const store::SearchField& field : call.context.search_fields) {
      if (field.column != column.name || (!field.native && field.name == column.name)) continue;
      (field.native ? native : aliases).push_back(field.name);
    }
    write_texts(json, "aliases", aliases);
    write_texts(json, "native", native);
    json.member("help", column.help).end_object();
  }
  json.end_array().end_object();
  return Reply::json(std::move(out));
}

Reply event(Call& call) {
  const std::string& text = call.captured("id");
  std::uint64_t id = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
  if (error != std::errc() || end != text.data() + text.size()) return Reply::problem(404, "there is no such event");
  const EventSelect select = EventSelect::everything();
  SqlText sql("SELECT ");
  sql << select.list() << ", format, raw FROM events WHERE " << call.tenant_condition({}) << " AND id = ";
  sql.number(id) << " LIMIT 1";
  const Rows rows = TOCSIN_TRY(call.ask(sql));
  if (rows.size() == 0) return Reply::problem(404, "there is no such event");
  Row look = rows.row(0);
  for (std::size_t i = 0; i < rows.columns().size() - 2; ++i) look.skip();
  const std::string_view format = look.text();
  const std::string ocsf = call.context.options.platform->ocsf_event(format, look.text());
  std::string out;
  core::JsonWriter json(out);
  Row row = rows.row(0);
  select.write(row, json, ocsf.empty() ? std::string() : "\"ocsf\":" + ocsf);
  return Reply::json(std::move(out));
}

}  // namespace

void add_search_routes(Routes& routes) {
  const char* tag = "search";
  const char* run = "search.run";
  for (RouteSpec spec :
       Routes{{"POST", "/api/v1/search", run, tag, "Events, newest first", "",
               "{query?:text from?:text to?:text tenant?:[text] search_id?:text columns?:[text] sort?:-time|time limit?:int "
               "cursor?:text}",
               "{items:[Event] next_cursor:cursor rows_read:int bytes_read:int elapsed_ms:number}", search},
              {"POST", "/api/v1/search/sql", "search.sql", tag, "SQL of one's own, read-only, one's own tenants", "",
               "{sql:text limit?:int search_id?:text}",
               "{columns:[{name:text type:text}] rows:[[any]] truncated:bool elapsed_ms:number}", sql},
              {"POST", "/api/v1/search/histogram", run, tag, "Events over time", "",
               "{query?:text from?:text to?:text tenant?:[text] search_id?:text buckets?:int by?:text}", "Histogram",
               histogram},
              {"POST", "/api/v1/search/top", run, tag, "The values most often met", "",
               "{query?:text from?:text to?:text tenant?:[text] search_id?:text fields:[text] limit?:int}",
               "{fields:{*:{values:[Counted] distinct:int empty:int}} total:int}", top},
              {"POST", "/api/v1/search/stats", run, tag, "Statistics of one field", "",
               "{query?:text from?:text to?:text tenant?:[text] search_id?:text field:text}",
               "{count:int empty:int distinct:int min:any max:any mean?:number}", stats},
              {"POST", "/api/v1/search/fields", run, tag, "The fields that the result has", "", "SearchBody",
               "{items:[{name:text type:text column:bool count:int}] total:int}", fields},
              {"POST", "/api/v1/search/check", run, tag, "Whether a search can be read", "", "{query:text}",
               "{ok:bool message?:text position?:int length?:int hint?:text}", check},
              {"DELETE", "/api/v1/search/{search_id}", run, tag, "Ends a search under way", "", "", "", end_search},
              {"GET", "/api/v1/search/columns", run, tag, "The columns of events", "", "",
               "{items:[{name:text type:text aliases:[text] native:[text] help:text}]}", columns},
              {"GET", "/api/v1/events/{id}", run, tag, "One event with its record", "", "", "Event", event}}) {
    routes.push_back(std::move(spec));
  }
}

}  // namespace tocsin::api
