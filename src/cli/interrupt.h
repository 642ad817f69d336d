// Ctrl-C: a run that is told to end stops reading, writes what it has, and says so.
//
// While an Interrupt lives, SIGINT and SIGTERM only set a flag, and a second one ends the process as usual; SIGPIPE is
// ignored, so that a reader who has seen enough is a write that fails. One at a time, made on the main thread. The flag
// is the one global of the program: a signal handler can reach nothing else.
#pragma once
#include <csignal>

namespace tocsin::cli {

class Interrupt {
 public:
  Interrupt();
  ~Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

  // The signal that came, or 0. Any thread.
  [[nodiscard]] int signal() const;
  // What a shell expects of a program that a signal ended.
  [[nodiscard]] int exit_code() const { return 128 + signal(); }

 private:
  struct sigaction before_interrupt_{}, before_terminate_{}, before_pipe_{};
};

// Whether whoever read this descriptor (a pipe) has gone.
bool reader_gone(int descriptor);

}  // namespace tocsin::cli
