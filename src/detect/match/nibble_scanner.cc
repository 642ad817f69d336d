// The method known as Teddy (from Hyperscan): of each literal a window of up to 4 bytes is taken, and the literals are
// dealt into 8 buckets. For each byte of the window two tables of 16 entries say, for a low and a high nibble, in which
// buckets a byte with that nibble occurs. A byte shuffle looks up 16 bytes of the text at once; the And of the 8 look-ups
// leaves, for each of 16 places, the buckets that may begin there. Mostly none does. For those that do, the window leads
// through a small hash table to the literals that have it (short windows are compared one by one), and these are compared.
#include "detect/match/nibble_scanner.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <numeric>
#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

#include "core/assert.h"

namespace tocsin::detect {
namespace {

// Literals that share a bucket: for each byte of the window which nibbles occur, one bit each.
struct Cluster {
  std::array<std::uint16_t, 4> low{}, high{};
  std::vector<std::size_t> members;
};

// Of a thousand bytes of folded log text, roughly; [high nibble][low nibble].
constexpr std::uint8_t kFrequency[16][16] = {
    {},
    {},
    {90, 1, 5, 1, 1, 2, 1, 2, 3, 3, 1, 1, 5, 15, 20, 8},            //  !"#$%&'()*+,-./
    {20, 20, 18, 14, 12, 12, 12, 10, 10, 10, 15, 2, 1, 5, 1, 1},    // 0123456789:;<=>?
    {1},                                                            // @
    {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 15, 2, 1, 8},              // [\\]^_
    {1, 50, 12, 30, 30, 75, 12, 14, 18, 50, 3, 8, 30, 22, 50, 50},  // `abcdefghijklmno
    {25, 2, 45, 50, 55, 22, 10, 18, 8, 10, 2, 2, 1, 2, 1, 0},       // pqrstuvwxyz{|}~
};

// The chance that a place in a text looks like the two clusters together.
double chance_of(const Cluster& a, const Cluster& b) {
  double chance = 1;
  for (std::size_t k = 0; k < a.low.size(); ++k) {
    const unsigned lows = static_cast<unsigned>(a.low[k]) | b.low[k];
    const unsigned highs = static_cast<unsigned>(a.high[k]) | b.high[k];
    if (lows == 0xFFFF && highs == 0xFFFF) continue;
    unsigned sum = 1;
    for (unsigned high = highs & 0xFF; high != 0; high &= high - 1) {
      for (unsigned low = lows; low != 0; low &= low - 1) sum += kFrequency[std::countr_zero(high)][std::countr_zero(low)];
    }
    chance *= sum / 1000.0;
  }
  return chance;
}

// Joins clusters until `count` are left: each time those two that make the least more places look like a literal.
void join_clusters(std::vector<Cluster>& clusters, std::size_t count) {
  std::vector<double> alone;
  for (const Cluster& cluster : clusters) alone.push_back(chance_of(cluster, cluster));
  std::vector<std::vector<double>> costs(clusters.size());
  for (std::size_t a = 0; a < clusters.size(); ++a) {
    for (std::size_t b = 0; b < a; ++b) costs[a].push_back(chance_of(clusters[a], clusters[b]) - alone[a] - alone[b]);
  }
  std::vector<std::size_t> left(clusters.size());
  std::iota(left.begin(), left.end(), std::size_t{0});
  while (left.size() > count) {
    std::size_t best_a = 1;
    std::size_t best_b = 0;
    for (std::size_t i = 1; i < left.size(); ++i) {
      for (std::size_t j = 0; j < i; ++j) {
        if (costs[left[i]][left[j]] < costs[left[best_a]][left[best_b]]) {
          best_a = i;
          best_b = j;
        }
      }
    }
    const std::size_t into = left[best_b];
    const Cluster& from = clusters[left[best_a]];
    for (std::size_t k = 0; k < from.low.size(); ++k) {
      clusters[into].low[k] |= from.low[k];
      clusters[into].high[k] |= from.high[k];
    }
    clusters[into].members.insert(clusters[into].members.end(), from.members.begin(), from.members.end());
    left.erase(left.begin() + static_cast<std::ptrdiff_t>(best_a));
    alone[into] = chance_of(clusters[into], clusters[into]);
    for (const std::size_t other : left) {
      if (other == into) continue;
      costs[std::max(other, into)][std::min(other, into)] =
          chance_of(clusters[other], clusters[into]) - alone[other] - alone[into];
    }
  }
  std::vector<Cluster> out;
  for (const std::size_t i : left) out.push_back(std::move(clusters[i]));
  clusters = std::move(out);
}

// How often a byte occurs in folded log text, roughly: the rarer the better for a window.
unsigned commonness(char c) {
  constexpr std::string_view kByFrequency = "zqjxk~^`|{}[]<>$#@!?*%&;vbwygf\"'()=+,phmldcu";
  const std::size_t at = kByFrequency.find(c);
  if (at != std::string_view::npos) return static_cast<unsigned>(at) / 4 + 1;
  return static_cast<unsigned char>(c) >= 0x80 ? 1 : 14;
}

std::uint32_t load_window(const char* at, std::size_t size) {
  std::uint32_t value = 0;
  if (size >= 4) [[likely]]
    std::memcpy(&value, at, 4);
  else
    std::memcpy(&value, at, size);
  return value;
}

}  // namespace

void NibbleScanner::add(std::string_view text, std::uint32_t number) {
  TOCSIN_ASSERT(text.size() >= 2 && literals_.size() < kMaxNibbleLiterals);
  literals_.push_back({std::string(text), number, 0, 0, 0});
}

// The window whose bytes are rare, and which few other literals hold: text resembles what is looked for in it.
void NibbleScanner::choose_window(Literal& literal) const {
  const std::size_t window = std::min(kWindow, literal.text.size());
  unsigned best = ~0U;
  for (std::size_t at = 0; at + window <= literal.text.size(); ++at) {
    const std::string_view bytes = std::string_view(literal.text).substr(at, window);
    unsigned sum = 0;
    for (const char c : bytes) sum += commonness(c);
    for (const Literal& other : literals_) sum += other.text.find(bytes) != std::string::npos ? 4 : 0;
    if (sum < best) {
      best = sum;
      literal.offset = static_cast<std::uint32_t>(at);
    }
  }
  literal.value = load_window(literal.text.data() + literal.offset, window);
  literal.mask = window == 4 ? ~0U : (1U << (8 * window)) - 1;
}

// Literals with like windows share a bucket: the fewer nibbles a bucket's tables hold, the fewer places look like it.
void NibbleScanner::deal() {
  std::vector<Cluster> clusters;
  for (std::size_t i = 0; i < literals_.size(); ++i) {
    Cluster& cluster = clusters.emplace_back();
    cluster.members = {i};
    for (std::size_t k = 0; k < kWindow; ++k) {
      const bool counts = (literals_[i].mask >> (8 * k) & 0xFF) != 0;
      const std::uint32_t byte = literals_[i].value >> (8 * k) & 0xFF;
      cluster.low[k] = counts ? static_cast<std::uint16_t>(1U << (byte & 15U)) : std::uint16_t{0xFFFF};
      cluster.high[k] = counts ? static_cast<std::uint16_t>(1U << (byte >> 4U)) : std::uint16_t{0xFFFF};
    }
  }
  join_clusters(clusters, kBuckets);
  std::vector<Literal> dealt;
  for (std::size_t b = 0; b < kBuckets; ++b) {
    bucket_first_[b] = static_cast<std::uint32_t>(dealt.size());
    if (b >= clusters.size()) continue;
    // Short windows first: verify() stops behind them.
    std::sort(clusters[b].members.begin(), clusters[b].members.end(), [this](std::size_t x, std::size_t y) {
      return literals_[x].mask != literals_[y].mask ? literals_[x].mask < literals_[y].mask : x < y;
    });
    for (const std::size_t i : clusters[b].members) dealt.push_back(literals_[i]);
  }
  bucket_first_[kBuckets] = static_cast<std::uint32_t>(dealt.size());
  literals_ = std::move(dealt);
}

void NibbleScanner::build() {
  for (Literal& literal : literals_) choose_window(literal);
  deal();
  build_hash();
  for (std::size_t b = 0; b < kBuckets; ++b) {
    const auto bit = static_cast<std::uint8_t>(1U << b);
    for (std::size_t i = bucket_first_[b]; i < bucket_first_[b + 1]; ++i) {
      for (std::size_t k = 0; k < kWindow; ++k) {
        const auto byte = static_cast<std::uint8_t>(literals_[i].value >> (8 * k));
        const bool counts = (literals_[i].mask >> (8 * k) & 0xFF) != 0;
        for (std::size_t nibble = 0; nibble < 16; ++nibble) {
          if (!counts || nibble == (byte & 15U)) low_[k][nibble] |= bit;
          if (!counts || nibble == (byte >> 4U)) high_[k][nibble] |= bit;
        }
      }
    }
  }
}

void NibbleScanner::build_hash() {
  for (std::size_t b = 0; b < kBuckets; ++b) {
    for (std::size_t i = bucket_first_[b]; i < bucket_first_[b + 1]; ++i) {
      (literals_[i].mask == ~0U ? full_buckets_ : short_buckets_) |= 1U << b;
      if (literals_[i].mask == ~0U) full_order_.push_back(static_cast<std::uint8_t>(i));
    }
  }
  const auto hash_of = [this](std::uint8_t i) { return hash(literals_[i].value); };
  std::stable_sort(full_order_.begin(), full_order_.end(),
                   [&](std::uint8_t a, std::uint8_t b) { return hash_of(a) < hash_of(b); });
  for (const std::uint8_t i : full_order_) ++full_first_[hash_of(i) + 1];
  for (std::size_t h = 1; h < full_first_.size(); ++h)
    full_first_[h] = static_cast<std::uint8_t>(full_first_[h] + full_first_[h - 1]);
}

void NibbleScanner::compare(const Literal& literal, std::uint32_t window, std::string_view text, std::size_t at,
                            std::vector<std::uint32_t>& out) const {
  if ((window & literal.mask) != literal.value || literal.offset > at) return;
  const std::size_t start = at - literal.offset;
  if (literal.text.size() > text.size() - start || (!out.empty() && out.back() == literal.number)) return;
  // A literal of at most 4 bytes is its window.
  if (literal.text.size() <= kWindow || std::memcmp(text.data() + start, literal.text.data(), literal.text.size()) == 0)
    out.push_back(literal.number);
}

void NibbleScanner::verify(std::string_view text, std::size_t at, unsigned buckets, std::vector<std::uint32_t>& out) const {
  const std::uint32_t window = load_window(text.data() + at, text.size() - at);
  if ((buckets & full_buckets_) != 0) {
    const std::uint32_t place = hash(window);
    for (std::size_t i = full_first_[place]; i < full_first_[place + 1]; ++i)
      compare(literals_[full_order_[i]], window, text, at, out);
  }
  for (buckets &= short_buckets_; buckets != 0; buckets &= buckets - 1) {
    const auto b = static_cast<std::size_t>(std::countr_zero(buckets));
    for (std::size_t i = bucket_first_[b]; i < bucket_first_[b + 1] && literals_[i].mask != ~0U; ++i)
      compare(literals_[i], window, text, at, out);
  }
}

void NibbleScanner::find_plain(std::string_view text, std::size_t from, std::vector<std::uint32_t>& out) const {
  for (std::size_t at = from; at + 2 <= text.size(); ++at) {
    unsigned buckets = 0xFF;
    for (std::size_t k = 0; k < kWindow && buckets != 0; ++k) {
      // Past the end only windows shorter than 4 may still fit; verify() decides.
      if (at + k >= text.size()) break;
      const auto byte = static_cast<unsigned char>(text[at + k]);
      buckets &= static_cast<unsigned>(low_[k][byte & 15U]) & high_[k][byte >> 4U];
    }
    if (buckets != 0) verify(text, at, buckets, out);
  }
}

// find_vector handles the places whose windows lie within the text, as far as whole vectors go; returns where it stopped.
#if defined(__x86_64__)
namespace {

__attribute__((target("avx2"), always_inline)) inline __m256i look_at_32(const char* at, __m256i low, __m256i high) {
  const __m256i nibble = _mm256_set1_epi8(15);
  const __m256i bytes = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at));
  return _mm256_and_si256(_mm256_shuffle_epi8(low, _mm256_and_si256(bytes, nibble)),
                          _mm256_shuffle_epi8(high, _mm256_and_si256(_mm256_srli_epi16(bytes, 4), nibble)));
}

