// Findings of the store to the desk, in order, behind the writer: one thread.
//
// It reads pages behind the position that the ledger keeps, woken as findings are written. A block of findings becomes
// visible part by part and a few findings have an earlier sequence than others before them: what the position has passed is
// looked at again for a while, by ids alone. A page that fails is tried again; one finding that the ledger refuses holds up
// no others.
#pragma once
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_set>
#include <vector>

#include "api/platform.h"
#include "app/config.h"
#include "core/clock.h"
#include "core/metrics.h"
#include "core/mutex.h"
#include "ledger/ledger.h"
#include "store/sql_text.h"
#include "store/store.h"
#include "triage/desk.h"
#include "triage/sla.h"

namespace tocsin::app {

inline constexpr std::size_t kTriagePage = 2'000;           // Findings of one transaction.
inline constexpr std::chrono::hours kTriageBegin{24 * 14};  // How far back the first start looks.

// With the policies of the content folder; empty: built in. `sla`: how incidents are shown in live events; null: without.
core::Result<std::unique_ptr<triage::Desk>> open_desk(ledger::Ledger& ledger, const std::string& content_folder,
                                                      const core::Clock& clock, core::Metrics& metrics,
                                                      std::function<void(const api::LiveEvent&)> publish,
                                                      const TriageConfig& config = {},
                                                      std::shared_ptr<const triage::SlaPolicy> sla = nullptr);
core::Result<std::shared_ptr<const triage::SlaPolicy>> load_sla_policy(const std::string& content_folder);
// The rules of automatic triage of the content folder (empty: built in), then those of the user's. What cannot be read is a
// problem among them.
core::Result<std::shared_ptr<const triage::AutoRules>> read_triage_rules(const std::string& content_folder,
                                                                         const std::string& user_folder);

class TriageRunner {
 public:
  // All outlive it.
  TriageRunner(store::Store& store, triage::Desk& desk, ledger::Ledger& ledger, const core::Clock& clock,
               core::Metrics& metrics);
  ~TriageRunner();
  TriageRunner(const TriageRunner&) = delete;
  TriageRunner& operator=(const TriageRunner&) = delete;

  // Findings that are in no incident: `leave_out` is asked for each, with its rule, id and document. Before start().
  using LeaveOut =
      std::function<core::Result<bool>(std::string_view rule_id, std::string_view id, std::string_view document)>;
  void leave_out(LeaveOut leave_out) { leave_out_ = std::move(leave_out); }
  void start();
  void stop();  // Ends a query under way.
  void wake();  // Any thread: there are new findings. Does not block.
  // One page. True: there may be more. For tests, without start().
  core::Result<bool> round();
  // Looks at what the position has passed. For tests, without start().
  core::Result<void> sweep();
  // Addresses that events since the last call say are their hosts' own; answers how many were news. For tests, without
  // start().
  core::Result<std::size_t> learn_addresses();
  [[nodiscard]] api::PartHealth health() const;

 private:
  using Finding = triage::Finding;
  struct Key {
    std::uint64_t sequence = 0;
    std::string id;
  };
  void run();
  bool rest(std::chrono::milliseconds time, bool until_woken);  // False: stopping.
  core::Result<void> begin();                                   // The first position.
  core::Result<std::vector<Key>> keys(const store::SqlText& where, std::size_t limit);
  struct Page {
    std::vector<Finding> findings;
    std::size_t left_out = 0;
  };
  core::Result<Page> findings(const store::SqlText& where);
  core::Result<store::QueryResult> ask(const std::string& sql, std::size_t rows);
  core::Result<void> take(const std::vector<Finding>& page, const triage::DeskPosition& after);
  core::Result<void> take_alone(const Finding& finding, const triage::DeskPosition& after);
  void remember(std::string_view id);
  [[nodiscard]] bool remembered(std::string_view id) const;

  store::Store& store_;
  triage::Desk& desk_;
  ledger::Ledger& ledger_;
  const core::Clock& clock_;
  core::Counter &late_, &refused_, &retries_, &addresses_;
  core::Gauge& lag_;
  LeaveOut leave_out_;
  // Of the thread.
  bool began_ = false;
  core::Timestamp swept_;
  std::uint64_t learned_to_ = 0;                       // An event id; 0: not begun.
  std::unordered_set<std::uint64_t> recent_, before_;  // Hashes of ids that are taken; two halves of a while.

  mutable core::Mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ GUARDED_BY(mutex_) = false, woken_ GUARDED_BY(mutex_) = false;
  std::string problem_ GUARDED_BY(mutex_);
  std::uint64_t taken_ GUARDED_BY(mutex_) = 0;
  std::shared_ptr<store::CancelToken> query_ GUARDED_BY(mutex_);
  std::thread thread_;
};

}  // namespace tocsin::app
