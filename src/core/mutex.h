// A mutex whose guarded members the compiler can check (clang -Wthread-safety, preset `tidy`).
//
// core::Mutex with GUARDED_BY(mutex_) on members, core::Lock for a scope, Lock::wait for a condition. std::mutex carries no
// annotations in libstdc++, hence this thin wrapper.
#pragma once
#include <chrono>
#include <condition_variable>
#include <mutex>

#if defined(__clang__)
#define TOCSIN_THREAD_ATTRIBUTE(x) __attribute__((x))
#else
#define TOCSIN_THREAD_ATTRIBUTE(x)
#endif
#define CAPABILITY(x) TOCSIN_THREAD_ATTRIBUTE(capability(x))
#define SCOPED_CAPABILITY TOCSIN_THREAD_ATTRIBUTE(scoped_lockable)
#define GUARDED_BY(x) TOCSIN_THREAD_ATTRIBUTE(guarded_by(x))
#define REQUIRES_LOCK(...) TOCSIN_THREAD_ATTRIBUTE(requires_capability(__VA_ARGS__))
#define ACQUIRE(...) TOCSIN_THREAD_ATTRIBUTE(acquire_capability(__VA_ARGS__))
#define RELEASE(...) TOCSIN_THREAD_ATTRIBUTE(release_capability(__VA_ARGS__))
#define NO_THREAD_CHECK TOCSIN_THREAD_ATTRIBUTE(no_thread_safety_analysis)

namespace tocsin::core {

class CAPABILITY("mutex") Mutex {
 public:
  void lock() ACQUIRE() { mutex_.lock(); }
  void unlock() RELEASE() { mutex_.unlock(); }

 private:
  friend class Lock;
  std::mutex mutex_;
};

class SCOPED_CAPABILITY Lock {
 public:
  explicit Lock(Mutex& mutex) ACQUIRE(mutex) : lock_(mutex.mutex_) {}
  ~Lock() RELEASE() {}
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;

  // Releases the mutex while it waits. May return without cause: wait in a loop on the condition.
  void wait(std::condition_variable& condition) { condition.wait(lock_); }
  // False where the time was up.
  bool wait_for(std::condition_variable& condition, std::chrono::nanoseconds time) {
    return condition.wait_for(lock_, time) == std::cv_status::no_timeout;
  }

 private:
  std::unique_lock<std::mutex> lock_;
};

}  // namespace tocsin::core
