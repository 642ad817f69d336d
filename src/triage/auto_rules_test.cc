// Rules and templates as text: what is read, what is refused and where, what holds.
#include "triage/auto_rules.h"

#include <gtest/gtest.h>

namespace tocsin::triage {
namespace {

const std::string kThen = "then: [{raise: 1}]\n";
std::string rule_text(const std::string& when, const std::string& then = kThen) {
  return "id: r\ntitle: A rule\nwhen: " + when + "\n" + then;
}
AutoRule rule_of(const std::string& when) {
  const auto read = read_auto_rules({{"r.yml", rule_text(when)}});
  EXPECT_EQ(read->rules.size(), 1u) << (read->problems.empty() ? "" : read->problems[0].text);
  return read->rules.empty() ? AutoRule{} : read->rules[0];
}
std::string problem_of(const std::string& text) {
  const auto read = read_auto_rules({{"r.yml", text}});
  EXPECT_TRUE(read->rules.empty()) << text;
  return read->problems.empty() ? "" : read->problems[0].text;
}

// An incident that conditions are asked about.
struct Case {
  Case() {
    row.severity_id = 4;
    row.score = 61.5;
    row.tenant = "own";
    row.title = "Macro on WS-042";
    row.tactics = {"execution", "persistence"};
    row.techniques = {"T1059.001"};
    row.tags = {"vip"};
    row.finding_count = 3;
    row.host_count = 2;
    row.user_count = 1;
    row.rule_count = 2;
    row.created_at = {1'795'521'600'000'000'000};  // 2026-11-24T12:00:00Z, a Tuesday.
    ledger::RuleCount rule;
    rule.rule_id = "1111";
    rule.rule_title = "Encoded PowerShell";
    rule.source = "sysmon-dc";
    rules.push_back(rule);
    ledger::Asset asset;
    asset.criticality = 5;
    asset.zone = "server";
    asset.exposure = "internet";
    asset.tags = {"domain controller"};
    entities.push_back({{model::EntityKind::kHost, model::EntityRole::kAffected, "dc-01", "DC-01"}, asset});
    entities.push_back({{model::EntityKind::kUser, model::EntityRole::kActor, "anna", "anna"}, std::nullopt});
  }
  bool holds(const std::string& when) const { return hold(rule_of(when).when, {row, rules, entities}); }
  ledger::Incident row;
  std::vector<ledger::RuleCount> rules;
  std::vector<IncidentFacts::EntityFact> entities;
};

TEST(AutoRules, BoundsIncludeTheirEnds) {
  const Case one;
  EXPECT_TRUE(one.holds("{score: {at_least: 61.5}}"));
  EXPECT_FALSE(one.holds("{score: {at_least: 61.6}}"));
  EXPECT_TRUE(one.holds("{score: {at_most: 61.5}}"));
  EXPECT_FALSE(one.holds("{score: {at_most: 61.4}}"));
  EXPECT_TRUE(one.holds("{severity: {at_least: high, at_most: high}}"));
  EXPECT_FALSE(one.holds("{severity: {at_least: critical}}"));
  EXPECT_TRUE(one.holds("{findings: {at_least: 3}, hosts: {at_most: 2}, users: {at_least: 1}, rule_count: {at_most: 2}}"));
  EXPECT_FALSE(one.holds("{findings: {at_least: 3}, hosts: {at_least: 3}}"));
}

TEST(AutoRules, TextsAreAnyAllOrNoneByPattern) {
  const Case one;
  EXPECT_TRUE(one.holds("{tactics: execution}"));
  EXPECT_TRUE(one.holds("{tactics: [impact, Execution]}"));
  EXPECT_TRUE(one.holds("{tactics: {all: [execution, persistence], none: [impact]}}"));
  EXPECT_FALSE(one.holds("{tactics: {all: [execution, impact]}}"));
  EXPECT_FALSE(one.holds("{tactics: {any: [execution], none: [persis*]}}"));
  EXPECT_TRUE(one.holds("{techniques: T1059}"));  // What a sub-technique is part of.
  EXPECT_TRUE(one.holds("{techniques: T1059.001}"));
  EXPECT_FALSE(one.holds("{techniques: T1059.003}"));
  EXPECT_TRUE(one.holds("{tags: VIP, states: new, tenants: own, titles: '*on ws-*'}"));
  EXPECT_TRUE(one.holds("{rules: '*powershell*'}"));
  EXPECT_TRUE(one.holds("{rules: '1111'}"));
  EXPECT_FALSE(one.holds("{rules: {none: ['1111']}}"));
  EXPECT_TRUE(one.holds("{sources: sysmon*}"));
  EXPECT_FALSE(one.holds("{sources: zeek*}"));
}

TEST(AutoRules, OneEntityMustMeetAllOfItsConditions) {
  const Case one;
  EXPECT_TRUE(one.holds("{entities: {kind: host, key: 'dc-*', criticality: {at_least: 5}, zone: [server, dmz]}}"));
  EXPECT_TRUE(one.holds("{entities: {exposure: internet, tags: domain*}}"));
  EXPECT_FALSE(one.holds("{entities: {kind: user, criticality: {at_least: 1}}}"));  // That user is no asset.
  EXPECT_FALSE(one.holds("{entities: {key: anna, zone: server}}"));                 // Of two entities, not of one.
  EXPECT_TRUE(one.holds("{entities: [{key: anna}, {zone: server}]}"));
  EXPECT_FALSE(one.holds("{entities: [{key: anna}, {zone: ot}]}"));
}

TEST(AutoRules, TimesAreThoseOfOpeningInUtc) {
  Case one;
  EXPECT_TRUE(one.holds("{days: [tue]}"));
  EXPECT_FALSE(one.holds("{days: [mon, wed]}"));
  EXPECT_TRUE(one.holds("{hours: {from: '12:00', to: '12:01'}}"));
  EXPECT_FALSE(one.holds("{hours: {from: '11:00', to: '12:00'}}"));
  EXPECT_FALSE(one.holds("{hours: {from: '22:00', to: '06:00'}}"));
  one.row.created_at.ns += 11 * 3'600'000'000'000;  // 23:00
  EXPECT_TRUE(one.holds("{hours: {from: '22:00', to: '06:00'}}"));
  one.row.created_at.ns += 7 * 3'600'000'000'000;  // 06:00 of the next day.
  EXPECT_FALSE(one.holds("{hours: {from: '22:00', to: '06:00'}}"));
  EXPECT_TRUE(one.holds("{days: wed}"));
  one.row.created_at = core::kNoTime;
  EXPECT_FALSE(one.holds("{days: [sun, mon, tue, wed, thu, fri, sat]}"));
}

TEST(AutoRules, PatternsAreLinearAndWhole) {
  EXPECT_TRUE(matches_pattern("", ""));
  EXPECT_FALSE(matches_pattern("", "a"));
  EXPECT_TRUE(matches_pattern("*", ""));
  EXPECT_TRUE(matches_pattern("a*b*c", "aXbYbZc"));
  EXPECT_FALSE(matches_pattern("a*b", "aXbY"));
  EXPECT_TRUE(matches_pattern("**A", "xxa"));
  EXPECT_FALSE(matches_pattern(std::string(200, '*') + "b", std::string(2'000, 'a')));
}

TEST(AutoRules, WhatIsWrongIsToldWithItsPlaceAndTheOthersAreRead) {
  const auto read =
      read_auto_rules({{"a.yml", rule_text("{score: {at_least: 101}}") + "---\n" + rule_text("{score: {at_least: 100}}")},
                       {"b.yml", "id: [\n"},
                       {"c.yml", "id: c\ntitle: C\nwhen: {tags: x}\nthen: [{tag: y}]\n"}});
  ASSERT_EQ(read->rules.size(), 2u);
  EXPECT_EQ(read->rules[0].path, "a.yml");
  EXPECT_EQ(read->rules[1].id, "c");
  ASSERT_EQ(read->problems.size(), 2u);
  EXPECT_EQ(read->problems[0].text.rfind("a.yml:3:", 0), 0u) << read->problems[0].text;
  EXPECT_NE(read->problems[0].text.find("expected a number from 0 to 100"), std::string::npos);
  EXPECT_EQ(read->problems[1].text.rfind("b.yml:", 0), 0u);
}

TEST(AutoRules, EachPartIsChecked) {
  for (const char* when : {"{}",
                           "[]",
                           "x",
                           "{foo: 1}",
                           "{score: 5}",
                           "{score: {}}",
                           "{score: {above: 5}}",
                           "{score: {at_least: high}}",
                           "{score: {at_least: 5, at_most: 4}}",
                           "{severity: {at_least: 4}}",
                           "{severity: {at_least: [high, low], x: low}}",
                           "{tactics: []}",
                           "{tactics: ''}",
                           "{tactics: {}}",
                           "{tactics: {some: [x]}}",
                           "{tactics: [[x]]}",
                           "{states: open}",
                           "{entities: {}}",
                           "{entities: []}",
                           "{entities: {kind: printer}}",
                           "{entities: {zone: moon}}",
                           "{entities: {criticality: {at_least: 6}}}",
                           "{entities: {name: x}}",
                           "{days: monday}",
                           "{hours: {from: '8:00'}}",
                           "{hours: {from: '08:00', to: '08:00'}}",
                           "{hours: {from: '24:00', to: '08:00'}}",
                           "{hours: {from: '08:00'}}"}) {
    EXPECT_NE(problem_of(rule_text(when)).find("r.yml:"), std::string::npos) << when;
  }
  for (const char* then :
       {"then: []", "then: {tag: x}", "then: [x]", "then: [{}]", "then: [{tag: x, raise: 1}]", "then: [{raise: 0}]",
        "then: [{raise: 4}]", "then: [{raise: 1.5}]", "then: [{priority: p0}]", "then: [{priority: [p1]}]",
        "then: [{tag: 'a,b'}]", "then: [{tag: ''}]", "then: [{run: x}]", "then: [{close_as_benign: ''}]", ""}) {
    EXPECT_NE(problem_of(rule_text("{tags: x}", std::string(then) + "\n")).find("r.yml:"), std::string::npos) << then;
  }
  const std::string rest = "when: {tags: x}\n" + kThen;
  EXPECT_NE(problem_of("title: t\n" + rest), "");
  EXPECT_NE(problem_of("id: r\n" + rest), "");
  EXPECT_NE(problem_of("id: R!\ntitle: t\n" + rest), "");
  EXPECT_NE(problem_of("id: " + std::string(65, 'a') + "\ntitle: t\n" + rest), "");
  EXPECT_NE(problem_of("id: r\ntitle: t\nenabled: perhaps\n" + rest), "");
  EXPECT_NE(problem_of("id: r\ntitle: t\nlevel: high\n" + rest), "");
  EXPECT_NE(problem_of("- x\n"), "");
}

TEST(AutoRules, ALaterFileTakesTheIdAndOneFileHasItOnce) {
  const std::string one = rule_text("{tags: x}"), other = rule_text("{tags: y}");
  const auto read = read_auto_rules({{"ours.yml", one}, {"theirs.yml", other}});
  ASSERT_EQ(read->rules.size(), 1u);
  EXPECT_EQ(read->rules[0].path, "theirs.yml");
  EXPECT_TRUE(read->problems.empty());
  EXPECT_EQ(read_auto_rules({{"a.yml", one + "---\n" + other}})->problems.size(), 1u);
}

TEST(AutoRules, ConditionsAndOutcomesAreSaidInWords) {
  const auto rule =
      rule_of("{severity: {at_least: high}, tactics: [impact], entities: {kind: host, criticality: {at_least: 4}}}");
  EXPECT_EQ(rule.when.text, "severity at least high; tactics: any of impact; an entity (kind host; criticality at least 4)");
  EXPECT_EQ(rule.outcomes.at(0).text, "raise the priority by 1");
}

TEST(TaskTemplates, AreReadAndRefusedWithTheirPlace) {
  const std::string good = "id: t\ntitle: T\nwhen: {tactics: impact}\ntasks:\n  - contain: Isolate it\n  - learn: Ask why\n";
  const auto read = read_task_templates(good, "tasks.yml");
  ASSERT_EQ(read->templates.size(), 1u);
  EXPECT_EQ(read->templates[0].tasks.at(1).phase, "learn");
  for (const char* bad :
       {"tasks: []", "tasks: [x]", "tasks: [{contain: a, learn: b}]", "tasks: [{panic: x}]", "tasks: [{learn: ''}]", ""}) {
    const auto wrong =
        read_task_templates("id: t\ntitle: T\nwhen: {tactics: impact}\n" + std::string(bad) + "\n", "tasks.yml");
    EXPECT_TRUE(wrong->templates.empty()) << bad;
    EXPECT_EQ(wrong->problems.size(), 1u) << bad;
  }
  EXPECT_EQ(read_task_templates(good + "---\n" + good, "tasks.yml")->problems.size(), 1u);
}

}  // namespace
}  // namespace tocsin::triage
