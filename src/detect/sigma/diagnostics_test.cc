// Broken rules, and the place and code that are reported for each. A rule beside it must still load.
#include "detect/sigma/report.h"
#include "detect/sigma/test_rules.h"

namespace tocsin::detect::sigma {
namespace {

constexpr const char* kGood = "title: Good\nlogsource: {product: x}\ndetection:\n  sel: {A: b}\n  condition: sel\n";

// "line:column code" of each diagnostic of the file, errors as they are, warnings with "w " before.
std::vector<std::string> places(const std::string& text, bool refused) {
  const RuleSet set = load_rules({{"bad.yml", text}, {"good.yml", kGood}}, {});
  EXPECT_FALSE(set.rules.empty()) << text;
  EXPECT_EQ(set.refused_count > 0, refused) << show(set.diagnostics);
  std::vector<std::string> out;
  for (const Diagnostic& d : set.diagnostics) {
    if (d.path != "bad.yml") continue;
    EXPECT_FALSE(d.message.empty());
    out.push_back((d.severity == Diagnostic::Severity::kWarning ? "w " : "") + std::to_string(d.line) + ":" +
                  std::to_string(d.column) + " " + d.code);
  }
  return out;
}

struct Case {
  std::string text;
  std::vector<std::string> expected;
};

void check(const std::vector<Case>& cases) {
  for (const Case& c : cases) {
    bool refused = false;
    for (const std::string& place : c.expected) refused |= !place.starts_with("w ");
    EXPECT_EQ(places(c.text, refused), c.expected) << c.text;
  }
}

// A whole document around one changed part.
std::string with_detection(const std::string& lines) { return rule_text(lines); }
std::string with_item(const std::string& item) { return rule_text("  sel:\n    " + item + "\n  condition: sel\n"); }
std::string with_condition(const std::string& condition) {
  return rule_text("  sel: {A: b}\n  condition: " + condition + "\n");
}
std::string with_top(const std::string& lines) {
  return lines + "logsource: {product: x}\ndetection:\n  sel: {A: b}\n  condition: sel\n";
}

TEST(Diagnostics, FileThatCannotBeRead) {
  const RuleSet set = load_rules({{"bad.yml", "", "permission denied"}, {"good.yml", kGood}}, {});
  EXPECT_EQ(set.rules.size(), 1U);
  EXPECT_EQ(set.refused_count, 1U);
  ASSERT_EQ(set.diagnostics.size(), 1U);
  EXPECT_EQ(format_diagnostic(set.diagnostics[0]), "bad.yml: error: permission denied [unreadable]");
}

TEST(Diagnostics, YamlThatCannotBeRead) {
  check({
      {"title: 'open\n", {"2:1 yaml-syntax"}},
      {"title: a: b\n", {"1:9 yaml-syntax"}},
      {"title: x\n\tid: y\n", {"2:1 yaml-syntax"}},
      {"title: \"\\d\"\n", {"1:9 yaml-syntax"}},
      {"title: x\ndetection: *nobody\n", {"2:12 yaml-alias"}},
      {"title: *.exe\n", {"1:9 yaml-syntax"}},
      {"a: \x01\n", {"1:4 yaml-syntax"}},
      {std::string("title: x\0y\n", 11), {"1:9 not-text"}},
      {"title: ok\nid: \xFF\n", {"2:5 invalid-utf8"}},
      {"title: x\ntitle: y\n", {"2:1 duplicate-key"}},
      {"a: {b: 1, c: 2, b: 3}\n", {"1:17 duplicate-key"}},
      {"base: &b {x: y}\nmore:\n  <<: *b\n", {"3:3 yaml-merge"}},
      {"title: !python/name:x y\n", {"1:8 yaml-tag"}},
      {"? [a]\n: b\n", {"1:3 yaml-key"}},
      {"? ~\n: b\n", {"1:3 yaml-key"}},
      {"a: &x [*x]\n", {"1:8 yaml-alias"}},
  });
}

TEST(Diagnostics, DocumentsThatAreNoRules) {
  check({
      {"", {"w 1:1 empty-file"}},
      {"# nothing\n", {"w 1:1 empty-file"}},
      {"just text\n", {"1:1 not-a-rule"}},
      {"- a\n- b\n", {"1:1 not-a-rule"}},
      {"title: x\n", {"1:1 not-a-rule"}},
      {"title: x\ndetection: {}\ncorrelation: {}\n", {"1:1 not-a-rule"}},
      {"action: global\ntitle: x\n", {"1:9 rule-collection"}},
  });
}

TEST(Diagnostics, Metadata) {
  check({
      {with_top(""), {"1:1 missing-title"}},
      {with_top("title: ''\n"), {"1:8 missing-title"}},
      {with_top("title: [x]\n"), {"w 1:8 wrong-type", "1:8 missing-title"}},
      {with_top("title: x\nid: not-a-uuid\n"), {"w 2:5 id-format"}},
      {with_top("title: x\nlevel: hihg\n"), {"w 2:8 level-value"}},
      {with_top("title: x\nstatus: done\n"), {"w 2:9 status-value"}},
      {with_top("title: x\ndate: 2024/01/02\n"), {"w 2:7 date-format"}},
      {with_top("title: x\nmodified: 2023-02-29\n"), {"w 2:11 date-format"}},
      {with_top("title: x\ntags: {a: b}\n"), {"w 2:7 wrong-type"}},
      {with_top("title: x\ntags:\n  - [a]\n"), {"w 3:5 wrong-type"}},
      {with_top("title: x\nauthor: {a: b}\n"), {"w 2:9 wrong-type"}},
      {with_top("title: " + std::string(2'000, 'x') + "\n"), {"w 1:8 too-long"}},
  });
}

TEST(Diagnostics, Logsource) {
  const std::string rest = "detection:\n  sel: {A: b}\n  condition: sel\n";
  check({
      {"title: x\n" + rest, {"1:1 missing-logsource"}},
      {"title: x\nlogsource: windows\n" + rest, {"2:12 wrong-type"}},
      {"title: x\nlogsource: {product: [a]}\n" + rest, {"2:22 wrong-type"}},
      {"title: x\nlogsource: {definition: a}\n" + rest, {"2:12 missing-logsource"}},
      {"title: x\nlogsource: {product: null}\n" + rest, {"2:12 missing-logsource"}},
  });
}

TEST(Diagnostics, Detection) {
  check({
      {"title: x\nlogsource: {product: x}\ndetection: [a]\n", {"3:12 wrong-type"}},
      {with_detection("  sel: {A: b}\n"), {"4:3 missing-condition"}},
      {with_detection("  sel:\n  condition: sel\n"), {"4:7 empty-selection"}},
      {with_detection("  sel: {}\n  condition: sel\n"), {"4:8 empty-selection"}},
      {with_detection("  sel: []\n  condition: sel\n"), {"4:8 empty-selection"}},
      {with_detection("  and: {A: b}\n  condition: and\n"), {"4:3 reserved-name", "5:14 condition-syntax"}},
      {with_detection("  sel: ['']\n  condition: sel\n"), {"4:9 empty-keyword"}},
      {with_detection("  sel: ['*']\n  condition: sel\n"), {"4:9 empty-keyword"}},
      {with_detection("  sel: [null]\n  condition: sel\n"), {"4:9 wrong-type"}},
      {with_detection("  sel: {A: b}\n  other: {A: c}\n  condition: sel\n"), {"w 5:0 unused-selection"}},
      {with_detection("  sel: {A: b}\n  timeframe: 5m\n  condition: sel\n"), {"w 5:3 timeframe-ignored"}},
      {with_detection("  " + std::string(300, 'x') + ": {A: b}\n  condition: 1 of x*\n"),
       {"4:3 limit", "5:19 unknown-selection"}},
  });
}

TEST(Diagnostics, Values) {
  check({
      {with_item("A: []"), {"5:8 empty-list"}},
      {with_item("A: {b: c}"), {"5:8 wrong-type"}},
      {with_item("A: [[b]]"), {"5:9 wrong-type"}},
      {with_item("A: [b, null]"), {"5:12 null-in-list"}},
      {with_item("A|contains: null"), {"5:17 wrong-type"}},
      {with_item("A|gt: '5'"), {"5:11 wrong-type"}},
      {with_item("A|exists: maybe"), {"5:15 wrong-type"}},
      {with_item("A|cidr: 10.1.0.0/8"), {"5:13 cidr-syntax"}},
      {with_item("A|expand: '%x%'"), {"5:15 placeholder-unresolved"}},
      {with_item("A|hour: 25"), {"5:13 value-range"}},
      {with_item("A|base64: 'a*b'"), {"5:15 base64-wildcard"}},
      {with_item("A|utf16: ab"), {"5:14 not-text"}},
      {with_item(std::string(300, 'x') + ": b"), {"5:5 limit"}},
  });
}

TEST(Diagnostics, Modifiers) {
  check({
      {with_item("Field|contans: x"), {"5:11 unknown-modifier"}},
      {with_item("'Field|all|contans': x"), {"5:16 unknown-modifier"}},
      {with_item("Ä|contans: x"), {"5:7 unknown-modifier"}},
      {with_item("A|contains|re: x"), {"5:16 modifier-order"}},
      {with_item("A|startswith|endswith: x"), {"5:18 modifier-combination"}},
      {with_item("A|foo|bar: x"), {"5:7 unknown-modifier", "5:11 unknown-modifier"}},
  });
}

TEST(Diagnostics, RegularExpressions) {
  check({
      {with_item("A|re: 'a(b'"), {"5:12 regex-syntax"}},
      {with_item("A|re: 'ab(?=c)'"), {"5:14 regex-unsupported"}},
      {with_item("A|re: 'ab(?<!c)'"), {"5:14 regex-unsupported"}},
      {with_item("A|re: '(a)\\1'"), {"5:15 regex-unsupported"}},
      {with_item("A|re: 'a++'"), {"5:13 regex-unsupported"}},
      {with_item("A|re: '(?>a)'"), {"5:12 regex-unsupported"}},
      {with_item("A|re: 'a{1001}'"), {"5:13 limit"}},
      {with_item("A|re: '(a{1000}){1000}'"), {"5:14 limit"}},
      {with_item("A|re: '[z-a]'"), {"5:13 regex-syntax"}},
      {with_item("A|re: '\\Z'"), {"5:12 regex-syntax"}},
      {with_item("A|re: '" + std::string(20'000, 'a') + "'"), {"5:12 limit"}},
  });
}

TEST(Diagnostics, Conditions) {
  check({
      {with_condition("sle"), {"5:14 unknown-selection"}},
      {with_condition("sel and"), {"5:21 condition-syntax"}},
      {with_condition("'sel or (sel'"), {"5:22 condition-syntax"}},
      {with_condition("sel sel"), {"5:18 condition-syntax"}},
      {with_condition("not 1 of filter_*"), {"5:23 unknown-selection"}},
      {with_condition("2 of them"), {"5:14 condition-quantifier"}},
      {with_condition("sel | count() > 5"), {"5:18 condition-aggregation"}},
      {with_condition("sel | near sel2"), {"5:18 condition-aggregation"}},
      {with_condition("{a: b}"), {"5:14 wrong-type"}},
      {with_condition("null"), {"5:14 wrong-type"}},
      {with_condition("[]"), {"5:14 missing-condition"}},
      {with_condition("[sel, nope]"), {"5:20 unknown-selection"}},
      {with_condition("|\n    sel and\n    nope"), {"5:14 unknown-selection"}},
  });
}

TEST(Diagnostics, AllProblemsOfARuleAreReported) {
  check({{with_detection("  sel:\n    A|foo: x\n    B|re: '('\n    C|gt: x\n  condition: nope\n"),
          {"5:7 unknown-modifier", "6:12 regex-syntax", "7:11 wrong-type", "8:14 unknown-selection"}}});
}

TEST(Diagnostics, ADocumentWithASyntaxErrorDoesNotTakeTheOthersAlong) {
  const std::string text = std::string(kGood) + "---\ntitle: 'open\n---\n" + kGood;
  const RuleSet set = load_text(text);
  EXPECT_EQ(set.rules.size(), 2u) << show(set.diagnostics);
  EXPECT_EQ(set.refused_count, 1u);
  EXPECT_EQ(set.rules[1].info.line, 9u);
}

TEST(Diagnostics, HintsHelp) {
  const auto hint = [](const std::string& text) {
    const RuleSet set = load_text(text);
    return set.diagnostics.empty() ? "" : set.diagnostics[0].hint;
  };
  EXPECT_EQ(hint(with_item("A|contians: x")), "did you mean 'contains'?");
  EXPECT_EQ(hint(with_item("A|Contains: x")), "did you mean 'contains'?");
  EXPECT_NE(hint(with_item("A|ignorecase: x")).find("'i'"), std::string::npos);
  EXPECT_EQ(hint(with_condition("sle")), "did you mean 'sel'?");
  EXPECT_NE(hint(with_condition("something_else")).find("sel"), std::string::npos);
  EXPECT_NE(hint(with_condition("sel | count() > 1")).find("event_count"), std::string::npos);
  EXPECT_NE(hint(with_item("A|re: '(?!x)'")).find("not"), std::string::npos);
  EXPECT_NE(hint("title: a: b\n").find("quotes"), std::string::npos);
}

TEST(Diagnostics, CarryTheRule) {
  const RuleSet set = load_text(
      "title: Named\nid: 929A690E-bef0-4204-a928-ef5e620d6fcc\nlogsource: {product: x}\ndetection:\n  sel: {A|foo: b}\n  "
      "condition: sel\n");
  ASSERT_EQ(set.diagnostics.size(), 1u);
  EXPECT_EQ(set.diagnostics[0].rule_title, "Named");
  EXPECT_EQ(set.diagnostics[0].rule_id, "929a690e-bef0-4204-a928-ef5e620d6fcc");
}

TEST(Diagnostics, AreBoundedPerDocument) {
  std::string items;
  for (int i = 0; i < 500; ++i) items += "    F" + std::to_string(i) + "|foo: x\n";
  const RuleSet set = load_text(with_detection("  sel:\n" + items + "  condition: sel\n"));
  EXPECT_EQ(set.diagnostics.size(), Report::kMaxPerDocument);
  EXPECT_EQ(set.refused_count, 1u);
}

}  // namespace
}  // namespace tocsin::detect::sigma
