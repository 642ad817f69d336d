#include "http/parts/answer.h"

#include "http/problem.h"

namespace tocsin::http {
namespace {

class StreamOfAnswer final : public Stream {
 public:
  explicit StreamOfAnswer(std::shared_ptr<Answer> answer) : answer_(std::move(answer)) {}
  ~StreamOfAnswer() override { answer_->cut(); }
  bool write(std::string_view bytes) override { return answer_->write(bytes); }
  bool wait_for_room(std::chrono::milliseconds time) override { return answer_->wait_for_room(time); }
  void finish() override { answer_->finish(); }

 private:
  std::shared_ptr<Answer> answer_;
};

class ExchangeOfAnswer final : public Exchange {
 public:
  ExchangeOfAnswer(Request request, std::shared_ptr<Answer> answer)
      : request_(std::move(request)), answer_(std::move(answer)) {}
  ~ExchangeOfAnswer() override { answer_->respond(problem_response(500, "the request was not answered")); }
  [[nodiscard]] const Request& request() const override { return request_; }
  [[nodiscard]] Request& request() override { return request_; }
  void respond(Response response) override { answer_->respond(std::move(response)); }
  std::shared_ptr<Stream> stream(Response head) override {
    auto out = std::make_shared<StreamOfAnswer>(answer_);
    answer_->open(std::move(head));
    return out;
  }
  void on_client_gone(std::function<void()> gone) override { answer_->watch(std::move(gone)); }

 private:
  Request request_;
  std::shared_ptr<Answer> answer_;
};

}  // namespace

void Answer::respond(Response response) {
  {
    const core::Lock lock(mutex_);
    if (state_ != State::kNone || gone_) return;
    state_ = State::kResponse;
    head_ = std::move(response);
  }
  wake_();
}

bool Answer::open(Response head) {
  {
    const core::Lock lock(mutex_);
    if (state_ != State::kNone || gone_) return false;
    state_ = State::kStream;
    head_ = std::move(head);
    unsent_ = std::move(head_.body);
    head_.body.clear();
  }
  wake_();
  return true;
}

bool Answer::write(std::string_view bytes) {
  bool fits = true;
  {
    const core::Lock lock(mutex_);
    if (gone_ || finished_ || state_ != State::kStream) return false;
    fits = unsent_.size() + in_flight_bytes_ + bytes.size() <= kMaxStreamBacklogBytes;
    if (fits) {
      unsent_ += bytes;
    } else {
      gone_ = true;
      refused_.add();
    }
  }
  room_.notify_all();
  wake_();
  return fits;
}

bool Answer::wait_for_room(std::chrono::milliseconds time) {
  const auto end = std::chrono::steady_clock::now() + time;
  core::Lock lock(mutex_);
  while (!gone_ && unsent_.size() + in_flight_bytes_ >= kMaxStreamBacklogBytes / 2) {
    const auto now = std::chrono::steady_clock::now();
    if (now >= end) return false;
    lock.wait_for(room_, end - now);
  }
  return !gone_;
}

void Answer::finish() {
  {
    const core::Lock lock(mutex_);
    finished_ = true;
  }
  wake_();
}

void Answer::cut() {
  {
    const core::Lock lock(mutex_);
    if (finished_ || gone_) return;
    gone_ = true;
  }
  wake_();
}

void Answer::watch(std::function<void()> gone) {
  bool late = false;
  {
    const core::Lock lock(mutex_);
    late = gone_;
    if (!late) client_gone_ = gone;
  }
  if (late) {
    gone();
  } else {
    wake_();
  }
}

bool Answer::watched() {
  const core::Lock lock(mutex_);
  return client_gone_ != nullptr;
}

void Answer::client_left() {
  std::function<void()> gone;
  {
    const core::Lock lock(mutex_);
    gone.swap(client_gone_);
  }
  if (gone) gone();
}

Answer::State Answer::state() {
  const core::Lock lock(mutex_);
  return state_;
}

Response Answer::take_head() {
  const core::Lock lock(mutex_);
  return std::move(head_);
}

Answer::Piece Answer::take(std::size_t max_bytes) {
  const core::Lock lock(mutex_);
  Piece out;
  out.gone = gone_;
  if (gone_) return out;
  if (unsent_.size() <= max_bytes) {
    out.bytes.swap(unsent_);
  } else {
    out.bytes = unsent_.substr(0, max_bytes);
    unsent_.erase(0, max_bytes);
  }
  in_flight_bytes_ += out.bytes.size();
  out.finished = finished_ && unsent_.empty();
  return out;
}

void Answer::sent(std::size_t size_bytes) {
  {
    const core::Lock lock(mutex_);
    in_flight_bytes_ -= size_bytes;
  }
  room_.notify_all();
}

void Answer::set_gone() {
  {
    const core::Lock lock(mutex_);
    gone_ = true;
    unsent_.clear();
  }
  room_.notify_all();
}

bool Answer::gone() {
  const core::Lock lock(mutex_);
  return gone_;
}

std::shared_ptr<Exchange> make_exchange(Request request, std::shared_ptr<Answer> answer) {
  return std::make_shared<ExchangeOfAnswer>(std::move(request), std::move(answer));
}

}  // namespace tocsin::http
