#include "triage/joiner_reasons.h"

#include <algorithm>

namespace tocsin::triage {
namespace {

using model::Entity;
using model::EntityKind;
using model::EntityRole;

const Entity* affected_host(const Finding& finding) {
  for (const Entity& entity : finding.entities) {
    if (entity.kind == EntityKind::kHost && entity.role == EntityRole::kAffected) return &entity;
  }
  return nullptr;
}

std::string host_label(const Finding& finding) {
  const Entity* host = affected_host(finding);
  return host == nullptr ? "one host" : host->label;
}

// "winword.exe (4312) started powershell.exe (5120)" where the document says so, else the process alone.
std::string tree_words(const Finding& finding, std::uint32_t shared) {
  for (const Finding::Relation& relation : finding.relations) {
    if (relation.kind != Finding::Relation::Kind::kStarted || (relation.from != shared && relation.to != shared)) continue;
    return finding.entities[relation.from].label + " started " + finding.entities[relation.to].label;
  }
  return finding.entities[shared].label;
}

std::string connection_words(const Finding& finding, const Entity& shared) {
  const std::string own = host_label(finding);
  if (shared.role == EntityRole::kSource)
    return "connection from " + shared.label + " to " + own + ", which has a finding itself";
  if (shared.role == EntityRole::kDestination)
    return "connection from " + own + " to " + shared.label + ", which has a finding itself";
  return "connection of another host with " + shared.label;
}

std::string words(const Finding& finding, const LinkKey& key) {
  const Entity& shared = finding.entities[key.entity];
  switch (key.kind) {
    case LinkKind::kProcess:
    case LinkKind::kProcessPid:
    case LinkKind::kProcessBare:
      return "same process tree on " + host_label(finding) + ": " + tree_words(finding, key.entity);
    case LinkKind::kSessionNear:
    case LinkKind::kSession: return "same logon session " + shared.label + " on " + host_label(finding);
    case LinkKind::kHash: return "same rare file " + shared.key.substr(0, shared.key.find(':')) + " " + shared.label;
    case LinkKind::kFile: return "same file on " + host_label(finding) + ": " + shared.label;
    case LinkKind::kConnection: return connection_words(finding, shared);
    case LinkKind::kAddress: return "same rare address " + shared.label;
    case LinkKind::kInternalAddress: return "same address inside " + shared.label;
    case LinkKind::kDomain: return "same rare domain " + shared.label;
    case LinkKind::kUserOnHost: return "same account " + shared.label + " on " + host_label(finding);
    case LinkKind::kUser: return "same account " + shared.label + ", which few hosts have";
    case LinkKind::kCloudAccount: return "same cloud account " + shared.label;
    case LinkKind::kHost: return "another uncommon finding on " + shared.label;
  }
  return {};
}

}  // namespace

std::string gap_in_words(std::int64_t gap_ns) {
  constexpr std::int64_t kSecond = 1'000'000'000, kMinute = 60, kHour = 3'600, kDay = 86'400;
  const std::int64_t seconds = gap_ns / kSecond;
  const auto with = [](std::int64_t value, const char* unit) {
    return value == 0 ? "" : " " + std::to_string(value) + unit;
  };
  if (seconds < kMinute) return std::to_string(seconds) + " s";
  if (seconds < kHour) return std::to_string(seconds / kMinute) + " min" + with(seconds % kMinute, " s");
  if (seconds < 2 * kDay) return std::to_string(seconds / kHour) + " h" + with(seconds % kHour / kMinute, " min");
  return std::to_string(seconds / kDay) + " days";
}

model::JoinReason join_reason(const Finding& finding, const LinkKey& key, const JoinPolicy& policy, std::int64_t gap_ns,
                              const std::string& other) {
  constexpr std::int64_t kSecond = 1'000'000'000;
  model::JoinReason out;
  out.kind = reason_of(key.kind);
  out.text = words(finding, key) + (gap_ns < kSecond ? "; at the same time" : "; " + gap_in_words(gap_ns) + " apart");
  out.entity = finding.entities[key.entity];
  out.finding = other;
  out.gap_ns = gap_ns;
  out.weight = policy.kind(key.kind).weight;
  return out;
}

model::JoinReason first_reason(const Finding& finding) {
  model::JoinReason out;
  out.kind = "first";
  out.text = "the first of this incident: " + (finding.rule_title.empty() ? finding.rule_id : finding.rule_title);
  if (const Entity* host = affected_host(finding); host != nullptr) {
    out.text += " on " + host->label;
    out.entity = *host;
  }
  return out;
}

}  // namespace tocsin::triage
