// How often each 64-bit code occurs: open addressing, 12 bytes a slot, for distinct values of one window.
//
// Codes are keyed hashes already, so their low bits choose the slot.
#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

namespace tocsin::detect::correlate {

class CountMap {
 public:
  [[nodiscard]] std::size_t distinct() const { return used_; }

  void add(std::uint64_t code) {
    if ((used_ + 1) * 4 > codes_.size() * 3) grow();
    const std::size_t at = find(code);
    codes_[at] = code;
    if (counts_[at]++ == 0) ++used_;
  }

  // REQUIRES: the code was added more often than removed.
  void remove(std::uint64_t code) {
    std::size_t hole = find(code);
    if (--counts_[hole] != 0) return;
    --used_;
    // Closes the gap: moves back each later element of the run that may stand at the hole.
    for (std::size_t at = next(hole); counts_[at] != 0; at = next(at)) {
      const std::size_t home = static_cast<std::size_t>(codes_[at]) & mask();
      if (((at - home) & mask()) < ((at - hole) & mask())) continue;
      codes_[hole] = codes_[at];
      counts_[hole] = counts_[at];
      counts_[at] = 0;
      hole = at;
    }
  }

 private:
  [[nodiscard]] std::size_t mask() const { return codes_.size() - 1; }
  [[nodiscard]] std::size_t next(std::size_t at) const { return (at + 1) & mask(); }
  [[nodiscard]] std::size_t find(std::uint64_t code) const {
    std::size_t at = static_cast<std::size_t>(code) & mask();
    while (counts_[at] != 0 && codes_[at] != code) at = next(at);
    return at;
  }
  void grow() {
    const std::vector<std::uint64_t> codes = std::move(codes_);
    const std::vector<std::uint32_t> counts = std::move(counts_);
    const std::size_t size = codes.empty() ? 4 : codes.size() * 2;
    codes_.assign(size, 0);
    counts_.assign(size, 0);
    for (std::size_t i = 0; i < codes.size(); ++i) {
      if (counts[i] == 0) continue;
      const std::size_t at = find(codes[i]);
      codes_[at] = codes[i];
      counts_[at] = counts[i];
    }
  }

  std::vector<std::uint64_t> codes_;
  std::vector<std::uint32_t> counts_;  // 0: the slot is free.
  std::size_t used_ = 0;
};

}  // namespace tocsin::detect::correlate
