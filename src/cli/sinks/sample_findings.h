// Findings made by hand, for the tests of the sinks: an intrusion over three hosts, and as many more as wanted.
#pragma once
#include <deque>
#include <string>
#include <vector>

#include "cli/finding_sink.h"

namespace tocsin::cli::testing {

struct Samples {
  std::deque<model::RuleInfo> rules;  // Found::rule points into it.
  std::vector<Found> found;
  RunSummary summary;  // Fits `found`.

  Samples() = default;
  Samples(Samples&&) = default;
  Samples& operator=(Samples&&) = default;
};

// Nine findings of five rules: a correlation, hosts with wide letters, hostile text.
Samples intrusion();
// `count` findings of 60 rules on 25 hosts over three days, with events of some 3 KB. The same for the same count.
Samples many(std::size_t count);

core::Timestamp at(std::string_view iso);
// A Detection Finding as a plain rule gives it.
std::string finding_json(const Found& found, const std::string& command_line, std::size_t padding = 0);
// Counts findings_by_level and findings anew.
void count_findings(Samples& samples);

}  // namespace tocsin::cli::testing
