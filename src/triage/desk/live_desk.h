// The desk over a ledger. Private to triage.
//
// One lock over joiner and memory; the ledger's is taken within it. Where a transaction fails after the joiner was asked,
// the joiner knows more than the ledger: it is thrown away and made again of the ledger before the next use.
#pragma once
#include <map>
#include <set>
#include <unordered_map>

#include "core/mutex.h"
#include "ledger/tuning.h"
#include "triage/desk.h"
#include "triage/desk/addresses.h"
#include "triage/desk/body.h"
#include "triage/prevalence.h"

namespace tocsin::triage {

class LiveDesk final : public Desk, public Automatic {
 public:
  LiveDesk(ledger::Ledger& ledger, DeskOptions options, const core::Clock& clock, core::Metrics& metrics, Publish publish);
  core::Result<void> load();
  core::Result<void> prepare() override;

  [[nodiscard]] DeskPosition position() const override;
  core::Result<void> take(std::span<const Finding> findings, const DeskPosition& after) override;
  core::Result<std::size_t> learn_addresses(std::span<const OwnAddress> told) override;
  core::Result<ledger::Incident> change(ledger::IncidentNumber id, const Change& change, std::string_view by) override;
  core::Result<ledger::Incident> close(ledger::IncidentNumber id, const Closing& closing, std::string_view by) override;
  core::Result<ledger::Incident> reopen(ledger::IncidentNumber id, std::string_view why, std::string_view by) override;
  core::Result<ledger::Incident> create(const NewIncident& incident, std::string_view by) override;
  core::Result<ledger::Incident> merge(ledger::IncidentNumber into, const std::vector<ledger::IncidentNumber>& from,
                                       std::string_view why, std::string_view by) override;
  core::Result<ledger::Incident> split(ledger::IncidentNumber from, const std::vector<std::string>& findings,
                                       std::string_view why, std::string_view by) override;
  core::Result<void> move(const std::vector<std::string>& findings, ledger::IncidentNumber to, std::string_view why,
                          std::string_view by) override;
  core::Result<void> comment(ledger::IncidentNumber id, std::string_view text, std::string_view by) override;
  core::Result<std::int64_t> add_task(ledger::IncidentTask task, std::string_view by) override;
  core::Result<void> change_task(const ledger::IncidentTask& task, std::string_view by) override;
  core::Result<std::int64_t> annotate(ledger::IncidentNote note, std::string_view by) override;
  core::Result<void> watch(ledger::IncidentNumber id, std::string_view user, bool on) override;
  core::Result<ledger::Asset> put_asset(ledger::Asset asset, std::string_view by) override;
  core::Result<std::vector<Similar>> similar(ledger::IncidentNumber id, std::size_t limit) override;
  [[nodiscard]] Precision precision(std::string_view tenant, std::string_view rule_id,
                                    std::uint8_t severity_id) const override;
  [[nodiscard]] Joiner::Stats stats() const override;
  [[nodiscard]] Automatic* automatic() override { return this; }

  [[nodiscard]] std::vector<RuleView> rules() const override;
  void set_rules(std::shared_ptr<const AutoRules> rules) override;
  core::Result<void> enable(std::string_view rule, bool on, std::string_view by) override;
  core::Result<DryRunResult> dry_run(const DryRun& asked) override;
  core::Result<ledger::Incident> revert(ledger::IncidentNumber id, std::int64_t sequence, std::string_view by) override;

 private:
  using Number = ledger::IncidentNumber;
  using Tables = ledger::IncidentTables;
  // An incident that a transaction changes.
  struct Work {
    ledger::Incident row;
    bool fresh = false, recount = false;
    std::string strongest_reason;
    std::string priority_before;                 // Empty: it is fresh.
    std::map<std::string, std::int64_t> joined;  // Rule titles and how many findings of each.
    std::map<std::pair<model::EntityKind, std::string>, ledger::IncidentEntity> entities;
  };
  struct Fold {
    std::string finding;
    core::Timestamp at;
  };
  struct Counts {
    std::uint64_t taken = 0, joined = 0, opened = 0, merged = 0, folded = 0, passed_over = 0;
  };
  // What one transaction does; its effects on memory come after the commit.
  struct Batch {
    std::map<Number, Work> works;
    std::map<std::string, ledger::Asset> assets;
    std::vector<ledger::Decisions> decisions;
    std::vector<ledger::Incident> changed;
    std::vector<std::function<void(Joiner&)>> after;
    Counts counts;
    std::int64_t open = 0;          // Incidents, after it.
    ledger::Tables* all = nullptr;  // Within the transaction.
  };
  // What conditions ask of an incident beside its row; read where the first asks.
  struct Facts {
    std::optional<std::vector<ledger::RuleCount>> rules;
    std::optional<std::vector<IncidentFacts::EntityFact>> entities;
  };
  using Doing = std::function<core::Result<void>(Tables&, Batch&)>;

  // Runs `work` in a transaction, finishes the incidents it changed, commits, and tells. `asks_joiner`: see above.
  core::Result<std::vector<ledger::Incident>> transact(const Doing& work, bool asks_joiner);
  core::Result<Batch> transact_locked(const Doing& work, bool asks_joiner) REQUIRES_LOCK(mutex_);
  core::Result<ledger::Incident> one(Number id, const Doing& work);

