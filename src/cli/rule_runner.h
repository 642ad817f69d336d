// Bytes of a log in, matches per rule out: what rule tests need of `detect`, without threads, sinks or files.
//
// One thread. RuleSet and LogSourceMap must outlive the runner. Bytes that cannot be read are counted and never an error.
// Correlations are evaluated over all the events of one run(). Bounded by the caller: the bytes are held in memory.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "detect/engine.h"
#include "detect/log_source_map.h"
#include "detect/rule_set.h"
#include "model/event.h"
#include "model/finding.h"

namespace tocsin::cli {

inline constexpr std::size_t kMaxShownHits = 8;  // Explained matches kept of one rule and run.

struct RunnerOptions {
  std::vector<bool> enabled;  // Per rule; empty: all.
  bool any_source = false;
  model::LogSource input_source;  // Empty: told per event.
  // Lines without a year (RFC 3164) are read as of this instant, so that a test means the same every day.
  core::Timestamp reference_time{1'798'761'599'000'000'000};  // 2026-12-31T23:59:59Z
};

struct RuleHit {
  std::uint32_t rule_index = 0;
  std::uint64_t record = 0;
  model::Explanation why;
};

struct RunOutcome {
  std::vector<std::uint64_t> rule_counts;         // Per rule of the set: its matches, silenced or not.
  std::vector<std::uint64_t> correlation_counts;  // Per correlation of the set: its findings.
  std::vector<RuleHit> hits;                      // At most kMaxShownHits a rule.
  std::vector<std::string> reasons;               // Of correlation findings, at most kMaxShownHits.
  std::uint64_t events = 0, unrouted_events = 0, bad_records = 0, events_without_time = 0;
  std::vector<std::string> problems;  // Bad records and unreadable parts, the first few, in words.
};

class RuleRunner {
 public:
  RuleRunner(const detect::RuleSet& rules, const detect::LogSourceMap& sources, RunnerOptions options);
  ~RuleRunner();
  RuleRunner(const RuleRunner&) = delete;
  RuleRunner& operator=(const RuleRunner&) = delete;

  // `format` empty: told from the bytes. Each call stands alone.
  RunOutcome run(std::string_view name, std::string_view bytes, std::optional<model::Format> format);
  // The same for the bytes of a file that may be compressed or an archive.
  RunOutcome run_file_bytes(const std::string& name, std::string_view bytes, std::optional<model::Format> format);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// For each event of the bytes, which selections of the rule hold on their own, by the plain evaluator and without field
// mapping: why a rule that should have fired did not. At most `max_events` lines.
std::vector<std::string> selections_that_hold(const detect::sigma::Rule& rule, std::string_view bytes,
                                              std::optional<model::Format> format, std::size_t max_events);

}  // namespace tocsin::cli
