// Findings of the store, looked at again: the record of each is decoded again and asked by the rule as it is now, the way a
// record that comes in is. The finding's own document does not do: it holds the event as OCSF, whose names are not the
// rule's.
#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "app/detection.h"
#include "core/result.h"
#include "store/store.h"

namespace tocsin::app {

inline constexpr std::size_t kMaxPastFindings = 5'000;  // The newest ones.
inline constexpr std::chrono::seconds kPastTime{20};

struct PastFinding {
  std::string id, tenant, host, user;
  core::Timestamp time;
  std::uint64_t event = 0;
};
struct PastQuery {
  std::string rule_id;               // In the live set, a plain rule.
  std::vector<std::string> tenants;  // Empty: all.
  core::Timestamp from;              // Of the event.
  std::string finding;               // Not empty: that one alone.
};
struct PastLook {
  std::uint64_t looked_at = 0;
  // Their record is not stored any more, cannot be decoded again, or is none that the rule matches today.
  std::uint64_t passed_over = 0;
  bool complete = true;  // All there are were looked at or passed over.
};
using LookAt = std::function<void(const PastFinding&, const detect::Engine&, const model::Event&, const detect::Match&)>;

// Not in order. kNotFound: there is no such plain rule.
core::Result<PastLook> look_back(const PastQuery& query, const Detection& detection, const DetectionContent& content,
                                 store::Store& store, const LookAt& look);

}  // namespace tocsin::app
