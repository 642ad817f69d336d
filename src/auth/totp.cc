#include "auth/totp.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>

namespace tocsin::auth {

std::string totp_code(std::string_view secret, std::int64_t step, int digits) {
  std::array<unsigned char, 8> counter{};
  for (std::size_t i = 0; i < 8; ++i)
    counter[i] = static_cast<unsigned char>(static_cast<std::uint64_t>(step) >> (56 - 8 * i));
  std::array<unsigned char, EVP_MAX_MD_SIZE> mac{};
  unsigned size = 0;
  HMAC(EVP_sha1(), secret.data(), static_cast<int>(secret.size()), counter.data(), counter.size(), mac.data(), &size);
  const std::size_t at = mac[19] & 0x0fu;
  std::uint32_t value = (mac[at] & 0x7fu);
  for (std::size_t i = 1; i < 4; ++i) value = value << 8 | mac[at + i];
  std::string code(static_cast<std::size_t>(digits), '0');
  for (std::size_t i = code.size(); i-- > 0; value /= 10) code[i] = static_cast<char>('0' + value % 10);
  return code;
}

std::optional<std::int64_t> match_totp(std::string_view secret, std::string_view code, core::Timestamp now,
                                       std::int64_t last_step) {
  const std::int64_t present = now.ns / 1'000'000'000 / kTotpStepSeconds;
  std::optional<std::int64_t> found;
  for (std::int64_t step = present - kTotpWindow; step <= present + kTotpWindow; ++step) {
    const std::string expected = totp_code(secret, step, kTotpDigits);
    unsigned difference = expected.size() == code.size() ? 0 : 1;
    for (std::size_t i = 0; i < expected.size() && i < code.size(); ++i) {
      difference |= static_cast<unsigned char>(expected[i]) ^ static_cast<unsigned>(static_cast<unsigned char>(code[i]));
    }
    if (difference == 0 && step > last_step) found = step;
  }
  return found;
}

std::string base32(std::string_view bytes) {
  constexpr std::string_view kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  std::string out;
  std::uint32_t held = 0;
  unsigned bits = 0;
  for (const char c : bytes) {
    held = held << 8 | static_cast<unsigned char>(c);
    for (bits += 8; bits >= 5; bits -= 5) out += kLetters[held >> (bits - 5) & 31u];
  }
  if (bits > 0) out += kLetters[held << (5 - bits) & 31u];
  return out;
}

core::Secret totp_uri(std::string_view secret, std::string_view user) {
  std::string name;
  for (const char c : user) name += c == '@' ? std::string("%40") : std::string(1, c);  // Names hold nothing else to escape.
  return core::Secret("otpauth://totp/Tocsin:" + name + "?secret=" + base32(secret) + "&issuer=Tocsin");
}

}  // namespace tocsin::auth
