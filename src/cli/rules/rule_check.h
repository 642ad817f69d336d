// `tocsin rules check`: what the loader says of rules, and what it cannot know or does not mind. Pure.
#pragma once
#include <cstdint>
#include <vector>

#include "detect/log_source_map.h"
#include "detect/rule_set.h"

namespace tocsin::cli {

// All problems, sorted by path, line and column. Besides the loader's, all warnings:
//   logsource-unknown        no row of the log source table serves it
//   tag-format               a tag that is no tag, or an ATT&CK tag that is none
//   tag-replaced             an ATT&CK technique that was revoked in favour of another
//   detection-always-true    whatever the event, it matches; detection-always-false: it never does
//   duplicate-detection      another rule has the same logsource and detection
std::vector<detect::sigma::Diagnostic> check_rules(const detect::RuleSet& rules, const detect::LogSourceMap& sources);

// What can be said of a condition without an event: selections are free unless their own values decide them.
enum class Constancy : std::uint8_t { kVaries, kAlwaysTrue, kAlwaysFalse };
Constancy constancy_of(const detect::sigma::Rule& rule);
// Conditions of more selections than this are only folded, not tried out: 2^n evaluations.
inline constexpr std::size_t kMaxTriedSelections = 12;

// Whether events can be of this source by the table.
bool is_served(const model::LogSource& source, const detect::LogSourceMap& sources);

// Empty where the tag is fine; else what was expected.
std::string tag_problem(std::string_view tag);

}  // namespace tocsin::cli
