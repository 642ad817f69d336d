// Session and API tokens, and finding them in headers. Pure but for random bytes; any thread.
//
// 256 random bits as 43 characters of base64url, so a plain SHA-256 is enough to store them.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "core/secret.h"

namespace tocsin::auth {

inline constexpr std::string_view kApiTokenPrefix = "tcs_";
inline constexpr std::string_view kSourceTokenPrefix = "tsrc_";  // A source's; the ledger's Source keeps its hash_token().
inline constexpr std::size_t kTokenTextBytes = 43;               // Without the prefix.
inline constexpr std::size_t kMaxCookieBytes = 16 * 1024;        // Longer headers give nothing.

core::Secret new_token(std::string_view prefix);
inline core::Secret new_source_token() { return new_token(kSourceTokenPrefix); }
std::string hash_token(std::string_view token);  // SHA-256, lower-case hex.
bool is_token(std::string_view text, std::string_view prefix);
// Bound to the session: derived from its token, so it need not be stored, and does not tell it.
core::Secret csrf_token(std::string_view session_token);

// The value of the first cookie called `name` in a Cookie header; views into `header`.
std::optional<std::string_view> find_cookie(std::string_view header, std::string_view name);
// The token of "Bearer <token>"; views into `header`.
std::optional<std::string_view> bearer_token(std::string_view header);

}  // namespace tocsin::auth
