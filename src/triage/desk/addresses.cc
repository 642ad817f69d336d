#include "triage/desk/addresses.h"

#include <algorithm>
#include <array>

#include "triage/desk/live_desk.h"
#include "triage/entity_names.h"

namespace tocsin::triage {
namespace {

constexpr std::size_t kMaxAddressesOfAnAsset = 32;
// That are looked at again when an address is news.
constexpr std::int64_t kMaxIncidentsLinked = 20, kMaxMembersLinked = 200;
constexpr std::size_t kMaxFindingsLinked = 200;

std::string place(std::string_view tenant, std::string_view address) {
  return std::string(tenant) + '\n' + std::string(address);
}

}  // namespace

AddressOwners::Told AddressOwners::tell(std::string_view tenant, std::string_view address, std::string_view host,
                                        core::Timestamp at) {
  const std::string key = place(tenant, address);
  const auto found = owners_.find(key);
  if (found == owners_.end()) {
    if (owners_.size() >= kMaxAddressesKnown) return Told::kKnown;
    owners_.emplace(key, Owner{std::string(host), at, core::kNoTime});
    return Told::kNew;
  }
  Owner& owner = found->second;
  if (owner.host == host) {
    owner.at.ns = std::max(owner.at.ns, at.ns);
    if (!owner.other_at.known()) return Told::kKnown;
    if (owner.at.ns - owner.other_at.ns <= kAddressMovesNs) return Told::kShared;
    owner.other_at = core::kNoTime;
    return Told::kNew;
  }
  if (at.ns < owner.at.ns - kAddressMovesNs) return Told::kKnown;  // An old word of an earlier owner.
  const bool moved = at.ns - owner.at.ns > kAddressMovesNs;
  owner = {std::string(host), at, moved ? core::kNoTime : owner.at};
  return moved ? Told::kNew : Told::kShared;
}

void AddressOwners::forget(std::string_view tenant, std::string_view address) { owners_.erase(place(tenant, address)); }

bool tells_of_one_host(std::string_view address) {
  static const std::array<Network, 9> kOfMany = [] {
    std::array<Network, 9> out;
    constexpr std::array kTexts{"127.0.0.0/8", "0.0.0.0/8", "169.254.0.0/16", "224.0.0.0/3",       "::1/128",
                                "::/128",      "fe80::/10", "ff00::/8",       "255.255.255.255/32"};
    for (std::size_t i = 0; i < kTexts.size(); ++i) out[i] = parse_network(kTexts[i]).value();
    return out;
  }();
  const auto parsed = parse_address(address);
  return parsed && std::ranges::none_of(kOfMany, [&](const Network& network) { return network.contains(*parsed); });
}

void LiveDesk::tell_address(const OwnAddress& one) {
  switch (owners_.tell(one.tenant, one.address, one.host, one.at)) {
    case AddressOwners::Told::kKnown: return;
    case AddressOwners::Told::kNew: counted_->learn_address(one.tenant, one.address, one.host); return;
    case AddressOwners::Told::kShared: counted_->forget_address(one.tenant, one.address);
  }
}

void LiveDesk::use_addresses() {
  if (!counted_->refresh()) return;
  prevalence_ = counted_->snapshot();
  joiner_->set_prevalence(prevalence_);
}

core::Result<std::size_t> LiveDesk::learn_addresses(std::span<const OwnAddress> told) {
  std::vector<ledger::Incident> changed;
  const std::size_t news = TOCSIN_TRY(learn_addresses(told, changed));
  if (publish_) {
    for (const ledger::Incident& incident : changed) publish_(incident);
  }
  return news;
}

core::Result<std::size_t> LiveDesk::learn_addresses(std::span<const OwnAddress> told,
                                                    std::vector<ledger::Incident>& changed) {
  const core::Lock lock(mutex_);
  if (!joiner_) TOCSIN_TRY(rebuild());
  std::vector<OwnAddress> fresh;
  for (const OwnAddress& raw : told) {
    const auto parsed = parse_address(raw.address);
    OwnAddress one = raw;
    one.host = host_key(raw.host);
    if (!parsed || one.host.empty() || one.host.size() > ledger::kMaxEntityBytes || !tells_of_one_host(raw.address))
      continue;
    one.address = to_text(*parsed);
    const auto known = owners_.tell(one.tenant, one.address, one.host, one.at);
    if (known == AddressOwners::Told::kShared) counted_->forget_address(one.tenant, one.address);
    if (known != AddressOwners::Told::kNew) continue;
    counted_->learn_address(one.tenant, one.address, one.host);
    fresh.push_back(std::move(one));
  }
  use_addresses();
  if (fresh.empty()) return fresh.size();
  auto done = transact_locked(
      [&](Tables& tables, Batch& batch) NO_THREAD_CHECK -> core::Result<void> {
        for (const OwnAddress& one : fresh) {
          TOCSIN_TRY(add_address(tables, one));
          TOCSIN_TRY(link_again(tables, batch, one));
        }
        batch.after.emplace_back([this, &batch](Joiner&) { merged_.add(batch.counts.merged); });
        return {};
      },
      true);
  if (!done.ok()) {
    for (const OwnAddress& one : fresh) owners_.forget(one.tenant, one.address);  // Written when it is told again.
    return done.error();
  }
  changed = std::move(done->changed);
  return fresh.size();
}

// Findings that spoke of an address before anybody said whose it is.
core::Result<void> LiveDesk::link_again(Tables& tables, Batch& batch, const OwnAddress& one) {
  std::size_t looked_at = 0;
  for (const Number id :
       TOCSIN_TRY(tables.incidents_of(one.tenant, model::EntityKind::kAddress, one.address, kMaxIncidentsLinked))) {
    const auto row = TOCSIN_TRY(tables.incident(id));
    if (!row || row->merged_into != 0 || row->state == model::IncidentState::kClosed) continue;
    for (const ledger::IncidentMember& member : TOCSIN_TRY(tables.members(id, kMaxMembersLinked, 0))) {
      const auto body = TOCSIN_TRY(tables.joining(member.finding));
      if (!body) continue;
      const Finding finding = TOCSIN_TRY(read_body(*body, member, one.tenant));
      if (std::ranges::none_of(finding.entities, [&](const model::Entity& entity) {
            return entity.kind == model::EntityKind::kAddress && entity.key == one.address;
          }))
        continue;
      const Join join = joiner_->again(finding, id);
      for (const IncidentId from : join.merged) {
        const std::string why = join.reasons.empty() ? "" : join.reasons.front().text;
        TOCSIN_TRY(merge_rows(tables, batch, join.incident, from, why, "engine"));
        ++batch.counts.merged;
      }
      if (++looked_at >= kMaxFindingsLinked) return {};
    }
  }
  return {};
}

core::Result<void> LiveDesk::add_address(Tables& tables, const OwnAddress& one) {
  auto row = TOCSIN_TRY(tables.asset(one.tenant, model::EntityKind::kHost, one.host));
  ledger::Asset asset;
  if (row) {
    asset = std::move(*row);
  } else {
    asset.tenant = one.tenant;
    asset.site = ledger_text(one.site, ledger::kMaxNameBytes);
    asset.kind = model::EntityKind::kHost;
    asset.key = asset.label = one.host;
    asset.changed_by = "engine";
    asset.first_seen = one.at;
  }
  std::erase(asset.addresses, one.address);
  asset.addresses.insert(asset.addresses.begin(), one.address);
  if (asset.addresses.size() > kMaxAddressesOfAnAsset) asset.addresses.resize(kMaxAddressesOfAnAsset);
  asset.last_seen.ns = std::max(asset.last_seen.ns, one.at.ns);
  asset.changed_at = clock_.now();
  const auto put = tables.put_asset(asset);
  // The register is full: joining knows the address all the same.
  if (!put.ok() && put.error().code != core::ErrorCode::kLimit) return put.error();
  return {};
}

}  // namespace tocsin::triage
