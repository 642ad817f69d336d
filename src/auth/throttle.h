// Slows down guessing of passwords without a lockout that others could cause.
//
// Failures count for the (account, address) pair and for the address (IPv6: its /64), never for the account alone: failures
// from elsewhere do not hinder anyone. For a pair that has logged in before, its address's count is not looked at. Locks
// inside. Holds at most kMaxThrottleEntries of each; the one touched longest ago goes, counted.
#pragma once
#include <chrono>
#include <cstdint>
#include <list>
#include <string>
#include <string_view>
#include <unordered_map>

#include "core/clock.h"
#include "core/mutex.h"

namespace tocsin::auth {

inline constexpr std::size_t kMaxThrottleEntries = 65'536;
inline constexpr unsigned kFreePairFailures = 3;      // Then 1, 2, 4 ... s.
inline constexpr unsigned kFreeAddressFailures = 20;  // Many people may share an address.
inline constexpr std::chrono::seconds kMaxThrottleDelay{300};
inline constexpr std::chrono::hours kThrottleMemory{1};  // Without a failure; then forgotten.

std::string throttle_address(std::string_view address);

class Throttle {
 public:
  explicit Throttle(const core::Clock& clock) : clock_(clock) {}  // `clock` must outlive it.
  struct Attempt {
    std::string_view account, address;
    bool known = false;  // The account has logged in from the address before.
  };
  // Zero: go on; the attempt counts as failed until succeeded() or taken_back(). Else: refused, wait so long.
  std::chrono::nanoseconds begin(const Attempt& attempt);
  void succeeded(const Attempt& attempt);   // Forgets the pair's failures; takes back the address's one.
  void taken_back(const Attempt& attempt);  // Neither failed nor succeeded.
  [[nodiscard]] std::uint64_t evicted_count() const;

 private:
  struct Entry {
    std::string key;
    unsigned failures = 0;
    std::chrono::nanoseconds last{0};
  };
  struct Book {
    std::list<Entry> entries;  // Touched longest ago first.
    std::unordered_map<std::string, std::list<Entry>::iterator> index;
  };
  Entry* find(Book& book, const std::string& key) REQUIRES_LOCK(mutex_);
  void fail(Book& book, const std::string& key) REQUIRES_LOCK(mutex_);
  std::chrono::nanoseconds delay(Book& book, const std::string& key, unsigned free) REQUIRES_LOCK(mutex_);
  void take_one(Book& book, const std::string& key) REQUIRES_LOCK(mutex_);
  const core::Clock& clock_;
  mutable core::Mutex mutex_;
  Book pairs_ GUARDED_BY(mutex_), addresses_ GUARDED_BY(mutex_);
  std::uint64_t evicted_ GUARDED_BY(mutex_) = 0;
};

}  // namespace tocsin::auth
