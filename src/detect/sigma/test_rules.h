// For the tests of this folder: rules and events from short texts.
#pragma once
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "detect/plain_evaluator.h"
#include "detect/rule_set.h"

namespace tocsin::detect::sigma {

// A rule around a detection, which begins on line 4 of the file. Indent it by two spaces.
inline std::string rule_text(const std::string& detection) {
  return "title: A rule\nlogsource: {product: windows}\ndetection:\n" + detection;
}

inline RuleSet load_text(const std::string& text, const LoadOptions& options = {}) {
  return load_rules({{"rule.yml", text}}, options);
}

inline std::string show(const std::vector<Diagnostic>& diagnostics) {
  std::string out;
  for (const Diagnostic& d : diagnostics) {
    out += d.path + ":" + std::to_string(d.line) + ":" + std::to_string(d.column) + " " + d.code + ": " + d.message + " [" +
           d.hint + "]\n";
  }
  return out;
}

// The one rule of a detection; a failure where it does not load.
inline Rule rule_of(const std::string& detection, const LoadOptions& options = {}) {
  RuleSet set = load_text(rule_text(detection), options);
  EXPECT_EQ(set.rules.size(), 1u) << show(set.diagnostics);
  return set.rules.empty() ? Rule{} : std::move(set.rules[0]);
}

// A rule of one entry, such as "Image|endswith: '\cmd.exe'".
inline Rule item_rule(const std::string& item, const LoadOptions& options = {}) {
  return rule_of("  sel:\n    " + item + "\n  condition: sel\n", options);
}

inline PlainEvent event_of(const std::vector<std::pair<std::string, std::string>>& fields) {
  PlainEvent out;
  for (const auto& [name, value] : fields) out.fields.push_back({name, model::ValueType::kText, value});
  return out;
}

inline bool matches(const Rule& rule, const PlainEvent& event) { return PlainEvaluator().match(rule, event); }
inline bool item_matches(const std::string& item, const std::vector<std::pair<std::string, std::string>>& fields,
                         const LoadOptions& options = {}) {
  return matches(item_rule(item, options), event_of(fields));
}

}  // namespace tocsin::detect::sigma