__attribute__((target("avx2"), always_inline)) inline __m256i load_table(const std::uint8_t* tables, int k) {
  return _mm256_broadcastsi128_si256(_mm_load_si128(reinterpret_cast<const __m128i*>(tables) + k));
}

// For 32 and 16 places: the buckets that may begin there, written to `buckets`; the places with any as bits. The loop is
// written out, so that the tables stay in registers. `use(at, places, buckets)`; returns where it stopped.
template <typename Use>
__attribute__((target("avx2"))) std::size_t look_by_32(std::string_view text, const std::uint8_t* low,
                                                       const std::uint8_t* high, const Use& use) {
  const __m256i low_0 = load_table(low, 0);
  const __m256i low_1 = load_table(low, 1);
  const __m256i low_2 = load_table(low, 2);
  const __m256i low_3 = load_table(low, 3);
  const __m256i high_0 = load_table(high, 0);
  const __m256i high_1 = load_table(high, 1);
  const __m256i high_2 = load_table(high, 2);
  const __m256i high_3 = load_table(high, 3);
  alignas(32) std::uint8_t buckets[32];
  std::size_t at = 0;
  for (; at + 32 + 3 <= text.size(); at += 32) {
    const char* data = text.data() + at;
    const __m256i all =
        _mm256_and_si256(_mm256_and_si256(look_at_32(data, low_0, high_0), look_at_32(data + 1, low_1, high_1)),
                         _mm256_and_si256(look_at_32(data + 2, low_2, high_2), look_at_32(data + 3, low_3, high_3)));
    const auto none = static_cast<std::uint32_t>(_mm256_movemask_epi8(_mm256_cmpeq_epi8(all, _mm256_setzero_si256())));
    if (none == ~0U) [[likely]]
      continue;
    _mm256_store_si256(reinterpret_cast<__m256i*>(buckets), all);
    use(at, ~none, buckets);
  }
  return at;
}

