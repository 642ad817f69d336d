#include "triage/prevalence.h"

#include <algorithm>
#include <boost/container/small_vector.hpp>
#include <deque>
#include <iterator>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <unordered_map>

#include "triage/joiner_keys.h"

namespace tocsin::triage {
namespace {

using model::Entity;
using model::EntityKind;
using model::EntityRole;

constexpr std::int64_t kDayNs = 86'400'000'000'000;
constexpr std::size_t kPreparedPerFinding = 64;  // Of earlier days, towards the next snapshot.
constexpr std::string_view kRule = "rule", kRuleOn = "rule on", kHosts = "hosts";

struct Hasher {
  std::size_t operator()(const KeyHash& key) const { return key.low; }
};

// Hosts as hashes, sorted. Most things are of one host.
using HostSet = boost::container::small_vector<std::uint32_t, 2>;

// Of one thing on one day.
struct DayEntry {
  HostSet hosts;  // At most kMaxHostsPerEntry.
  std::uint32_t findings = 0;

  void add_host(std::uint32_t host) {
    const auto at = std::lower_bound(hosts.begin(), hosts.end(), host);
    if (hosts.size() < kMaxHostsPerEntry && (at == hosts.end() || *at != host)) hosts.insert(at, host);
  }
};
using DayMap = std::unordered_map<KeyHash, DayEntry, Hasher>;
using HostCounts = std::map<std::string, std::uint32_t, std::less<>>;
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

// Several days as one.
struct Sum {
  struct Entry {
    HostSet hosts;
    Prevalence::Count count;
  };
  std::unordered_map<KeyHash, Entry, Hasher> things;
  std::map<std::string, std::set<std::uint32_t>, std::less<>> hosts;

  void add(const KeyHash& key, const DayEntry& day) {
    Entry& entry = things[key];
    entry.count.findings += day.findings;
    ++entry.count.days;
    if (!std::ranges::includes(entry.hosts, day.hosts)) {
      HostSet merged;
      merged.reserve(entry.hosts.size() + day.hosts.size());
      std::ranges::set_union(entry.hosts, day.hosts, std::back_inserter(merged));
      entry.hosts = std::move(merged);
    }
    entry.count.hosts = static_cast<std::uint32_t>(entry.hosts.size());
  }
};

class Snapshot final : public Prevalence {
 public:
  std::shared_ptr<const Sum> sum = std::make_shared<Sum>();
  std::shared_ptr<const HostCounts> hosts = std::make_shared<HostCounts>();
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
    const auto found = hosts->find(tenant);
    return found == hosts->end() ? 0 : found->second;
  }
  [[nodiscard]] std::string host_of(std::string_view tenant, std::string_view address) const override {
    if (addresses == nullptr) return {};
    const auto found = addresses->find(hash_key(tenant, kHosts, address));
    return found == addresses->end() ? std::string() : found->second;
  }

 private:
  [[nodiscard]] Count of(const KeyHash& key) const {
    const auto found = sum->things.find(key);
    return found == sum->things.end() ? Count{} : found->second.count;
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
  std::shared_ptr<const Sum> sum = std::make_shared<Sum>();  // Of the full days.
  std::shared_ptr<const HostCounts> host_counts = std::make_shared<HostCounts>();
  std::shared_ptr<const Snapshot> snapshot = std::make_shared<Snapshot>();
  // Of the day after the one that is being counted: days before `next_day` are in it, of that one what is before
  // `next_entry`.
  std::shared_ptr<Sum> next = std::make_shared<Sum>();
  std::size_t next_day = 0;
  std::optional<DayMap::const_iterator> next_entry;
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

  // Of the next snapshot, the full days that it will have in any case are summed up little by little, so that the first
  // finding of a day does not wait for all of them.
  void prepare(std::int64_t for_day, std::size_t entries) {
    for (; next_day + 1 < days.size() && entries > 0; ++next_day, next_entry.reset()) {
      const Day& day = days[next_day];
      if (day.number < for_day - kPrevalenceDays) continue;
      if (!next_entry) {
        for (const auto& [tenant, names] : day.hosts) next->hosts[tenant].insert(names.begin(), names.end());
        next_entry = day.things.begin();
      }
      for (; *next_entry != day.things.end() && entries > 0; ++*next_entry, --entries)
        next->add((*next_entry)->first, (*next_entry)->second);
      if (*next_entry != day.things.end()) return;
    }
  }
  void forget_prepared() {
    next = std::make_shared<Sum>();
    next_day = 0;
    next_entry.reset();
  }

  void end_day(std::int64_t day) {
    // What was prepared is of the day after; where days were left out, some of it is too old.
    if (day != days.back().number + 1) forget_prepared();
    days.emplace_back().number = day;
    while (days.front().number < day - kPrevalenceDays) {
      days.pop_front();
      if (next_day == 0) {
        next_entry.reset();
      } else {
        --next_day;
      }
    }
    prepare(day, std::numeric_limits<std::size_t>::max());
    auto counts = std::make_shared<HostCounts>();
    for (const auto& [tenant, names] : next->hosts) (*counts)[tenant] = static_cast<std::uint32_t>(names.size());
    stats.entries = next->things.size();
    sum = std::move(next);
    host_counts = std::move(counts);
    forget_prepared();
    publish();
  }

  void publish() {
    auto out = std::make_shared<Snapshot>();
    if (addresses_changed) shared_addresses = std::make_shared<Addresses>(addresses);
    addresses_changed = false;
    out->sum = sum;
    out->hosts = host_counts;
    out->addresses = shared_addresses;
    snapshot = std::move(out);
  }

  // The day of the finding, no later than when it was received.
  bool advance(const Finding& finding) {
    if (!finding.event_time.known()) return false;
    core::Timestamp time = finding.event_time;
    if (finding.received_at.known()) time = std::min(time, finding.received_at);
    const std::int64_t day = time.ns / kDayNs - (time.ns % kDayNs < 0 ? 1 : 0);
    if (!days.empty() && day <= days.back().number) return false;
    ++stats.days;
    if (days.empty()) {
      days.emplace_back().number = day;
      return false;
    }
    end_day(day);
    return true;
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

  void forget(std::string_view tenant, std::string_view address) {
    if (addresses.erase(hash_key(tenant, kHosts, address)) > 0) addresses_changed = true;
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
  if (!impl_->days.empty()) impl_->prepare(impl_->days.back().number + 1, kPreparedPerFinding);
  return changed;
}

void CountedPrevalence::learn_address(std::string_view tenant, std::string_view address, std::string_view host) {
  const auto parsed = parse_address(address);
  const std::string key = host_key(host);
  if (parsed && !key.empty()) impl_->learn(tenant, to_text(*parsed), key);
}

void CountedPrevalence::forget_address(std::string_view tenant, std::string_view address) {
  if (const auto parsed = parse_address(address)) impl_->forget(tenant, to_text(*parsed));
}

bool CountedPrevalence::refresh() {
  if (!impl_->addresses_changed) return false;
  impl_->publish();
  return true;
}
std::shared_ptr<const Prevalence> CountedPrevalence::snapshot() const { return impl_->snapshot; }

CountedPrevalence::Stats CountedPrevalence::stats() const {
  Stats out = impl_->stats;
  out.addresses = impl_->addresses.size();
  return out;
}

}  // namespace tocsin::triage
