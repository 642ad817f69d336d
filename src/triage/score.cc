// Each part is points with a sentence. Points are whole tenths, so that the parts shown add up to the score shown.
#include "triage/score.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "model/attack.h"
#include "triage/parts/score_policy.h"

namespace tocsin::triage {
namespace {

constexpr std::size_t kMaxNamed = 5;  // Names in one sentence.
constexpr const char* kLevels[kSeverities] = {"informational", "low", "medium", "high", "critical"};

double whole_tenths(double points) { return std::round(points * 10) / 10; }

std::string shown(const char* format, double value) {
  char text[48];
  std::snprintf(text, sizeof text, format, value);
  return text;
}
std::string percent(double share) { return shown(share < 0.1 ? "%.1f%%" : "%.0f%%", share * 100); }
std::string plural(std::uint64_t count, const char* one, const char* many) {
  return std::to_string(count) + " " + (count == 1 ? one : many);
}
const std::string& name_of(const ScoreInput::Rule& rule) { return rule.title.empty() ? rule.id : rule.title; }

class Adder {
 public:
  Adder(const ScorePolicy& policy, const ScoreInput& input) : policy_(policy), input_(input) {}
  Score run() {
    add_level();
    add_precision();
    add_rarity();
    add_asset();
    add_progress();
    add_further();
    add_intelligence();
    // In tenths: sums of binary fractions would show as 71.89999.
    long tenths = 0;
    for (const model::ScorePart& part : out_.parts) tenths += std::lround(part.points * 10);
    out_.value = std::clamp(static_cast<double>(tenths) / 10, 0.0, 100.0);
    return std::move(out_);
  }

 private:
  enum class Zero : std::uint8_t { kLeftOut, kShown };
  void add(const char* name, double points, std::string why, Zero zero = Zero::kLeftOut) {
    const double whole = whole_tenths(points);
    if (whole == 0 && zero == Zero::kLeftOut) return;
    out_.parts.push_back({name, whole == 0 ? 0 : whole, std::move(why)});
  }

  void add_level() {
    const std::size_t index = severity_index(input_.worst_severity_id);
    std::string why = std::string("the worst finding is of level ") + kLevels[index];
    const auto worst =
        std::ranges::find_if(input_.rules, [&](const auto& rule) { return severity_index(rule.severity_id) == index; });
    if (worst != input_.rules.end()) why += ": " + name_of(*worst);
    add("level", policy_.level[index], std::move(why), Zero::kShown);
  }

  // Points of a rule by how far its precision is from what was believed before.
  [[nodiscard]] double precision_points(const ScoreInput::Rule& rule) const {
    if (rule.precision.decided == 0) return 0;
    const double before = prior(policy_, rule.severity_id).mean(), now = rule.precision.mean();
    return now >= before ? policy_.right * (now - before) / (1 - before) : policy_.wrong * (before - now) / before;
  }
  // By the best rule: one that is right makes the incident worth the look, however noisy the others.
  void add_precision() {
    if (input_.rules.empty()) return;
    const auto best = std::ranges::max_element(
        input_.rules, {}, [&](const auto& rule) { return std::pair(precision_points(rule), rule.precision.decided); });
    if (best->precision.decided == 0) {
      return add("precision", 0, "nothing was decided yet about findings of " + name_of(*best), Zero::kShown);
    }
    const auto range = best->precision.interval(0.9);
    add("precision", precision_points(*best),
        "findings of " + name_of(*best) + " are right in " + percent(best->precision.mean()) +
            " of cases (90% sure: " + percent(range.low) + " to " + percent(range.high) + "), from " +
            plural(best->precision.decided, "decision", "decisions"),
        Zero::kShown);
  }

