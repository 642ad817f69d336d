// Incidents: what people work on. Plain data and its names.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/time.h"
#include "model/entity.h"

namespace tocsin::model {

enum class IncidentState : std::uint8_t {
  kNew,
  kAcknowledged,
  kInvestigating,
  kContained,
  kEradicated,
  kRecovered,
  kClosed,
};
inline constexpr std::size_t kIncidentStateCount = 7;
enum class Verdict : std::uint8_t { kNone, kTruePositive, kBenign, kFalsePositive, kDuplicate };
inline constexpr std::size_t kVerdictCount = 5;

const char* to_string(IncidentState state);  // "new", "acknowledged", "investigating", "contained", "eradicated", ...
const char* to_string(Verdict verdict);      // "", "true_positive", "benign", "false_positive", "duplicate"
std::optional<IncidentState> parse_incident_state(std::string_view name);
std::optional<Verdict> parse_verdict(std::string_view name);

// One summand of a score, as it is shown: "rule level high", +30, why.
struct ScorePart {
  std::string name;  // "level", "precision", "rarity", "asset", "exposure", "progress", "independent" ...
  double points = 0;
  std::string why;
};

// Why a finding is in an incident. `kind`: "first" (it opened it), "process_tree", "session", "hash", "connection",
// "address", "domain", "file", "user", "cloud_account", "host", "by_hand".
struct JoinReason {
  std::string kind;
  std::string
      text;       // One sentence: "same process tree on WS-042: winword.exe 4312 started powershell.exe 5120; 14 s apart".
  Entity entity;  // What is shared.
  std::string finding;  // The id of the finding it is joined to; empty for the first.
  std::int64_t gap_ns = 0;
  double weight = 1;  // 0-1: how specific that is.
};

}  // namespace tocsin::model
