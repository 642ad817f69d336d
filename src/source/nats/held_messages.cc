#include "source/nats/held_messages.h"

namespace tocsin::source::nats {

bool HeldMessages::hold(std::uint64_t sequence, std::string_view reply_subject) {
  const core::Lock lock(mutex_);
  return held_.insert_or_assign(sequence, std::string(reply_subject)).second;
}

void HeldMessages::answer(std::uint64_t sequence, Verdict verdict) {
  const core::Lock lock(mutex_);
  answers_.emplace_back(sequence, verdict);
  changed_.notify_all();
}

std::vector<HeldMessages::Answered> HeldMessages::take(std::chrono::milliseconds time) {
  const auto until = std::chrono::steady_clock::now() + time;
  std::vector<Answered> out;
  core::Lock lock(mutex_);
  while (answers_.empty() && !closed_) {
    const auto left = until - std::chrono::steady_clock::now();
    if (left <= std::chrono::nanoseconds(0)) break;
    lock.wait_for(changed_, left);
  }
  for (const auto& [sequence, verdict] : std::exchange(answers_, {})) {
    const auto at = held_.find(sequence);
    if (at == held_.end()) continue;
    out.push_back({std::move(at->second), verdict});
    held_.erase(at);
  }
  changed_.notify_all();
  return out;
}

std::vector<std::string> HeldMessages::waiting() {
  const core::Lock lock(mutex_);
  std::vector<std::string> out;
  out.reserve(held_.size());
  for (const auto& [_, reply_subject] : held_) out.push_back(reply_subject);
  return out;
}

bool HeldMessages::wait_below(std::size_t most, std::chrono::milliseconds time) {
  const auto until = std::chrono::steady_clock::now() + time;
  core::Lock lock(mutex_);
  while (held_.size() >= most) {
    const auto left = until - std::chrono::steady_clock::now();
    if (left <= std::chrono::nanoseconds(0)) return false;
    lock.wait_for(changed_, left);
  }
  return true;
}

void HeldMessages::close() {
  const core::Lock lock(mutex_);
  closed_ = true;
  changed_.notify_all();
}

bool HeldMessages::closed() {
  const core::Lock lock(mutex_);
  return closed_;
}

}  // namespace tocsin::source::nats
