// Reasons in words: private to triage. Pure.
#pragma once
#include "triage/joiner_keys.h"

namespace tocsin::triage {

// "14 s", "3 min 20 s", "2 h 5 min", "3 days".
std::string gap_in_words(std::int64_t gap_ns);

// Why `finding` is with another one that carries the same key; `gap_ns` between their events.
model::JoinReason join_reason(const Finding& finding, const LinkKey& key, const JoinPolicy& policy, std::int64_t gap_ns,
                              const std::string& other);
// Of a finding that opened its incident.
model::JoinReason first_reason(const Finding& finding);

}  // namespace tocsin::triage
