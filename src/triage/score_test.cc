#include "triage/score.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <random>

#include "testing/paths.h"

namespace tocsin::triage {
namespace {

std::string content() { return testing::read_file(testing::project_root() / "content/triage/scoring.yml"); }
std::shared_ptr<const ScorePolicy> policy() {
  auto out = read_score_policy(content(), "scoring.yml");
  EXPECT_TRUE(out.ok()) << (out.ok() ? "" : out.error().text);
  return out.ok() ? *out : nullptr;
}
std::string changed(const std::string& from, const std::string& to) {
  std::string text = content();
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}
std::string error_of(const std::string& yaml) {
  const auto out = read_score_policy(yaml, "scoring.yml");
  return out.ok() ? "" : out.error().text;
}
// "scoring.yml:<line>:" of the line with that text.
std::string place(const std::string& text) {
  const std::string all = content();
  const auto end = all.begin() + static_cast<std::ptrdiff_t>(all.find(text));
  return "scoring.yml:" + std::to_string(1 + std::count(all.begin(), end, '\n')) + ":";
}
const model::ScorePart* part(const Score& score, std::string_view name) {
  for (const auto& one : score.parts) {
    if (one.name == name) return &one;
  }
  return nullptr;
}
double points(const Score& score, std::string_view name) {
  const auto* found = part(score, name);
  return found == nullptr ? 0 : found->points;
}

// Exact: with whole a and b the share is that of a binomial tail.
double binomial_tail(int a, int b, double x) {
  const int n = a + b - 1;
  double sum = 0;
  for (int k = a; k <= n; ++k) {
    double term = 1;
    for (int i = 0; i < k; ++i) term *= static_cast<double>(n - i) / (i + 1);
    sum += term * std::pow(x, k) * std::pow(1 - x, n - k);
  }
  return sum;
}

TEST(IncompleteBeta, HasTheValuesOfClosedForms) {
  EXPECT_DOUBLE_EQ(incomplete_beta(1, 1, 0.3), 0.3);
  EXPECT_NEAR(incomplete_beta(2, 3, 0.5), 0.6875, 1e-14);
  EXPECT_NEAR(incomplete_beta(0.5, 0.5, 0.25), 2 / std::numbers::pi * std::asin(std::sqrt(0.25)), 1e-13);
  EXPECT_NEAR(incomplete_beta(5, 1, 0.9), std::pow(0.9, 5), 1e-14);
  EXPECT_NEAR(incomplete_beta(1, 7, 0.2), 1 - std::pow(0.8, 7), 1e-14);
  EXPECT_EQ(incomplete_beta(3, 4, 0), 0);
  EXPECT_EQ(incomplete_beta(3, 4, 1), 1);
  EXPECT_NEAR(incomplete_beta(1e6, 1e6, 0.5), 0.5, 1e-9);
}
TEST(IncompleteBeta, IsTheTailOfABinomialForWholeNumbers) {
  std::mt19937 random(7);
  for (int i = 0; i < 2'000; ++i) {
    const int a = 1 + static_cast<int>(random() % 30), b = 1 + static_cast<int>(random() % 30);
    const double x = static_cast<double>(random() % 1'000) / 1'000;
    ASSERT_NEAR(incomplete_beta(a, b, x), binomial_tail(a, b, x), 1e-10) << a << " " << b << " " << x;
  }
}

TEST(PrecisionInterval, HoldsItsShareWithEqualTails) {
  const auto even = Precision{1, 1, 0}.interval(0.9);
  EXPECT_NEAR(even.low, 0.05, 1e-12);
  EXPECT_NEAR(even.high, 0.95, 1e-12);
  const auto power = Precision{9, 1, 8}.interval(0.9);
  EXPECT_NEAR(power.low, std::pow(0.05, 1.0 / 9), 1e-12);
  EXPECT_NEAR(power.high, std::pow(0.95, 1.0 / 9), 1e-12);
  for (const auto& [a, b] : {std::pair(0.5, 4.5), std::pair(3.0, 42.0), std::pair(812.0, 57.0), std::pair(2e5, 3e5)}) {
    const auto range = Precision{a, b, 0}.interval(0.9);
    EXPECT_NEAR(incomplete_beta(a, b, range.low), 0.05, 1e-9);
    EXPECT_NEAR(incomplete_beta(a, b, range.high), 0.95, 1e-9);
    EXPECT_LT(range.low, a / (a + b));
    EXPECT_GT(range.high, a / (a + b));
  }
}
TEST(PrecisionInterval, IsEverythingWhereTheShareIsOneOrThePosteriorIsNone) {
  EXPECT_EQ((Precision{2, 3, 0}.interval(1).low), 0);
  EXPECT_EQ((Precision{2, 3, 0}.interval(1).high), 1);
  EXPECT_EQ((Precision{0, 3, 0}.interval(0.9).high), 1);
}
TEST(PrecisionInterval, GetsNarrowerWithMoreDecisions) {
  double last = 2;
  for (const double times : {1.0, 10.0, 100.0, 1'000.0}) {
    const auto range = Precision{3 * times, 7 * times, 0}.interval(0.9);
    EXPECT_LT(range.high - range.low, last);
    last = range.high - range.low;
  }
}

TEST(ScorePolicy, ReadsTheProjectsOwn) {
  const auto own = policy();
  ASSERT_NE(own, nullptr);
  EXPECT_NEAR(prior(*own, 4).mean(), 0.4, 1e-12);
  EXPECT_NEAR(prior(*own, 0).mean(), prior(*own, 1).mean(), 1e-12);
  EXPECT_NEAR(prior(*own, 6).mean(), prior(*own, 5).mean(), 1e-12);
}
TEST(ScorePolicy, RefusesWhatIsWrongWithItsPlace) {
  EXPECT_TRUE(error_of(changed("min_fleet: 10", "min_flet: 10"))
                  .starts_with(place("min_fleet: 10") + "3: there is no key rarity.min_flet here; expected one of common, "))
      << error_of(changed("min_fleet: 10", "min_flet: 10"));
  EXPECT_NE(error_of(changed("right: 15", "right: 101")).find("precision.right is the number 101; expected a number from 0"),
            std::string::npos);
  EXPECT_EQ(error_of(changed("right: 15", "right: much")),
            place("right: 15") + "10: precision.right is the text 'much'; expected a number from 0 to 100");
  EXPECT_NE(error_of(changed("wrong: -30", "wrong: 30")).find("precision.wrong"), std::string::npos);
  EXPECT_NE(error_of(changed("high: [2, 3]", "high: [2]")).find("expected a list of 2 numbers"), std::string::npos);
  EXPECT_NE(error_of(changed("high: [2, 3]", "high: [0, 3]")).find("precision.prior.high"), std::string::npos);
  EXPECT_NE(error_of(changed("exfiltration", "exfil")).find("there is no ATT&CK tactic"), std::string::npos);
  EXPECT_NE(error_of(changed("  late: 6\n", "")).find("there is no progress.late"), std::string::npos);
  EXPECT_NE(error_of(changed("rare_share: 0.01", "rare_share: 0.6")).find("must be below"), std::string::npos);
  EXPECT_NE(error_of(changed("p2: 60", "p2: 90")).find("must fall"), std::string::npos);
  EXPECT_NE(error_of(changed("rules: {each: 2, most: 8}", "rules: 5")).find("rules is the number 5; expected a map"),
            std::string::npos);
  EXPECT_NE(error_of(""), "");
  EXPECT_NE(error_of("a: [b"), "");
  EXPECT_NE(error_of(content() + "\n---\n" + content()), "");
  EXPECT_NE(error_of(content() + "\nlevel: {}\n"), "");
}

ScoreInput plain() {
  ScoreInput out;
  out.worst_severity_id = 4;
  out.rules = {{"r", "Rule", 4, prior(*policy(), 4), 1}};
  return out;
}
TEST(Score, OfAFindingAloneIsItsLevel) {
  const Score out = score(*policy(), plain());
  EXPECT_EQ(out.value, 45);
  EXPECT_EQ(part(out, "level")->why, "the worst finding is of level high: Rule");
  EXPECT_EQ(points(out, "precision"), 0);
  EXPECT_EQ(part(out, "precision")->why, "nothing was decided yet about findings of Rule");
  EXPECT_EQ(out.parts.size(), 2u);
}
TEST(Score, RisesWithARuleThatWasRightAndFallsWithOneThatWasNot) {
  ScoreInput input = plain();
  input.rules[0].precision = {2 + 20, 3, 20};
  EXPECT_NEAR(points(score(*policy(), input), "precision"), 12, 0.01);
  input.rules[0].precision = {2, 3 + 40, 40};
  EXPECT_NEAR(points(score(*policy(), input), "precision"), -26.7, 0.01);
  EXPECT_NE(part(score(*policy(), input), "precision")->why.find("from 40 decisions"), std::string::npos);
  input.rules.push_back({"s", "Sure", 4, {22, 3, 20}, 1});  // The noisy one does not drag the sure one down.
  EXPECT_NEAR(points(score(*policy(), input), "precision"), 12, 0.01);
}
TEST(Score, TellsRareFromCommonWhereTheFleetIsLargeEnough) {
  ScoreInput input = plain();
  input.fleet_hosts = 9;
  EXPECT_EQ(part(score(*policy(), input), "rarity"), nullptr);
  input.fleet_hosts = 1'000;
  EXPECT_EQ(points(score(*policy(), input), "rarity"), 10);
  input.rules[0].hosts_30d = 500;
  EXPECT_EQ(points(score(*policy(), input), "rarity"), -10);
  input.rules[0].hosts_30d = 71;  // The middle by the logarithm.
  EXPECT_NEAR(points(score(*policy(), input), "rarity"), 0, 0.1);
}
TEST(Score, TakesTheMostCriticalAssetAndHalfOfWhatWasOnlyLearned) {
  ScoreInput input = plain();
  input.assets = {{"a", 1, false, true}, {"b", 5, false, false}};
  EXPECT_EQ(points(score(*policy(), input), "asset"), 7.5);
  input.assets[1].declared = true;
  input.assets[0].internet_facing = true;
  EXPECT_EQ(points(score(*policy(), input), "asset"), 15);
  EXPECT_EQ(points(score(*policy(), input), "exposure"), 6);
  input.assets = {{"a", 99, false, true}};
  EXPECT_EQ(points(score(*policy(), input), "asset"), 15);
}
TEST(Score, CountsTacticsThatExistAndNamesTheLatest) {
  ScoreInput input = plain();
  input.tactics = {"impact", "execution", "no-tactic"};
  const Score out = score(*policy(), input);
  EXPECT_EQ(points(out, "progress"), 6);
  EXPECT_EQ(part(out, "progress")->why, "2 steps of an attack: Execution, Impact");
  EXPECT_EQ(part(out, "stage")->why, "it has come to Impact");
}
TEST(Score, PartsAddUpAndStayWithinBounds) {
  std::mt19937 random(11);
  const auto own = policy();
  const auto below = [&](unsigned n) { return static_cast<int>(random() % n); };
  for (int i = 0; i < 500; ++i) {
    ScoreInput input;
    input.worst_severity_id = static_cast<std::uint8_t>(below(8));
    for (int r = below(8); r > 0; --r) {
      input.rules.push_back({"r",
                             "",
                             static_cast<std::uint8_t>(below(7)),
                             {1.0 + below(50), 1.0 + below(50), static_cast<std::uint64_t>(below(3))},
                             static_cast<std::uint32_t>(below(900))});
    }
    for (const char* tactic : {"execution", "impact", "persistence", "exfiltration", "discovery", "collection"}) {
      if (below(2) == 1) input.tactics.emplace_back(tactic);
    }
    input.independent = static_cast<std::uint32_t>(below(5));
    input.fleet_hosts = static_cast<std::uint32_t>(below(1'000));
    for (int a = below(3); a > 0; --a) input.assets.push_back({"a", below(7), below(2) == 1, below(2) == 1});
    if (below(2) == 1) input.intelligence_confidence = below(130);
    input.known_exploited = below(2) == 1;
    const Score out = score(*own, input);
    double sum = 0;
    for (const auto& one : out.parts) sum += one.points;
    ASSERT_NEAR(out.value, std::clamp(sum, 0.0, 100.0), 1e-9);
  }
  ScoreInput worst = plain();
  worst.worst_severity_id = 5;
  worst.tactics = {"execution", "impact", "persistence", "exfiltration", "discovery", "collection"};
  worst.assets = {{"a", 5, true, true}};
  EXPECT_EQ(score(*own, worst).value, 100);
}
TEST(Score, PriorityHasLeastScores) {
  const auto own = policy();
  EXPECT_STREQ(priority_of(*own, 80), "p1");
  EXPECT_STREQ(priority_of(*own, 79.9), "p2");
  EXPECT_STREQ(priority_of(*own, 35), "p3");
  EXPECT_STREQ(priority_of(*own, 0), "p4");
}

TEST(DecayedRisk, HalvesWithEachHalfLife) {
  EXPECT_DOUBLE_EQ(decayed_risk({{{0}, 10}, {{100}, 10}}, {200}, 100), 7.5);
  EXPECT_DOUBLE_EQ(decayed_risk({{{300}, 10}}, {200}, 100), 10);  // Of the future: whole.
}

}  // namespace
}  // namespace tocsin::triage
