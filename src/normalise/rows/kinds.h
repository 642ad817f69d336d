// Which mapping row an event is of, remembered by the kind of the event.
//
// What the conditions of all mappings can tell apart in a field is little: that it is there, and which of the values and
// beginnings named in conditions it has. That little, of all fields that conditions name, is an event's key; events
// of one key are of one row. One thread.
#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "model/event.h"
#include "normalise/ocsf/mapping.h"

namespace tocsin::normalise::rows {

// Events choose keys: past this many all are forgotten. The mappings know some 300 kinds.
inline constexpr std::size_t kMaxKinds = 4'096;
// Words of a key. Events with longer ones (a long list in a field of conditions) are looked up anew each time.
inline constexpr std::size_t kMaxKeyWords = 96;
// Beginnings ("text*") of one field; where there are more, no key is made for events with that field.
inline constexpr std::size_t kMaxKeyPrefixes = 32;

// What conditions ask of the fields, by slot. Immutable.
class Watch {
 public:
  explicit Watch(const ocsf::Mappings& mappings);
  [[nodiscard]] bool watched(ocsf::Slot slot) const { return fields_[slot].present; }
  [[nodiscard]] bool by_value(ocsf::Slot slot) const { return fields_[slot].by_value; }

  struct Class {
    std::uint32_t value = 0, prefixes = 0;
    bool known = true;  // False: too much to tell.
  };
  [[nodiscard]] Class classify(ocsf::Slot slot, std::string_view text, std::string& scratch) const;

 private:
  struct Asked {
    bool present = false, by_value = false;
    std::size_t longest = 0;                                                                 // Of the values.
    std::unordered_map<std::string, std::uint32_t, ocsf::TextHash, std::equal_to<>> values;  // From 1.
    std::vector<std::string> prefixes;
  };
  void add(const ocsf::Conditions& conditions);

  std::vector<Asked> fields_;
};

class KindKey {
 public:
  void begin(const model::EventSlot& slot) {
    size_ = 0;
    add((static_cast<std::uint32_t>(slot.format) << 8) | static_cast<std::uint32_t>(slot.payload));
  }
  void add(std::uint32_t word) {
    if (size_ < words_.size()) words_[size_] = word;
    ++size_;
  }
  void spoil() { size_ = words_.size() + 1; }
  [[nodiscard]] bool good() const { return size_ <= words_.size(); }
  [[nodiscard]] std::u32string_view text() const { return {words_.data(), size_}; }

 private:
  std::array<char32_t, kMaxKeyWords> words_{};
  std::size_t size_ = 0;
};

struct KindHash {
  using is_transparent = void;
  std::size_t operator()(std::u32string_view words) const {
    std::uint64_t hash = words.size();
    for (const char32_t word : words) hash = (hash ^ word) * 0x9E37'79B9'7F4A'7C15u;
    return hash ^ (hash >> 32);
  }
};

}  // namespace tocsin::normalise::rows
