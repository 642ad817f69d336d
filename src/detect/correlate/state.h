// The saved form of the engine's state: layout and envelope.
//
// Little-endian. "TOCSNCOR", u32 version, u64 hash seed, the body (see StateWriter), u64 checksum of all before it. The
// checksum finds damage, not forgery: every number of the body is checked besides. The body names the rules and
// correlations that it speaks of (Plan::stable_names, CorrelationPlan::fingerprint), never by their place in the rule set.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace tocsin::detect::correlate {

inline constexpr std::string_view kStateMagic = "TOCSNCOR";
inline constexpr std::uint32_t kStateVersion = 2;

[[nodiscard]] std::string state_head(std::uint64_t hash_seed);
[[nodiscard]] std::uint64_t state_checksum(std::string_view bytes);
void append_u64(std::string& bytes, std::uint64_t value);

}  // namespace tocsin::detect::correlate
