// Any document: read or refused, entities and relations within their bounds, and the joiner takes it.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "triage/entity_list.h"
#include "triage/joiner_keys.h"

namespace {

void check(bool holds) {
  if (!holds) std::abort();
}

constexpr std::string_view kPolicy = R"(
kinds: {process: {window: 1h, weight: 1}, process_pid: {window: 1h, weight: 1}, process_bare: {window: 1h, weight: 1},
  session_near: {window: 1h, weight: 1}, session: {window: 1h, weight: 1}, hash: {window: 1h, weight: 1}, file: {window: 1h, weight: 1},
  connection: {window: 1h, weight: 1}, address: {window: 1h, weight: 1}, internal_address: {window: 1h, weight: 1},
  domain: {window: 1h, weight: 1}, user_on_host: {window: 1h, weight: 1}, user: {window: 1h, weight: 1},
  cloud_account: {window: 1h, weight: 1}, host: {window: 1h, weight: 1}}
common_rule: {days: 3, hosts: 5, share: 0.1, max_hosts: 50}
rare: {address: &r {hosts: 3, days: 3}, internal_address: *r, domain: *r, hash: *r, file: *r, user: *r, user_on_host: *r, connection: *r}
max_reasons: 4
internal_networks: [10.0.0.0/8]
never: {users: [system]}
)";

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tocsin::triage;  // NOLINT(google-build-using-namespace)
  Finding finding;
  if (!read_finding({reinterpret_cast<const char*>(data), size}, finding).ok()) return 0;
  check(finding.entities.size() <= kMaxEntities && finding.relations.size() <= kMaxRelations);
  for (const auto& entity : finding.entities) check(!entity.key.empty() && entity.key.size() <= kMaxKeyBytes);
  for (const auto& relation : finding.relations)
    check(relation.from < finding.entities.size() && relation.to < finding.entities.size() && relation.from != relation.to);
  static const auto policy = read_join_policy(kPolicy, "policy");
  check(policy.ok());
  IncidentId last = 0;
  Joiner joiner(*policy, nullptr, [&] { return ++last; });
  check(joiner.add(finding).opened);
  const Join again = joiner.add(finding);
  check(!again.reasons.empty() && again.incident >= 1);
  return 0;
}
