// Incidents as connected parts of a graph that is never built.
//
// For each key (tenant, kind, thing) the points in time are kept, sorted, at which a finding carried it. Two findings are
// linked where they carry one key within its window W. A new finding at t therefore looks to the next point on the left and
// on the right: where those are within W, it belongs to their incidents, and incidents become one. That is enough: all
// points within W on one side of t are within W of each other, so they are in one incident already. Only where people have
// pulled incidents apart or closed them can there be several; then a bounded number of points on each side is looked at.
//
//   W = 10 min, key "session ws-042|0x5a3f1":   09:12 INC-1   09:14 INC-1        10:02 INC-2
//   a late finding of 09:20 joins INC-1 (6 min from 09:14); 10:02 is 42 min away. Had there been one of 09:53 and this one
//   had come at 09:23, it would not either: nothing within 10 min.
//
// A hub makes long dense runs of points. Inner points of a run (their neighbours no further apart than W / 16, of one
// incident) say nothing that their neighbours do not: they are dropped as a run grows, so a key holds few points for each W
// of time, and adding one is cheap. What is lost is which finding exactly was the nearest, by at most W / 16.
#include "triage/joiner.h"

#include <algorithm>
#include <limits>
#include <map>
#include <unordered_map>
#include <unordered_set>

#include "triage/joiner_keys.h"
#include "triage/joiner_reasons.h"

namespace tocsin::triage {
namespace {

constexpr std::size_t kScannedPoints = 32;  // On each side, of one key.
constexpr std::size_t kFirstThinning = 32;  // Points of one key.
constexpr std::int64_t kNamesIn = 16;       // A dropped point has another one within W / kNamesIn.
constexpr std::int64_t kHourNs = 3'600'000'000'000;
constexpr std::int64_t kFurthestNs = 4'000'000'000'000'000'000;  // So that the difference of two times is a number.
constexpr std::size_t kMaxApart = 1'000;                         // Of one incident.

struct KeyHasher {
  std::size_t operator()(const KeyHash& key) const { return key.low; }
};

struct Point {
  std::int64_t time = 0;
  std::uint32_t slot = 0;
};

// Of one key.
struct Track {
  std::vector<Point> points;  // By time.
  std::int64_t bucket = std::numeric_limits<std::int64_t>::min();
  std::uint32_t thin_at = kFirstThinning;
  LinkKind kind = LinkKind::kHost;
};

// A finding as long as a point names it.
struct Slot {
  std::string id;
  IncidentId incident = 0;
  std::uint32_t points = 0;
};

struct Incident {
  IncidentId parent = 0;  // Itself, or the one it became part of.
  bool closed = false;
  std::uint64_t findings = 0;
  std::vector<std::uint64_t> hosts;  // Sorted hashes, at most one more than the limit.
  std::vector<IncidentId> apart;     // By hand.
};

struct Hit {
  std::size_t key = 0;  // Of the finding's link keys.
  IncidentId root = 0;
  std::uint32_t slot = 0;
  std::int64_t gap = 0;
};

struct Candidate {
  IncidentId root = 0;
  std::int64_t gap = 0;
  bool cause = false;
};

std::int64_t clamped(core::Timestamp time) { return std::clamp(time.ns, -kFurthestNs, kFurthestNs); }

class NothingKnown final : public Prevalence {
 public:
  [[nodiscard]] Count rule(std::string_view, std::string_view) const override { return {}; }
  [[nodiscard]] Count entity(std::string_view, model::EntityKind, std::string_view) const override { return {}; }
  [[nodiscard]] std::uint32_t host_count(std::string_view) const override { return 0; }
};

}  // namespace

struct Joiner::Impl {
  std::shared_ptr<const JoinPolicy> policy;
  std::shared_ptr<const Prevalence> prevalence;
  std::function<IncidentId()> next_id;
  JoinerLimits limits;
  Stats stats;
  std::unordered_map<KeyHash, Track, KeyHasher> tracks;
  std::map<std::int64_t, std::vector<KeyHash>> buckets;  // Keys by the hour in which a point of theirs ends.
  std::vector<Slot> slots;
  std::vector<std::uint32_t> free_slots;
  std::unordered_map<IncidentId, Incident> incidents;
  std::size_t roots = 0, swept_at = 1'024;

