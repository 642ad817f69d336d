#include "ledger/notifications.h"

#include "ledger/incident_columns.h"

namespace tocsin::ledger {
namespace {

struct ChannelColumns {
  NotifyChannel row;
  std::string targets, events;
  long long id = 0, enabled = 0, escalate = 0, created = 0, changed = 0;
  void exchange(soci::statement& s) {
    for (std::string* text : {&row.name, &row.kind, &row.tenant, &targets, &row.secret_sealed, &events, &row.min_priority,
                              &row.quiet, &row.created_by})
      s.exchange(soci::into(*text));
    for (long long* value : {&id, &enabled, &escalate, &created, &changed}) s.exchange(soci::into(*value));
  }
  NotifyChannel take() {
    row.id = id;
    row.enabled = enabled != 0;
    row.escalate_after_s = escalate;
    row.created_at.ns = created;
    row.changed_at.ns = changed;
    row.targets = split_lines(targets);
    row.events = split_list(events);
    return row;
  }
};
const std::string kSelectChannel =
    "select name, kind, tenant, target, secret_sealed, events, min_priority, quiet, created_by, id, enabled, "
    "escalate_after_s, created_at, changed_at from notify_channels ";

struct DeliveryColumns {
  NotifyDelivery row;
  long long id = 0, channel = 0, incident = 0, attempts = 0, next = 0, created = 0, sent = 0;
  void exchange(soci::statement& s) {
    for (std::string* text :
         {&row.channel_name, &row.event, &row.tenant, &row.priority, &row.body, &row.state, &row.problem})
      s.exchange(soci::into(*text));
    for (long long* value : {&id, &channel, &incident, &attempts, &next, &created, &sent}) s.exchange(soci::into(*value));
  }
  NotifyDelivery take() {
    row.id = id;
    row.channel = channel;
    row.incident = incident;
    row.attempts = attempts;
    row.next_at.ns = next;
    row.created_at.ns = created;
    row.sent_at.ns = sent;
    return row;
  }
};
const std::string kSelectDelivery =
    "select channel_name, event, tenant, priority, body, state, problem, id, channel, incident, attempts, next_at, "
    "created_at, sent_at from notify_outbox ";

core::Result<void> check_channel(const NotifyChannel& channel) {
  if (channel.name.empty()) return core::Error{core::ErrorCode::kInvalid, "ledger: a channel needs a name"};
  for (const std::string* text :
       {&channel.name, &channel.kind, &channel.tenant, &channel.min_priority, &channel.created_by}) {
    if (auto fits = check_text("a channel's text", *text, kMaxNameBytes); !fits.ok()) return fits;
  }
  if (auto fits = check_text("a channel's quiet hours", channel.quiet, kMaxNameBytes * 4); !fits.ok()) return fits;
  if (auto fits = check_text("a channel's secret", channel.secret_sealed, kMaxTargetBytes); !fits.ok()) return fits;
  if (auto fits = check_text("a channel's target", join_lines(channel.targets), kMaxTargetBytes); !fits.ok()) return fits;
  return check_list("a channel's events", channel.events);
}

std::string filters(const NotifyTables::Query& query, Parameters& parameters) {
  std::string out = " where 1 = 1";
  if (!query.state.empty()) out += " and state = " + parameters.add(query.state);
  if (query.tenants.empty()) return out;
  out += " and tenant in (";
  for (std::size_t i = 0; i < query.tenants.size(); ++i) out += (i == 0 ? "" : ", ") + parameters.add(query.tenants[i]);
  return out + ")";
}

}  // namespace

NotifyTables::NotifyTables(Tables& tables) : tables_(tables) {}
Connection& NotifyTables::connection() { return tables_.connection_; }

core::Result<std::int64_t> NotifyTables::insert_channel(const NotifyChannel& channel) {
  if (auto good = check_channel(channel); !good.ok()) return good.error();
  return guarded([&]() -> core::Result<std::int64_t> {
    if (count(connection(), "select count(*) from notify_channels") >= kMaxChannels) {
      return core::Error{core::ErrorCode::kLimit,
                         "ledger: there are " + std::to_string(kMaxChannels) + " channels already, the most"};
    }
    change(
        connection(),
        "insert into notify_channels (name, kind, enabled, tenant, target, secret_sealed, events, min_priority, quiet, "
        "escalate_after_s, created_by, created_at, changed_at) values (:a, :b, :c, :d, :e, :f, :g, :h, :i, :j, :k, :l, :m)",
        channel.name, channel.kind, number(channel.enabled), channel.tenant, join_lines(channel.targets),
        channel.secret_sealed, join_list(channel.events), channel.min_priority, channel.quiet,
        number(channel.escalate_after_s), channel.created_by, number(channel.created_at.ns), number(channel.changed_at.ns));
    return last_id(connection());
  });
}

core::Result<void> NotifyTables::update_channel(const NotifyChannel& channel) {
  if (auto good = check_channel(channel); !good.ok()) return good;
  return guarded([&]() -> core::Result<void> {
    const long long changed = change(
        connection(),
        "update notify_channels set name = :a, kind = :b, enabled = :c, tenant = :d, target = :e, secret_sealed = :f, "
        "events = :g, min_priority = :h, quiet = :i, escalate_after_s = :j, changed_at = :k where id = :l",
        channel.name, channel.kind, number(channel.enabled), channel.tenant, join_lines(channel.targets),
        channel.secret_sealed, join_list(channel.events), channel.min_priority, channel.quiet,
        number(channel.escalate_after_s), number(channel.changed_at.ns), number(channel.id));
    if (changed == 0) return core::Error{core::ErrorCode::kNotFound, "ledger: there is no such channel"};
    return {};
  });
}

core::Result<bool> NotifyTables::delete_channel(std::int64_t id) {
  return guarded([&]() -> core::Result<bool> {
    change(connection(),
           "update notify_outbox set state = 'dead', problem = 'the channel was removed' where channel = :a and state = "
           "'pending'",
           number(id));
    return change(connection(), "delete from notify_channels where id = :a", number(id)) > 0;
  });
}

core::Result<std::optional<NotifyChannel>> NotifyTables::channel(std::int64_t id) {
  return guarded([&] { return first<ChannelColumns>(connection(), kSelectChannel + "where id = :a", number(id)); });
}

core::Result<std::vector<NotifyChannel>> NotifyTables::channels() {
  return guarded([&]() -> core::Result<std::vector<NotifyChannel>> {
    return select<ChannelColumns>(connection(), kSelectChannel + "order by name");
  });
}

core::Result<std::int64_t> NotifyTables::insert_delivery(const NotifyDelivery& delivery) {
  if (auto fits = check_text("a notification", delivery.body, kMaxNotificationBytes); !fits.ok()) return fits.error();
  return guarded([&]() -> core::Result<std::int64_t> {
    if (count(connection(), "select count(*) from notify_outbox where channel = :a and state = 'pending'",
              number(delivery.channel)) >= kMaxPendingOfChannel) {
      return core::Error{core::ErrorCode::kLimit,
                         "ledger: " + std::to_string(kMaxPendingOfChannel) + " notifications of the channel are waiting"};
    }
    change(connection(),
           "insert into notify_outbox (channel, channel_name, event, incident, tenant, priority, body, state, attempts, "
           "next_at, problem, created_at, sent_at) values (:a, :b, :c, :d, :e, :f, :g, :h, :i, :j, :k, :l, :m)",
           number(delivery.channel), delivery.channel_name, delivery.event, number(delivery.incident), delivery.tenant,
           delivery.priority, delivery.body, delivery.state, number(delivery.attempts), number(delivery.next_at.ns),
           delivery.problem, number(delivery.created_at.ns), number(delivery.sent_at.ns));
    return last_id(connection());
  });
}

core::Result<void> NotifyTables::update_delivery(const NotifyDelivery& delivery) {
  if (auto fits = check_text("a problem", delivery.problem, kMaxSentenceBytes); !fits.ok()) return fits;
  return guarded([&]() -> core::Result<void> {
    const long long changed =
        change(connection(),
               "update notify_outbox set state = :a, attempts = :b, next_at = :c, problem = :d, sent_at = :e where id = :f",
               delivery.state, number(delivery.attempts), number(delivery.next_at.ns), delivery.problem,
               number(delivery.sent_at.ns), number(delivery.id));
    if (changed == 0) return core::Error{core::ErrorCode::kNotFound, "ledger: there is no such delivery"};
    return {};
  });
}

core::Result<std::optional<NotifyDelivery>> NotifyTables::delivery(std::int64_t id) {
  return guarded([&] { return first<DeliveryColumns>(connection(), kSelectDelivery + "where id = :a", number(id)); });
}

core::Result<std::optional<NotifyDelivery>> NotifyTables::next_due(core::Timestamp now) {
  return guarded([&] {
    return first<DeliveryColumns>(connection(),
                                  kSelectDelivery + "where state = 'pending' and next_at <= :a order by next_at, id limit 1",
                                  number(now.ns));
  });
}

core::Result<void> NotifyTables::wake_channel(std::int64_t channel, core::Timestamp now) {
  return guarded([&]() -> core::Result<void> {
    change(
        connection(),
        "update notify_outbox set next_at = :a where channel = :b and state = 'pending' and attempts = 0 and next_at > :c",
        number(now.ns), number(channel), number(now.ns));
    return {};
  });
}

core::Result<std::vector<NotifyDelivery>> NotifyTables::deliveries(const Query& query) {
  return guarded([&]() -> core::Result<std::vector<NotifyDelivery>> {
    Parameters parameters;
    std::string text = kSelectDelivery + filters(query, parameters) + " order by id desc limit ";
    text += parameters.add(query.limit);
    text += " offset " + parameters.add(query.offset);
    return select_with<DeliveryColumns>(connection(), text, parameters);
  });
}

core::Result<std::int64_t> NotifyTables::delivery_count(const Query& query) {
  return guarded([&]() -> core::Result<std::int64_t> {
    Parameters parameters;
    const std::string text = "select count(*) from notify_outbox" + filters(query, parameters);
    return select_with<NumberColumn>(connection(), text, parameters).at(0);
  });
}

core::Result<std::int64_t> NotifyTables::forget_deliveries(core::Timestamp before, std::int64_t limit) {
  return guarded([&]() -> core::Result<std::int64_t> {
    return change(connection(),
                  "delete from notify_outbox where id in (select id from notify_outbox where state <> 'pending' and "
                  "created_at < :a order by id limit :b)",
                  number(before.ns), number(limit));
  });
}

core::Result<std::vector<IncidentHistory>> NotifyTables::history_after(std::int64_t after, std::int64_t limit) {
  return guarded([&]() -> core::Result<std::vector<IncidentHistory>> {
    return select<HistoryColumns>(connection(),
                                  "select actor, action, text, detail, sequence, incident, at from incident_history where "
                                  "sequence > :a order by sequence limit :b",
                                  number(after), number(limit));
  });
}

core::Result<std::int64_t> NotifyTables::last_history() {
  return guarded([&]() -> core::Result<std::int64_t> {
    return count(connection(), "select coalesce(max(sequence), 0) from incident_history");
  });
}

core::Result<std::optional<std::int64_t>> NotifyTables::position() {
  return guarded([&] { return first<NumberColumn>(connection(), "select sequence from notify_position"); });
}

core::Result<void> NotifyTables::set_position(std::int64_t sequence) {
  return guarded([&]() -> core::Result<void> {
    change(connection(),
           "insert into notify_position (only_row, sequence) values (1, :a) on conflict (only_row) do update set sequence = "
           "excluded.sequence",
           number(sequence));
    return {};
  });
}

core::Result<bool> NotifyTables::mark(IncidentNumber incident, std::string_view mark, core::Timestamp at) {
  if (auto fits = check_text("a mark", mark, kMaxNameBytes); !fits.ok()) return fits.error();
  return guarded([&]() -> core::Result<bool> {
    return change(connection(), "insert or ignore into notify_marks (incident, mark, at) values (:a, :b, :c)",
                  number(incident), std::string(mark), number(at.ns)) > 0;
  });
}

}  // namespace tocsin::ledger