template <typename Use>
__attribute__((target("ssse3"))) std::size_t look_by_16(std::string_view text, std::size_t from, const std::uint8_t* low,
                                                        const std::uint8_t* high, const Use& use) {
  alignas(16) std::uint8_t buckets[16];
  const auto look = [&](std::size_t at) __attribute__((target("ssse3"))) {
    __m128i all = _mm_set1_epi8(-1);
    for (int k = 0; k < 4; ++k) {
      const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(text.data() + at + static_cast<unsigned>(k)));
      const __m128i lows = _mm_shuffle_epi8(_mm_load_si128(reinterpret_cast<const __m128i*>(low) + k),
                                            _mm_and_si128(bytes, _mm_set1_epi8(15)));
      const __m128i highs = _mm_shuffle_epi8(_mm_load_si128(reinterpret_cast<const __m128i*>(high) + k),
                                             _mm_and_si128(_mm_srli_epi16(bytes, 4), _mm_set1_epi8(15)));
      all = _mm_and_si128(all, _mm_and_si128(lows, highs));
    }
    const auto none = static_cast<std::uint32_t>(_mm_movemask_epi8(_mm_cmpeq_epi8(all, _mm_setzero_si128())));
    if (none == 0xFFFFU) return;
    _mm_store_si128(reinterpret_cast<__m128i*>(buckets), all);
    use(at, none ^ 0xFFFFU, buckets);
  };
  std::size_t at = from;
  for (; at + 16 + 3 <= text.size(); at += 16) look(at);
  // The rest, together with some places looked at before.
  const std::size_t end = text.size() < 3 ? 0 : text.size() - 3;
  if (at > 0 && at < end) {
    look(end - 16);
    at = end;
  }
  return at;
}

}  // namespace

