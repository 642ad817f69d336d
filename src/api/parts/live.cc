#include "api/parts/live.h"

#include <algorithm>

#include "core/json_writer.h"

namespace tocsin::api {
namespace {

std::string framed(const char* event, std::string_view json) {
  std::string out = std::string("event: ") + event + "\ndata: ";
  for (const char c : json) {
    if (c != '\n' && c != '\r') out += c;
  }
  return out + "\n\n";
}
void send(Listener& listener, const std::string& text) {
  if (!listener.gone && !listener.stream->write(text)) listener.gone = true;
}

}  // namespace

LiveHub::LiveHub(const ApiOptions& options)
    : options_(options),
      refused_(options.metrics->counter("tocsin_api_live_refused_total", "Live streams refused: there were too many.")),
      streams_(options.metrics->gauge("tocsin_api_live_streams", "Consoles that listen to live updates.")) {
  subscription_ = options_.platform->subscribe([this](const LiveEvent& event) { take(event); });
  thread_ = std::thread([this] { run(); });
}

LiveHub::~LiveHub() {
  subscription_.reset();
  {
    const core::Lock lock(mutex_);
    stopped_ = true;
  }
  changed_.notify_all();
  thread_.join();
  for (const auto& listener : listeners()) listener->stream->finish();
}

bool LiveHub::has_room() {
  const core::Lock lock(mutex_);
  if (listeners_.size() < kMaxLiveStreams && !stopped_) return true;
  refused_.add();
  return false;
}

void LiveHub::add(std::shared_ptr<Listener> listener) {
  {
    const core::Lock lock(mutex_);
    listeners_.push_back(std::move(listener));
    count_ = listeners_.size();
    streams_.set(static_cast<double>(count_));
  }
  changed_.notify_all();
}

std::vector<std::shared_ptr<Listener>> LiveHub::listeners() {
  const core::Lock lock(mutex_);
  return listeners_;
}

void LiveHub::take(const LiveEvent& event) {
  if (count_ == 0) return;
  const char* name = "health";
  bool Listener::* wants = &Listener::health;
  switch (event.topic) {
    case LiveEvent::Topic::kFinding: name = "finding", wants = &Listener::findings; break;
    case LiveEvent::Topic::kIncident: name = "incident", wants = &Listener::incidents; break;
    case LiveEvent::Topic::kSource: name = "sources", wants = &Listener::sources; break;
    case LiveEvent::Topic::kHealth: break;
  }
  const std::string text = framed(name, event.json);
  for (const auto& listener : listeners()) {
    if (!((*listener).*wants)) continue;
    if (event.topic != LiveEvent::Topic::kHealth && !listener->who.may_see(event.tenant)) continue;
    send(*listener, text);
  }
}

void LiveHub::send_rates(const std::vector<std::shared_ptr<Listener>>& all) {
  const Rates whole = options_.platform->rates();
  std::vector<SourceStatus> sources;
  for (const auto& listener : all) {
    if (!listener->rates) continue;
    Rates seen = whole;
    if (!listener->who.tenants.empty()) {  // Those of all would tell of others.
      if (sources.empty()) sources = options_.platform->sources();
      seen = {};
      for (const SourceStatus& source : sources) {
        if (!listener->who.may_see(source.tenant)) continue;
        seen.events_per_s += source.records_per_s;
        seen.bytes_per_s += source.bytes_per_s;
      }
    }
    std::string json;
    core::JsonWriter writer(json);
    writer.begin_object().key("events_per_s").number(seen.events_per_s).key("bytes_per_s").number(seen.bytes_per_s);
    writer.key("findings_per_min").number(seen.findings_per_min).key("lag_ms").number(seen.lag_ms).end_object();
    send(*listener, framed("rates", json));
  }
}

void LiveHub::run() {
  using Steady = std::chrono::steady_clock;
  auto next_rates = Steady::now() + options_.live_rates, next_heartbeat = Steady::now() + options_.live_heartbeat;
  while (true) {
    {
      core::Lock lock(mutex_);
      while (!stopped_ && listeners_.empty()) lock.wait(changed_);
      while (!stopped_ && Steady::now() < std::min(next_rates, next_heartbeat)) {
        lock.wait_for(changed_, std::min(next_rates, next_heartbeat) - Steady::now());
      }
      if (stopped_) return;
    }
    const auto all = listeners();
    const auto now = Steady::now();
    if (now >= next_rates) {
      next_rates = now + options_.live_rates;
      if (std::any_of(all.begin(), all.end(), [](const auto& one) { return one->rates && !one->gone; })) send_rates(all);
    }
    if (now >= next_heartbeat) {
      next_heartbeat = now + options_.live_heartbeat;
      for (const auto& listener : all) {
        send(*listener, ": heartbeat\n\n");
        if (!listener->gone && !listener->still_allowed()) {
          listener->stream->finish();
          listener->gone = true;
        }
      }
    }
    // `all` holds what goes until the lock is free: a stream's end calls out.
    const core::Lock lock(mutex_);
    std::erase_if(listeners_, [](const auto& one) { return one->gone.load(); });
    count_ = listeners_.size();
    streams_.set(static_cast<double>(count_));
  }
}

}  // namespace tocsin::api
