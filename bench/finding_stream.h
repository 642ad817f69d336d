// Findings as a fleet gives them, for benchmarks of triage: many hosts over some time, 400 rules of which a tenth fires
// everywhere, three in four with a process and its parent, sessions, accounts (a tenth of them SYSTEM), addresses of which a
// fifth is a hub.
#pragma once
#include <cstdint>
#include <random>

#include "triage/finding.h"

namespace tocsin::bench {

class FindingStream {
 public:
  // Finding i of `count`, evenly over `span_ns` from `begin_ns` of event time.
  FindingStream(int count, unsigned hosts, std::int64_t begin_ns, std::int64_t span_ns);
  triage::Finding make(int i);

 private:
  std::mt19937 random_{20261124};
  int count_;
  unsigned hosts_;
  std::int64_t begin_ns_, span_ns_;
};

}  // namespace tocsin::bench
