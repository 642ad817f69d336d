#include <gtest/gtest.h>

#include "detect/correlate/rule_builder.h"
#include "detect/correlate/state.h"
#include "detect/correlator.h"

namespace tocsin::detect {
namespace {

using correlate::kSecond;
using correlate::RuleBuilder;
using sigma::CorrelationType;
using sigma::CountOp;

RuleBuilder rules_with(double threshold) {
  RuleBuilder rules;
  rules.add(CorrelationType::kValueCount, {0}, 10).by({"user"}).of({"v"}).when(CountOp::kGreaterEqual, threshold);
  rules.add(CorrelationType::kTemporalOrdered, {0, 1}, 10).when(CountOp::kGreaterEqual, 1);
  return rules;
}

void feed(Correlator& correlator, int count, std::vector<CorrelationFinding>& out) {
  for (int i = 0; i < count; ++i) {
    Occurrence occurrence;
    occurrence.event_time.ns = i * kSecond;
    occurrence.order = static_cast<std::uint64_t>(i);
    occurrence.values = {{"bob"}, {std::to_string(i)}};
    occurrence.file = "a.log";
    occurrence.host = "h" + std::to_string(i % 3);
    correlator.add(std::move(occurrence), out);
  }
}

std::string state_of(const RuleBuilder& rules) {
  CorrelatorOptions options;
  options.lateness_ns = 2 * kSecond;
  Correlator correlator(rules.set(), options);
  std::vector<CorrelationFinding> out;
  feed(correlator, 8, out);
  return correlator.save();
}

TEST(SavedState, EveryTruncationIsRefused) {
  const RuleBuilder rules = rules_with(3);
  const std::string state = state_of(rules);
  Correlator correlator(rules.set(), {});
  for (std::size_t size = 0; size < state.size(); ++size)
    EXPECT_FALSE(correlator.restore(state.substr(0, size)).ok()) << size;
  EXPECT_FALSE(correlator.restore(state + '\0').ok());
  EXPECT_TRUE(correlator.restore(state).ok());
}

TEST(SavedState, EveryFlippedBitIsRefused) {
  const RuleBuilder rules = rules_with(3);
  std::string state = state_of(rules);
  Correlator correlator(rules.set(), {});
  for (std::size_t bit = 0; bit < state.size() * 8; ++bit) {
    const char mask = static_cast<char>(1 << (bit % 8));
    state[bit / 8] = static_cast<char>(state[bit / 8] ^ mask);
    EXPECT_FALSE(correlator.restore(state).ok()) << bit;
    state[bit / 8] = static_cast<char>(state[bit / 8] ^ mask);
  }
}

std::string with_checksum(std::string changed) {
  correlate::append_u64(changed, correlate::state_checksum(changed));
  return changed;
}

// Goes on from the state where it is taken, and saves what it then reads again.
bool taken(const RuleBuilder& rules, const std::string& state) {
  Correlator correlator(rules.set(), {});
  if (!correlator.restore(state).ok()) return false;
  const std::string saved = correlator.save();
  Correlator again(rules.set(), {});
  EXPECT_TRUE(again.restore(saved).ok());
  EXPECT_EQ(again.save(), saved);
  std::vector<CorrelationFinding> out;
  feed(correlator, 3, out);
  correlator.finish(out);
  return true;
}

TEST(SavedState, FlippedBitsBehindAGoodChecksumDoNotCrash) {
  const RuleBuilder rules = rules_with(3), changed_rules = rules_with(4);
  const std::string state = state_of(rules);
  const std::size_t head = correlate::state_head(0).size();
  std::size_t refused = 0;
  for (std::size_t bit = head * 8; bit < (state.size() - 8) * 8; ++bit) {
    std::string changed = state.substr(0, state.size() - 8);
    changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << (bit % 8)));
    changed = with_checksum(std::move(changed));
    if (!taken(rules, changed)) ++refused;
    taken(changed_rules, changed);
  }
  EXPECT_GT(refused, 100u);
}

TEST(SavedState, TruncationsBehindAGoodChecksumAreRefused) {
  const RuleBuilder rules = rules_with(3), changed_rules = rules_with(4);
  const std::string state = state_of(rules);
  std::size_t taken_count = 0;
  for (std::size_t size = correlate::state_head(0).size(); size < state.size() - 8; ++size) {
    const std::string cut = with_checksum(state.substr(0, size));
    const bool same = taken(rules, cut);
    EXPECT_EQ(taken(changed_rules, cut), same) << size;
    if (same) ++taken_count;
  }
  EXPECT_EQ(taken_count, 2u) << "with one correlation less, and with none";
}

TEST(SavedState, OneCorrelationTwiceIsRefused) {
  RuleBuilder rules(1);
  rules.add(CorrelationType::kEventCount, {0}, 10).when(CountOp::kGreaterEqual, 9);
  Correlator correlator(rules.set(), {}), empty(rules.set(), {});
  std::vector<CorrelationFinding> out;
  const std::size_t before_groups = empty.save().size() - 8;
  Occurrence occurrence;
  occurrence.event_time.ns = kSecond;
  correlator.add(occurrence, out);
  const std::string state = correlator.save();
  const std::string groups = state.substr(before_groups, state.size() - 8 - before_groups);
  const std::string content = state.substr(0, state.size() - 8);
  EXPECT_TRUE(correlator.restore(with_checksum(content)).ok());
  EXPECT_FALSE(correlator.restore(with_checksum(content + groups)).ok());
}

TEST(SavedState, ADamagedOneLeavesTheRunningOneAlone) {
  const RuleBuilder rules = rules_with(3);
  Correlator correlator(rules.set(), {});
  std::vector<CorrelationFinding> out;
  feed(correlator, 1, out);
  const std::string before = correlator.save();
  const std::string state = state_of(rules);
  ASSERT_FALSE(correlator.restore(with_checksum(state.substr(0, state.size() - 9))).ok());
  EXPECT_EQ(correlator.save(), before);
}

TEST(SavedState, OtherRulesTakeOverWhatIsTheSame) {
  const RuleBuilder three = rules_with(3), two = rules_with(2);
  Correlator correlator(two.set(), {});
  const auto restored = correlator.restore(state_of(three));
  ASSERT_TRUE(restored.ok());
  EXPECT_EQ(restored->kept_correlations, 1u);
  EXPECT_EQ(restored->kept_groups, 1u);
  EXPECT_EQ(restored->dropped_correlations, 1u);
  EXPECT_EQ(restored->dropped_groups, 1u);
  EXPECT_EQ(restored->dropped_occurrences, 0u);
}

TEST(SavedState, AnotherVersionIsUnsupported) {
  const RuleBuilder rules = rules_with(3);
  std::string state = state_of(rules);
  state[8] = 99;
  Correlator correlator(rules.set(), {});
  const auto refused = correlator.restore(state);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, core::ErrorCode::kUnsupported);
  state[8] = 1;  // It held places of rules, not names.
  EXPECT_EQ(correlator.restore(state).error().code, core::ErrorCode::kUnsupported);
}

}  // namespace
}  // namespace tocsin::detect