  Incident& incident(IncidentId id) {
    const auto [at, fresh] = incidents.try_emplace(id);
    if (fresh) {
      at->second.parent = id;
      ++roots;
    }
    return at->second;
  }

  IncidentId find(IncidentId id) {
    while (true) {
      Incident& here = incident(id);
      if (here.parent == id) return id;
      here.parent = incident(here.parent).parent;  // Halves the path.
      id = here.parent;
    }
  }

  bool are_apart(IncidentId one, IncidentId other) {
    const Incident& a = incidents.at(one);
    const Incident& b = incidents.at(other);
    const bool first = a.apart.size() <= b.apart.size();
    const std::vector<IncidentId> list = first ? a.apart : b.apart;  // A copy: find() may add incidents.
    return std::any_of(list.begin(), list.end(), [&](IncidentId id) { return find(id) == (first ? other : one); });
  }

  void add_host(Incident& to, std::uint64_t host) const {
    if (to.hosts.size() > limits.max_incident_hosts) return;
    const auto at = std::lower_bound(to.hosts.begin(), to.hosts.end(), host);
    if (at == to.hosts.end() || *at != host) to.hosts.insert(at, host);
  }

  // REQUIRES: both are roots and differ.
  void unite(IncidentId into, IncidentId from) {
    Incident& to = incidents.at(into);
    Incident& gone = incidents.at(from);
    gone.parent = into;
    --roots;
    to.findings += gone.findings;
    for (const std::uint64_t host : gone.hosts) add_host(to, host);
    to.apart.insert(to.apart.end(), gone.apart.begin(), gone.apart.end());
    gone.hosts = {};
    gone.apart = {};
  }

  void look_at(const std::vector<Point>& points, std::size_t index, std::int64_t gap, std::size_t key,
               std::vector<Hit>& out) {
    Slot& slot = slots[points[index].slot];
    slot.incident = find(slot.incident);
    for (Hit& hit : out) {
      if (hit.key != key || hit.root != slot.incident) continue;
      if (gap < hit.gap) hit = {key, slot.incident, points[index].slot, gap};
      return;
    }
    out.push_back({key, slot.incident, points[index].slot, gap});
  }

  void look(const LinkKey& key, std::size_t key_index, std::int64_t time, std::vector<Hit>& out) {
    const auto found = tracks.find(key.hash);
    if (found == tracks.end()) return;
    const std::vector<Point>& points = found->second.points;
    const std::int64_t window = policy->kind(key.kind).window_ns;
    const auto right = static_cast<std::size_t>(
        std::lower_bound(points.begin(), points.end(), time, [](const Point& p, std::int64_t t) { return p.time < t; }) -
        points.begin());
    for (std::size_t i = right, seen = 0; i < points.size() && points[i].time - time <= window && seen < kScannedPoints;
         ++i, ++seen)
      look_at(points, i, points[i].time - time, key_index, out);
    for (std::size_t i = right, seen = 0; i > 0 && time - points[i - 1].time <= window && seen < kScannedPoints; --i, ++seen)
      look_at(points, i - 1, time - points[i - 1].time, key_index, out);
  }

  void release(std::uint32_t slot) {
    --stats.keys;
    if (--slots[slot].points > 0) return;
    slots[slot] = {};
    free_slots.push_back(slot);
  }

