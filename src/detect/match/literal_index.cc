// How it works
//
// Exact: the hash of the whole text in a table. Prefix and suffix: the first or last 8 bytes (4 for short literals) as
// the key. Anywhere: for each literal a window of 4-byte grams is chosen, the one whose grams are rarest among all
// literals of the index (text resembles the rules about it, so a gram that few literals hold is rare in text too). If
// the literal has 7 bytes or more, 4 grams at consecutive offsets are stored; any place of the literal in a text then
// has exactly one of them at a multiple of 4, so only every 4th position of the text is looked at. With 5 or 6 bytes it
// is 2 grams and every 2nd position, with 4 bytes every position. A look is a multiplication and a bit in a bitmap
// at most 1/16 full; the few that pass go through a table to the literal, which is compared whole.
//
// Literals that are not ASCII cost nothing on ASCII texts, which are nearly all: they are looked for only at the lead
// bytes of a text that is not.
// Where few literals are looked for anywhere (at most kMaxNibbleLiterals), or few of less than 7 bytes, a NibbleScanner
// takes those instead. Else literals of 2 and 3 bytes have a bitmap over all pairs of bytes, looked at in every position.
//
// Example: "\\mimikatz" has 9 bytes; grams at offsets 3..6, "mika" "ikat" "katz"... whichever window is rarest; in the
// text "c:\\t\\mimikatz.exe" exactly one of the four stands at a multiple of 4.
#include "detect/match/literal_index.h"

#include <algorithm>
#include <bit>
#include <unordered_map>

#include "core/assert.h"

