#include "triage/prevalence.h"

#include <algorithm>
#include <deque>
#include <iterator>
#include <map>
#include <set>
#include <unordered_map>

#include "triage/joiner_keys.h"

namespace tocsin::triage {
namespace {

using model::Entity;
using model::EntityKind;
using model::EntityRole;

constexpr std::int64_t kDayNs = 86'400'000'000'000;
constexpr std::string_view kRule = "rule", kRuleOn = "rule on", kHosts = "hosts";

struct Hasher {
  std::size_t operator()(const KeyHash& key) const { return key.low; }
};

// Of one thing on one day.
struct DayEntry {
  std::vector<std::uint32_t> hosts;  // Sorted, at most kMaxHostsPerEntry.
  std::uint32_t findings = 0;

  void add_host(std::uint32_t host) {
    const auto at = std::lower_bound(hosts.begin(), hosts.end(), host);
    if (hosts.size() < kMaxHostsPerEntry && (at == hosts.end() || *at != host)) hosts.insert(at, host);
  }
};
using DayMap = std::unordered_map<KeyHash, DayEntry, Hasher>;
using Counts = std::unordered_map<KeyHash, Prevalence::Count, Hasher>;
using Addresses = std::unordered_map<KeyHash, std::string, Hasher>;

// Each day: the things, and the hosts of each tenant (all of them, as hashes).
struct Day {
  std::int64_t number = 0;
  DayMap things;
  std::map<std::string, std::set<std::uint32_t>, std::less<>> hosts;
};

std::string rule_and_host(std::string_view rule, std::string_view host) {
  std::string out(rule);
  out += '|';
  out += host;
  return out;
}

class Snapshot final : public Prevalence {
 public:
  Counts counts;
  std::map<std::string, std::uint32_t, std::less<>> hosts;
  std::shared_ptr<const Addresses> addresses;

  [[nodiscard]] Count rule(std::string_view tenant, std::string_view id) const override {
    return of(hash_key(tenant, kRule, id));
  }
  [[nodiscard]] Count rule_on(std::string_view tenant, std::string_view id, std::string_view host) const override {
    return of(hash_key(tenant, kRuleOn, rule_and_host(id, host)));
  }
  [[nodiscard]] Count entity(std::string_view tenant, EntityKind kind, std::string_view key) const override {
    return of(hash_key(tenant, model::to_string(kind), key));
  }
  [[nodiscard]] std::uint32_t host_count(std::string_view tenant) const override {
    const auto found = hosts.find(tenant);
    return found == hosts.end() ? 0 : found->second;
  }
  [[nodiscard]] std::string host_of(std::string_view tenant, std::string_view address) const override {
    if (addresses == nullptr) return {};
    const auto found = addresses->find(hash_key(tenant, kHosts, address));
    return found == addresses->end() ? std::string() : found->second;
  }

 private:
  [[nodiscard]] Count of(const KeyHash& key) const {
    const auto found = counts.find(key);
    return found == counts.end() ? Count{} : found->second;
  }
};

// Files count by their path: the same program is on many hosts.
std::string_view counted_key(const Entity& entity) {
  const std::string_view key = entity.key;
  return entity.kind == EntityKind::kFile ? key.substr(key.find('|') + 1) : key;
}

bool counts(EntityKind kind) {
  return kind != EntityKind::kProcess && kind != EntityKind::kSession && kind != EntityKind::kUrl &&
         kind != EntityKind::kService;
}

}  // namespace

struct CountedPrevalence::Impl {
  std::deque<Day> days;  // The last is being counted.
  Addresses addresses;
  std::shared_ptr<const Addresses> shared_addresses = std::make_shared<Addresses>();
  bool addresses_changed = false;
  std::shared_ptr<const Snapshot> snapshot = std::make_shared<Snapshot>();
  Stats stats;

  void count(Day& day, const KeyHash& key, const std::vector<std::uint64_t>& hosts) {
    auto found = day.things.find(key);
    if (found == day.things.end()) {
      if (day.things.size() >= kMaxEntriesPerDay) {
        ++stats.not_counted;
        return;
      }
      found = day.things.try_emplace(key).first;
    }
    ++found->second.findings;
    for (const std::uint64_t host : hosts) found->second.add_host(static_cast<std::uint32_t>(host));
  }

