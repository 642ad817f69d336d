#include "core/arena.h"

#include <algorithm>

namespace tocsin::core {

void Arena::grow(std::size_t size_bytes) {
  const std::size_t block_bytes = std::max({size_bytes, block_bytes_, reserved_bytes_});
  blocks_.push_back({std::make_unique_for_overwrite<char[]>(block_bytes), block_bytes});
  reserved_bytes_ += block_bytes;
  next_ = blocks_.back().bytes.get();
  left_bytes_ = block_bytes;
  close(next_, block_bytes);
}

void Arena::reset() {
  if (blocks_.empty()) return;
  if (blocks_.size() == 1) {
    close(blocks_[0].bytes.get(), blocks_[0].size_bytes - left_bytes_);
    next_ = blocks_[0].bytes.get();
    left_bytes_ = blocks_[0].size_bytes;
    return;
  }
  auto largest = std::max_element(blocks_.begin(), blocks_.end(),
                                  [](const Block& a, const Block& b) { return a.size_bytes < b.size_bytes; });
  // Blocks grow, so the last one is the largest, filled up to next_; another would be full.
  const bool is_last = largest->bytes.get() == blocks_.back().bytes.get();
  const std::size_t used_bytes = is_last ? largest->size_bytes - left_bytes_ : largest->size_bytes;
  Block keep = std::move(*largest);
  blocks_.clear();
  next_ = keep.bytes.get();
  left_bytes_ = keep.size_bytes;
  reserved_bytes_ = keep.size_bytes;
  close(next_, used_bytes);
  blocks_.push_back(std::move(keep));
}

}  // namespace tocsin::core
