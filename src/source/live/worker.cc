#include "source/live/worker.h"

#include <poll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <array>
#include <utility>

#include "core/assert.h"

namespace tocsin::source {

using std::chrono::steady_clock;

namespace {
constexpr std::chrono::minutes kLongSleep{1};
constexpr std::chrono::seconds kAskAgain{1};  // After the Intake said no.
}  // namespace

Answers::Answers() : event_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) { TOCSIN_ASSERT(event_.ok()); }

void Answers::wake() {
  const std::uint64_t one = 1;
  // It fails only where the counter is full: then it is readable already.
  [[maybe_unused]] const ssize_t size = ::write(event_.get(), &one, sizeof one);
}

void Answers::push(std::uint64_t number, core::Result<void> result) {
  bool first = false;
  {
    const core::Lock lock(mutex_);
    first = answers_.empty();
    answers_.push_back({number, std::move(result)});
  }
  if (first) wake();
}

std::vector<Answers::Answer> Answers::take() {
  std::uint64_t count = 0;
  [[maybe_unused]] const ssize_t size = ::read(event_.get(), &count, sizeof count);
  const core::Lock lock(mutex_);
  return std::exchange(answers_, {});
}

Worker::Worker() = default;

void Worker::start() {
  const core::Lock lock(stop_mutex_);
  thread_ = std::thread([this] { run(); });
}

void Worker::stop(std::chrono::milliseconds grace) {
  const core::Lock lock(stop_mutex_);
  if (!stopping_.load()) {
    const auto by = steady_clock::now() + std::min(grace, std::chrono::milliseconds(3'600'000));
    stop_by_ns_ = std::chrono::duration_cast<std::chrono::nanoseconds>(by.time_since_epoch()).count();
    stopping_ = true;
  }
  answers_->wake();
  if (thread_.joinable()) thread_.join();
}

void Worker::submit(model::Intake& intake, std::uint64_t number, model::Delivery delivery) {
  ++pending_count_;
  intake.submit(std::move(delivery),
                [answers = answers_, number](core::Result<void> result) { answers->push(number, std::move(result)); });
}

std::vector<Answers::Answer> Worker::take_answers() {
  auto answers = answers_->take();
  pending_count_ -= answers.size();
  return answers;
}

bool Worker::deliver(model::Intake& intake, const model::Delivery& delivery,
                     const std::function<void(const core::Error&)>& refused) {
  while (true) {
    submit(intake, 0, delivery);
    while (pending_count_ > 0) {
      if (!stopping()) {
        sleep(-1, steady_clock::now() + kLongSleep);
      } else if (!await_answer()) {
        return false;
      }
      for (const Answers::Answer& answer : take_answers()) {
        if (answer.result.ok()) return true;
        refused(answer.result.error());
      }
    }
    const SteadyTime again = steady_clock::now() + kAskAgain;
    while (!stopping() && steady_clock::now() < again) sleep(-1, again);
    if (stopping()) return false;
  }
}

bool Worker::sleep(int descriptor, SteadyTime until) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - steady_clock::now()).count();
  std::array<pollfd, 2> wait{{{wake_descriptor(), POLLIN, 0}, {descriptor, POLLIN, 0}}};
  const int count = ::poll(wait.data(), wait.size(), static_cast<int>(std::clamp<std::int64_t>(left, 0, 3'600'000)));
  return count > 0 && wait[1].revents != 0;
}

bool Worker::await_answer() {
  if (pending_count_ == 0) return false;
  const SteadyTime by{std::chrono::nanoseconds(stop_by_ns_.load())};
  if (steady_clock::now() >= by) return false;
  sleep(-1, by);
  return true;
}

}  // namespace tocsin::source
