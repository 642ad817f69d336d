#include "normalise/rows/plan.h"

#include <algorithm>
#include <optional>
#include <string>

namespace tocsin::normalise::rows {
namespace {

using ocsf::Convert;
using ocsf::Node;

const Node* child_of(const Node& node, std::string_view key) {
  const auto found = std::ranges::find_if(node.children, [&](const Node& child) { return child.key == key; });
  return found == node.children.end() ? nullptr : &*found;
}

// The member `leaf` of the object that `convert` writes.
std::optional<Take> member_of(Convert convert, std::string_view leaf) {
  switch (convert) {
    case Convert::kUser:
      if (leaf == "name") return Take::kAccountName;
      break;
    case Convert::kFile:
      if (leaf == "name") return Take::kFileName;
      if (leaf == "path") return Take::kFilePath;
      break;
    case Convert::kEndpoint:
      if (leaf == "ip") return Take::kEndpointAddress;
      if (leaf == "hostname") return Take::kEndpointName;
      if (leaf == "port") return Take::kEndpointPort;
      break;
    case Convert::kUrl:
      if (leaf == "url_string") return Take::kUrlText;
      if (leaf == "hostname") return Take::kUrlHost;
      if (leaf == "port") return Take::kUrlPort;
      break;
    case Convert::kRegistryValue:
      if (leaf == "path") return Take::kRegistryPath;
      if (leaf == "name") return Take::kRegistryName;
      break;
    case Convert::kRegistryKey:
      if (leaf == "path") return Take::kValue;
      break;
    default: break;
  }
  return {};
}

// In the order in which the attribute would be written: members of the object's own source first.
void add_path(Column column, std::string_view path, const ocsf::Row& row, std::vector<Step>& out) {
  const Node* node = &row.root;
  if (path.starts_with("metadata.")) {
    node = &row.metadata;
    path.remove_prefix(std::string_view("metadata.").size());
  }
  for (std::size_t dot = path.find('.'); dot != std::string_view::npos; dot = path.find('.')) {
    node = child_of(*node, path.substr(0, dot));
    if (node == nullptr) return;
    path.remove_prefix(dot + 1);
  }
  if (node->has_source) {
    if (const auto take = member_of(node->source.convert, path)) out.push_back({column, *take, &node->source});
  }
  const Node* leaf = child_of(*node, path);
  if (leaf == nullptr || !leaf->has_source || ocsf::writes_members(leaf->source.convert)) return;
  // `default` and `otherwise` only please OCSF: they are no knowledge about the event.
  if (leaf->source.from.empty() && !leaf->source.has_constant) return;
  out.push_back({column, Take::kValue, &leaf->source});
}

void add_paths(const ColumnInfo& info, std::string_view prefix, const ocsf::Row& row, std::vector<Step>& out) {
  std::string_view paths = info.paths;
  while (!paths.empty()) {
    const std::size_t space = paths.find(' ');
    add_path(info.column, std::string(prefix).append(paths.substr(0, space)), row, out);
    paths = space == std::string_view::npos ? std::string_view() : paths.substr(space + 1);
  }
}

void know(NumberPlan& plan, int number) { plan.known[number / 64] |= std::uint64_t{1} << (number % 64); }

}  // namespace

RowPlan make_plan(const ocsf::MappingFile* file, const ocsf::Row* row) {
  RowPlan out;
  out.event_class = row == nullptr ? &ocsf::base_event() : row->event_class;
  out.severity.fixed = 1;
  for (int i = 0; i < 100; ++i) {
    if (!ocsf::activity_caption(*out.event_class, i).empty()) know(out.activity, i);
    if (!ocsf::severity_caption(i).empty()) know(out.severity, i);
    if (!ocsf::status_caption(i).empty()) know(out.status, i);
  }
  if (row == nullptr) return out;
  out.host = &row->host;
  out.activity.source = &row->activity;
  out.severity.source = &row->severity;
  if (row->has_status) out.status.source = &row->status;
  const Node* time = child_of(row->root, "time");
  if (time != nullptr && time->has_source && time->source.convert == Convert::kTime) out.time = &time->source;
  for (const ocsf::ColumnSource& own : file->columns) out.steps.push_back({own.column, Take::kValue, &own.source});
  for (const ColumnInfo& info : columns()) {
    if (info.column == Column::kHost) continue;  // By `host`, as in Mapper::host().
    add_paths(info, "", *row, info.of_process ? out.process_steps : out.steps);
    if (info.of_process) add_paths(info, "actor.", *row, out.actor_steps);
  }
  return out;
}

}  // namespace tocsin::normalise::rows
