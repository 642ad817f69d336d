// Suppressions over ledger, rules and store: drafts, previews, and those that are in force, given to the live engine.
//
// Any thread; changes go one after the other. A suppression counts for what arrives from its making to its expiry, by the
// time of arrival: at expiry nothing has to happen, and what is read again after a crash is judged as it was.
#pragma once
#include <map>
#include <memory>

#include "api/suppressions.h"
#include "app/rule_manager.h"
#include "core/clock.h"
#include "core/mutex.h"
#include "ledger/ledger.h"
#include "store/store.h"

namespace tocsin::app {

class LiveSuppressions final : public api::Suppressions {
 public:
  // All outlive it. Gives the rules those that are in force.
  static core::Result<std::unique_ptr<LiveSuppressions>> open(RuleManager& rules, ledger::Ledger& ledger,
                                                              store::Store& store, const core::Clock& clock);

  core::Result<api::SuppressionDraft> draft(std::string_view finding, const std::vector<std::string>& tenants,
                                            std::string_view by) override;
  core::Result<api::SuppressionPreview> preview(const api::SuppressionFilterText& filter,
                                                const std::vector<std::string>& tenants, int days) override;
  core::Result<ledger::Suppression> add(const api::NewSuppression& suppression, std::string_view by) override;
  core::Result<ledger::Suppression> change(ledger::SuppressionId id, const api::SuppressionPatch& patch,
                                           std::string_view by) override;
  core::Result<ledger::Suppression> end(ledger::SuppressionId id, std::string_view by) override;
  [[nodiscard]] Count count(ledger::SuppressionId id) const override;

 private:
  LiveSuppressions(RuleManager& rules, ledger::Ledger& ledger, store::Store& store, const core::Clock& clock)
      : rules_(rules), ledger_(ledger), store_(store), clock_(clock) {}
  core::Result<void> give_rules();
  LiveSuppressionList made(const std::vector<ledger::Suppression>& rows, const Detection& detection);
  core::Result<std::string> yaml_of(const api::SuppressionFilterText& filter, const Detection& detection) const;
  core::Result<void> find_verdicts(api::SuppressionPreview& preview, std::vector<api::SuppressionPreview::Finding>& found);
  using Edit = std::function<core::Result<void>(ledger::Suppression&)>;
  core::Result<ledger::Suppression> edit(ledger::SuppressionId id, std::string_view by, const Edit& edit);

  RuleManager& rules_;
  ledger::Ledger& ledger_;
  store::Store& store_;
  const core::Clock& clock_;
  core::Mutex change_mutex_;  // Held over a change and until the rules have it.
  mutable core::Mutex mutex_;
  std::map<ledger::SuppressionId, std::shared_ptr<SuppressionCount>> counts_ GUARDED_BY(mutex_);
};

}  // namespace tocsin::app
