#include "api/parts/exports.h"

namespace tocsin::api {

Exports::~Exports() {
  std::list<std::shared_ptr<One>> rest;
  {
    const core::Lock lock(mutex_);
    stopped_ = true;
    rest.swap(running_);
  }
  for (const auto& one : rest) store::cancel(*one->token);
  for (const auto& one : rest) one->thread.join();
}

// Joins those that are at their end: it takes no time.
void Exports::reap() {
  for (auto one = running_.begin(); one != running_.end();) {
    if (!(*one)->done) {
      ++one;
      continue;
    }
    (*one)->thread.join();
    one = running_.erase(one);
  }
}

bool Exports::start(std::function<void(const std::shared_ptr<store::CancelToken>&)> work) {
  const core::Lock lock(mutex_);
  reap();
  if (stopped_ || running_.size() >= kMaxExports) return false;
  auto one = std::make_shared<One>();
  one->thread = std::thread([this, one = one.get(), work = std::move(work)]() mutable {
    work(one->token);
    work = nullptr;  // What it holds, a client's connection, goes now.
    const core::Lock inner(mutex_);
    one->done = true;
  });
  running_.push_back(std::move(one));
  return true;
}

}  // namespace tocsin::api
