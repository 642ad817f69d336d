// The pipeline tests itself: on a schedule a marked event goes through each way in that can be tried, and the time until its
// finding is stored is measured. What does not come is an alarm (health, log, metric).
//
// The mark is a random token for each event, kept as its hash: nobody knows it before it is sent, and one finding claims it.
// Triage leaves such findings out (marks()), so that no incident and no measure has them; a finding with a made-up or a used
// token is as any other. The event is found by a rule of the program's own (kSelfTestRule).
//
// Any thread; one of its own. Tried are the ways that `ways` gives at each run.
#pragma once
#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "api/platform.h"
#include "api/self_test.h"
#include "core/clock.h"
#include "core/metrics.h"
#include "core/mutex.h"
#include "ledger/ledger.h"
#include "store/store.h"

namespace tocsin::app {

inline constexpr const char* kSelfTestSource = "self-test";  // Of the HTTP way; its tenant too.
inline constexpr const char* kSelfTestRuleId = "5e1f7e57-0000-4000-8000-70c51e57a10f";
inline constexpr std::string_view kSelfTestTokenPrefix = "tst_";
extern const char* const kSelfTestRulePath;
extern const char* const kSelfTestRule;  // YAML.

// One way in: sends a line of JSON, as a record of its source.
struct SelfTestWay {
  std::string source, kind;
  std::function<core::Result<void>(const std::string& line)> send;
};

// Sends `line` in a syslog message (RFC 5424) over TCP to "address:port"; an address of all interfaces is loopback.
core::Result<void> send_syslog_tcp(const std::string& where, const std::string& line, core::Timestamp now);

class SelfTest final : public api::SelfTester {
 public:
  struct Parts {
    ledger::Ledger& ledger;
    store::Store& store;
    const core::Clock& clock;
    core::Metrics& metrics;
    std::function<std::vector<SelfTestWay>()> ways;
    std::function<std::chrono::seconds()> every;  // 0: off.
    std::chrono::milliseconds patience{60'000};   // For the finding.
    std::chrono::seconds first{600};              // After the start: sources and a backlog come first.
  };
  explicit SelfTest(Parts parts);
  ~SelfTest() override { stop(); }

  void start();
  void stop();
  // One run, on this thread. For tests, without start().
  core::Result<void> run();
  // Whether the finding is of a self-test. Of any rule and document.
  core::Result<bool> marks(std::string_view rule_id, std::string_view finding_id, std::string_view document);
  [[nodiscard]] api::PartHealth health() const;

  [[nodiscard]] std::chrono::seconds every() const override { return parts_.every(); }
  core::Result<std::vector<ledger::SelfTest>> newest(std::int64_t limit) override;
  void run_soon() override;

 private:
  struct Sent {
    ledger::SelfTest row;
    std::string token;
    std::chrono::steady_clock::time_point at;
  };
  core::Result<Sent> send(const SelfTestWay& way);
  core::Result<std::string> find(const Sent& sent);  // The id of its finding; empty: not there.
  core::Result<void> finish(Sent& sent, const std::string& problem);
  bool rest(std::chrono::milliseconds time, bool until_asked);  // False: stopping.
  void loop();

  const Parts parts_;
  core::Counter &ok_, &missed_;
  core::Gauge& detect_;
  mutable core::Mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ GUARDED_BY(mutex_) = false, asked_ GUARDED_BY(mutex_) = false;
  std::string problem_ GUARDED_BY(mutex_), last_ GUARDED_BY(mutex_);
  std::shared_ptr<store::CancelToken> query_ GUARDED_BY(mutex_);
  std::thread thread_;
};

}  // namespace tocsin::app
