// A live source that is one thread of its own: starting and stopping it, and the answers of the Intake brought to it.
//
// The thread sleeps in poll() on wake_descriptor() and its own descriptors, and calls take_answers() when it is readable.
// `done` functions hold the answers by shared_ptr: they may come after the worker is gone. A derived class calls stop() in
// its destructor, before its members go.
#pragma once
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "core/mutex.h"
#include "source/live.h"
#include "source/live/descriptor.h"

namespace tocsin::source {

using SteadyTime = std::chrono::steady_clock::time_point;

// Any thread.
class Answers {
 public:
  struct Answer {
    std::uint64_t number = 0;
    core::Result<void> result;
  };
  Answers();
  void push(std::uint64_t number, core::Result<void> result);
  void wake();
  std::vector<Answer> take();  // Also forgets wake().
  [[nodiscard]] int descriptor() const { return event_.get(); }

 private:
  Descriptor event_;
  core::Mutex mutex_;
  std::vector<Answer> answers_ GUARDED_BY(mutex_);
};

class Worker : public LiveSource {
 public:
  Worker();
  void start();
  void stop(std::chrono::milliseconds grace) final;

 protected:
  virtual void run() = 0;
  // The rest is for run()'s thread.
  [[nodiscard]] bool stopping() const { return stopping_.load(); }
  // Hands `delivery` in; its answer comes with `number`.
  void submit(model::Intake& intake, std::uint64_t number, model::Delivery delivery);
  std::vector<Answers::Answer> take_answers();
  // For a worker with one delivery under way: hands it in until it is safe, again each second where it is refused, which
  // `refused` is told. False: the source stops and it may not be safe.
  bool deliver(model::Intake& intake, const model::Delivery& delivery,
               const std::function<void(const core::Error&)>& refused);
  [[nodiscard]] std::size_t pending_count() const { return pending_count_; }
  [[nodiscard]] int wake_descriptor() const { return answers_->descriptor(); }
  // Sleeps until `until`, an answer, a wake-up, or (where it is not -1) until `descriptor` is readable: then true.
  bool sleep(int descriptor, SteadyTime until);
  // While stopping: sleeps until an answer comes; false where none is awaited or the grace is over.
  bool await_answer();

 private:
  std::shared_ptr<Answers> answers_ = std::make_shared<Answers>();
  std::size_t pending_count_ = 0;
  std::atomic<bool> stopping_{false};
  std::atomic<std::int64_t> stop_by_ns_{0};  // steady_clock; set before stopping_.
  core::Mutex stop_mutex_;
  std::thread thread_ GUARDED_BY(stop_mutex_);
};

}  // namespace tocsin::source
