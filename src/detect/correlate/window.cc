#include "detect/correlate/window.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <ext/pb_ds/assoc_container.hpp>
#include <ext/pb_ds/tree_policy.hpp>
#include <functional>
#include <utility>

#include "detect/correlate/count_map.h"

namespace tocsin::detect::correlate {

using sigma::CorrelationType;

// A sorted multiset with access by rank. Entries leave in the order they came, so a running number tells equals apart.
class OrderedNumbers {
 public:
  void add(double number) { tree_.insert({number, added_++}); }
  void remove(double number) { tree_.erase({number, removed_++}); }
  // Nearest rank: the smallest number that at least `percentile` per cent of all are at or below.
  [[nodiscard]] double at_percentile(double percentile) const {
    const double size = static_cast<double>(tree_.size());
    const double rank = std::clamp(std::ceil(percentile * size / 100), 1.0, size);
    return tree_.find_by_order(static_cast<std::size_t>(rank) - 1)->first;
  }

 private:
  using Key = std::pair<double, std::uint64_t>;
  __gnu_pbds::tree<Key, __gnu_pbds::null_type, std::less<Key>, __gnu_pbds::rb_tree_tag,
                   __gnu_pbds::tree_order_statistics_node_update>
      tree_;
  std::uint64_t added_ = 0, removed_ = 0;
};

struct Window::Extra {
  CountMap distinct;                // value_count.
  OrderedNumbers numbers;           // value_percentile.
  std::vector<std::uint32_t> seen;  // temporal: events per rule.
  std::uint32_t seen_count = 0;     // temporal: rules with an event.
  Chains chains;                    // temporal_ordered.
};

Window::Window() = default;
Window::~Window() = default;
Window::Window(Window&&) noexcept = default;
Window& Window::operator=(Window&&) noexcept = default;

Window::Extra& Window::extra() {
  if (!extra_) extra_ = std::make_unique<Extra>();
  return *extra_;
}

void Window::add(const CorrelationPlan& plan, const Entry& entry) {
  entries_.push_back(entry);
  if (!entry.continued) ++event_count_;
  if (plan.metric && plan.rule->type != CorrelationType::kValuePercentile) back_sum_ += std::bit_cast<double>(entry.code);
  add_value(plan, entry);
}

void Window::add_value(const CorrelationPlan& plan, const Entry& entry) {
  switch (plan.rule->type) {
    case CorrelationType::kValueCount: extra().distinct.add(entry.code); break;
    case CorrelationType::kValuePercentile: extra().numbers.add(std::bit_cast<double>(entry.code)); break;
    case CorrelationType::kTemporal: {
      Extra& more = extra();
      more.seen.resize(plan.rule->rules.size());
      if (more.seen[entry.position]++ == 0) ++more.seen_count;
      break;
    }
    default: break;
  }
}

void Window::step(const CorrelationPlan& plan, const std::vector<std::uint32_t>& positions, std::int64_t time,
                  std::uint64_t order) {
  Chains& chains = extra().chains;
  chains.start.resize(plan.rule->rules.size(), kNever);
  if (chains.start_before.empty() || chains.time != time || chains.order != order) {
    chains.start_before = chains.start;
    chains.time = time;
    chains.order = order;
  }
  for (const std::uint32_t position : positions) {
    const std::int64_t begun = position == 0 ? time : chains.start_before[position - 1];
    chains.start[position] = std::max(chains.start[position], begun);
  }
}

void Window::sum_up() {
  double sum = 0;
  for (std::size_t i = entries_.size(); i-- > 0;) {
    sum += std::bit_cast<double>(entries_[i].code);
    entries_[i].code = std::bit_cast<std::uint64_t>(sum);
  }
  summed_count_ = static_cast<std::uint32_t>(entries_.size());
  back_sum_ = 0;
}

void Window::pop(const CorrelationPlan& plan) {
  switch (plan.rule->type) {
    case CorrelationType::kValueSum:
    case CorrelationType::kValueAvg:
      if (summed_count_ == 0) sum_up();
      --summed_count_;
      break;
    case CorrelationType::kValueCount: extra_->distinct.remove(entries_.front().code); break;
    case CorrelationType::kValuePercentile: extra_->numbers.remove(std::bit_cast<double>(entries_.front().code)); break;
    case CorrelationType::kTemporal:
      if (--extra_->seen[entries_.front().position] == 0) --extra_->seen_count;
      break;
    default: break;
  }
  if (!entries_.front().continued) --event_count_;
  entries_.pop_front();
}

void Window::clear() {
  entries_.clear();
  event_count_ = 0;
  summed_count_ = 0;
  back_sum_ = 0;
  extra_.reset();
}

double Window::value(const CorrelationPlan& plan, std::int64_t begin) const {
  const auto sum = [this] { return summed_count_ == 0 ? back_sum_ : std::bit_cast<double>(entries_[0].code) + back_sum_; };
  switch (plan.rule->type) {
    case CorrelationType::kEventCount: return event_count_;
    case CorrelationType::kValueCount: return static_cast<double>(extra_->distinct.distinct());
    case CorrelationType::kTemporal: return extra_->seen_count;
    case CorrelationType::kTemporalOrdered: {
      const auto& start = extra_->chains.start;
      const auto end = std::find_if(start.begin(), start.end(), [&](std::int64_t at) { return at == kNever || at < begin; });
      return static_cast<double>(end - start.begin());
    }
    case CorrelationType::kValueSum: return sum();
    case CorrelationType::kValueAvg: return sum() / static_cast<double>(entries_.size());
    case CorrelationType::kValuePercentile: return extra_->numbers.at_percentile(plan.rule->percentile);
  }
  return 0;
}

const Chains* Window::chains() const { return extra_ ? &extra_->chains : nullptr; }

void Window::restore(const CorrelationPlan& plan, const std::vector<Entry>& entries, std::uint32_t summed_count,
                     double back_sum, std::unique_ptr<Chains> chains) {
  clear();
  for (const Entry& entry : entries) {
    entries_.push_back(entry);
    if (!entry.continued) ++event_count_;
    add_value(plan, entry);
  }
  summed_count_ = summed_count;
  back_sum_ = back_sum;
  if (chains) extra().chains = std::move(*chains);
}

}  // namespace tocsin::detect::correlate
