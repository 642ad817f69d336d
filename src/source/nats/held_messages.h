// The messages under way, by sequence in the stream: held from the fetch until they are answered. Locks inside.
//
// Of a message only the subject that takes its acknowledgement is kept, so none outlives the connection it came by.
#pragma once
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/mutex.h"

namespace tocsin::source::nats {

enum class Verdict : std::uint8_t { kKept, kRefused, kUseless };

class HeldMessages {
 public:
  struct Answered {
    std::string reply_subject;
    Verdict verdict;
  };
  // False: the same message is held already, delivered a second time. The newer subject is kept.
  bool hold(std::uint64_t sequence, std::string_view reply_subject);
  // Any thread.
  void answer(std::uint64_t sequence, Verdict verdict);
  // Waits for answers for at most `time`; what was answered is held no more.
  std::vector<Answered> take(std::chrono::milliseconds time);
  // Reply subjects of those not answered.
  std::vector<std::string> waiting();
  // Waits until fewer than `most` are held; false: the time is up.
  bool wait_below(std::size_t most, std::chrono::milliseconds time);
  // take() waits no more.
  void close();
  bool closed();

 private:
  core::Mutex mutex_;
  std::condition_variable changed_;
  std::map<std::uint64_t, std::string> held_ GUARDED_BY(mutex_);
  std::vector<std::pair<std::uint64_t, Verdict>> answers_ GUARDED_BY(mutex_);
  bool closed_ GUARDED_BY(mutex_) = false;
};

}  // namespace tocsin::source::nats
