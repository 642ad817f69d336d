// What the API asks, answered by the parts of the running program.
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "api/platform.h"
#include "app/board.h"
#include "app/processor.h"
#include "app/rule_manager.h"
#include "app/settings.h"
#include "app/source_manager.h"
#include "app/store_writer.h"
#include "app/triage_runner.h"
#include "core/mutex.h"
#include "notify/service.h"
#include "store/store.h"
#include "stream/journal.h"

namespace tocsin::app {

// Hands live events to whoever subscribed. Any thread; must outlive the handles' use of it, not the handles.
class LiveHub {
 public:
  std::shared_ptr<void> subscribe(std::function<void(const api::LiveEvent&)> take);
  void publish(const api::LiveEvent& event) const;

 private:
  struct State {
    mutable core::Mutex mutex;
    std::map<std::uint64_t, std::shared_ptr<std::function<void(const api::LiveEvent&)>>> takers GUARDED_BY(mutex);
    std::uint64_t next GUARDED_BY(mutex) = 0;
  };
  std::shared_ptr<State> state_ = std::make_shared<State>();
};

class LivePlatform final : public api::Platform {
 public:
  struct Parts {
    SourceBoard& board;
    SourceManager& sources;
    RuleManager& rules;
    Processor& processor;
    StoreWriter& writer;
    stream::Journal& journal;
    store::Store& store;
    TriageRunner& triage;
    notify::Service& notify;
    Settings& settings;
    model::Intake& intake;
    LiveHub& hub;
    const core::Clock& clock;
    std::vector<std::pair<std::string, std::string>> certificates;  // Name, path.
    std::function<core::Result<void>()> reload_api_certificate;
    std::function<core::Result<Backup>(std::string_view name)> make_backup;
    std::function<api::PartHealth()> self_test_health;
  };
  explicit LivePlatform(Parts parts) : parts_(std::move(parts)) {}

  [[nodiscard]] std::vector<api::SourceStatus> sources() const override;
  core::Result<api::SourceStatus> add_source(const api::SourceChange& source, core::Secret& token) override;
  core::Result<api::SourceStatus> change_source(std::string_view name, const api::SourcePatch& patch) override;
  core::Result<core::Secret> new_source_token(std::string_view name) override;
  core::Result<void> remove_source(std::string_view name) override;

  [[nodiscard]] std::vector<api::RuleStatus> rules() const override;
  [[nodiscard]] std::optional<api::RuleDetail> rule(std::string_view id) const override;
  [[nodiscard]] std::vector<api::RefusedRule> refused_rules() const override;
  core::Result<void> set_rule_mode(const std::vector<std::string>& ids, ledger::RuleMode mode, std::string_view by) override;
  core::Result<Reload> reload_rules() override;
  core::Result<std::string> save_rule(std::string_view name, std::string_view text) override;
  core::Result<void> remove_rule(std::string_view id) override;
  core::Result<api::RuleTestResult> test_rule(const api::RuleTestRequest& request) override;

  core::Result<Rerun> rerun_dead_letters(std::string_view source, std::string_view cause) override;
  [[nodiscard]] std::string ocsf_event(std::string_view format, std::string_view raw) const override;

  [[nodiscard]] std::vector<api::PartHealth> health() const override;
  [[nodiscard]] std::vector<api::Loss> losses() const override;
  [[nodiscard]] api::Rates rates() const override;
  [[nodiscard]] std::vector<api::Certificate> certificates() const override;
  core::Result<void> reload_certificates() override;
  core::Result<Backup> backup(std::string_view name) override { return parts_.make_backup(name); }
  [[nodiscard]] std::vector<api::SettingView> settings() const override;
  core::Result<void> set_setting(std::string_view key, std::string_view value, std::string_view by) override;

  std::shared_ptr<void> subscribe(std::function<void(const api::LiveEvent&)> take) override;

 private:
  const Parts parts_;
};

}  // namespace tocsin::app
