// A fixed number of threads that run jobs in the order in which they came. Locks inside. A job is counted by who gives it:
// the server gives at most one for each connection, which bounds the queue.
#pragma once
#include <condition_variable>
#include <deque>
#include <functional>
#include <thread>
#include <utility>
#include <vector>

#include "core/mutex.h"

namespace tocsin::http {

class Workers {
 public:
  explicit Workers(unsigned count) {
    for (unsigned i = 0; i < (count == 0 ? 1 : count); ++i) threads_.emplace_back([this] { run(); });
  }
  ~Workers() { stop(); }
  void add(std::function<void()> job) {
    {
      const core::Lock lock(mutex_);
      if (stopped_) return;
      jobs_.push_back(std::move(job));
    }
    changed_.notify_one();
  }
  // Waits for jobs that run; those that have not begun are dropped.
  void stop() {
    std::deque<std::function<void()>> dropped;  // Destroyed without the lock: a job may answer when it goes.
    {
      const core::Lock lock(mutex_);
      stopped_ = true;
      dropped.swap(jobs_);
    }
    changed_.notify_all();
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
  }

 private:
  void run() {
    while (true) {
      std::function<void()> job;
      {
        core::Lock lock(mutex_);
        while (jobs_.empty() && !stopped_) lock.wait(changed_);
        if (stopped_) return;
        job = std::move(jobs_.front());
        jobs_.pop_front();
      }
      job();
    }
  }
  core::Mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> jobs_ GUARDED_BY(mutex_);
  bool stopped_ GUARDED_BY(mutex_) = false;
  std::vector<std::thread> threads_;
};

}  // namespace tocsin::http
