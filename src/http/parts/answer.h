// What stands between a handler, on any thread, and the connection that sends its answer, on the network thread: the answer
// itself, or a stream with its backlog. Locks inside.
#pragma once
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "core/metrics.h"
#include "core/mutex.h"
#include "http/server.h"

namespace tocsin::http {

class Answer {
 public:
  enum class State { kNone, kResponse, kStream };
  // `wake` is called without a lock after each change that concerns the connection; it may be called after the connection
  // is gone. `refused` counts streams closed at their backlog; not touched after set_gone().
  Answer(std::function<void()> wake, core::Counter& refused) : wake_(std::move(wake)), refused_(refused) {}

  // By the handler. Only the first of respond and open has an effect.
  void respond(Response response);
  bool open(Response head);
  bool write(std::string_view bytes);
  bool wait_for_room(std::chrono::milliseconds time);
  void finish();
  void cut();  // Unless finished.
  void watch(std::function<void()> gone);

  // By the connection.
  [[nodiscard]] State state();
  Response take_head();
  struct Piece {
    std::string bytes;
    bool finished = false, gone = false;
  };
  Piece take(std::size_t max_bytes);
  void sent(std::size_t size_bytes);
  void set_gone();
  [[nodiscard]] bool watched();
  void client_left();  // Calls what watch() was given, once.
  [[nodiscard]] bool gone();

 private:
  core::Mutex mutex_;
  std::condition_variable room_;
  std::function<void()> wake_;
  core::Counter& refused_;
  State state_ GUARDED_BY(mutex_) = State::kNone;
  Response head_ GUARDED_BY(mutex_);
  std::string unsent_ GUARDED_BY(mutex_);
  std::size_t in_flight_bytes_ GUARDED_BY(mutex_) = 0;  // Taken, not yet handed to the system.
  bool finished_ GUARDED_BY(mutex_) = false;
  bool gone_ GUARDED_BY(mutex_) = false;
  std::function<void()> client_gone_ GUARDED_BY(mutex_);
};

// The handler's side. Dropped without an answer it sends 500.
std::shared_ptr<Exchange> make_exchange(Request request, std::shared_ptr<Answer> answer);

}  // namespace tocsin::http
