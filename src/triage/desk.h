// The desk: takes findings in the order of the store, keeps incidents in the ledger, and does what people ask of them.
//
// Any thread; one change at a time. Each call that changes something is one transaction of the ledger: what it acknowledged
// survives a crash, what it did not has left nothing behind. Findings come with the position up to which they are taken; it
// is saved in the same transaction, so that after a crash none is missing and none is taken twice.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/clock.h"
#include "core/metrics.h"
#include "core/result.h"
#include "ledger/incidents.h"
#include "ledger/ledger.h"
#include "triage/automatic.h"
#include "triage/finding.h"
#include "triage/joiner.h"
#include "triage/score.h"

namespace tocsin::triage {

struct DeskOptions {
  std::shared_ptr<const JoinPolicy> joining;
  std::shared_ptr<const ScorePolicy> scoring;
  std::shared_ptr<const AutoRules> automatic;      // Null: none.
  std::shared_ptr<const TaskTemplates> templates;  // For incidents that are opened; null: none.
  bool automatic_close = false;                    // Rules may close incidents as benign.
  std::chrono::hours keep_open{24 * 14};           // Findings of incidents older than this are not held in memory.
  std::chrono::minutes fold_within{60};            // Of the first: findings of the same rule and entities are counted on it.
};

// Where the next finding is read from: all of sequences below `sequence` are taken, and of `sequence` those of `ids`.
struct DeskPosition {
  std::uint64_t sequence = 0;
  std::vector<std::string> ids;
};

// A host calls this address its own.
struct OwnAddress {
  std::string tenant, site, host, address;
  core::Timestamp at;
};

struct Change {  // What a person changes; what is not set stays.
  std::optional<std::string> title, owner, priority, tlp, pap;
  std::optional<std::vector<std::string>> tags;
  std::optional<model::IncidentState> state;  // Any but closed: that is close().
  std::optional<std::int64_t> expected_version;
};
struct Closing {
  model::Verdict verdict = model::Verdict::kTruePositive;
  std::string cause;
  ledger::IncidentNumber duplicate_of = 0;  // With kDuplicate.
};
struct NewIncident {  // By hand: a phone call, a mail.
  std::string tenant, site, title, summary, priority;
  std::uint8_t severity_id = 3;
  core::Timestamp first_event;
  std::vector<std::string> findings, tags;
};

class Desk {
 public:
  // Told after each commit, on the thread that changed it: must not block.
  using Publish = std::function<void(const ledger::Incident&)>;
  static core::Result<std::unique_ptr<Desk>> open(ledger::Ledger& ledger, DeskOptions options, const core::Clock& clock,
                                                  core::Metrics& metrics, Publish publish);
  virtual ~Desk() = default;

  // Reads what joining needs from the ledger: some seconds after many findings, and changes wait for it. What comes first
  // does it.
  virtual core::Result<void> prepare() = 0;

  [[nodiscard]] virtual DeskPosition position() const = 0;
  // Findings in the order of (sequence, as stored). All or nothing; those that are in an incident already are passed over.
  virtual core::Result<void> take(std::span<const Finding> findings, const DeskPosition& after) = 0;

  // For later findings, and for the register of assets; answers how many were news. An address that two hosts call theirs
  // within a day is of neither until one has been silent for a day.
  virtual core::Result<std::size_t> learn_addresses(std::span<const OwnAddress> told) = 0;

  virtual core::Result<ledger::Incident> change(ledger::IncidentNumber id, const Change& change, std::string_view by) = 0;
  virtual core::Result<ledger::Incident> close(ledger::IncidentNumber id, const Closing& closing, std::string_view by) = 0;
  virtual core::Result<ledger::Incident> reopen(ledger::IncidentNumber id, std::string_view why, std::string_view by) = 0;
  virtual core::Result<ledger::Incident> create(const NewIncident& incident, std::string_view by) = 0;
  // All of `from` becomes part of `into`; both keep their history.
  virtual core::Result<ledger::Incident> merge(ledger::IncidentNumber into, const std::vector<ledger::IncidentNumber>& from,
                                               std::string_view why, std::string_view by) = 0;
  // The findings become an incident of their own, and the two stay apart.
  virtual core::Result<ledger::Incident> split(ledger::IncidentNumber from, const std::vector<std::string>& findings,
                                               std::string_view why, std::string_view by) = 0;
  virtual core::Result<void> move(const std::vector<std::string>& findings, ledger::IncidentNumber to, std::string_view why,
                                  std::string_view by) = 0;
  virtual core::Result<void> comment(ledger::IncidentNumber id, std::string_view text, std::string_view by) = 0;
  virtual core::Result<std::int64_t> add_task(ledger::IncidentTask task, std::string_view by) = 0;
  virtual core::Result<void> change_task(const ledger::IncidentTask& task, std::string_view by) = 0;
  virtual core::Result<std::int64_t> annotate(ledger::IncidentNote note, std::string_view by) = 0;
  virtual core::Result<void> watch(ledger::IncidentNumber id, std::string_view user, bool on) = 0;
  virtual core::Result<ledger::Asset> put_asset(ledger::Asset asset, std::string_view by) = 0;

  // Closed ones and open ones that share the most telling entities, the most alike first, with the reason in words.
  struct Similar {
    ledger::Incident incident;
    double likeness = 0;  // 0-1.
    std::string why;
  };
  virtual core::Result<std::vector<Similar>> similar(ledger::IncidentNumber id, std::size_t limit) = 0;
  // Of a rule in a tenant, after all closing decisions.
  [[nodiscard]] virtual Precision precision(std::string_view tenant, std::string_view rule_id,
                                            std::uint8_t severity_id) const = 0;
  [[nodiscard]] virtual Joiner::Stats stats() const = 0;
  [[nodiscard]] virtual Automatic* automatic() { return nullptr; }  // Null: it has none.
};

}  // namespace tocsin::triage
