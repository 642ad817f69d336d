// Strings held once, by number, counted: a string goes when its last user lets it go, so hostile names cannot pile up.
//
// One thread. Number 0 is the empty string and is not counted.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/assert.h"
#include "detect/correlate/keyed_hash.h"

namespace tocsin::detect::correlate {

class Interner {
 public:
  explicit Interner(std::uint64_t hash_key) : ids_(16, Hash{hash_key}) { slots_.emplace_back(); }

  // The number of `text`, with one use more.
  std::uint32_t acquire(std::string_view text) {
    if (text.empty()) return 0;
    if (last_ != 0 && slots_[last_].uses != 0 && *slots_[last_].text == text) return add_use(last_);
    const auto found = ids_.find(text);
    if (found != ids_.end()) return last_ = add_use(found->second);
    std::uint32_t id = static_cast<std::uint32_t>(slots_.size());
    if (free_.empty()) {
      slots_.emplace_back();
    } else {
      id = free_.back();
      free_.pop_back();
    }
    slots_[id].text = std::make_unique<std::string>(text);
    slots_[id].uses = 1;
    ids_.emplace(*slots_[id].text, id);
    return last_ = id;
  }
  std::uint32_t add_use(std::uint32_t id) {
    if (id != 0) ++slots_[id].uses;
    return id;
  }
  void release(std::uint32_t id) {
    if (id == 0 || --slots_[id].uses != 0) return;
    ids_.erase(*slots_[id].text);
    slots_[id].text.reset();
    free_.push_back(id);
  }
  [[nodiscard]] std::string_view text(std::uint32_t id) const {
    return id == 0 ? std::string_view() : std::string_view(*slots_[id].text);
  }
  [[nodiscard]] std::size_t size() const { return ids_.size(); }

 private:
  struct Hash {
    std::uint64_t key;
    std::size_t operator()(std::string_view text) const { return keyed_hash(key, text); }
  };
  struct Slot {
    std::unique_ptr<std::string> text;
    std::uint64_t uses = 0;
  };
  std::vector<Slot> slots_;
  std::vector<std::uint32_t> free_;
  std::unordered_map<std::string_view, std::uint32_t, Hash> ids_;
  std::uint32_t last_ = 0;  // Files and hosts come in runs.
};

}  // namespace tocsin::detect::correlate
