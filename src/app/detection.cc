#include "app/detection.h"

#include <utility>

#include "decode/windows_names.h"
#include "detect/correlator.h"
#include "model/attack.h"

namespace tocsin::app {
namespace {

std::string stable_id(const model::RuleInfo& info) {
  if (!info.id.empty()) return info.id;
  return info.name.empty() ? info.path + "#" + info.title : info.name;
}

void add_attack(const model::RuleInfo& info, LiveRule& live) {
  for (const model::AttackTag& tag : model::parse_attack_tags(info.tags)) {
    if (tag.kind == model::AttackTag::Kind::kTactic) live.tactics.push_back(tag.id);
    if (tag.kind == model::AttackTag::Kind::kTechnique) live.techniques.push_back(tag.id);
  }
}

}  // namespace

RuleCount& RuleCounts::of(std::string_view rule_id) {
  const core::Lock lock(mutex_);
  const auto found = counts_.find(rule_id);
  if (found != counts_.end()) return *found->second;
  return *counts_.emplace(std::string(rule_id), std::make_unique<RuleCount>()).first->second;
}

std::shared_ptr<const Detection> make_detection(const RuleSources& sources, const std::vector<ledger::RuleState>& states,
                                                const DetectionContent& content, RuleCounts& counts, std::uint64_t number,
                                                const SuppressionMaker& suppressions) {
  auto out = std::make_shared<Detection>();
  out->number = number;

  detect::LoadOptions options;
  options.variables = sources.variables;
  options.canonical_name = [](std::string_view name) { return decode::canonical_name(name); };
  std::vector<detect::SourceText> all;
  std::unordered_map<std::string, const char*> origins;
  const auto take = [&](const std::vector<detect::SourceText>& texts, const char* origin) {
    for (const detect::SourceText& text : texts) {
      if (origins.emplace(text.path, origin).second) all.push_back(text);
    }
  };
  take(sources.content, "content");
  take(sources.user, "user");
  take(sources.packages, "package");
  out->rules = std::make_unique<const detect::RuleSet>(detect::load_rules(all, options));

  std::unordered_map<std::string, const ledger::RuleState*> by_rule;
  for (const ledger::RuleState& state : states) by_rule[state.rule_id] = &state;
  const std::size_t rule_count = out->rules->rules.size(), total = rule_count + out->rules->correlations.size();
  const detect::Correlator wants(*out->rules, {});
  detect::CompileOptions compile;
  for (std::size_t i = 0; i < total; ++i) {
    const model::RuleInfo& info = out->info(i);
    LiveRule live;
    live.id = stable_id(info);
    for (int copy = 2; out->by_id.count(live.id) != 0; ++copy) live.id = stable_id(info) + "#" + std::to_string(copy);
    const auto origin = origins.find(info.path);
    live.origin = origin == origins.end() ? "content" : origin->second;
    if (const auto state = by_rule.find(live.id); state != by_rule.end()) {
      live.mode = state->second->mode;
      live.changed_by = state->second->changed_by;
      live.changed_at = state->second->changed_at;
    }
    live.counts = live.mode != ledger::RuleMode::kOff;
    live.gives_findings = live.mode == ledger::RuleMode::kOn && !out->rules->silenced[i];
    live.count = &counts.of(live.id);
    add_attack(info, live);
    out->by_id.emplace(live.id, i);
    if (i < rule_count) {
      out->off.push_back(live.mode == ledger::RuleMode::kOff);
      compile.enabled.push_back(!out->off.back());
    }
    out->live.push_back(std::move(live));
  }
  for (const auto& suppression : suppressions ? suppressions(*out) : LiveSuppressionList{}) {
    const auto found = out->by_id.find(suppression->rule_id);
    if (found != out->by_id.end() && found->second < rule_count)
      out->live[found->second].suppressions.push_back(suppression);
  }
  out->compiled = std::make_unique<const detect::CompiledRules>(*out->rules, content.log_sources, compile);
  return out;
}

}  // namespace tocsin::app
