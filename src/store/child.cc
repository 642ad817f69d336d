#include "store/child.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>
#include <vector>

#include "core/log.h"

extern char** environ;

namespace tocsin::store {
namespace {

using core::Error;
using core::ErrorCode;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr int kControlFd = 3;
constexpr auto kStartWait = milliseconds(60'000);
constexpr auto kEndWait = milliseconds(500);
constexpr auto kFirstBackOff = milliseconds(100);
constexpr auto kLongestBackOff = milliseconds(10'000);
constexpr auto kLivedWell = std::chrono::seconds(60);  // Then the back-off starts anew.

// 1: readable or hung up; 0: time is up; -1: `stop` was set.
int wait_for(int fd, int stop, milliseconds time) {
  pollfd watched[2] = {{fd, POLLIN | POLLRDHUP, 0}, {stop, POLLIN, 0}};
  const auto until = steady_clock::now() + time;
  for (;;) {
    const auto left = std::chrono::ceil<milliseconds>(until - steady_clock::now()).count();
    const int got = ::poll(watched, stop < 0 ? 1 : 2, static_cast<int>(std::clamp<std::int64_t>(left, 0, 1 << 30)));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return 0;
    return stop >= 0 && watched[1].revents != 0 ? -1 : 1;
  }
}

}  // namespace

Child::Child(StoreOptions options, core::Metrics& metrics)
    : options_(std::move(options)),
      restart_counter_(metrics.counter("tocsin_store_restarts_total", "Times the store's process was started again.")),
      stop_(::eventfd(0, EFD_CLOEXEC)) {}

Child::~Child() {
  const std::uint64_t one = 1;
  if (::write(stop_.get(), &one, sizeof one) < 0) kill();
  if (thread_.joinable()) thread_.join();
}

core::Result<void> Child::start() {
  thread_ = std::thread([this] { monitor(); });
  core::Lock lock(mutex_);
  while (!control_ && !first_failed_) lock.wait(changed_);
  if (!control_) return Error{ErrorCode::kIo, "store: " + problem_};
  return {};
}

core::Result<Fd> Child::connect(steady_clock::duration wait) {
  const auto until = steady_clock::now() + std::min<steady_clock::duration>(wait, kRestartWait);
  for (;;) {
    std::shared_ptr<Fd> control;
    {
      core::Lock lock(mutex_);
      while (!control_) {
        const auto left = until - steady_clock::now();
        if (left <= steady_clock::duration::zero() || !lock.wait_for(changed_, left)) {
          if (control_) break;
          return Error{ErrorCode::kIo,
                       "store: its process is being started again" + (problem_.empty() ? "" : ": " + problem_)};
        }
      }
      control = control_;
    }
    int ends[2] = {-1, -1};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
      return Error{ErrorCode::kIo, std::string("store: no socket: ") + ::strerror(errno)};
    }
    Fd ours(ends[0]);
    const Fd theirs(ends[1]);
    if (send_all(control->get(), "C", theirs.get()).ok()) return ours;
    // It died just now; the monitor will see it.
    core::Lock lock(mutex_);
    while (control_ == control && steady_clock::now() < until) lock.wait_for(changed_, milliseconds(10));
    if (steady_clock::now() >= until) return Error{ErrorCode::kIo, "store: its process does not answer"};
  }
}

void Child::kill() {
  const core::Lock lock(mutex_);
  if (pid_ > 0) ::kill(pid_, SIGKILL);
}
bool Child::ready() const {
  const core::Lock lock(mutex_);
  return control_ != nullptr;
}
std::string Child::problem() const {
  const core::Lock lock(mutex_);
  return problem_;
}
std::uint64_t Child::restarts() const {
  const core::Lock lock(mutex_);
  return restarts_;
}

void Child::set_state(std::shared_ptr<Fd> control, std::string problem) {
  const core::Lock lock(mutex_);
  control_ = std::move(control);
  problem_ = std::move(problem);
  changed_.notify_all();
}

void Child::monitor() {
  auto back_off = kFirstBackOff;
  for (bool first = true;; first = false) {
    const auto begin = steady_clock::now();
    const bool was_ready = live_once();
    if (first && !was_ready) {
      const core::Lock lock(mutex_);
      first_failed_ = true;
      changed_.notify_all();
      return;
    }
    if (steady_clock::now() - begin > kLivedWell) back_off = kFirstBackOff;
    if (stopped_within(back_off)) return;
    back_off = std::min<milliseconds>(back_off * 2, kLongestBackOff);
    core::log(core::LogLevel::kWarning, "store", problem() + "; starting it again");
    restart_counter_.add();
    const core::Lock lock(mutex_);
    ++restarts_;
  }
}

bool Child::stopped_within(milliseconds time) {
  pollfd watched{stop_.get(), POLLIN, 0};
  return ::poll(&watched, 1, static_cast<int>(time.count())) > 0;
}

bool Child::live_once() {
  Fd control;
  if (const auto spawned = spawn(&control); !spawned.ok()) {
    set_state(nullptr, spawned.error().text);
    return false;
  }
  std::string why = await_ready(control.get());
  if (!why.empty()) {
    end(control.get(), false);
    set_state(nullptr, std::move(why));
    return false;
  }
  auto shared = std::make_shared<Fd>(std::move(control));
  set_state(shared, "");
  int event = 0;
  while (event == 0) event = wait_for(shared->get(), stop_.get(), milliseconds(1 << 30));
  set_state(nullptr, "its process ended");
  end(shared->get(), event < 0);
  return true;
}

core::Result<void> Child::spawn(Fd* control) {
  int ends[2] = {-1, -1};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
    return Error{ErrorCode::kIo, std::string("no socket: ") + ::strerror(errno)};
  }
  *control = Fd(ends[0]);
  const Fd theirs(ends[1]);
  std::vector<std::string> arguments{options_.program, "store",
                                     "--control",      std::to_string(kControlFd),
                                     "--folder",       options_.folder,
                                     "--engine",       options_.engine_library,
                                     "--memory",       std::to_string(options_.engine_memory_bytes)};
  std::vector<char*> pointers;
  for (std::string& argument : arguments) pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  // A program that does not know what `store` means would open a store of its own, which starts it again, and so on.
  std::string mark = std::string(kProcessMark) + "=1";
  // The engine's allocator keeps what was freed for 5 s by its own default: a fifth of its memory under load. Theirs to
  // change.
  std::string allocator = "JE_MALLOC_CONF=dirty_decay_ms:1000,muzzy_decay_ms:0";
  std::vector<char*> environment{mark.data()};
  if (std::getenv("JE_MALLOC_CONF") == nullptr) environment.push_back(allocator.data());
  for (char** entry = environ; *entry != nullptr; ++entry) environment.push_back(*entry);
  environment.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, theirs.get(), kControlFd);
  pid_t pid = -1;
  const int failed = ::posix_spawn(&pid, options_.program.c_str(), &actions, nullptr, pointers.data(), environment.data());
  ::posix_spawn_file_actions_destroy(&actions);
  if (failed != 0) return Error{ErrorCode::kIo, "cannot start " + options_.program + ": " + ::strerror(failed)};
  const core::Lock lock(mutex_);
  pid_ = pid;
  return {};
}

