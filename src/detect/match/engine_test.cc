// The engine at its edges: many fields, full name tables, remembered values.
#include "detect/engine.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "detect/match/test_events.h"

namespace tocsin::detect {
namespace {

CompileOptions any_source() {
  CompileOptions out;
  out.any_source = true;
  return out;
}

std::string rule(const std::string& detection) {
  return "title: rule\nlogsource: {product: windows}\ndetection:\n" + detection;
}

TEST(Engine, AppendsMatchesInRuleOrderAndNeverClears) {
  TestEngine engine(rule("  s: {A: x}\n  condition: s\n") + "---\n" + rule("  s: {A|contains: xx}\n  condition: s\n") +
                        "---\n" + rule("  s: {A|endswith: x}\n  condition: not s\n"),
                    {}, any_source());
  std::vector<Match> out{{7, 7}};
  engine.engine.match(engine.events.add({{"A", "y"}}), out);
  engine.engine.match(engine.events.add({{"A", "X"}}), out);
  engine.engine.match(engine.events.add({{"A", "zXx"}}), out);
  ASSERT_EQ(out.size(), 4u);
  EXPECT_EQ(out[0].rule_index, 7u);
  EXPECT_EQ(out[1].rule_index, 2u);
  EXPECT_EQ(out[2].rule_index, 0u);
  EXPECT_EQ(out[3].rule_index, 1u);
}

TEST(Engine, CostsAreSampledByRuleAndMatchesStayTheSame) {
  static std::int64_t now = 0;
  const auto clock = []() -> std::int64_t { return now += 10; };
  TestEngine engine(rule("  s: {A|contains: xx}\n  condition: s\n") + "---\n" +
                        rule("  s: {A|contains: yy}\n  condition: s\n") + "---\n" +
                        rule("  s: {A: never}\n  condition: not s\n"),
                    {}, any_source());
  std::vector<Match> out;
  std::vector<RuleCost> costs;
  engine.engine.take_costs(costs);
  EXPECT_TRUE(costs.empty());
  engine.engine.sample_costs(clock, 3);
  for (int i = 0; i < 9; ++i) {
    out.clear();
    engine.engine.match(engine.events.add({{"A", "axx"}}), out);
    ASSERT_EQ(out.size(), 2u);
    EXPECT_EQ(out[0].rule_index, 0u);
    EXPECT_EQ(out[1].rule_index, 2u);
  }
  engine.engine.take_costs(costs);
  std::sort(costs.begin(), costs.end(), [](const auto& a, const auto& b) { return a.rule_index < b.rule_index; });
  ASSERT_EQ(costs.size(), 2u);  // The second rule was never reached.
  EXPECT_EQ(costs[0].rule_index, 0u);
  EXPECT_EQ(costs[0].evaluations, 3u);
  EXPECT_EQ(costs[0].ns, 0);  // Reading the clock is taken off.
  EXPECT_EQ(costs[1].rule_index, 2u);
  EXPECT_EQ(costs[1].evaluations, 3u);
  costs.clear();
  engine.engine.take_costs(costs);
  EXPECT_TRUE(costs.empty());
  engine.engine.sample_costs(clock, 0);
  for (int i = 0; i < 9; ++i) engine.engine.match(engine.events.add({{"A", "axx"}}), out);
  engine.engine.take_costs(costs);
  EXPECT_TRUE(costs.empty());
}

// The sender chooses field names: filling the table must not hide the fields that rules ask for.
TEST(Engine, AFullNameTableDoesNotHideTheFieldsOfRules) {
  TestEngine engine(rule("  s: {CommandLine|contains: mimikatz, Other|fieldref: Third}\n  condition: s\n"), {},
                    any_source());
  for (std::size_t i = 0; i <= model::kMaxNames; ++i) engine.names.intern("junk" + std::to_string(i));
  EXPECT_EQ(engine.titles({{"CommandLine", "mimikatz"}, {"Other", "a"}, {"Third", "a"}}), "rule ");
}

TEST(Engine, AFullNameTableDoesNotHideTheSource) {
  TestEngine engine("title: rule\nlogsource: {product: windows, category: c}\ndetection:\n  s: {A: x}\n  condition: s\n",
                    "product: windows\nrows:\n  - {category: c, when: {Place: here}, fields: {A: Mapped}}\n");
  for (std::size_t i = 0; i <= model::kMaxNames; ++i) engine.names.intern("junk" + std::to_string(i));
  EXPECT_EQ(engine.titles({{"Place", "here"}, {"Mapped", "x"}}), "rule ");
}

TEST(Engine, MoreFieldsThan16BitsCanNumber) {
  std::string detection = "  s:\n";
  for (int i = 0; i < 40'000; ++i) detection += "    - F" + std::to_string(i) + ": x\n";
  TestEngine engine(rule(detection + "  condition: s\n"), {}, any_source());
  ASSERT_EQ(engine.set.rules.size(), 1u);
  for (const int i : {0, 1, 32'765, 32'766, 32'767, 32'768, 39'999})
    EXPECT_EQ(engine.titles({{"F" + std::to_string(i), "x"}}), "rule ") << i;
  EXPECT_EQ(engine.titles({{"F40000", "x"}}), "");
}

// A memo goes off while another value of the same event still uses an entry of it.
TEST(Engine, AMemoThatGoesOffAmidAnEventIsStillValidForItsValues) {
  TestEngine engine(rule("  s:\n    A|re: 'needle\\d'\n  t:\n    A|contains: [one, two, three, four, five, six]\n  "
                         "condition: s or (t and s)\n"),
                    {}, any_source());
  int number = 0;
  for (int i = 0; i < 3'000; ++i) {
    std::vector<std::pair<std::string, std::string>> fields;
    for (int k = 0; k < 3; ++k)
      fields.emplace_back(
          "A", "value number " + std::to_string(++number) + (k == 2 && i % 2 == 0 ? " six NEEDLE needle7" : " six needle"));
    ASSERT_EQ(engine.titles(fields), i % 2 == 0 ? "rule " : "");
  }
}

TEST(Engine, RepeatedValuesGiveTheSameAnswers) {
  TestEngine engine(rule("  s:\n    A|re: '^x+y'\n    B|cidr: 10.0.0.0/8\n    C: 'é*b?c'\n  t: {A|contains|cased: Xx}\n  "
                         "condition: s or t\n"),
                    {}, any_source());
  for (int i = 0; i < 5'000; ++i) {
    EXPECT_EQ(engine.titles({{"A", "xxy"}, {"B", "10.1.1.1"}, {"C", "ÉaaBxC"}}), "rule ");
    EXPECT_EQ(engine.titles({{"A", "xxy"}, {"B", "11.1.1.1"}, {"C", "ÉaaBxC"}}), "");
    EXPECT_EQ(engine.titles({{"A", "aXxy"}}), "rule ");
    EXPECT_EQ(engine.titles({{"A", "axxy"}}), "");
    EXPECT_EQ(engine.titles({{"A", ""}, {"B", ""}, {"C", std::to_string(i)}}), "");
  }
}

// memcpy must not be given such a pointer, not even for no bytes: the undefined behaviour sanitizer tells.
TEST(Engine, AnEmptyTextMayPointNowhere) {
  TestEngine engine(rule("  s: {A: '', Channel: ''}\n  condition: s\n"),
                    "product: windows\nrows:\n  - {service: s, when: {EventID: 1}}\n  - {service: t, when: {Channel: x}}\n");
  model::Batch batch(engine.names);
  batch.begin_event();
  for (const char* name : {"A", "Channel"}) batch.add(batch.intern(name), model::ValueType::kText, std::string_view());
  batch.add(batch.intern("EventID"), model::ValueType::kNumber, "1");
  batch.end_event().format = model::Format::kJson;
  EXPECT_EQ(engine.titles_of(batch.event(0)), "rule ");
}

TEST(Engine, KeywordsAreNotFoundAcrossValues) {
  TestEngine engine(rule("  s: ['one two', 'éa', 'b*c']\n  condition: s\n"), {}, any_source());
  EXPECT_EQ(engine.titles({{"A", "one"}, {"B", " two"}}), "");
  EXPECT_EQ(engine.titles({{"A", "one "}, {"B", "two"}, {"C", "é"}, {"D", "a"}}), "");
  EXPECT_EQ(engine.titles({{"A", "b"}, {"B", "c"}}), "");
  EXPECT_EQ(engine.titles({{"A", "x"}, {"B", "xÉA"}}), "rule ");
  EXPECT_EQ(engine.titles({{"A", "x"}, {"B", "One Two"}, {"C", "日"}}), "rule ");
  EXPECT_EQ(engine.titles({}), "");
}

// Rules with nothing but keywords are reached through the event's values as one text.
TEST(Engine, KeywordsAloneAreNotFoundAcrossValuesEither) {
  TestEngine engine(rule("  s: ['one two', 'three é']\n  condition: s\n"), {}, any_source());
  EXPECT_EQ(engine.titles({{"A", "one"}, {"B", " two"}}), "");
  EXPECT_EQ(engine.titles({{"A", "one "}, {"B", "two"}}), "");
  EXPECT_EQ(engine.titles({{"A", "three"}, {"B", " é"}}), "");
  EXPECT_EQ(engine.titles({{"A", "three "}, {"B", "é"}}), "");
  EXPECT_EQ(engine.titles({{"A", "x"}, {"B", "ONE TWO"}}), "rule ");
  EXPECT_EQ(engine.titles({{"A", "one two"}, {"B", "日"}}), "rule ");
  EXPECT_EQ(engine.titles({{"A", "日"}, {"B", "Three É"}}), "rule ");
}

TEST(Engine, ValuesAreGivenAsTheViewShowsThem) {
  TestEngine engine(
      "title: rule\nlogsource: {product: windows, category: c}\ndetection:\n  s: {A: 16}\n  condition: s\n",
      "product: windows\nrows:\n  - {category: c, when: {Place: here}, fields: {A: {from: Raw, as: decimal}}}\n");
  const model::Event event =
      engine.events.add({{"Place", "here"}, {"Raw", "0x10"}, {"Raw", "x"}, {"B", "b"}, {"A", "unmapped"}});
  const auto matches = engine.match_event(event);
  ASSERT_EQ(matches.size(), 1u);
  EXPECT_EQ(engine.engine.values(event, matches[0], "A"), (std::vector<std::string>{"16", "x"}));
  EXPECT_EQ(engine.engine.values(event, matches[0], "B"), std::vector<std::string>{"b"});
  EXPECT_TRUE(engine.engine.values(event, matches[0], "Z").empty());
}

TEST(Engine, ThousandsOfAlternativesInAllShapes) {
  std::string detection = "  s:\n";
  for (const char* op : {"", "|contains", "|startswith", "|endswith"}) {
    detection += "    - A" + std::string(op) + ":\n";
    for (int i = 0; i < 1'500; ++i) detection += "        - 'w" + std::to_string(i * 7) + "q'\n";
  }
  TestEngine engine(rule(detection + "  f: {A|contains: [aa1, aa2, aa3, aa4, aa5, aa6]}\n  condition: s and not f\n"), {},
                    any_source());
  EXPECT_EQ(engine.titles({{"A", "xxW7Qxx"}}), "rule ");
  EXPECT_EQ(engine.titles({{"A", "xxW8Qxx"}}), "");
  EXPECT_EQ(engine.titles({{"A", "w70q aa5"}}), "");
  EXPECT_EQ(engine.titles({{"A", "w70q"}, {"A", "aa5"}}), "");
  EXPECT_EQ(engine.titles({{"A", "w70q"}, {"A", "aa7"}}), "rule ");
}

}  // namespace
}  // namespace tocsin::detect
