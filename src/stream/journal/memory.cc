#include "stream/journal/memory.h"

#include <algorithm>
#include <vector>

#include "stream/journal/bytes.h"

namespace tocsin::stream {

void Checkpoints::erase(Items::iterator item) {
  bytes_ -= item->first.size() + item->second.value.size();
  by_age_.erase(item->second.sequence);
  items_.erase(item);
}

std::size_t Checkpoints::set(std::string_view key, std::string_view value, std::uint64_t sequence) {
  if (const auto old = items_.find(key); old != items_.end()) erase(old);
  const auto item = items_.emplace(std::string(key), Item{std::string(value), sequence}).first;
  by_age_[sequence] = item;
  bytes_ += key.size() + value.size();
  std::size_t forgotten = 0;
  for (; items_.size() > kMaxCheckpoints || bytes_ > kMaxCheckpointBytes; ++forgotten) erase(by_age_.begin()->second);
  return forgotten;
}

std::string Checkpoints::get(std::string_view key) const {
  const auto item = items_.find(key);
  return item == items_.end() ? std::string() : item->second.value;
}

std::string Checkpoints::encode() const {
  std::string out;
  for (const auto& [sequence, item] : by_age_) {
    put_u64(out, sequence);
    put_u32(out, static_cast<std::uint32_t>(item->first.size()));
    put_u32(out, static_cast<std::uint32_t>(item->second.value.size()));
    out += item->first;
    out += item->second.value;
  }
  return out;
}

bool Checkpoints::decode(std::string_view bytes) {
  *this = Checkpoints();
  ByteReader in(bytes);
  std::uint64_t before = 0;
  while (!in.finished()) {
    const std::uint64_t sequence = in.u64();
    const std::uint32_t key_bytes = in.u32();
    const std::uint32_t value_bytes = in.u32();
    const std::string_view key = in.take(key_bytes);
    const std::string_view value = in.take(value_bytes);
    if (!in.ok() || sequence <= before || key.empty()) {
      *this = Checkpoints();
      return false;
    }
    before = sequence;
    set(key, value, sequence);
  }
  return true;
}

std::optional<std::uint64_t> OnceKeys::find(std::string_view key) const {
  const auto found = keys_.find(key);
  return found == keys_.end() ? std::nullopt : std::optional(found->second);
}

void OnceKeys::add(std::string_view key, std::uint64_t sequence) {
  const auto [item, added] = keys_.emplace(std::string(key), sequence);
  if (!added) return;
  order_.push_back(item);
  if (order_.size() <= most_) return;
  keys_.erase(order_.front());
  order_.pop_front();
}

std::uint64_t DamageLog::add(SequenceRange range) {
  std::uint64_t fresh = range.last - range.first + 1;
  auto at = ranges_.upper_bound(range.first);
  if (at != ranges_.begin() && std::prev(at)->second >= range.first) --at;
  SequenceRange joined = range;
  while (at != ranges_.end() && at->first <= range.last) {
    fresh -= std::min(at->second, range.last) - std::max(at->first, range.first) + 1;
    joined = {std::min(joined.first, at->first), std::max(joined.last, at->second)};
    at = ranges_.erase(at);
  }
  ranges_[joined.first] = joined.last;
  count_ += fresh;
  return fresh;
}

void DamageLog::forget_before(std::uint64_t sequence) {
  while (!ranges_.empty() && ranges_.begin()->second < sequence) ranges_.erase(ranges_.begin());
}

}  // namespace tocsin::stream
