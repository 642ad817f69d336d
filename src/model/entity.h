// Who and what a finding speaks of: hosts, users, addresses, processes ... Plain data.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tocsin::model {

// Names are those the API and content use; to_string below.
enum class EntityKind : std::uint8_t {
  kHost,
  kUser,
  kAddress,  // An IP address.
  kDomain,
  kUrl,
  kFileHash,
  kFile,
  kProcess,  // An instance: host, pid and start, so that a reused pid is another.
  kSession,  // A logon session of a host.
  kService,
  kCloudResource,
};
inline constexpr std::size_t kEntityKindCount = 11;

// What it is in the event.
enum class EntityRole : std::uint8_t { kAffected, kActor, kTarget, kSource, kDestination, kParent, kRelated };
inline constexpr std::size_t kEntityRoleCount = 7;

const char* to_string(EntityKind kind);  // "host", "user", "address", "domain", "url", "hash", "file", "process", ...
const char* to_string(EntityRole role);  // "affected", "actor", "target", "source", "destination", "parent", "related"
std::optional<EntityKind> parse_entity_kind(std::string_view name);
std::optional<EntityRole> parse_entity_role(std::string_view name);

// `key` is stable within a tenant: what one thing is called by all sources. Forms, all lower case but where case tells
// apart:
//   host "ws-042"; user "s-1-5-21-..." | "anna@corp.example" | "anna@ws-042" (local); address canonical text; domain without
//   the last dot; hash "sha256:..."; file "ws-042|c:\\temp\\x.exe"; process "ws-042|{guid}" | "ws-042|4312|1794915690000";
//   session "ws-042|0x3e7"; service "ws-042|name"; cloud resource its ARN or URI.
struct Entity {
  EntityKind kind = EntityKind::kHost;
  EntityRole role = EntityRole::kRelated;
  std::string key;
  std::string label;  // For people: "WS-042", "powershell.exe (5120)".
  bool operator==(const Entity&) const = default;
};

}  // namespace tocsin::model
