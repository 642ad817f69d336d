// How an occurrence travels.
//
//   add -> packed -> pending (heap by time) -> process -> feed: one per correlation that refers to the rule
//        -> feed_group: one per group -> window -> evaluate: a run opens, grows or ends
//        -> chained (queue) -> feed of the correlations that refer to this one
//
// Example: event_count >= 3 within 10 s. Events at 0 4 8 9 15 30. At 8 the window [-2, 8] holds three: a run opens with
// 0 4 8. At 9 the window holds four, at 15 (8 9 15) three: both join. 15 + 10 < 30, so before 30 goes through the run ends:
// one finding, five events, peak value 4. 30 begins afresh.
#include "detect/correlate/engine.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <limits>

#include "detect/correlate/time_math.h"

namespace tocsin::detect::correlate {
namespace {

// Larger numbers are no measurements; with this bound no sum of a window overflows.
constexpr double kMaxNumber = 1e290;
constexpr std::size_t kMaxNameBytes = 1'024;  // Of a file or host.

// Cuts a text at a character at or before `size`.
void cut(std::string& text, std::size_t size) {
  while (size > 0 && (static_cast<unsigned char>(text[size]) & 0xc0) == 0x80) --size;
  text.resize(size);
}

// Keeps a long value short and still distinct.
void shorten(std::string& value, std::uint64_t seed) {
  constexpr char kDigits[] = "0123456789abcdef";
  const std::uint64_t hash = keyed_hash(seed, value);
  cut(value, kMaxGroupValueBytes - 19);
  value += "...";
  for (int shift = 60; shift >= 0; shift -= 4) value += kDigits[(hash >> shift) & 15];
}

bool parse_number(const std::string& text, double& number) {
  const char* begin = text.data();
  const char* end = begin + text.size();
  while (begin != end && *begin == ' ') ++begin;
  while (begin != end && end[-1] == ' ') --end;
  if (end - begin > 1 && *begin == '+' && begin[1] != '-') ++begin;
  const auto parsed = std::from_chars(begin, end, number);
  return parsed.ec == std::errc() && parsed.ptr == end && std::abs(number) <= kMaxNumber;
}

}  // namespace

bool later_than(const Pending& a, const Pending& b) {
  const Moment &x = a.moment, &y = b.moment;
  if (x.time != y.time) return x.time > y.time;
  if (x.order != y.order) return x.order > y.order;
  return a.rule != b.rule ? a.rule > b.rule : a.arrival > b.arrival;
}

void append_u32(std::string& bytes, std::uint32_t value) {
  for (int shift = 0; shift < 32; shift += 8) bytes += static_cast<char>(value >> shift);
}

std::uint32_t read_u32(std::string_view bytes, std::size_t at) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    value |= static_cast<std::uint32_t>(static_cast<unsigned char>(bytes[at + i])) << (8 * i);
  }
  return value;
}

std::vector<std::string> values_of_key(std::string_view key) {
  std::vector<std::string> values;
  std::size_t at = kKeyHead;
  while (at + 4 <= key.size()) {
    const std::size_t size = read_u32(key, at);
    at += 4;
    if (size > key.size() - at) return {};
    values.emplace_back(key.substr(at, size));
    at += size;
  }
  return values;
}

std::size_t Pending::bytes() const {
  std::size_t sum = sizeof(Pending);
  for (const auto& list : values) {
    sum += sizeof list;
    for (const std::string& value : list) sum += sizeof value + (value.size() > 15 ? value.size() + 1 : 0);
  }
  return sum;
}

Engine::Engine(const RuleSet& rules, CorrelatorOptions options)
    : plan_(rules),
      options_(options),
      texts_(options.hash_seed),
      groups_(16, KeyHash{options.hash_seed}),
      by_deadline_(rules.correlations.size()),
      armed_(rules.correlations.size()) {
  options_.max_groups = std::max<std::size_t>(options_.max_groups, 1);
  // At most what a Ring can number.
  options_.max_events_per_group = std::clamp<std::size_t>(options_.max_events_per_group, 1, 1u << 30);
}

