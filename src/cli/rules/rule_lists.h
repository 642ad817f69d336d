// `tocsin rules list` and `stats`: what is in a rule set, for people and programs. Pure.
#pragma once
#include <iosfwd>
#include <string>
#include <vector>

#include "detect/rule_set.h"

namespace tocsin::cli {

// Empty lists: no bound. Within one list any may hold.
struct ListFilter {
  std::vector<model::Level> levels;
  std::vector<std::string> statuses;
  std::vector<std::string> tags;              // A longer tag counts: "attack.t1059" takes ".001".
  std::vector<model::LogSource> log_sources;  // What is given must be equal.
};
bool passes(const model::RuleInfo& info, const ListFilter& filter);

// Rules, then correlations, in the order of the set. One line each, columns aligned, a count at the end.
void write_rule_table(const detect::RuleSet& rules, const ListFilter& filter, std::ostream& out);
// One JSON object each.
void write_rule_lines(const detect::RuleSet& rules, const ListFilter& filter, std::ostream& out);
void write_rule_stats(const detect::RuleSet& rules, std::ostream& out);

}  // namespace tocsin::cli
