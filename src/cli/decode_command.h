// `tocsin decode`: events of files as JSON lines, one flat object an event.
#pragma once
#include <iosfwd>
#include <string>
#include <vector>

#include "cli/pipeline.h"
#include "core/result.h"
#include "core/time.h"

namespace tocsin::cli {

struct DecodeCommandOptions {
  std::vector<std::string> paths;
  PipelineOptions pipeline;
  core::Timestamp from, to;         // Events with a time outside are skipped; kNoTime: no bound.
  std::vector<std::string> fields;  // --fields: only these, in this order; a trailing * takes a prefix. Empty: all.
  // What is added stands in the place of fields of the event that have the same name.
  bool add_time = false;    // --time: first member "_time", ISO 8601 in UTC (null where unknown).
  bool add_source = false;  // --source: members _file, _record, _format.
  std::string errors_path;  // --errors: every bad record, as JSON lines.
};

// Writes to `out`; the statistics tell what was lost. An error where the file of bad records cannot be written.
core::Result<PipelineStats> run_decode(const DecodeCommandOptions& options, std::ostream& out,
                                       const Pipeline::Report& report);

}  // namespace tocsin::cli