// Empty where it is ready, else why not.
std::string Child::await_ready(int control) {
  const int event = wait_for(control, stop_.get(), kStartWait);
  if (event < 0) return "stopped while it started";
  if (event == 0) return "its process did not become ready within 60 s";
  char message[4096];
  const ssize_t got = ::recv(control, message, sizeof message, 0);
  if (got <= 0) return "its process ended while it started; see " + options_.folder + "/store.log";
  if (message[0] == 'R') return "";
  return std::string(message + 1, static_cast<std::size_t>(got) - 1);
}

// Well: it is told to end and given kEndWait. Either way it is gone afterwards.
void Child::end(int control, bool well) {
  ::shutdown(control, SHUT_WR);
  if (well) wait_for(control, -1, kEndWait);
  pid_t pid = -1;
  {
    const core::Lock lock(mutex_);
    pid = std::exchange(pid_, -1);
  }
  if (!well) ::kill(pid, SIGKILL);
  // A child that closed its end is in _exit() or gone; one that did not has had its time.
  int status = 0;
  for (int i = 0; well && i < 20; ++i) {
    if (::waitpid(pid, &status, WNOHANG) != 0) return;
    ::poll(nullptr, 0, 5);
  }
  ::kill(pid, SIGKILL);
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
}

}  // namespace tocsin::store
