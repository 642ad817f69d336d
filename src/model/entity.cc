#include "model/entity.h"

#include <array>

namespace tocsin::model {
namespace {

constexpr std::array<const char*, kEntityKindCount> kKinds{"host", "user",    "address", "domain",  "url",           "hash",
                                                           "file", "process", "session", "service", "cloud_resource"};
constexpr std::array<const char*, kEntityRoleCount> kRoles{"affected",    "actor",  "target", "source",
                                                           "destination", "parent", "related"};

}  // namespace

const char* to_string(EntityKind kind) { return kKinds[static_cast<std::size_t>(kind)]; }
const char* to_string(EntityRole role) { return kRoles[static_cast<std::size_t>(role)]; }

}  // namespace tocsin::model
