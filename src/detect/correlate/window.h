// The events of one group inside one window, and their value (count, distinct count, sum ...) kept up to date.
//
// Adding and removing cost O(1), for percentiles O(log n), for temporal_ordered O(rules). 48 bytes per event.
#pragma once
#include <cstdint>
#include <limits>
#include <memory>
#include <vector>

#include "detect/correlate/plan.h"
#include "detect/correlate/ring.h"

namespace tocsin::detect::correlate {

inline constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::min();

struct Entry {
  std::int64_t time = 0;
  std::uint64_t order = 0;
  std::uint64_t code = 0;  // Hash of the distinct value, or the bits of the number.
  std::uint64_t record = 0;
  std::uint32_t file = 0, host = 0;  // Interned; the entry holds one use of each.
  std::uint32_t position = 0;        // Of the rule in the correlation's list.
  bool continued = false;            // One more value of the event before it; not an event of its own.
};

// The chains of temporal_ordered: for each step, the latest start of a chain that has come that far.
struct Chains {
  std::vector<std::int64_t> start;         // Per step; kNever where none. start[k] <= start[k - 1].
  std::vector<std::int64_t> start_before;  // The same before the current event: a step needs a later event than the last.
  std::int64_t time = kNever;              // The current event.
  std::uint64_t order = 0;
};

class Window {
 public:
  Window();
  ~Window();
  Window(Window&&) noexcept;
  Window& operator=(Window&&) noexcept;

  void add(const CorrelationPlan& plan, const Entry& entry);
  // Steps of temporal_ordered that the event just added takes.
  void step(const CorrelationPlan& plan, const std::vector<std::uint32_t>& positions, std::int64_t time,
            std::uint64_t order);
  // Removes the oldest entry. REQUIRES: !entries().empty().
  void pop(const CorrelationPlan& plan);
  void clear();

  // Of the window that begins at `begin`. REQUIRES: a not empty window.
  [[nodiscard]] double value(const CorrelationPlan& plan, std::int64_t begin) const;
  [[nodiscard]] const Ring<Entry>& entries() const { return entries_; }
  [[nodiscard]] std::uint64_t event_count() const { return event_count_; }

  // For saved state: what cannot be told from the entries.
  [[nodiscard]] std::uint32_t summed_count() const { return summed_count_; }
  [[nodiscard]] double back_sum() const { return back_sum_; }
  [[nodiscard]] const Chains* chains() const;
  // `entries` as they were; sums are taken over as given.
  void restore(const CorrelationPlan& plan, const std::vector<Entry>& entries, std::uint32_t summed_count, double back_sum,
               std::unique_ptr<Chains> chains);

 private:
  struct Extra;
  void add_value(const CorrelationPlan& plan, const Entry& entry);
  void sum_up();
  Extra& extra();

  Ring<Entry> entries_;
  std::uint32_t event_count_ = 0;
  // Sums without subtraction (which would lose digits): the first summed_count_ entries hold, in place of their number,
  // the sum from themselves to the last of these; back_sum_ is that of the entries after them.
  std::uint32_t summed_count_ = 0;
  double back_sum_ = 0;
  std::unique_ptr<Extra> extra_;  // Only for types that need it.
};

}  // namespace tocsin::detect::correlate
