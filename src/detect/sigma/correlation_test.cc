// Correlation rules, filters, and what a load makes of many files.
#include "detect/sigma/test_rules.h"

namespace tocsin::detect::sigma {
namespace {

std::string rule(const std::string& name, const std::string& id = "",
                 const std::string& logsource = "{product: windows, service: security}") {
  return "title: Rule " + name + "\nname: " + name + "\n" + (id.empty() ? "" : "id: " + id + "\n") +
         "logsource: " + logsource + "\ndetection:\n  sel: {A: " + name + "}\n  condition: sel\n";
}
std::string correlation(const std::string& name, const std::string& body) {
  return "title: Correlation " + name + "\nname: " + name + "\ncorrelation:\n" + body;
}
std::string counting(const std::string& name, const std::string& rules, const std::string& more = "") {
  return correlation(name, "  type: event_count\n  rules: " + rules + "\n  timespan: 5m\n  condition: {gte: 10}\n" + more);
}
RuleSet load(const std::vector<std::string>& texts) {
  std::vector<SourceText> sources;
  for (std::size_t i = 0; i < texts.size(); ++i) sources.push_back({std::to_string(i) + ".yml", texts[i]});
  return load_rules(sources, {});
}
std::string codes(const RuleSet& set) {
  std::string out;
  for (const Diagnostic& d : set.diagnostics) {
    out += (out.empty() ? "" : " ") + d.path.substr(0, 1) + ":" + std::to_string(d.line) + ":" + d.code;
  }
  return out;
}
const std::string kId1 = "11111111-1111-4111-8111-111111111111", kId2 = "22222222-2222-4222-8222-222222222222";

TEST(Correlation, EveryTypeLoads) {
  const std::pair<const char*, CorrelationType> kTypes[] = {{"event_count", CorrelationType::kEventCount},
                                                            {"value_count", CorrelationType::kValueCount},
                                                            {"temporal", CorrelationType::kTemporal},
                                                            {"temporal_ordered", CorrelationType::kTemporalOrdered},
                                                            {"value_sum", CorrelationType::kValueSum},
                                                            {"value_avg", CorrelationType::kValueAvg},
                                                            {"value_percentile", CorrelationType::kValuePercentile}};
  for (const auto& [name, type] : kTypes) {
    const bool field = std::string(name).starts_with("value_");
    const RuleSet set = load(
        {rule("a"),
         correlation(
             "c",
             std::string("  type: ") + name +
                 "\n  rules: a\n  timespan: 1h\n  group-by: [Host Name, User]\n  condition:\n    gt: 1.5\n    lte: 20\n" +
                 (field ? "    field: F G\n" : ""))});
    ASSERT_EQ(set.correlations.size(), 1u) << name << show(set.diagnostics);
    const CorrelationRule& c = set.correlations[0];
    EXPECT_EQ(c.type, type);
    EXPECT_EQ(c.info.type, name);
    EXPECT_EQ(c.rules, std::vector<std::uint32_t>{0});
    EXPECT_EQ(c.group_by, (std::vector<std::string>{"HostName", "User"}));
    EXPECT_EQ(c.timespan_ns, 3'600'000'000'000);
    ASSERT_EQ(c.conditions.size(), 2u);
    EXPECT_EQ(c.conditions[0].op, CountOp::kGreater);
    EXPECT_EQ(c.conditions[0].value, 1.5);
    EXPECT_EQ(c.fields, field ? std::vector<std::string>{"FG"} : std::vector<std::string>{});
    EXPECT_EQ(c.percentile, 50);
  }
}

TEST(Correlation, TimespanUnits) {
  const std::pair<const char*, std::int64_t> kSpans[] = {{"30s", 30},    {"5m", 300},     {"2h", 7'200},
                                                         {"1d", 86'400}, {"1w", 604'800}, {"3650d", 315'360'000}};
  for (const auto& [text, seconds] : kSpans) {
    const RuleSet set =
        load({rule("a"), correlation("c", std::string("  type: temporal\n  rules: [a]\n  timespan: ") + text + "\n")});
    ASSERT_EQ(set.correlations.size(), 1u) << text;
    EXPECT_EQ(set.correlations[0].timespan_ns, seconds * 1'000'000'000);
    EXPECT_TRUE(set.correlations[0].conditions.empty());
  }
  for (const char* text :
       {"1M", "1y", "5", "m", "0s", "-5m", "5 m", "1h30m", "3651d", "99999999999999999999s", "5S", "''"}) {
    EXPECT_EQ(codes(load(
                  {rule("a"), correlation("c", std::string("  type: temporal\n  rules: [a]\n  timespan: ") + text + "\n")})),
              "1:6:timespan-format")
        << text;
  }
}

TEST(Correlation, PercentileAndTuples) {
  RuleSet set = load(
      {rule("a"),
       correlation(
           "c", "  type: value_percentile\n  rules: a\n  timespan: 1h\n  condition: {field: x, lte: 1, percentile: 95}\n")});
  ASSERT_EQ(set.correlations.size(), 1u) << show(set.diagnostics);
  EXPECT_EQ(set.correlations[0].percentile, 95);
  set = load({rule("a"),
              correlation("c", "  type: value_count\n  rules: a\n  timespan: 1h\n  condition: {field: [x, y], gte: 3}\n")});
  ASSERT_EQ(set.correlations.size(), 1u) << show(set.diagnostics);
  EXPECT_EQ(set.correlations[0].fields, (std::vector<std::string>{"x", "y"}));
}

TEST(Correlation, RefersByIdInAnyCaseOrByNameAcrossFiles) {
  const RuleSet set =
      load({counting("c", "[A, 11111111-1111-4111-8111-111111111111, b]"), rule("b"), rule("x", kId1), rule("A")});
  ASSERT_EQ(set.correlations.size(), 1u) << show(set.diagnostics);
  EXPECT_EQ(set.correlations[0].rules, (std::vector<std::uint32_t>{2, 1, 0}));
  EXPECT_EQ(set.correlations[0].rule_names, (std::vector<std::string>{"A", kId1, "b"}));
  std::string upper = "ABCDEFAB-1111-4111-8111-111111111111";
  EXPECT_EQ(load({rule("x", "abcdefab-1111-4111-8111-111111111111"), counting("c", upper)}).correlations.size(), 1u);
}

TEST(Correlation, ChainsComeAfterWhatTheyReferTo) {
  const RuleSet set =
      load({counting("outer", "[middle, a]"), counting("middle", "[inner]"), counting("inner", "[a]"), rule("a")});
  ASSERT_EQ(set.correlations.size(), 3u) << show(set.diagnostics);
  EXPECT_EQ(set.correlations[0].info.name, "inner");
  EXPECT_EQ(set.correlations[1].info.name, "middle");
  EXPECT_EQ(set.correlations[1].rules, std::vector<std::uint32_t>{1});
  EXPECT_EQ(set.correlations[2].rules, (std::vector<std::uint32_t>{2, 0}));
}

TEST(Correlation, CyclesAreRefused) {
  const RuleSet set = load({counting("a", "[b]"), counting("b", "[a]"), counting("self", "[self]"),
                            counting("user", "[self]"), rule("r"), counting("fine", "[r]")});
  EXPECT_EQ(set.correlations.size(), 1u);
  EXPECT_EQ(set.refused_count, 4u);
  EXPECT_EQ(codes(set), "0:1:correlation-cycle 1:1:correlation-cycle 2:1:correlation-cycle 3:1:correlation-cycle");
}

TEST(Correlation, UnresolvedReferencesAreRefusedWithTheNearestName) {
  const RuleSet set = load({rule("many_failed_logins"), counting("c", "[many_failed_login]"), counting("d", "[c]")});
  EXPECT_EQ(set.correlations.size(), 0u);
  EXPECT_EQ(codes(set), "1:5:unknown-rule 2:5:refers-to-refused");
  EXPECT_EQ(set.diagnostics[0].hint, "did you mean 'many_failed_logins'?");
}

TEST(Correlation, ARefusedRuleTakesItsCorrelationsAlongAndSaysSo) {
  const RuleSet set =
      load({"title: Broken\nname: broken\nlogsource: {product: x}\ndetection:\n  sel: {A|foo: b}\n  condition: sel\n",
            counting("c", "[broken]")});
  EXPECT_EQ(codes(set), "0:5:unknown-modifier 1:5:refers-to-refused");
  EXPECT_EQ(set.refused_count, 2u);
}

TEST(Correlation, AmbiguousAndRepeatedReferences) {
  EXPECT_EQ(codes(load({rule("a"), rule("a"), counting("c", "[a]")})), "2:5:ambiguous-rule");
  EXPECT_EQ(codes(load({rule("a", kId1), counting("c", "[a, " + kId1 + "]")})), "1:5:duplicate-reference");
}

TEST(Correlation, AliasesResolveToTheRulesListed) {
  const std::string body =
      "  type: temporal\n  rules: [a, b]\n  timespan: 5m\n  group-by: [ip, User Name]\n  aliases:\n    ip:\n      a: Source "
      "Ip\n      b: DestIp\n";
  const RuleSet set = load({rule("a"), rule("b"), correlation("c", body)});
  ASSERT_EQ(set.correlations.size(), 1u) << show(set.diagnostics);
  const CorrelationRule& c = set.correlations[0];
  ASSERT_EQ(c.aliases.size(), 1u);
  EXPECT_EQ(c.aliases[0].name, "ip");
  EXPECT_EQ(c.aliases[0].fields, (std::vector<std::pair<std::uint32_t, std::string>>{{0, "SourceIp"}, {1, "DestIp"}}));
  EXPECT_EQ(c.group_by, (std::vector<std::string>{"ip", "UserName"}));
  EXPECT_EQ(codes(load({rule("a"), rule("b"),
                        correlation("c", "  type: temporal\n  rules: [a]\n  timespan: 5m\n  aliases: {ip: {b: x}}\n")})),
            "2:7:unknown-rule");
}

TEST(Correlation, GenerateDecidesWhoIsSilent) {
  EXPECT_EQ(load({rule("a"), rule("b"), counting("c", "[a]")}).silenced, (std::vector<bool>{true, false, false}));
  EXPECT_EQ(load({rule("a"), counting("c", "[a]", "  generate: true\n")}).silenced, (std::vector<bool>{false, false}));
  EXPECT_EQ(load({rule("a"), counting("c", "[a]") + "generate: true\n"}).silenced, (std::vector<bool>{false, false}));
  EXPECT_EQ(load({rule("a"), counting("c", "[a]"), counting("d", "[a, c]")}).silenced,
            (std::vector<bool>{true, true, false}));
  EXPECT_EQ(load({rule("a"), counting("c", "[a]"), counting("d", "[a]", "  generate: true\n")}).silenced,
            (std::vector<bool>{false, false, false}));
}

TEST(Correlation, WrongOnesSayWhere) {
  const auto one = [](const std::string& body) { return codes(load({rule("a"), correlation("c", body)})); };
  const std::string tail = "  rules: a\n  timespan: 5m\n";
  EXPECT_EQ(one("  type: event_cnt\n" + tail + "  condition: {gte: 1}\n"), "1:4:correlation-type");
  EXPECT_EQ(one(tail + "  condition: {gte: 1}\n"), "1:4:missing-type");
  EXPECT_EQ(one("  type: event_count\n  timespan: 5m\n  condition: {gte: 1}\n"), "1:4:missing-rules");
  EXPECT_EQ(one("  type: event_count\n  rules: []\n  timespan: 5m\n  condition: {gte: 1}\n"), "1:5:missing-rules");
  EXPECT_EQ(one("  type: event_count\n  rules: a\n  condition: {gte: 1}\n"), "1:4:missing-timespan");
  EXPECT_EQ(one("  type: event_count\n" + tail), "1:4:missing-condition");
  EXPECT_EQ(one("  type: event_count\n" + tail + "  condition: {}\n"), "1:7:missing-operator");
  EXPECT_EQ(one("  type: event_count\n" + tail + "  condition: {gte: '5'}\n"), "1:7:wrong-type");
  EXPECT_EQ(one("  type: event_count\n" + tail + "  condition: {gt: 1, lt: 9, neq: 5}\n"), "1:7:condition-operators");
  EXPECT_EQ(one("  type: event_count\n" + tail + "  condition: {ge: 5}\n"), "1:7:unknown-key 1:7:missing-operator");
  EXPECT_EQ(one("  type: event_count\n" + tail + "  condition: {gte: 5, field: x}\n"), "1:7:field-ignored");
  EXPECT_EQ(one("  type: value_count\n" + tail + "  condition: {gte: 5}\n"), "1:7:missing-field");
  EXPECT_EQ(one("  type: value_sum\n" + tail + "  condition: {gte: 5, field: [x, y]}\n"), "1:7:wrong-type");
  EXPECT_EQ(one("  type: value_count\n" + tail + "  field: x\n  condition: {gte: 5}\n"), "1:7:unknown-key");
  EXPECT_EQ(one("  type: value_percentile\n" + tail + "  condition: {gte: 5, field: x, percentile: 101}\n"),
            "1:7:value-range");
  EXPECT_EQ(one("  type: temporal\n" + tail + "  condition: a and b\n"), "1:7:wrong-type");
  EXPECT_EQ(one("  type: temporal\n" + tail + "  generate: 'yes'\n"), "1:7:wrong-type");
  EXPECT_EQ(one("  type: temporal\n" + tail + "  timeframe: 5m\n"), "1:7:unknown-key");
  EXPECT_EQ(one("  type: temporal\n" + tail + "  aliases: [x]\n"), "1:7:wrong-type");
  EXPECT_EQ(one("  type: temporal\n" + tail + "  group-by: {a: b}\n"), "1:7:wrong-type");
  EXPECT_EQ(codes(load({"title: x\ncorrelation: [a]\n"})), "0:2:wrong-type");
}

std::string filter(const std::string& rules, const std::string& logsource, const std::string& condition) {
  return "title: Admins\nlogsource: " + logsource + "\nfilter:\n  rules: " + rules +
         "\n  selection: {User|startswith: adm_}\n  condition: " + condition + "\n";
}

TEST(Filter, IsJoinedToTheRuleByAnd) {
  const RuleSet set = load({rule("a"), rule("b"), filter("[a]", "{product: windows}", "not selection")});
  EXPECT_EQ(set.filter_count, 1u);
  EXPECT_TRUE(set.diagnostics.empty()) << show(set.diagnostics);
  const Rule& filtered = set.rules[0];
  EXPECT_EQ(filtered.selections.back().name, "Admins: selection");
  EXPECT_EQ(filtered.condition_text, "(sel) and (not selection)");
  EXPECT_TRUE(matches(filtered, event_of({{"A", "a"}, {"User", "joe"}})));
  EXPECT_FALSE(matches(filtered, event_of({{"A", "a"}, {"User", "adm_joe"}})));
  EXPECT_TRUE(matches(set.rules[1], event_of({{"A", "b"}, {"User", "adm_joe"}})));
}

TEST(Filter, SeveralFiltersAllHold) {
  const std::string other =
      "title: Hosts\nlogsource: {product: windows}\nfilter:\n  rules: any\n  h: {Host: lab}\n  u: {User: x}\n  condition: "
      "not (h or u)\n";
  const RuleSet set = load({filter("a", "{product: windows}", "not selection"), other, rule("a")});
  const Rule& filtered = set.rules.at(0);
  EXPECT_EQ(filtered.selections.size(), 4u);
  EXPECT_TRUE(matches(filtered, event_of({{"A", "a"}})));
  EXPECT_FALSE(matches(filtered, event_of({{"A", "a"}, {"User", "adm_x"}})));
  EXPECT_FALSE(matches(filtered, event_of({{"A", "a"}, {"Host", "lab"}})));
  EXPECT_FALSE(matches(filtered, event_of({{"A", "a"}, {"User", "x"}})));
}

TEST(Filter, AnyAndTheEmptyListMeanEveryRuleWithinTheLogsource) {
  for (const char* rules : {"any", "Any", "[]", "null"}) {
    const RuleSet set =
        load({rule("a"), rule("b", "", "{product: linux}"), filter(rules, "{product: windows}", "not selection")});
    EXPECT_EQ(set.rules[0].selections.size(), 2u) << rules;
    EXPECT_EQ(set.rules[1].selections.size(), 1u) << rules;
  }
}

TEST(Filter, ItsLogsourceMustContainTheRules) {
  EXPECT_EQ(
      load({rule("a"), filter("a", "{product: windows, service: security}", "not selection")}).rules[0].selections.size(),
      2u);
  for (const char* logsource :
       {"{product: linux}", "{product: windows, service: system}", "{product: windows, category: process_creation}"}) {
    const RuleSet set = load({rule("a"), filter("a", logsource, "not selection")});
    EXPECT_EQ(set.rules[0].selections.size(), 1u) << logsource;
    EXPECT_EQ(codes(set), "1:4:filter-logsource");
  }
}

TEST(Filter, WithoutNotItKeepsWhatItMatchesAndWarns) {
  const RuleSet set = load({rule("a"), filter("a", "{product: windows}", "selection")});
  EXPECT_EQ(codes(set), "1:4:filter-without-not");
  EXPECT_TRUE(matches(set.rules[0], event_of({{"A", "a"}, {"User", "adm_x"}})));
  EXPECT_FALSE(matches(set.rules[0], event_of({{"A", "a"}})));
}

TEST(Filter, UnknownRulesAndCorrelationsAreWarnings) {
  const RuleSet set = load({rule("a"), counting("c", "[a]"), filter("[b, c]", "{product: windows}", "not selection")});
  EXPECT_EQ(codes(set), "2:4:unknown-rule 2:4:filter-correlation");
  EXPECT_EQ(set.refused_count, 0u);
}

TEST(Filter, WrongOnesAreRefused) {
  EXPECT_EQ(codes(load({"title: F\nlogsource: {product: x}\nfilter:\n  s: {A: b}\n  condition: not s\n"})),
            "0:4:missing-rules");
  EXPECT_EQ(codes(load({"title: F\nfilter:\n  rules: any\n  s: {A: b}\n  condition: not s\n"})), "0:1:missing-logsource");
  EXPECT_EQ(codes(load({"title: F\nlogsource: {product: x}\nfilter:\n  rules: any\n  s: {A: b}\n"})),
            "0:4:missing-condition");
  EXPECT_EQ(codes(load({"title: F\nlogsource: {product: x}\nfilter: x\n"})), "0:3:wrong-type");
}

TEST(RuleSet, TheSameRuleTwiceIsTakenOnceAndADifferentOneRefused) {
  RuleSet set = load({rule("a", kId1), "---\n" + rule("a", kId1) + "\n"});
  EXPECT_EQ(set.rules.size(), 1u);
  EXPECT_EQ(codes(set), "1:4:duplicate-rule");
  EXPECT_EQ(set.refused_count, 0u);
  set = load({rule("a", kId1), rule("b", kId1)});
  EXPECT_EQ(set.rules.size(), 1u);
  EXPECT_EQ(codes(set), "1:3:duplicate-id");
  EXPECT_EQ(set.refused_count, 1u);
  set = load({rule("a", kId1), rule("b", kId2), rule("c"), rule("d")});
  EXPECT_EQ(set.rules.size(), 4u);
}

TEST(RuleSet, ARefusedRuleDoesNotHoldItsId) {
  const RuleSet set =
      load({"title: Broken\nid: " + kId1 + "\nlogsource: {product: x}\ndetection:\n  sel: {A|foo: b}\n  condition: sel\n",
            rule("a", kId1)});
  EXPECT_EQ(set.rules.size(), 1u);
  EXPECT_EQ(codes(set), "0:5:unknown-modifier");
}

TEST(RuleSet, SeveralDocumentsInOneFile) {
  const RuleSet set = load({rule("a") + "---\n" + rule("b") + "---\n" + counting("c", "[a, b]")});
  EXPECT_EQ(set.rules.size(), 2u);
  EXPECT_EQ(set.correlations.size(), 1u);
  EXPECT_EQ(set.rules[1].info.line, 8u);
}

TEST(RuleSet, NothingGivesNothing) {
  const RuleSet set = load_rules({}, {});
  EXPECT_TRUE(set.rules.empty() && set.diagnostics.empty() && set.silenced.empty());
}

}  // namespace
}  // namespace tocsin::detect::sigma