  void thin(Track& track) {
    const std::int64_t least = policy->kind(track.kind).window_ns / kNamesIn;
    std::vector<Point>& points = track.points;
    std::size_t kept = 1;
    for (std::size_t i = 1; i < points.size(); ++i) {
      const bool inner = i + 1 < points.size() && points[i + 1].time - points[kept - 1].time <= least &&
                         find(slots[points[i].slot].incident) == find(slots[points[kept - 1].slot].incident) &&
                         find(slots[points[i].slot].incident) == find(slots[points[i + 1].slot].incident);
      if (inner)
        release(points[i].slot);
      else
        points[kept++] = points[i];
    }
    points.resize(kept);
    track.thin_at = static_cast<std::uint32_t>(std::max(kFirstThinning, 2 * kept));
  }

  void put(const LinkKey& key, std::int64_t time, std::uint32_t slot) {
    Track& track = tracks[key.hash];
    track.kind = key.kind;
    const auto at = std::upper_bound(track.points.begin(), track.points.end(), time,
                                     [](std::int64_t t, const Point& p) { return t < p.time; });
    track.points.insert(at, {time, slot});
    ++slots[slot].points;
    ++stats.keys;
    const std::int64_t bucket = (time + policy->kind(key.kind).window_ns) / kHourNs;
    if (bucket != track.bucket) {
      track.bucket = bucket;
      buckets[bucket].push_back(key.hash);
    }
    if (track.points.size() >= track.thin_at) thin(track);
  }

  void remember(const Finding& finding, const std::vector<LinkKey>& keys, IncidentId id) {
    Incident& to = incident(id);
    ++to.findings;
    for (const std::uint64_t host : host_hashes(finding)) add_host(to, host);
    if (keys.empty()) return;
    std::uint32_t slot = 0;
    if (free_slots.empty()) {
      slot = static_cast<std::uint32_t>(slots.size());
      slots.emplace_back();
    } else {
      slot = free_slots.back();
      free_slots.pop_back();
    }
    slots[slot] = {finding.id, id, 1};  // One is held here while points are put and thinned.
    ++stats.keys;
    for (const LinkKey& key : keys) put(key, clamped(finding.event_time), slot);
    release(slot);
    while (stats.keys > limits.max_keys && !buckets.empty()) stats.forgotten_keys += drop_bucket();
  }

  // Drops all points that end in the earliest hour, or before. Answers how many.
  std::uint64_t drop_bucket() {
    const auto first = buckets.begin();
    const std::int64_t hour = first->first;
    const std::vector<KeyHash> keys = std::move(first->second);
    buckets.erase(first);
    const std::size_t before = stats.keys;
    for (const KeyHash& key : keys) {
      const auto found = tracks.find(key);
      if (found == tracks.end()) continue;
      Track& track = found->second;
      const std::int64_t window = policy->kind(track.kind).window_ns;
      std::size_t gone = 0;
      while (gone < track.points.size() && (track.points[gone].time + window) / kHourNs <= hour)
        release(track.points[gone++].slot);
      track.points.erase(track.points.begin(), track.points.begin() + static_cast<std::ptrdiff_t>(gone));
      if (track.points.empty()) tracks.erase(found);
    }
    if (incidents.size() > swept_at) sweep();
    return before - stats.keys;
  }

