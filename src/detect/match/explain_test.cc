// What a match says of itself.
#include "detect/match/explain.h"

#include <gtest/gtest.h>

#include "detect/match/test_events.h"

namespace tocsin::detect {
namespace {

using Fields = std::vector<std::pair<std::string, std::string>>;

model::Explanation explain(const std::string& detection, const Fields& fields) {
  CompileOptions options;
  options.any_source = true;
  TestEngine engine("title: rule\nlogsource: {product: windows}\ndetection:\n" + detection, {}, options);
  EXPECT_EQ(engine.set.rules.size(), 1u) << detection;
  const model::Event event = engine.events.add(fields);
  const auto matches = engine.match_event(event);
  EXPECT_EQ(matches.size(), 1u) << detection;
  return matches.empty() ? model::Explanation{} : engine.engine.explain(event, matches[0]);
}

// The only predicate of a rule of one item.
model::PredicateMatch explain_item(const std::string& item, const Fields& fields) {
  const model::Explanation out = explain("  sel:\n    " + item + "\n  condition: sel\n", fields);
  EXPECT_EQ(out.selections, std::vector<std::string>{"sel"}) << item;
  EXPECT_EQ(out.condition, "sel");
  EXPECT_EQ(out.predicates.size(), 1u) << item;
  return out.predicates.empty() ? model::PredicateMatch{} : out.predicates[0];
}

struct Case {
  const char* item;
  Fields fields;
  const char* op;
  std::uint64_t position, length;
};

TEST(Explain, EveryOperatorSaysWhereItMatched) {
  const std::vector<Case> cases{
      {"A: abc", {{"A", "ABC"}}, "equals", 0, 3},
      {"A|contains: bc", {{"A", "aaBCd"}}, "contains", 2, 2},
      {"A|startswith: ab", {{"A", "ABcd"}}, "startswith", 0, 2},
      {"A|endswith: cd", {{"A", "abCD"}}, "endswith", 2, 2},
      {"A|contains|cased: bC", {{"A", "bcbC"}}, "contains|cased", 2, 2},
      {"A|re: 'b+'", {{"A", "aabbbc"}}, "re", 2, 3},
      {"A|re|i: 'B+'", {{"A", "aabbbc"}}, "re|i", 2, 3},
      {"A|cidr: 10.0.0.0/8", {{"A", "10.1.2.3"}}, "cidr", 0, 8},
      {"A|gt: 5", {{"A", "17"}}, "gt", 0, 2},
      {"A|gte: 5", {{"A", "5"}}, "gte", 0, 1},
      {"A|lt: 5", {{"A", "-12"}}, "lt", 0, 3},
      {"A|lte: 5", {{"A", "5"}}, "lte", 0, 1},
      {"A|fieldref: B", {{"A", "xyz"}, {"B", "XYZ"}}, "fieldref", 0, 3},
      {"A|hour: 3", {{"A", "2026-01-02T03:04:05Z"}}, "hour", 0, 20},
      {"A|exists: true", {{"A", "x"}}, "exists", 0, 0},
      {"A: null", {{"B", "x"}}, "equals", 0, 0},
      {"A|base64offset|contains: cmd", {{"A", "xxY21kyy"}}, "base64offset|contains", 2, 4},
  };
  for (const Case& one : cases) {
    const model::PredicateMatch match = explain_item(one.item, one.fields);
    EXPECT_EQ(match.field, "A") << one.item;
    EXPECT_EQ(match.op, one.op) << one.item;
    EXPECT_EQ(match.position, one.position) << one.item;
    EXPECT_EQ(match.length, one.length) << one.item;
    EXPECT_TRUE(one.length == 0 || match.value == one.fields[0].second) << one.item;
    EXPECT_TRUE(match.event_field.empty()) << one.item;
  }
}

TEST(Explain, WildcardsCoverWhatTheirPartsCover) {
  const model::PredicateMatch match = explain_item("A: '*b?d*'", {{"A", "aabXdd"}});
  EXPECT_EQ(match.position, 2u);
  EXPECT_EQ(match.length, 3u);
}

TEST(Explain, PositionsAreBytesOfTheValueItselfWhereFoldingChangesLengths) {
  // Kelvin signs have three bytes and fold to one.
  const model::PredicateMatch match = explain_item("A|contains: kÉ", {{"A", "\xE2\x84\xAAx\xE2\x84\xAAéz"}});
  EXPECT_EQ(match.position, 4u);
  EXPECT_EQ(match.length, 5u);
  const model::PredicateMatch end = explain_item("A|endswith: k", {{"A", "\xE2\x84\xAA\xE2\x84\xAA"}});
  EXPECT_EQ(end.position, 3u);
  EXPECT_EQ(end.length, 3u);
  const model::PredicateMatch whole = explain_item("A: ss", {{"A", "ſſ"}});
  EXPECT_EQ(whole.position, 0u);
  EXPECT_EQ(whole.length, 4u);
}

TEST(Explain, TheFirstValueThatMatchesIsShown) {
  const model::PredicateMatch match = explain_item("A|contains: b", {{"A", "xx"}, {"A", "abc"}, {"A", "b"}});
  EXPECT_EQ(match.value, "abc");
  EXPECT_EQ(match.position, 1u);
}

TEST(Explain, LongValuesAreCutButPositionsAreOfTheWhole) {
  const std::string lead(model::kMaxShownBytes + 100, '.');
  const model::PredicateMatch match = explain_item("A|contains: needle", {{"A", lead + "needle"}});
  EXPECT_EQ(match.value.size(), model::kMaxShownBytes);
  EXPECT_EQ(match.position, lead.size());
}

TEST(Explain, KeywordsSayWhichFieldHeldThem) {
  const model::Explanation out = explain("  sel: [mimikatz]\n  condition: sel\n", {{"A", "x"}, {"Message", "ran Mimikatz"}});
  ASSERT_EQ(out.predicates.size(), 1u);
  EXPECT_EQ(out.predicates[0].field, "");
  EXPECT_EQ(out.predicates[0].event_field, "Message");
  EXPECT_EQ(out.predicates[0].position, 4u);
  EXPECT_EQ(out.predicates[0].length, 8u);
}

TEST(Explain, NegatedItemsShowTheValueThatWasThere) {
  const model::Explanation out = explain("  sel: {A|neq: x, B|neq: y}\n  condition: sel\n", {{"A", "other"}});
  ASSERT_EQ(out.predicates.size(), 2u);
  EXPECT_TRUE(out.predicates[0].op.starts_with("not "));
  EXPECT_EQ(out.predicates[0].value, "other");
  EXPECT_EQ(out.predicates[1].value, "");
}

TEST(Explain, NamesSelectionsThatHeldAndThoseThatHadToBeAbsent) {
  const model::Explanation out = explain(
      "  one: {A: x}\n  two: {A: y}\n  three: {B|contains: z}\n  filter_a: {C: c}\n  filter_b: {D: d}\n"
      "  condition: (one or two) and three and not 1 of filter_*\n",
      {{"A", "x"}, {"B", "xyz"}, {"C", "other"}});
  EXPECT_EQ(out.selections, (std::vector<std::string>{"one", "three"}));
  EXPECT_EQ(out.absent, (std::vector<std::string>{"filter_a", "filter_b"}));
  ASSERT_EQ(out.predicates.size(), 2u);
  EXPECT_EQ(out.predicates[0].selection, "one");
  EXPECT_EQ(out.predicates[1].selection, "three");
  EXPECT_EQ(out.condition, "(one or two) and three and not 1 of filter_*");
}

TEST(Explain, NotOfAnAndNamesOnlyThePartThatDidNotHold) {
  const model::Explanation out = explain("  one: {A: x}\n  two: {B: y}\n  condition: not (one and two)\n", {{"A", "x"}});
  EXPECT_TRUE(out.selections.empty());
  EXPECT_EQ(out.absent, std::vector<std::string>{"two"});
}

TEST(Explain, OfAListOnlyTheAlternativesThatHeld) {
  const model::Explanation out =
      explain("  sel:\n    - A|contains: [one, two, three]\n    - B: b\n  condition: sel\n", {{"A", "three one"}});
  ASSERT_EQ(out.predicates.size(), 2u);
  EXPECT_EQ(out.predicates[0].pattern, "one");
  EXPECT_EQ(out.predicates[1].pattern, "three");
}

TEST(Explain, FieldsAreShownAsTheRuleWroteThem) {
  const model::PredicateMatch match = explain_item("Threat Name: x", {{"ThreatName", "x"}});
  EXPECT_EQ(match.field, "Threat Name");
}

TEST(Explain, AtMostSoManyPredicates) {
  std::string values;
  std::string text;
  for (std::size_t i = 100; i < 100 + 2 * kMaxShownPredicates; ++i) {
    values += (values.empty() ? "v" : ", v") + std::to_string(i);
    text += "v" + std::to_string(i) + " ";
  }
  const model::Explanation out = explain("  sel: {A|contains: [" + values + "]}\n  condition: sel\n", {{"A", text}});
  EXPECT_EQ(out.predicates.size(), kMaxShownPredicates);
}

TEST(Explain, FiltersAppliedToARuleAreAmongTheAbsent) {
  CompileOptions options;
  options.any_source = true;
  TestEngine engine(
      "title: rule\nid: 11111111-1111-4111-8111-111111111111\nlogsource: {product: windows}\ndetection:\n  sel: {A: x}\n  "
      "condition: sel\n---\n"
      "title: quiet\nlogsource: {product: windows}\nfilter:\n  rules: [11111111-1111-4111-8111-111111111111]\n  own: {B: "
      "b}\n  condition: not own\n",
      {}, options);
  ASSERT_EQ(engine.set.filter_count, 1u);
  EXPECT_TRUE(engine.match({{"A", "x"}, {"B", "b"}}).empty());
  const model::Event event = engine.events.add({{"A", "x"}});
  const auto matches = engine.match_event(event);
  ASSERT_EQ(matches.size(), 1u);
  const model::Explanation out = engine.engine.explain(event, matches[0]);
  EXPECT_EQ(out.selections, std::vector<std::string>{"sel"});
  EXPECT_EQ(out.absent, std::vector<std::string>{"quiet: own"});
}

TEST(Explain, MappedViewsShowTheFieldOfTheRuleAndThatOfTheEvent) {
  TestEngine engine(
      "title: rule\nlogsource: {product: windows, category: c}\ndetection:\n  sel: {Image|endswith: cmd.exe, Id: 16, Plain: "
      "p}\n  condition: sel\n",
      "product: windows\nrows:\n  - {category: c, when: {Place: here}, fields: {Image: NewProcessName, Id: {from: RawId, "
      "as: decimal}}}\n");
  const model::Event event =
      engine.events.add({{"Place", "here"}, {"NewProcessName", "C:\\CMD.EXE"}, {"RawId", "0x10"}, {"Plain", "p"}});
  const auto matches = engine.match_event(event);
  ASSERT_EQ(matches.size(), 1u);
  EXPECT_EQ(matches[0].view, 1u);
  const model::Explanation out = engine.engine.explain(event, matches[0]);
  ASSERT_EQ(out.predicates.size(), 3u);
  EXPECT_EQ(out.predicates[0].field, "Image");
  EXPECT_EQ(out.predicates[0].event_field, "NewProcessName");
  EXPECT_EQ(out.predicates[0].value, "C:\\CMD.EXE");
  EXPECT_EQ(out.predicates[0].position, 3u);
  EXPECT_EQ(out.predicates[1].event_field, "RawId");
  EXPECT_EQ(out.predicates[1].value, "16");
  EXPECT_EQ(out.predicates[2].event_field, "");
}

}  // namespace
}  // namespace tocsin::detect
