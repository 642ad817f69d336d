// Sums and differences of times that stop at the ends of their range.
#pragma once
#include <cstdint>
#include <limits>

namespace tocsin::detect::correlate {

constexpr std::int64_t later(std::int64_t time, std::int64_t by) {
  std::int64_t sum = 0;
  if (!__builtin_add_overflow(time, by, &sum)) return sum;
  return by > 0 ? std::numeric_limits<std::int64_t>::max() : std::numeric_limits<std::int64_t>::min();
}

constexpr std::int64_t earlier(std::int64_t time, std::int64_t by) {
  std::int64_t difference = 0;
  if (!__builtin_sub_overflow(time, by, &difference)) return difference;
  return by > 0 ? std::numeric_limits<std::int64_t>::min() : std::numeric_limits<std::int64_t>::max();
}

}  // namespace tocsin::detect::correlate
