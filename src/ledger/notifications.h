// Notifications: channels that they go to, the outbox of what is to be delivered, and how far the history was read for it.
//
// Used within a transaction of Ledger::write or read, as Tables is. An entry of the outbox is pending until it is sent or
// given up (dead); entries that are over are forgotten after a while, no others.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "ledger/incidents.h"
#include "ledger/ledger.h"

namespace tocsin::ledger {

inline constexpr std::int64_t kMaxChannels = 500;
inline constexpr std::int64_t kMaxPendingOfChannel = 5'000;      // More are not taken: kLimit.
inline constexpr std::size_t kMaxTargetBytes = 8 * 1024;         // All addresses of a channel, or its URL.
inline constexpr std::size_t kMaxNotificationBytes = 64 * 1024;  // All its texts at their longest, escaped.

struct NotifyChannel {
  std::int64_t id = 0;
  std::string name;  // Unique.
  std::string kind;  // "email", "webhook", "slack", "teams".
  bool enabled = true;
  std::string tenant;                // Empty: all that `created_by` sees.
  std::vector<std::string> targets;  // Addresses, or one URL.
  std::string secret_sealed;         // Empty: none.
  std::vector<std::string> events;
  std::string min_priority = "p4";
  std::string quiet;                  // JSON; empty: none.
  std::int64_t escalate_after_s = 0;  // 0: never.
  std::string created_by;
  core::Timestamp created_at, changed_at;
};

struct NotifyDelivery {
  std::int64_t id = 0, channel = 0;
  std::string channel_name, event;
  IncidentNumber incident = 0;
  std::string tenant, priority;
  std::string body;               // JSON of what is said; no secrets.
  std::string state = "pending";  // "sent", "dead".
  std::int64_t attempts = 0;
  core::Timestamp next_at;
  std::string problem;  // Of the last attempt.
  core::Timestamp created_at, sent_at;
};

class NotifyTables {
 public:
  // REQUIRES: used no longer than `tables`.
  explicit NotifyTables(Tables& tables);

  core::Result<std::int64_t> insert_channel(const NotifyChannel& channel);
  core::Result<void> update_channel(const NotifyChannel& channel);  // All but created_by and created_at. kNotFound.
  core::Result<bool> delete_channel(std::int64_t id);  // What is pending of it is dead. Its id is never given again.
  core::Result<std::optional<NotifyChannel>> channel(std::int64_t id);
  core::Result<std::vector<NotifyChannel>> channels();  // By name.

  core::Result<std::int64_t> insert_delivery(const NotifyDelivery& delivery);
  core::Result<void> update_delivery(const NotifyDelivery& delivery);  // state, attempts, next_at, problem, sent_at by id.
  core::Result<std::optional<NotifyDelivery>> delivery(std::int64_t id);
  // The one that has been due longest.
  core::Result<std::optional<NotifyDelivery>> next_due(core::Timestamp now);
  core::Result<void> wake_channel(std::int64_t channel, core::Timestamp now);  // What was not tried yet is due.
  struct Query {
    std::vector<std::string> tenants;  // Empty: all.
    std::string state;                 // Empty: any.
    std::int64_t limit = 100, offset = 0;
  };
  core::Result<std::vector<NotifyDelivery>> deliveries(const Query& query);  // Newest first.
  core::Result<std::int64_t> delivery_count(const Query& query);
  core::Result<std::int64_t> forget_deliveries(core::Timestamp before, std::int64_t limit);  // Sent or dead ones.

  // Entries of incidents' histories behind `after`, in the order in which they were written.
  core::Result<std::vector<IncidentHistory>> history_after(std::int64_t after, std::int64_t limit);
  core::Result<std::int64_t> last_history();
  core::Result<std::optional<std::int64_t>> position();
  core::Result<void> set_position(std::int64_t sequence);

  // What is told of an incident once. False: it was marked already.
  core::Result<bool> mark(IncidentNumber incident, std::string_view mark, core::Timestamp at);

 private:
  Connection& connection();
  Tables& tables_;
};

}  // namespace tocsin::ledger
