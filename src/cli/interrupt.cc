#include "cli/interrupt.h"

#include <poll.h>

#include <atomic>

namespace tocsin::cli {
namespace {

std::atomic<int> received_signal{0};
static_assert(std::atomic<int>::is_always_lock_free, "a signal handler must not lock");

extern "C" void on_signal(int number) { received_signal.store(number, std::memory_order_relaxed); }

void install(int number, void (*handler)(int), int flags, struct sigaction& before) {
  struct sigaction action{};
  action.sa_handler = handler;
  action.sa_flags = flags;
  sigemptyset(&action.sa_mask);
  sigaction(number, &action, &before);
  // A program started with the signal ignored (nohup, a background job) keeps ignoring it.
  if (before.sa_handler == SIG_IGN) sigaction(number, &before, nullptr);
}

}  // namespace

Interrupt::Interrupt() {
  received_signal = 0;
  install(SIGINT, on_signal, static_cast<int>(SA_RESETHAND), before_interrupt_);
  install(SIGTERM, on_signal, static_cast<int>(SA_RESETHAND), before_terminate_);
  install(SIGPIPE, SIG_IGN, 0, before_pipe_);
}

Interrupt::~Interrupt() {
  sigaction(SIGINT, &before_interrupt_, nullptr);
  sigaction(SIGTERM, &before_terminate_, nullptr);
  sigaction(SIGPIPE, &before_pipe_, nullptr);
}

int Interrupt::signal() const { return received_signal.load(std::memory_order_relaxed); }

bool reader_gone(int descriptor) {
  pollfd state{.fd = descriptor, .events = POLLOUT, .revents = 0};
  return ::poll(&state, 1, 0) == 1 && (state.revents & POLLERR) != 0;
}

}  // namespace tocsin::cli
