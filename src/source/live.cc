#include "source/live.h"

#include <utility>

namespace tocsin::source {

SourceMeter::SourceMeter(core::Metrics& metrics, std::string name)
    : metrics_(metrics),
      name_(std::move(name)),
      records_(metrics.counter("tocsin_source_records_total", "Records received, as far as the source can tell them apart.",
                               {{"source", name_}})),
      bytes_(metrics.counter("tocsin_source_bytes_total", "Bytes of log received.", {{"source", name_}})),
      last_received_ns_(core::kNoTime.ns) {}

void SourceMeter::received(std::uint64_t records, std::uint64_t bytes, core::Timestamp now) {
  records_.add(records);
  bytes_.add(bytes);
  last_received_ns_.store(now.ns, std::memory_order_relaxed);
}

void SourceMeter::refused(std::string_view cause, std::uint64_t count) {
  const core::Lock lock(mutex_);
  core::Counter*& counter = refused_[std::string(cause)];
  if (counter == nullptr) {
    counter = &metrics_.counter("tocsin_source_refused_total", "Records or requests refused, by cause.",
                                {{"source", name_}, {"cause", std::string(cause)}});
  }
  counter->add(count);
}

void SourceMeter::problem(std::string text) {
  const core::Lock lock(mutex_);
  problem_ = std::move(text);
}

SourceMeter::Snapshot SourceMeter::snapshot() const {
  Snapshot out;
  out.records = records_.value();
  out.bytes = bytes_.value();
  out.last_received = core::Timestamp{last_received_ns_.load(std::memory_order_relaxed)};
  const core::Lock lock(mutex_);
  for (const auto& [cause, counter] : refused_) out.refused[cause] = counter->value();
  out.problem = problem_;
  return out;
}

bool SharedBacklog::try_take(std::size_t bytes) {
  std::size_t before = bytes_;
  do {
    if (before + bytes > max_bytes_) return false;
  } while (!bytes_.compare_exchange_weak(before, before + bytes));
  return true;
}

bool Backlog::fits(std::size_t bytes) {
  if (bytes_ == 0) {
    if (all_) all_->take(bytes);
    return true;
  }
  return bytes_ + bytes <= max_bytes_ && (!all_ || all_->try_take(bytes));
}

bool Backlog::take(std::size_t bytes, std::chrono::milliseconds time) {
  const auto until = std::chrono::steady_clock::now() + time;
  core::Lock lock(mutex_);
  while (!fits(bytes)) {  // What is under way of this source wakes it: others need not.
    const auto left = until - std::chrono::steady_clock::now();
    if (left <= std::chrono::nanoseconds(0)) return false;
    lock.wait_for(changed_, left);
  }
  bytes_ += bytes;
  return true;
}

void Backlog::give(std::size_t bytes) {
  const core::Lock lock(mutex_);
  bytes_ -= bytes;
  if (all_) all_->give(bytes);
  changed_.notify_all();
}

bool Backlog::wait_empty(std::chrono::milliseconds time) {
  const auto until = std::chrono::steady_clock::now() + time;
  core::Lock lock(mutex_);
  while (bytes_ != 0) {
    const auto left = until - std::chrono::steady_clock::now();
    if (left <= std::chrono::nanoseconds(0)) return false;
    lock.wait_for(changed_, left);
  }
  return true;
}

std::size_t Backlog::bytes() const {
  const core::Lock lock(mutex_);
  return bytes_;
}

}  // namespace tocsin::source
