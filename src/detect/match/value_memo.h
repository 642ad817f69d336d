// What was found out about the values of one slot, for values seen before.
//
// Logs repeat themselves: the same images, users, parents and command lines come again and again. A memo keeps, for some
// hundred recent values of a slot, the folded text, which literals it holds, and the outcome of its costly predicates.
// Where a slot's values do not repeat, the memo finds that out and turns itself off. One thread; bounded by kMemoSlots
// entries of at most kMaxMemoBytes text each, and by a budget that the memos of an engine share.
#pragma once
#include <array>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "detect/match/literal_index.h"

namespace tocsin::detect {

inline constexpr std::size_t kMemoSlots = 256;         // A power of two.
inline constexpr std::size_t kMaxMemoBytes = 256;      // Longer values are not kept.
inline constexpr std::size_t kMaxMemos = 256;          // Per engine: some 35 MB, 130 MB at the very most.
inline constexpr std::uint32_t kMinMemoEvents = 64;    // A program's memos begin when it has seen so many events.
inline constexpr std::uint32_t kUsesBeforeFilter = 8;  // Judging all rules costs as much as some dozen uses save.
inline constexpr std::size_t kMaxMemoOutcomes = 64;    // Of predicates, per value.

// What every look needs comes first: one line of the cache.
struct alignas(64) MemoEntry {
  std::uint64_t mixed = 0;  // Of the text; equal texts have equal ones.
  std::uint32_t id = 0;     // Of this text in this memo, never given again; 0: none.
  std::uint32_t epoch = 0;  // Of the event that used it last: it is not replaced while that is at hand.
  std::uint32_t use_count = 0;
  bool filtered = false;     // `possible` and `reached` are made.
  bool no_keywords = false;  // Holds no literal of the keyword slot's index.
  bool has_hits = false, has_rest = false, has_bytes = false;
  bool ascii = true;
  std::string text;
  // What the value says of rules where it is the slot's only one; made at its kUsesBeforeFilter-th use (slot_filter.h).
  std::vector<std::uint64_t> possible;    // Bit per rule: the value does not rule it out.
  std::vector<std::uint32_t> reached;     // The rules that the value reaches and does not rule out.
  std::vector<std::uint32_t> hits, rest;  // Literal numbers of the slot's two indexes.
  std::string folded;
  std::array<std::uint64_t, 2> bytes{};
  std::vector<std::pair<std::uint32_t, bool>> outcomes;  // Predicate number and whether the value fulfils it.
};

// Outcomes of rules that depend on few values, all of them remembered ones: kept by rule and values. One thread.
class OutcomeMemo {
 public:
  struct Key {
    std::uint32_t rule = 0;
    std::array<std::uint32_t, 4> values{};  // MemoEntry::id, or one of the marks below.
    bool operator==(const Key&) const = default;
  };
  static constexpr std::uint32_t kAbsent = 1, kNull = 2, kFirstId = 3;

  // The place for a key: holds it with its outcome, or is to be overwritten by note().
  struct Entry {
    Key key{.rule = ~0U};
    bool held = false;
  };
  Entry& place(const Key& key) {
    if (entries_.empty()) entries_.resize(kEntries);
    std::uint64_t mixed = key.rule;
    for (const std::uint32_t value : key.values) mixed = (mixed ^ value) * 0x9E37'79B9'7F4A'7C15;
    return entries_[mixed >> (64 - kBits)];
  }
  [[nodiscard]] bool allocated() const { return !entries_.empty(); }

 private:
  static constexpr unsigned kBits = 11;
  static constexpr std::size_t kEntries = std::size_t{1} << kBits;  // 48 KB.
  std::vector<Entry> entries_;
};

class ValueMemo {
 public:
  // The entry of `text`: with what is known, or emptied for it. Null where the memo has none for it. REQUIRES: epoch > 0.
  // `left`: how many more memos the engine may have. A new text takes the next of `ids`.
  MemoEntry* find(std::string_view text, std::uint32_t epoch, std::size_t& left, std::uint32_t& ids) {
    if (off_) {
      if (epoch != off_epoch_ && !entries_.empty()) {
        entries_ = std::vector<MemoEntry>();
        ++left;
      }
      return nullptr;
    }
    if (text.size() > kMaxMemoBytes) return nullptr;
    if (entries_.empty()) {
      if (left == 0) return nullptr;
      --left;
      entries_.resize(kMemoSlots);
    }
    // Two places, so that two common values do not keep pushing each other out.
    const std::uint64_t mixed = mix(text);
    MemoEntry* const first = &entries_[place_of(mixed)];
    MemoEntry* const second = &entries_[place_of(mixed) ^ 1];
    ++looks_;
    for (MemoEntry* known : {first, second}) {
      if (known->mixed != mixed || known->epoch == 0 || known->text != text) continue;
      ++found_;
      known->epoch = epoch;
      ++known->use_count;
      return known;
    }
    MemoEntry& entry = first->epoch <= second->epoch ? *first : *second;  // Used longer ago.
    if (entry.epoch == epoch) return nullptr;
    if (looks_ >= kTrial) {
      if (found_ * kWorthwhile < looks_) {
        off_ = true;
        off_epoch_ = epoch;  // Other values of the event at hand may still use entries.
        return nullptr;
      }
      looks_ = found_ = 0;
    }
    entry.id = ++ids;
    entry.mixed = mixed;
    entry.text.assign(text);
    entry.folded.clear();
    entry.has_hits = entry.has_rest = entry.has_bytes = entry.no_keywords = false;
    entry.hits.clear();
    entry.rest.clear();
    entry.outcomes.clear();
    entry.bytes = {};
    entry.use_count = 0;
    entry.filtered = false;
    entry.epoch = epoch;
    return &entry;
  }

 private:
  // Only of some of the bytes: which entry it is, the text itself decides.
  static std::uint64_t mix(std::string_view text) {
    const char* at = text.data();
    const std::size_t size = text.size();
    std::uint64_t mixed = size;
    if (size >= 8) {
      std::uint64_t head = 0;
      std::uint64_t middle = 0;
      std::uint64_t tail = 0;
      std::memcpy(&head, at, 8);
      std::memcpy(&middle, at + (size - 8) / 2, 8);
      std::memcpy(&tail, at + size - 8, 8);
      mixed = (mixed ^ head) * 0x9E37'79B9'7F4A'7C15 ^ middle;
      mixed = mixed * 0xD6E8'FEB8'6659'FD93 ^ tail;
      if (size >= 16) {  // Names of programs differ before "host.exe".
        std::memcpy(&middle, at + size - 16, 8);
        mixed = mixed * 0x9E37'79B9'7F4A'7C15 ^ middle;
      }
    } else if (size > 0) {  // An empty text may point nowhere, which memcpy forbids.
      std::uint64_t all = 0;
      std::memcpy(&all, at, size);
      mixed ^= all << 8;
    }
    return mixed * 0x9E37'79B9'7F4A'7C15;
  }
  static std::size_t place_of(std::uint64_t mixed) { return static_cast<std::size_t>(mixed >> 56) & (kMemoSlots - 1); }

  // After so many looks, a memo that found fewer than one in kWorthwhile goes off.
  static constexpr std::uint32_t kTrial = 2'048;
  static constexpr std::uint32_t kWorthwhile = 4;
  std::vector<MemoEntry> entries_;
  std::uint32_t looks_ = 0, found_ = 0;
  bool off_ = false;
  std::uint32_t off_epoch_ = 0;
};

}  // namespace tocsin::detect
