// A queue in one block of memory: nothing allocated while empty, grows by doubling, shrinks when drained.
//
// For trivially copyable types. std::deque takes over 500 bytes even for one element; there may be a million of these.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <type_traits>

#include "core/assert.h"

namespace tocsin::detect::correlate {

template <class T>
class Ring {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] bool empty() const { return size_ == 0; }
  T& operator[](std::size_t i) { return data_[(head_ + i) & (capacity_ - 1)]; }
  const T& operator[](std::size_t i) const { return data_[(head_ + i) & (capacity_ - 1)]; }
  T& front() { return (*this)[0]; }
  T& back() { return (*this)[size_ - 1]; }
  [[nodiscard]] const T& back() const { return (*this)[size_ - 1]; }

  void push_back(const T& value) {
    if (size_ == capacity_) move_to(capacity_ == 0 ? 1 : capacity_ * 2);
    ++size_;
    back() = value;
  }
  // REQUIRES: !empty().
  void pop_front() {
    head_ = (head_ + 1) & (capacity_ - 1);
    --size_;
    if (capacity_ >= 64 && size_ * 8 <= capacity_) move_to(capacity_ / 2);
  }
  void clear() {
    data_.reset();
    size_ = capacity_ = head_ = 0;
  }

 private:
  void move_to(std::uint32_t capacity) {
    auto fresh = std::make_unique_for_overwrite<T[]>(capacity);
    for (std::uint32_t i = 0; i < size_; ++i) fresh[i] = (*this)[i];
    data_ = std::move(fresh);
    capacity_ = capacity;
    head_ = 0;
  }

  std::unique_ptr<T[]> data_;
  std::uint32_t size_ = 0, capacity_ = 0, head_ = 0;  // capacity_ is 0 or a power of two.
};

}  // namespace tocsin::detect::correlate
