// How many findings of one rule about one source go into the store: a burst, then so many a second. What is over it
// is folded: its events are stored and its hits counted, but it is no row of its own. Time is that of arrival.
//
// One thread; a function of what it is asked. It goes on over a change of rules, and in the saved state over a restart.
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "app/detection.h"
#include "core/time.h"

namespace tocsin::app {

struct FindingLimits {
  double burst = 10'000, per_second = 100;
};

class FindingBound {
 public:
  explicit FindingBound(FindingLimits limits = {}) : limits_(limits) {}
  // Rules are known by their ids; those that are gone are forgotten.
  void adopt(const Detection& detection);
  // False: this finding is folded. REQUIRES: rules were adopted.
  bool take(std::uint32_t rule_index, std::uint32_t source, core::Timestamp received_at);

  struct Folded {
    std::uint32_t rule_index = 0, source = 0;
    std::uint64_t count = 0;
  };
  [[nodiscard]] std::vector<Folded> folded() const;
  [[nodiscard]] std::uint64_t folded_total() const { return total_; }  // With those of rules that are gone.

  void save(std::string& out) const;
  bool load(std::string_view& in);  // After adopt(). False: it is cut short.

 private:
  struct Bucket {
    double tokens = 0;
    std::int64_t at_ns = 0;
    std::uint64_t folded = 0;
  };
  void refill(Bucket& bucket, std::int64_t now_ns) const;

  FindingLimits limits_;
  std::map<std::pair<std::uint32_t, std::uint32_t>, Bucket> buckets_;  // Rule, source.
  std::vector<std::string> ids_;                                       // Of the rules.
  std::map<std::string, std::uint32_t, std::less<>> numbers_;
  std::int64_t now_ns_ = 0;  // The newest arrival asked about.
  std::uint64_t total_ = 0;
};

}  // namespace tocsin::app
