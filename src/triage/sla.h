// Service levels: until when an incident is to be acknowledged, contained and closed, and whether it was.
//
// Pure functions of the policy (content/triage/sla.yml), an incident's times and a moment; any thread. Clocks run from the
// opening of the incident, by its priority of now: who raises it shortens them. What is contained: the state says so, or it
// was closed. An incident that became part of another has no clocks of its own.
#pragma once
#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "core/time.h"
#include "core/time_zone.h"
#include "ledger/incidents.h"

namespace tocsin::triage {

inline constexpr std::size_t kSlaGoals = 3, kSlaPriorities = 4;
inline constexpr std::size_t kMaxHolidays = 1'000;
inline constexpr std::chrono::seconds kMaxSlaTarget{366 * 86'400};
enum class SlaGoal : std::uint8_t { kAcknowledge, kContain, kClose };
const char* to_string(SlaGoal goal);  // "acknowledge" ...

struct BusinessHours {
  core::TimeZone zone;
  std::array<bool, 7> days{};                      // From Sunday.
  std::int64_t from_second = 0, to_second = 0;     // Of the day, local.
  std::vector<std::int64_t> holidays;              // Days since 1970, sorted.
  [[nodiscard]] std::chrono::seconds day() const;  // Length of a working day.
};
struct SlaPolicy {
  struct Priority {
    bool business_hours = false;
    std::array<std::chrono::seconds, kSlaGoals> targets{};  // By SlaGoal; of business hours: working time.
  };
  BusinessHours hours;
  std::array<Priority, kSlaPriorities> priorities;  // p1 .. p4.
};

// The whole text of a sla.yml. An error says file, line, column and what was expected. `path` is for messages. Reads the
// zone that it names from the system.
core::Result<std::shared_ptr<const SlaPolicy>> read_sla_policy(std::string_view yaml, std::string_view path);

// The moment when so much working time has passed; kNoTime where there is not enough within some 30 years.
core::Timestamp add_business_time(const BusinessHours& hours, core::Timestamp from, std::chrono::seconds time);

struct SlaClock {
  enum class State : std::uint8_t { kRunning, kMet, kBreached } state = State::kRunning;
  SlaGoal goal = SlaGoal::kAcknowledge;
  std::chrono::seconds target{0};
  core::Timestamp due, done_at;  // done_at: kNoTime while it runs.
  bool business_hours = false;
};
const char* to_string(SlaClock::State state);
std::vector<SlaClock> sla_clocks(const SlaPolicy& policy, const ledger::Incident& incident, core::Timestamp now);

struct SlaSummary {
  core::Timestamp due;    // The next that is not over; kNoTime: none runs.
  bool breached = false;  // Any of them.
};
SlaSummary sla_summary(const SlaPolicy& policy, const ledger::Incident& incident, core::Timestamp now);

}  // namespace tocsin::triage
