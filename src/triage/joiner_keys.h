// What a finding can be linked by: private to triage. Pure.
#pragma once
#include <compare>
#include <cstdint>
#include <vector>

#include "triage/policy.h"

namespace tocsin::triage {

// 128 bits of (tenant, kind, key): two different keys are never seen to be one.
struct KeyHash {
  std::uint64_t high = 0, low = 0;
  auto operator<=>(const KeyHash&) const = default;
};

struct LinkKey {
  KeyHash hash;
  LinkKind kind = LinkKind::kHost;
  std::uint32_t entity = 0;  // Of the finding's entities.
};

inline constexpr std::size_t kMaxLinkKeys = 64;  // Of one finding.

// Each key once; a finding without a known time carries none.
std::vector<LinkKey> link_keys(const Finding& finding, const JoinPolicy& policy, const Prevalence& prevalence);
// Hosts it is about: affected hosts, else affected addresses inside. At most kMaxLinkKeys.
std::vector<std::uint64_t> host_hashes(const Finding& finding);
// Where it happened, for counting: an affected host or address, else who did it, else where it came from; else empty.
std::string_view place_of(const Finding& finding);
KeyHash hash_key(std::string_view tenant, std::string_view kind, std::string_view key);

}  // namespace tocsin::triage
