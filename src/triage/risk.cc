#include <cmath>

#include "triage/score.h"

namespace tocsin::triage {

double decayed_risk(const std::vector<std::pair<core::Timestamp, double>>& points, core::Timestamp now,
                    std::int64_t half_life_ns) {
  double sum = 0;
  for (const auto& [at, value] : points) {
    const double age = static_cast<double>(now.ns - at.ns) / static_cast<double>(half_life_ns);
    sum += age <= 0 ? value : value * std::exp2(-age);
  }
  return sum;
}

}  // namespace tocsin::triage
