#include "cli/sinks/tally.h"

#include <algorithm>

#include "model/attack.h"

namespace tocsin::cli {
namespace {

constexpr std::size_t kMaxHostBytes = 512;  // More is not told apart.

Tally::Counts top_of(const std::unordered_map<std::string, std::uint64_t>& counts, std::size_t count) {
  Tally::Counts out(counts.begin(), counts.end());
  std::sort(out.begin(), out.end(),
            [](const auto& a, const auto& b) { return a.second != b.second ? a.second > b.second : a.first < b.first; });
  if (out.size() > count) out.resize(count);
  return out;
}

// A correlation over several hosts ("WS01 +2") counts for the first.
std::string host_of(const Found& found) {
  if (found.rule->type == "rule") return found.host;
  const std::size_t plus = found.host.rfind(" +");
  const bool several =
      plus != std::string::npos && found.host.find_first_not_of("0123456789", plus + 2) == std::string::npos;
  return several ? found.host.substr(0, plus) : found.host;
}

}  // namespace

std::vector<std::string> techniques_of(const model::RuleInfo& rule) {
  std::vector<std::string> out;
  for (model::AttackTag& tag : model::parse_attack_tags(rule.tags)) {
    if (tag.kind == model::AttackTag::Kind::kTechnique) out.push_back(std::move(tag.id));
  }
  return out;
}

void Tally::add(const Found& found) {
  if (found.time.known()) {
    if (!last_.known() || last_ < found.time) last_ = found.time;
    const core::Timestamp first = found.first.known() ? found.first : found.time;
    if (!first_.known() || first < first_) first_ = first;
  }
  const auto [at, added] = techniques_of_.try_emplace(found.rule);
  if (added) at->second = techniques_of(*found.rule);
  for (const std::string& id : at->second) ++techniques_[id];
  const std::string name = host_of(found).substr(0, kMaxHostBytes);
  if (name.empty()) return;
  const auto host = hosts_.find(name);
  if (host != hosts_.end())
    ++host->second;
  else if (hosts_.size() < kMaxTalliedHosts)
    hosts_.emplace(name, 1);
  else
    ++untallied_;
}

Tally::Counts Tally::top_hosts(std::size_t count) const { return top_of(hosts_, count); }
Tally::Counts Tally::top_techniques(std::size_t count) const { return top_of(techniques_, count); }

}  // namespace tocsin::cli
