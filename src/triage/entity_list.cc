#include "triage/entity_list.h"

#include <algorithm>

#include "core/text.h"
#include "core/yaml.h"
#include "triage/entity_names.h"

namespace tocsin::triage {
namespace {

using model::EntityKind;
using model::EntityRole;

bool says_nothing(std::string_view text) {
  return text.empty() || text == "-" || core::equal_ascii_case(text, "unknown") || core::equal_ascii_case(text, "n/a");
}

bool is_sid(std::string_view text) { return text.size() > 4 && core::equal_ascii_case(text.substr(0, 4), "S-1-"); }

bool is_hex(std::string_view text) { return text.find_first_not_of("0123456789abcdefABCDEF") == std::string_view::npos; }

std::size_t hash_digits(std::string_view algorithm) {
  return algorithm == "md5" ? 32 : algorithm == "sha1" ? 40 : algorithm == "sha256" ? 64 : algorithm == "sha512" ? 128 : 0;
}

}  // namespace

EntityList::Index EntityList::add(EntityKind kind, EntityRole role, std::string key, std::string_view label) {
  if (key.empty() || key.size() > kMaxKeyBytes) return std::nullopt;
  for (std::uint32_t i = 0; i < out_.entities.size(); ++i) {
    if (out_.entities[i].kind == kind && out_.entities[i].key == key) return i;
  }
  if (out_.entities.size() == kMaxEntities) return std::nullopt;
  out_.entities.push_back({kind, role, std::move(key), core::clip(label, kMaxLabelBytes)});
  return static_cast<std::uint32_t>(out_.entities.size() - 1);
}

void EntityList::set_device(std::string_view name) {
  device_ = host_key(name);
  const std::size_t dot = name.find('.');
  device_domain_ = device_.empty() || dot == std::string_view::npos ? "" : core::ascii_lower(name.substr(dot));
}

EntityList::Index EntityList::host(std::string_view name, EntityRole role) {
  const std::string key = host_key(name);
  return add(EntityKind::kHost, role, key, name.substr(0, name.find('.')));
}

EntityList::Index EntityList::address(std::string_view text, EntityRole role) {
  const auto address = parse_address(text);
  if (!address) return std::nullopt;
  const std::string key = to_text(*address);
  return add(EntityKind::kAddress, role, key, key);
}

EntityList::Index EntityList::host_or_address(std::string_view text, EntityRole role) {
  const Index index = address(text, role);
  return index ? index : host(text, role);
}

EntityList::Index EntityList::name(std::string_view name, EntityRole role) {
  while (!name.empty() && name.back() == '.') name.remove_suffix(1);
  if (says_nothing(name)) return std::nullopt;
  if (const Index index = address(name, role)) return index;
  const std::string lower = core::ascii_lower(name);
  const bool own = !device_domain_.empty() && lower.ends_with(device_domain_);
  if (name.find('.') == std::string_view::npos || own) return host(name, role);
  if (name.size() > 253 || name.find_first_of(" |/\\\"'") != std::string_view::npos) return std::nullopt;
  return add(EntityKind::kDomain, role, lower, name);
}

EntityList::Index EntityList::user(const User& user, EntityRole role) {
  std::string_view name = user.name, domain = user.domain;
  if (const std::size_t slash = name.find('\\'); slash != std::string_view::npos) {
    domain = name.substr(0, slash);
    name = name.substr(slash + 1);
  }
  if (says_nothing(name)) name = {};
  if (says_nothing(domain) || domain == ".") domain = {};
  const std::string label =
      domain.empty() || name.empty() ? std::string(name) : std::string(domain) + "\\" + std::string(name);
  if (is_sid(user.uid)) return add(EntityKind::kUser, role, core::ascii_lower(user.uid), label.empty() ? user.uid : label);
  if (user.uid.starts_with("arn:"))
    return add(EntityKind::kUser, role, std::string(user.uid), name.empty() ? user.uid : name);
  if (!says_nothing(user.email)) return add(EntityKind::kUser, role, core::ascii_lower(user.email), user.email);
  if (name.find('@') != std::string_view::npos) return add(EntityKind::kUser, role, core::ascii_lower(name), name);
  const bool local = domain.empty() || host_key(domain) == device_ || core::equal_ascii_case(domain, "NT AUTHORITY");
  if (name.empty()) {
    if (says_nothing(user.uid) || device_.empty()) return std::nullopt;
    return add(EntityKind::kUser, role, core::ascii_lower(user.uid) + "@" + device_, user.uid);
  }
  std::string key = core::ascii_lower(name);
  if (!local)
    key += "@" + core::ascii_lower(domain);
  else if (!device_.empty())
    key += "@" + device_;
  return add(EntityKind::kUser, role, std::move(key), label);
}

EntityList::Index EntityList::process(const Process& process, EntityRole role) {
  if (device_.empty()) return std::nullopt;
  std::string_view name = says_nothing(process.name) ? base_name(process.path) : base_name(process.name);
  const std::string pid = process.pid ? std::to_string(*process.pid) : "";
  std::string label(name);
  if (!pid.empty()) label = name.empty() ? "pid " + pid : label + " (" + pid + ")";
  constexpr std::size_t kLeastUidBytes = 8;
  std::string key = device_ + "|";
  if (!says_nothing(process.uid) && process.uid.size() >= kLeastUidBytes &&
      process.uid.find_first_not_of("{}0-") != std::string_view::npos) {
    key += core::ascii_lower(process.uid);
  } else if (!pid.empty()) {
    key += pid;
    if (process.created_ms) key += "|" + std::to_string(*process.created_ms);
  } else {
    return std::nullopt;
  }
  return add(EntityKind::kProcess, role, std::move(key), label);
}

EntityList::Index EntityList::session(std::string_view uid) {
  if (device_.empty() || says_nothing(uid)) return std::nullopt;
  const std::string lower = core::ascii_lower(uid);
  return add(EntityKind::kSession, EntityRole::kRelated, device_ + "|" + lower, uid);
}

EntityList::Index EntityList::hash(std::string_view algorithm, std::string_view value, EntityRole role) {
  std::string name = core::ascii_lower(algorithm);
  std::erase(name, '-');
  if (hash_digits(name) == 0 || value.size() != hash_digits(name) || !is_hex(value)) return std::nullopt;
  return add(EntityKind::kFileHash, role, name + ":" + core::ascii_lower(value), value);
}

EntityList::Index EntityList::file(std::string_view path, EntityRole role) {
  if (path.find_first_of("/\\") == std::string_view::npos) return std::nullopt;  // A bare name is the name of many.
  return of_host(EntityKind::kFile, path, role);
}

EntityList::Index EntityList::of_host(EntityKind kind, std::string_view name, EntityRole role) {
  if (device_.empty() || says_nothing(name)) return std::nullopt;
  // Windows does not tell case apart; a path of Linux begins with '/'.
  const bool exact = name.front() == '/';
  return add(kind, role, device_ + "|" + (exact ? std::string(name) : core::ascii_lower(name)), name);
}

EntityList::Index EntityList::plain(EntityKind kind, std::string_view key, std::string_view label, EntityRole role) {
  if (says_nothing(key)) return std::nullopt;
  return add(kind, role, std::string(key), label);
}

void EntityList::relate(Finding::Relation::Kind kind, Index from, Index to) {
  if (!from || !to || *from == *to || out_.relations.size() == kMaxRelations) return;
  for (const Finding::Relation& relation : out_.relations) {
    if (relation.kind == kind && relation.from == *from && relation.to == *to) return;
  }
  out_.relations.push_back({kind, *from, *to});
}

}  // namespace tocsin::triage
