#include "measure/agreement.h"

#include <gtest/gtest.h>

#include <vector>

namespace tocsin::measure {
namespace {

using model::Verdict;

TEST(WilsonShare, IsNoneWithoutCases) { EXPECT_FALSE(wilson_share(0, 0).has_value()); }

// By hand, z = 1.6449: 9 of 10 has centre (0.9 + 0.13528) / 1.27055 and half width 0.16254.
TEST(WilsonShare, HoldsNinetyPercent) {
  const auto share = wilson_share(9, 10);
  EXPECT_DOUBLE_EQ(share->mean, 0.9);
  EXPECT_NEAR(share->low, 0.6528, 0.001);
  EXPECT_NEAR(share->high, 0.9771, 0.001);
}

TEST(WilsonShare, StaysWithinNoneAndAllAndNeverSaysCertain) {
  EXPECT_DOUBLE_EQ(wilson_share(0, 5)->low, 0);
  EXPECT_GT(wilson_share(0, 5)->high, 0.3);
  EXPECT_DOUBLE_EQ(wilson_share(5, 5)->high, 1);
  EXPECT_LT(wilson_share(5, 5)->low, 0.7);
}

TEST(WilsonShare, IsNarrowerWithMoreCases) {
  const auto few = wilson_share(8, 10), many = wilson_share(800, 1'000);
  EXPECT_LT(many->high - many->low, few->high - few->low);
}

std::vector<VerdictPair> pairs(int both_true, int true_false, int false_true, int both_false) {
  std::vector<VerdictPair> out;
  const auto add = [&](int count, Verdict one, Verdict other) { out.insert(out.end(), count, {one, other}); };
  add(both_true, Verdict::kTruePositive, Verdict::kTruePositive);
  add(true_false, Verdict::kTruePositive, Verdict::kFalsePositive);
  add(false_true, Verdict::kFalsePositive, Verdict::kTruePositive);
  add(both_false, Verdict::kFalsePositive, Verdict::kFalsePositive);
  return out;
}

// 20, 5, 10, 15: agreed 0.7, by chance 0.5 * 0.6 + 0.5 * 0.4 = 0.5.
TEST(CohenKappa, IsTheAgreementBeyondChance) { EXPECT_NEAR(*cohen_kappa(pairs(20, 5, 10, 15)), 0.4, 1e-9); }
TEST(CohenKappa, IsOneWhereAllAgreeAndBelowZeroWhereNoneDoes) {
  EXPECT_NEAR(*cohen_kappa(pairs(3, 0, 0, 4)), 1, 1e-9);
  EXPECT_LT(*cohen_kappa(pairs(0, 3, 3, 0)), 0);
}
TEST(CohenKappa, IsNoneWithoutCasesAndWhereOneVerdictIsAllThereIs) {
  EXPECT_FALSE(cohen_kappa({}).has_value());
  EXPECT_FALSE(cohen_kappa(pairs(5, 0, 0, 0)).has_value());
}

}  // namespace
}  // namespace tocsin::measure
