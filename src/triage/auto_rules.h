// Rules of automatic triage and templates of tasks: conditions over an incident, and what follows. Read from YAML; pure.
//
// Immutable after reading; any thread. A document that is wrong becomes a problem with its place; the others are read.
// Format: docs/tuning.md. The desk evaluates them (desk.h).
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "ledger/incidents.h"

namespace tocsin::triage {

// Limits; past one a file or a document is a problem.
inline constexpr std::size_t kMaxAutoRules = 1'000;
inline constexpr std::size_t kMaxConditionValues = 1'000;  // Of one list.
inline constexpr std::size_t kMaxOutcomes = 16;
inline constexpr std::size_t kMaxTemplateTasks = 50;

struct RuleText {
  std::string path, text;
};

// From to: both included; what is not set is open.
struct Bounds {
  std::optional<double> at_least, at_most;
  [[nodiscard]] bool hold(double value) const {
    return (!at_least || value >= *at_least) && (!at_most || value <= *at_most);
  }
};
// Patterns with `*`, without regard to case. Empty lists demand nothing.
struct TextCondition {
  std::vector<std::string> any, all, none;
  [[nodiscard]] bool empty() const { return any.empty() && all.empty() && none.empty(); }
};
// One entity of the incident for which all hold.
struct EntityCondition {
  std::vector<std::string> kinds, keys, zones, exposures, tags;  // Any of each; empty: whatever.
  std::optional<Bounds> criticality;                             // Of the asset; what is no asset has none.
  [[nodiscard]] bool asks_asset() const {
    return !zones.empty() || !exposures.empty() || !tags.empty() || criticality.has_value();
  }
};
struct Conditions {
  std::optional<Bounds> severity, score, findings, hosts, users, rule_count;
  TextCondition tactics, techniques, tags, states, tenants, rules, sources, titles;
  std::vector<EntityCondition> entities;      // Each met by some entity.
  std::vector<int> days;                      // Of the week that it was opened on, UTC; 0 is Sunday. Empty: any.
  std::optional<int> from_minute, to_minute;  // Of that day; from above to: over midnight.
  std::string text;                           // For people.
};

struct Outcome {
  enum class Kind : std::uint8_t { kRaise, kLower, kPriority, kTag, kAssign, kClose } kind = Kind::kTag;
  int steps = 1;      // kRaise, kLower.
  std::string value;  // Priority, tag, user, or the reason of a closing.
  std::string text;   // For people: "raise the priority by 1".
};
struct AutoRule {
  std::string id, title, description, path;
  bool enabled = true;  // As the file says.
  Conditions when;
  std::vector<Outcome> outcomes;
};
struct AutoRuleProblem {
  std::string path, text;  // "path:line:column: what was expected".
};
struct AutoRules {
  std::vector<AutoRule> rules;  // In the order given.
  std::vector<AutoRuleProblem> problems;
};
// A later file's rule of an id that was there takes its place: how a user changes one of ours.
std::shared_ptr<const AutoRules> read_auto_rules(const std::vector<RuleText>& files);

struct TaskTemplate {
  struct Task {
    std::string title, phase;
  };
  std::string id, title;
  Conditions when;
  std::vector<Task> tasks;
};
struct TaskTemplates {
  std::vector<TaskTemplate> templates;
  std::vector<AutoRuleProblem> problems;
};
std::shared_ptr<const TaskTemplates> read_task_templates(std::string_view yaml, std::string_view path);

// An incident as conditions see it.
struct IncidentFacts {
  const ledger::Incident& row;
  struct EntityFact {
    model::Entity entity;
    std::optional<ledger::Asset> asset;
  };
  const std::vector<ledger::RuleCount>& rules;
  const std::vector<EntityFact>& entities;
};
// Whether `conditions` need more than the row.
bool needs_rules(const Conditions& conditions);
bool needs_entities(const Conditions& conditions);
// Those that need the row alone; then, where those hold, all.
bool row_holds(const Conditions& conditions, const ledger::Incident& row);
bool hold(const Conditions& conditions, const IncidentFacts& facts);

// `*` stands for any run; ASCII letters without regard to case. Linear in practice: the last star alone is tried again.
bool matches_pattern(std::string_view pattern, std::string_view text);

}  // namespace tocsin::triage
