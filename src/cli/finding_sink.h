// Where findings go: one class per output format, all fed in the same stable order.
//
// One thread. A sink writes to a stream it does not own. Formats that need everything at the end (table, html,
// navigator) keep what they need and bound it: see each one's limit, which is shown when reached.
#pragma once
#include <cstdint>
#include <iosfwd>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "cli/pipeline.h"
#include "core/time.h"
#include "detect/rule_set.h"
#include "model/rule_info.h"

namespace tocsin::cli {

struct Found {
  const model::RuleInfo* rule = nullptr;
  core::Timestamp time;           // Of the event; of the last one for a correlation.
  core::Timestamp first;          // Of the first event of a correlation; else as `time`.
  std::uint64_t event_count = 1;  // Contributing events of a correlation.
  std::string host;               // "" where not known.
  std::string file;
  std::uint64_t record = 0;  // 0 for a correlation.
  std::string event_record_id;
  std::string reason;  // One line for people: what matched ("CommandLine contains '-enc'").
  std::string json;    // The OCSF Detection Finding, one line, complete.
};

struct RunSummary {
  PipelineStats input;
  double seconds = 0;
  std::uint32_t threads = 1;
  std::uint64_t rule_count = 0, correlation_count = 0, filter_count = 0;  // Loaded.
  std::uint64_t skipped_rule_count = 0;                                   // By --status, --exclude-rule ...
  std::vector<detect::sigma::Diagnostic> refused;                         // Errors only.
  std::uint64_t unrouted_events = 0;      // Source not told: only rules without product saw them.
  std::uint64_t events_outside_time = 0;  // --from, --to.
  std::uint64_t findings = 0;
  std::map<model::Level, std::uint64_t> findings_by_level;
  std::map<std::string, std::uint64_t> bad_by_cause;
  std::vector<std::string> notes;  // Limits that were reached, in words.
  core::Timestamp first_event, last_event;
  std::string command_line;  // For the report.
  std::string version;
};

class FindingSink {
 public:
  virtual ~FindingSink() = default;
  virtual void add(const Found& found) = 0;
  virtual void finish(const RunSummary& summary) = 0;
  // Whether Found::json is wanted: building it costs.
  [[nodiscard]] virtual bool needs_json() const { return true; }
};

struct SinkOptions {
  bool colour = false;        // Terminal colours (table).
  std::uint32_t width = 100;  // Columns of the terminal (table).
  bool summary = true;        // After the table.
};

std::unique_ptr<FindingSink> make_table_sink(std::ostream& out, const SinkOptions& options);
std::unique_ptr<FindingSink> make_jsonl_sink(std::ostream& out);
std::unique_ptr<FindingSink> make_csv_sink(std::ostream& out);
std::unique_ptr<FindingSink> make_html_sink(std::ostream& out);
std::unique_ptr<FindingSink> make_navigator_sink(std::ostream& out);

// The table sink's summary alone, for `detect -f jsonl -o FILE` (goes to standard error).
void write_summary(const RunSummary& summary, std::ostream& out, const SinkOptions& options);

}  // namespace tocsin::cli
