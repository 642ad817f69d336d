// The parts that rules, correlations and filters share: title, id, dates, tags, logsource.
//
// Wrong metadata is a warning and left out; only a missing title or logsource refuses a rule, as the specification says.
#pragma once
#include <string>
#include <vector>

#include "detect/sigma/report.h"
#include "detect/sigma/yaml_tree.h"
#include "model/rule_info.h"

namespace tocsin::detect::sigma {

inline constexpr std::size_t kMaxTextBytes = 65'535;    // Longest description the specification allows.
inline constexpr std::size_t kMaxTitleBytes = 4 * 256;  // 256 characters.

// Also names the rule to `report`.
model::RuleInfo parse_metadata(const YamlNode& document, Report& report);
// REQUIRES: the document has (or should have) a `logsource`; its absence is an error.
model::LogSource parse_logsource(const YamlNode& document, Report& report);

// A scalar that is not null, as text; else reports an error at the node and gives "".
std::string text_of(const YamlNode& node, std::string_view what, Report& report);
// One such scalar, or a list of them.
std::vector<const YamlNode*> text_or_list(const YamlNode& node, std::string_view what, Report& report);

bool is_uuid(std::string_view text);

}  // namespace tocsin::detect::sigma
