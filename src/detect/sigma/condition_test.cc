#include "detect/sigma/condition.h"

#include <gtest/gtest.h>

namespace tocsin::detect::sigma {
namespace {

const std::vector<std::string_view> kNames{"a",         "b",       "c",       "filter_x",      "filter_y", "_hidden",
                                           "notfilter", "nothing", "sel.one", "pipe|endswith", "android"};

std::string show(const Expr& expr) {
  if (expr.kind == Expr::Kind::kSelection) return std::string(kNames[expr.index]);
  if (expr.kind == Expr::Kind::kNot) return "!" + show(expr.children[0]);
  std::string out = expr.kind == Expr::Kind::kAnd ? "&(" : "|(";
  for (std::size_t i = 0; i < expr.children.size(); ++i) out += (i == 0 ? "" : " ") + show(expr.children[i]);
  return out + ")";
}

std::string parsed(std::string_view text) {
  std::vector<bool> used(kNames.size());
  const auto out = parse_condition(text, kNames, used);
  return out.problem ? out.problem->code + "@" + std::to_string(out.problem->offset) : show(out.expr);
}

TEST(Condition, NotBindsTighterThanAndThanOr) {
  EXPECT_EQ(parsed("a"), "a");
  EXPECT_EQ(parsed("a or b and not c"), "|(a &(b !c))");
  EXPECT_EQ(parsed("not a and b"), "&(!a b)");
  EXPECT_EQ(parsed("a and b or c"), "|(&(a b) c)");
  EXPECT_EQ(parsed("(a or b) and c"), "&(|(a b) c)");
  EXPECT_EQ(parsed("not (a or b)"), "!|(a b)");
  EXPECT_EQ(parsed("not not a"), "!!a");
  EXPECT_EQ(parsed("((a))"), "a");
  EXPECT_EQ(parsed("(a)and(b)"), "&(a b)");
}

TEST(Condition, KeywordsInAnyCase) {
  EXPECT_EQ(parsed("a AND NOT b"), "&(a !b)");
  EXPECT_EQ(parsed("a Or b"), "|(a b)");
  EXPECT_EQ(parsed("ALL OF filter_*"), "&(filter_x filter_y)");
}

TEST(Condition, WordsEndAtSpacesAndParenthesesOnly) {
  EXPECT_EQ(parsed("notfilter"), "notfilter");
  EXPECT_EQ(parsed("nothing and not nothing"), "&(nothing !nothing)");
  EXPECT_EQ(parsed("android or a"), "|(android a)");
  EXPECT_EQ(parsed("sel.one"), "sel.one");
  EXPECT_EQ(parsed("pipe|endswith"), "pipe|endswith");
}

TEST(Condition, QuantifiersOverPatterns) {
  EXPECT_EQ(parsed("1 of filter_*"), "|(filter_x filter_y)");
  EXPECT_EQ(parsed("any of filter_*"), "|(filter_x filter_y)");
  EXPECT_EQ(parsed("all of filter_*"), "&(filter_x filter_y)");
  EXPECT_EQ(parsed("1 of filter_x"), "filter_x");
  EXPECT_EQ(parsed("1 of *lter_*"), "|(filter_x filter_y)");
  EXPECT_EQ(parsed("1 of f*_*x"), "filter_x");
  EXPECT_EQ(parsed("1 of pipe*"), "pipe|endswith");
  EXPECT_EQ(parsed("a and not 1 of filter_*"), "&(a !|(filter_x filter_y))");
}

TEST(Condition, HiddenNamesNeedAPatternThatBeginsWithAnUnderscore) {
  EXPECT_EQ(parsed("all of them"), "&(a b c filter_x filter_y notfilter nothing sel.one pipe|endswith android)");
  EXPECT_EQ(parsed("1 of *hidden"), "unknown-selection@5");
  EXPECT_EQ(parsed("1 of _hid*"), "_hidden");
  EXPECT_EQ(parsed("_hidden"), "_hidden");
}

TEST(Condition, MarksWhatItUses) {
  std::vector<bool> used(kNames.size());
  parse_condition("a and 1 of filter_*", kNames, used);
  EXPECT_EQ(used, (std::vector<bool>{true, false, false, true, true, false, false, false, false, false, false}));
}

TEST(Condition, ProblemsSayWhere) {
  EXPECT_EQ(parsed(""), "condition-syntax@0");
  EXPECT_EQ(parsed("a and"), "condition-syntax@5");
  EXPECT_EQ(parsed("and a"), "condition-syntax@0");
  EXPECT_EQ(parsed("a b"), "condition-syntax@2");
  EXPECT_EQ(parsed("(a"), "condition-syntax@0");
  EXPECT_EQ(parsed("a)"), "condition-syntax@1");
  EXPECT_EQ(parsed("()"), "condition-syntax@1");
  EXPECT_EQ(parsed("a and or b"), "condition-syntax@6");
  EXPECT_EQ(parsed("d"), "unknown-selection@0");
  EXPECT_EQ(parsed("a and not 1 of other_*"), "unknown-selection@15");
  EXPECT_EQ(parsed("filter_*"), "condition-syntax@0");
  EXPECT_EQ(parsed("2 of them"), "condition-quantifier@0");
  EXPECT_EQ(parsed("1 of"), "condition-syntax@4");
  EXPECT_EQ(parsed("1 of (a)"), "condition-syntax@5");
  EXPECT_EQ(parsed("a | count() > 5"), "condition-aggregation@2");
  EXPECT_EQ(parsed("a|count() > 5"), "condition-aggregation@1");
  EXPECT_EQ(parsed("1 of filter_*|count() > 5"), "condition-aggregation@13");
}

TEST(Condition, DepthAndSizeAreBounded) {
  const auto nested = [](std::size_t depth) { return std::string(depth, '(') + "a" + std::string(depth, ')'); };
  EXPECT_EQ(parsed(nested(kMaxConditionDepth)), "a");
  EXPECT_EQ(parsed(nested(kMaxConditionDepth + 1)).substr(0, 6), "limit@");
  std::string nots;
  for (std::size_t i = 0; i <= kMaxConditionDepth; ++i) nots += "not ";
  EXPECT_EQ(parsed(nots + "a").substr(0, 6), "limit@");
  EXPECT_EQ(parsed(std::string(kMaxConditionBytes + 1, ' ')), "limit@0");
  EXPECT_EQ(parsed(std::string(kMaxConditionBytes, '(')).substr(0, 6), "limit@");
}

TEST(Condition, NodesAreBounded) {
  std::vector<std::string> storage;
  for (int i = 0; i < 900; ++i) storage.push_back("s" + std::to_string(i));
  const std::vector<std::string_view> names(storage.begin(), storage.end());
  std::vector<bool> used(names.size());
  std::string text = "1 of s*";
  for (int i = 0; i < 30; ++i) text += " or 1 of s*";
  const auto out = parse_condition(text, names, used);
  ASSERT_TRUE(out.problem);
  EXPECT_EQ(out.problem->code, "limit");
}

}  // namespace
}  // namespace tocsin::detect::sigma