Pending Engine::packed(Occurrence occurrence) {
  Pending pending;
  pending.rule = occurrence.rule_index;
  pending.arrival = arrivals_++;
  pending.moment = {.time = occurrence.event_time.ns,
                    .order = occurrence.order,
                    .record = occurrence.record,
                    .file = texts_.acquire(std::string_view(occurrence.file).substr(0, kMaxNameBytes)),
                    .host = texts_.acquire(std::string_view(occurrence.host).substr(0, kMaxNameBytes))};
  pending.values = std::move(occurrence.values);
  pending.values.resize(plan_.rule_fields[pending.rule].size());
  for (auto& values : pending.values) {
    if (values.size() > kMaxValuesPerField) {
      values.resize(kMaxValuesPerField);
      values.shrink_to_fit();
      ++stats_.values_cut;
    }
    for (std::string& value : values) {
      if (value.size() > kMaxGroupValueBytes) {
        shorten(value, options_.hash_seed);
        ++stats_.values_cut;
      }
      if (value.capacity() > 2 * kMaxGroupValueBytes) value.shrink_to_fit();
    }
  }
  return pending;
}

void Engine::add(Occurrence occurrence, std::vector<CorrelationFinding>& out) {
  if (occurrence.rule_index >= plan_.rule_uses.size() || plan_.rule_uses[occurrence.rule_index].empty()) return;
  ++stats_.occurrences;
  const std::int64_t time = occurrence.event_time.ns;
  if (!occurrence.event_time.known()) {
    ++stats_.without_time;
    return;
  }
  if (time < watermark_) {
    ++stats_.late;
    return;
  }
  newest_ = std::max(newest_, time);
  watermark_ = std::max(watermark_, earlier(newest_, std::max<std::int64_t>(options_.lateness_ns, 0)));
  Pending pending = packed(std::move(occurrence));
  if (pending_.empty() && time <= watermark_) {
    process(std::move(pending));
  } else {
    pending_bytes_ += pending.bytes();
    pending_.push_back(std::move(pending));
    std::push_heap(pending_.begin(), pending_.end(), later_than);
  }
  release(out);
}

void Engine::pass(std::int64_t newest, std::vector<CorrelationFinding>& out) {
  newest_ = std::max(newest_, newest);
  watermark_ = std::max(watermark_, earlier(newest_, std::max<std::int64_t>(options_.lateness_ns, 0)));
  release(out);
}

std::int64_t Engine::due() const {
  std::int64_t first = kNever;
  if (!pending_.empty()) first = pending_.front().moment.time;
  // A window ends behind its last instant.
  if (!timers_.empty()) {
    const std::int64_t end = later(timers_.top().first, 1);
    first = first == kNever ? end : std::min(first, end);
  }
  return first == kNever ? kNever : later(first, std::max<std::int64_t>(options_.lateness_ns, 0));
}

void Engine::release(std::vector<CorrelationFinding>& out) {
  while (!pending_.empty()) {
    const std::int64_t time = pending_.front().moment.time;
    if (time > watermark_) {
      if (pending_.size() <= options_.max_pending && pending_bytes_ <= options_.max_pending_bytes) break;
      ++stats_.released_early;
      watermark_ = time;
    }
    process(take_pending());
  }
  advance(watermark_, false);
  if (found_.empty()) return;
  std::sort(found_.begin(), found_.end(), [](const CorrelationFinding& a, const CorrelationFinding& b) {
    if (a.last != b.last) return a.last < b.last;
    if (a.correlation_index != b.correlation_index) return a.correlation_index < b.correlation_index;
    if (a.group != b.group) return a.group < b.group;
    return a.run != b.run ? a.run < b.run : a.ongoing && !b.ongoing;
  });
  std::move(found_.begin(), found_.end(), std::back_inserter(out));
  found_.clear();
}

void Engine::finish(std::vector<CorrelationFinding>& out) {
  watermark_ = std::max(watermark_, newest_);
  while (!pending_.empty()) process(take_pending());
  advance(std::numeric_limits<std::int64_t>::max(), true);
  release(out);
}

