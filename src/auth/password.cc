#include "auth/password.h"

#include <sodium.h>

#include <algorithm>
#include <array>

namespace tocsin::auth {
namespace {
char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
}  // namespace

core::Result<void> check_password_policy(std::string_view name, std::string_view password) {
  if (password.size() < kMinPasswordBytes || password.size() > kMaxPasswordBytes) {
    return core::Error{core::ErrorCode::kInvalid, "auth: a password has " + std::to_string(kMinPasswordBytes) + " to " +
                                                      std::to_string(kMaxPasswordBytes) + " bytes"};
  }
  if (std::equal(name.begin(), name.end(), password.begin(), password.end(),
                 [](char a, char b) { return lower(a) == lower(b); })) {
    return core::Error{core::ErrorCode::kInvalid, "auth: the password is the user name"};
  }
  return {};
}

core::Result<std::string> hash_password(std::string_view password, const PasswordCost& cost) {
  std::array<char, crypto_pwhash_STRBYTES> hash{};
  if (sodium_init() < 0 || crypto_pwhash_str_alg(hash.data(), password.data(), password.size(), cost.passes,
                                                 cost.memory_bytes, crypto_pwhash_ALG_ARGON2ID13) != 0) {
    return core::Error{core::ErrorCode::kLimit, "auth: there is not enough memory to hash a password"};
  }
  return std::string(hash.data());
}

bool password_matches(const std::string& hash, std::string_view password) {
  // The library reads the hash as a C string and may look at all of its space.
  std::array<char, crypto_pwhash_STRBYTES> text{};
  if (hash.size() >= text.size() || password.size() > kMaxPasswordBytes || sodium_init() < 0) return false;
  std::copy(hash.begin(), hash.end(), text.begin());
  return crypto_pwhash_str_verify(text.data(), password.data(), password.size()) == 0;
}

}  // namespace tocsin::auth