namespace tocsin::detect {
namespace {

std::uint64_t load8(const char* at) {
  std::uint64_t value = 0;
  std::memcpy(&value, at, 8);
  return value;
}

std::uint32_t load4(const char* at) {
  std::uint32_t value = 0;
  std::memcpy(&value, at, 4);
  return value;
}

std::uint64_t mix(std::uint64_t a, std::uint64_t b) {
  const auto product = static_cast<unsigned __int128>(a) * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

std::uint64_t spread(std::uint64_t key) { return key * 0x9E37'79B9'7F4A'7C15; }
std::uint32_t spread_gram(std::uint32_t gram) { return gram * 0x9E37'79B1U; }

bool is_wide_lead(char c) { return static_cast<unsigned char>(c) >= 0xC0; }

// Where the first lead byte of a wide character with its followers stands; npos where there is none.
std::size_t first_wide(std::string_view text) {
  for (std::size_t at = 0; at + 1 < text.size(); ++at) {
    if (is_wide_lead(text[at]) && (static_cast<unsigned char>(text[at]) < 0xE0 || at + 2 < text.size())) return at;
  }
  return std::string_view::npos;
}

bool is_common(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == ' '; }

// REQUIRES: first_wide says that the bytes are there.
std::uint64_t wide_key(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint64_t>(static_cast<unsigned char>(text[at + i])); };
  return byte(0) < 0xE0 ? byte(0) | byte(1) << 8 : byte(0) | byte(1) << 8 | byte(2) << 16;
}

std::uint16_t load2(const char* at) {
  std::uint16_t value = 0;
  std::memcpy(&value, at, 2);
  return value;
}

// Of a text of 1 to 3 bytes.
std::uint64_t short_key(std::string_view text) {
  std::uint64_t key = 0;
  for (const char c : text) key = key << 8 | static_cast<unsigned char>(c);
  return key;
}

std::size_t stride_for(std::size_t length) { return length >= 7 ? 4 : length >= 5 ? 2 : 1; }

}  // namespace

std::uint64_t hash_text(std::string_view text) {
  constexpr std::uint64_t kA = 0x9E37'79B9'7F4A'7C15;
  constexpr std::uint64_t kB = 0xD6E8'FEB8'6659'FD93;
  std::uint64_t hash = text.size() * kB;
  const char* at = text.data();
  std::size_t left = text.size();
  for (; left >= 8; left -= 8, at += 8) hash = mix(hash ^ load8(at), kA);
  std::uint64_t tail = 0;
  std::memcpy(&tail, at, left);
  return mix(hash ^ tail, kB);
}

bool indexable(Shape shape, std::string_view text) {
  if (shape == Shape::kExact) return true;
  if (shape == Shape::kContains) return text.size() >= kMinLiteralBytes;
  return !text.empty() && (shape == Shape::kPrefix || shape == Shape::kSuffix);
}

void LiteralIndex::Table::build(std::vector<Entry> from, unsigned extra_bits) {
  if (from.empty()) return;
  const unsigned bits = std::min<unsigned>(20, static_cast<unsigned>(std::bit_width(from.size())) + extra_bits);
  shift = 64 - bits;
  std::stable_sort(from.begin(), from.end(),
                   [this](const Entry& a, const Entry& b) { return (spread(a.key) >> shift) < (spread(b.key) >> shift); });
  starts.assign((std::size_t{1} << bits) + 1, 0);
  for (const Entry& entry : from) ++starts[(spread(entry.key) >> shift) + 1];
  for (std::size_t i = 1; i < starts.size(); ++i) starts[i] += starts[i - 1];
  entries = std::move(from);
}

void LiteralIndex::Scanner::build(std::vector<Entry> from) {
  if (from.empty()) return;
  const unsigned bits = std::clamp<unsigned>(static_cast<unsigned>(std::bit_width(from.size())) + 4, 10, 20);
  shift = 32 - bits;
  bitmap.assign((std::size_t{1} << bits) / 64, 0);
  for (const Entry& entry : from) {
    const std::uint32_t slot = spread_gram(static_cast<std::uint32_t>(entry.key)) >> shift;
    bitmap[slot / 64] |= std::uint64_t{1} << (slot % 64);
  }
  table.build(std::move(from), 1);
}

std::uint32_t LiteralIndex::add(Shape shape, std::string_view text) {
  TOCSIN_ASSERT(indexable(shape, text));
  literals_.push_back({shape, std::string(text), false});
  shortest_bytes_ = std::min(shortest_bytes_, text.size());
  return static_cast<std::uint32_t>(literals_.size() - 1);
}

void LiteralIndex::build() {
  std::vector<Entry> exact;
  std::vector<Entry> prefix8;
  std::vector<Entry> prefix4;
  std::vector<Entry> suffix8;
  std::vector<Entry> suffix4;
  std::vector<Entry> prefix_short[3];
  std::vector<Entry> suffix_short[3];
  for (std::uint32_t i = 0; i < literals_.size(); ++i) {
    const std::string& text = literals_[i].text;
    const Shape shape = literals_[i].shape;
    const char* end = text.data() + text.size();
    if (shape == Shape::kExact) {
      exact.push_back({hash_text(text), i, 0});
      exact_lengths_ |= std::uint64_t{1} << std::min<std::size_t>(text.size(), 63);
    } else if (shape == Shape::kPrefix) {
      if (text.size() < 4)
        prefix_short[text.size() - 1].push_back({short_key(text), i, 0});
      else if (text.size() >= 8)
        prefix8.push_back({load8(text.data()), i, 0});
      else
        prefix4.push_back({load4(text.data()), i, 0});
    } else if (shape == Shape::kSuffix) {
      if (text.size() < 4)
        suffix_short[text.size() - 1].push_back({short_key(text), i, 0});
      else if (text.size() >= 8)
        suffix8.push_back({load8(end - 8), i, 0});
      else
        suffix4.push_back({load4(end - 4), i, 0});
    }
  }
  exact_.build(std::move(exact), 1);
  prefix8_.build(std::move(prefix8), 2);
  prefix4_.build(std::move(prefix4), 2);
  suffix8_.build(std::move(suffix8), 2);
  suffix4_.build(std::move(suffix4), 2);
  for (std::size_t i = 0; i < 3; ++i) {
    prefix_short_[i].build(std::move(prefix_short[i]), 1);
    suffix_short_[i].build(std::move(suffix_short[i]), 1);
  }
  build_scanners();
}

void LiteralIndex::build_few() {
  const auto is_wide = [](std::string_view text) { return first_wide(text) != std::string_view::npos; };
  for (const std::size_t limit : {std::size_t{~0ULL}, std::size_t{7}}) {
    const auto taken = [&](const Literal& literal) {
      return literal.shape == Shape::kContains && literal.text.size() < limit && !is_wide(literal.text);
    };
    const auto count = static_cast<std::size_t>(std::count_if(literals_.begin(), literals_.end(), taken));
    if (count == 0 || count > kMaxNibbleLiterals) continue;
    for (std::uint32_t i = 0; i < literals_.size(); ++i) {
      if (!taken(literals_[i])) continue;
      literals_[i].in_few = true;
      few_.add(literals_[i].text, i);
    }
    few_.build();
    return;
  }
}

void LiteralIndex::build_scanners() {
  build_few();
  std::unordered_map<std::uint32_t, std::uint32_t> gram_counts;
  std::vector<Entry> pairs;
  for (const Literal& literal : literals_) {
    if (literal.shape != Shape::kContains) continue;
    for (std::size_t at = 0; at + 4 <= literal.text.size(); ++at) ++gram_counts[load4(literal.text.data() + at)];
  }
  std::vector<Entry> grams[3];
  std::vector<Entry> wide;
  for (std::uint32_t i = 0; i < literals_.size(); ++i) {
    const std::string& text = literals_[i].text;
    const Shape shape = literals_[i].shape;
    if (shape != Shape::kContains || literals_[i].in_few) continue;
    if (const std::size_t at = first_wide(text); at != std::string_view::npos) {
      wide.push_back({wide_key(text, at), i, static_cast<std::uint32_t>(at)});
      continue;
    }
    if (text.size() < 4) {
      // Of three bytes, the pair with the rarer look: letters and digits are everywhere.
      const bool second = text.size() == 3 && is_common(text[0]) && !is_common(text[2]);
      pairs.push_back({load2(text.data() + (second ? 1 : 0)), i, second ? 1U : 0U});
      continue;
    }
    const std::size_t stride = stride_for(text.size());
    std::size_t best_start = 0;
    std::uint32_t best_count = ~0U;
    for (std::size_t start = 0; start + stride + 3 <= text.size(); ++start) {
      std::uint32_t count = 0;
      for (std::size_t k = 0; k < stride; ++k) count = std::max(count, gram_counts[load4(text.data() + start + k)]);
      if (count < best_count) {
        best_count = count;
        best_start = start;
      }
    }
    for (std::size_t k = 0; k < stride; ++k) {
      const std::size_t at = best_start + k;
      grams[stride / 2].push_back({load4(text.data() + at), i, static_cast<std::uint32_t>(at)});
    }
  }
  wide_.build(std::move(wide), 1);
  if (!pairs.empty()) {
    pairs_.bitmap.assign(65536 / 64, 0);
    for (const Entry& entry : pairs) pairs_.bitmap[entry.key / 64] |= std::uint64_t{1} << (entry.key % 64);
    pairs_.table.build(std::move(pairs), 1);
  }
  by1_.build(std::move(grams[0]));
  by2_.build(std::move(grams[1]));
  by4_.build(std::move(grams[2]));
}

void LiteralIndex::look_up(const Table& table, std::uint64_t key, std::string_view text,
                           std::vector<std::uint32_t>& out) const {
  const std::uint64_t slot = spread(key) >> table.shift;
  for (std::uint32_t i = table.starts[slot]; i < table.starts[slot + 1]; ++i) {
    const Entry& entry = table.entries[i];
    if (entry.key != key) continue;
    const std::string& literal = literals_[entry.literal].text;
    const Shape shape = literals_[entry.literal].shape;
    const bool held = shape == Shape::kExact    ? text == literal
                      : shape == Shape::kPrefix ? text.starts_with(literal)
                                                : text.ends_with(literal);
    if (held) out.push_back(entry.literal);
  }
}

// Compares the literal of an entry whose key was found at `at`.
void LiteralIndex::verify(const Entry& entry, std::string_view text, std::size_t at, std::vector<std::uint32_t>& out) const {
  if (entry.offset > at) return;
  const std::string& literal = literals_[entry.literal].text;
  const std::size_t start = at - entry.offset;
  if (literal.size() > text.size() - start) return;
  if (!out.empty() && out.back() == entry.literal) return;
  if (std::memcmp(text.data() + start, literal.data(), literal.size()) == 0) out.push_back(entry.literal);
}

void LiteralIndex::scan_pairs(std::string_view text, std::vector<std::uint32_t>& out) const {
  const std::uint64_t* bitmap = pairs_.bitmap.data();
  const Table& table = pairs_.table;
  for (std::size_t at = 0; at + 2 <= text.size(); ++at) {
    const std::uint16_t pair = load2(text.data() + at);
    if ((bitmap[pair / 64] >> (pair % 64) & 1) == 0) [[likely]]
      continue;
    const std::uint64_t place = spread(pair) >> table.shift;
    for (std::uint32_t i = table.starts[place]; i < table.starts[place + 1]; ++i) {
      if (table.entries[i].key == pair) verify(table.entries[i], text, at, out);
    }
  }
}

void LiteralIndex::scan_wide(std::string_view text, std::vector<std::uint32_t>& out) const {
  for (std::size_t at = 0; at + 1 < text.size(); ++at) {
    if (!is_wide_lead(text[at]) || (static_cast<unsigned char>(text[at]) >= 0xE0 && at + 2 >= text.size())) continue;
    const std::uint64_t key = wide_key(text, at);
    const std::uint64_t place = spread(key) >> wide_.shift;
    for (std::uint32_t i = wide_.starts[place]; i < wide_.starts[place + 1]; ++i) {
      if (wide_.entries[i].key == key) verify(wide_.entries[i], text, at, out);
    }
  }
}

template <std::size_t kStride>
void LiteralIndex::scan(const Scanner& scanner, std::string_view text, std::vector<std::uint32_t>& out) const {
  const char* data = text.data();
  const std::size_t size = text.size();
  const std::uint64_t* bitmap = scanner.bitmap.data();
  const unsigned shift = scanner.shift;
  for (std::size_t at = 0; at + 4 <= size; at += kStride) {
    const std::uint32_t gram = load4(data + at);
    const std::uint32_t slot = spread_gram(gram) >> shift;
    if ((bitmap[slot / 64] >> (slot % 64) & 1) == 0) [[likely]]
      continue;
    const Table& table = scanner.table;
    const std::uint64_t place = spread(gram) >> table.shift;
    for (std::uint32_t i = table.starts[place]; i < table.starts[place + 1]; ++i) {
      if (table.entries[i].key == gram) verify(table.entries[i], text, at, out);
    }
  }
}

void LiteralIndex::find(std::string_view text, bool ascii, std::vector<std::uint32_t>& out) const {
  const std::size_t size = text.size();
  if (!exact_.empty() && (exact_lengths_ >> std::min<std::size_t>(size, 63) & 1) != 0)
    look_up(exact_, hash_text(text), text, out);
  if (size >= 8) {
    if (!prefix8_.empty()) look_up(prefix8_, load8(text.data()), text, out);
    if (!suffix8_.empty()) look_up(suffix8_, load8(text.data() + size - 8), text, out);
  }
  if (!ascii && !wide_.empty()) scan_wide(text, out);
  if (!few_.empty()) few_.find(text, out);
  if (!pairs_.table.empty()) scan_pairs(text, out);
  for (std::size_t length = 1; length <= 3 && length <= size; ++length) {
    if (!prefix_short_[length - 1].empty()) look_up(prefix_short_[length - 1], short_key(text.substr(0, length)), text, out);
    if (!suffix_short_[length - 1].empty())
      look_up(suffix_short_[length - 1], short_key(text.substr(size - length)), text, out);
  }
  if (size < 4) return;
  if (!prefix4_.empty()) look_up(prefix4_, load4(text.data()), text, out);
  if (!suffix4_.empty()) look_up(suffix4_, load4(text.data() + size - 4), text, out);
  if (!by4_.table.empty()) scan<4>(by4_, text, out);
  if (!by2_.table.empty()) scan<2>(by2_, text, out);
  if (!by1_.table.empty()) scan<1>(by1_, text, out);
}

}  // namespace tocsin::detect
