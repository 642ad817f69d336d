// Notifications: what of the incidents' histories is told to whom, and its delivery.
//
// Any thread. One thread plans: it reads the history behind a saved position and writes the outbox in the transaction that
// moves it, so that a crash neither loses a notification nor makes two. Others (`workers`) deliver; an attempt is counted
// and its successor dated before it begins, so that a crash between delivery and mark repeats it once, with the same id.
// Failures wait longer each time; after kMaxAttempts, or where trying again will not help, the entry is dead until somebody
// retries it. Nothing here holds up those who change incidents.
#pragma once
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_set>
#include <utility>
#include <vector>

#include "core/clock.h"
#include "core/metrics.h"
#include "core/mutex.h"
#include "core/result.h"
#include "core/secret.h"
#include "ledger/ledger.h"
#include "ledger/notifications.h"
#include "notify/message.h"
#include "notify/transport.h"

namespace tocsin::notify {

inline constexpr std::int64_t kMaxAttempts = 12;  // With the waits between them some five hours.
inline constexpr std::chrono::seconds kFirstWait{30}, kMaxWait{3'600};
inline constexpr std::size_t kMaxAddresses = 50;  // Of a channel.
inline constexpr std::int64_t kPlanPage = 500;    // Entries of the history in one transaction.
inline constexpr std::size_t kMaxMentions = 20;   // Of one comment.
inline constexpr std::int64_t kMaxEscalateS = 604'800, kMinEscalateS = 60;
inline constexpr std::chrono::hours kKeepDeliveries{24 * 30};
inline constexpr const char* kEvents[] = {"opened", "raised", "assigned", "mentioned", "sla", "escalated", "closed"};

// What follows an @ in a text and may be a user's name, in small letters; bounded.
std::vector<std::string> mentions_in(std::string_view text);

// A clock that is over, of an incident: told once for each name.
struct Breach {
  std::string name;  // "acknowledge" ...
  std::string text;  // One sentence.
};

struct ServiceOptions {
  TransportOptions transport;
  std::string console_url;  // Without a slash at its end.
  unsigned workers = 4;     // Deliveries at once.
  std::function<std::string(std::string_view)> seal;
  std::function<std::optional<core::Secret>(std::string_view)> unseal;
  std::function<std::vector<Breach>(const ledger::Incident&, core::Timestamp now)> breaches;  // May be empty.
};

// A channel as somebody asks for it.
struct ChannelInput {
  ledger::NotifyChannel channel;       // id, secret, created and changed are not looked at.
  std::optional<core::Secret> secret;  // Not set: stays. Empty: none.
};

class Service {
 public:
  // `ledger`, `clock` and `metrics` must outlive it.
  Service(ledger::Ledger& ledger, const core::Clock& clock, core::Metrics& metrics, ServiceOptions options);
  ~Service();
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;
  void start();
  void stop();  // Deliveries under way are ended, and come again.
  void wake();  // Any thread: something was changed. Does not block.

  // kInvalid: "field: what was expected".
  core::Result<ledger::NotifyChannel> add(ChannelInput input, std::string_view by);
  core::Result<ledger::NotifyChannel> change(std::int64_t id, ChannelInput input);
  core::Result<bool> remove(std::int64_t id);
  core::Result<Outcome> test(std::int64_t id, std::string_view by);   // Up to kDeliveryTime. kLimit: one is under way.
  core::Result<ledger::NotifyDelivery> retry(std::int64_t delivery);  // kInvalid: it is not dead.

  // What the threads do, one step; for tests, without start().
  core::Result<std::size_t> plan();   // How many entries of the history were looked at.
  core::Result<void> check_clocks();  // Service levels and escalation, of all open incidents.
  core::Result<bool> deliver_one();   // False: nothing is due.
  core::Result<void> forget_old();

  struct Health {
    std::string problem;  // Of the planning; empty: well.
    std::int64_t pending = 0, dead = 0;
    std::string last_failure;  // Of a delivery.
  };
  [[nodiscard]] Health health();

 private:
  struct Plan;
  core::Result<void> check(ChannelInput& input) const;
  core::Result<void> plan_entry(Plan& plan, const ledger::IncidentHistory& entry);
  core::Result<void> tell(Plan& plan, const ledger::NotifyChannel& channel, const Notification& what);
  core::Result<void> escalate(const ledger::Incident& incident, const std::vector<ledger::NotifyChannel>& channels);
  core::Result<void> note_breach(const ledger::Incident& incident, const Breach& breach);
  struct Claim {
    ledger::NotifyDelivery delivery;
    ledger::NotifyChannel channel;
  };
  core::Result<std::optional<Claim>> claim();
  core::Result<void> settle(const ledger::NotifyDelivery& claimed, const Outcome& outcome);
  static core::Result<void> check_name(ledger::NotifyTables& tables, const ledger::NotifyChannel& channel);
  Outcome deliver(const ledger::NotifyChannel& channel, const Notification& what);
  core::Timestamp next_try(std::int64_t attempts);
  core::Result<void> count_waiting();
  void plan_forever();
  void deliver_forever();
  bool rest(std::condition_variable& condition, std::chrono::milliseconds time, bool until_woken);
  void wake_workers();

  ledger::Ledger& ledger_;
  const core::Clock& clock_;
  std::atomic<bool> stopping_ = false, testing_ = false;
  const Transport transport_;
  const ServiceOptions options_;  // But the transport's.
  core::Counter &sent_, &failed_, &dead_, &dropped_;
  core::Gauge& pending_;

  core::Mutex mutex_;
  std::condition_variable changed_, due_;
  bool woken_ GUARDED_BY(mutex_) = false;
  std::string problem_ GUARDED_BY(mutex_), last_failure_ GUARDED_BY(mutex_);
  std::mt19937_64 random_ GUARDED_BY(mutex_);
  // Of the planning thread: what was marked already.
  std::unordered_set<std::string> marked_;
  std::vector<std::thread> threads_;
};

}  // namespace tocsin::notify
