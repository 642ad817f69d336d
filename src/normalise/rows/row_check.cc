#include "normalise/rows/row_check.h"

#include <arpa/inet.h>
#include <simdjson.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <string_view>

#include "normalise/ocsf.h"
#include "normalise/rows.h"
#include "normalise/rows/columns.h"

namespace tocsin::normalise {
namespace {

namespace dom = simdjson::dom;
using rows::ColumnInfo;
using rows::ColumnKind;

bool lookup(dom::element at, std::string_view path, dom::element& out) {
  while (true) {
    if (at.is_array() && at.at(0).get(at)) return false;
    const std::size_t dot = path.find('.');
    dom::object object;
    if (at.get(object) || object[path.substr(0, dot)].get(at)) return false;
    if (dot == std::string_view::npos) break;
    path.remove_prefix(dot + 1);
  }
  out = at;
  return true;
}

std::string text_of(const dom::element& element) {
  std::string_view text;
  return element.get(text) ? simdjson::minify(element) : std::string(text);
}

// The plain way: the resolver's two functions, nothing else.
std::string plain_address(std::string text) {
  text.resize(std::min(text.size(), text.find(text.find(':') == std::string::npos ? '\0' : '%')));
  unsigned char bytes[16];
  char shown[INET6_ADDRSTRLEN];
  if (inet_pton(AF_INET, text.c_str(), bytes) == 1) return inet_ntop(AF_INET, bytes, shown, sizeof shown);
  if (inet_pton(AF_INET6, text.c_str(), bytes) != 1) return {};
  const std::string six = inet_ntop(AF_INET6, bytes, shown, sizeof shown);
  return six.starts_with("::ffff:") && six.find('.') != std::string::npos ? six.substr(7) : six;
}

std::string plain_number(const std::string& text, std::uint64_t max) {
  std::uint64_t number = 0;
  const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool good = status == std::errc{} && end == text.data() + text.size() && number > 0 && number <= max;
  return good ? text : std::string();
}

std::string as_column(ColumnKind kind, const std::string& text) {
  // What mappings write where OCSF demands something: no knowledge.
  if (text == "unknown" || text == "local") return {};
  if (kind == ColumnKind::kAddress) return plain_address(text);
  if (kind == ColumnKind::kPort) return plain_number(text, 65'535);
  if (kind == ColumnKind::kPid) return plain_number(text, 0xFFFF'FFFF);
  return text;
}

std::string first_of(const dom::element& root, const ColumnInfo& info, std::string_view prefix) {
  std::string_view paths = info.paths;
  while (!paths.empty()) {
    const std::size_t space = paths.find(' ');
    dom::element found;
    if (lookup(root, std::string(prefix).append(paths.substr(0, space)), found)) {
      if (info.kind == ColumnKind::kHashes) return simdjson::minify(found);
      if (std::string text = as_column(info.kind, text_of(found)); !text.empty()) return text;
    }
    paths = space == std::string_view::npos ? std::string_view() : paths.substr(space + 1);
  }
  return {};
}

bool same_hashes(const std::string& json, const std::string& column) {
  if (json.empty()) return column.empty();
  dom::parser parser;
  dom::array hashes;
  if (parser.parse(json).get(hashes)) return false;
  return std::ranges::all_of(
      hashes, [&](const dom::element& hash) { return column.find(std::string_view(hash["value"])) != std::string::npos; });
}

std::int64_t number_at(const dom::element& root, std::string_view path) {
  dom::element found;
  std::int64_t number = 0;
  return lookup(root, path, found) && !found.get(number) ? number : 0;
}

void compare_numbers(const model::EventRow& row, const dom::element& root, std::vector<std::string>& out) {
  const auto same = [&](std::string_view path, std::int64_t number) {
    if (number_at(root, path) != number)
      out.push_back(std::string(path) + ": row " + std::to_string(number) + ", OCSF " +
                    std::to_string(number_at(root, path)));
  };
  same("class_uid", row.class_uid);
  same("activity_id", row.activity_id);
  same("severity_id", row.severity_id);
  const std::int64_t status = number_at(root, "status_id");
  if (row.status != (status == 1 ? "Success" : status == 2 ? "Failure" : ""))
    out.push_back("status: row " + std::string(row.status) + ", OCSF " + std::to_string(status));
}

void compare_time(const model::EventRow& row, const dom::element& root, std::vector<std::string>& out) {
  dom::element found;
  std::int64_t ms = 0;
  const bool known = lookup(root, "time", found) && !found.get(ms);
  if (known != row.time_known) out.push_back(known ? "time is known to OCSF" : "time is known to the row");
  if (row.time_known && (row.time.ns / 1'000'000) - (row.time.ns % 1'000'000 < 0 ? 1 : 0) != ms) out.emplace_back("time");
}

using Texts = std::map<std::string_view, std::string>;

// Of all columns by name; numbers in decimal, 0 as nothing.
Texts column_texts(const model::EventRow& row) {
  const auto number = [](std::uint32_t value) { return value == 0 ? std::string() : std::to_string(value); };
  return {
      {"product", std::string(row.product)},
      {"service", std::string(row.service)},
      {"status", std::string(row.status)},
      {"event_code", std::string(row.event_code)},
      {"host", std::string(row.host)},
      {"user", std::string(row.user)},
      {"actor_user", std::string(row.actor_user)},
      {"process_name", std::string(row.process_name)},
      {"process_cmd_line", std::string(row.process_cmd_line)},
      {"process_pid", number(row.process_pid)},
      {"parent_name", std::string(row.parent_name)},
      {"parent_cmd_line", std::string(row.parent_cmd_line)},
      {"file_path", std::string(row.file_path)},
      {"hashes", std::string(row.hashes)},
      {"registry_key", std::string(row.registry_key)},
      {"src_ip", std::string(row.src_ip)},
      {"dst_ip", std::string(row.dst_ip)},
      {"src_port", number(row.src_port)},
      {"dst_port", number(row.dst_port)},
      {"domain", std::string(row.domain)},
      {"url", std::string(row.url)},
      {"http_user_agent", std::string(row.http_user_agent)},
      {"message", std::string(row.message)},
      {"class_uid", std::to_string(row.class_uid)},
      {"activity_id", std::to_string(row.activity_id)},
      {"severity_id", std::to_string(row.severity_id)},
      {"format", std::string(row.format)},
      {"raw", std::string(row.raw)},
  };
}

std::string cut_of(std::string_view text) { return std::string(text.substr(0, std::min(text.size(), kMaxValueBytes - 4))); }

}  // namespace

std::string column_text(const model::EventRow& row, std::string_view name) {
  const Texts all = column_texts(row);
  const auto found = all.find(name);
  return found == all.end() ? "no column " + std::string(name) : found->second;
}

std::vector<std::string> check_row(const model::EventRow& row, const model::Event& event) {
  std::vector<std::string> out;
  if (row.attributes.size() > kMaxAttributes) out.emplace_back("too many attributes");
  const Texts all = column_texts(row);
  std::vector<std::string> texts;
  for (const ColumnInfo& info : rows::columns()) {
    texts.push_back(all.at(info.name));
    if (texts.back().size() > kMaxValueBytes) out.push_back(std::string(info.name) + " is too long");
  }
  for (const std::string_view address : {row.src_ip, row.dst_ip}) {
    if (!address.empty() && plain_address(std::string(address)) != address) out.push_back("address " + std::string(address));
  }
  // Attributes are the fields in their order, without those whose text is a column (or, of hashes, a part of it).
  std::size_t next = 0;
  for (const model::Field& field : event.fields()) {
    const bool there = next < row.attributes.size() && row.attributes[next].name == event.name(field) &&
                       row.attributes[next].value.size() <= kMaxValueBytes &&
                       row.attributes[next].value.starts_with(cut_of(field.text));
    if (there && field.type != model::ValueType::kNull) {
      ++next;
      continue;
    }
    if (field.type == model::ValueType::kNull || next == kMaxAttributes) continue;
    const std::string text = cut_of(field.text);
    const bool in_column = std::ranges::any_of(texts, [&](const std::string& column) {
      return text.size() < field.text.size() ? column.starts_with(text) : column == text;
    });
    if (!in_column && row.hashes.find(text) == std::string_view::npos)
      out.push_back("lost: " + std::string(event.name(field)) + " = " + text.substr(0, 80));
  }
  if (next != row.attributes.size()) out.push_back("no field: " + std::string(row.attributes[next].name));
  return out;
}

std::vector<std::string> compare_class(const model::EventRow& row, const std::string& json) {
  dom::parser parser;
  dom::element root;
  if (parser.parse(json).get(root)) return {"not JSON"};
  std::vector<std::string> out;
  compare_numbers(row, root, out);
  return out;
}

std::vector<std::string> compare_with_ocsf(const model::EventRow& row, const std::string& json) {
  dom::parser parser;
  dom::element root, ignored;
  if (parser.parse(json).get(root)) return {"not JSON"};
  std::vector<std::string> out;
  compare_numbers(row, root, out);
  if (lookup(root, "metadata.is_truncated", ignored)) return out;  // There values are cut in other places.
  compare_time(row, root, out);
  const Texts all = column_texts(row);
  bool by_actor = true;  // Where the process itself is not there.
  for (const ColumnInfo& info : rows::columns()) {
    const bool parent = info.of_process && info.column > rows::Column::kProcessPid;
    if (info.of_process && !parent && !first_of(root, info, "").empty()) by_actor = false;
  }
  bool no_process = true;
  for (const ColumnInfo& info : rows::columns()) {
    if (info.column == rows::Column::kStatus || info.column == rows::Column::kHost) continue;
    std::string expected = first_of(root, info, info.of_process && by_actor ? "actor." : "");
    const std::string& text = all.at(info.name);
    if (info.of_process && info.column <= rows::Column::kProcessPid && !expected.empty()) no_process = false;
    if (info.of_process && info.column > rows::Column::kProcessPid && no_process) expected.clear();
    // OCSF wants a product: there it is the format's name where no mapping says it.
    if (info.column == rows::Column::kProduct && text.empty() && expected == row.format) continue;
    if (info.kind == ColumnKind::kHashes ? !same_hashes(expected, text) : expected != text)
      out.push_back(std::string(info.name) + ": row '" + text + "', OCSF '" + expected + "'");
  }
  return out;
}

}  // namespace tocsin::normalise