Pending Engine::take_pending() {
  std::pop_heap(pending_.begin(), pending_.end(), later_than);
  Pending pending = std::move(pending_.back());
  pending_.pop_back();
  pending_bytes_ -= pending.bytes();
  return pending;
}

void Engine::process(Pending pending) {
  advance(pending.moment.time, false);
  clock_ = pending.moment.time;
  for (const Use& use : plan_.rule_uses[pending.rule]) feed(use, pending.values, pending.moment);
  drain_chained();
  texts_.release(pending.moment.file);
  texts_.release(pending.moment.host);
}

std::int64_t Engine::deadline(const Group& group) const {
  const CorrelationPlan& plan = plan_of(group);
  return later(plan.timing == Timing::kRising ? group.last : group.first, plan.timespan_ns);
}

void Engine::arm(std::uint32_t correlation) {
  const Group* first = by_deadline_[correlation].front();
  if (armed_[correlation] || first == nullptr) return;
  armed_[correlation] = true;
  timers_.emplace(deadline(*first), correlation);
}

// Closes every window that ended before `limit`, in order of their ends.
void Engine::advance(std::int64_t limit, bool all) {
  while (!timers_.empty() && (all || timers_.top().first < limit)) {
    const auto [time, correlation] = timers_.top();
    timers_.pop();
    clock_ = std::max(clock_, time);
    auto& groups = by_deadline_[correlation];
    while (groups.front() != nullptr && deadline(*groups.front()) <= time) {
      close_group(*groups.front());
      drain_chained();
    }
    armed_[correlation] = false;
    arm(correlation);
  }
}

void Engine::drain_chained() {
  for (std::size_t i = 0; i < chained_.size(); ++i) {
    const Chained chained = std::move(chained_[i]);
    Values values;
    for (std::string& value : values_of_key(chained.key)) {
      values.emplace_back();
      values.back().push_back(std::move(value));
    }
    for (const Use& use : plan_.correlations[chained.correlation].consumers) {
      // Counting takes a finding once; temporal types need to know how long it goes on.
      if (chained.opening || plan_.correlations[use.correlation].temporal) feed(use, values, chained.moment);
    }
    texts_.release(chained.moment.file);
    texts_.release(chained.moment.host);
  }
  chained_.clear();
}

// Calls `take` with each choice of one value per slot, up to kMaxCombinations. False where a slot has no value.
template <class Take>
bool Engine::combine(const std::vector<std::uint32_t>& slots, const Values& values, Take take) {
  std::size_t total = 1;
  for (const std::uint32_t slot : slots) {
    if (slot >= values.size() || values[slot].empty()) return false;
    total = std::min(total * values[slot].size(), kMaxCombinations + 1);
  }
  if (total > kMaxCombinations) {
    ++stats_.combinations_cut;
    total = kMaxCombinations;
  }
  std::string bytes;
  for (std::size_t i = 0; i < total; ++i) {
    bytes.clear();
    std::size_t rest = i;
    for (const std::uint32_t slot : slots) {
      const std::string& value = values[slot][rest % values[slot].size()];
      rest /= values[slot].size();
      append_u32(bytes, static_cast<std::uint32_t>(value.size()));
      bytes += value;
    }
    take(bytes);
  }
  return true;
}

bool Engine::read_codes(const Use& use, const Values& values) {
  const CorrelationPlan& plan = plan_.correlations[use.correlation];
  codes_.clear();
  if (!plan.has_values) {
    codes_.push_back(0);
  } else if (plan.metric) {
    for (const std::uint32_t slot : use.value_slots) {
      if (slot >= values.size()) continue;
      for (const std::string& text : values[slot]) {
        double number = 0;
        if (parse_number(text, number)) codes_.push_back(std::bit_cast<std::uint64_t>(number));
      }
    }
  } else if (!use.value_slots.empty()) {
    combine(use.value_slots, values,
            [&](const std::string& bytes) { codes_.push_back(keyed_hash(options_.hash_seed, bytes)); });
  }
  return !codes_.empty();
}

