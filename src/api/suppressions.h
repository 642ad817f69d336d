// What the API asks about suppressions: implemented by app, or by a test. Any thread; draft, preview and add read the store
// and may take seconds.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "core/time.h"
#include "ledger/tuning.h"

namespace tocsin::api {

inline constexpr std::size_t kMaxPreviewFindings = 200;  // Shown.
inline constexpr std::chrono::hours kMaxSuppressionLife{24 * 366};

struct SuppressionField {
  std::string field, op, value;  // op: "equals", "contains", "startswith", "endswith", "cidr", "re".
  bool chosen = true;            // Of a draft: proposed ...
  std::string why;               // ... or not, and why.
};

struct SuppressionDraft {
  std::string tenant, rule_id, rule_title, title, yaml;
  std::vector<SuppressionField> fields;
  core::Timestamp expires_at;
};

// A filter: of fields, or as YAML where that is not empty.
struct SuppressionFilterText {
  std::string rule_id, title, author, yaml;
  std::vector<SuppressionField> fields;
};

struct SuppressionPreview {
  struct Finding {
    std::string id, host, user;
    core::Timestamp time;
    std::string verdict;  // Of its incident: "true_positive", "benign", "false_positive", "undecided".
    ledger::IncidentNumber incident = 0;
  };
  std::uint64_t looked_at = 0, passed_over = 0;
  std::uint64_t total = 0, true_positive = 0, benign = 0, false_positive = 0, undecided = 0;
  std::vector<Finding> findings;   // Silenced ones, the newest kMaxPreviewFindings.
  bool complete = true;            // All findings of these days were looked at or passed over, all silenced ones are shown.
  bool silences_anything = false;  // Even an event whose fields hold nothing that was meant.
};

struct NewSuppression {
  SuppressionFilterText filter;
  std::string tenant;  // Empty: all.
  std::string reason;
  core::Timestamp expires_at;
  bool silence_all = false;  // The word that is needed to silence all of a rule.
};
struct SuppressionPatch {
  std::optional<bool> enabled;
  std::optional<std::string> reason;
  std::optional<core::Timestamp> expires_at;
};

class Suppressions {
 public:
  virtual ~Suppressions() = default;
  // `tenants`: those the caller sees; empty: all. kNotFound: there is no such finding among theirs.
  virtual core::Result<SuppressionDraft> draft(std::string_view finding, const std::vector<std::string>& tenants,
                                               std::string_view by) = 0;
  virtual core::Result<SuppressionPreview> preview(const SuppressionFilterText& filter,
                                                   const std::vector<std::string>& tenants, int days) = 0;
  // In force when it returns: for all that arrives from then on. kInvalid says what is refused.
  virtual core::Result<ledger::Suppression> add(const NewSuppression& suppression, std::string_view by) = 0;
  virtual core::Result<ledger::Suppression> change(ledger::SuppressionId id, const SuppressionPatch& patch,
                                                   std::string_view by) = 0;
  virtual core::Result<ledger::Suppression> end(ledger::SuppressionId id, std::string_view by) = 0;

  // Matches that it silenced since the program started, and when it did last.
  struct Count {
    std::uint64_t silenced = 0;
    core::Timestamp last;
  };
  [[nodiscard]] virtual Count count(ledger::SuppressionId id) const = 0;
};

}  // namespace tocsin::api
