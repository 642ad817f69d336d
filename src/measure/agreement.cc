#include "measure/agreement.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace tocsin::measure {

std::optional<Share> wilson_share(std::int64_t hits, std::int64_t total) {
  if (total <= 0) return std::nullopt;
  constexpr double kZ = 1.6448536269514722;  // The normal distribution has 90% within it on both sides.
  const double n = static_cast<double>(total), p = static_cast<double>(hits) / n;
  const double scale = 1 + kZ * kZ / n, centre = (p + kZ * kZ / (2 * n)) / scale;
  const double half = kZ / scale * std::sqrt(p * (1 - p) / n + kZ * kZ / (4 * n * n));
  return Share{p, std::clamp(centre - half, 0.0, p), std::clamp(centre + half, p, 1.0)};
}

std::optional<double> cohen_kappa(std::span<const VerdictPair> pairs) {
  if (pairs.empty()) return std::nullopt;
  std::array<double, model::kVerdictCount> first{}, second{};
  double agreed = 0;
  for (const auto& [one, other] : pairs) {
    first[static_cast<std::size_t>(one)] += 1;
    second[static_cast<std::size_t>(other)] += 1;
    if (one == other) agreed += 1;
  }
  const double n = static_cast<double>(pairs.size());
  double by_chance = 0;
  for (std::size_t i = 0; i < first.size(); ++i) by_chance += first[i] / n * (second[i] / n);
  if (by_chance >= 1) return std::nullopt;
  return (agreed / n - by_chance) / (1 - by_chance);
}

}  // namespace tocsin::measure
