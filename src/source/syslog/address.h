// An IP address without its port, as a key and as text. Plain values.
#pragma once
#include <array>
#include <string>

struct sockaddr;

namespace tocsin::source::syslog {

using Address = std::array<unsigned char, 16>;  // IPv6, or IPv4 mapped into it.

// REQUIRES: `from` is an IPv4 or IPv6 address; all zero where it is another.
Address address_of(const sockaddr* from);
std::string address_text(const Address& address);  // "192.0.2.1", "2001:db8::1"

}  // namespace tocsin::source::syslog