  // Forgets incidents that no finding held here belongs to: nothing can be linked to them any more.
  void sweep() {
    std::unordered_set<IncidentId> used;
    for (Slot& slot : slots) {
      if (slot.points == 0) continue;
      slot.incident = find(slot.incident);
      used.insert(slot.incident);
    }
    std::erase_if(incidents, [&](const auto& one) { return !used.contains(one.first); });
    roots = incidents.size();
    // Their names in lists of others mean nothing now, and must not bring them back.
    for (auto& [id, one] : incidents) std::erase_if(one.apart, [&](IncidentId other) { return !used.contains(other); });
    swept_at = std::max<std::size_t>(1'024, 2 * incidents.size());
  }

  bool is_full(IncidentId id) const {
    const Incident& one = incidents.at(id);
    return one.hosts.size() >= limits.max_incident_hosts || one.findings >= limits.max_incident_findings;
  }
  bool are_too_large(IncidentId a, IncidentId b) const {
    const Incident& one = incidents.at(a);
    const Incident& other = incidents.at(b);
    return one.hosts.size() + other.hosts.size() > limits.max_incident_hosts ||
           one.findings + other.findings > limits.max_incident_findings;
  }

  std::vector<Candidate> candidates(const std::vector<LinkKey>& keys, const std::vector<Hit>& hits) const {
    std::vector<Candidate> out;
    for (const Hit& hit : hits) {
      const bool cause = is_cause(keys[hit.key].kind);
      const auto same = std::find_if(out.begin(), out.end(), [&](const Candidate& one) { return one.root == hit.root; });
      if (same == out.end()) {
        out.push_back({hit.root, hit.gap, cause});
      } else {
        same->gap = std::min(same->gap, hit.gap);
        same->cause = same->cause || cause;
      }
    }
    std::sort(out.begin(), out.end(),
              [](const Candidate& a, const Candidate& b) { return std::tie(a.gap, a.root) < std::tie(b.gap, b.root); });
    return out;
  }

  // The incident that takes the finding (0: a new one) after uniting all that it links.
  IncidentId choose(const std::vector<Candidate>& from, std::vector<IncidentId>& joined) {
    IncidentId chosen = 0;
    bool by_cause = false;
    for (const Candidate& one : from) {
      if (incidents.at(one.root).closed) continue;
      if (!one.cause && is_full(one.root)) {
        ++stats.bounded_by_hosts;
        continue;
      }
      if (chosen == 0) {
        chosen = one.root;
        by_cause = one.cause;
      } else if (are_apart(chosen, one.root)) {
        ++stats.kept_apart;
        continue;
      } else if (!(by_cause && one.cause) && are_too_large(chosen, one.root)) {
        ++stats.bounded_by_hosts;
        continue;
      } else {
        const IncidentId lower = std::min(chosen, one.root), higher = std::max(chosen, one.root);
        unite(lower, higher);
        chosen = lower;
      }
      joined.push_back(one.root);
    }
    return chosen;
  }

  // The best of each incident that is joined first, so that each merge has its reason; then the others.
  std::vector<model::JoinReason> reasons(const Finding& finding, const std::vector<LinkKey>& keys, std::vector<Hit> hits,
                                         const std::vector<IncidentId>& joined) {
    const auto weight = [&](const Hit& hit) { return policy->kind(keys[hit.key].kind).weight; };
    // Two findings on one host carry the key of connections with it as well: that they are on one host is what there is to
    // say.
    std::erase_if(hits, [&, all = hits](const Hit& hit) {
      const LinkKey& key = keys[hit.key];
      return key.kind == LinkKind::kConnection && std::any_of(all.begin(), all.end(), [&](const Hit& other) {
               return keys[other.key].kind == LinkKind::kHost && keys[other.key].entity == key.entity &&
                      other.root == hit.root && other.gap <= hit.gap;
             });
    });
    std::sort(hits.begin(), hits.end(), [&](const Hit& a, const Hit& b) {
      return std::tuple(-weight(a), a.gap, a.root, a.key) < std::tuple(-weight(b), b.gap, b.root, b.key);
    });
    std::vector<const Hit*> order;
    std::unordered_set<IncidentId> named;
    for (const Hit& hit : hits) {
      if (std::find(joined.begin(), joined.end(), hit.root) != joined.end() && named.insert(hit.root).second)
        order.push_back(&hit);
    }
    for (const Hit& hit : hits) {
      if (order.size() >= policy->max_reasons) break;
      const bool said = std::any_of(order.begin(), order.end(), [&](const Hit* other) {
        return keys[other->key].entity == keys[hit.key].entity &&
               reason_of(keys[other->key].kind) == std::string_view(reason_of(keys[hit.key].kind));
      });
      if (!said && named.contains(hit.root)) order.push_back(&hit);
    }
    if (order.size() > policy->max_reasons) order.resize(policy->max_reasons);
    std::stable_sort(order.begin(), order.end(), [&](const Hit* a, const Hit* b) { return weight(*a) > weight(*b); });
    std::vector<model::JoinReason> out;
    for (const Hit* hit : order) out.push_back(join_reason(finding, keys[hit->key], *policy, hit->gap, slots[hit->slot].id));
    return out;
  }

  // What a new incident says of closed ones that the finding is linked to.
  void add_closed_reasons(const Finding& finding, const std::vector<LinkKey>& keys, const std::vector<Hit>& hits,
                          std::vector<model::JoinReason>& out) {
    std::vector<IncidentId> closed;
    for (const Hit& hit : hits) {
      if (incidents.at(hit.root).closed && std::find(closed.begin(), closed.end(), hit.root) == closed.end())
        closed.push_back(hit.root);
    }
    for (model::JoinReason& reason : reasons(finding, keys, hits, closed)) {
      if (out.size() >= policy->max_reasons) return;
      reason.text += "; with a closed incident";
      out.push_back(std::move(reason));
    }
  }

  Join add(const Finding& finding) {
    const std::vector<LinkKey> keys = link_keys(finding, *policy, *prevalence);
    std::vector<Hit> hits;
    for (std::size_t i = 0; i < keys.size(); ++i) look(keys[i], i, clamped(finding.event_time), hits);
    std::vector<IncidentId> joined;
    Join out;
    out.incident = choose(candidates(keys, hits), joined);
    out.opened = out.incident == 0;
    if (out.opened) {
      out.incident = next_id();
      out.reasons.push_back(first_reason(finding));
      add_closed_reasons(finding, keys, hits, out.reasons);
      ++stats.opened;
    } else {
      out.reasons = reasons(finding, keys, hits, joined);
      for (const IncidentId one : joined) {
        if (one != out.incident) out.merged.push_back(one);
      }
      stats.merged += out.merged.size();
      ++stats.joined;
    }
    remember(finding, keys, out.incident);
    return out;
  }

  bool has_point(const LinkKey& key, std::uint32_t slot) const {
    const auto found = tracks.find(key.hash);
    return found != tracks.end() &&
           std::ranges::any_of(found->second.points, [&](const Point& p) { return p.slot == slot; });
  }

  Join again(const Finding& finding, IncidentId incident_id) {
    Join out;
    out.incident = find(incident_id);
    if (incidents.at(out.incident).closed) return out;
    const std::vector<LinkKey> keys = link_keys(finding, *policy, *prevalence);
    const auto slot = slot_of(finding, keys);
    if (!slot) return out;  // All its windows have ended.
    std::vector<Hit> hits;
    for (std::size_t i = 0; i < keys.size(); ++i) look(keys[i], i, clamped(finding.event_time), hits);
    std::erase_if(hits, [&](const Hit& hit) { return hit.slot == *slot; });
    std::vector<Candidate> from = candidates(keys, hits);
    std::erase_if(from, [&](const Candidate& one) { return one.root == out.incident; });
    from.insert(from.begin(), {out.incident, 0, true});
    std::vector<IncidentId> joined;
    out.incident = choose(from, joined);
    for (const IncidentId one : joined) {
      if (one != out.incident) out.merged.push_back(one);
    }
    if (!out.merged.empty()) out.reasons = reasons(finding, keys, hits, joined);
    stats.merged += out.merged.size();
    for (const LinkKey& key : keys) {
      if (!has_point(key, *slot)) put(key, clamped(finding.event_time), *slot);
    }
    return out;
  }

  // The slot of a finding, by its keys.
  std::optional<std::uint32_t> slot_of(const Finding& finding, const std::vector<LinkKey>& keys) {
    for (const LinkKey& key : keys) {
      const auto found = tracks.find(key.hash);
      if (found == tracks.end()) continue;
      const std::vector<Point>& points = found->second.points;
      const std::int64_t time = clamped(finding.event_time);
      auto at =
          std::lower_bound(points.begin(), points.end(), time, [](const Point& p, std::int64_t t) { return p.time < t; });
      for (; at != points.end() && at->time == time; ++at) {
        if (slots[at->slot].id == finding.id) return at->slot;
      }
    }
    return std::nullopt;
  }

  void keep_apart(IncidentId one, IncidentId other) {
    one = find(one);
    other = find(other);
    if (one == other || are_apart(one, other)) return;
    for (auto [of, from] : {std::pair(one, other), std::pair(other, one)}) {
      std::vector<IncidentId>& list = incidents.at(of).apart;
      if (list.size() < kMaxApart) list.push_back(from);
    }
  }

  void move(const Finding& finding, IncidentId from, IncidentId to) {
    from = find(from);
    to = find(to);
    if (from == to) return;
    const std::vector<LinkKey> keys = link_keys(finding, *policy, *prevalence);
    if (incidents.at(from).findings > 0) --incidents.at(from).findings;
    if (const auto slot = slot_of(finding, keys)) {
      slots[*slot].incident = to;
      ++incidents.at(to).findings;
      for (const std::uint64_t host : host_hashes(finding)) add_host(incidents.at(to), host);
    } else {
      remember(finding, keys, to);
    }
    keep_apart(from, to);
  }

  void merge(IncidentId into, IncidentId from) {
    into = find(into);
    from = find(from);
    if (into == from) return;
    // What a person says last counts.
    for (auto [of, other] : {std::pair(into, from), std::pair(from, into)}) {
      std::vector<IncidentId> rest;
      for (const IncidentId id : std::vector<IncidentId>(incidents.at(of).apart)) {
        if (find(id) != other) rest.push_back(id);
      }
      incidents.at(of).apart = std::move(rest);
    }
    unite(into, from);
  }
};

Joiner::Joiner(std::shared_ptr<const JoinPolicy> policy, std::shared_ptr<const Prevalence> prevalence,
               std::function<IncidentId()> next_id, JoinerLimits limits)
    : impl_(std::make_unique<Impl>()) {
  impl_->policy = std::move(policy);
  impl_->next_id = std::move(next_id);
  impl_->limits = limits;
  set_prevalence(std::move(prevalence));
}
Joiner::~Joiner() = default;
Joiner::Joiner(Joiner&&) noexcept = default;

Join Joiner::add(const Finding& finding) { return impl_->add(finding); }
Join Joiner::again(const Finding& finding, IncidentId incident) { return impl_->again(finding, incident); }

void Joiner::restore(const Finding& finding, IncidentId incident) {
  impl_->remember(finding, link_keys(finding, *impl_->policy, *impl_->prevalence), impl_->find(incident));
}

void Joiner::set_prevalence(std::shared_ptr<const Prevalence> prevalence) {
  impl_->prevalence = prevalence == nullptr ? std::make_shared<NothingKnown>() : std::move(prevalence);
}

void Joiner::merge(IncidentId into, IncidentId from) { impl_->merge(into, from); }
void Joiner::move(const Finding& finding, IncidentId from, IncidentId to) { impl_->move(finding, from, to); }
void Joiner::keep_apart(IncidentId one, IncidentId other) { impl_->keep_apart(one, other); }
void Joiner::close(IncidentId incident) { impl_->incident(impl_->find(incident)).closed = true; }
void Joiner::reopen(IncidentId incident) { impl_->incident(impl_->find(incident)).closed = false; }

void Joiner::forget_before(core::Timestamp event_time) {
  const std::int64_t hour = clamped(event_time) / kHourNs;
  while (!impl_->buckets.empty() && impl_->buckets.begin()->first < hour) impl_->drop_bucket();
  if (impl_->stats.keys == 0) impl_->sweep();
}

Joiner::Stats Joiner::stats() const {
  Stats out = impl_->stats;
  out.incidents = impl_->roots;
  return out;
}

}  // namespace tocsin::triage
