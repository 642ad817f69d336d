// `tocsin detect`: events of files against Sigma rules, findings to sinks.
//
// run_detect() is the whole command without argument parsing, so that tests and other commands can call it. It prints
// nothing but what its sinks write and, where given, progress.
#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "cli/content.h"
#include "cli/finding_sink.h"
#include "cli/pipeline.h"
#include "core/result.h"
#include "detect/engine.h"
#include "detect/rule_set.h"

namespace tocsin::cli {

// Which of the loaded rules take part.
struct RuleFilter {
  std::optional<model::Level> min_level;
  std::vector<std::string> statuses;       // Empty: all.
  std::vector<std::string> include_tags;   // Any of; prefix of a tag counts ("attack.t1059" takes ".001"). Empty: all.
  std::vector<std::string> exclude_rules;  // Ids, names or titles.
};

struct DetectOptions {
  std::vector<std::string> paths;
  PipelineOptions pipeline;
  RuleFilter filter;
  bool any_source = false;
  model::LogSource input_source;
  core::Timestamp from, to;  // Events with a time outside are skipped; kNoTime: no bound.
  std::string command_line, version;
  std::string errors_path;  // --errors FILE: every bad record, as JSON lines.
};

// True where the rule takes part.
bool takes_part(const model::RuleInfo& rule, const RuleFilter& filter);

core::Result<RunSummary> run_detect(const detect::RuleSet& rules, const detect::LogSourceMap& sources,
                                    const normalise::Mapper& mapper, const DetectOptions& options,
                                    const std::vector<FindingSink*>& sinks, const Pipeline::Report& report);

}  // namespace tocsin::cli
