#include "detect/correlate/plan.h"

#include <algorithm>
#include <bit>
#include <unordered_map>

#include "core/assert.h"
#include "detect/correlate/keyed_hash.h"

namespace tocsin::detect::correlate {

std::uint32_t slot_in(const std::vector<std::string>& fields, std::string_view field) {
  const auto at = std::find(fields.begin(), fields.end(), field);
  return at == fields.end() ? kNoSlot : static_cast<std::uint32_t>(at - fields.begin());
}

namespace {

using sigma::CorrelationRule;
using sigma::CorrelationType;
using sigma::CountCondition;
using sigma::CountOp;

// The field of the rule at `position` that `name` means: through an alias, or the field of that name.
const std::string& field_of(const CorrelationRule& rule, std::uint32_t position, const std::string& name) {
  for (const sigma::Alias& alias : rule.aliases) {
    if (alias.name != name) continue;
    for (const auto& [index, field] : alias.fields) {
      if (index == position) return field;
    }
  }
  return name;
}

std::uint32_t slot_added(std::vector<std::string>& fields, const std::string& field) {
  const std::uint32_t slot = slot_in(fields, field);
  if (slot != kNoSlot) return slot;
  fields.push_back(field);
  return static_cast<std::uint32_t>(fields.size() - 1);
}

void add_condition(CorrelationPlan& plan, const CountCondition& condition) {
  switch (condition.op) {
    case CountOp::kGreater:
    case CountOp::kGreaterEqual: plan.floors.push_back(condition); return;
    case CountOp::kEqual:
      plan.floors.push_back({CountOp::kGreaterEqual, condition.value});
      plan.caps.push_back({CountOp::kLessEqual, condition.value});
      return;
    default: plan.caps.push_back(condition);
  }
}

CorrelationPlan plan_of(const CorrelationRule& rule) {
  CorrelationPlan plan;
  plan.rule = &rule;
  plan.timespan_ns = std::max<std::int64_t>(rule.timespan_ns, 0);
  plan.temporal = rule.type == CorrelationType::kTemporal || rule.type == CorrelationType::kTemporalOrdered;
  plan.metric = rule.type == CorrelationType::kValueSum || rule.type == CorrelationType::kValueAvg ||
                rule.type == CorrelationType::kValuePercentile;
  plan.has_values = plan.metric || rule.type == CorrelationType::kValueCount;
  plan.shown = rule.conditions;
  if (plan.shown.empty()) {
    std::vector<std::uint32_t> all = rule.rules;
    std::sort(all.begin(), all.end());
    if (rule.type == CorrelationType::kTemporal) all.erase(std::unique(all.begin(), all.end()), all.end());
    plan.shown.push_back({CountOp::kGreaterEqual, plan.temporal ? static_cast<double>(all.size()) : 1.0});
  }
  for (const CountCondition& condition : plan.shown) add_condition(plan, condition);
  plan.timing = plan.floors.empty() ? Timing::kClosing : Timing::kRising;
  return plan;
}

// Collects what decides the meaning of saved state.
class Fingerprint {
 public:
  void number(std::uint64_t value) {
    for (int shift = 0; shift < 64; shift += 8) bytes_ += static_cast<char>(value >> shift);
  }
  void text(const std::string& value) {
    number(value.size());
    bytes_ += value;
  }
  void texts(const std::vector<std::string>& values) {
    number(values.size());
    for (const std::string& value : values) text(value);
  }
  [[nodiscard]] std::uint64_t done() const { return keyed_hash(1, bytes_); }

