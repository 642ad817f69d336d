#include "detect/correlate/keyed_hash.h"

#include <bit>
#include <cstring>

namespace tocsin::detect::correlate {
namespace {

struct Sip {
  std::uint64_t v0, v1, v2, v3;

  void round() {
    v0 += v1;
    v1 = std::rotl(v1, 13) ^ v0;
    v0 = std::rotl(v0, 32);
    v2 += v3;
    v3 = std::rotl(v3, 16) ^ v2;
    v0 += v3;
    v3 = std::rotl(v3, 21) ^ v0;
    v2 += v1;
    v1 = std::rotl(v1, 17) ^ v2;
    v2 = std::rotl(v2, 32);
  }
  void word(std::uint64_t m) {
    v3 ^= m;
    round();
    v0 ^= m;
  }
};

}  // namespace

std::uint64_t keyed_hash(std::uint64_t key, std::string_view bytes) {
  const std::uint64_t second = key ^ 0x9e3779b97f4a7c15u;
  Sip sip{key ^ 0x736f6d6570736575u, second ^ 0x646f72616e646f6du, key ^ 0x6c7967656e657261u, second ^ 0x7465646279746573u};
  const char* at = bytes.data();
  std::size_t left = bytes.size();
  for (; left >= 8; left -= 8, at += 8) {
    std::uint64_t m = 0;
    std::memcpy(&m, at, 8);
    if constexpr (std::endian::native == std::endian::big) m = __builtin_bswap64(m);
    sip.word(m);
  }
  std::uint64_t tail = static_cast<std::uint64_t>(bytes.size()) << 56;
  for (std::size_t i = 0; i < left; ++i) tail |= static_cast<std::uint64_t>(static_cast<unsigned char>(at[i])) << (8 * i);
  sip.word(tail);
  sip.v2 ^= 0xff;
  sip.round();
  sip.round();
  sip.round();
  return sip.v0 ^ sip.v1 ^ sip.v2 ^ sip.v3;
}

}  // namespace tocsin::detect::correlate
