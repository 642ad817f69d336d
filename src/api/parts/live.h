// Live updates to consoles as server-sent events: what the program tells at once, rates and heartbeats on a clock.
//
// Locks inside; one thread of its own that sleeps while nobody listens. A listener that falls behind by the stream's backlog
// is closed by it; its browser comes again.
#pragma once
#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "api/api.h"
#include "core/mutex.h"

namespace tocsin::api {

struct Listener {
  std::shared_ptr<http::Stream> stream;
  auth::Principal who;
  bool findings = false, incidents = false, sources = false, health = false, rates = false;
  std::function<bool()> still_allowed;
  std::atomic<bool> gone{false};
};

class LiveHub {
 public:
  LiveHub(const ApiOptions& options);
  ~LiveHub();
  LiveHub(const LiveHub&) = delete;
  LiveHub& operator=(const LiveHub&) = delete;
  // False where there are kMaxLiveStreams.
  [[nodiscard]] bool has_room();
  void add(std::shared_ptr<Listener> listener);

 private:
  void take(const LiveEvent& event);
  void run();
  void send_rates(const std::vector<std::shared_ptr<Listener>>& listeners);
  std::vector<std::shared_ptr<Listener>> listeners();
  const ApiOptions& options_;
  core::Counter& refused_;
  core::Gauge& streams_;
  std::atomic<std::size_t> count_{0};
  core::Mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::shared_ptr<Listener>> listeners_ GUARDED_BY(mutex_);
  bool stopped_ GUARDED_BY(mutex_) = false;
  std::shared_ptr<void> subscription_;
  std::thread thread_;
};

}  // namespace tocsin::api
