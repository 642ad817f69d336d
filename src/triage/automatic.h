// What people ask of automatic triage: which rules there are, what one would have done, and to undo what it did.
//
// Any thread. Part of the desk, which applies the rules within the transaction that changes an incident.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "ledger/incidents.h"
#include "triage/auto_rules.h"

namespace tocsin::triage {

inline constexpr std::size_t kMaxDryRunIncidents = 2'000;  // The newest.
inline constexpr std::size_t kMaxDryRunMatches = 200;      // Shown.

class Automatic {
 public:
  virtual ~Automatic() = default;

  struct RuleView {
    std::string id, title, description, when, file;
    std::vector<std::string> outcomes;
    bool enabled = true;
    std::string problem;  // Not empty: it does not do what it says, or is no rule (then `id` is empty).
  };
  [[nodiscard]] virtual std::vector<RuleView> rules() const = 0;
  // Of files read again. What was done stays.
  virtual void set_rules(std::shared_ptr<const AutoRules> rules) = 0;
  // kNotFound: there is no such rule. It counts from the next change of an incident on.
  virtual core::Result<void> enable(std::string_view rule, bool on, std::string_view by) = 0;

  struct DryRun {
    std::string rule, yaml;            // One of them: a rule that is there, or the text of one.
    std::vector<std::string> tenants;  // Empty: all.
    core::Timestamp from;              // Of the last event.
  };
  struct DryRunResult {
    struct Match {
      ledger::IncidentNumber incident = 0;
      std::string title;
      std::vector<std::string> outcomes;
    };
    std::uint64_t looked_at = 0;
    std::vector<Match> matches;
    bool complete = true;
  };
  // Incidents as they are now, closed ones too; nothing is changed.
  virtual core::Result<DryRunResult> dry_run(const DryRun& asked) = 0;

  // Takes back what an automatic decision did, where nobody has changed it since; the rule leaves the incident alone from
  // then on. kInvalid: that entry of the history is none, or was undone before.
  virtual core::Result<ledger::Incident> revert(ledger::IncidentNumber id, std::int64_t sequence, std::string_view by) = 0;
};

}  // namespace tocsin::triage