  void add_rarity() {
    if (input_.rules.empty() || input_.fleet_hosts < policy_.min_fleet) return;
    const auto rarest = std::ranges::min_element(input_.rules, {}, &ScoreInput::Rule::hosts_30d);
    const double hosts = std::max<double>(rarest->hosts_30d, 1);
    const double share = std::min(hosts / input_.fleet_hosts, 1.0);
    const double low = std::log(policy_.rare_share), high = std::log(policy_.common_share);
    const double at = std::clamp((std::log(share) - low) / (high - low), 0.0, 1.0);
    add("rarity", policy_.rare + (policy_.common - policy_.rare) * at,
        name_of(*rarest) + " fired on " + plural(static_cast<std::uint64_t>(hosts), "host", "hosts") + " of " +
            std::to_string(input_.fleet_hosts) + " (" + percent(share) + ") in 30 days");
  }

  [[nodiscard]] double asset_points(const ScoreInput::Asset& asset) const {
    const double points = policy_.criticality[static_cast<std::size_t>(std::clamp(asset.criticality, 1, 5)) - 1];
    return asset.declared ? points : points * policy_.learned_share;
  }
  void add_asset() {
    if (input_.assets.empty()) return;
    const auto worst = std::ranges::max_element(input_.assets, {}, [&](const auto& asset) { return asset_points(asset); });
    add("asset", asset_points(*worst),
        worst->name + " has criticality " + std::to_string(std::clamp(worst->criticality, 1, 5)) + " of 5" +
            (worst->declared ? "" : ", learned"));
    const auto open = std::ranges::find_if(input_.assets, &ScoreInput::Asset::internet_facing);
    if (open != input_.assets.end()) {
      add("exposure", policy_.internet_facing, open->name + " can be reached from the internet");
    }
  }

  void add_progress() {
    std::vector<std::string> names;
    std::string late;
    for (const model::Tactic& tactic : model::tactics()) {
      if (std::ranges::find(input_.tactics, tactic.shortname) == input_.tactics.end()) continue;
      names.emplace_back(tactic.name);
      if (std::ranges::find(policy_.late_tactics, tactic.shortname) != policy_.late_tactics.end()) late = tactic.name;
    }
    if (names.size() > 1) {
      add("progress", std::min(policy_.progress_each * static_cast<double>(names.size() - 1), policy_.progress_most),
          plural(names.size(), "step", "steps") + " of an attack: " + joined(names));
    }
    if (!late.empty()) add("stage", policy_.late, "it has come to " + late);
  }

  void add_further() {
    if (input_.independent > 1) {
      add("independent", std::min(policy_.independent_each * (input_.independent - 1.0), policy_.independent_most),
          plural(input_.independent, "kind", "kinds") + " of source say so");
    }
    if (input_.rules.size() > 1) {
      add("rules", std::min(policy_.rules_each * static_cast<double>(input_.rules.size() - 1), policy_.rules_most),
          plural(input_.rules.size(), "rule", "rules") + " fired");
    }
  }

  void add_intelligence() {
    if (input_.intelligence_confidence) {
      const int confidence = std::clamp(*input_.intelligence_confidence, 0, 100);
      add("intelligence", policy_.intelligence_most * confidence / 100,
          "threat intelligence knows an indicator in it, confidence " + std::to_string(confidence));
    }
    if (input_.known_exploited) {
      add("exploited", policy_.known_exploited, "a vulnerability in it is known to be exploited");
    }
  }

  static std::string joined(const std::vector<std::string>& names) {
    std::string out;
    for (std::size_t i = 0; i < std::min(names.size(), kMaxNamed); ++i) out += (i == 0 ? "" : ", ") + names[i];
    return names.size() > kMaxNamed ? out + " and " + std::to_string(names.size() - kMaxNamed) + " more" : out;
  }

  const ScorePolicy& policy_;
  const ScoreInput& input_;
  Score out_;
};

}  // namespace

Score score(const ScorePolicy& policy, const ScoreInput& input) { return Adder(policy, input).run(); }

const char* priority_of(const ScorePolicy& policy, double score) {
  constexpr const char* kNames[] = {"p1", "p2", "p3"};
  for (std::size_t i = 0; i < policy.priority.size(); ++i) {
    if (score >= policy.priority[i]) return kNames[i];
  }
  return "p4";
}

}  // namespace tocsin::triage
