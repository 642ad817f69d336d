// What one thing is called by all sources: canonical forms of addresses, hosts and names. Pure functions; any thread.
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tocsin::triage {

// IPv4 is held as its IPv4-mapped form, so that one machine has one address.
struct Address {
  std::array<std::uint8_t, 16> bytes{};
  bool operator==(const Address&) const = default;
};
// "10.1.2.3", "::ffff:10.1.2.3", "[fe80::1%eth0]"; nothing else around it.
std::optional<Address> parse_address(std::string_view text);
std::string to_text(const Address& address);

struct Network {
  Address base;
  unsigned bits = 128;
  [[nodiscard]] bool contains(const Address& address) const;
};
std::optional<Network> parse_network(std::string_view text);  // "10.0.0.0/8", "fc00::/7".

// The short name in lower case; empty where the text names no host (an address, "-", "localhost").
std::string host_key(std::string_view name);
// The last part of a path, either separator.
std::string_view base_name(std::string_view path);
// Host of the first URLs in a command line or script, at most `max`.
std::vector<std::string> url_hosts(std::string_view text, std::size_t max);

}  // namespace tocsin::triage