void Engine::feed(const Use& use, const Values& values, const Moment& moment) {
  keys_.clear();
  std::string head;
  append_u32(head, use.correlation);
  if (!combine(use.group_slots, values, [&](const std::string& bytes) { keys_.push_back(head + bytes); })) {
    ++stats_.without_group_field;
    return;
  }
  if (!read_codes(use, values)) {
    ++stats_.without_value;
    return;
  }
  for (std::size_t i = 0; i < keys_.size(); ++i) {
    const auto end = keys_.begin() + static_cast<std::ptrdiff_t>(i);
    if (std::find(keys_.begin(), end, keys_[i]) == end) feed_group(use, keys_[i], moment);  // A value may stand there twice.
  }
}

void Engine::feed_group(const Use& use, const std::string& key, const Moment& moment) {
  Group& group = group_for(key, use.correlation, moment.time);
  const CorrelationPlan& plan = plan_of(group);
  if (!plan.temporal && !use.of_correlation && group.last == moment.time && group.last_order == moment.order &&
      !group.window.entries().empty()) {
    // The same event by way of another rule: events are counted, not matches.
    const std::uint32_t position = group.window.entries().back().position;
    if (position != use.positions[0] && plan.rule->rules[position] < plan_.rule_uses.size()) return;
  }
  if (plan.timing == Timing::kRising) {
    const std::int64_t begin = earlier(moment.time, plan.timespan_ns);
    while (!group.window.entries().empty() && group.window.entries()[0].time < begin) drop_front(group);
    const std::int64_t longest = std::max(options_.max_finding_ns, plan.timespan_ns);
    if (group.run && options_.max_finding_ns > 0 && earlier(moment.time, group.run->first) > longest) {
      close_run(group);
      clear_window(group);
    }
  }
  group.last = moment.time;
  group.last_order = moment.order;
  add_entries(group, use, moment);
  while (group.window.entries().size() > std::max(options_.max_events_per_group, codes_.size())) {
    drop_front(group);
    ++stats_.events_evicted;
  }
  if (plan.timing == Timing::kRising) evaluate(group, use, moment);
  evict_for(group);
  arm(use.correlation);
}

void Engine::add_entries(Group& group, const Use& use, const Moment& moment) {
  const CorrelationPlan& plan = plan_of(group);
  Entry entry{.time = moment.time,
              .order = moment.order,
              .code = 0,
              .record = moment.record,
              .file = texts_.add_use(moment.file),
              .host = texts_.add_use(moment.host),
              .position = use.positions[0],
              .continued = false};
  for (const std::uint64_t code : codes_) {
    entry.code = code;
    group.window.add(plan, entry);
    ++event_total_;
    entry.continued = true;
    entry.file = entry.host = 0;
  }
  if (plan.rule->type == sigma::CorrelationType::kTemporalOrdered) {
    group.window.step(plan, use.positions, moment.time, moment.order);
  }
}

void Engine::evaluate(Group& group, const Use& use, const Moment& moment) {
  const CorrelationPlan& plan = plan_of(group);
  const std::int64_t begin = earlier(moment.time, plan.timespan_ns);
  double value = group.window.value(plan, begin);
  bool met = all_hold(plan.floors, value);
  if (!met && group.run) {
    // The run ends and its events are used up; this one begins afresh.
    close_run(group);
    clear_window(group);
    add_entries(group, use, moment);
    value = group.window.value(plan, begin);
    met = all_hold(plan.floors, value);
  }
  if (!met) return;
  const bool opening = !group.run;
  if (opening) {
    open_run(group);
    group.run->peak = value;
  } else {
    extend_run(*group.run, use.positions[0], moment);
    group.run->peak = std::max(group.run->peak, value);
  }
  if (!plan.caps.empty()) return;  // Certain only at the end.
  if (opening && options_.emit_on_first) {
    emit(group, *group.run, true);
    group.run->announced = true;
  }
  chain(group, opening, moment);
}

}  // namespace tocsin::detect::correlate
