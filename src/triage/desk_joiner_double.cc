// Stands in for the joiner: findings that share a process are together.
#include <map>
#include <set>

#include "triage/joiner.h"

namespace tocsin::triage {
struct JoinPolicy {};
core::Result<std::shared_ptr<const JoinPolicy>> read_join_policy(std::string_view, std::string_view) {
  return std::shared_ptr<const JoinPolicy>(std::make_shared<JoinPolicy>());
}
struct Joiner::Impl {
  std::function<IncidentId()> next;
  std::map<std::string, std::pair<IncidentId, std::string>> keys;
  std::set<IncidentId> closed;
  Stats stats;
};
Joiner::Joiner(std::shared_ptr<const JoinPolicy>, std::shared_ptr<const Prevalence>, std::function<IncidentId()> next,
               JoinerLimits)
    : impl_(std::make_unique<Impl>()) {
  impl_->next = std::move(next);
}
Joiner::~Joiner() = default;
Joiner::Joiner(Joiner&&) noexcept = default;
Join Joiner::add(const Finding& f) {
  Join out;
  for (const auto& e : f.entities) {
    if (e.kind != model::EntityKind::kProcess) continue;
    const auto it = impl_->keys.find(f.tenant + e.key);
    if (it == impl_->keys.end()) continue;
    const IncidentId id = it->second.first;
    model::JoinReason r;
    r.kind = "process_tree";
    r.text = "same process " + e.key;
    r.entity = e;
    r.finding = it->second.second;
    out.reasons.push_back(r);
    if (impl_->closed.contains(id)) continue;
    if (out.incident == 0)
      out.incident = id;
    else if (out.incident != id) {
      out.merged.push_back(id);
      merge(out.incident, id);
    }
  }
  if (out.incident == 0) {
    out.incident = impl_->next();
    out.opened = true;
  }
  if (out.reasons.empty()) {
    model::JoinReason r;
    r.kind = "first";
    r.text = "first";
    out.reasons.push_back(r);
  }
  restore(f, out.incident);
  return out;
}
void Joiner::restore(const Finding& f, IncidentId id) {
  for (const auto& e : f.entities)
    if (e.kind == model::EntityKind::kProcess) impl_->keys[f.tenant + e.key] = {id, f.id};
}
void Joiner::set_prevalence(std::shared_ptr<const Prevalence>) {}
void Joiner::merge(IncidentId into, IncidentId from) {
  for (auto& [k, v] : impl_->keys)
    if (v.first == from) v.first = into;
}
void Joiner::move(const Finding& f, IncidentId, IncidentId to) { restore(f, to); }
void Joiner::keep_apart(IncidentId, IncidentId) {}
void Joiner::close(IncidentId id) { impl_->closed.insert(id); }
void Joiner::reopen(IncidentId id) { impl_->closed.erase(id); }
void Joiner::forget_before(core::Timestamp) {}
Joiner::Stats Joiner::stats() const { return {}; }
}  // namespace tocsin::triage
