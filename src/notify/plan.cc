// What of the history is told to whom.
//
// Each entry of a history is at most one event; each event goes to each channel that asks for it, of its tenant and
// priority. The outbox's rows and the new position are one transaction. Service levels and escalation are looked at from
// time to time: what is over gets an entry of the history (which is planned like all others) and a mark, so that it is told
// once.
#include <simdjson.h>

#include <algorithm>
#include <map>

#include "core/log.h"
#include "core/text.h"
#include "notify/service.h"

namespace tocsin::notify {
namespace {

using ledger::Incident;
using ledger::IncidentHistory;
using ledger::IncidentNumber;
using ledger::IncidentTables;
using ledger::NotifyChannel;
using ledger::NotifyTables;

constexpr std::int64_t kOpenPage = 500;
constexpr std::size_t kMaxRemembered = 200'000;
constexpr std::size_t kMaxQuotedBytes = 500;
constexpr const char* kEngine = "engine";

// Of {"from":"p3","to":"p1"}.
bool is_raise(const std::string& detail) {
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  const simdjson::padded_string padded(detail);
  std::string_view from, to;
  return !detail.empty() && parser.parse(padded).get(root) == simdjson::SUCCESS &&
         root["from"].get(from) == simdjson::SUCCESS && root["to"].get(to) == simdjson::SUCCESS && to < from;
}
std::int64_t comment_of(const std::string& detail) {
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  const simdjson::padded_string padded(detail);
  std::int64_t out = 0;
  if (detail.empty() || parser.parse(padded).get(root) != simdjson::SUCCESS || root["comment"].get(out) != simdjson::SUCCESS)
    return 0;
  return out;
}

bool is_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '@' ||
         c == '-';
}

}  // namespace

std::vector<std::string> mentions_in(std::string_view text) {
  std::vector<std::string> out;
  for (std::size_t at = text.find('@'); at != std::string_view::npos && out.size() < 2 * kMaxMentions;
       at = text.find('@', at)) {
    const bool begins = at == 0 || !is_name(text[at - 1]);
    std::size_t end = ++at;
    while (end < text.size() && end - at < 64 && is_name(text[end])) ++end;
    if (!begins) continue;
    std::string name = core::ascii_lower(text.substr(at, end - at));
    while (!name.empty() && std::string_view("._-@").find(name.back()) != std::string_view::npos) name.pop_back();
    // A name may be an address; else what follows a further @ is none of it.
    for (const std::string& one : {name, name.substr(0, name.find('@'))}) {
      if (!one.empty() && std::ranges::find(out, one) == out.end()) out.push_back(one);
    }
    at = end;
  }
  return out;
}

struct Service::Plan {
  Plan(ledger::Tables& tables, core::Timestamp time) : all(tables), notify(tables), incidents(tables), now(time) {}
  ledger::Tables& all;
  NotifyTables notify;
  IncidentTables incidents;
  core::Timestamp now;
  std::vector<NotifyChannel> channels;
  std::map<IncidentNumber, std::optional<Incident>> known;
  std::map<std::string, std::optional<ledger::User>> users;
  std::size_t written = 0, dropped = 0;

  core::Result<void> load_channels() {
    channels = TOCSIN_TRY(notify.channels());
    std::erase_if(channels, [](const NotifyChannel& one) { return !one.enabled; });
    return {};
  }
  core::Result<const std::optional<Incident>*> incident(IncidentNumber id) {
    const auto found = known.find(id);
    if (found != known.end()) return &found->second;
    auto row = TOCSIN_TRY(incidents.incident(id));
    return &known.emplace(id, std::move(row)).first->second;
  }
  core::Result<const std::optional<ledger::User>*> user(const std::string& name) {
    const auto found = users.find(name);
    if (found != users.end()) return &found->second;
    auto row = TOCSIN_TRY(all.user_named(name));
    return &users.emplace(name, std::move(row)).first->second;
  }
  core::Result<bool> user_sees(const std::string& name, const std::string& tenant) {
    const auto& found = *TOCSIN_TRY(user(name));
    if (!found) return false;
    return found->tenants.empty() || std::ranges::find(found->tenants, tenant) != found->tenants.end();
  }
  core::Result<bool> wants(const NotifyChannel& channel, const Incident& one, std::string_view event) {
    if (std::ranges::find(channel.events, event) == channel.events.end()) return false;
    if ((one.priority.empty() ? "p4" : one.priority) > channel.min_priority) return false;
    if (!channel.tenant.empty()) return channel.tenant == one.tenant;
    return user_sees(channel.created_by, one.tenant);
  }

