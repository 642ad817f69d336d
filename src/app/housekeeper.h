// What is done now and then beside the way of the logs: source states and silence, baselines, retention, the audit trail as
// a source. One thread, once a second.
#pragma once
#include <atomic>
#include <condition_variable>
#include <functional>
#include <thread>

#include "app/board.h"
#include "app/platform.h"
#include "app/settings.h"
#include "app/store_writer.h"
#include "core/clock.h"
#include "core/mutex.h"
#include "ledger/ledger.h"
#include "model/delivery.h"
#include "store/store.h"

namespace tocsin::app {

inline constexpr const char* kSilentRuleId = "tocsin.source-silent";

class Housekeeper {
 public:
  struct Parts {
    SourceBoard& board;
    StoreWriter& writer;
    store::Store& store;
    ledger::Ledger& ledger;
    Settings& settings;
    LiveHub& hub;
    model::Intake& intake;
    Processor& processor;
    const core::Clock& clock;
    std::string data_folder;
    std::function<void()> beat;  // Called each second while all is well: a watchdog's.
  };
  explicit Housekeeper(Parts parts);
  ~Housekeeper();
  core::Result<void> load();  // Baselines, and what was silent.
  void start();
  void stop();
  // One round, for tests.
  void round();

 private:
  void states();
  void silence(const SourceBoard::Change& change);
  void note_silence(const SourceBoard::Change& change);
  [[nodiscard]] bool is_stored(const std::string& finding_id) const;
  void save_baselines();
  void retain();
  // Since the start the clock went on by a day more or less than time did: ages cannot be told from it.
  bool clock_jumped();
  void feed_audit();

  Parts parts_;
  std::int64_t saved_hour_ = -1;
  std::int64_t audit_sent_ = -1;
  unsigned rounds_ = 0;
  const core::Timestamp began_;
  const std::chrono::nanoseconds began_steady_;
  bool clock_jumped_ = false;
  core::Mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace tocsin::app
