// What events say of the addresses of their own hosts, for joining.
#include <algorithm>

#include "app/pipeline/row_binary.h"
#include "app/triage_runner.h"
#include "model/delivery.h"

namespace tocsin::app {
namespace {

constexpr std::size_t kMaxPairs = 10'000;  // Of one look, the last told first; the others are told again.
constexpr std::uint64_t kSeenAgain = 256;  // Deliveries before the newest: some become visible after it.
constexpr std::int64_t kAddressDayNs = 86'400'000'000'000;

}  // namespace

// Sysmon 3: its host began the connection, or took it. Security 5156: only what goes out says which end is the host's.
core::Result<std::size_t> TriageRunner::learn_addresses() {
  const core::Timestamp since{clock_.now().ns - kAddressDayNs};
  if (learned_to_ == 0) {
    const std::uint64_t position = desk_.position().sequence;
    learned_to_ = model::make_event_id(position - std::min(position, kSeenAgain), 0);
  }
  store::SqlText recent("id > ");
  recent.number(learned_to_) << " AND time >= toDateTime(";
  recent.number(since.ns / 1'000'000'000) << ", 'UTC')";
  store::SqlText newest("SELECT max(id) FROM events WHERE ");
  newest << recent;
  const auto last = TOCSIN_TRY(ask(newest.str(), 1));
  std::uint64_t newest_id = 0;
  if (std::string_view body = last.body; !take_u64(body, newest_id) || newest_id == 0) return std::size_t{0};

  store::SqlText sql(
      "SELECT tenant, any(site), own_host, address, toUInt64(max(ts)) AS told FROM (SELECT tenant, site, host AS own_host, "
      "ts, "
      "lower(attr.value[indexOf(attr.name, 'Initiated')]) AS initiated, attr.value[indexOf(attr.name, 'Direction')] AS "
      "direction, "
      "multiIf(event_code = '3' AND initiated = 'true', src_ip, event_code = '3' AND initiated = 'false', dst_ip, "
      "event_code = '5156' AND direction IN ('%%14593', 'Outbound'), src_ip, '') AS address "
      "FROM events PREWHERE event_code IN ('3', '5156') AND ");
  sql << recent << ") WHERE own_host != '' AND address != '' GROUP BY tenant, own_host, address ORDER BY told DESC LIMIT ";
  sql.number(kMaxPairs);
  const auto answer = TOCSIN_TRY(ask(sql.str(), kMaxPairs));
  std::vector<triage::OwnAddress> pairs;
  std::string_view rest = answer.body, tenant, site, host, address;
  std::uint64_t at = 0;
  while (take_string(rest, tenant) && take_string(rest, site) && take_string(rest, host) && take_string(rest, address) &&
         take_u64(rest, at)) {
    pairs.push_back(
        {std::string(tenant), std::string(site), std::string(host), std::string(address), {static_cast<std::int64_t>(at)}});
  }
  std::reverse(pairs.begin(), pairs.end());  // In order of time.
  const std::size_t fresh = TOCSIN_TRY(desk_.learn_addresses(pairs));
  const std::uint64_t sequence = model::event_sequence(newest_id);
  learned_to_ = std::max(learned_to_, model::make_event_id(sequence - std::min(sequence, kSeenAgain), 0));
  addresses_.add(fresh);
  return fresh;
}

}  // namespace tocsin::app