  // Those who are named in the comment and see the incident, as "@ana, @bob"; and what was written.
  core::Result<std::string> mentioned(const IncidentHistory& entry, const Incident& one) {
    const std::int64_t number = comment_of(entry.detail);
    if (number == 0) return std::string();
    for (const ledger::IncidentComment& comment : TOCSIN_TRY(incidents.comments(entry.incident))) {
      if (comment.id != number) continue;
      std::string names;
      std::size_t count = 0;
      for (const std::string& name : mentions_in(comment.text)) {
        const auto& found = *TOCSIN_TRY(user(name));
        if (!found || !found->enabled || !TOCSIN_TRY(user_sees(name, one.tenant)) || ++count > kMaxMentions) continue;
        names += (names.empty() ? "@" : ", @") + name;
      }
      if (names.empty()) return std::string();
      return entry.actor + " mentions " + names + ": " + comment.text.substr(0, kMaxQuotedBytes);
    }
    return std::string();
  }
};

core::Result<void> Service::tell(Plan& plan, const NotifyChannel& channel, const Notification& what) {
  ledger::NotifyDelivery delivery;
  delivery.channel = channel.id;
  delivery.channel_name = channel.name;
  delivery.event = what.event;
  delivery.incident = what.incident;
  delivery.tenant = what.tenant;
  delivery.priority = what.priority;
  delivery.body = stored_text(what);
  delivery.next_at = delivery.created_at = plan.now;
  const auto put = plan.notify.insert_delivery(delivery);
  if (!put.ok() && put.error().code != core::ErrorCode::kLimit) return put.error();
  ++(put.ok() ? plan.written : plan.dropped);
  return {};
}

core::Result<void> Service::plan_entry(Plan& plan, const IncidentHistory& entry) {
  std::string event, text = entry.text;
  const std::string& action = entry.action;
  if (action == "opened" || action == "split" || action == "reopened") event = "opened";
  if (action == "priority" && is_raise(entry.detail)) event = "raised";
  if (action == "assigned" && entry.text.starts_with("assigned to ")) event = "assigned";
  if (action == "sla" || action == "closed") event = action;
  if (action == "comment") event = "mentioned";
  if (event.empty()) return {};
  const auto& incident = *TOCSIN_TRY(plan.incident(entry.incident));
  if (!incident || (event == "opened" && incident->merged_into != 0)) return {};
  if (event == "mentioned") {
    text = TOCSIN_TRY(plan.mentioned(entry, *incident));
    if (text.empty()) return {};
  }
  const Notification what = notification_of(*incident, event, text, entry.actor, entry.at);
  for (const NotifyChannel& channel : plan.channels) {
    if (TOCSIN_TRY(plan.wants(channel, *incident, event))) TOCSIN_TRY(tell(plan, channel, what));
  }
  return {};
}

core::Result<std::size_t> Service::plan() {
  // Most of the time there is nothing: that takes no transaction that writes.
  bool there = false;
  const auto found = ledger_.read([&](ledger::Tables& all) -> core::Result<void> {
    NotifyTables tables(all);
    const auto position = TOCSIN_TRY(tables.position());
    there = !position || !TOCSIN_TRY(tables.history_after(*position, 1)).empty();
    return {};
  });
  if (!found.ok()) return found.error();
  if (!there) return std::size_t{0};
  std::size_t looked = 0, written = 0, dropped = 0;
  const auto done = ledger_.write([&](ledger::Tables& all) -> core::Result<void> {
    Plan plan(all, clock_.now());
    const auto position = TOCSIN_TRY(plan.notify.position());
    // The first time: what was before is not told.
    if (!position) return plan.notify.set_position(TOCSIN_TRY(plan.notify.last_history()));
    const auto entries = TOCSIN_TRY(plan.notify.history_after(*position, kPlanPage));
    if (entries.empty()) return {};
    TOCSIN_TRY(plan.load_channels());
    if (!plan.channels.empty()) {
      for (const IncidentHistory& entry : entries) TOCSIN_TRY(plan_entry(plan, entry));
    }
    looked = entries.size();
    written = plan.written;
    dropped = plan.dropped;
    return plan.notify.set_position(entries.back().sequence);
  });
  if (!done.ok()) return done.error();
  dropped_.add(dropped);
  if (written > 0) {
    TOCSIN_TRY(count_waiting());
    wake_workers();
  }
  return looked;
}

