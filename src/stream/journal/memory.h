// What the journal remembers beside its segments: checkpoints, once keys, and which entries are damaged.
//
// One thread each, or the owner's lock. All are bounded.
#pragma once
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "core/result.h"

namespace tocsin::stream {

struct SequenceRange {
  std::uint64_t first = 0, last = 0;
  bool operator==(const SequenceRange&) const = default;
};

// Past either limit the ones not set for the longest time are forgotten: their source then reads its origin again.
inline constexpr std::size_t kMaxCheckpoints = 100'000;
inline constexpr std::size_t kMaxCheckpointBytes = 16u << 20;

class Checkpoints {
 public:
  // Sequences rise from call to call. Answers how many were forgotten to make room.
  std::size_t set(std::string_view key, std::string_view value, std::uint64_t sequence);
  [[nodiscard]] std::string get(std::string_view key) const;
  [[nodiscard]] std::string encode() const;
  // Replaces all. False where the bytes are malformed; then nothing is kept.
  bool decode(std::string_view bytes);

 private:
  struct Item {
    std::string value;
    std::uint64_t sequence = 0;
  };
  using Items = std::map<std::string, Item, std::less<>>;
  void erase(Items::iterator item);
  Items items_;
  std::map<std::uint64_t, Items::iterator> by_age_;
  std::size_t bytes_ = 0;
};

// The last kOnceKeysKept keys and the sequences they were given. A tree: senders choose the keys.
class OnceKeys {
 public:
  explicit OnceKeys(std::size_t most) : most_(most) {}
  [[nodiscard]] std::optional<std::uint64_t> find(std::string_view key) const;
  void add(std::string_view key, std::uint64_t sequence);
  [[nodiscard]] std::size_t size() const { return order_.size(); }

 private:
  using Keys = std::map<std::string, std::uint64_t, std::less<>>;
  std::size_t most_;
  Keys keys_;
  std::deque<Keys::iterator> order_;
};

// Damaged entries, each counted once however many readers come past it.
class DamageLog {
 public:
  // Answers how many of the range were not known before.
  std::uint64_t add(SequenceRange range);
  void forget_before(std::uint64_t sequence);
  [[nodiscard]] std::uint64_t count() const { return count_; }

 private:
  std::map<std::uint64_t, std::uint64_t> ranges_;  // First to last.
  std::uint64_t count_ = 0;
};

}  // namespace tocsin::stream
