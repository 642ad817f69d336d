// What content/triage/scoring.yml says, read. Plain data; private to triage.
#pragma once
#include <array>
#include <string>
#include <vector>

#include "triage/score.h"

namespace tocsin::triage {

inline constexpr std::size_t kSeverities = 5;  // 1 informational - 5 critical, as index 0 - 4.

struct ScorePolicy {
  std::array<double, kSeverities> level{};
  std::array<Precision, kSeverities> prior{};
  double right = 0, wrong = 0;
  double min_fleet = 0, rare_share = 0, rare = 0, common_share = 0, common = 0;
  std::array<double, 5> criticality{};
  double learned_share = 0, internet_facing = 0;
  double progress_each = 0, progress_most = 0, late = 0;
  std::vector<std::string> late_tactics;
  double independent_each = 0, independent_most = 0;
  double rules_each = 0, rules_most = 0;
  double intelligence_most = 0, known_exploited = 0;
  std::array<double, 3> priority{};  // Least scores of p1, p2, p3.
};

// Severities beyond the known ones are the nearest of them.
constexpr std::size_t severity_index(std::uint8_t severity_id) {
  return severity_id < 1 ? 0 : severity_id > kSeverities ? kSeverities - 1 : severity_id - 1u;
}

}  // namespace tocsin::triage
