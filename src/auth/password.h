// Passwords: what is accepted, and their Argon2id hashes. Any thread; hashing takes kPasswordCost's memory and time.
//
// The caller bounds how many run at once.
#pragma once
#include <string>
#include <string_view>

#include "core/result.h"

namespace tocsin::auth {

inline constexpr std::size_t kMinPasswordBytes = 12;
inline constexpr std::size_t kMaxPasswordBytes = 1'024;
struct PasswordCost {
  unsigned long long passes = 3;
  std::size_t memory_bytes = 64u << 20;
};
inline constexpr PasswordCost kPasswordCost{};
// The least the library allows. For tests only: named where it is used.
inline constexpr PasswordCost kTestPasswordCost{1, 8'192};

// kInvalid: too short, too long, or the user's name (letters of either case).
core::Result<void> check_password_policy(std::string_view name, std::string_view password);
core::Result<std::string> hash_password(std::string_view password, const PasswordCost& cost);
bool password_matches(const std::string& hash, std::string_view password);

}  // namespace tocsin::auth
