// Channels, delivery and the threads; what is told to whom is in plan.cc.
#include "notify/service.h"

#include <algorithm>
#include <cstdio>

#include "core/log.h"
#include "notify/quiet.h"

namespace tocsin::notify {
namespace {

using ledger::NotifyChannel;
using ledger::NotifyDelivery;
using ledger::NotifyTables;
using std::chrono::milliseconds;

constexpr milliseconds kLook{2'000}, kGather{250}, kBreath{10}, kLookForDue{1'000}, kAfterFailure{5'000};
constexpr std::chrono::seconds kClocksEvery{30}, kForgetEvery{3'600};
constexpr std::size_t kMaxNameBytes = 128, kMaxSecretBytes = 1'024, kMaxPassedOver = 200;
constexpr std::int64_t kForgetRows = 5'000;

core::Error invalid(std::string text) { return {core::ErrorCode::kInvalid, std::move(text)}; }
bool has_control(std::string_view text) {
  return std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
}
std::string delivery_id(const NotifyDelivery& delivery) {
  char out[48];
  std::snprintf(out, sizeof out, "%llx-%lld", static_cast<unsigned long long>(delivery.created_at.ns),
                static_cast<long long>(delivery.id));
  return out;
}
// "" is not rated yet: p4.
bool quiet_now(const NotifyChannel& channel, const NotifyDelivery& delivery, core::Timestamp now, core::Timestamp& until) {
  if (channel.quiet.empty()) return false;
  const auto quiet = read_quiet(channel.quiet);
  if (!quiet.ok()) return false;
  if (!quiet->except_priority.empty() && !delivery.priority.empty() && delivery.priority <= quiet->except_priority)
    return false;
  until = quiet_until(*quiet, now);
  return until > now;
}

core::Result<void> check_targets(const NotifyChannel& channel, bool allow_loopback) {
  if (channel.kind != "email") {
    if (channel.targets.size() != 1) return invalid("target: must be one address of the web, as https://example.org/hook");
    const auto good = check_url(channel.targets[0], allow_loopback);
    return good.ok() ? good : invalid("target: " + good.error().text);
  }
  if (channel.targets.empty() || channel.targets.size() > kMaxAddresses)
    return invalid("target: must be a list of 1 to " + std::to_string(kMaxAddresses) + " addresses");
  for (const std::string& address : channel.targets) {
    if (const auto good = check_address(address); !good.ok()) return invalid("target: " + good.error().text);
  }
  return {};
}

}  // namespace

Service::Service(ledger::Ledger& ledger, const core::Clock& clock, core::Metrics& metrics, ServiceOptions options)
    : ledger_(ledger),
      clock_(clock),
      transport_(std::move(options.transport), stopping_),
      options_(std::move(options)),
      sent_(metrics.counter("tocsin_notify_sent_total", "Notifications that were delivered.")),
      failed_(metrics.counter("tocsin_notify_failed_total", "Attempts of delivery that failed.")),
      dead_(metrics.counter("tocsin_notify_dead_total", "Notifications that were given up.")),
      dropped_(metrics.counter("tocsin_notify_dropped_total",
                               "Notifications that were not taken since too many of their channel were waiting.")),
      pending_(metrics.gauge("tocsin_notify_pending", "Notifications that wait to be delivered.")),
      random_(std::random_device{}()) {}

Service::~Service() { stop(); }

void Service::start() {
  threads_.emplace_back([this] { plan_forever(); });
  for (unsigned i = 0; i < options_.workers; ++i) threads_.emplace_back([this] { deliver_forever(); });
}

void Service::stop() {
  stopping_ = true;
  {
    const core::Lock lock(mutex_);
    changed_.notify_all();
    due_.notify_all();
  }
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

void Service::wake() {
  const core::Lock lock(mutex_);
  if (woken_) return;
  woken_ = true;
  changed_.notify_all();
}
void Service::wake_workers() {
  const core::Lock lock(mutex_);
  due_.notify_all();
}

// False: stopping.
bool Service::rest(std::condition_variable& condition, milliseconds time, bool until_woken) {
  const auto until = std::chrono::steady_clock::now() + time;
  core::Lock lock(mutex_);
  while (!stopping_ && !(until_woken && woken_)) {
    const auto left = until - std::chrono::steady_clock::now();
    if (left <= std::chrono::nanoseconds(0)) break;
    if (lock.wait_for(condition, left) && &condition == &due_) break;
  }
  return !stopping_;
}

void Service::plan_forever() {
  using Steady = std::chrono::steady_clock;
  auto next_clocks = Steady::now(), next_forget = Steady::now() + kClocksEvery;
  while (!stopping_) {
    {
      const core::Lock lock(mutex_);
      woken_ = false;
    }
    core::Result<void> done;
    bool more = false;
    if (Steady::now() >= next_clocks) {
      done = check_clocks();
      next_clocks = Steady::now() + kClocksEvery;
    }
    if (done.ok()) {
      const auto planned = plan();
      if (!planned.ok()) done = planned.error();
      more = planned.ok() && *planned == static_cast<std::size_t>(kPlanPage);
    }
    if (done.ok() && Steady::now() >= next_forget) {
      done = forget_old();
      next_forget = Steady::now() + kForgetEvery;
    }
    {
      const core::Lock lock(mutex_);
      const std::string problem = done.ok() ? std::string() : done.error().text;
      if (problem_.empty() && !problem.empty()) core::log(core::LogLevel::kError, "notify", "trying again: " + problem);
      problem_ = problem;
    }
    // A long history is read page after page; others get to the ledger in between.
    if (!rest(changed_, !done.ok() ? kAfterFailure : more ? kBreath : kGather, false)) return;
    if (!more && !rest(changed_, kLook, true)) return;
  }
}

void Service::deliver_forever() {
  while (!stopping_) {
    const auto done = deliver_one();
    if (done.ok() && *done) continue;
    if (!rest(due_, done.ok() ? kLookForDue : kAfterFailure, false)) return;
  }
}

core::Timestamp Service::next_try(std::int64_t attempts) {
  const auto doubled = kFirstWait * (std::int64_t{1} << std::clamp<std::int64_t>(attempts - 1, 0, 20));
  const auto wait = std::min<std::chrono::seconds>(doubled, kMaxWait);
  const core::Lock lock(mutex_);
  const double share = std::uniform_real_distribution<double>(0.75, 1.25)(random_);
  return {clock_.now().ns + static_cast<std::int64_t>(static_cast<double>(std::chrono::nanoseconds(wait).count()) * share)};
}

// An attempt is counted, and the next one dated, before it begins.
core::Result<std::optional<Service::Claim>> Service::claim() {
  std::optional<Claim> out;
  bool due = false;
  const auto found = ledger_.read([&](ledger::Tables& all) -> core::Result<void> {
    due = TOCSIN_TRY(NotifyTables(all).next_due(clock_.now())).has_value();
    return {};
  });
  if (!found.ok()) return found.error();
  if (!due) return out;
  std::int64_t dead = 0;
  const auto done = ledger_.write([&](ledger::Tables& all) -> core::Result<void> {
    NotifyTables tables(all);
    const core::Timestamp now = clock_.now();
    for (std::size_t passed = 0; passed < kMaxPassedOver; ++passed) {
      auto delivery = TOCSIN_TRY(tables.next_due(now));
      if (!delivery) return {};
      auto channel = TOCSIN_TRY(tables.channel(delivery->channel));
      core::Timestamp until;
      if (!channel || !channel->enabled) {
        delivery->state = "dead";
        delivery->problem = channel ? "the channel is switched off" : "the channel was removed";
        ++dead;
        TOCSIN_TRY(tables.update_delivery(*delivery));
      } else if (quiet_now(*channel, *delivery, now, until)) {
        delivery->next_at = until;
        TOCSIN_TRY(tables.update_delivery(*delivery));
      } else {
        ++delivery->attempts;
        delivery->next_at = next_try(delivery->attempts);
        TOCSIN_TRY(tables.update_delivery(*delivery));
        out = Claim{std::move(*delivery), std::move(*channel)};
        return {};
      }
    }
    return {};
  });
  if (!done.ok()) return done.error();
  dead_.add(static_cast<std::uint64_t>(dead));
  return out;
}

core::Result<void> Service::settle(const NotifyDelivery& claimed, const Outcome& outcome) {
  bool dead = false;
  const auto done = ledger_.write([&](ledger::Tables& all) -> core::Result<void> {
    NotifyTables tables(all);
    auto delivery = TOCSIN_TRY(tables.delivery(claimed.id));
    if (!delivery || (delivery->state != "pending" && !outcome.delivered)) return {};  // Removed meanwhile.
    delivery->problem = outcome.problem;
    if (outcome.delivered) {
      delivery->state = "sent";
      delivery->sent_at = clock_.now();
    } else if (outcome.permanent || delivery->attempts >= kMaxAttempts) {
      delivery->state = "dead";
      dead = true;
    }
    return tables.update_delivery(*delivery);
  });
  if (!done.ok()) return done.error();
  if (dead) {
    dead_.add();
    core::log(core::LogLevel::kWarning, "notify",
              "given up: notification " + std::to_string(claimed.id) + " of channel " + claimed.channel_name + ": " +
                  outcome.problem);
  }
  return {};
}

Outcome Service::deliver(const NotifyChannel& channel, const Notification& what) {
  if (channel.kind == "email") {
    const Envelope envelope{transport_.options().smtp.from, channel.targets, clock_.now()};
    return transport_.mail(channel.targets, mail_text(what, envelope));
  }
  if (channel.targets.empty()) return {false, true, "the channel has no target"};
  const std::string body = channel.kind == "slack"   ? slack_json(what)
                           : channel.kind == "teams" ? teams_json(what)
                                                     : webhook_json(what);
  std::vector<std::string> headers{"X-Tocsin-Delivery: " + what.id, "X-Tocsin-Event: " + what.event};
  if (!channel.secret_sealed.empty()) {
    const auto secret = options_.unseal(channel.secret_sealed);
    if (!secret) return {false, true, "the channel's secret cannot be read with this key: set it again"};
    headers.push_back("X-Tocsin-Signature: " + signature(*secret, clock_.now(), body));
  }
  return transport_.post(channel.targets[0], body, headers);
}

core::Result<bool> Service::deliver_one() {
  const auto claimed = TOCSIN_TRY(claim());
  if (!claimed) return false;
  Outcome outcome{false, true, {}};
  auto what = read_stored(claimed->delivery.body);
  if (what.ok()) {
    what->id = delivery_id(claimed->delivery);
    what->url = options_.console_url + "/incidents/INC-" + std::to_string(what->incident);
    outcome = deliver(claimed->channel, *what);
  } else {
    outcome.problem = what.error().text;
  }
  if (!outcome.delivered && stopping_) return true;  // Cut off: it comes again.
  (outcome.delivered ? sent_ : failed_).add();
  if (!outcome.delivered) {
    const core::Lock lock(mutex_);
    last_failure_ = claimed->channel.name + ": " + outcome.problem;
  }
  TOCSIN_TRY(settle(claimed->delivery, outcome));
  TOCSIN_TRY(count_waiting());
  return true;
}

core::Result<void> Service::count_waiting() {
  return ledger_.read([&](ledger::Tables& all) -> core::Result<void> {
    pending_.set(static_cast<double>(TOCSIN_TRY(NotifyTables(all).delivery_count({{}, "pending"}))));
    return {};
  });
}

core::Result<void> Service::forget_old() {
  const core::Timestamp before{clock_.now().ns - std::chrono::nanoseconds(kKeepDeliveries).count()};
  return ledger_.write([&](ledger::Tables& all) -> core::Result<void> {
    TOCSIN_TRY(NotifyTables(all).forget_deliveries(before, kForgetRows));
    return {};
  });
}

core::Result<void> Service::check(ChannelInput& input) const {
  NotifyChannel& channel = input.channel;
  if (channel.name.empty() || channel.name.size() > kMaxNameBytes || has_control(channel.name))
    return invalid("name: must be 1 to " + std::to_string(kMaxNameBytes) + " bytes without control characters");
  constexpr const char* kKinds[] = {"email", "webhook", "slack", "teams"};
  if (std::ranges::find(kKinds, channel.kind) == std::end(kKinds))
    return invalid("kind: must be email, webhook, slack or teams");
  TOCSIN_TRY(check_targets(channel, transport_.options().allow_loopback));
  std::ranges::sort(channel.events);
  const auto twice = std::ranges::unique(channel.events);
  channel.events.erase(twice.begin(), twice.end());
  for (const std::string& event : channel.events) {
    if (std::ranges::find(kEvents, event) == std::end(kEvents))
      return invalid("events: must be of opened, raised, assigned, mentioned, sla, escalated and closed");
  }
  if (channel.events.empty()) return invalid("events: must name at least one");
  if (channel.min_priority.size() != 2 || channel.min_priority < "p1" || channel.min_priority > "p4")
    return invalid("min_priority: must be p1, p2, p3 or p4");
  if (!channel.quiet.empty()) {
    const auto quiet = read_quiet(channel.quiet);
    if (!quiet.ok()) return invalid("quiet: " + quiet.error().text);
  }
  if (channel.escalate_after_s != 0 &&
      (channel.escalate_after_s < kMinEscalateS || channel.escalate_after_s > kMaxEscalateS))
    return invalid("escalate_after_s: must be " + std::to_string(kMinEscalateS) + " to " + std::to_string(kMaxEscalateS));
  if (!input.secret || input.secret->empty()) return {};
  if (channel.kind == "email") return invalid("secret: mail is not signed");
  if (input.secret->reveal().size() > kMaxSecretBytes) return invalid("secret: must be at most 1024 bytes");
  return {};
}

core::Result<NotifyChannel> Service::add(ChannelInput input, std::string_view by) {
  TOCSIN_TRY(check(input));
  NotifyChannel channel = std::move(input.channel);
  channel.secret_sealed = input.secret && !input.secret->empty() ? options_.seal(input.secret->reveal()) : std::string();
  channel.created_by = by;
  channel.created_at = channel.changed_at = clock_.now();
  const auto done = ledger_.write([&](ledger::Tables& all) -> core::Result<void> {
    NotifyTables tables(all);
    TOCSIN_TRY(check_name(tables, channel));
    channel.id = TOCSIN_TRY(tables.insert_channel(channel));
    return {};
  });
  if (!done.ok()) return done.error();
  return channel;
}

core::Result<NotifyChannel> Service::change(std::int64_t id, ChannelInput input) {
  TOCSIN_TRY(check(input));
  NotifyChannel channel = std::move(input.channel);
  channel.id = id;
  channel.changed_at = clock_.now();
  const auto done = ledger_.write([&](ledger::Tables& all) -> core::Result<void> {
    NotifyTables tables(all);
    const auto before = TOCSIN_TRY(tables.channel(id));
    if (!before) return core::Error{core::ErrorCode::kNotFound, "there is no such channel"};
    channel.created_by = before->created_by;
    channel.created_at = before->created_at;
    channel.secret_sealed = before->secret_sealed;
    if (channel.kind == "email" || (input.secret && input.secret->empty())) channel.secret_sealed.clear();
    if (input.secret && !input.secret->empty()) channel.secret_sealed = options_.seal(input.secret->reveal());
    TOCSIN_TRY(check_name(tables, channel));
    TOCSIN_TRY(tables.update_channel(channel));
    return tables.wake_channel(id, clock_.now());  // Its quiet hours may be others.
  });
  if (!done.ok()) return done.error();
  wake_workers();
  return channel;
}

core::Result<void> Service::check_name(NotifyTables& tables, const NotifyChannel& channel) {
  for (const NotifyChannel& other : TOCSIN_TRY(tables.channels())) {
    if (other.name == channel.name && other.id != channel.id) return invalid("name: there is a channel of that name");
  }
  return {};
}

core::Result<bool> Service::remove(std::int64_t id) {
  bool there = false;
  const auto done = ledger_.write([&](ledger::Tables& all) -> core::Result<void> {
    there = TOCSIN_TRY(NotifyTables(all).delete_channel(id));
    return {};
  });
  if (!done.ok()) return done.error();
  return there;
}

core::Result<Outcome> Service::test(std::int64_t id, std::string_view by) {
  std::optional<NotifyChannel> channel;
  const auto found = ledger_.read([&](ledger::Tables& all) -> core::Result<void> {
    channel = TOCSIN_TRY(NotifyTables(all).channel(id));
    return {};
  });
  if (!found.ok()) return found.error();
  if (!channel) return core::Error{core::ErrorCode::kNotFound, "there is no such channel"};
  if (testing_.exchange(true)) return core::Error{core::ErrorCode::kLimit, "another test is under way; try again after it"};
  Notification what;
  what.event = "test";
  what.id = "test-" + std::to_string(clock_.now().ns);
  what.title = "a test of the channel " + channel->name;
  what.text = "This is a test. Nothing has happened.";
  what.priority = "p4";
  what.state = "new";
  what.tenant = channel->tenant;
  what.actor = by;
  what.at = clock_.now();
  what.url = options_.console_url + "/incidents";
  Outcome out = deliver(*channel, what);
  testing_ = false;
  return out;
}

core::Result<NotifyDelivery> Service::retry(std::int64_t id) {
  std::optional<NotifyDelivery> delivery;
  const auto done = ledger_.write([&](ledger::Tables& all) -> core::Result<void> {
    NotifyTables tables(all);
    delivery = TOCSIN_TRY(tables.delivery(id));
    if (!delivery) return core::Error{core::ErrorCode::kNotFound, "there is no such delivery"};
    if (delivery->state != "dead") return invalid("only what was given up is tried again; this one is " + delivery->state);
    if (!TOCSIN_TRY(tables.channel(delivery->channel))) return invalid("its channel was removed");
    delivery->state = "pending";
    delivery->attempts = 0;
    delivery->next_at = clock_.now();
    return tables.update_delivery(*delivery);
  });
  if (!done.ok()) return done.error();
  wake_workers();
  return std::move(*delivery);
}

Service::Health Service::health() {
  Health out;
  const auto read = ledger_.read([&](ledger::Tables& all) -> core::Result<void> {
    NotifyTables tables(all);
    out.pending = TOCSIN_TRY(tables.delivery_count({{}, "pending"}));
    out.dead = TOCSIN_TRY(tables.delivery_count({{}, "dead"}));
    return {};
  });
  const core::Lock lock(mutex_);
  out.problem = read.ok() ? problem_ : read.error().text;
  out.last_failure = last_failure_;
  return out;
}

}  // namespace tocsin::notify
