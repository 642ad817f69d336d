// Every value modifier of the specification: what it matches, what not, its edges.
#include "detect/sigma/test_rules.h"

namespace tocsin::detect::sigma {
namespace {

using namespace std::string_literals;

std::string code_of(const std::string& item, const LoadOptions& options = {}) {
  const RuleSet set = load_text(rule_text("  sel:\n    " + item + "\n  condition: sel\n"), options);
  for (const Diagnostic& d : set.diagnostics) {
    if (d.severity == Diagnostic::Severity::kError) return d.code;
  }
  return "";
}

TEST(Modifiers, ContainsStartsWithEndsWith) {
  EXPECT_TRUE(item_matches("A|contains: b", {{"A", "aBc"}}));
  EXPECT_TRUE(item_matches("A|startswith: ab", {{"A", "ABc"}}));
  EXPECT_FALSE(item_matches("A|startswith: b", {{"A", "abc"}}));
  EXPECT_TRUE(item_matches("A|endswith: '\\cmd.exe'", {{"A", "C:\\x\\CMD.EXE"}}));
  EXPECT_FALSE(item_matches("A|endswith: '\\cmd.exe'", {{"A", "cmd.exe"}}));
  EXPECT_TRUE(item_matches("A|contains: 46", {{"A", "4624 463"}}));
  EXPECT_TRUE(item_matches("A|startswith: true", {{"A", "TRUEish"}}));
}

TEST(Modifiers, WildcardsAndEscapesInsideContains) {
  EXPECT_TRUE(item_matches("A|contains: 'a*c'", {{"A", "xabbcx"}}));
  EXPECT_TRUE(item_matches("A|contains: '*a'", {{"A", "xax"}}));
  EXPECT_EQ(item_rule("A|contains: '*a*'").leaves[0].pattern.size(), 3u);
  EXPECT_TRUE(item_matches(R"(A|contains: 'a\*c')", {{"A", "xa*cx"}}));
  EXPECT_FALSE(item_matches(R"(A|contains: 'a\*c')", {{"A", "xabcx"}}));
  EXPECT_TRUE(item_matches(R"(A|contains: '\Temp\')", {{"A", R"(C:\Temp\x)"}}));
  EXPECT_TRUE(item_matches(R"(A|endswith: 'dir\')", {{"A", R"(C:\dir\)"}}));
  EXPECT_TRUE(item_matches(R"(A|contains: '\\*\share')", {{"A", R"(x\host\share)"}}));
}

TEST(Modifiers, AllAnywhereInTheChainAndWithOneValue) {
  for (const char* item : {"A|contains|all: [x, y]", "A|all|contains: [x, y]"}) {
    EXPECT_TRUE(item_matches(item, {{"A", "yx"}}));
    EXPECT_FALSE(item_matches(item, {{"A", "x"}}));
  }
  EXPECT_TRUE(item_matches("A|contains|all: x", {{"A", "x"}}));
}

TEST(Modifiers, NeqNegatesTheWholeItemSoAnAbsentFieldMatches) {
  EXPECT_FALSE(item_matches("A|neq: [x, y]", {{"A", "x"}}));
  EXPECT_TRUE(item_matches("A|neq: [x, y]", {{"A", "z"}}));
  EXPECT_TRUE(item_matches("A|neq: x", {}));
  EXPECT_TRUE(item_matches("A|neq: 5", {{"A", "6"}}));
  EXPECT_FALSE(item_matches("A|contains|neq: x", {{"A", "axb"}}));
  EXPECT_FALSE(item_matches("A|neq: null", {}));
  EXPECT_TRUE(item_matches("A|neq: null", {{"A", ""}}));
  EXPECT_FALSE(item_matches("A|neq: x", {{"A", "y"}, {"A", "x"}}));
}

TEST(Modifiers, CasedComparesCase) {
  EXPECT_TRUE(item_matches("A|cased: Abc", {{"A", "Abc"}}));
  EXPECT_FALSE(item_matches("A|cased: Abc", {{"A", "abc"}}));
  EXPECT_TRUE(item_matches("A|contains|cased: B", {{"A", "aBc"}}));
  EXPECT_FALSE(item_matches("A|cased|contains: B", {{"A", "abc"}}));
  EXPECT_FALSE(matches(rule_of("  sel:\n    '|cased': Word\n  condition: sel\n"), event_of({{"A", "word"}})));
}

TEST(Modifiers, RegexSearchesWithCase) {
  EXPECT_TRUE(item_matches("A|re: 'b.d'", {{"A", "abcde"}}));
  EXPECT_FALSE(item_matches("A|re: 'B'", {{"A", "abc"}}));
  EXPECT_TRUE(item_matches("A|re|i: 'B'", {{"A", "abc"}}));
  EXPECT_TRUE(item_matches("A|re: '(?i)B'", {{"A", "abc"}}));
  EXPECT_FALSE(item_matches("A|re: 'a.c'", {{"A", "a\nc"}}));
  EXPECT_TRUE(item_matches("A|re|s: 'a.c'", {{"A", "a\nc"}}));
  EXPECT_FALSE(item_matches("A|re: '^b'", {{"A", "a\nb"}}));
  EXPECT_TRUE(item_matches("A|re|m: '^b'", {{"A", "a\nb"}}));
  EXPECT_TRUE(item_matches("A|re|i|m|s: '^B.$'", {{"A", "a\nbc\nd"}}));
  EXPECT_FALSE(item_matches("A|re: 'b$'", {{"A", "ab\n"}}));
  EXPECT_TRUE(item_matches(R"(A|re: 'a\\b')", {{"A", R"(a\b)"}}));
  EXPECT_TRUE(item_matches(R"(A|re: 'a\*')", {{"A", "a*"}}));
  EXPECT_TRUE(item_matches("A|re|all: [a, b]", {{"A", "ba"}}));
  EXPECT_FALSE(item_matches("A|re|neq: a", {{"A", "ba"}}));
  EXPECT_TRUE(item_matches("A|re: 'x{1000,}'", {{"A", std::string(1'000, 'x')}}));
  EXPECT_TRUE(item_matches("A|re: '^.$'", {{"A", "😀"}}));
}

TEST(Modifiers, RegexOnKeywords) {
  const Rule rule = rule_of("  sel:\n    '|re': 'a\\d'\n  condition: sel\n");
  EXPECT_TRUE(matches(rule, event_of({{"x", "b"}, {"y", "-a7-"}})));
  EXPECT_FALSE(matches(rule, event_of({{"x", "a"}, {"y", "7"}})));
}

TEST(Modifiers, RegexOrderAndCombination) {
  EXPECT_EQ(code_of("A|contains|re: x"), "modifier-order");
  EXPECT_EQ(code_of("A|i: x"), "modifier-order");
  EXPECT_EQ(code_of("A|i|re: x"), "modifier-order");
  EXPECT_EQ(code_of("A|re|contains: x"), "modifier-combination");
  EXPECT_EQ(code_of("A|re|cased: x"), "modifier-combination");
  EXPECT_EQ(code_of("A|re|cidr: x"), "modifier-combination");
  EXPECT_EQ(code_of("A|re|windash: x"), "modifier-combination");
  EXPECT_EQ(code_of("A|all|re: x"), "");
  EXPECT_EQ(code_of("A|re: 5"), "wrong-type");
}

TEST(Modifiers, CidrOfBothFamilies) {
  EXPECT_TRUE(item_matches("A|cidr: 10.0.0.0/8", {{"A", "10.255.0.1"}}));
  EXPECT_FALSE(item_matches("A|cidr: 10.0.0.0/8", {{"A", "11.0.0.1"}}));
  EXPECT_TRUE(item_matches("A|cidr: 10.1.2.3", {{"A", "10.1.2.3"}}));
  EXPECT_TRUE(item_matches("A|cidr: 192.168.0.0/23", {{"A", "192.168.1.255"}}));
  EXPECT_FALSE(item_matches("A|cidr: 192.168.0.0/23", {{"A", "192.168.2.0"}}));
  EXPECT_TRUE(item_matches("A|cidr: 'fe80::/10'", {{"A", "FEBF::1"}}));
  EXPECT_TRUE(item_matches("A|cidr: 'fe80::/10'", {{"A", "fe80::1%eth0"}}));
  EXPECT_FALSE(item_matches("A|cidr: 'fe80::/10'", {{"A", "fec0::1"}}));
  EXPECT_TRUE(item_matches("A|cidr: '::/0'", {{"A", "::1"}}));
  EXPECT_FALSE(item_matches("A|cidr: '::/0'", {{"A", "1.2.3.4"}}));
  EXPECT_FALSE(item_matches("A|cidr: 0.0.0.0/0", {{"A", "::1"}}));
  for (const char* value : {"10.0.0.1:80", "host", "", "10.0.0", "10.0.0.1 ", "[::1]", "10.0.0.1%1"}) {
    EXPECT_FALSE(item_matches("A|cidr: 10.0.0.0/8", {{"A", value}})) << value;
  }
}

TEST(Modifiers, CidrSeesAMappedAddressAsIpv4) {
  EXPECT_TRUE(item_matches("A|cidr: 10.0.0.0/8", {{"A", "::ffff:10.1.2.3"}}));
  EXPECT_TRUE(item_matches("A|cidr: '::ffff:0:0/96'", {{"A", "::ffff:10.1.2.3"}}));
  EXPECT_FALSE(item_matches("A|cidr: '::ffff:0:0/96'", {{"A", "10.1.2.3"}}));
}

TEST(Modifiers, WindashCombinesAllAndStaysOrUnderAll) {
  for (const char* value : {"x -enc y", "x /ENC y", "x –enc y", "x —enc y", "x ―enc y"}) {
    EXPECT_TRUE(item_matches("A|contains|windash: ' -enc '", {{"A", value}})) << value;
    EXPECT_TRUE(item_matches("A|windash|contains: ' -enc '", {{"A", value}})) << value;
  }
  EXPECT_TRUE(item_matches("A|contains|all|windash: [' -a', ' -b']", {{"A", "x /a ―b"}}));
  EXPECT_FALSE(item_matches("A|contains|all|windash: [' -a', ' -b']", {{"A", "x /a"}}));
  EXPECT_FALSE(item_matches("A|contains|windash: 'a-b'", {{"A", "a/b"}}));
  EXPECT_EQ(item_rule("A|windash: '-a -b -c'").leaves.size(), 125u);
  EXPECT_EQ(code_of("A|windash: 5"), "wrong-type");
}

TEST(Modifiers, WindashIsBounded) {
  EXPECT_EQ(code_of("A|windash: '-a -b -c -d -e -f'"), "");
  EXPECT_EQ(code_of("A|windash: '-a -b -c -d -e -f -g'"), "limit");
  std::string value;
  for (int i = 0; i < 6; ++i) value += " -a" + std::string(20'000, 'x');
  EXPECT_EQ(code_of("A|windash: '" + value + "'"), "limit");
}

TEST(Modifiers, Base64AndItsOffsets) {
  EXPECT_TRUE(item_matches("A|base64: foobar", {{"A", "Zm9vYmFy"}}));
  EXPECT_TRUE(item_matches("A|base64|contains: foo", {{"A", "xx Zm9v"}}));
  for (const char* value : {"L2Jpbi9iYXNo", "ci9iaW4vYmFzaA==", "eHgvYmluL2Jhc2gx"}) {
    EXPECT_TRUE(item_matches("A|base64offset|contains: /bin/bash", {{"A", "run "s + value}})) << value;
  }
  EXPECT_FALSE(item_matches("A|base64offset|contains: /bin/bash", {{"A", "/bin/bash"}}));
  EXPECT_TRUE(item_matches(R"(A|base64: 'a\*b')", {{"A", "YSpi"}}));  // The backslash is an escape, not content.
}

TEST(Modifiers, Base64IgnoresCaseUnlessCased) {
  EXPECT_TRUE(item_matches("A|base64: foo", {{"A", "zM9V"}}));
  EXPECT_FALSE(item_matches("A|base64|cased: foo", {{"A", "zM9V"}}));
}

TEST(Modifiers, Base64Refusals) {
  EXPECT_EQ(code_of("A|base64: 'a*'"), "base64-wildcard");
  EXPECT_EQ(code_of("A|contains|base64offset: abc"), "base64-wildcard");
  EXPECT_EQ(code_of("A|base64offset|contains: x"), "base64-short");
  EXPECT_EQ(code_of("A|base64offset|contains: ''"), "base64-short");
}

TEST(Modifiers, Utf16ThenBase64) {
  // "IEX" as UTF-16LE is I\0E\0X\0.
  EXPECT_TRUE(item_matches("A|wide|base64offset|contains: IEX", {{"A", "SQBFAFgA"}}));
  EXPECT_TRUE(item_matches("A|utf16le|base64: IEX", {{"A", "SQBFAFgA"}}));
  EXPECT_TRUE(item_matches("A|utf16be|base64: IEX", {{"A", "AEkARQBY"}}));
  EXPECT_TRUE(item_matches("A|utf16|base64: IEX", {{"A", "//5JAEUAWAA="}}));  // FF FE first.
  EXPECT_TRUE(item_matches("A|wide|base64: é", {{"A", "6QA="}}));
  EXPECT_TRUE(item_matches("A|wide: ab", {{"A", "a\0b\0"s}}));
  EXPECT_EQ(code_of("A|wide: é"), "not-text");
  EXPECT_EQ(code_of("A|utf16|contains: abc"), "not-text");
}

TEST(Modifiers, ExistsTakesABoolean) {
  EXPECT_TRUE(item_matches("A|exists: true", {{"A", ""}}));
  EXPECT_FALSE(item_matches("A|exists: true", {}));
  EXPECT_TRUE(item_matches("A|exists: false", {}));
  EXPECT_FALSE(item_matches("A|exists: false", {{"A", "x"}}));
  PlainEvent null;
  null.fields.push_back({"A", model::ValueType::kNull, ""});
  EXPECT_TRUE(matches(item_rule("A|exists: true"), null));
  EXPECT_EQ(code_of("A|exists: 'true'"), "wrong-type");
  EXPECT_EQ(code_of("A|exists: 1"), "wrong-type");
  EXPECT_EQ(code_of("A|contains|exists: true"), "modifier-order");
}

TEST(Modifiers, FieldRefComparesFields) {
  EXPECT_TRUE(item_matches("A|fieldref: B", {{"A", "x"}, {"B", "X"}}));
  EXPECT_FALSE(item_matches("A|fieldref|cased: B", {{"A", "x"}, {"B", "X"}}));
  EXPECT_FALSE(item_matches("A|fieldref: B", {{"A", "x"}}));
  EXPECT_FALSE(item_matches("A|fieldref: B", {{"B", "x"}}));
  EXPECT_FALSE(item_matches("A|fieldref: B", {}));
  EXPECT_TRUE(item_matches("A|fieldref|contains: B", {{"A", "axb"}, {"B", "X"}}));
  EXPECT_TRUE(item_matches("A|fieldref|startswith: B", {{"A", "axb"}, {"B", "AX"}}));
  EXPECT_FALSE(item_matches("A|fieldref|startswith: B", {{"A", "axb"}, {"B", "xb"}}));
  EXPECT_TRUE(item_matches("A|fieldref|endswith: B", {{"A", "axb"}, {"B", "xb"}}));
  EXPECT_TRUE(item_matches("A|fieldref|neq: B", {{"A", "x"}, {"B", "y"}}));
  EXPECT_FALSE(item_matches("A|fieldref|neq: B", {{"A", "x"}, {"B", "x"}}));
  EXPECT_TRUE(item_matches("A|fieldref: B C", {{"A", "x"}, {"BC", "x"}}));
  EXPECT_TRUE(item_matches("A|fieldref: B", {{"A", "1"}, {"A", "2"}, {"B", "3"}, {"B", "2"}}));
  EXPECT_EQ(code_of("A|fieldref: 'B*'"), "wrong-type");
  EXPECT_EQ(code_of("A|fieldref: ''"), "wrong-type");
  EXPECT_EQ(code_of("A|contains|fieldref: B"), "modifier-order");
}

TEST(Modifiers, NumericComparisons) {
  EXPECT_TRUE(item_matches("A|gt: 5", {{"A", "6"}}));
  EXPECT_FALSE(item_matches("A|gt: 5", {{"A", "5"}}));
  EXPECT_TRUE(item_matches("A|gte: 5", {{"A", "5.0"}}));
  EXPECT_TRUE(item_matches("A|lt: 5", {{"A", "-1e3"}}));
  EXPECT_TRUE(item_matches("A|lt: -1.5", {{"A", "-2"}}));
  EXPECT_TRUE(item_matches("A|lte: 5", {{"A", "5"}}));
  EXPECT_TRUE(item_matches("A|gt|neq: 5", {{"A", "5"}}));
  EXPECT_TRUE(item_matches("A|gt: [100, 5]", {{"A", "6"}}));
  EXPECT_FALSE(item_matches("A|gt|all: [100, 5]", {{"A", "6"}}));
  for (const char* value : {"", "x", "6x", " 6", "0x10", "inf", "nan", "6.", ".5", "+6", "1e999"}) {
    EXPECT_FALSE(item_matches("A|gt: 5", {{"A", value}})) << value;
    EXPECT_FALSE(item_matches("A|lte: 5", {{"A", value}})) << value;
  }
  EXPECT_EQ(code_of("A|gt: '5'"), "wrong-type");
  EXPECT_EQ(code_of("A|gt: true"), "wrong-type");
  EXPECT_EQ(code_of("A|gt: 1e999"), "wrong-type");
  EXPECT_EQ(code_of("A|gt|lt: 5"), "modifier-combination");
  EXPECT_EQ(code_of("A|gt: .inf"), "wrong-type");
}

TEST(Modifiers, PartsOfTime) {
  const std::string time = "2026-01-02T03:04:05Z";  // A Friday in week 1.
  EXPECT_TRUE(item_matches("A|minute: 4", {{"A", time}}));
  EXPECT_TRUE(item_matches("A|hour: 3", {{"A", time}}));
  EXPECT_FALSE(item_matches("A|hour: 4", {{"A", time}}));
  EXPECT_TRUE(item_matches("A|day: 2", {{"A", time}}));
  EXPECT_TRUE(item_matches("A|week: 1", {{"A", time}}));
  EXPECT_TRUE(item_matches("A|month: 1", {{"A", time}}));
  EXPECT_TRUE(item_matches("A|year: 2026", {{"A", time}}));
  EXPECT_TRUE(item_matches("A|hour: [22, 3]", {{"A", time}}));
  EXPECT_TRUE(item_matches("A|hour|neq: 4", {{"A", time}}));
  EXPECT_TRUE(item_matches("A|hour|lt: 6", {{"A", time}}));
  EXPECT_TRUE(item_matches("A|gte|hour: 3", {{"A", time}}));
  EXPECT_FALSE(item_matches("A|hour|gt: 3", {{"A", time}}));
  EXPECT_TRUE(item_matches("A|hour: 1", {{"A", "2026-01-02T03:04:05+02:00"}}));  // In UTC.
  EXPECT_TRUE(item_matches("A|year: 2026", {{"A", "1767323045"}}));
  EXPECT_FALSE(item_matches("A|year: 2026", {{"A", "soon"}}));
  EXPECT_FALSE(item_matches("A|year: 2026", {}));
}

TEST(Modifiers, WeeksAreIsoWeeks) {
  const std::pair<const char*, int> kDays[] = {{"2020-12-31", 53}, {"2021-01-01", 53}, {"2021-01-04", 1},
                                               {"2024-12-30", 1},  {"2026-12-31", 53}, {"2023-01-01", 52}};
  for (const auto& [day, week] : kDays) EXPECT_TRUE(item_matches("A|week: " + std::to_string(week), {{"A", day}})) << day;
}

TEST(Modifiers, PartsOfTimeCheckTheirRange) {
  EXPECT_EQ(code_of("A|hour: 24"), "value-range");
  EXPECT_EQ(code_of("A|minute: -1"), "value-range");
  EXPECT_EQ(code_of("A|day: 1.5"), "value-range");
  EXPECT_EQ(code_of("A|week: 53"), "");
  EXPECT_EQ(code_of("A|week: 54"), "value-range");
  EXPECT_EQ(code_of("A|hour|lt: 24"), "");
  EXPECT_EQ(code_of("A|hour: '3'"), "wrong-type");
  EXPECT_EQ(code_of("A|hour|minute: 3"), "modifier-combination");
  EXPECT_EQ(code_of("A|hour|gt|lt: 3"), "modifier-combination");
}

TEST(Modifiers, ExpandReplacesPlaceholders) {
  LoadOptions options;
  options.variables = {{"servers", {"srv*", "DC01"}}, {"nets", {"10.0.0.0/8", "fe80::/10"}}, {"x", {"."}}, {"empty", {}}};
  EXPECT_TRUE(item_matches("A|expand: '%servers%'", {{"A", "srv7"}}, options));
  EXPECT_TRUE(item_matches("A|expand: '%servers%'", {{"A", "dc01"}}, options));
  EXPECT_FALSE(item_matches("A|expand: '%servers%'", {{"A", "pc1"}}, options));
  EXPECT_TRUE(item_matches("A|contains|expand: '-%servers%-'", {{"A", "x-srv1-y"}}, options));
  EXPECT_TRUE(item_matches("A|expand|contains|all: ['%servers%', b]", {{"A", "b dc01"}}, options));
  EXPECT_TRUE(item_matches("A|cidr|expand: '%nets%'", {{"A", "10.1.1.1"}}, options));
  EXPECT_TRUE(item_matches("A|expand: '%servers%%x%'", {{"A", "dc01."}}, options));
  EXPECT_TRUE(item_matches("A|re|expand: 'a%x%b'", {{"A", "a.b"}}, options));
  EXPECT_FALSE(item_matches("A|re|expand: 'a%x%b'", {{"A", "acb"}}, options));
  EXPECT_TRUE(item_matches(R"(A|expand: '\%servers%')", {{"A", "%servers%"}}, options));
  EXPECT_TRUE(item_matches("A|expand: '100% sure'", {{"A", "100% sure"}}, options));
  EXPECT_TRUE(item_matches("A: '%servers%'", {{"A", "%servers%"}}, options));
  EXPECT_EQ(code_of("A|expand: '%nobody%'", options), "placeholder-unresolved");
  EXPECT_EQ(code_of("A|expand: '%empty%'", options), "placeholder-unresolved");
  EXPECT_EQ(code_of("A|expand: '%servers%'"), "placeholder-unresolved");
}

TEST(Modifiers, ExpandIsBounded) {
  LoadOptions options;
  options.variables["many"] = std::vector<std::string>(300, "x");
  EXPECT_EQ(code_of("A|expand: '%many%'", options), "");
  EXPECT_EQ(code_of("A|expand: '%many%%many%'", options), "limit");
  options.variables["ten"] = {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"};
  EXPECT_EQ(code_of("A|re|expand: '%ten%%ten%%ten%'", options), "");
  EXPECT_EQ(code_of("A|re|expand: ['%ten%%ten%%ten%', 'x%ten%']", options), "limit");
  EXPECT_EQ(code_of("A|re|expand: ['%ten%%ten%%ten%', 'x%one%']",
                    {.variables = {{"ten", options.variables["ten"]}, {"one", {"1"}}}}),
            "");
}

TEST(Modifiers, OneKindOfPlace) {
  EXPECT_EQ(code_of("A|startswith|endswith: x"), "modifier-combination");
  EXPECT_EQ(code_of("A|contains|contains: x"), "modifier-combination");
}

TEST(Modifiers, KeywordsTakeNoModifierThatNeedsAField) {
  for (const char* modifier : {"exists", "fieldref", "gt", "hour", "startswith", "endswith"}) {
    EXPECT_EQ(code_of("'|"s + modifier + "': x"), "modifier-combination") << modifier;
  }
  EXPECT_EQ(code_of("'|contains': x"), "");
  EXPECT_EQ(code_of("'|cidr': 10.0.0.0/8"), "");
}

TEST(Modifiers, UnknownOnesAreRefused) {
  EXPECT_EQ(code_of("A|containz: x"), "unknown-modifier");
  EXPECT_EQ(code_of("A|Contains: x"), "unknown-modifier");
  EXPECT_EQ(code_of("A|: x"), "unknown-modifier");
  EXPECT_EQ(code_of("A||contains: x"), "unknown-modifier");
  EXPECT_EQ(code_of("A|base64|base64|base64|base64|base64|base64|base64|base64|base64: x"), "limit");
}

TEST(Modifiers, ShownFormsAreKeptForExplanations) {
  const Leaf leaf = item_rule("A B|endswith|windash: ' -x\\'").leaves[1];
  EXPECT_EQ(leaf.shown_field, "A B");
  EXPECT_EQ(leaf.shown_op, "endswith|windash");
  EXPECT_EQ(leaf.shown_value, " -x\\");
  EXPECT_EQ(item_rule("A: x").leaves[0].shown_op, "equals");
}

}  // namespace
}  // namespace tocsin::detect::sigma
