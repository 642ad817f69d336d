#include "http/parts/token_buckets.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace tocsin::http {

void TokenBuckets::refill(Bucket& bucket, std::chrono::nanoseconds now) const {
  const double seconds = std::chrono::duration<double>(now - bucket.at).count();
  bucket.tokens = std::min(most(), bucket.tokens + std::max(0.0, seconds) * per_second_);
  bucket.at = now;
}

TokenBuckets::Bucket& TokenBuckets::find(const std::string& address, std::chrono::nanoseconds now) {
  const auto found = buckets_.find(address);
  if (found != buckets_.end()) return found->second;
  // A full bucket says nothing. Looked for at most once a second, so that a flood of addresses costs no scan each.
  if (buckets_.size() >= kMaxBucketAddresses && now - purged_at_ >= std::chrono::seconds(1)) {
    purged_at_ = now;
    std::erase_if(buckets_, [&](const auto& entry) {
      Bucket bucket = entry.second;
      refill(bucket, now);
      return bucket.tokens >= most();
    });
  }
  const Bucket fresh{most(), now};
  const std::string key = buckets_.size() < kMaxBucketAddresses ? address : std::string();
  return buckets_.try_emplace(key, fresh).first->second;
}

std::chrono::milliseconds TokenBuckets::take(const std::string& address, std::chrono::nanoseconds now) {
  if (per_second_ <= 0) return {};
  Bucket& bucket = find(address, now);
  refill(bucket, now);
  if (bucket.tokens >= 1) {
    bucket.tokens -= 1;
    return {};
  }
  return std::chrono::milliseconds(static_cast<std::int64_t>(std::ceil((1 - bucket.tokens) / per_second_ * 1000)));
}

}  // namespace tocsin::http
