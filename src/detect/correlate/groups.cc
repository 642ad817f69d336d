// Groups and runs of the engine: made, ended, given out.
#include <algorithm>

#include "detect/correlate/engine.h"
#include "detect/correlate/reason.h"

namespace tocsin::detect::correlate {

Group& Engine::group_for(const std::string& key, std::uint32_t correlation, std::int64_t time) {
  const auto found = groups_.find(key);
  if (found != groups_.end()) {
    Group& group = found->second;
    group.touched = ++touches_;
    by_touch_.move_to_back(group);
    if (plan_of(group).timing == Timing::kRising) by_deadline_[correlation].move_to_back(group);
    return group;
  }
  if (groups_.size() >= options_.max_groups) {
    // A run in it is a finding all the same; a window that is not over says nothing yet.
    ++stats_.groups_evicted;
    Group& oldest = *by_touch_.front();
    close_run(oldest);
    remove_group(oldest);
  }
  const auto made = groups_.try_emplace(key).first;
  Group& group = made->second;
  group.key = &made->first;
  group.correlation = correlation;
  group.first = group.last = time;
  group.touched = ++touches_;
  by_touch_.push_back(group);
  by_deadline_[correlation].push_back(group);
  return group;
}

// Keeps the events of all groups within max_events; not at the cost of the group just fed.
void Engine::evict_for(const Group& newest) {
  while (event_total_ > options_.max_events && by_touch_.front() != &newest) {
    ++stats_.groups_evicted;
    Group& oldest = *by_touch_.front();
    close_run(oldest);
    remove_group(oldest);
  }
}

void Engine::remove_group(Group& group) {
  clear_window(group);
  by_touch_.remove(group);
  by_deadline_[group.correlation].remove(group);
  groups_.erase(groups_.find(*group.key));
}

// The window is over: nothing can join it any more.
void Engine::close_group(Group& group) {
  const CorrelationPlan& plan = plan_of(group);
  if (plan.timing == Timing::kClosing) {
    const double value = group.window.value(plan, group.first);
    if (all_hold(plan.caps, value)) {
      open_run(group);
      group.run->peak = value;
    }
  }
  close_run(group);
  remove_group(group);
}

void Engine::drop_front(Group& group) {
  const CorrelationPlan& plan = plan_of(group);
  do {
    texts_.release(group.window.entries()[0].file);
    texts_.release(group.window.entries()[0].host);
    group.window.pop(plan);
    --event_total_;
  } while (!group.window.entries().empty() && group.window.entries()[0].continued);
}

void Engine::clear_window(Group& group) {
  const Ring<Entry>& entries = group.window.entries();
  for (std::size_t i = 0; i < entries.size(); ++i) {
    texts_.release(entries[i].file);
    texts_.release(entries[i].host);
  }
  event_total_ -= entries.size();
  group.window.clear();
}

void Engine::extend_run(Run& run, std::uint32_t position, const Moment& moment) {
  run.last = moment.time;
  ++run.event_count;
  if (run.origins.size() < kMaxContributions) {
    ++event_total_;
    run.origins.push_back({moment.time, moment.record, texts_.add_use(moment.file), position});
  }
  if (moment.host != 0 && run.hosts.size() < kMaxFindingHosts &&
      std::find(run.hosts.begin(), run.hosts.end(), moment.host) == run.hosts.end()) {
    run.hosts.push_back(texts_.add_use(moment.host));
  }
}

void Engine::open_run(Group& group) {
  group.run = std::make_unique<Run>();
  Run& run = *group.run;
  run.id = ++runs_;
  const Ring<Entry>& entries = group.window.entries();
  run.first = entries[0].time;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const Entry& entry = entries[i];
    if (entry.continued) continue;
    extend_run(run, entry.position,
               {.time = entry.time, .order = entry.order, .record = entry.record, .file = entry.file, .host = entry.host});
  }
}

void Engine::close_run(Group& group) {
  if (!group.run) return;
  const CorrelationPlan& plan = plan_of(group);
  const Run& run = *group.run;
  if (all_hold(plan.caps, run.peak)) {
    ++stats_.findings;
    emit(group, run, false);
    if (!plan.caps.empty()) {
      const Entry& newest = group.window.entries().back();
      chain(group, true,
            {.time = clock_, .order = newest.order, .record = newest.record, .file = newest.file, .host = newest.host});
    }
  }
  for (const Origin& origin : run.origins) texts_.release(origin.file);
  event_total_ -= run.origins.size();
  for (const std::uint32_t host : run.hosts) texts_.release(host);
  group.run.reset();
}

void Engine::chain(const Group& group, bool opening, const Moment& moment) {
  if (plan_of(group).consumers.empty()) return;
  if (chained_.size() >= kMaxChainedPerEvent) {
    ++stats_.chained_dropped;
    return;
  }
  texts_.add_use(moment.file);
  texts_.add_use(moment.host);
  chained_.push_back({.moment = moment, .correlation = group.correlation, .opening = opening, .key = *group.key});
}

void Engine::emit(const Group& group, const Run& run, bool ongoing) {
  const sigma::CorrelationRule& rule = *plan_of(group).rule;
  CorrelationFinding finding;
  finding.correlation_index = group.correlation;
  finding.first.ns = run.first;
  finding.last.ns = run.last;
  std::vector<std::string> values = values_of_key(*group.key);
  for (std::size_t i = 0; i < values.size() && i < rule.group_by.size(); ++i) {
    finding.group.emplace_back(rule.group_by[i], std::move(values[i]));
  }
  finding.value = run.peak;
  finding.event_count = run.event_count;
  for (const Origin& origin : run.origins) {
    finding.events.push_back({.rule_index = rule.rules[origin.position],
                              .event_time = core::Timestamp{origin.time},
                              .file = std::string(texts_.text(origin.file)),
                              .record = origin.record});
  }
  for (const std::uint32_t host : run.hosts) finding.hosts.emplace_back(texts_.text(host));
  finding.run = run.id;
  finding.ongoing = ongoing;
  finding.update = run.announced;
  finding.reason = reason_of(plan_, finding);
  found_.push_back(std::move(finding));
}

}  // namespace tocsin::detect::correlate
