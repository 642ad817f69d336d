#include "measure/sample.h"

#include <sodium.h>

#include <array>
#include <string>
#include <string_view>

namespace tocsin::measure {
namespace {

std::array<unsigned char, crypto_generichash_BYTES> hash_of(std::string_view text, const core::Secret& key) {
  std::array<unsigned char, crypto_generichash_BYTES> out{};
  // The key is hashed as text, with its length in front, so that it may have any length.
  const std::string_view secret = key.reveal();
  crypto_generichash_state state;
  crypto_generichash_init(&state, nullptr, 0, out.size());
  const auto add = [&state](std::string_view bytes) {
    crypto_generichash_update(&state, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
  };
  add(std::to_string(secret.size()) + ":");
  add(secret);
  add(text);
  crypto_generichash_final(&state, out.data(), out.size());
  return out;
}

}  // namespace

core::Secret sample_key(const core::Secret& secret) {
  const auto hash = hash_of("tocsin review sample", secret);
  return core::Secret(std::string(reinterpret_cast<const char*>(hash.data()), hash.size()));
}

bool is_sampled(const core::Secret& key, std::int64_t incident, double share_percent) {
  const auto hash = hash_of("incident " + std::to_string(incident), key);
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < 8; ++i) value = value << 8 | hash[i];
  // 53 bits: what a double holds exactly.
  return static_cast<double>(value >> 11) < share_percent / 100 * 9007199254740992.0;
}

}  // namespace tocsin::measure
