// `tocsin incidents`: findings of `tocsin detect --format jsonl` joined to incidents, with the reason of each join.
//
// What a running platform does as findings arrive, on files: findings are taken in the order of their event time, how common
// rules and things are is counted along the way (triage/prevalence.h), and the joiner decides. run_incidents() is the whole
// command without argument parsing. All findings are held in memory: at most kMaxFindings.
#pragma once
#include <cstdint>
#include <iosfwd>
#include <string>
#include <vector>

#include "cli/content.h"
#include "core/result.h"

namespace tocsin::cli {

inline constexpr std::size_t kMaxFindings = 5'000'000;
inline constexpr std::size_t kMaxFindingLineBytes = 16u << 20;

struct IncidentsOptions {
  std::vector<std::string> paths;  // "-": standard input.
  std::string assets_path;         // CSV lines "address,host": what the asset register would know.
  std::string format = "table";    // Or "json": one line for each incident.
  std::uint32_t max_shown = 50;    // Of the table.
  bool colour = false;
  std::uint32_t width = 120;
};

struct IncidentsSummary {
  std::uint64_t findings = 0, incidents = 0, bad_lines = 0, merged = 0;
  std::string first_problem;  // Of a line that is no finding.
};

core::Result<IncidentsSummary> run_incidents(const IncidentsOptions& options, const Content& content, std::ostream& out);

}  // namespace tocsin::cli
