// One request to the child: sent, waited for, ended early by a token, a time or a taker. Any number of threads.
#pragma once
#include <chrono>
#include <functional>
#include <string>
#include <string_view>

#include "store/child.h"
#include "store/frames.h"
#include "store/store.h"

namespace tocsin::store {

class CancelToken {
 public:
  CancelToken();
  void set();
  [[nodiscard]] int fd() const { return event_.get(); }  // Readable once it is set.

 private:
  Fd event_;
};

struct Exchange {
  Request request;
  int input = -1;                     // kInsert: the memory file with the rows.
  std::chrono::milliseconds time{0};  // After which the answer is no longer waited for.
  std::chrono::milliseconds connect_wait = std::chrono::duration_cast<std::chrono::milliseconds>(kRestartWait);
  const CancelToken* cancel = nullptr;
  // The answer's bytes in pieces; false: that is enough, which is no error.
  std::function<bool(std::string_view)> take;
};
struct ExchangeFailure {
  core::Error error;
  int engine_code = 0;      // The engine's, where it said no.
  bool unanswered = false;  // The child died or took too long: what became of the request is not known.
};
// What the engine told of itself, or what went wrong.
struct ExchangeResult {
  EndFrame end;
  bool failed = false;
  ExchangeFailure failure;
};
ExchangeResult exchange(Child& child, const Exchange& what);
// "Code: 164. DB::Exception: ..." as an error of ours.
core::Error engine_error(std::string_view text, int* code);

}  // namespace tocsin::store
