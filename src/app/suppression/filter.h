// A suppression as the engine uses it: a Sigma filter read by the loader of rules, asked about matches of one rule. Pure.
//
// Immutable; any thread. Fields of the filter are those of the rule: their values come from the view of the event that the
// rule matched (docs/logsources.md), so that what a rule calls Image is what the filter calls Image.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "detect/engine.h"
#include "detect/plain_evaluator.h"
#include "model/rule_info.h"

namespace tocsin::app {

// Of one filter. A suppression names a case; thousands of values are a list that belongs into the rule.
inline constexpr std::size_t kMaxFilterLeaves = 500;
inline constexpr std::size_t kMaxFilterFields = 50;
inline constexpr std::size_t kMaxFilterValueBytes = 4'096;

struct FilterField {
  std::string field, op, value;  // op: "equals", "contains", "startswith", "endswith", "cidr", "re".
};

// The rule that a suppression is about: its id in the live set, and what the rule says of itself.
struct FilteredRule {
  std::string_view id;
  const model::RuleInfo& info;
};

// The filter as YAML: fields are joined by "and"; several of one field and op are alternatives. kInvalid names the field.
core::Result<std::string> write_filter(const FilteredRule& rule, std::string_view title, std::string_view author,
                                       const std::vector<FilterField>& fields);

class SuppressionFilter {
 public:
  // kInvalid, with line and column: it is no Sigma filter, not of that rule alone, without `not`, or past a limit.
  static core::Result<SuppressionFilter> read(std::string_view yaml, const FilteredRule& rule);

  // REQUIRES: `match` is of `event` and that rule.
  [[nodiscard]] bool silences(const detect::Engine& engine, const model::Event& event, const detect::Match& match,
                              detect::PlainEvaluator& evaluator) const;
  // Whether it silences an event whose fields hold nothing that anybody could have meant: then it silences about all.
  [[nodiscard]] bool silences_anything(detect::PlainEvaluator& evaluator) const;
  [[nodiscard]] const std::string& title() const { return title_; }

 private:
  detect::sigma::Rule rule_;  // Holds where the filter keeps the finding.
  std::string title_;
  std::vector<std::string> fields_;
  bool keywords_ = false;
};

}  // namespace tocsin::app
