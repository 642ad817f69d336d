// Starts the child, starts it again when it dies, and hands out connections to it. Any number of threads.
#pragma once
#include <sys/types.h>

#include <chrono>
#include <condition_variable>
#include <memory>
#include <string>
#include <thread>

#include "core/metrics.h"
#include "core/mutex.h"
#include "core/result.h"
#include "store/frames.h"
#include "store/store.h"

namespace tocsin::store {

// In the environment of every child: a process that has it never starts one of its own (Store::open).
inline constexpr const char* kProcessMark = "TOCSIN_STORE_PROCESS";

// A restart takes under a second; over many parts on a cold disk some seconds.
inline constexpr std::chrono::seconds kRestartWait{15};

class Child {
 public:
  // REQUIRES: options are complete (library, program, folder absolute).
  Child(StoreOptions options, core::Metrics& metrics);
  ~Child();
  // Waits until the child answers; kIo with its reason where its first start fails.
  core::Result<void> start();
  // A socket whose other end the child serves. Waits at most min(kRestartWait, `wait`) for a restart.
  core::Result<Fd> connect(std::chrono::steady_clock::duration wait = kRestartWait);
  // Ends the child at once; it is started again. For a statement that hangs.
  void kill();
  [[nodiscard]] bool ready() const;
  [[nodiscard]] std::string problem() const;
  [[nodiscard]] std::uint64_t restarts() const;

 private:
  void monitor();
  // Runs one child from start to end; true: it was ready at some time.
  bool live_once();
  core::Result<void> spawn(Fd* control);
  std::string await_ready(int control);
  void end(int control, bool well);
  bool stopped_within(std::chrono::milliseconds time);
  void set_state(std::shared_ptr<Fd> control, std::string problem);

  const StoreOptions options_;
  core::Counter& restart_counter_;
  Fd stop_;
  mutable core::Mutex mutex_;
  std::condition_variable changed_;
  std::shared_ptr<Fd> control_ GUARDED_BY(mutex_);  // Null: not ready.
  std::string problem_ GUARDED_BY(mutex_);
  bool first_failed_ GUARDED_BY(mutex_) = false;
  std::uint64_t restarts_ GUARDED_BY(mutex_) = 0;
  pid_t pid_ GUARDED_BY(mutex_) = -1;
  std::thread thread_;  // Also the one that forks: the child is killed by the kernel when this thread ends.
};

}  // namespace tocsin::store
