// The sentence that says why a correlation fired.
#pragma once
#include <string>

#include "detect/correlate/plan.h"
#include "detect/correlator.h"

namespace tocsin::detect::correlate {

// "12 events of 'Failed logon' within 5m (>= 10), user=bob". Depends on nothing but the rule and the finding.
[[nodiscard]] std::string reason_of(const Plan& plan, const CorrelationFinding& finding);

// "1d", "90m", "1500ms": the largest unit that loses nothing.
[[nodiscard]] std::string shown_duration(std::int64_t ns);

}  // namespace tocsin::detect::correlate
