#include "normalise/rows/columns.h"

namespace tocsin::normalise::rows {
namespace {

constexpr std::array<ColumnInfo, kColumnCount> kColumns{{
    {Column::kProduct, "product", ColumnKind::kText, "metadata.product.name"},
    {Column::kService, "service", ColumnKind::kText, "metadata.log_name"},
    {Column::kStatus, "status", ColumnKind::kStatus, ""},  // By the row's status.
    {Column::kEventCode, "event_code", ColumnKind::kText, "metadata.event_code api.operation"},
    {Column::kHost, "host", ColumnKind::kText, "device.hostname"},
    {Column::kUser, "user", ColumnKind::kText, "user.name process.user.name job.user.name evidences.user.name"},
    {Column::kActorUser, "actor_user", ColumnKind::kText, "actor.user.name"},
    {Column::kProcessName, "process_name", ColumnKind::kText, "process.file.path process.file.name process.name", true},
    {Column::kProcessCmdLine, "process_cmd_line", ColumnKind::kText, "process.cmd_line", true},
    {Column::kProcessPid, "process_pid", ColumnKind::kPid, "process.pid", true},
    {Column::kParentName, "parent_name", ColumnKind::kText,
     "process.parent_process.file.path process.parent_process.file.name process.parent_process.name", true},
    {Column::kParentCmdLine, "parent_cmd_line", ColumnKind::kText, "process.parent_process.cmd_line", true},
    {Column::kFilePath, "file_path", ColumnKind::kText,
     "file.path file.name module.file.path module.file.name driver.file.path driver.file.name evidences.file.path "
     "evidences.file.name"},
    {Column::kHashes, "hashes", ColumnKind::kHashes,
     "process.file.hashes file.hashes module.file.hashes driver.file.hashes"},
    {Column::kRegistryKey, "registry_key", ColumnKind::kText, "reg_key.path reg_value.path"},
    {Column::kSrcIp, "src_ip", ColumnKind::kAddress, "src_endpoint.ip evidences.src_endpoint.ip"},
    {Column::kDstIp, "dst_ip", ColumnKind::kAddress, "dst_endpoint.ip evidences.dst_endpoint.ip"},
    {Column::kSrcPort, "src_port", ColumnKind::kPort, "src_endpoint.port evidences.src_endpoint.port"},
    {Column::kDstPort, "dst_port", ColumnKind::kPort, "dst_endpoint.port evidences.dst_endpoint.port"},
    {Column::kDomain, "domain", ColumnKind::kText,
     "query.hostname tls.sni http_request.url.hostname url.hostname dst_endpoint.hostname"},
    {Column::kUrl, "url", ColumnKind::kText, "http_request.url.url_string url.url_string"},
    {Column::kHttpUserAgent, "http_user_agent", ColumnKind::kText, "http_request.user_agent"},
    {Column::kMessage, "message", ColumnKind::kText, "message"},
}};

constexpr bool in_order() {
  for (std::size_t i = 0; i < kColumnCount; ++i) {
    if (static_cast<std::size_t>(kColumns[i].column) != i) return false;
  }
  return true;
}
static_assert(in_order());

}  // namespace

const std::array<ColumnInfo, kColumnCount>& columns() { return kColumns; }
const ColumnInfo& info_of(Column column) { return kColumns[static_cast<std::size_t>(column)]; }

std::optional<Column> find_column(std::string_view name) {
  for (const ColumnInfo& known : kColumns) {
    if (known.name == name) return known.column;
  }
  return {};
}

std::string all_column_names() {
  std::string out;
  for (const ColumnInfo& known : kColumns) out.append(out.empty() ? "" : ", ").append(known.name);
  return out;
}

}  // namespace tocsin::normalise::rows
