#include "model/entity.h"

#include <algorithm>
#include <array>

#include "model/incident.h"

namespace tocsin::model {
namespace {

constexpr std::array<const char*, kEntityKindCount> kKinds{"host", "user",    "address", "domain",  "url",           "hash",
                                                           "file", "process", "session", "service", "cloud_resource"};
constexpr std::array<const char*, kEntityRoleCount> kRoles{"affected",    "actor",  "target", "source",
                                                           "destination", "parent", "related"};
constexpr std::array<const char*, kIncidentStateCount> kStates{"new",        "acknowledged", "investigating", "contained",
                                                               "eradicated", "recovered",    "closed"};
constexpr std::array<const char*, kVerdictCount> kVerdicts{"", "true_positive", "benign", "false_positive", "duplicate"};

template <class Enum, std::size_t kCount>
std::optional<Enum> parse(const std::array<const char*, kCount>& names, std::string_view name) {
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end()) return std::nullopt;
  return static_cast<Enum>(found - names.begin());
}

}  // namespace

const char* to_string(EntityKind kind) { return kKinds[static_cast<std::size_t>(kind)]; }
const char* to_string(EntityRole role) { return kRoles[static_cast<std::size_t>(role)]; }
std::optional<EntityKind> parse_entity_kind(std::string_view name) { return parse<EntityKind>(kKinds, name); }
std::optional<EntityRole> parse_entity_role(std::string_view name) { return parse<EntityRole>(kRoles, name); }
const char* to_string(IncidentState state) { return kStates[static_cast<std::size_t>(state)]; }
const char* to_string(Verdict verdict) { return kVerdicts[static_cast<std::size_t>(verdict)]; }
std::optional<IncidentState> parse_incident_state(std::string_view name) { return parse<IncidentState>(kStates, name); }
std::optional<Verdict> parse_verdict(std::string_view name) { return parse<Verdict>(kVerdicts, name); }

}  // namespace tocsin::model
