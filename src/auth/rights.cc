#include "auth/rights.h"

#include <array>

namespace tocsin::auth {
namespace {

// The roles that have a right: v viewer, a analyst, r responder, h hunter, e engineer; admin has all.
struct RightRow {
  Right right;
  const char* name;
  std::string_view roles;
};
constexpr std::array kRights{
    RightRow{Right::kFindingsRead, "findings.read", "varhe"},
    RightRow{Right::kFindingsWrite, "findings.write", "arhe"},
    RightRow{Right::kSearchRun, "search.run", "varhe"},
    RightRow{Right::kSearchSql, "search.sql", "he"},
    RightRow{Right::kSearchExport, "search.export", "rhe"},
    RightRow{Right::kSourcesRead, "sources.read", "varhe"},
    RightRow{Right::kSourcesWrite, "sources.write", "e"},
    RightRow{Right::kRulesRead, "rules.read", "varhe"},
    RightRow{Right::kRulesWrite, "rules.write", "e"},
    RightRow{Right::kHealthRead, "health.read", "varhe"},
    RightRow{Right::kIngestWrite, "ingest.write", "e"},
    RightRow{Right::kUsersWrite, "users.write", ""},
    RightRow{Right::kSettingsRead, "settings.read", "e"},
    RightRow{Right::kSettingsWrite, "settings.write", ""},
    RightRow{Right::kAuditRead, "audit.read", ""},
    RightRow{Right::kActionsRun, "actions.run", "r"},
};
static_assert(kRights.size() == kRightCount);
constexpr std::array<const char*, kRoleCount> kRoles{"viewer", "analyst", "responder", "hunter", "engineer", "admin"};
constexpr std::string_view kLetters = "varhe";

}  // namespace

const char* to_string(Right right) { return kRights[static_cast<std::size_t>(right)].name; }
const char* to_string(Role role) { return kRoles[static_cast<std::size_t>(role)]; }

std::optional<Right> parse_right(std::string_view name) {
  for (const RightRow& row : kRights) {
    if (row.name == name) return row.right;
  }
  return std::nullopt;
}
std::optional<Role> parse_role(std::string_view name) {
  for (std::size_t i = 0; i < kRoles.size(); ++i) {
    if (kRoles[i] == name) return static_cast<Role>(i);
  }
  return std::nullopt;
}
RightSet rights_of(Role role) {
  RightSet set;
  for (const RightRow& row : kRights) {
    const bool given =
        role == Role::kAdmin || row.roles.find(kLetters[static_cast<std::size_t>(role)]) != std::string_view::npos;
    set.set(static_cast<std::size_t>(row.right), given);
  }
  return set;
}

}  // namespace tocsin::auth
