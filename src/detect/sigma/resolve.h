// Joins the documents of a load: filters onto rules, correlations onto what they refer to.
#pragma once
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "detect/rule_set.h"
#include "detect/sigma/correlation.h"

namespace tocsin::detect::sigma {

struct PendingFilter {
  model::RuleInfo info;
  bool any = false;  // Applies to every rule its logsource contains.
  std::vector<Reference> references;
  Detection detection;
};

// What other documents can be referred to by: ids (lower case) and names.
class References {
 public:
  void add_rule(const model::RuleInfo& info, std::uint32_t index) { add(info, rules_, index); }
  void add_correlation(const model::RuleInfo& info, std::uint32_t index) { add(info, correlations_, index); }
  void add_refused(const model::RuleInfo& info);

  struct Found {
    std::vector<std::uint32_t> rules, correlations;
    bool refused = false;  // The name belongs to a document that was refused.
  };
  [[nodiscard]] Found find(const std::string& name) const;
  // "did you mean ...", for the first few calls of a load: each compares with all names.
  std::string suggest(const std::string& name);

 private:
  using Map = std::unordered_map<std::string, std::vector<std::uint32_t>>;
  static void add(const model::RuleInfo& info, Map& map, std::uint32_t index);

  Map rules_, correlations_;
  std::unordered_set<std::string> refused_;
  int suggestions_left_ = 50;
};

void apply_filters(std::vector<PendingFilter>& filters, References& references, RuleSet& set, LoadContext& context);

// Fills set.correlations in dependency order and set.silenced. `pending` is consumed.
void resolve_correlations(std::vector<PendingCorrelation>& pending, References& references, RuleSet& set);

}  // namespace tocsin::detect::sigma
