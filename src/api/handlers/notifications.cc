// Notifications: channels, and what was or is to be delivered over them.
//
// A channel of no tenant is of all that its owner sees: only those who see all, and its owner, may see and change it.
#include "ledger/notifications.h"

#include <algorithm>
#include <charconv>

#include "api/handlers/handlers.h"
#include "api/parts/incident_call.h"
#include "notify/quiet.h"
#include "notify/service.h"
#include "triage/export.h"

namespace tocsin::api {
namespace {

using ledger::NotifyChannel;
using ledger::NotifyDelivery;
using ledger::NotifyTables;

constexpr std::size_t kMaxUrlBytes = 2'048, kMaxQuietBytes = 1'024;

Reply no_service() { return Reply::problem(503, "notifications are not sent by this program"); }
Reply no_channel() { return Reply::problem(404, "there is no such channel"); }

std::optional<std::int64_t> id_of(const Call& call) {
  const std::string& text = call.captured("id");
  std::int64_t id = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return id;
}
bool visible(const Call& call, const NotifyChannel& channel) {
  if (channel.tenant.empty()) return call.sees_all() || channel.created_by == call.who.name;
  return call.who.may_see(channel.tenant);
}
core::Result<void> read(const Call& call, const std::function<core::Result<void>(NotifyTables&)>& work) {
  return call.context.options.ledger->read([&](ledger::Tables& all) -> core::Result<void> {
    NotifyTables tables(all);
    return work(tables);
  });
}
// The channel of the path, where the caller may see it.
core::Result<std::optional<NotifyChannel>> channel_of(const Call& call) {
  std::optional<NotifyChannel> out;
  const auto id = id_of(call);
  if (!id) return out;
  const auto found = read(call, [&](NotifyTables& tables) -> core::Result<void> {
    out = TOCSIN_TRY(tables.channel(*id));
    return {};
  });
  if (!found.ok()) return found.error();
  if (out && !visible(call, *out)) out.reset();
  return out;
}

void write_channel(core::JsonWriter& json, const NotifyChannel& channel) {
  json.begin_object().key("id").number(channel.id).member("name", channel.name).member("kind", channel.kind);
  json.key("enabled").boolean(channel.enabled).member("tenant", channel.tenant);
  if (channel.kind == "email") {
    write_texts(json, "target", channel.targets);
  } else {
    json.member("target", channel.targets.empty() ? "" : channel.targets.front());
  }
  json.key("has_secret").boolean(!channel.secret_sealed.empty());
  write_texts(json, "events", channel.events);
  json.member("min_priority", channel.min_priority);
  json.key("quiet").raw(channel.quiet.empty() ? "null" : channel.quiet).key("escalate_after_s");
  if (channel.escalate_after_s == 0) {
    json.null();
  } else {
    json.number(channel.escalate_after_s);
  }
  json.member("created_by", channel.created_by);
  write_time(json, "created_at", channel.created_at);
  write_time(json, "changed_at", channel.changed_at);
  json.end_object();
}
Reply answer(const NotifyChannel& channel, int status = 200) {
  std::string out;
  core::JsonWriter json(out);
  write_channel(json, channel);
  return Reply::json(std::move(out), status);
}

// "field: what was expected".
Reply refused(const core::Error& error) {
  const std::size_t colon = error.text.find(": ");
  if (error.code != core::ErrorCode::kInvalid || colon == std::string::npos) return error;
  return InputProblem{error.text.substr(0, colon), error.text.substr(colon + 2)};
}

std::string read_quiet(Body& body) {
  if (!body.has("quiet")) return {};
  const std::string text = body.object("quiet", kMaxQuietBytes);
  Body inner(text);
  notify::QuietInput input;
  input.from = inner.text("from");
  input.to = inner.text("to");
  input.timezone = inner.text("timezone");
  input.days = inner.texts("days");
  input.except_priority = inner.optional_text("except_priority").value_or("");
  if (inner.problem()) {
    body.refuse("quiet." + inner.problem()->field, inner.problem()->text);
    return {};
  }
  const auto quiet = notify::make_quiet(input);
  if (quiet.ok()) return notify::quiet_json(*quiet);
  body.refuse("quiet", quiet.error().text);
  return {};
}

notify::ChannelInput read_channel(const Call& call, Body& body) {
  notify::ChannelInput out;
  NotifyChannel& channel = out.channel;
  channel.name = body.text("name");
  channel.kind = body.text("kind");
  channel.enabled = body.optional_boolean("enabled").value_or(true);
  channel.tenant = body.optional_text("tenant").value_or("");
  if (!channel.tenant.empty() && !call.who.may_see(channel.tenant)) body.refuse("tenant", "is none of yours");
  if (channel.kind == "email") {
    channel.targets = body.texts("target");
  } else {
    channel.targets = {body.text("target", {true, kMaxUrlBytes})};
  }
  if (body.has("secret")) out.secret = body.secret("secret");
  channel.events = body.texts("events");
  channel.min_priority = body.optional_text("min_priority").value_or("p4");
  channel.quiet = read_quiet(body);
  channel.escalate_after_s = body.number("escalate_after_s", 0, notify::kMinEscalateS, notify::kMaxEscalateS);
  return out;
}
// Without the target, which may be a secret.
core::Result<void> record(const Call& call, const char* action, const NotifyChannel& channel) {
  std::string detail;
  core::JsonWriter json(detail);
  json.begin_object().key("id").number(channel.id).member("kind", channel.kind).member("tenant", channel.tenant);
  json.key("enabled").boolean(channel.enabled).end_object();
  return call.audit(action, channel.name, detail);
}

Reply list_channels(Call& call) {
  std::vector<NotifyChannel> channels;
  const auto found = read(call, [&](NotifyTables& tables) -> core::Result<void> {
    channels = TOCSIN_TRY(tables.channels());
    return {};
  });
  if (!found.ok()) return found.error();
  std::erase_if(channels, [&](const NotifyChannel& one) { return !visible(call, one); });
  std::string out;
  core::JsonWriter json(out);
  json.begin_object().key("items").begin_array();
  for (const NotifyChannel& channel : channels) write_channel(json, channel);
  json.end_array().end_object();
  return Reply::json(std::move(out));
}

Reply create_channel(Call& call) {
  notify::Service* service = call.context.options.notify;
  if (service == nullptr) return no_service();
  Body body(call.request().body);
  auto input = read_channel(call, body);
  if (body.problem()) return *body.problem();
  const auto made = service->add(std::move(input), call.who.name);
  if (!made.ok()) return refused(made.error());
  const NotifyChannel& channel = *made;
  TOCSIN_TRY(record(call, "notify.channel.create", channel));
  return answer(channel, 201);
}

Reply change_channel(Call& call) {
  notify::Service* service = call.context.options.notify;
  if (service == nullptr) return no_service();
  const auto before = TOCSIN_TRY(channel_of(call));
  if (!before) return no_channel();
  Body body(call.request().body);
  auto input = read_channel(call, body);
  // It would be of all that its owner sees: for its owner, and those who see all, to say.
  if (input.channel.tenant.empty() && !call.sees_all() && before->created_by != call.who.name) {
    body.refuse("tenant", "must be given");
  }
  if (body.problem()) return *body.problem();
  const auto changed = service->change(before->id, std::move(input));
  if (!changed.ok()) return refused(changed.error());
  const NotifyChannel& channel = *changed;
  TOCSIN_TRY(record(call, "notify.channel.change", channel));
  return answer(channel);
}

Reply remove_channel(Call& call) {
  notify::Service* service = call.context.options.notify;
  if (service == nullptr) return no_service();
  const auto channel = TOCSIN_TRY(channel_of(call));
  if (!channel || !TOCSIN_TRY(service->remove(channel->id))) return no_channel();
  TOCSIN_TRY(record(call, "notify.channel.remove", *channel));
  return Reply::nothing();
}

Reply test_channel(Call& call) {
  notify::Service* service = call.context.options.notify;
  if (service == nullptr) return no_service();
  const auto channel = TOCSIN_TRY(channel_of(call));
  if (!channel) return no_channel();
  TOCSIN_TRY(record(call, "notify.channel.test", *channel));
  const auto outcome = service->test(channel->id, call.who.name);
  if (!outcome.ok() && outcome.error().code == core::ErrorCode::kLimit) return Reply::problem(409, outcome.error().text);
  if (!outcome.ok()) return outcome.error();
  std::string out;
  core::JsonWriter json(out);
  json.begin_object().key("delivered").boolean(outcome->delivered).member("problem", outcome->problem).end_object();
  return Reply::json(std::move(out));
}

void write_delivery(core::JsonWriter& json, const NotifyDelivery& delivery) {
  json.begin_object().key("id").number(delivery.id).key("channel").number(delivery.channel);
  json.member("channel_name", delivery.channel_name).member("event", delivery.event);
  json.member("incident", triage::incident_label(delivery.incident)).member("state", delivery.state);
  json.key("attempts").number(delivery.attempts);
  write_time(json, "next_at", delivery.state == "pending" ? delivery.next_at : core::kNoTime);
  json.member("problem", delivery.problem);
  write_time(json, "created_at", delivery.created_at);
  write_time(json, "sent_at", delivery.sent_at);
  json.end_object();
}

Reply list_deliveries(Call& call) {
  Query query = call.query();
  const TablePage page = read_page(query, "deliveries");
  NotifyTables::Query asked;
  asked.tenants = call.who.tenants;
  asked.state = query.choice("state", {"", "pending", "sent", "dead"});
  asked.limit = page.limit;
  asked.offset = page.offset;
  if (query.problem()) return *query.problem();
  std::vector<NotifyDelivery> deliveries;
  std::int64_t total = 0;
  const auto found = read(call, [&](NotifyTables& tables) -> core::Result<void> {
    deliveries = TOCSIN_TRY(tables.deliveries(asked));
    total = TOCSIN_TRY(tables.delivery_count(asked));
    return {};
  });
  if (!found.ok()) return found.error();
  std::string out;
  core::JsonWriter json(out);
  json.begin_object().key("items").begin_array();
  for (const NotifyDelivery& delivery : deliveries) write_delivery(json, delivery);
  json.end_array().key("total").number(total);
  write_cursor(json, page.next("deliveries", deliveries.size(), total));
  json.end_object();
  return Reply::json(std::move(out));
}

Reply retry_delivery(Call& call) {
  notify::Service* service = call.context.options.notify;
  if (service == nullptr) return no_service();
  std::optional<NotifyDelivery> delivery;
  const auto id = id_of(call);
  const auto found = read(call, [&](NotifyTables& tables) -> core::Result<void> {
    if (id) delivery = TOCSIN_TRY(tables.delivery(*id));
    return {};
  });
  if (!found.ok()) return found.error();
  if (!delivery || !call.who.may_see(delivery->tenant)) return Reply::problem(404, "there is no such delivery");
  const auto again = service->retry(delivery->id);
  if (!again.ok() && again.error().code == core::ErrorCode::kInvalid) return Reply::problem(409, again.error().text);
  if (!again.ok()) return again.error();
  TOCSIN_TRY(call.audit("notify.retry", std::to_string(delivery->id)));
  std::string out;
  core::JsonWriter json(out);
  write_delivery(json, *again);
  return Reply::json(std::move(out));
}

}  // namespace

void add_notification_routes(Routes& routes) {
  const char* tag = "notifications";
  const char* write = "settings.write";
  const char* takes =
      "{name:text kind:email|webhook|slack|teams enabled?:bool tenant?:text target:any secret?:text events:[text] "
      "min_priority?:p1|p2|p3|p4 quiet?:any escalate_after_s?:int}";
  const char* channel = "/api/v1/notifications/channels/{id}";
  for (RouteSpec spec :
       Routes{{"GET", "/api/v1/notifications/channels", write, tag, "Where notifications go", "", "",
               "{items:[NotifyChannel]}", list_channels},
              {"POST", "/api/v1/notifications/channels", write, tag, "A new channel", "", takes, "NotifyChannel",
               create_channel, 201},
              {"PUT", channel, write, tag, "Changes all of one but its secret, where none is given", "", takes,
               "NotifyChannel", change_channel},
              {"DELETE", channel, write, tag, "Removes it; what waits of it is given up", "", "", "", remove_channel},
              {"POST", "/api/v1/notifications/channels/{id}/test", write, tag, "Sends a test over it, now", "", "",
               "{delivered:bool problem:text}", test_channel},
              {"GET", "/api/v1/notifications/deliveries", "findings.read", tag, "What was sent, waits or was given up",
               "{state?:pending|sent|dead limit?:int cursor?:text}", "",
               "{items:[NotifyDelivery] total:int next_cursor:cursor}", list_deliveries},
              {"POST", "/api/v1/notifications/deliveries/{id}/retry", write, tag, "Tries again what was given up", "", "",
               "NotifyDelivery", retry_delivery}}) {
    routes.push_back(std::move(spec));
  }
}

}  // namespace tocsin::api
