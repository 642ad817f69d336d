// Correlation rules: parsed from YAML, then resolved against all rules of a load.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "detect/rule_set.h"
#include "detect/sigma/ast.h"
#include "detect/sigma/detection.h"
#include "detect/sigma/report.h"

namespace tocsin::detect::sigma {

inline constexpr std::size_t kMaxReferences = 10'000;  // Of one correlation or filter.

// A reference as written, with its place for messages.
struct Reference {
  std::string name;
  Place place;
};
// Text, or a list of texts. Too many, or a wrong type, is an error.
std::vector<Reference> parse_references(const YamlNode& node, std::string_view what, Report& report);

struct PendingAlias {
  std::string name;
  std::vector<std::pair<Reference, std::string>> fields;
};
struct PendingCorrelation {
  CorrelationRule rule;  // Without rules, rule_names and aliases.
  std::vector<Reference> references;
  std::vector<PendingAlias> aliases;
};

PendingCorrelation parse_correlation(const YamlNode& document, const LoadContext& context, Report& report);

}  // namespace tocsin::detect::sigma
