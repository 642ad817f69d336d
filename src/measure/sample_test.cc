#include "measure/sample.h"

#include <gtest/gtest.h>

namespace tocsin::measure {
namespace {

constexpr std::int64_t kIncidents = 20'000;

TEST(Sample, TakesAboutItsShare) {
  const core::Secret key = sample_key(core::Secret("a secret"));
  std::int64_t taken = 0;
  for (std::int64_t i = 1; i <= kIncidents; ++i) taken += is_sampled(key, i, 10) ? 1 : 0;
  EXPECT_NEAR(static_cast<double>(taken), 2'000, 200);
}

TEST(Sample, TakesNoneOfNothingAndAllOfAll) {
  const core::Secret key = sample_key(core::Secret("a secret"));
  for (std::int64_t i = 1; i <= 1'000; ++i) {
    EXPECT_FALSE(is_sampled(key, i, 0));
    EXPECT_TRUE(is_sampled(key, i, 100));
  }
}

TEST(Sample, IsTheSameForTheSameKeyAndAnotherForAnother) {
  const core::Secret one = sample_key(core::Secret("a secret")), same = sample_key(core::Secret("a secret")),
                     other = sample_key(core::Secret("another"));
  int differing = 0;
  for (std::int64_t i = 1; i <= 1'000; ++i) {
    EXPECT_EQ(is_sampled(one, i, 50), is_sampled(same, i, 50));
    differing += is_sampled(one, i, 50) == is_sampled(other, i, 50) ? 0 : 1;
  }
  EXPECT_NEAR(differing, 500, 100);
}

TEST(Sample, ALargerShareHasAllOfASmallerOne) {
  const core::Secret key = sample_key(core::Secret("a secret"));
  for (std::int64_t i = 1; i <= kIncidents; ++i) {
    if (is_sampled(key, i, 5)) {
      EXPECT_TRUE(is_sampled(key, i, 20));
    }
  }
}

}  // namespace
}  // namespace tocsin::measure
