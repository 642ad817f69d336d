#include "api/parts/events.h"

#include <algorithm>
#include <map>

namespace tocsin::api {

using store::SqlText;
using Kind = EventColumn::Kind;

const std::vector<EventColumn>& event_columns() {
  static const std::vector<EventColumn> kColumns = {
      {"id", Kind::kId, "The event's id"},
      {"time", Kind::kTime, "When it happened; when it came where the record does not say"},
      {"received_at", Kind::kTime, "When it came"},
      {"tenant", Kind::kText, "Whose it is"},
      {"site", Kind::kText, "Where its source stands"},
      {"source", Kind::kText, "The source it came from"},
      {"format", Kind::kText, "How its record is written: evtx, json, syslog ..."},
      {"product", Kind::kText, "The product that wrote it"},
      {"service", Kind::kText, "Channel, facility or program"},
      {"class_uid", Kind::kNumber, "Class of OCSF"},
      {"activity_id", Kind::kNumber, "Activity of OCSF"},
      {"severity_id", Kind::kNumber, "Severity of OCSF, as the record says"},
      {"status", Kind::kText, "Success or Failure"},
      {"event_code", Kind::kText, "EventID, message type or action: the native kind"},
      {"host", Kind::kText, "The machine it is about"},
      {"user", Kind::kText, "The user it is about"},
      {"actor_user", Kind::kText, "The user who did it"},
      {"process_name", Kind::kText, "The program's file"},
      {"process_cmd_line", Kind::kText, "Its command line"},
      {"process_pid", Kind::kNumber, "Its number"},
      {"parent_name", Kind::kText, "The file of the program that started it"},
      {"parent_cmd_line", Kind::kText, "The command line of that"},
      {"file_path", Kind::kText, "The file it is about"},
      {"hashes", Kind::kText, "Hashes of the file"},
      {"registry_key", Kind::kText, "The registry key it is about"},
      {"src_ip", Kind::kText, "Address it came from"},
      {"dst_ip", Kind::kText, "Address it went to"},
      {"src_port", Kind::kNumber, "Port it came from"},
      {"dst_port", Kind::kNumber, "Port it went to"},
      {"domain", Kind::kText, "The name asked for or connected to"},
      {"url", Kind::kText, "The address asked for"},
      {"http_user_agent", Kind::kText, "What the client says it is"},
      {"message", Kind::kText, "The text for people"},
      {"raw", Kind::kText, "The record as it came"}};
  return kColumns;
}

const EventColumn* find_event_column(std::string_view name) {
  if (name == "ts") name = "time";
  for (const EventColumn& column : event_columns()) {
    if (column.name == name) return &column;
  }
  return nullptr;
}

void EventSelect::finish() {
  list_ = SqlText("toString(id), ts, time_known");
  for (const EventColumn* column : columns_) {
    list_ << ", ";
    list_.made(column->name);
  }
  if (attributes_) list_ << ", attr.name, attr.value";
}

core::Result<EventSelect> EventSelect::of(const std::vector<std::string>& names) {
  EventSelect out;
  for (const std::string& name : names) {
    const EventColumn* column = find_event_column(name);
    if (name == "attributes") {
      out.attributes_ = true;
    } else if (column == nullptr) {
      return core::Error{core::ErrorCode::kInvalid, "there is no column " + name};
    } else if (column->name != "id" && column->name != "time" &&
               std::ranges::find(out.columns_, column) == out.columns_.end()) {
      out.columns_.push_back(column);
    }
  }
  if (names.empty()) {
    out = everything();
    std::erase_if(out.columns_, [](const EventColumn* column) { return column->name == "raw"; });
  }
  out.finish();
  return out;
}

EventSelect EventSelect::everything() {
  EventSelect out;
  out.attributes_ = true;
  for (const EventColumn& column : event_columns()) {
    if (column.name != "id" && column.name != "time") out.columns_.push_back(&column);
  }
  out.finish();
  return out;
}

namespace {
// A name that comes more than once has the list of its values.
void write_attributes(core::JsonWriter& json, const std::vector<std::string_view>& names,
                      const std::vector<std::string_view>& values) {
  std::map<std::string_view, std::vector<std::string_view>> by_name;
  for (std::size_t i = 0; i < std::min(names.size(), values.size()); ++i) by_name[names[i]].push_back(values[i]);
  json.key("attributes").begin_object();
  for (const auto& [name, all] : by_name) {
    json.key(name);
    if (all.size() == 1) {
      json.text(all[0]);
      continue;
    }
    json.begin_array();
    for (const std::string_view value : all) json.text(value);
    json.end_array();
  }
  json.end_object();
}
}  // namespace

void EventSelect::write(Row& row, core::JsonWriter& json, std::string_view more) const {
  json.begin_object().member("id", row.text());
  write_time(json, "time", row.time());
  if (row.integer() == 0) json.key("time_known").boolean(false);
  for (const EventColumn* column : columns_) {
    if (column->kind == Kind::kTime) {
      write_time(json, std::string(column->name).c_str(), row.time());
    } else if (column->kind == Kind::kNumber) {
      if (const std::int64_t number = row.integer(); number != 0) json.key(column->name).number(number);
    } else {
      json.member_if(column->name, row.text());
    }
  }
  if (attributes_) {
    const auto names = row.texts();
    write_attributes(json, names, row.texts());
  }
  if (!more.empty()) json.raw(more);
  json.end_object();
}

std::optional<SqlText> value_of_field(std::string_view field) {
  if (field.starts_with("attr.") && field.size() > 5) {
    SqlText out("arrayElement(attr.value, indexOf(attr.name, ");
    out.text(field.substr(5)) << "))";
    return out;
  }
  const EventColumn* column = find_event_column(field);
  if (column == nullptr) return std::nullopt;
  SqlText out;
  if (column->kind == Kind::kText) {
    out << "toString(";
    out.made(column->name) << ")";
  } else if (column->kind == Kind::kTime) {
    out << "replaceOne(toString(fromUnixTimestamp64Nano(";
    out.made(column->name == "time" ? "ts" : "received_at") << ", 'UTC')), ' ', 'T')";
  } else {
    out << "if(";
    out.made(column->name) << " = 0, '', toString(";
    out.made(column->name) << "))";
  }
  return out;
}

SqlText finding_list() {
  return SqlText(
      "id, event_time, received_at, detected_at, tenant, site, source, rule_id, rule_title, level, severity_id, host, user, "
      "tactics, techniques, length(event_ids), reason");
}

void write_finding_row(Row& row, core::JsonWriter& json, std::string_view more) {
  json.begin_object().member("id", row.text());
  for (const char* name : {"time", "received_at", "detected_at"}) write_time(json, name, row.time());
  for (const char* name : {"tenant", "site", "source", "rule_id", "rule_title", "level"}) json.member(name, row.text());
  json.key("severity_id").number(row.integer());
  for (const char* name : {"host", "user"}) json.member(name, row.text());
  write_texts(json, "tactics", row.texts());
  write_texts(json, "techniques", row.texts());
  json.key("event_count").number(row.integer());
  json.member("reason", row.text());
  if (!more.empty()) json.raw(more);
  json.end_object();
}

HistogramRange histogram_range(core::Timestamp from, core::Timestamp to, std::int64_t buckets) {
  constexpr std::int64_t kSecond = 1'000'000'000;
  const std::int64_t length = to.ns - from.ns;
  const std::int64_t seconds = std::max<std::int64_t>((length / buckets + kSecond - 1) / kSecond, 1);
  HistogramRange out{from, to, seconds * kSecond, 1};
  out.buckets = static_cast<std::size_t>((length + out.step_ns - 1) / out.step_ns);
  return out;
}

SqlText bucket_of(SqlText::Fixed column, const HistogramRange& range) {
  SqlText out("intDiv(");
  out << column << " - (";
  out.number(range.from.ns) << "), ";
  out.number(range.step_ns) << ")";
  return out;
}

void write_histogram(core::JsonWriter& json, const HistogramRange& range, const Rows& rows) {
  std::vector<std::pair<std::string, std::vector<std::int64_t>>> series;
  std::int64_t total = 0;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    Row row = rows.row(i);
    const std::string name(row.text());
    const std::int64_t bucket = row.integer(), count = row.integer();
    total += count;
    auto at = std::ranges::find(series, name, &std::pair<std::string, std::vector<std::int64_t>>::first);
    if (at == series.end()) at = series.insert(series.end(), {name, std::vector<std::int64_t>(range.buckets)});
    if (bucket >= 0 && static_cast<std::size_t>(bucket) < range.buckets) {
      at->second[static_cast<std::size_t>(bucket)] += count;
    }
  }
  json.begin_object();
  write_time(json, "from", range.from);
  write_time(json, "to", range.to);
  json.key("step_seconds").number(range.step_ns / 1'000'000'000).key("series").begin_array();
  for (const auto& [name, values] : series) {
    json.begin_object().member("name", name).key("values").begin_array();
    for (const std::int64_t value : values) json.number(value);
    json.end_array().end_object();
  }
  json.end_array().key("total").number(total);
  write_numbers(json, rows.numbers());
  json.end_object();
}

}  // namespace tocsin::api
