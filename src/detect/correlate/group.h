// What is remembered of one group of one correlation: its window, and the finding it is in.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "detect/correlate/window.h"

namespace tocsin::detect::correlate {

struct Origin {
  std::int64_t time = 0;
  std::uint64_t record = 0;
  std::uint32_t file = 0;      // Interned; holds one use.
  std::uint32_t position = 0;  // Of the rule in the correlation's list.
};

// A finding in the making: from the event at which the condition first held for as long as it holds.
struct Run {
  std::uint64_t id = 0;
  std::int64_t first = 0, last = 0;
  double peak = 0;  // The highest value of any window of the run.
  std::uint64_t event_count = 0;
  std::vector<Origin> origins;       // The first kMaxContributions.
  std::vector<std::uint32_t> hosts;  // Interned, distinct, each holds one use; at most kMaxFindingHosts.
  bool announced = false;            // Given out already (emit_on_first).
};

struct Group;
struct Links {
  Group* before = nullptr;
  Group* after = nullptr;
};

struct Group {
  const std::string* key = nullptr;  // In the table of groups: the correlation's number, then each value with its length.
  std::uint32_t correlation = 0;
  std::int64_t first = 0;  // Of the first event: where a window of Timing::kClosing begins.
  std::int64_t last = 0;
  std::uint64_t last_order = 0;
  std::uint64_t touched = 0;  // Running number of the last touch, over all groups.
  Window window;
  std::unique_ptr<Run> run;
  Links by_deadline, by_touch;
};

// Groups in a row, linked through themselves.
template <Links Group::* kLinks>
class GroupList {
 public:
  [[nodiscard]] Group* front() const { return front_; }
  void push_back(Group& group) {
    (group.*kLinks) = {back_, nullptr};
    (back_ == nullptr ? front_ : (back_->*kLinks).after) = &group;
    back_ = &group;
  }
  void remove(Group& group) {
    const Links links = group.*kLinks;
    (links.before == nullptr ? front_ : (links.before->*kLinks).after) = links.after;
    (links.after == nullptr ? back_ : (links.after->*kLinks).before) = links.before;
  }
  void move_to_back(Group& group) {
    if (back_ == &group) return;
    remove(group);
    push_back(group);
  }

 private:
  Group* front_ = nullptr;
  Group* back_ = nullptr;
};

}  // namespace tocsin::detect::correlate
