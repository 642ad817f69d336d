#include "app/pipeline/finding_bound.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "app/pipeline/state_bytes.h"

namespace tocsin::app {

void FindingBound::refill(Bucket& bucket, std::int64_t now_ns) const {
  if (now_ns > bucket.at_ns && bucket.at_ns != 0) {
    const double more = limits_.per_second * static_cast<double>(now_ns - bucket.at_ns) / 1e9;
    bucket.tokens = std::min(limits_.burst, bucket.tokens + more);
  }
  bucket.at_ns = now_ns;  // Also where the clock was set back: else nothing would come until it is where it was.
}

void FindingBound::adopt(const Detection& detection) {
  const std::vector<std::string> before = std::move(ids_);
  ids_.clear();
  numbers_.clear();
  for (std::size_t i = 0; i < detection.rules->rules.size(); ++i) {
    ids_.push_back(detection.live[i].id);
    numbers_.emplace(ids_.back(), static_cast<std::uint32_t>(i));
  }
  decltype(buckets_) kept;
  for (const auto& [key, bucket] : buckets_) {
    if (const auto found = numbers_.find(before[key.first]); found != numbers_.end())
      kept.emplace(std::pair(found->second, key.second), bucket);
  }
  buckets_ = std::move(kept);
}

bool FindingBound::take(std::uint32_t rule_index, std::uint32_t source, core::Timestamp received_at) {
  Bucket& bucket = buckets_.try_emplace({rule_index, source}, Bucket{limits_.burst}).first->second;
  refill(bucket, received_at.ns);
  now_ns_ = received_at.ns;
  if (bucket.tokens < 1) {
    ++bucket.folded;
    ++total_;
    return false;
  }
  bucket.tokens -= 1;
  return true;
}

std::vector<FindingBound::Folded> FindingBound::folded() const {
  std::vector<Folded> out;
  for (const auto& [key, bucket] : buckets_) {
    if (bucket.folded > 0) out.push_back({key.first, key.second, bucket.folded});
  }
  return out;
}

void FindingBound::save(std::string& out) const {
  append_u64(total_, out);
  std::string rows;
  std::uint64_t count = 0;
  for (const auto& [key, bucket] : buckets_) {
    Bucket now = bucket;
    refill(now, std::max(now_ns_, bucket.at_ns));
    if (now.tokens >= limits_.burst && bucket.folded == 0) continue;  // As one that was never asked.
    append_text(ids_[key.first], rows);
    append_u64(key.second, rows);
    append_u64(std::bit_cast<std::uint64_t>(bucket.tokens), rows);
    append_i64(bucket.at_ns, rows);
    append_u64(bucket.folded, rows);
    ++count;
  }
  append_u64(count, out);
  out += rows;
}

bool FindingBound::load(std::string_view& in) {
  std::uint64_t count = 0;
  if (!take_u64(in, total_) || !take_u64(in, count)) return false;
  for (std::uint64_t i = 0; i < count; ++i) {
    std::string id;
    std::uint64_t source = 0, tokens = 0;
    Bucket bucket;
    if (!take_text(in, id) || !take_u64(in, source) || !take_u64(in, tokens) || !take_i64(in, bucket.at_ns) ||
        !take_u64(in, bucket.folded))
      return false;
    bucket.tokens = std::bit_cast<double>(tokens);
    if (!(bucket.tokens >= 0)) return false;
    bucket.tokens = std::min(bucket.tokens, limits_.burst);  // Of a configuration that gave more.
    const auto found = numbers_.find(id);
    if (found != numbers_.end()) buckets_[{found->second, static_cast<std::uint32_t>(source)}] = bucket;
    now_ns_ = std::max(now_ns_, bucket.at_ns);
  }
  return true;
}

}  // namespace tocsin::app
