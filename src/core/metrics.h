// Counters and gauges with names, help and labels: what /metrics shows and the console reads.
//
// A Registry is made by app and handed about. Handles are stable for the life of the registry and may be used by any
// thread without a lock; making one takes a lock: do it once, at the start. Names follow Prometheus (tocsin_..._total,
// _bytes, _seconds). Text form: Prometheus exposition format 0.0.4.
#pragma once
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tocsin::core {

using Labels = std::vector<std::pair<std::string, std::string>>;

class Counter {
 public:
  void add(std::uint64_t by = 1) { value_.fetch_add(by, std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

class Gauge {
 public:
  void set(double value) { value_.store(value, std::memory_order_relaxed); }
  [[nodiscard]] double value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<double> value_{0};
};

class Metrics {
 public:
  Metrics();
  ~Metrics();
  // The same name and labels give the same handle. `help` of the first call stands. REQUIRES: one kind to a name.
  Counter& counter(std::string_view name, std::string_view help, Labels labels = {});
  Gauge& gauge(std::string_view name, std::string_view help, Labels labels = {});
  // Asked when the text is made; called on that thread, must not block.
  void gauge_from(std::string_view name, std::string_view help, Labels labels, std::function<double()> read);
  [[nodiscard]] std::string prometheus_text() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tocsin::core
