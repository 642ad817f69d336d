// Who may do what: rights, the roles that have them, and sets of rights. Values; any thread.
#pragma once
#include <bitset>
#include <cstdint>
#include <optional>
#include <string_view>

namespace tocsin::auth {

// In the order of the table in rights.cc.
enum class Right : std::uint8_t {
  kFindingsRead,
  kFindingsWrite,
  kSearchRun,
  kSearchSql,
  kSearchExport,
  kSourcesRead,
  kSourcesWrite,
  kRulesRead,
  kRulesWrite,
  kHealthRead,
  kIngestWrite,
  kUsersWrite,
  kSettingsRead,
  kSettingsWrite,
  kAuditRead,
  kActionsRun,
};
inline constexpr std::size_t kRightCount = 16;
enum class Role : std::uint8_t { kViewer, kAnalyst, kResponder, kHunter, kEngineer, kAdmin };
inline constexpr std::size_t kRoleCount = 6;

using RightSet = std::bitset<kRightCount>;  // Bit n: Right n.
inline bool has(const RightSet& set, Right right) { return set.test(static_cast<std::size_t>(right)); }

const char* to_string(Right right);  // "findings.read" ...: stable, stored and used by the API.
const char* to_string(Role role);    // "viewer" ...
std::optional<Right> parse_right(std::string_view name);
std::optional<Role> parse_role(std::string_view name);
RightSet rights_of(Role role);

}  // namespace tocsin::auth
