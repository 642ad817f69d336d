// The rules and templates that come with the program: all are read, each holds for what it is about and for nothing near it.
#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <set>

#include "testing/paths.h"
#include "triage/auto_rules.h"

namespace tocsin::triage {
namespace {

std::shared_ptr<const AutoRules> ours() {
  std::vector<RuleText> files;
  for (const auto& entry : std::filesystem::directory_iterator(testing::project_root() / "content/triage/rules"))
    files.push_back({entry.path().filename().string(), testing::read_file(entry.path())});
  return read_auto_rules(files);
}

struct Sample {
  ledger::Incident row;
  std::vector<ledger::RuleCount> rules;
  std::vector<IncidentFacts::EntityFact> entities;
  Sample& severity(int id) {
    row.severity_id = static_cast<std::uint8_t>(id);
    return *this;
  }
  Sample& tactics(std::vector<std::string> names) {
    row.tactics = std::move(names);
    return *this;
  }
  Sample& technique(const char* id) {
    row.techniques = {id};
    return *this;
  }
  Sample& hosts(int count) {
    row.host_count = count;
    return *this;
  }
  Sample& host(const char* zone, const char* exposure, int criticality) {
    ledger::Asset asset;
    asset.zone = zone;
    asset.exposure = exposure;
    asset.criticality = criticality;
    entities.push_back({{model::EntityKind::kHost, model::EntityRole::kAffected, "h", "H"}, asset});
    return *this;
  }
  Sample& opened(std::int64_t days) {  // After Thursday, 1 January 1970.
    row.created_at = {days * 86'400'000'000'000 + 1};
    return *this;
  }
  Sample& quiet(double score, int findings) {
    row.score = score;
    row.finding_count = findings;
    return *this;
  }
};

TEST(TriageContent, EachRuleHoldsForItsCaseAndNotForItsNeighbour) {
  std::map<std::string, std::pair<Sample, Sample>> cases;
  cases["destruction-under-way"] = {Sample().severity(3).technique("T1561.002"), Sample().severity(3).technique("T1489")};
  cases["credentials-then-movement"] = {Sample().severity(4).tactics({"credential-access", "lateral-movement"}).hosts(2),
                                        Sample().severity(4).tactics({"credential-access", "lateral-movement"}).hosts(1)};
  cases["reachable-from-internet"] = {Sample().severity(4).tactics({"execution"}).host("dmz", "internet", 3),
                                      Sample().severity(4).tactics({"execution"}).host("dmz", "internal", 3)};
  cases["industrial-zone"] = {Sample().severity(3).host("ot", "", 3), Sample().severity(2).host("ot", "", 3)};
  cases["server-at-the-weekend"] = {Sample().severity(4).host("server", "", 4).opened(2),
                                    Sample().severity(4).host("server", "", 4).opened(4)};
  cases["lone-informational"] = {Sample().severity(1).quiet(10, 1), Sample().severity(1).quiet(10, 2)};
  const auto read = ours();
  for (const AutoRuleProblem& problem : read->problems) ADD_FAILURE() << problem.text;
  EXPECT_EQ(read->rules.size(), cases.size());
  for (const AutoRule& rule : read->rules) {
    ASSERT_TRUE(cases.contains(rule.id)) << "a case for " << rule.id;
    const auto& [fits, near] = cases[rule.id];
    EXPECT_TRUE(hold(rule.when, {fits.row, fits.rules, fits.entities})) << rule.id;
    EXPECT_FALSE(hold(rule.when, {near.row, near.rules, near.entities})) << rule.id;
    for (const Outcome& outcome : rule.outcomes) {
      EXPECT_TRUE(outcome.kind != Outcome::Kind::kClose || !rule.enabled) << "none of ours closes unasked";
    }
  }
}

TEST(TriageContent, TemplatesAreReadAndTheirTasksDiffer) {
  const auto read =
      read_task_templates(testing::read_file(testing::project_root() / "content/triage/tasks.yml"), "triage/tasks.yml");
  for (const AutoRuleProblem& problem : read->problems) ADD_FAILURE() << problem.text;
  EXPECT_GE(read->templates.size(), 5u);
  std::set<std::string> titles;
  for (const TaskTemplate& one : read->templates) {
    for (const auto& task : one.tasks) EXPECT_TRUE(titles.insert(task.title).second) << task.title;
  }
}

}  // namespace
}  // namespace tocsin::triage
