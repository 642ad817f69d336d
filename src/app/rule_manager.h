// Loads, reloads and changes rules while they run; answers what the API shows of them; tries rules on what is stored.
//
// Any thread. Changes go one after the other.
#pragma once
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "api/platform.h"
#include "app/board.h"
#include "app/config.h"
#include "app/detection.h"
#include "core/clock.h"
#include "core/mutex.h"
#include "ledger/ledger.h"
#include "store/store.h"

namespace tocsin::app {

class RuleManager {
 public:
  // `content_folder`: of the project's content; empty: what is built in. All outlive it.
  static core::Result<std::unique_ptr<RuleManager>> open(const RulesConfig& config, const std::string& content_folder,
                                                         ledger::Ledger& ledger, const core::Clock& clock);

  [[nodiscard]] std::shared_ptr<const Detection> detection() const;
  [[nodiscard]] const DetectionContent& content() const { return content_; }
  // Called with each new set, first of all by this call itself.
  void on_change(std::function<void(std::shared_ptr<const Detection>)> take);

  core::Result<api::Platform::Reload> reload();  // Reads folders and states again.
  core::Result<void> set_mode(const std::vector<std::string>& ids, ledger::RuleMode mode, std::string_view by);
  core::Result<std::string> save(std::string_view name, std::string_view text);
  core::Result<void> remove(std::string_view id);
  // All that are in force; the same way a changed rule takes: a new set, from the next delivery on, without a gap.
  core::Result<void> set_suppressions(SuppressionMaker suppressions);

  [[nodiscard]] std::vector<api::RuleStatus> rules(const SourceBoard& board) const;
  [[nodiscard]] std::optional<api::RuleDetail> rule(std::string_view id, const SourceBoard& board) const;
  [[nodiscard]] std::vector<api::RefusedRule> refused() const;
  core::Result<api::RuleTestResult> test(const api::RuleTestRequest& request, store::Store& store) const;

 private:
  RuleManager(RulesConfig config, ledger::Ledger& ledger, const core::Clock& clock)
      : config_(std::move(config)), ledger_(ledger), clock_(clock) {}
  core::Result<void> read_folders();
  core::Result<void> build();
  [[nodiscard]] api::RuleStatus status(const Detection& detection, std::size_t index) const;

  const RulesConfig config_;
  ledger::Ledger& ledger_;
  const core::Clock& clock_;
  DetectionContent content_;
  std::set<std::string> tested_;  // Paths of the content's rules that have a sample to fire on.
  RuleCounts counts_;
  core::Mutex change_mutex_;  // Held over a whole change.
  RuleSources sources_ GUARDED_BY(change_mutex_);
  SuppressionMaker suppressions_ GUARDED_BY(change_mutex_);
  std::uint64_t number_ GUARDED_BY(change_mutex_) = 0;
  mutable core::Mutex mutex_;
  std::shared_ptr<const Detection> detection_ GUARDED_BY(mutex_);
  std::vector<std::function<void(std::shared_ptr<const Detection>)>> takers_ GUARDED_BY(mutex_);
  std::map<std::string, std::string> texts_ GUARDED_BY(mutex_);  // Of rule files, by path.
};

}  // namespace tocsin::app
