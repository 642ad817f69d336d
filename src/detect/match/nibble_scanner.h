// A few dozen literals against one text, sixteen places at a time.
//
// Built once, then immutable and shared. Literals have at least 2 bytes. Needs SSSE3 or NEON for its speed; without them
// it is slow but right. Method in the .cc.
#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tocsin::detect {

inline constexpr std::size_t kMaxNibbleLiterals = 64;

class NibbleScanner {
 public:
  // REQUIRES: 2 <= text.size(); fewer than kMaxNibbleLiterals were added. `number` is what find() gives.
  void add(std::string_view text, std::uint32_t number);
  void build();
  [[nodiscard]] bool empty() const { return literals_.empty(); }
  // Appends the number of each literal in `text`; one found repeatedly may be appended repeatedly, not in a row.
  void find(std::string_view text, std::vector<std::uint32_t>& out) const;

 private:
  static constexpr std::size_t kWindow = 4;   // Bytes of a literal that the first look is at.
  static constexpr std::size_t kBuckets = 8;  // One bit each.
  struct Literal {
    std::string text;
    std::uint32_t number = 0;
    std::uint32_t offset = 0;           // Of its window.
    std::uint32_t value = 0, mask = 0;  // The window as a number, and which of its bytes count.
  };
  void choose_window(Literal& literal) const;
  static std::uint32_t hash(std::uint32_t window) { return window * 0x9E37'79B1U >> (32 - kHashBits); }
  void deal();
  void build_hash();
  void compare(const Literal& literal, std::uint32_t window, std::string_view text, std::size_t at,
               std::vector<std::uint32_t>& out) const;
  void verify(std::string_view text, std::size_t at, unsigned buckets, std::vector<std::uint32_t>& out) const;
  void find_plain(std::string_view text, std::size_t from, std::vector<std::uint32_t>& out) const;
  std::size_t find_vector(std::string_view text, std::vector<std::uint32_t>& out) const;

  std::vector<Literal> literals_;
  std::array<std::uint32_t, kBuckets + 1> bucket_first_{};
  unsigned short_buckets_ = 0, full_buckets_ = 0;  // Those with a window of fewer than 4 bytes, of 4 bytes.
  // Literals with a window of 4 bytes by a hash of it: places in full_order_.
  static constexpr unsigned kHashBits = 8;
  std::array<std::uint8_t, (1U << kHashBits) + 1> full_first_{};
  std::vector<std::uint8_t> full_order_;
  // For each byte of the window: the buckets in which a byte with that low or high nibble occurs.
  alignas(16) std::array<std::array<std::uint8_t, 16>, kWindow> low_{}, high_{};
};

}  // namespace tocsin::detect
