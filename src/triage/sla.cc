// Clocks of service levels, and time that counts working hours only.
//
// Working time is walked day by day: of each local working day the span from its opening to its closing hour, as instants,
// so that a day on which the clock changes is as long as it is. Example: 3h from Friday 17:00 with hours 8:00 to 18:00: one
// hour of Friday, then two of Monday: due Monday 10:00.
#include "triage/sla.h"

#include <algorithm>

namespace tocsin::triage {
namespace {

constexpr std::int64_t kSecondNs = 1'000'000'000;
constexpr int kMaxDaysWalked = 11'000;  // A year of targets at one working day in a week, and holidays.

std::size_t index_of(const std::string& priority) {
  if (priority == "p1") return 0;
  if (priority == "p2") return 1;
  if (priority == "p3") return 2;
  return 3;  // Also one that is not rated yet.
}

core::Timestamp done_at(const ledger::Incident& incident, SlaGoal goal) {
  switch (goal) {
    case SlaGoal::kAcknowledge: return incident.acknowledged_at.known() ? incident.acknowledged_at : incident.closed_at;
    case SlaGoal::kContain: return incident.contained_at.known() ? incident.contained_at : incident.closed_at;
    case SlaGoal::kClose: return incident.closed_at;
  }
  return core::kNoTime;
}

}  // namespace

const char* to_string(SlaGoal goal) {
  switch (goal) {
    case SlaGoal::kAcknowledge: return "acknowledge";
    case SlaGoal::kContain: return "contain";
    case SlaGoal::kClose: return "close";
  }
  return "";
}
const char* to_string(SlaClock::State state) {
  switch (state) {
    case SlaClock::State::kRunning: return "running";
    case SlaClock::State::kMet: return "met";
    case SlaClock::State::kBreached: return "breached";
  }
  return "";
}

std::chrono::seconds BusinessHours::day() const { return std::chrono::seconds(to_second - from_second); }

core::Timestamp add_business_time(const BusinessHours& hours, core::Timestamp from, std::chrono::seconds time) {
  if (!from.known()) return core::kNoTime;
  std::int64_t left = time.count() * kSecondNs;
  const core::CivilTime start = hours.zone.local(from);
  std::int64_t day = core::days_from_civil(start.year, start.month, start.day);
  for (int walked = 0; walked < kMaxDaysWalked; ++walked, ++day) {
    const auto weekday = static_cast<std::size_t>(((day % 7) + 7 + 4) % 7);
    if (!hours.days[weekday] || std::ranges::binary_search(hours.holidays, day)) continue;
    const core::CivilTime date = core::to_civil({day * 86'400 * kSecondNs});
    const core::Timestamp opens = hours.zone.at(date.year, date.month, date.day, hours.from_second);
    const core::Timestamp closes = hours.zone.at(date.year, date.month, date.day, hours.to_second);
    const std::int64_t begin = std::max(opens.ns, from.ns);
    if (begin >= closes.ns) continue;
    if (left <= closes.ns - begin) return {begin + left};
    left -= closes.ns - begin;
  }
  return core::kNoTime;
}

std::vector<SlaClock> sla_clocks(const SlaPolicy& policy, const ledger::Incident& incident, core::Timestamp now) {
  std::vector<SlaClock> out;
  if (incident.merged_into != 0 || !incident.created_at.known()) return out;
  const SlaPolicy::Priority& row = policy.priorities[index_of(incident.priority)];
  for (std::size_t i = 0; i < kSlaGoals; ++i) {
    SlaClock clock;
    clock.goal = static_cast<SlaGoal>(i);
    clock.target = row.targets[i];
    clock.business_hours = row.business_hours;
    clock.due = row.business_hours ? add_business_time(policy.hours, incident.created_at, clock.target)
                                   : core::Timestamp{incident.created_at.ns + clock.target.count() * kSecondNs};
    clock.done_at = done_at(incident, clock.goal);
    const core::Timestamp at = clock.done_at.known() ? clock.done_at : now;
    if (clock.due.known() && at > clock.due) {
      clock.state = SlaClock::State::kBreached;
    } else if (clock.done_at.known()) {
      clock.state = SlaClock::State::kMet;
    }
    out.push_back(clock);
  }
  return out;
}

SlaSummary sla_summary(const SlaPolicy& policy, const ledger::Incident& incident, core::Timestamp now) {
  SlaSummary out;
  for (const SlaClock& clock : sla_clocks(policy, incident, now)) {
    out.breached = out.breached || clock.state == SlaClock::State::kBreached;
    if (clock.state != SlaClock::State::kRunning || !clock.due.known()) continue;
    if (!out.due.known() || clock.due < out.due) out.due = clock.due;
  }
  return out;
}

}  // namespace tocsin::triage