 private:
  std::string bytes_;
};

std::vector<std::string> stable_names_of(const RuleSet& rules) {
  std::vector<std::string> names;
  std::unordered_map<std::string, std::uint64_t> seen;
  const auto add = [&](const char* kind, const model::RuleInfo& info) {
    std::string name = info.id.empty() ? std::string(kind) + " at " + info.path + '\0' + info.title : kind + (' ' + info.id);
    name += '\0' + std::to_string(seen[name]++);
    names.push_back(std::move(name));
  };
  for (const sigma::Rule& rule : rules.rules) add("rule", rule.info);
  for (const CorrelationRule& rule : rules.correlations) add("correlation", rule.info);
  return names;
}

// What is referred to goes in by name: a changed rule or correlation of the same name feeds the same windows.
std::uint64_t fingerprint_of(const CorrelationRule& rule, const std::string& name, const std::vector<std::string>& names) {
  Fingerprint print;
  print.text(name);
  print.number(static_cast<std::uint64_t>(rule.type));
  print.number(rule.rules.size());
  for (const std::uint32_t index : rule.rules) print.text(names[index]);
  print.texts(rule.group_by);
  print.texts(rule.fields);
  print.number(rule.aliases.size());
  for (const sigma::Alias& alias : rule.aliases) {
    print.text(alias.name);
    print.number(alias.fields.size());
    for (const auto& [position, field] : alias.fields) {
      print.number(position);
      print.text(field);
    }
  }
  print.number(static_cast<std::uint64_t>(rule.timespan_ns));
  print.number(rule.conditions.size());
  for (const CountCondition& condition : rule.conditions) {
    print.number(static_cast<std::uint64_t>(condition.op));
    print.number(std::bit_cast<std::uint64_t>(condition.value));
  }
  print.number(std::bit_cast<std::uint64_t>(rule.percentile));
  return print.done();
}

}  // namespace

Plan::Plan(const RuleSet& set) : rules(&set), rule_uses(set.rules.size()), rule_fields(set.rules.size()) {
  stable_names = stable_names_of(set);
  const std::size_t rule_count = set.rules.size();
  for (std::uint32_t c = 0; c < set.correlations.size(); ++c) {
    const CorrelationRule& rule = set.correlations[c];
    correlations.push_back(plan_of(rule));
    for (std::uint32_t position = 0; position < rule.rules.size(); ++position) {
      const std::uint32_t index = rule.rules[position];
      TOCSIN_ASSERT(index < rule_count + c);  // The loader puts referenced correlations first.
      const bool chained = index >= rule_count;
      std::vector<Use>& uses = chained ? correlations[index - rule_count].consumers : rule_uses[index];
      if (!uses.empty() && uses.back().correlation == c) {
        if (rule.type == CorrelationType::kTemporalOrdered) uses.back().positions.push_back(position);
        continue;
      }
      Use use{.correlation = c, .positions = {position}, .group_slots = {}, .value_slots = {}, .of_correlation = chained};
      const auto slot_of = [&](const std::string& name) {
        const std::string& field = field_of(rule, position, name);
        return chained ? slot_in(set.correlations[index - rule_count].group_by, field)
                       : slot_added(rule_fields[index], field);
      };
      for (const std::string& name : rule.group_by) use.group_slots.push_back(slot_of(name));
      if (correlations[c].has_values) {
        for (const std::string& name : rule.fields) use.value_slots.push_back(slot_of(name));
      }
      uses.push_back(std::move(use));
    }
    correlations[c].fingerprint = fingerprint_of(rule, stable_names[rule_count + c], stable_names);
  }
}

bool holds(const CountCondition& condition, double value) {
  switch (condition.op) {
    case CountOp::kGreater: return value > condition.value;
    case CountOp::kGreaterEqual: return value >= condition.value;
    case CountOp::kLess: return value < condition.value;
    case CountOp::kLessEqual: return value <= condition.value;
    case CountOp::kEqual: return value == condition.value;
    case CountOp::kNotEqual: return value != condition.value;
  }
  return false;
}

bool all_hold(const std::vector<CountCondition>& conditions, double value) {
  return std::all_of(conditions.begin(), conditions.end(), [&](const auto& condition) { return holds(condition, value); });
}

}  // namespace tocsin::detect::correlate
