// What the table and the summary count while findings pass: how many on each host, for each technique. One thread.
#pragma once
#include <cstdint>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "cli/finding_sink.h"

namespace tocsin::cli {

// Hosts come from events, so their number is bounded; findings on further ones are counted together.
inline constexpr std::size_t kMaxTalliedHosts = 10'000;

class Tally {
 public:
  using Counts = std::vector<std::pair<std::string, std::uint64_t>>;

  void add(const Found& found);
  // The most frequent first, then by name.
  [[nodiscard]] Counts top_hosts(std::size_t count) const;
  [[nodiscard]] Counts top_techniques(std::size_t count) const;
  [[nodiscard]] std::size_t host_count() const { return hosts_.size(); }
  [[nodiscard]] std::size_t technique_count() const { return techniques_.size(); }
  [[nodiscard]] bool hosts_full() const { return untallied_ > 0; }
  [[nodiscard]] core::Timestamp first() const { return first_; }
  [[nodiscard]] core::Timestamp last() const { return last_; }

 private:
  std::unordered_map<std::string, std::uint64_t> hosts_;
  std::unordered_map<std::string, std::uint64_t> techniques_;
  std::unordered_map<const model::RuleInfo*, std::vector<std::string>> techniques_of_;
  std::uint64_t untallied_ = 0;  // On hosts past the limit.
  core::Timestamp first_, last_;
};

// "T1059.001", ... of a rule's tags.
std::vector<std::string> techniques_of(const model::RuleInfo& rule);

// The summary with what only a sink knows; `tally` may be null.
void write_summary(const RunSummary& summary, const Tally* tally, std::ostream& out, const SinkOptions& options);

}  // namespace tocsin::cli
