#include "triage/entity_names.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstring>

#include "core/text.h"

namespace tocsin::triage {
namespace {

constexpr std::array<std::uint8_t, 12> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
constexpr std::size_t kMaxAddressBytes = 64;
constexpr std::size_t kMaxHostBytes = 255;

bool is_v4(const Address& address) { return std::equal(kMapped.begin(), kMapped.end(), address.bytes.begin()); }

}  // namespace

std::optional<Address> parse_address(std::string_view text) {
  if (text.size() >= 2 && text.front() == '[' && text.back() == ']') text = text.substr(1, text.size() - 2);
  text = text.substr(0, text.find('%'));
  if (text.empty() || text.size() > kMaxAddressBytes || text.find('\0') != std::string_view::npos) return std::nullopt;
  std::array<char, kMaxAddressBytes + 1> zero_ended{};
  std::memcpy(zero_ended.data(), text.data(), text.size());
  Address out;
  if (inet_pton(AF_INET6, zero_ended.data(), out.bytes.data()) == 1) return out;
  std::copy(kMapped.begin(), kMapped.end(), out.bytes.begin());
  if (inet_pton(AF_INET, zero_ended.data(), out.bytes.data() + kMapped.size()) == 1) return out;
  return std::nullopt;
}

std::string to_text(const Address& address) {
  std::array<char, INET6_ADDRSTRLEN> out{};
  if (is_v4(address))
    inet_ntop(AF_INET, address.bytes.data() + kMapped.size(), out.data(), out.size());
  else
    inet_ntop(AF_INET6, address.bytes.data(), out.data(), out.size());
  return out.data();
}

bool Network::contains(const Address& address) const {
  const unsigned whole = bits / 8;
  if (!std::equal(base.bytes.begin(), base.bytes.begin() + whole, address.bytes.begin())) return false;
  if (bits % 8 == 0) return true;
  const unsigned shift = 8 - bits % 8;
  return base.bytes[whole] >> shift == address.bytes[whole] >> shift;
}

std::optional<Network> parse_network(std::string_view text) {
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const auto base = parse_address(text.substr(0, slash));
  const std::string_view digits = text.substr(slash + 1);
  unsigned bits = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), bits);
  if (!base || digits.empty() || error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  const bool v4 = text.substr(0, slash).find(':') == std::string_view::npos;
  if (bits > (v4 ? 32U : 128U)) return std::nullopt;
  return Network{*base, v4 ? bits + 96 : bits};
}

std::string host_key(std::string_view name) {
  while (!name.empty() && (name.front() == '\\' || name.front() == ' ')) name.remove_prefix(1);
  while (!name.empty() && (name.back() == '.' || name.back() == ' ')) name.remove_suffix(1);
  if (name.empty() || name.size() > kMaxHostBytes || parse_address(name)) return {};
  const std::string_view shorter = name.substr(0, name.find('.'));
  if (shorter.empty() || shorter == "-" || shorter.find_first_of("|/\\ \t\r\n") != std::string_view::npos) return {};
  std::string out = core::ascii_lower(shorter);
  if (out == "localhost" || out == "unknown") return {};
  return out;
}

std::string_view base_name(std::string_view path) { return path.substr(path.find_last_of("/\\") + 1); }

std::vector<std::string> url_hosts(std::string_view text, std::size_t max) {
  constexpr std::string_view kMark = "://";
  std::vector<std::string> out;
  for (std::size_t at = text.find(kMark); at != std::string_view::npos && out.size() < max; at = text.find(kMark, at)) {
    at += kMark.size();
    std::string_view host = text.substr(at, kMaxHostBytes);
    host = host.substr(0, host.find_first_of("/\\'\"` \t\r\n;,)<>|?#&$"));
    if (const std::size_t user = host.rfind('@'); user != std::string_view::npos) host.remove_prefix(user + 1);
    if (!host.starts_with('['))
      host = host.substr(0, host.find(':'));
    else
      host = host.substr(0, host.find(']') == std::string_view::npos ? host.size() : host.find(']') + 1);
    if (!host.empty()) out.push_back(core::ascii_lower(host));
  }
  return out;
}

}  // namespace tocsin::triage
