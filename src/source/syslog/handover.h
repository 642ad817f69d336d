// Hands batches to the Intake: bounds what is not answered, keeps what the Intake refused and hands it over again.
//
// Shared by a listener and the answers still to come, so that an answer may come after the listener is gone. give(),
// try_again() and stop() belong to the listener's thread; the answers come on any thread.
#pragma once
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/mutex.h"
#include "source/live.h"
#include "source/syslog/frames.h"

namespace tocsin::source::syslog {

class Handover : public std::enable_shared_from_this<Handover> {
 public:
  // `wake`: called on any thread when give() may succeed again, or when the Intake refused something.
  Handover(SourceContext context, std::shared_ptr<SourceMeter> meter, std::size_t max_bytes, std::function<void()> wake);

  // Hands `batch` over and empties it. False: there is no room; `batch` is as it was, and `wake` will be called.
  bool give(const SourceRef& from, const std::string& peer, Batch& batch);
  // Whether the Intake refused deliveries that are to be handed over again.
  [[nodiscard]] bool has_refused() const;
  void try_again();
  // False: time is up, and there is still something not answered. Any thread.
  bool wait_empty(std::chrono::milliseconds time) { return backlog_.wait_empty(time); }
  // What was refused, and what will be, is given up and counted.
  void stop();
  // Counts messages given up because the source stops.
  static void give_up(const SourceRef& from, const Batch& batch);

 private:
  struct Pending {
    model::Delivery delivery;
    std::uint64_t message_count = 0;
    std::size_t cost_bytes = 0;
    std::shared_ptr<SourceMeter> meter;
  };
  using SharedPending = std::shared_ptr<const Pending>;
  void submit(const SharedPending& pending);
  void answered(const SharedPending& pending, const core::Result<void>& result);
  void drop(const Pending& pending);
  void show(std::string problem);

  const SourceContext context_;
  const std::shared_ptr<SourceMeter> meter_;
  const std::size_t max_bytes_;
  const std::function<void()> wake_;
  Backlog backlog_;
  std::atomic<bool> wants_room_{false}, problem_shown_{false};
  mutable core::Mutex mutex_;
  std::vector<SharedPending> refused_ GUARDED_BY(mutex_);
  bool stopped_ GUARDED_BY(mutex_) = false;
};

}  // namespace tocsin::source::syslog
