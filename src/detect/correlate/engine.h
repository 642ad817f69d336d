// The state machine behind Correlator. One thread.
//
// Order of work: occurrences wait in `pending` until the watermark (newest time less lateness) has passed them, then go
// through in order of (time, order, rule). Before one goes through, all windows that ended before its time are closed, in
// order of their ends; so everything, also chained correlations, sees time run forward only.
#pragma once
#include <cstdint>
#include <functional>
#include <queue>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/result.h"
#include "detect/correlate/group.h"
#include "detect/correlate/interner.h"
#include "detect/correlate/plan.h"
#include "detect/correlator.h"

namespace tocsin::detect::correlate {

using Values = std::vector<std::vector<std::string>>;  // Per field, all its values.

// When, and where from. The file and host numbers are borrowed from whoever hands this over.
struct Moment {
  std::int64_t time = 0;
  std::uint64_t order = 0;
  std::uint64_t record = 0;
  std::uint32_t file = 0, host = 0;
};

struct Pending {
  Moment moment;  // Holds one use of its file and host.
  std::uint64_t arrival = 0;
  std::uint32_t rule = 0;
  Values values;

  [[nodiscard]] std::size_t bytes() const;
};

// The order of the heap: by time, then place in the input, then rule.
[[nodiscard]] bool later_than(const Pending& a, const Pending& b);

// A correlation whose condition holds, on its way to those that refer to it.
struct Chained {
  Moment moment;  // Holds one use of its file and host.
  std::uint32_t correlation = 0;
  bool opening = false;  // The first of its run.
  std::string key;       // Of the group.
};

class Engine {
 public:
  Engine(const RuleSet& rules, CorrelatorOptions options);

  void add(Occurrence occurrence, std::vector<CorrelationFinding>& out);
  // Time has come to `newest`, as an event of that time would show.
  void pass(std::int64_t newest, std::vector<CorrelationFinding>& out);
  [[nodiscard]] std::int64_t watermark() const { return watermark_; }
  // The earliest time that pass() would act upon; kNever: none.
  [[nodiscard]] std::int64_t due() const;
  void finish(std::vector<CorrelationFinding>& out);
  [[nodiscard]] const Plan& plan() const { return plan_; }
  [[nodiscard]] const CorrelatorStats& stats() const { return stats_; }
  [[nodiscard]] std::size_t group_count() const { return groups_.size(); }
  [[nodiscard]] std::size_t event_total() const { return event_total_; }
  [[nodiscard]] std::size_t text_count() const { return texts_.size(); }

  [[nodiscard]] std::string save() const;
  // Into a fresh engine. After an error it must not be used.
  [[nodiscard]] core::Result<RestoreReport> load(std::string_view state);

 private:
  struct KeyHash {
    using is_transparent = void;
    std::uint64_t seed;
    std::size_t operator()(std::string_view key) const { return keyed_hash(seed, key); }
  };
  using Groups = std::unordered_map<std::string, Group, KeyHash, std::equal_to<>>;
  friend class StateReader;
  friend class StateWriter;

  // Time.
  void release(std::vector<CorrelationFinding>& out);
  Pending take_pending();
  void process(Pending pending);
  void advance(std::int64_t limit, bool all);
  void drain_chained();
  [[nodiscard]] std::int64_t deadline(const Group& group) const;
  void arm(std::uint32_t correlation);

  // One occurrence into one correlation.
  Pending packed(Occurrence occurrence);
  void feed(const Use& use, const Values& values, const Moment& moment);
  [[nodiscard]] bool read_codes(const Use& use, const Values& values);
  template <class Take>
  bool combine(const std::vector<std::uint32_t>& slots, const Values& values, Take take);
  void evict_for(const Group& newest);
  void feed_group(const Use& use, const std::string& key, const Moment& moment);
  void add_entries(Group& group, const Use& use, const Moment& moment);
  void evaluate(Group& group, const Use& use, const Moment& moment);

  // Groups and runs.
  Group& group_for(const std::string& key, std::uint32_t correlation, std::int64_t time);
  void remove_group(Group& group);
  void close_group(Group& group);
  void drop_front(Group& group);
  void clear_window(Group& group);
  void open_run(Group& group);
  void extend_run(Run& run, std::uint32_t position, const Moment& moment);
  void close_run(Group& group);
  void chain(const Group& group, bool opening, const Moment& moment);
  void emit(const Group& group, const Run& run, bool ongoing);
  [[nodiscard]] const CorrelationPlan& plan_of(const Group& group) const { return plan_.correlations[group.correlation]; }

  Plan plan_;
  CorrelatorOptions options_;
  CorrelatorStats stats_;
  Interner texts_;
  Groups groups_;
  GroupList<&Group::by_touch> by_touch_;                     // All groups, least recently touched first.
  std::vector<GroupList<&Group::by_deadline>> by_deadline_;  // Per correlation, first to end first.
  using Timer = std::pair<std::int64_t, std::uint32_t>;      // When, correlation: one each, never later than its first end.
  std::priority_queue<Timer, std::vector<Timer>, std::greater<>> timers_;
  std::vector<bool> armed_;
  std::vector<Pending> pending_;  // A heap, earliest on top.
  std::vector<Chained> chained_;
  std::size_t pending_bytes_ = 0;
  std::size_t event_total_ = 0;  // Entries of windows and origins of runs, over all groups.
  std::int64_t newest_ = kNever, watermark_ = kNever, clock_ = kNever;
  std::uint64_t arrivals_ = 0, runs_ = 0, touches_ = 0;
  std::vector<CorrelationFinding> found_;  // In this call.
  std::vector<std::string> keys_;          // Scratch of feed().
  std::vector<std::uint64_t> codes_;       // Scratch of feed(): one per value of the occurrence.
};

// Keys of groups: the correlation's number, then each value with its length.
inline constexpr std::size_t kKeyHead = 4;
void append_u32(std::string& bytes, std::uint32_t value);
[[nodiscard]] std::uint32_t read_u32(std::string_view bytes, std::size_t at);
// The values in a key; empty where it is malformed.
[[nodiscard]] std::vector<std::string> values_of_key(std::string_view key);

}  // namespace tocsin::detect::correlate
