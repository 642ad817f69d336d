// Exports of events as a file, streamed. The trail has them before the first byte goes out, or there is none.
//
// CSV: a cell that begins with = + - @ or a control character gets a ' before it, so that no spreadsheet takes it for a
// formula (OWASP, CSV injection); NDJSON and Parquet carry the values as they are.
#include "api/parts/exports.h"

#include <algorithm>

#include "api/handlers/handlers.h"
#include "api/parts/events.h"
#include "api/parts/search_body.h"

namespace tocsin::api {
namespace {

using store::SqlText;

enum class Form : std::uint8_t { kCsv, kNdjson, kParquet };

SqlText iso(const char* column) {
  SqlText out("concat(replaceOne(toString(fromUnixTimestamp64Nano(");
  out.made(column) << ", 'UTC')), ' ', 'T'), 'Z')";
  return out;
}
SqlText guarded(const SqlText& value) {
  SqlText out("if(match(");
  out << value << ", '^[=+\\\\-@\\\\t\\\\r\\\\n]'), concat('\\'', " << value << "), " << value << ")";
  return out;
}

SqlText export_list(const std::vector<std::string>& names, Form form) {
  std::vector<std::string> wanted = names;
  if (wanted.empty()) {
    for (const EventColumn& column : event_columns()) wanted.emplace_back(column.name);
    wanted.emplace_back("attributes");
  }
  SqlText out;
  for (const std::string& name : wanted) {
    if (!out.empty()) out << ", ";
    if (name == "attributes") {
      const SqlText map(
          "mapFromArrays(arrayMap(x -> toValidUTF8(x), attr.name), arrayMap(x -> toValidUTF8(x), attr.value))");
      SqlText text("toJSONString(");
      text << map << ")";
      out << (form == Form::kCsv ? guarded(text) : map) << " AS attributes";
      continue;
    }
    const EventColumn& column = *find_event_column(name);
    SqlText value;
    if (column.kind == EventColumn::Kind::kTime) {
      value = iso(column.name == "time" ? "ts" : "received_at");
    } else if (column.kind == EventColumn::Kind::kId) {
      value << "toString(id)";
    } else if (column.kind == EventColumn::Kind::kNumber) {
      value.made(column.name);
    } else if (form == Form::kParquet) {
      value << "toString(";
      value.made(column.name) << ")";
    } else {
      SqlText text("toValidUTF8(toString(");
      text.made(column.name) << "))";
      value = form == Form::kCsv ? guarded(text) : text;
    }
    out << value << " AS `x_";  // Not the column's own name: WHERE and ORDER BY mean the column.
    out.made(column.name) << "`";
  }
  return out;
}

// The names as asked for, put back around what is selected.
SqlText export_sql(const std::vector<std::string>& names, Form form, const SearchBody& asked, const std::string& sort,
                   std::int64_t limit) {
  SqlText inner("SELECT ");
  inner << export_list(names, form) << " FROM events WHERE " << asked.where;
  if (sort == "time") inner << " ORDER BY ts, events.id";
  if (sort == "-time") inner << " ORDER BY ts DESC, events.id DESC";
  inner << " LIMIT ";
  inner.number(limit);
  SqlText out("SELECT ");
  bool first = true;
  const auto add = [&](std::string_view name, bool renamed) {
    if (!first) out << ", ";
    first = false;
    if (renamed) {
      out << "`x_";
      out.made(name) << "` AS ";
    }
    out << "`";
    out.made(name) << "`";
  };
  if (names.empty()) {
    for (const EventColumn& column : event_columns()) add(column.name, true);
    add("attributes", false);
  }
  for (const std::string& name : names) {
    const EventColumn* column = find_event_column(name);
    add(column == nullptr ? "attributes" : column->name, column != nullptr);
  }
  out << " FROM (" << inner << ")";
  return out;
}

struct Job {
  std::shared_ptr<http::Exchange> exchange;
  store::Store* store = nullptr;
  std::string sql;
  const char* format = "";
  http::Response head;
  store::QueryLimits limits;
};

// The head goes out with the first bytes: what fails before them is a problem document, what fails later cuts the stream.
void run_export(Job& job, const std::shared_ptr<store::CancelToken>& token) {
  std::shared_ptr<http::Stream> stream;
  const auto send = [&](std::string_view piece) {
    if (!stream) stream = job.exchange->stream(job.head);
    constexpr std::size_t kPiece = 256u << 10;
    while (!piece.empty()) {
      while (!stream->wait_for_room(std::chrono::milliseconds(1'000))) {
        if (!stream->write("")) return false;  // Gone.
      }
      if (!stream->write(piece.substr(0, kPiece))) return false;
      piece.remove_prefix(std::min(piece.size(), kPiece));
    }
    return true;
  };
  job.exchange->on_client_gone([token] { store::cancel(*token); });
  const auto done = job.store->query_stream(job.sql, job.format, job.limits, send, token);
  if (!stream) {
    if (!done.ok()) return job.exchange->respond(std::move(Reply(done.error()).response()));
    stream = job.exchange->stream(job.head);
  }
  if (done.ok()) stream->finish();
}

Reply start_export(Call& call) {
  Query query = call.query();
  const std::string form_name = query.choice("format", {"csv", "ndjson", "parquet"});
  if (query.problem()) return *query.problem();
  const Form form = form_name == "csv" ? Form::kCsv : form_name == "ndjson" ? Form::kNdjson : Form::kParquet;
  Body body(call.request().body);
  const auto names = body.texts("columns");
  for (const std::string& name : names) {
    if (name != "attributes" && find_event_column(name) == nullptr) body.refuse("columns", "there is no column " + name);
    if (std::ranges::count(names, name) > 1) body.refuse("columns", "each column once");
  }
  const std::string sort = body.optional_text("sort").value_or("");
  if (!sort.empty() && sort != "time" && sort != "-time") body.refuse("sort", "must be -time or time");
  const std::int64_t limit = body.number("limit", kMaxExportRows, 1, kMaxExportRows);
  auto asked = read_search(call, body);
  if (!asked) return std::move(asked.error());
  std::string detail;
  core::JsonWriter json(detail);
  json.begin_object().member("format", form_name);
  write_time(json, "from", asked->from);
  write_time(json, "to", asked->to);
  json.key("limit").number(limit).end_object();
  TOCSIN_TRY(call.audit("search.export", asked->query, detail));
  auto job = std::make_shared<Job>();
  job->exchange = call.exchange;
  job->store = call.context.options.store;
  job->sql = export_sql(names, form, *asked, sort, limit).str();
  job->format = form == Form::kCsv ? "CSVWithNames" : form == Form::kNdjson ? "JSONEachRow" : "Parquet";
  job->head.content_type = form == Form::kCsv      ? "text/csv; charset=utf-8"
                           : form == Form::kNdjson ? "application/x-ndjson"
                                                   : "application/vnd.apache.parquet";
  job->head.headers.emplace_back("Content-Disposition", "attachment; filename=\"tocsin-events." + form_name + "\"");
  job->limits = call.limits();
  job->limits.time = call.context.options.export_time;
  job->limits.result_rows = kMaxExportRows;
  if (!call.context.exports->start([job](const auto& token) { run_export(*job, token); })) {
    return Reply::problem(503, "too many exports run; try again when one has ended");
  }
  return Reply::taken();
}

}  // namespace

void add_export_routes(Routes& routes) {
  routes.push_back({"POST", "/api/v1/search/export", "search.export", "search", "The events as a file; in the audit trail",
                    "{format?:csv|ndjson|parquet}",
                    "{query?:text from?:text to?:text tenant?:[text] columns?:[text] sort?:-time|time limit?:int}",
                    "!text/csv", start_export});
}

}  // namespace tocsin::api
