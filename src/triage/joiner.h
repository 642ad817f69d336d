// Findings into incidents: those that share specific things within a time belong together, each join with its reason.
//
// Pure: no clock, no I/O; one thread. Two findings are linked where both carry one *link key* (a process instance of a tree,
// a logon session, a hash, a connection, a user on a host ...) within that kind's window. An incident is a connected part of
// that graph, so the order of arrival does not change which findings are together (but for the bounds below, which are
// counted). Which keys a finding carries depends on how common its rule and its entities are (Prevalence: a snapshot, the
// same for all findings until the next): a common rule links by causes (process tree, session) and rare things alone.
#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "core/time.h"
#include "model/incident.h"
#include "triage/finding.h"

namespace tocsin::triage {

// How common things are; a snapshot. Any thread.
class Prevalence {
 public:
  virtual ~Prevalence() = default;
  struct Count {
    std::uint32_t hosts = 0, findings = 0, days = 0;  // In the time looked at.
  };
  [[nodiscard]] virtual Count rule(std::string_view tenant, std::string_view rule_id) const = 0;
  // Of findings about that host alone; `host` a host's key or an address.
  [[nodiscard]] virtual Count rule_on(std::string_view tenant, std::string_view rule_id, std::string_view /*host*/) const {
    return rule(tenant, rule_id);
  }
  [[nodiscard]] virtual Count entity(std::string_view tenant, model::EntityKind kind, std::string_view key) const = 0;
  [[nodiscard]] virtual std::uint32_t host_count(std::string_view tenant) const = 0;
  // The host that an address belongs to, where that is known; else empty.
  [[nodiscard]] virtual std::string host_of(std::string_view /*tenant*/, std::string_view /*address*/) const { return {}; }
};

// Data of content/triage/joining.yml. Unknown keys and out-of-range values are refused with their place.
struct JoinPolicy;
core::Result<std::shared_ptr<const JoinPolicy>> read_join_policy(std::string_view yaml, std::string_view path);

using IncidentId = std::int64_t;

struct Join {
  IncidentId incident = 0;
  bool opened = false;                     // It is a new incident.
  std::vector<model::JoinReason> reasons;  // Strongest first; at least one.
  std::vector<IncidentId> merged;          // Incidents that became part of `incident` by this finding.
};

struct JoinerLimits {
  std::size_t max_keys = 4'000'000;      // Held, one for each finding that carries it; the oldest go first, counted.
  std::size_t max_incident_hosts = 200;  // From there on an incident takes findings by causes only.
  std::size_t max_incident_findings = 50'000;
};

class Joiner {
 public:
  // `next_id` gives ids of new incidents, rising.
  Joiner(std::shared_ptr<const JoinPolicy> policy, std::shared_ptr<const Prevalence> prevalence,
         std::function<IncidentId()> next_id, JoinerLimits limits = {});
  ~Joiner();
  Joiner(Joiner&&) noexcept;

  Join add(const Finding& finding);
  // For a finding that is in `incident`, where more is known of what it speaks of (whose an address is) than when it was
  // added: incidents that it links now become one. What was joined stays.
  Join again(const Finding& finding, IncidentId incident);
  // What a restart does for each finding of the ledger, in any order: the same keys, but the incident is given.
  void restore(const Finding& finding, IncidentId incident);
  void set_prevalence(std::shared_ptr<const Prevalence> prevalence);

  // By hand. Later findings respect it: two that were split are not merged by the engine again; a finding that fits both
  // goes to the nearer in time, then to the lower id.
  void merge(IncidentId into, IncidentId from);
  // A move says that the two are different: they are kept apart from then on (a restart has to say so again).
  void move(const Finding& finding, IncidentId from, IncidentId to);
  void keep_apart(IncidentId one, IncidentId other);
  // A closed incident takes no more findings: a later one that is linked to it opens a new incident, with that reason kept.
  void close(IncidentId incident);
  void reopen(IncidentId incident);

  // Keys whose window ended before `event_time` are dropped.
  void forget_before(core::Timestamp event_time);

  struct Stats {
    std::size_t keys = 0, incidents = 0;
    std::uint64_t joined = 0, opened = 0, merged = 0, forgotten_keys = 0, bounded_by_hosts = 0, kept_apart = 0;
  };
  [[nodiscard]] Stats stats() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tocsin::triage
