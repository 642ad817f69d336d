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

TEST(SavedState, FlippedBitsBehindAGoodChecksumDoNotCrash) {
  const RuleBuilder rules = rules_with(3);
  const std::string state = state_of(rules);
  const std::size_t head = correlate::state_head(0, 0).size();
  for (std::size_t bit = head * 8; bit < (state.size() - 8) * 8; ++bit) {
    std::string changed = state.substr(0, state.size() - 8);
    changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << (bit % 8)));
    correlate::append_u64(changed, correlate::state_checksum(changed));
    Correlator correlator(rules.set(), {});
    std::vector<CorrelationFinding> out;
    if (correlator.restore(changed).ok()) {
      feed(correlator, 3, out);
      correlator.finish(out);
    }
  }
}

TEST(SavedState, OtherRulesAreRefusedAndLeaveTheStateAlone) {
  const RuleBuilder three = rules_with(3), two = rules_with(2);
  Correlator correlator(two.set(), {});
  std::vector<CorrelationFinding> out;
  feed(correlator, 1, out);
  const std::string before = correlator.save();
  const auto refused = correlator.restore(state_of(three));
  ASSERT_FALSE(refused.ok());
  EXPECT_NE(refused.error().text.find("other correlation rules"), std::string::npos);
  EXPECT_EQ(correlator.save(), before);
}

TEST(SavedState, AnotherVersionIsUnsupported) {
  const RuleBuilder rules = rules_with(3);
  std::string state = state_of(rules);
  state[8] = 99;
  Correlator correlator(rules.set(), {});
  const auto refused = correlator.restore(state);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, core::ErrorCode::kUnsupported);
}

}  // namespace
}  // namespace tocsin::detect
