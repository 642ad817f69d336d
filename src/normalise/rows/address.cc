#include "normalise/rows/address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstring>

namespace tocsin::normalise::rows {
namespace {

static_assert(kMaxAddressBytes == INET6_ADDRSTRLEN);

// Four numbers up to 255 without leading zeros.
bool is_plain_ipv4(std::string_view text) {
  if (text.size() < 7 || text.size() > 15) return false;
  unsigned part = 0, digits = 0, dots = 0;
  for (const char c : text) {
    if (c == '.') {
      if (digits == 0 || ++dots > 3) return false;
      part = digits = 0;
      continue;
    }
    if (c < '0' || c > '9' || (digits > 0 && part == 0)) return false;
    part = part * 10 + static_cast<unsigned>(c - '0');
    if (++digits > 3 || part > 255) return false;
  }
  return dots == 3 && digits > 0;
}

}  // namespace

std::string_view canonical_address(std::string_view text, char (&buffer)[kMaxAddressBytes]) {
  if (is_plain_ipv4(text)) return text;
  const std::string_view address = text.substr(0, text.find('%'));
  if (address.size() < 2 || address.size() >= kMaxAddressBytes || address.find(':') == std::string_view::npos) return {};
  char terminated[kMaxAddressBytes] = {};
  std::memcpy(terminated, address.data(), address.size());
  in6_addr six{};
  if (address.find('\0') != std::string_view::npos || inet_pton(AF_INET6, terminated, &six) != 1) return {};
  if (IN6_IS_ADDR_V4MAPPED(&six)) {
    inet_ntop(AF_INET, &six.s6_addr[12], buffer, kMaxAddressBytes);
  } else {
    inet_ntop(AF_INET6, &six, buffer, kMaxAddressBytes);
  }
  const std::string_view canonical(buffer);
  return canonical == text ? text : canonical;
}

}  // namespace tocsin::normalise::rows
