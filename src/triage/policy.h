// What joining.yml says, read: private to triage. Immutable.
#pragma once
#include <array>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "triage/entity_names.h"
#include "triage/joiner.h"

namespace tocsin::triage {

// In the order of joining.yml. The first four are causes: full incidents grow by them alone.
enum class LinkKind : std::uint8_t {
  kProcess,
  kProcessPid,
  kProcessBare,
  kSessionNear,
  kSession,
  kHash,
  kFile,
  kConnection,
  kAddress,
  kInternalAddress,
  kDomain,
  kUserOnHost,
  kUser,
  kCloudAccount,
  kHost,
};
inline constexpr std::size_t kLinkKindCount = 15;
constexpr bool is_cause(LinkKind kind) { return kind <= LinkKind::kSessionNear; }
const char* name_of(LinkKind kind);    // As in joining.yml.
const char* reason_of(LinkKind kind);  // JoinReason::kind.

struct JoinPolicy {
  struct Kind {
    std::int64_t window_ns = 0;  // 0: off.
    double weight = 0;
    std::uint8_t min_severity = 0;
    bool common_rules = false;  // Findings of common rules link by it too.
  };
  struct Rare {
    std::uint32_t hosts = 0, days = 0;
  };
  struct CommonRule {
    std::uint32_t hosts = 0, days = 0, max_hosts = 0;
    double share = 0;
  };
  using Names = std::set<std::string, std::less<>>;

  std::array<Kind, kLinkKindCount> kinds;
  std::array<Rare, kLinkKindCount> rare;  // Of kinds that ask for it; others {0, 0}.
  CommonRule common_rule;
  std::uint32_t max_reasons = 1;
  std::vector<Network> internal_networks, never_networks;
  Names never_users, never_processes, never_sessions, never_hashes, never_hosts, never_domains;
  std::vector<std::string> never_user_suffixes, never_user_prefixes, never_installed;

  [[nodiscard]] const Kind& kind(LinkKind of) const { return kinds[static_cast<std::size_t>(of)]; }
  [[nodiscard]] const Rare& rare_of(LinkKind of) const { return rare[static_cast<std::size_t>(of)]; }
};

}  // namespace tocsin::triage
