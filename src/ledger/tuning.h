// Suppressions, states of rules of automatic triage, and what those rules did: rows and their tables.
//
// Used within a transaction of Ledger::write or read, as Tables is. A suppression is never removed: it ends, and its row
// says when and by whom.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "ledger/incidents.h"
#include "ledger/ledger.h"

namespace tocsin::ledger {

inline constexpr std::int64_t kMaxSuppressions = 20'000;        // With those that ended.
inline constexpr std::int64_t kMaxSuppressionsInForce = 2'000;  // Neither ended nor expired.
inline constexpr std::size_t kMaxSuppressionBytes = 64 * 1024;  // Of its YAML.
inline constexpr std::size_t kMaxReasonBytes = 2'048;

using SuppressionId = std::int64_t;

struct Suppression {
  SuppressionId id = 0;
  std::string tenant;  // Empty: all.
  std::string title, rule_id, rule_title;
  std::string fields;  // JSON: [{"field","op","value"}]; "[]" where the YAML was written by hand.
  std::string yaml, reason, author;
  bool enabled = true;
  core::Timestamp created_at, expires_at, ended_at, changed_at;
  std::string ended_by, changed_by;
};

struct TriageRuleState {
  std::string rule_id;
  bool enabled = true;
  std::string changed_by;
  core::Timestamp changed_at;
};
// Of one rule and one incident.
struct TriageRuleUse {
  IncidentNumber incident = 0;
  std::string rule_id;
  bool holds = false;     // Its conditions held when it was last asked.
  bool reverted = false;  // A person undid what it did: it is not asked again.
  std::int64_t times = 0;
  core::Timestamp last_at;
};
struct TriageRuleHits {
  std::string rule_id;
  std::int64_t hits = 0;
  core::Timestamp last_at;
};

class TuningTables {
 public:
  // REQUIRES: used no longer than `tables`.
  explicit TuningTables(Tables& tables) : tables_(tables) {}

  // kLimit: there are kMaxSuppressions, or kMaxSuppressionsInForce at `created_at`.
  core::Result<SuppressionId> insert_suppression(const Suppression& row);
  // Enabled, reason, expiry, end and who changed it; what it says stays. kNotFound.
  core::Result<void> update_suppression(const Suppression& row);
  core::Result<std::optional<Suppression>> suppression(SuppressionId id);
  core::Result<std::vector<Suppression>> suppressions();                            // Newest first.
  core::Result<std::vector<Suppression>> suppressions_after(core::Timestamp time);  // Not ended, that expire after it.

  core::Result<void> set_triage_rule_state(const TriageRuleState& row);
  core::Result<std::vector<TriageRuleState>> triage_rule_states();

  core::Result<void> put_use(const TriageRuleUse& row);
  core::Result<std::vector<TriageRuleUse>> uses(IncidentNumber incident);
  core::Result<std::vector<TriageRuleHits>> triage_rule_hits(const std::vector<std::string>& tenants);  // Empty: all.

  core::Result<std::optional<IncidentHistory>> history_entry(std::int64_t sequence);
  core::Result<void> set_reverted(std::int64_t sequence, std::string_view by, core::Timestamp at);
  core::Result<std::vector<std::int64_t>> reverted(IncidentNumber incident);  // Sequences of its history, rising.

 private:
  Connection& connection();
  Tables& tables_;
};

}  // namespace tocsin::ledger
