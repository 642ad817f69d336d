// Counts how common rules and things are, from the findings themselves.
//
// One thread counts; snapshots are immutable and shared by any thread. Days are days of event time. The snapshot has what
// was counted up to the last full day, of the last kDays days, so that all findings of a day are judged alike in whatever
// order they come; it changes when the day does. A finding later than its day counts for the day that is being counted.
// Times ahead of the clock of who received them are counted as received. Bounded: of more than kMaxEntriesPerDay things a
// day, further ones are not counted (they look rare), and that is counted.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "triage/joiner.h"

namespace tocsin::triage {

inline constexpr int kPrevalenceDays = 21;
inline constexpr std::size_t kMaxEntriesPerDay = 200'000;
inline constexpr std::uint32_t kMaxHostsPerEntry = 64;  // Of one thing on one day; more look like as many.
inline constexpr std::size_t kMaxAddressesKnown = 200'000;

class CountedPrevalence {
 public:
  CountedPrevalence();
  ~CountedPrevalence();
  CountedPrevalence(CountedPrevalence&&) noexcept;

  // True where a day ended, so that snapshot() is another one than before: to be set before the finding is joined.
  bool add(const Finding& finding);
  // An address of a host, from the asset register or from findings that name both. The last told counts. Known from the next
  // snapshot on; refresh() makes one of the same days, at once but for the addresses.
  void learn_address(std::string_view tenant, std::string_view address, std::string_view host);
  void forget_address(std::string_view tenant, std::string_view address);
  bool refresh();  // False: no address changed, and the snapshot is the same.
  [[nodiscard]] std::shared_ptr<const Prevalence> snapshot() const;

  struct Stats {
    std::uint64_t findings = 0, days = 0, not_counted = 0;
    std::size_t entries = 0, addresses = 0;
  };
  [[nodiscard]] Stats stats() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tocsin::triage
