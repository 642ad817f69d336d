#include "app/pipeline/lanes.h"

#include <algorithm>
#include <utility>

#include "app/pipeline/state_bytes.h"
#include "core/log.h"

namespace tocsin::app {
namespace {

constexpr char kLaneMark = '\n';

std::string tenant_of(const std::string& lane) { return lane.substr(0, lane.find(kLaneMark)); }

}  // namespace

void JournalTime::entry(core::Timestamp received_at) {
  if (last_.known() && received_at.known()) {
    passed_ns_ += received_at.ns > last_.ns ? std::min(received_at.ns - last_.ns, max_gap_ns_)
                                            : -std::min(last_.ns - received_at.ns, max_gap_ns_);
  }
  last_ = received_at;
}

void JournalTime::tick(core::Timestamp received_at, std::chrono::nanoseconds missing) {
  constexpr std::chrono::nanoseconds kMost = std::chrono::hours(24 * 365);
  passed_ns_ += std::clamp(missing, std::chrono::nanoseconds(0), kMost).count();
  last_ = received_at;
}

core::Timestamp Lanes::Lane::time_at(std::int64_t passed_ns) const {
  return {newest.ns + std::max<std::int64_t>(0, passed_ns - newest_passed_ns)};
}

Lanes::Lanes(LaneOptions options, core::Metrics& metrics)
    : options_(std::move(options)),
      backlog_(metrics.counter("tocsin_backlog_matches_total",
                               "Matches older than what is live, correlated among those of their sender.")),
      time_(std::max<std::chrono::nanoseconds>(options_.lateness / 4, std::chrono::milliseconds(100))) {}

std::unique_ptr<detect::Correlator> Lanes::make(const std::string& name) const {
  detect::CorrelatorOptions options;
  options.lateness_ns = options_.lateness.count();
  if (tenant_of(name) == options_.recording_tenant)
    options.lateness_ns = std::max<std::int64_t>(options.lateness_ns, options_.recording_lateness.count());
  options.emit_on_first = true;
  options.hash_seed = options_.hash_seed;
  return std::make_unique<detect::Correlator>(*rules_, options);
}

void Lanes::adopt(const detect::RuleSet& rules) {
  std::map<std::string, std::string> states;
  for (auto& [name, held] : lanes_) {
    states[name] = held.correlator->save();
    held.correlator.reset();
  }
  rules_ = &rules;
  plan_ = make({});
  for (const auto& [name, state] : states) restore(name, state);
}

Lanes::Lane& Lanes::lane(const std::string& name) {
  Lane& place = lanes_[name];
  if (!place.correlator) place.correlator = make(name);
  return place;
}

// The tenant's own lane, or where the event is late there, that of its sender. A sender that goes back in time again begins
// anew: what it brought so far is finished.
Lanes::Lane& Lanes::lane_for(const std::string& tenant, const std::string& sender, core::Timestamp event_time,
                             std::vector<LaneFinding>& out) {
  Lane& live = lane(tenant);
  if (!(event_time < live.correlator->watermark())) return live;
  backlog_.add();
  const std::string name = tenant + kLaneMark + sender;
  Lane& own = lane(name);
  if (!(event_time < own.correlator->watermark())) return own;
  own.correlator->finish(found_);
  hand_over(name, out);
  own = {};
  return lane(name);
}

void Lanes::add(const std::string& tenant, const std::string& sender, detect::Occurrence occurrence, std::uint64_t sequence,
                std::vector<LaneFinding>& out) {
  Lane& held = lane_for(tenant, sender, occurrence.event_time, out);
  held.used = sequence;
  if (!held.newest.known() || !(occurrence.event_time < held.newest)) {
    held.newest = occurrence.event_time;
    held.newest_passed_ns = time_.passed_ns();
  }
  held.correlator->add(std::move(occurrence), found_);
  hand_over(tenant, out);
}

void Lanes::hand_over(const std::string& name, std::vector<LaneFinding>& out) {
  for (detect::CorrelationFinding& finding : found_) out.push_back({tenant_of(name), std::move(finding)});
  found_.clear();
}

bool Lanes::due(std::chrono::nanoseconds missing) const {
  return std::any_of(lanes_.begin(), lanes_.end(), [&](const auto& item) {
    const Lane& held = item.second;
    const core::Timestamp at = held.correlator->due();
    return at.known() && held.newest.known() && at <= held.time_at(time_.passed_ns() + missing.count());
  });
}

void Lanes::tick(core::Timestamp received_at, std::chrono::nanoseconds missing, std::vector<LaneFinding>& out) {
  time_.tick(received_at, missing);
  ticked_ = true;
  for (auto& [name, held] : lanes_) {
    if (!held.newest.known()) continue;
    held.correlator->advance(held.time_at(time_.passed_ns()), found_);
    hand_over(name, out);
  }
}

void Lanes::bound(std::vector<LaneFinding>& out) {
  if (!std::exchange(ticked_, false) && lanes_.size() <= kMaxSenderLanes) return;
  auto oldest = lanes_.end();
  std::size_t count = 0;
  for (auto at = lanes_.begin(); at != lanes_.end();) {
    const bool own = at->first.find(kLaneMark) != std::string::npos;
    if (own && !at->second.correlator->due().known()) {
      at = lanes_.erase(at);
      continue;
    }
    if (own && (++count == 1 || at->second.used < oldest->second.used)) oldest = at;
    ++at;
  }
  if (count <= kMaxSenderLanes) return;
  oldest->second.correlator->finish(found_);
  hand_over(oldest->first, out);
  lanes_.erase(oldest);
}

void Lanes::save(std::string& out) const {
  append_i64(time_.passed_ns_, out);
  append_i64(time_.last_.ns, out);
  append_u64(lanes_.size(), out);
  for (const auto& [name, held] : lanes_) {
    append_text(name, out);
    append_u64(held.used, out);
    append_i64(held.newest.ns, out);
    append_i64(held.newest_passed_ns, out);
    append_text(held.correlator->save(), out);
  }
}

bool Lanes::load(std::string_view& in) {
  std::uint64_t count = 0;
  if (!take_i64(in, time_.passed_ns_) || !take_i64(in, time_.last_.ns) || !take_u64(in, count)) return false;
  for (std::uint64_t i = 0; i < count; ++i) {
    std::string name, bytes;
    std::uint64_t used = 0;
    std::int64_t newest = 0, passed = 0;
    if (!take_text(in, name) || !take_u64(in, used) || !take_i64(in, newest) || !take_i64(in, passed) ||
        !take_text(in, bytes))
      return false;
    Lane& held = lane(name);
    held.used = used;
    held.newest.ns = newest;
    held.newest_passed_ns = passed;
    restore(name, bytes);
  }
  return true;
}

void Lanes::load_version_2(std::string_view in) {
  std::string name, bytes;
  std::uint64_t used = 0;
  std::int64_t newest = 0, received = 0;
  while (take_text(in, name) && take_u64(in, used) && take_i64(in, newest) && take_i64(in, received) &&
         take_text(in, bytes)) {
    Lane& held = lane(name);
    held.used = used;
    held.newest.ns = newest;
    restore(name, bytes);
  }
}

void Lanes::restore(const std::string& name, const std::string& state) {
  const auto restored = lane(name).correlator->restore(state);
  const std::string whose = "correlations of tenant " + tenant_of(name);
  if (!restored.ok()) {
    ++state_dropped_;
    core::log(core::LogLevel::kWarning, "detect", whose + " begin anew: " + restored.error().text);
    return;
  }
  state_dropped_ += restored->dropped_correlations;
  if (!restored->dropped_any()) return;
  core::log(core::LogLevel::kInfo, "detect",
            whose + " whose rules changed begin anew: " + std::to_string(restored->dropped_correlations) + " (" +
                std::to_string(restored->dropped_groups) +
                " groups); waiting matches of rules that are gone: " + std::to_string(restored->dropped_occurrences));
}

Lanes::Counts Lanes::counts() const {
  Counts out;
  for (const auto& [name, held] : lanes_) {
    const detect::CorrelatorStats& stats = held.correlator->stats();
    out.late += stats.late;
    out.evicted += stats.groups_evicted + stats.events_evicted + stats.released_early;
    out.without_time += stats.without_time;
  }
  out.state_dropped = state_dropped_;
  return out;
}

}  // namespace tocsin::app
