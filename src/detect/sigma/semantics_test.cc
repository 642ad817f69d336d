// What a detection means: maps, lists, keywords, null, empty, case, numbers, lists in events.
#include "detect/sigma/test_rules.h"

namespace tocsin::detect::sigma {
namespace {

using Fields = std::vector<std::pair<std::string, std::string>>;

TEST(Semantics, AMapIsAndAListOfMapsIsOr) {
  const Rule rule = rule_of("  sel:\n    - A: x\n      B: y\n    - C: z\n  condition: sel\n");
  EXPECT_TRUE(matches(rule, event_of({{"A", "x"}, {"B", "y"}})));
  EXPECT_FALSE(matches(rule, event_of({{"A", "x"}})));
  EXPECT_TRUE(matches(rule, event_of({{"C", "z"}})));
}

TEST(Semantics, AListOfValuesIsOr) {
  const Rule rule = item_rule("A: [x, y]");
  EXPECT_TRUE(matches(rule, event_of({{"A", "y"}})));
  EXPECT_FALSE(matches(rule, event_of({{"A", "z"}})));
}

TEST(Semantics, AListMayMixMapsAndKeywords) {
  const Rule rule = rule_of("  sel:\n    - A: x\n    - word\n  condition: sel\n");
  EXPECT_TRUE(matches(rule, event_of({{"A", "x"}})));
  EXPECT_TRUE(matches(rule, event_of({{"B", "a word here"}})));
  EXPECT_FALSE(matches(rule, event_of({{"B", "x"}})));
}

TEST(Semantics, NestedListsAreOr) {
  const Rule rule = rule_of("  sel:\n    - [one, two]\n    - three\n  condition: sel\n");
  for (const char* word : {"one", "two", "three"}) EXPECT_TRUE(matches(rule, event_of({{"m", word}})));
}

TEST(Semantics, APlainScalarIsOneKeyword) {
  const Rule rule = rule_of("  sel: mimikatz\n  condition: sel\n");
  EXPECT_TRUE(matches(rule, event_of({{"m", "ran MIMIKATZ.exe"}})));
  EXPECT_FALSE(matches(rule, event_of({{"mimikatz", "name does not count"}})));
}

TEST(Semantics, KeywordsSearchEveryValueAndNotAcrossValues) {
  const Rule rule = rule_of("  sel: ['one two', 4625, 'a*z']\n  condition: sel\n");
  EXPECT_TRUE(matches(rule, event_of({{"a", "x"}, {"b", "the ONE TWO"}})));
  EXPECT_FALSE(matches(rule, event_of({{"a", "one"}, {"b", "two"}})));
  EXPECT_TRUE(matches(rule, event_of({{"a", "id=4625;"}})));
  EXPECT_TRUE(matches(rule, event_of({{"a", "--a--z--"}})));
}

TEST(Semantics, BareAllNeedsEveryKeywordInAnyValues) {
  const Rule rule = rule_of("  sel:\n    '|all':\n      - one\n      - two\n  condition: sel\n");
  EXPECT_TRUE(matches(rule, event_of({{"a", "one"}, {"b", "two"}})));
  EXPECT_FALSE(matches(rule, event_of({{"a", "one"}})));
}

TEST(Semantics, AListOfConditionsIsOr) {
  const Rule rule = rule_of("  a: {A: x}\n  b: {B: y}\n  condition:\n    - a\n    - b\n");
  EXPECT_TRUE(matches(rule, event_of({{"A", "x"}})));
  EXPECT_TRUE(matches(rule, event_of({{"B", "y"}})));
  EXPECT_FALSE(matches(rule, event_of({{"B", "x"}})));
  EXPECT_EQ(rule.condition_text, "a | b");
}

TEST(Semantics, OddSelectionNamesAreReachedByPatterns) {
  const Rule rule = rule_of("  select_mdadm.conf: {A: x}\n  select_tree|endswith: {A: y}\n  condition: 1 of select*\n");
  EXPECT_TRUE(matches(rule, event_of({{"A", "x"}})));
  EXPECT_TRUE(matches(rule, event_of({{"A", "y"}})));
}

TEST(Semantics, TextIsComparedWithoutCaseAndFieldNamesWithIt) {
  EXPECT_TRUE(item_matches("A: 'CMD.exe'", {{"A", "cmd.EXE"}}));
  EXPECT_TRUE(item_matches("A: 'ÄΣК'", {{"A", "äςк"}}));
  EXPECT_TRUE(item_matches("A|contains: 'kelvin'", {{"A", "\u212Aelvin"}}));
  EXPECT_FALSE(item_matches("A: 'straße'", {{"A", "strasse"}}));
  EXPECT_FALSE(item_matches("FileName: x", {{"Filename", "x"}}));
}

TEST(Semantics, SpacesLeaveFieldNamesButNeverValues) {
  EXPECT_TRUE(item_matches("Threat Name: x", {{"ThreatName", "x"}}));
  EXPECT_EQ(item_rule("Threat Name: x").leaves[0].shown_field, "Threat Name");
  EXPECT_FALSE(item_matches("A: ' x '", {{"A", "x"}}));
  EXPECT_TRUE(item_matches("A|endswith: ' x '", {{"A", "y x "}}));
  EXPECT_FALSE(item_matches("A|endswith: ' x '", {{"A", "y x"}}));
}

TEST(Semantics, TheCallersNamesAreUsed) {
  LoadOptions options;
  options.canonical_name = [](std::string_view name) {
    return name == "winlog.channel" ? std::string("Channel") : std::string(name);
  };
  EXPECT_TRUE(item_matches("winlog.channel: Security", {{"Channel", "Security"}}, options));
  EXPECT_TRUE(item_matches("A|fieldref: winlog.channel", {{"Channel", "x"}, {"A", "x"}}, options));
}

TEST(Semantics, NumbersAndBooleansMatchAsText) {
  EXPECT_TRUE(item_matches("EventID: 4624", {{"EventID", "4624"}}));
  EXPECT_TRUE(item_matches("EventID: '4624'", {{"EventID", "4624"}}));
  EXPECT_FALSE(item_matches("EventID: 4624", {{"EventID", "04624"}}));
  EXPECT_FALSE(item_matches("A: 1", {{"A", "1.0"}}));
  EXPECT_TRUE(item_matches("A: +5", {{"A", "5"}}));
  EXPECT_TRUE(item_matches("A: true", {{"A", "true"}}));
  EXPECT_TRUE(item_matches("A: True", {{"A", "true"}}));
  EXPECT_TRUE(item_matches("A: 0x1F", {{"A", "0x1f"}}));
  EXPECT_TRUE(item_matches("A: yes", {{"A", "yes"}}));
  EXPECT_TRUE(item_matches("A: 2024-01-02", {{"A", "2024-01-02"}}));
  EXPECT_TRUE(item_matches("A: 010", {{"A", "010"}}));
}

TEST(Semantics, NullIsAbsentOrNull) {
  const Rule rule = item_rule("A: null");
  EXPECT_TRUE(matches(rule, event_of({})));
  EXPECT_FALSE(matches(rule, event_of({{"A", ""}})));
  EXPECT_FALSE(matches(rule, event_of({{"A", "null"}})));
  PlainEvent event;
  event.fields.push_back({"A", model::ValueType::kNull, ""});
  EXPECT_TRUE(matches(rule, event));
  event.fields.push_back({"A", model::ValueType::kText, "x"});
  EXPECT_FALSE(matches(rule, event));
  for (const char* form : {"A: ~", "A:", "A: Null"}) EXPECT_TRUE(item_matches(form, {})) << form;
  EXPECT_TRUE(item_matches("A: 'null'", {{"A", "null"}}));
  EXPECT_FALSE(item_matches("A: 'null'", {}));
}

TEST(Semantics, EmptyTextIsPresentAndEmpty) {
  const Rule rule = item_rule("A: ''");
  EXPECT_TRUE(matches(rule, event_of({{"A", ""}})));
  EXPECT_FALSE(matches(rule, event_of({})));
  EXPECT_FALSE(matches(rule, event_of({{"A", " "}})));
  PlainEvent null;
  null.fields.push_back({"A", model::ValueType::kNull, ""});
  EXPECT_FALSE(matches(rule, null));
}

TEST(Semantics, ContainsEmptyIsAnyValue) {
  for (const char* item : {"A|contains: ''", "A: '*'"}) {
    EXPECT_TRUE(item_matches(item, {{"A", "x"}}));
    EXPECT_TRUE(item_matches(item, {{"A", ""}}));
    EXPECT_FALSE(item_matches(item, {}));
  }
}

TEST(Semantics, AnyElementOfAListMatchesAndAllMayUseDifferentOnes) {
  EXPECT_TRUE(item_matches("A: y", {{"A", "x"}, {"A", "y"}}));
  EXPECT_TRUE(item_matches("A|contains|all: [x, y]", {{"A", "x"}, {"A", "y"}}));
  EXPECT_FALSE(item_matches("A|contains|all: [x, z]", {{"A", "x"}, {"A", "y"}}));
}

TEST(Semantics, WildcardsCrossNewlinesAndCountCodePoints) {
  EXPECT_TRUE(item_matches("A: 'a*b'", {{"A", "a\n\r\nb"}}));
  EXPECT_TRUE(item_matches("A: 'a?b'", {{"A", "a\nb"}}));
  EXPECT_TRUE(item_matches("A: 'a?b'", {{"A", "a😀b"}}));
  EXPECT_FALSE(item_matches("A: 'a?b'", {{"A", "ab"}}));
  EXPECT_FALSE(item_matches("A: 'a?b'", {{"A", "aéüb"}}));
  EXPECT_TRUE(item_matches("A: 'a*'", {{"A", "a"}}));
  EXPECT_FALSE(item_matches("A: 'a'", {{"A", "aa"}}));
  EXPECT_TRUE(item_matches("A: 'a*b*c?d'", {{"A", "a-b-b-c-c.d"}}));
}

TEST(Semantics, UnderscoreSelectionsServePatternsThatNameThem) {
  const Rule rule = rule_of("  a: {A: x}\n  _b: {B: y}\n  condition: all of them\n");
  EXPECT_TRUE(matches(rule, event_of({{"A", "x"}})));
}

TEST(Semantics, QuotesDecideTypes) {
  EXPECT_EQ(item_rule("A: 'true'").leaves[0].op, Op::kPattern);
  EXPECT_EQ(item_rule("A: !!str null").leaves[0].op, Op::kPattern);
  EXPECT_EQ(item_rule("A: !!null ''").leaves[0].op, Op::kNull);
  EXPECT_TRUE(item_matches("A: |-\n      two\n      lines", {{"A", "two\nlines"}}));
}

TEST(Semantics, MetadataIsKept) {
  const RuleSet set = load_text(
      "title: T\nid: 929A690E-bef0-4204-a928-ef5e620d6fcc\nname: n\nstatus: test\nlevel: HIGH\ndescription: d\nauthor: "
      "a\ndate: 2024-01-02\n"
      "modified: 2024-01-03\nlicense: MIT\nreferences: [r]\nfalsepositives: [f]\ntags: [attack.t1059]\nfields: [X]\ncustom: "
      "{deep: [1]}\n"
      "logsource: {product: Windows, service: Security, definition: x}\ndetection:\n  sel: {A: b}\n  condition: sel\n");
  ASSERT_EQ(set.rules.size(), 1u) << show(set.diagnostics);
  EXPECT_TRUE(set.diagnostics.empty()) << show(set.diagnostics);
  const model::RuleInfo& info = set.rules[0].info;
  EXPECT_EQ(info.id, "929a690e-bef0-4204-a928-ef5e620d6fcc");
  EXPECT_EQ(info.level, model::Level::kHigh);
  EXPECT_TRUE(info.level_given);
  EXPECT_EQ(info.logsource, (model::LogSource{"windows", "", "security"}));
  EXPECT_EQ(info.tags, std::vector<std::string>{"attack.t1059"});
  EXPECT_EQ(info.modified, "2024-01-03");
  EXPECT_EQ(info.type, "rule");
  EXPECT_EQ(info.path, "rule.yml");
  EXPECT_EQ(set.rules[0].selections[0].line, 18u);
}

}  // namespace
}  // namespace tocsin::detect::sigma
