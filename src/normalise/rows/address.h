// IP addresses in one form: that of inet_ntop, IPv4 in IPv6 as IPv4, without a zone. Pure.
#pragma once
#include <cstddef>
#include <string_view>

namespace tocsin::normalise::rows {

inline constexpr std::size_t kMaxAddressBytes = 46;  // INET6_ADDRSTRLEN.

// The canonical text of `text`: `text` itself where it is so already, else written into `buffer`; empty where it is no
// address.
std::string_view canonical_address(std::string_view text, char (&buffer)[kMaxAddressBytes]);

}  // namespace tocsin::normalise::rows
