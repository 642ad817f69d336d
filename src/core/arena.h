// Bump allocator for the bytes of one batch.
//
// Memory is handed out until reset(), which keeps the largest block for reuse. One thread. Views into it stay valid
// until reset() or destruction. Grows with its use: the callers' limits on record and batch size bound it. Under
// AddressSanitizer only bytes that are handed out can be touched.
#pragma once
#include <cstddef>
#include <cstring>
#include <memory>
#include <string_view>
#include <vector>

#if defined(__SANITIZE_ADDRESS__)
#define TOCSIN_ARENA_POISON 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define TOCSIN_ARENA_POISON 1
#endif
#endif
#ifdef TOCSIN_ARENA_POISON
#include <sanitizer/asan_interface.h>
#endif

namespace tocsin::core {

class Arena {
 public:
  explicit Arena(std::size_t block_bytes = 256 * 1024) : block_bytes_(block_bytes) {}
  Arena(Arena&&) noexcept = default;
  Arena& operator=(Arena&&) noexcept = default;

  // Uninitialised bytes, no alignment promised. Never null.
  char* allocate(std::size_t size_bytes) {
    if (size_bytes > left_bytes_) grow(size_bytes);
    char* out = next_;
    next_ += size_bytes;
    left_bytes_ -= size_bytes;
    open(out, size_bytes);
    return out;
  }
  // Gives back the last `size_bytes` of the most recent allocate(): for "reserve the most, keep what was used".
  void give_back(std::size_t size_bytes) {
    next_ -= size_bytes;
    left_bytes_ += size_bytes;
    close(next_, size_bytes);
  }
  std::string_view copy(std::string_view text) {
    if (text.empty()) return {};
    char* out = allocate(text.size());
    std::memcpy(out, text.data(), text.size());
    return {out, text.size()};
  }
  void reset();
  [[nodiscard]] std::size_t reserved_bytes() const { return reserved_bytes_; }

 private:
  void grow(std::size_t size_bytes);
#ifdef TOCSIN_ARENA_POISON
  static void open(const char* at, std::size_t size_bytes) { ASAN_UNPOISON_MEMORY_REGION(at, size_bytes); }
  static void close(const char* at, std::size_t size_bytes) { ASAN_POISON_MEMORY_REGION(at, size_bytes); }
#else
  static void open(const char* /*at*/, std::size_t /*size_bytes*/) {}
  static void close(const char* /*at*/, std::size_t /*size_bytes*/) {}
#endif

  struct Block {
    std::unique_ptr<char[]> bytes;
    std::size_t size_bytes = 0;
  };
  std::vector<Block> blocks_;
  std::size_t block_bytes_;
  std::size_t reserved_bytes_ = 0;
  char* next_ = nullptr;
  std::size_t left_bytes_ = 0;
};

}  // namespace tocsin::core
