// The columns of a stored row that events fill: their names, what they hold, and the OCSF attributes they stand for.
//
// Constant tables and pure functions. The names are those of table `events` (docs/store.md).
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tocsin::normalise::rows {

enum class Column : std::uint8_t {
  kProduct,
  kService,
  kStatus,
  kEventCode,
  kHost,
  kUser,
  kActorUser,
  kProcessName,
  kProcessCmdLine,
  kProcessPid,
  kParentName,
  kParentCmdLine,
  kFilePath,
  kHashes,
  kRegistryKey,
  kSrcIp,
  kDstIp,
  kSrcPort,
  kDstPort,
  kDomain,
  kUrl,
  kHttpUserAgent,
  kMessage,
};
inline constexpr std::size_t kColumnCount = 23;

enum class ColumnKind : std::uint8_t { kText, kStatus, kAddress, kPort, kPid, kHashes };

struct ColumnInfo {
  Column column;
  std::string_view name;
  ColumnKind kind = ColumnKind::kText;
  // OCSF paths, the first that gives something; divided by spaces, lists without []. Those of a process are of the
  // process the event is about; where it names none, of the one that acted: "actor." goes before each.
  std::string_view paths;
  bool of_process = false;
};
const std::array<ColumnInfo, kColumnCount>& columns();
const ColumnInfo& info_of(Column column);
std::optional<Column> find_column(std::string_view name);
std::string all_column_names();  // For messages.

}  // namespace tocsin::normalise::rows
