// One-time codes of RFC 6238: SHA-1, steps of 30 s. Pure; any thread.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/secret.h"
#include "core/time.h"

namespace tocsin::auth {

inline constexpr std::int64_t kTotpStepSeconds = 30;
inline constexpr int kTotpDigits = 6;
inline constexpr int kTotpWindow = 1;  // Steps before and after the present one that are accepted.

std::string totp_code(std::string_view secret, std::int64_t step, int digits);
// The step whose code this is, within the window and after `last_step`, which makes a code good for one use: keep it.
std::optional<std::int64_t> match_totp(std::string_view secret, std::string_view code, core::Timestamp now,
                                       std::int64_t last_step);

// RFC 4648, without padding; what people type into an authenticator.
std::string base32(std::string_view bytes);
// "otpauth://totp/Tocsin:ada?secret=...&issuer=Tocsin": what its camera reads.
core::Secret totp_uri(std::string_view secret, std::string_view user);

}  // namespace tocsin::auth
