// The time of day and a time that only goes forward, behind an interface, so that tests set them.
//
// Any number of threads. Wall time may jump; measure durations with steady_now().
#pragma once
#include <atomic>
#include <chrono>

#include "core/time.h"

namespace tocsin::core {

class Clock {
 public:
  virtual ~Clock() = default;
  [[nodiscard]] virtual Timestamp now() const = 0;
  // Since some fixed instant of this process.
  [[nodiscard]] virtual std::chrono::nanoseconds steady_now() const = 0;
};

class SystemClock final : public Clock {
 public:
  [[nodiscard]] Timestamp now() const override {
    return {
        std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now().time_since_epoch()).count()};
  }
  [[nodiscard]] std::chrono::nanoseconds steady_now() const override {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch());
  }
};

// Stands still until it is moved.
class FakeClock final : public Clock {
 public:
  explicit FakeClock(Timestamp start) : now_ns_(start.ns) {}
  [[nodiscard]] Timestamp now() const override { return {now_ns_.load()}; }
  [[nodiscard]] std::chrono::nanoseconds steady_now() const override { return std::chrono::nanoseconds(steady_ns_.load()); }
  void advance(std::chrono::nanoseconds by) {
    now_ns_ += by.count();
    steady_ns_ += by.count();
  }
  // The wall clock alone jumps.
  void set(Timestamp now) { now_ns_ = now.ns; }

 private:
  std::atomic<std::int64_t> now_ns_;
  std::atomic<std::int64_t> steady_ns_{0};
};

}  // namespace tocsin::core
