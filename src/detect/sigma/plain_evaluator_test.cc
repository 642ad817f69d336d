#include "detect/plain_evaluator.h"

#include <random>

#include "detect/sigma/pattern.h"
#include "detect/sigma/test_rules.h"

namespace tocsin::detect::sigma {
namespace {

// The definition of a glob, by recursion: for short inputs only.
bool slow_glob(const std::string& pattern, std::size_t p, const std::string& text, std::size_t t) {
  if (p == pattern.size()) return t == text.size();
  if (pattern[p] == '*')
    return slow_glob(pattern, p + 1, text, t) || (t < text.size() && slow_glob(pattern, p, text, t + 1));
  return t < text.size() && (pattern[p] == '?' || pattern[p] == text[t]) && slow_glob(pattern, p + 1, text, t + 1);
}

TEST(PlainGlob, AgreesWithTheRecursiveDefinition) {
  const unsigned seed = 20'260'102;
  std::mt19937 random(seed);
  for (int round = 0; round < 20'000; ++round) {
    std::string pattern, text;
    for (std::size_t i = random() % 7; i > 0; --i) pattern.push_back("ab*?"[random() % 4]);
    for (std::size_t i = random() % 9; i > 0; --i) text.push_back("ab"[random() % 2]);
    ASSERT_EQ(plain_glob(parse_pattern(pattern), text, true), slow_glob(pattern, 0, text, 0))
        << pattern << " on " << text << ", seed " << seed;
  }
}

TEST(PlainGlob, LongInputTakesPolynomialTime) {
  std::string pattern;
  for (int i = 0; i < 50; ++i) pattern += "a*";
  EXPECT_FALSE(plain_glob(parse_pattern(pattern + "b"), std::string(5'000, 'a'), false));
}

TEST(PlainGlob, StrayBytesAreOneCharacterEach) {
  EXPECT_TRUE(plain_glob(parse_pattern("a??b"),
                         "a\xFF\xC3"
                         "b",
                         false));
  EXPECT_FALSE(plain_glob(parse_pattern("a?b"),
                          "a\xFF\xC3"
                          "b",
                          false));
}

TEST(PlainGlob, NulBytesAreCharacters) {
  using namespace std::string_literals;
  EXPECT_TRUE(plain_glob(parse_pattern("a*c"), "a\0c"s, false));
  EXPECT_FALSE(plain_glob(parse_pattern("a"), "a\0"s, false));
}

TEST(PlainEvaluator, TakesEventsOfABatch) {
  model::NameTable names;
  model::Batch batch(names);
  batch.begin_event();
  batch.add(batch.intern("A"), model::ValueType::kText, "x");
  batch.add(batch.intern("B"), model::ValueType::kNull, "");
  batch.end_event();
  const PlainEvent event = to_plain_event(batch.event(0));
  ASSERT_EQ(event.fields.size(), 2u);
  EXPECT_EQ(event.fields[0].name, "A");
  EXPECT_EQ(event.fields[0].value, "x");
  EXPECT_EQ(event.fields[1].type, model::ValueType::kNull);
}

TEST(PlainEvaluator, ConstantsAndEmptyJoins) {
  PlainEvaluator evaluator;
  Rule rule;
  EXPECT_TRUE(evaluator.match(rule, {}));  // kTrue.
  rule.condition.kind = Expr::Kind::kFalse;
  EXPECT_FALSE(evaluator.match(rule, {}));
  rule.condition.kind = Expr::Kind::kAnd;
  EXPECT_TRUE(evaluator.match(rule, {}));
  rule.condition.kind = Expr::Kind::kOr;
  EXPECT_FALSE(evaluator.match(rule, {}));
}

TEST(PlainEvaluator, AnExpressionThatDoesNotCompileMatchesNothing) {
  Leaf leaf;
  leaf.field = "A";
  leaf.op = Op::kRegex;
  leaf.text = "(";
  EXPECT_FALSE(PlainEvaluator().match_leaf(leaf, event_of({{"A", "("}})));
}

TEST(PlainEvaluator, OneExpressionWithDifferentFlagsIsCompiledForEach) {
  PlainEvaluator evaluator;
  const Rule with_case = item_rule("A|re: B"), without = item_rule("A|re|i: B");
  const PlainEvent event = event_of({{"A", "b"}});
  EXPECT_FALSE(evaluator.match(with_case, event));
  EXPECT_TRUE(evaluator.match(without, event));
  EXPECT_FALSE(evaluator.match(with_case, event));
}

}  // namespace
}  // namespace tocsin::detect::sigma
