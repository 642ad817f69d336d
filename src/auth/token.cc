#include "auth/token.h"

#include <sodium.h>

#include <algorithm>
#include <array>

#include "core/assert.h"

namespace tocsin::auth {
namespace {

std::string base64url(const std::array<unsigned char, 32>& bytes) {
  std::array<char, kTokenTextBytes + 1> text{};
  sodium_bin2base64(text.data(), text.size(), bytes.data(), bytes.size(), sodium_base64_VARIANT_URLSAFE_NO_PADDING);
  return text.data();
}
std::string_view trim(std::string_view text) {
  const auto blank = [](char c) { return c == ' ' || c == '\t'; };
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  return text;
}
bool token_character(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
}

}  // namespace

core::Secret new_token(std::string_view prefix) {
  TOCSIN_ASSERT(sodium_init() >= 0);
  std::array<unsigned char, 32> bytes{};
  randombytes_buf(bytes.data(), bytes.size());
  core::Secret token(std::string(prefix) + base64url(bytes));
  sodium_memzero(bytes.data(), bytes.size());
  return token;
}

std::string hash_token(std::string_view token) {
  std::array<unsigned char, 32> digest{};
  crypto_hash_sha256(digest.data(), reinterpret_cast<const unsigned char*>(token.data()), token.size());
  std::array<char, 65> hex{};
  sodium_bin2hex(hex.data(), hex.size(), digest.data(), digest.size());
  return hex.data();
}

bool is_token(std::string_view text, std::string_view prefix) {
  return text.size() == prefix.size() + kTokenTextBytes && text.starts_with(prefix) &&
         std::all_of(text.begin() + static_cast<std::ptrdiff_t>(prefix.size()), text.end(), token_character);
}

core::Secret csrf_token(std::string_view session_token) {
  std::array<unsigned char, 32> digest{};
  const std::string text = "tocsin-csrf-1 " + hash_token("tocsin-csrf-1 " + std::string(session_token));
  crypto_hash_sha256(digest.data(), reinterpret_cast<const unsigned char*>(text.data()), text.size());
  return core::Secret(base64url(digest));
}

std::optional<std::string_view> find_cookie(std::string_view header, std::string_view name) {
  if (header.size() > kMaxCookieBytes) return std::nullopt;
  for (std::size_t at = 0; at < header.size();) {
    const std::size_t end = std::min(header.find(';', at), header.size());
    const std::string_view pair = trim(header.substr(at, end - at));
    const std::size_t equals = pair.find('=');
    if (equals != std::string_view::npos && trim(pair.substr(0, equals)) == name) return trim(pair.substr(equals + 1));
    at = end + 1;
  }
  return std::nullopt;
}

std::optional<std::string_view> bearer_token(std::string_view header) {
  constexpr std::string_view kScheme = "bearer ";
  if (header.size() <= kScheme.size() || header.size() > kMaxCookieBytes) return std::nullopt;
  for (std::size_t i = 0; i < kScheme.size(); ++i) {
    const char c = header[i];
    if ((c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c) != kScheme[i]) return std::nullopt;
  }
  const std::string_view token = trim(header.substr(kScheme.size()));
  return token.empty() ? std::nullopt : std::optional(token);
}

}  // namespace tocsin::auth