  core::Result<void> reading(const std::function<core::Result<void>(Tables&)>& work);
  core::Result<void> rebuild() REQUIRES_LOCK(mutex_);
  core::Result<void> restore(Tables& tables) REQUIRES_LOCK(mutex_);
  void keep_stats() REQUIRES_LOCK(mutex_);
  core::Result<void> restore_page(Tables& tables, const std::vector<Tables::Joining>& page) REQUIRES_LOCK(mutex_);
  // Before the finding is joined.
  void count_prevalence(const Finding& finding) REQUIRES_LOCK(mutex_);

  core::Result<void> take_one(Tables& tables, Batch& batch, const Finding& finding) REQUIRES_LOCK(mutex_);
  core::Result<bool> fold(Tables& tables, Batch& batch, const Finding& finding, const std::string& key)
      REQUIRES_LOCK(mutex_);
  core::Result<Work*> work_of(Tables& tables, Batch& batch, Number id);
  core::Result<Work*> open_work(Tables& tables, Batch& batch, Number id);  // kInvalid: closed or merged away.
  core::Result<Work*> new_work(Tables& tables, Batch& batch, ledger::Incident row);
  core::Result<void> add_row(Tables& tables, Work& work, const Finding& finding, const Join& join);
  core::Result<void> merge_rows(Tables& tables, Batch& batch, Number into, Number from, std::string_view why,
                                std::string_view by);
  core::Result<void> move_rows(Tables& tables, Batch& batch, const std::vector<std::string>& findings, Number to,
                               std::string_view why, std::string_view by);
  core::Result<void> decide(Tables& tables, Batch& batch, const ledger::Incident& row, int sign);
  core::Result<void> learn(Tables& tables, Batch& batch, const Finding& finding);
  core::Result<void> finish(Tables& tables, Batch& batch) REQUIRES_LOCK(mutex_);
  void tell_address(const OwnAddress& one) REQUIRES_LOCK(mutex_);  // In canonical form.
  void use_addresses() REQUIRES_LOCK(mutex_);                      // What was told, from now on.
  core::Result<std::size_t> learn_addresses(std::span<const OwnAddress> told, std::vector<ledger::Incident>& changed);
  core::Result<void> link_again(Tables& tables, Batch& batch, const OwnAddress& one) REQUIRES_LOCK(mutex_);
  core::Result<void> add_address(Tables& tables, const OwnAddress& one);
  core::Result<void> flush_entities(Tables& tables, Work& work);
  core::Result<void> describe(Tables& tables, Work& work) REQUIRES_LOCK(mutex_);
  core::Result<void> rate(Tables& tables, ledger::Incident& row, const std::vector<ledger::RuleCount>& rules,
                          const std::vector<ledger::IncidentEntity>& entities) REQUIRES_LOCK(mutex_);
  static core::Result<bool> rule_holds(Tables& tables, const Conditions& when, const ledger::Incident& row, Facts& facts);
  [[nodiscard]] bool is_enabled(const AutoRule& rule) const REQUIRES_LOCK(mutex_);
  core::Result<void> follow_score(Tables& tables, ledger::Incident& row);
  core::Result<void> apply_rules(Tables& tables, Batch& batch, Work& work) REQUIRES_LOCK(mutex_);
  core::Result<bool> apply_rule(Tables& tables, Batch& batch, Work& work, const AutoRule& rule);
  core::Result<void> add_template_tasks(Tables& tables, Work& work);
  core::Result<void> note(Tables& tables, Number id, std::string_view by, const char* action, std::string text,
                          std::string detail = "");
  static std::string priority_detail(const std::string& from, const std::string& to);  // Of an entry of the history.
  static void count_entities(Work& work, const Finding& finding, std::int64_t sign);
  static void recount(ledger::Incident& row, const std::vector<ledger::RuleCount>& rules);
  static void widen(ledger::Incident& row, const Finding& finding);
  void keep_fold(const std::string& key, const Finding& finding) REQUIRES_LOCK(mutex_);
  void forget_old(Tables& tables) REQUIRES_LOCK(mutex_);
  Precision precision_locked(std::string_view tenant, std::string_view rule_id, std::uint8_t severity_id) const
      REQUIRES_LOCK(mutex_);

  ledger::Ledger& ledger_;
  const DeskOptions options_;
  const core::Clock& clock_;
  const Publish publish_;
  core::Counter &taken_, &joined_, &opened_, &merged_, &folded_, &failed_;
  core::Gauge& open_gauge_;

  mutable core::Mutex stats_mutex_;  // Taken within mutex_.
  Joiner::Stats stats_ GUARDED_BY(stats_mutex_);
  mutable core::Mutex mutex_;
  std::unique_ptr<Joiner> joiner_ GUARDED_BY(mutex_);              // Null: to be made of the ledger.
  std::unique_ptr<CountedPrevalence> counted_ GUARDED_BY(mutex_);  // Made again with the joiner.
  std::shared_ptr<const Prevalence> prevalence_ GUARDED_BY(mutex_);
  AddressOwners owners_ GUARDED_BY(mutex_);
  std::shared_ptr<const AutoRules> automatic_ GUARDED_BY(mutex_);
  std::map<std::string, bool> rule_states_ GUARDED_BY(mutex_);  // As people switched them.
  Number next_ GUARDED_BY(mutex_) = 1;
  DeskPosition position_ GUARDED_BY(mutex_);
  std::map<std::pair<std::string, std::string>, ledger::Decisions> decisions_ GUARDED_BY(mutex_);
  std::unordered_map<std::string, Fold> folds_ GUARDED_BY(mutex_);
  core::Timestamp newest_ GUARDED_BY(mutex_);  // Event time, but none beyond tomorrow.
  unsigned takes_ GUARDED_BY(mutex_) = 0;
};

}  // namespace tocsin::triage
