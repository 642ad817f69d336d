// How urgent an incident is: 0-100 with its summands, and how often a rule was right. Pure; values.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "core/time.h"
#include "model/incident.h"

namespace tocsin::triage {

// How often findings of a rule turned out to be right: Beta(prior + true, prior + not). Benign triggers count as not.
struct Precision {
  double alpha = 1, beta = 1;  // Of the prior where nothing was decided.
  std::uint64_t decided = 0;
  [[nodiscard]] double mean() const { return alpha / (alpha + beta); }
  // Equal-tailed interval that holds `share` (0.9) of the posterior.
  struct Interval {
    double low = 0, high = 1;
  };
  [[nodiscard]] Interval interval(double share) const;
};

// The share of Beta(a, b) below x. REQUIRES: a and b above 0.
double incomplete_beta(double a, double b, double x);

// Data of content/triage/scoring.yml. What is missing, unknown or out of range is refused with its place.
struct ScorePolicy;
core::Result<std::shared_ptr<const ScorePolicy>> read_score_policy(std::string_view yaml, std::string_view path);
Precision prior(const ScorePolicy& policy, std::uint8_t severity_id);

struct ScoreInput {
  std::uint8_t worst_severity_id = 0;
  struct Rule {
    std::string id, title;
    std::uint8_t severity_id = 0;
    Precision precision;
    std::uint32_t hosts_30d = 0;  // Where it fired in 30 days.
  };
  std::vector<Rule> rules;           // Each once.
  std::vector<std::string> tactics;  // ATT&CK short names, each once.
  std::uint32_t independent = 0;     // Distinct kinds of source that contributed.
  std::uint32_t fleet_hosts = 0;
  struct Asset {
    std::string name;
    int criticality = 3;  // 1-5.
    bool internet_facing = false, declared = false;
  };
  std::vector<Asset> assets;
  std::optional<int> intelligence_confidence;  // 0-100.
  bool known_exploited = false;
};
struct Score {
  double value = 0;                     // 0-100.
  std::vector<model::ScorePart> parts;  // They add up to value before the bounds at 0 and 100.
};
Score score(const ScorePolicy& policy, const ScoreInput& input);
const char* priority_of(const ScorePolicy& policy, double score);  // "p1".."p4".

// Risk of one entity from its findings: each adds its points, and halves every `half_life`.
double decayed_risk(const std::vector<std::pair<core::Timestamp, double>>& points, core::Timestamp now,
                    std::int64_t half_life_ns);

}  // namespace tocsin::triage
