// How far two judges of the same incidents agree. Pure.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <utility>

#include "model/incident.h"

namespace tocsin::measure {

struct Share {
  double mean = 0, low = 0, high = 0;
};
// `hits` of `total`, with Wilson's score interval that holds 90%: it stays within 0 and 1 and is honest with few cases
// (Wilson 1927). None without cases. REQUIRES: 0 <= hits <= total.
std::optional<Share> wilson_share(std::int64_t hits, std::int64_t total);

using VerdictPair = std::pair<model::Verdict, model::Verdict>;  // The first judge's and the second's.
// Cohen's kappa: agreement beyond what two who never looked would have, 1 at most. None without cases, and where both
// gave one and the same verdict throughout: then chance alone agrees.
std::optional<double> cohen_kappa(std::span<const VerdictPair> pairs);

}  // namespace tocsin::measure
