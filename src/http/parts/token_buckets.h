// One token bucket per address: a second's worth of requests may come at once. One thread.
#pragma once
#include <chrono>
#include <cstddef>
#include <string>
#include <unordered_map>

namespace tocsin::http {

// More addresses share one bucket, so that memory does not grow with the number of senders.
inline constexpr std::size_t kMaxBucketAddresses = 10'000;

class TokenBuckets {
 public:
  // `per_second` 0: everything may pass.
  explicit TokenBuckets(double per_second) : per_second_(per_second) {}
  // Zero: it may pass. Otherwise how long to wait.
  std::chrono::milliseconds take(const std::string& address, std::chrono::nanoseconds now);
  [[nodiscard]] std::size_t size() const { return buckets_.size(); }

 private:
  struct Bucket {
    double tokens = 0;
    std::chrono::nanoseconds at{0};
  };
  [[nodiscard]] double most() const { return per_second_ < 1 ? 1 : per_second_; }
  void refill(Bucket& bucket, std::chrono::nanoseconds now) const;
  Bucket& find(const std::string& address, std::chrono::nanoseconds now);

  double per_second_;
  std::chrono::nanoseconds purged_at_{0};
  std::unordered_map<std::string, Bucket> buckets_;
};

}  // namespace tocsin::http
