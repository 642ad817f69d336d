// Why a rule fired: data for people and programs. Plain data.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "core/time.h"

namespace tocsin::model {

// One predicate that held: `field` `op` `pattern` was true because of `value`.
struct PredicateMatch {
  std::string selection;    // The selection (search identifier) of the rule it belongs to.
  std::string field;        // As the rule names it; empty for a keyword.
  std::string event_field;  // The field of the event that held the value: differs where a log source maps names.
  std::string op;           // equals, contains, startswith, endswith, wildcard, regex, cidr, fieldref, exists, null, lt ...
  std::string pattern;      // As the rule wrote it.
  std::string value;        // The value of the event, cut to kMaxShownBytes.
  std::uint64_t position = 0;  // In bytes from the start of the whole value: where the match begins
  std::uint64_t length = 0;    // and how long it is; 0 and 0 where a position makes no sense.
  bool operator==(const PredicateMatch&) const = default;
};
inline constexpr std::size_t kMaxShownBytes = 4'096;

struct Explanation {
  std::vector<std::string> selections;     // That held and counted towards the condition, in the rule's order.
  std::vector<std::string> absent;         // Selections that the condition demanded not to hold, and that did not.
  std::vector<PredicateMatch> predicates;  // In the rule's order.
  std::string condition;                   // As the rule wrote it.
};

// One event that contributed to a correlation.
struct Contribution {
  std::uint32_t rule_index = 0;  // Of the referenced rule (detect::RuleSet index).
  core::Timestamp event_time;
  std::string file;  // The origin, as in a finding.
  std::uint64_t record = 0;
};

}  // namespace tocsin::model
