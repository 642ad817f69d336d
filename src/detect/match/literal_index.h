// Many literals against one text: exact, prefix, suffix and anywhere, in time that hardly depends on their number.
//
// Texts and literals are folded by the caller. Built once, then immutable and shared. Which literals it takes, indexable()
// says. Method in the .cc.
#pragma once
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "detect/match/nibble_scanner.h"
#include "detect/match/text_match.h"

namespace tocsin::detect {

// Whether the index takes such a literal: exact ones of any length, prefixes and suffixes from 1 byte on, texts anywhere
// from kMinLiteralBytes on.
inline constexpr std::size_t kMinLiteralBytes = 2;
bool indexable(Shape shape, std::string_view text);

// A 64-bit hash of a text; the same within one run of the program only.
std::uint64_t hash_text(std::string_view text);

class LiteralIndex {
 public:
  // Returns the literal's number, counted from 0 in the order added. Adding the same twice is allowed but wasteful.
  // REQUIRES: indexable(shape, text).
  std::uint32_t add(Shape shape, std::string_view text);
  // After the last add(), before the first find().
  void build();
  [[nodiscard]] bool empty() const { return literals_.empty(); }
  [[nodiscard]] std::size_t size() const { return literals_.size(); }
  [[nodiscard]] std::size_t shortest_bytes() const { return shortest_bytes_; }  // Of its literals.

  // Appends the number of each literal that matches `text`; one found at several places may be appended repeatedly,
  // though not in a row.
  // `ascii`: the text has no byte above 0x7F.
  void find(std::string_view text, bool ascii, std::vector<std::uint32_t>& out) const;

 private:
  struct Literal {
    Shape shape;
    std::string text;
    bool in_few = false;
  };
  struct Entry {
    std::uint64_t key;  // Whole hash, the first or last 8 or 4 bytes, or the 4-byte gram.
    std::uint32_t literal;
    std::uint32_t offset;  // Of the gram in the literal.
  };
  // Entries of one kind, grouped by the hash of their key.
  struct Table {
    std::vector<std::uint32_t> starts;
    std::vector<Entry> entries;
    unsigned shift = 0;
    void build(std::vector<Entry> from, unsigned extra_bits);
    [[nodiscard]] bool empty() const { return entries.empty(); }
  };
  // A Table over grams with a bitmap in front: most places in a text end there.
  struct Scanner {
    Table table;
    std::vector<std::uint64_t> bitmap;
    unsigned shift = 0;
    void build(std::vector<Entry> from);
  };

  template <std::size_t kStride>
  void scan(const Scanner& scanner, std::string_view text, std::vector<std::uint32_t>& out) const;
  void look_up(const Table& table, std::uint64_t key, std::string_view text, std::vector<std::uint32_t>& out) const;
  void build_scanners();
  void build_few();
  void scan_pairs(std::string_view text, std::vector<std::uint32_t>& out) const;
  void scan_wide(std::string_view text, std::vector<std::uint32_t>& out) const;
  void verify(const Entry& entry, std::string_view text, std::size_t at, std::vector<std::uint32_t>& out) const;

  std::vector<Literal> literals_;
  std::size_t shortest_bytes_ = ~std::size_t{0};
  Table exact_, prefix8_, prefix4_, suffix8_, suffix4_;
  Table prefix_short_[3], suffix_short_[3];  // By length - 1.
  Scanner pairs_;                            // Literals of 2 and 3 bytes, by two of them; bitmap over all pairs.
  Scanner by1_, by2_, by4_;
  NibbleScanner few_;  // All texts anywhere, where they are few; else the short ones, where those are few.
  Table wide_;         // Literals that are not ASCII, by the first two or three bytes of their first such character.
  std::uint64_t exact_lengths_ = 0;  // Bit min(length, 63).
};

}  // namespace tocsin::detect
