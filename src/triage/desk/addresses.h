// Whose an address is, as hosts say of themselves: an address that two hosts call theirs within a day tells of neither (the
// network behind a router at home, a bridge of containers). Pure; private to triage.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

#include "core/time.h"

namespace tocsin::triage {

inline constexpr std::int64_t kAddressMovesNs = 24LL * 3'600 * 1'000'000'000;

class AddressOwners {
 public:
  enum class Told : std::uint8_t { kKnown, kNew, kShared };  // kNew: it is of this host from now on.
  // `address` and `host` in canonical form (entity_names.h).
  Told tell(std::string_view tenant, std::string_view address, std::string_view host, core::Timestamp at);
  void forget(std::string_view tenant, std::string_view address);
  [[nodiscard]] std::size_t size() const { return owners_.size(); }

 private:
  struct Owner {
    std::string host;
    core::Timestamp at, other_at;  // When it said so last; when another did.
  };
  std::unordered_map<std::string, Owner> owners_;
};

// False: one that many hosts have: loopback, link-local, unspecified, multicast.
bool tells_of_one_host(std::string_view address);

}  // namespace tocsin::triage
