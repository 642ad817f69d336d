// The Beta distribution: its share below a point by Lentz's continued fraction, and the point of a share by halving.
//
//   I_x(a, b) = x^a (1-x)^b / (a B(a, b)) * 1/(1 + d1/(1 + d2/(1 + ...)))
//   d(2m+1) = -(a+m)(a+b+m) x / ((a+2m)(a+2m+1)),   d(2m) = m(b-m) x / ((a+2m-1)(a+2m))
//
// It converges fast where x < (a+1)/(a+b+2); on the other side 1 - I_(1-x)(b, a) is taken. Example: I_0.5(2, 3) = 0.6875.
#include <math.h>

#include <algorithm>
#include <cmath>

#include "triage/score.h"

namespace tocsin::triage {
namespace {

// About the root of a or b terms are needed: enough for a billion decisions.
constexpr int kMaxTerms = 200'000;
constexpr double kTiny = 1e-300, kExact = 1e-15;

double log_gamma(double x) {
  int sign = 0;  // std::lgamma keeps it in a global.
  return ::lgamma_r(x, &sign);
}

double away_from_zero(double x) { return std::fabs(x) < kTiny ? kTiny : x; }

double continued_fraction(double a, double b, double x) {
  double c = 1, d = 1 / away_from_zero(1 - (a + b) * x / (a + 1)), out = d;
  for (int m = 1; m <= kMaxTerms; ++m) {
    const double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / away_from_zero(1 + even * d);
    c = away_from_zero(1 + even / c);
    out *= d * c;
    const double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / away_from_zero(1 + odd * d);
    c = away_from_zero(1 + odd / c);
    out *= d * c;
    if (std::fabs(d * c - 1) < kExact) break;
  }
  return out;
}

double point_of(double a, double b, double share) {
  double low = 0, high = 1;
  for (int i = 0; i < 60; ++i) {  // To the last bit that matters.
    const double middle = low + (high - low) / 2;
    (incomplete_beta(a, b, middle) < share ? low : high) = middle;
  }
  return low + (high - low) / 2;
}

}  // namespace

double incomplete_beta(double a, double b, double x) {
  if (!(x > 0)) return 0;
  if (x >= 1) return 1;
  const double front = std::exp(log_gamma(a + b) - log_gamma(a) - log_gamma(b) + a * std::log(x) + b * std::log1p(-x));
  if (x < (a + 1) / (a + b + 2)) return std::clamp(front * continued_fraction(a, b, x) / a, 0.0, 1.0);
  return std::clamp(1 - front * continued_fraction(b, a, 1 - x) / b, 0.0, 1.0);
}

Precision::Interval Precision::interval(double share) const {
  if (!(alpha > 0) || !(beta > 0)) return {};
  const double tail = (1 - std::clamp(share, 0.0, 1.0)) / 2;
  return {tail <= 0 ? 0.0 : point_of(alpha, beta, tail), tail <= 0 ? 1.0 : point_of(alpha, beta, 1 - tail)};
}

}  // namespace tocsin::triage