  void count_all(Day& day, const Finding& finding) {
    const std::vector<std::uint64_t> hosts = host_hashes(finding);
    count(day, hash_key(finding.tenant, kRule, finding.rule_id), hosts);
    if (const std::string_view place = place_of(finding); !place.empty())
      count(day, hash_key(finding.tenant, kRuleOn, rule_and_host(finding.rule_id, place)), hosts);
    for (const Entity& entity : finding.entities) {
      if (counts(entity.kind))
        count(day, hash_key(finding.tenant, model::to_string(entity.kind), counted_key(entity)), hosts);
    }
    std::set<std::uint32_t>& all = day.hosts[finding.tenant];
    for (const std::uint64_t host : hosts) {
      if (all.size() < kMaxEntriesPerDay) all.insert(static_cast<std::uint32_t>(host));
    }
  }

  void make_snapshot() {
    auto out = std::make_shared<Snapshot>();
    std::map<std::string, std::set<std::uint32_t>, std::less<>> hosts;
    std::unordered_map<KeyHash, std::vector<std::uint32_t>, Hasher> seen;
    for (std::size_t i = 0; i + 1 < days.size(); ++i) {
      for (const auto& [key, entry] : days[i].things) {
        Prevalence::Count& count = out->counts[key];
        count.findings += entry.findings;
        ++count.days;
        std::vector<std::uint32_t>& all = seen[key];
        std::vector<std::uint32_t> merged;
        std::set_union(all.begin(), all.end(), entry.hosts.begin(), entry.hosts.end(), std::back_inserter(merged));
        all = std::move(merged);
        count.hosts = static_cast<std::uint32_t>(all.size());
      }
      for (const auto& [tenant, names] : days[i].hosts) hosts[tenant].insert(names.begin(), names.end());
    }
    for (const auto& [tenant, names] : hosts) out->hosts[tenant] = static_cast<std::uint32_t>(names.size());
    if (addresses_changed) shared_addresses = std::make_shared<Addresses>(addresses);
    addresses_changed = false;
    out->addresses = shared_addresses;
    stats.entries = out->counts.size();
    snapshot = std::move(out);
  }

  // The day of the finding, no later than when it was received.
  bool advance(const Finding& finding) {
    if (!finding.event_time.known()) return false;
    core::Timestamp time = finding.event_time;
    if (finding.received_at.known()) time = std::min(time, finding.received_at);
    const std::int64_t day = time.ns / kDayNs - (time.ns % kDayNs < 0 ? 1 : 0);
    if (!days.empty() && day <= days.back().number) return false;
    const bool first = days.empty();
    days.emplace_back().number = day;
    while (days.front().number < day - kPrevalenceDays) days.pop_front();
    ++stats.days;
    if (!first) make_snapshot();
    return !first;
  }

  // Where a document names one host and its own address.
  void learn_from(const Finding& finding) {
    const Entity* host = nullptr;
    const Entity* address = nullptr;
    for (const Entity& entity : finding.entities) {
      if (entity.role != EntityRole::kAffected) continue;
      const Entity*& of = entity.kind == EntityKind::kHost ? host : address;
      if (entity.kind != EntityKind::kHost && entity.kind != EntityKind::kAddress) continue;
      if (of != nullptr) return;
      of = &entity;
    }
    if (host != nullptr && address != nullptr) learn(finding.tenant, address->key, host->key);
  }

  void learn(std::string_view tenant, std::string_view address, std::string_view host) {
    const KeyHash key = hash_key(tenant, kHosts, address);
    const auto found = addresses.find(key);
    if (found != addresses.end() ? found->second == host : addresses.size() >= kMaxAddressesKnown) return;
    addresses[key] = host;
    addresses_changed = true;
  }
};

CountedPrevalence::CountedPrevalence() : impl_(std::make_unique<Impl>()) {}
CountedPrevalence::~CountedPrevalence() = default;
CountedPrevalence::CountedPrevalence(CountedPrevalence&&) noexcept = default;

bool CountedPrevalence::add(const Finding& finding) {
  ++impl_->stats.findings;
  const bool changed = impl_->advance(finding);
  if (!impl_->days.empty()) impl_->count_all(impl_->days.back(), finding);
  impl_->learn_from(finding);
  return changed;
}

void CountedPrevalence::learn_address(std::string_view tenant, std::string_view address, std::string_view host) {
  const auto parsed = parse_address(address);
  const std::string key = host_key(host);
  if (parsed && !key.empty()) impl_->learn(tenant, to_text(*parsed), key);
}

void CountedPrevalence::refresh() { impl_->make_snapshot(); }
std::shared_ptr<const Prevalence> CountedPrevalence::snapshot() const { return impl_->snapshot; }

CountedPrevalence::Stats CountedPrevalence::stats() const {
  Stats out = impl_->stats;
  out.addresses = impl_->addresses.size();
  return out;
}

}  // namespace tocsin::triage
