#include "auth/throttle.h"

#include <arpa/inet.h>

#include <algorithm>

namespace tocsin::auth {
namespace {
std::string pair_key(const Throttle::Attempt& attempt) {
  return std::string(attempt.account.substr(0, 256)) + '\n' + throttle_address(attempt.address);
}
}  // namespace

std::string throttle_address(std::string_view address) {
  std::string text(address.substr(0, 64));
  in6_addr v6{};
  if (::inet_pton(AF_INET6, text.c_str(), &v6) != 1 || IN6_IS_ADDR_V4MAPPED(&v6)) return text;
  return "6:" + std::string(reinterpret_cast<const char*>(v6.s6_addr), 8);
}

Throttle::Entry* Throttle::find(Book& book, const std::string& key) {
  const auto at = book.index.find(key);
  if (at == book.index.end()) return nullptr;
  if (clock_.steady_now() - at->second->last < kThrottleMemory) return &*at->second;
  book.entries.erase(at->second);
  book.index.erase(at);
  return nullptr;
}

std::chrono::nanoseconds Throttle::delay(Book& book, const std::string& key, unsigned free) {
  const Entry* entry = find(book, key);
  if (entry == nullptr || entry->failures < free) return {};
  const unsigned over = std::min(entry->failures - free, 20u);
  const std::chrono::nanoseconds wait = std::min<std::chrono::seconds>(kMaxThrottleDelay, std::chrono::seconds(1u << over));
  return std::max(std::chrono::nanoseconds(0), entry->last + wait - clock_.steady_now());
}

void Throttle::fail(Book& book, const std::string& key) {
  if (Entry* entry = find(book, key)) {
    ++entry->failures;
    entry->last = clock_.steady_now();
    const auto at = book.index.find(key);
    book.entries.splice(book.entries.end(), book.entries, at->second);
    return;
  }
  if (book.entries.size() >= kMaxThrottleEntries) {
    book.index.erase(book.entries.front().key);
    book.entries.pop_front();
    ++evicted_;
  }
  book.entries.push_back({key, 1, clock_.steady_now()});
  book.index[key] = std::prev(book.entries.end());
}

void Throttle::take_one(Book& book, const std::string& key) {
  if (Entry* entry = find(book, key); entry != nullptr && entry->failures > 0) --entry->failures;
}

std::chrono::nanoseconds Throttle::begin(const Attempt& attempt) {
  const std::string pair = pair_key(attempt), address = throttle_address(attempt.address);
  const core::Lock lock(mutex_);
  auto wait = delay(pairs_, pair, kFreePairFailures);
  if (!attempt.known) wait = std::max(wait, delay(addresses_, address, kFreeAddressFailures));
  if (wait > std::chrono::nanoseconds(0)) return wait;
  fail(pairs_, pair);
  fail(addresses_, address);
  return {};
}

void Throttle::succeeded(const Attempt& attempt) {
  const core::Lock lock(mutex_);
  if (Entry* entry = find(pairs_, pair_key(attempt))) entry->failures = 0;
  take_one(addresses_, throttle_address(attempt.address));
}

void Throttle::taken_back(const Attempt& attempt) {
  const core::Lock lock(mutex_);
  take_one(pairs_, pair_key(attempt));
  take_one(addresses_, throttle_address(attempt.address));
}

std::uint64_t Throttle::evicted_count() const {
  const core::Lock lock(mutex_);
  return evicted_;
}

}  // namespace tocsin::auth