std::size_t NibbleScanner::find_vector(std::string_view text, std::vector<std::uint32_t>& out) const {
  static const bool has_avx2 = __builtin_cpu_supports("avx2") != 0;
  static const bool has_ssse3 = __builtin_cpu_supports("ssse3") != 0;
  const auto use = [&](std::size_t at, std::uint32_t places, const std::uint8_t* buckets) {
    for (; places != 0; places &= places - 1) {
      const auto place = static_cast<std::size_t>(std::countr_zero(places));
      verify(text, at + place, buckets[place], out);
    }
  };
  std::size_t at = 0;
  if (has_avx2) at = look_by_32(text, low_[0].data(), high_[0].data(), use);
  if (has_ssse3) at = look_by_16(text, at, low_[0].data(), high_[0].data(), use);
  return at;
}
#elif defined(__aarch64__)
std::size_t NibbleScanner::find_vector(std::string_view text, std::vector<std::uint32_t>& out) const {
  std::size_t at = 0;
  for (; at + 16 + kWindow - 1 <= text.size(); at += 16) {
    uint8x16_t all = vdupq_n_u8(0xFF);
    for (std::size_t k = 0; k < kWindow; ++k) {
      const uint8x16_t bytes = vld1q_u8(reinterpret_cast<const std::uint8_t*>(text.data() + at + k));
      const uint8x16_t lows = vqtbl1q_u8(vld1q_u8(low_[k].data()), vandq_u8(bytes, vdupq_n_u8(15)));
      all = vandq_u8(all, vandq_u8(lows, vqtbl1q_u8(vld1q_u8(high_[k].data()), vshrq_n_u8(bytes, 4))));
    }
    if (vmaxvq_u8(all) == 0) continue;
    std::uint8_t buckets[16];
    vst1q_u8(buckets, all);
    for (std::size_t place = 0; place < 16; ++place) {
      if (buckets[place] != 0) verify(text, at + place, buckets[place], out);
    }
  }
  return at;
}
#else
std::size_t NibbleScanner::find_vector(std::string_view, std::vector<std::uint32_t>&) const { return 0; }
#endif

void NibbleScanner::find(std::string_view text, std::vector<std::uint32_t>& out) const {
  find_plain(text, find_vector(text, out), out);
}

}  // namespace tocsin::detect
