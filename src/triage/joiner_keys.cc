#include "triage/joiner_keys.h"

#include <algorithm>
#include <cstring>

#include "core/text.h"

namespace tocsin::triage {
namespace {

using model::Entity;
using model::EntityKind;
using model::EntityRole;

std::uint64_t mix(std::uint64_t a, std::uint64_t b) {
  const auto product = static_cast<unsigned __int128>(a) * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

std::uint64_t hash_text(std::string_view text, std::uint64_t seed) {
  constexpr std::uint64_t kFirst = 0x9e3779b97f4a7c15, kSecond = 0xd6e8feb86659fd93;
  std::uint64_t state = mix(seed ^ kFirst, text.size() + kSecond);
  while (!text.empty()) {
    std::array<std::uint64_t, 2> words{};
    const std::size_t size = std::min(text.size(), sizeof words);
    std::memcpy(words.data(), text.data(), size);
    state = mix(words[0] ^ kFirst ^ state, words[1] ^ kSecond ^ (state >> 32) ^ seed);
    text.remove_prefix(size);
  }
  return mix(state ^ kSecond, kFirst);
}

// "name (pid)" of a process entity's label.
struct NameAndPid {
  std::string name, pid;
};
NameAndPid parse_label(std::string_view label) {
  constexpr std::string_view kBare = "pid ";
  const std::size_t open = label.rfind(" (");
  if (open != std::string_view::npos && label.ends_with(')'))
    return {core::ascii_lower(label.substr(0, open)), std::string(label.substr(open + 2, label.size() - open - 3))};
  if (label.starts_with(kBare)) return {"", std::string(label.substr(kBare.size()))};
  return {core::ascii_lower(label), ""};
}

class Keys {
 public:
  Keys(const Finding& finding, const JoinPolicy& policy, const Prevalence& prevalence)
      : finding_(finding), policy_(policy), prevalence_(prevalence), common_(is_common_rule()) {}

  std::vector<LinkKey> take() {
    for (std::uint32_t i = 0; i < finding_.entities.size() && out_.size() < kMaxLinkKeys; ++i) {
      at_ = i;
      of_entity(finding_.entities[i]);
    }
    return std::move(out_);
  }

 private:
  // On many hosts: everywhere. Day after day on this one: here.
  bool is_common_rule() const {
    const JoinPolicy::CommonRule& limit = policy_.common_rule;
    const std::string_view place = place_of(finding_);
    const Prevalence::Count all = prevalence_.rule(finding_.tenant, finding_.rule_id);
    const Prevalence::Count here = place.empty() ? all : prevalence_.rule_on(finding_.tenant, finding_.rule_id, place);
    if (here.days >= limit.days || all.hosts >= limit.max_hosts) return true;
    const double share = limit.share * prevalence_.host_count(finding_.tenant);
    return all.hosts >= limit.hosts && static_cast<double>(all.hosts) >= share;
  }

  // Not seen on more hosts or days than the policy has for that kind.
  bool is_rare(LinkKind kind, EntityKind entity, std::string_view key) const {
    const Prevalence::Count count = prevalence_.entity(finding_.tenant, entity, key);
    const JoinPolicy::Rare& limit = policy_.rare_of(kind);
    return count.hosts <= limit.hosts && count.days <= limit.days;
  }

  void add(LinkKind kind, std::string_view key) {
    const JoinPolicy::Kind& of = policy_.kind(kind);
    if (of.window_ns == 0 || finding_.severity_id < of.min_severity || (common_ && !of.common_rules)) return;
    if (out_.size() == kMaxLinkKeys) return;
    const KeyHash hash = hash_key(finding_.tenant, name_of(kind), key);
    for (const LinkKey& other : out_) {
      if (other.hash == hash) return;
    }
    out_.push_back({hash, kind, at_});
  }

  void of_entity(const Entity& entity) {
    switch (entity.kind) {
      case EntityKind::kHost: return of_host(entity.key, entity.role);
      case EntityKind::kUser: return of_user(entity);
      case EntityKind::kAddress: return of_address(entity);
      case EntityKind::kDomain: return of_domain(entity);
      case EntityKind::kFileHash: return of_hash(entity);
      case EntityKind::kFile: return of_file(entity);
      case EntityKind::kProcess: return of_process(entity);
      case EntityKind::kSession: return of_session(entity);
      case EntityKind::kCloudResource:
        if (entity.role == EntityRole::kAffected) add(LinkKind::kCloudAccount, entity.key);
        return;
      case EntityKind::kUrl:
      case EntityKind::kService: return;
    }
  }

  // A finding is on a host, or speaks of one at the other end of a connection. Those on one host within minutes are linked
  // by the kind "host" anyway, so one key for both ends links nothing more than it should.
  void of_host(std::string_view key, EntityRole role) {
    if (key.empty() || policy_.never_hosts.contains(key)) return;
    const bool on = role == EntityRole::kAffected;
    if (on) add(LinkKind::kHost, key);
    // What a common rule finds on a host is no effect of a connection; what it says of the other end may be.
    if (on ? !common_ && finding_.severity_id >= policy_.kind(LinkKind::kHost).min_severity
           : role == EntityRole::kSource || role == EntityRole::kDestination) {
      if (is_rare(LinkKind::kConnection, EntityKind::kHost, key)) add(LinkKind::kConnection, key);
    }
  }

  bool never(std::string_view user) const {
    const std::string_view name = user.substr(0, user.find('@'));
    if (name.empty() || policy_.never_users.contains(name) || policy_.never_users.contains(user)) return true;
    for (const std::string& suffix : policy_.never_user_suffixes) {
      if (name.ends_with(suffix)) return true;
    }
    for (const std::string& prefix : policy_.never_user_prefixes) {
      // A SID's prefix ends where a number ends: s-1-5-1 is not the beginning of s-1-5-18.
      const bool sid = prefix.starts_with("s-1-");
      if (name.starts_with(prefix) && (!sid || name.size() == prefix.size() || name[prefix.size()] == '-')) return true;
    }
    return false;
  }

  void of_user(const Entity& entity) {
    if (entity.role == EntityRole::kRelated) return;
    if (entity.key.starts_with("s-1-") && !entity.key.starts_with("s-1-5-21-") && !entity.key.starts_with("s-1-12-1-"))
      return;
    const std::size_t slash = entity.label.find('\\');
    const std::string name =
        core::ascii_lower(std::string_view(entity.label).substr(slash == std::string::npos ? 0 : slash + 1));
    if (never(entity.key) || (!name.empty() && never(name))) return;
    link_user(entity.key);
    // The same person by name, for sources that do not know the SID.
    if (entity.key.starts_with("s-1-") && slash != std::string::npos)
      link_user(name + "@" + core::ascii_lower(std::string_view(entity.label).substr(0, slash)));
  }

  void link_user(std::string_view key) {
    if (is_rare(LinkKind::kUser, EntityKind::kUser, key)) add(LinkKind::kUser, key);
    if (!is_rare(LinkKind::kUserOnHost, EntityKind::kUser, key)) return;
    for (const Entity& host : finding_.entities) {
      if (host.kind == EntityKind::kHost && host.role == EntityRole::kAffected && !policy_.never_hosts.contains(host.key))
        add(LinkKind::kUserOnHost, std::string(key) + "|" + host.key);
    }
  }

  void of_address(const Entity& entity) {
    const auto address = parse_address(entity.key);
    if (!address) return;
    const auto in = [&](const std::vector<Network>& networks) {
      return std::any_of(networks.begin(), networks.end(), [&](const Network& one) { return one.contains(*address); });
    };
    if (in(policy_.never_networks)) return;
    const std::string host = prevalence_.host_of(finding_.tenant, entity.key);
    // By its address too: what was found before anybody said whose it is knows no other name.
    if (!host.empty()) of_host(host, entity.role);
    const LinkKind kind = in(policy_.internal_networks) ? LinkKind::kInternalAddress : LinkKind::kAddress;
    if (kind == LinkKind::kInternalAddress && entity.role == EntityRole::kAffected) add(LinkKind::kHost, entity.key);
    if (is_rare(kind, entity.kind, entity.key)) add(kind, entity.key);
  }

  void of_domain(const Entity& entity) {
    for (std::string_view rest = entity.key; !rest.empty();) {
      if (policy_.never_domains.contains(rest)) return;
      const std::size_t dot = rest.find('.');
      rest = dot == std::string_view::npos ? std::string_view() : rest.substr(dot + 1);
    }
    if (is_rare(LinkKind::kDomain, entity.kind, entity.key)) add(LinkKind::kDomain, entity.key);
  }

  // Programs of the system or of a product are on every host, however seldom a finding speaks of one.
  bool is_installed(std::string_view path) const {
    return std::any_of(policy_.never_installed.begin(), policy_.never_installed.end(),
                       [&](const std::string& folder) { return path.starts_with(folder); });
  }
  static std::string_view path_of(const Entity& file) { return std::string_view(file.key).substr(file.key.find('|') + 1); }

  // A hash is that of the file in the same role.
  void of_hash(const Entity& entity) {
    if (policy_.never_hashes.contains(entity.key) || !is_rare(LinkKind::kHash, entity.kind, entity.key)) return;
    for (const Entity& file : finding_.entities) {
      if (file.kind == EntityKind::kFile && file.role == entity.role && is_installed(path_of(file))) return;
    }
    add(LinkKind::kHash, entity.key);
  }

  // The path counts over all hosts: the same program is where it is installed.
  void of_file(const Entity& entity) {
    const std::string_view path = path_of(entity);
    if (entity.role == EntityRole::kAffected && is_installed(path)) return;
    if (policy_.never_processes.contains(base_name(path))) return;
    if (is_rare(LinkKind::kFile, EntityKind::kFile, path)) add(LinkKind::kFile, entity.key);
  }

  void of_process(const Entity& entity) {
    if (entity.role == EntityRole::kTarget) return;  // What was opened is opened by many.
    const std::string_view key = entity.key;
    const std::size_t bar = key.find('|');
    if (bar == std::string_view::npos) return;
    const auto [name, pid] = parse_label(entity.label);
    if (policy_.never_processes.contains(name)) return;
    constexpr std::size_t kLongestFirstPid = 1;  // 0-9: the kernel, init, System: they start everything.
    if (!pid.empty() && pid.size() <= kLongestFirstPid) return;
    const std::string_view id = key.substr(bar + 1);
    const std::string host(key.substr(0, bar));
    const bool by_pid = !pid.empty() && (id == pid || id.substr(0, id.find('|')) == pid);
    if (!by_pid) add(LinkKind::kProcess, key);
    if (pid.empty()) return;
    if (!name.empty()) add(LinkKind::kProcessPid, host + "|" + pid + "|" + name);
    add(LinkKind::kProcessBare, host + "|" + pid);
  }

  void of_session(const Entity& entity) {
    const std::string_view id = std::string_view(entity.key).substr(entity.key.find('|') + 1);
    if (policy_.never_sessions.contains(id)) return;
    add(LinkKind::kSessionNear, entity.key);
    add(LinkKind::kSession, entity.key);
  }

  const Finding& finding_;
  const JoinPolicy& policy_;
  const Prevalence& prevalence_;
  const bool common_;
  std::uint32_t at_ = 0;
  std::vector<LinkKey> out_;
};

}  // namespace

KeyHash hash_key(std::string_view tenant, std::string_view kind, std::string_view key) {
  constexpr std::uint64_t kHigh = 0x243f6a8885a308d3, kLow = 0x13198a2e03707344;
  const auto all = [&](std::uint64_t seed) { return hash_text(key, mix(hash_text(tenant, seed), hash_text(kind, ~seed))); };
  return {all(kHigh), all(kLow)};
}

std::vector<LinkKey> link_keys(const Finding& finding, const JoinPolicy& policy, const Prevalence& prevalence) {
  if (!finding.event_time.known()) return {};
  return Keys(finding, policy, prevalence).take();
}

std::string_view place_of(const Finding& finding) {
  const auto rank = [](const Entity& entity) {
    const bool affected = entity.role == EntityRole::kAffected;
    if (entity.kind == EntityKind::kHost && affected) return 0;
    if (entity.kind == EntityKind::kAddress && affected) return 1;
    if (entity.kind == EntityKind::kUser && entity.role == EntityRole::kActor) return 2;
    return entity.kind == EntityKind::kAddress && entity.role == EntityRole::kSource ? 3 : 4;
  };
  const Entity* best = nullptr;
  for (const Entity& entity : finding.entities) {
    if (rank(entity) < (best == nullptr ? 4 : rank(*best))) best = &entity;
  }
  return best == nullptr ? std::string_view() : std::string_view(best->key);
}

std::vector<std::uint64_t> host_hashes(const Finding& finding) {
  std::vector<std::uint64_t> out;
  for (const Entity& entity : finding.entities) {
    if (entity.kind == EntityKind::kHost && entity.role == EntityRole::kAffected && out.size() < kMaxLinkKeys)
      out.push_back(hash_text(entity.key, 1));
  }
  return out;
}

}  // namespace tocsin::triage