core::Result<void> Service::note_breach(const Incident& incident, const Breach& breach) {
  const std::string key = std::to_string(incident.id) + "." + breach.name;
  if (marked_.contains(key)) return {};
  const auto done = ledger_.write([&](ledger::Tables& all) -> core::Result<void> {
    IncidentTables incidents(all);
    if (!TOCSIN_TRY(NotifyTables(all).mark(incident.id, "sla." + breach.name, clock_.now()))) return {};
    return incidents.add_history({0, incident.id, clock_.now(), kEngine, "sla", breach.text, ""});
  });
  if (!done.ok()) return done.error();
  if (marked_.size() >= kMaxRemembered) marked_.clear();
  marked_.insert(key);
  return {};
}

// Each channel once for an incident; the history says so once. What was due before the channel was as it is now is not told.
core::Result<void> Service::escalate(const Incident& incident, const std::vector<NotifyChannel>& channels) {
  if (incident.state != model::IncidentState::kNew || incident.acknowledged_at.known()) return {};
  const core::Timestamp now = clock_.now();
  for (const NotifyChannel& channel : channels) {
    if (channel.escalate_after_s == 0) continue;
    const core::Timestamp due{incident.created_at.ns + channel.escalate_after_s * 1'000'000'000};
    const std::string mark = "escalated." + std::to_string(channel.id);
    const std::string key = std::to_string(incident.id) + "." + mark;
    if (due > now || due < channel.changed_at || marked_.contains(key)) continue;
    bool written = false;
    const auto done = ledger_.write([&](ledger::Tables& all) -> core::Result<void> {
      Plan plan(all, now);
      const auto current = TOCSIN_TRY(plan.incidents.incident(incident.id));
      if (!current || current->acknowledged_at.known() || !TOCSIN_TRY(plan.wants(channel, *current, "escalated"))) return {};
      if (!TOCSIN_TRY(plan.notify.mark(incident.id, mark, now))) return {};
      const std::string text = "nobody acknowledged it within " + std::to_string(channel.escalate_after_s / 60) + " minutes";
      if (TOCSIN_TRY(plan.notify.mark(incident.id, "escalated", now)))
        TOCSIN_TRY(plan.incidents.add_history({0, incident.id, now, kEngine, "escalated", text, ""}));
      written = true;
      return tell(plan, channel, notification_of(*current, "escalated", text, "", now));
    });
    if (!done.ok()) return done.error();
    if (written) wake_workers();
    if (marked_.size() >= kMaxRemembered) marked_.clear();
    if (written) marked_.insert(key);
  }
  return {};
}

core::Result<void> Service::check_clocks() {
  std::vector<NotifyChannel> channels;
  ledger::IncidentQuery query;
  query.order = ledger::IncidentQuery::Order::kOldest;
  query.limit = kOpenPage;
  for (;; query.offset += kOpenPage) {
    std::vector<Incident> page;
    const auto found = ledger_.read([&](ledger::Tables& all) -> core::Result<void> {
      if (query.offset == 0) channels = TOCSIN_TRY(NotifyTables(all).channels());
      page = TOCSIN_TRY(IncidentTables(all).incidents(query)).items;
      return {};
    });
    if (!found.ok()) return found.error();
    if (query.offset == 0) std::erase_if(channels, [](const NotifyChannel& one) { return !one.enabled; });
    for (const Incident& incident : page) {
      if (stopping_) return {};
      if (options_.breaches) {
        for (const Breach& breach : options_.breaches(incident, clock_.now())) TOCSIN_TRY(note_breach(incident, breach));
      }
      TOCSIN_TRY(escalate(incident, channels));
    }
    if (page.size() < static_cast<std::size_t>(kOpenPage)) return {};
  }
}

}  // namespace tocsin::notify
