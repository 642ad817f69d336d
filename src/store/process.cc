// The child: owns the engine, serves one request per connection, dies with its parent.
//
// Connections come as descriptors over the control socket, so there is no name in the file system that anyone else could
// connect to. The main thread watches the control socket and the peers of running reads; each request has a thread.
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "core/mutex.h"
#include "store/engine.h"
#include "store/frames.h"
#include "store/store.h"

namespace tocsin::store {
namespace {

using std::chrono::steady_clock;

constexpr std::size_t kMaxConnections = 64;  // The client's pool is smaller; more are closed unanswered.
constexpr auto kPurgeEvery = std::chrono::seconds(30);
constexpr auto kKillAgainAfter = std::chrono::milliseconds(100);
constexpr int kConnectTries = 15;
constexpr auto kConnectPause = std::chrono::milliseconds(100);
constexpr off_t kMaxLogBytes = 4 << 20;

struct Options {
  int control = -1;
  std::string folder, library;
  std::uint64_t memory_bytes = 0;
};

std::optional<Options> parse(int argc, char** argv) {
  Options options;
  for (int i = 2; i + 1 < argc; i += 2) {
    const std::string_view name = argv[i], value = argv[i + 1];
    if (name == "--folder")
      options.folder = value;
    else if (name == "--engine")
      options.library = value;
    else if (name == "--control")
      std::from_chars(value.data(), value.data() + value.size(), options.control);
    else if (name == "--memory")
      std::from_chars(value.data(), value.data() + value.size(), options.memory_bytes);
    else
      return std::nullopt;
  }
  if (options.control < 0 || options.folder.empty() || options.library.empty() || options.memory_bytes == 0)
    return std::nullopt;
  return options;
}

bool write_file(const std::string& path, const std::string& text) {
  const std::string next = path + ".new";
  const Fd file(::open(next.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!file.valid() || ::write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) return false;
  return ::rename(next.c_str(), path.c_str()) == 0;
}

// Everything the engine says by itself goes to <folder>/store.log.
void redirect_output(const std::string& folder) {
  const std::string path = folder + "/store.log";
  struct stat status{};
  const int flags = ::stat(path.c_str(), &status) == 0 && status.st_size > kMaxLogBytes ? O_TRUNC : O_APPEND;
  const Fd log(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0600));
  const Fd nothing(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  ::dup2(nothing.get(), 0);
  ::dup2(log.get(), 1);
  ::dup2(log.get(), 2);
}

// One request that runs. `peer` is watched where a hang-up should end the statement.
struct Running {
  int peer = -1;
  std::string comment;
  bool gone = false;
};

class Server {
 public:
  Server(const Engine& engine, Connection keeper, int control)
      : engine_(engine), keeper_(std::move(keeper)), control_(control) {
    wake_ = Fd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  }
  void serve();

 private:
  struct Worker {
    std::thread thread;
    std::atomic<bool> done{false};
  };
  bool wait_once();
  void accept_one(bool* open);
  void reap();
  void handle(Fd socket);
  core::Result<EngineAnswer> execute(const Request& request, const std::string& comment, int passed);
  void kill_gone();
  void maintain();

  const Engine& engine_;
  Connection keeper_;  // The main thread's. Holds the engine open.
  int control_;
  Fd wake_;
  std::list<Worker> workers_;
  steady_clock::time_point next_purge_ = steady_clock::now() + kPurgeEvery;
  std::atomic<std::uint64_t> numbers_{0};
  core::Mutex mutex_;
  std::list<Running> running_ GUARDED_BY(mutex_);
};

void Server::serve() {
  while (wait_once()) {
    reap();
    kill_gone();
    maintain();
  }
  // The parent is gone or wants an end: nobody waits for answers any more.
  {
    const core::Lock lock(mutex_);
    for (Running& running : running_) running.gone = true;
  }
  while (!workers_.empty()) {
    kill_gone();
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    reap();
  }
}

// False where the control socket is closed.
bool Server::wait_once() {
  std::vector<pollfd> watched{{control_, POLLIN, 0}, {wake_.get(), POLLIN, 0}};
  std::vector<std::string> comments(watched.size());  // By them, not by descriptors: those of ended requests are used anew.
  bool kills = false;
  {
    const core::Lock lock(mutex_);
    for (const Running& running : running_) {
      kills = kills || running.gone;
      if (running.gone) continue;
      watched.push_back({running.peer, POLLRDHUP, 0});
      comments.push_back(running.comment);
    }
  }
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(next_purge_ - steady_clock::now()).count();
  const auto wait = kills ? std::min<std::int64_t>(left, kKillAgainAfter.count()) : left;
  if (::poll(watched.data(), watched.size(), static_cast<int>(std::max<std::int64_t>(wait, 0))) < 0) return errno == EINTR;
  if (watched[1].revents != 0) {
    std::uint64_t count = 0;
    if (::read(wake_.get(), &count, sizeof count) < 0) return errno == EAGAIN;
  }
  bool open = true;
  if (watched[0].revents != 0) accept_one(&open);
  const core::Lock lock(mutex_);
  for (std::size_t i = 2; i < watched.size(); ++i) {
    if (watched[i].revents == 0) continue;
    for (Running& running : running_) running.gone = running.gone || running.comment == comments[i];
  }
  return open;
}

void Server::accept_one(bool* open) {
  char byte = 0;
  Fd socket;
  if (!receive_all(control_, &byte, 1, &socket)) {
    *open = false;
    return;
  }
  if (!socket.valid() || workers_.size() >= kMaxConnections) return;
  Worker& worker = workers_.emplace_back();
  worker.thread = std::thread([this, &worker, fd = socket.release()] {
    handle(Fd(fd));
    worker.done = true;
    const std::uint64_t one = 1;
    if (::write(wake_.get(), &one, sizeof one) < 0) return;
  });
}

void Server::reap() {
  for (auto worker = workers_.begin(); worker != workers_.end();) {
    if (!worker->done) {
      ++worker;
      continue;
    }
    worker->thread.join();
    worker = workers_.erase(worker);
  }
}

void Server::kill_gone() {
  std::vector<std::string> comments;
  {
    const core::Lock lock(mutex_);
    for (const Running& running : running_) {
      if (running.gone) comments.push_back(running.comment);
    }
  }
  for (const std::string& comment : comments) {
    keeper_.run("KILL QUERY WHERE Settings['log_comment'] = '" + comment + "' ASYNC").ignore("asked again while it runs");
  }
}

void Server::maintain() {
  if (steady_clock::now() < next_purge_) return;
  keeper_.run("SYSTEM JEMALLOC PURGE").ignore("memory given back late is no failure");
  next_purge_ = steady_clock::now() + kPurgeEvery;
}

core::Result<EngineAnswer> Server::execute(const Request& request, const std::string& comment, int passed) {
  auto connection = TOCSIN_TRY(engine_.connect());
  std::string set = "SET log_comment='" + comment + "'";
  for (const std::string& setting : request.settings) set += ", " + setting;
  TOCSIN_TRY(connection.run(set));
  const std::string path = "'/proc/self/fd/" + std::to_string(passed) + "'";
  switch (request.kind) {
    case RequestKind::kCommand: return connection.run(request.sql, request.format);
    case RequestKind::kInsert:
      return connection.run(request.sql + " FROM INFILE " + path + " COMPRESSION 'none' FORMAT Native");
    case RequestKind::kRead: break;
  }
  TOCSIN_TRY(connection.run("USE tocsin"));
  TOCSIN_TRY(connection.run("SET readonly=1"));
  return connection.run(request.sql + "\nINTO OUTFILE " + path + " APPEND FORMAT " + request.format);
}

void Server::handle(Fd socket) {
  Request request;
  Fd passed;
  if (!receive_request(socket.get(), &request, &passed)) return;
  if (request.kind != RequestKind::kCommand && !passed.valid()) return;
  const std::string comment = "tocsin-" + std::to_string(numbers_++);
  std::list<Running> entry;
  if (request.kind != RequestKind::kInsert) {
    entry.push_back({socket.get(), comment});
    const core::Lock lock(mutex_);
    running_.splice(running_.end(), entry, entry.begin());
  }
  const std::uint64_t one = 1;
  if (::write(wake_.get(), &one, sizeof one) < 0) return;
  const core::Result<EngineAnswer> answer = execute(request, comment, passed.get());
  {
    const core::Lock lock(mutex_);
    running_.remove_if([&](const Running& running) { return running.comment == comment; });
  }
  passed.reset();  // The reader sees the end of its pipe.
  if (!answer.ok()) {
    send_frame(socket.get(), FrameKind::kError, std::string_view(answer.error().text).substr(0, kMaxFrameBytes));
    return;
  }
  if (!answer->body.empty() && !send_frame(socket.get(), FrameKind::kData, answer->body)) return;
  const EndFrame end{answer->rows, answer->rows_read, answer->bytes_read, answer->elapsed_us};
  send_frame(socket.get(), FrameKind::kEnd, {reinterpret_cast<const char*>(&end), sizeof end});
}

// "F" and the reason: the parent shows it. A message of its own on the control socket.
int refuse(const Options& options, const std::string& why) {
  send_all(options.control, "F" + why).ignore("nobody is left to tell");
  return 1;
}

int run(const Options& options) {
  for (const char* part : {"", "/data", "/data/metadata", "/none"}) {
    if (::mkdir((options.folder + part).c_str(), 0700) != 0 && errno != EEXIST) {
      return refuse(options, "cannot make " + options.folder + part + ": " + ::strerror(errno));
    }
  }
  const std::string configuration = options.folder + "/engine.xml";
  if (!write_file(configuration, engine_configuration(options.folder, options.memory_bytes))) {
    return refuse(options, "cannot write " + configuration + ": " + ::strerror(errno));
  }
  redirect_output(options.folder);
  if (::chdir((options.folder + "/none").c_str()) != 0) return refuse(options, "cannot enter " + options.folder);
  auto engine = Engine::load(options.library, {"clickhouse", "--path=" + options.folder + "/data",
                                               "--config-file=" + configuration, "--log-level=error"});
  if (!engine.ok()) return refuse(options, engine.error().text);
  auto keeper = std::make_unique<core::Result<Connection>>(engine->connect());
  // A child of before may still be on its way out.
  for (int i = 0; !keeper->ok() && i < kConnectTries; ++i) {
    std::this_thread::sleep_for(kConnectPause);
    keeper = std::make_unique<core::Result<Connection>>(engine->connect());
  }
  if (!keeper->ok()) return refuse(options, keeper->error().text);
  {
    Server server(*engine, std::move(**keeper), options.control);
    if (!send_all(options.control, "R").ok()) return 1;
    server.serve();
  }
  return 0;
}

}  // namespace

int run_store_process(int argc, char** argv) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::prctl(PR_SET_NAME, "tocsin-store");
  sigset_t all;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_BLOCK, &all, nullptr);  // The engine's threads inherit it.
  const std::optional<Options> options = parse(argc, argv);
  if (!options) {
    std::fputs("tocsin store: started by `tocsin serve` only\n", stderr);
    return 2;
  }
  // What the parent had open is none of the child's business.
  ::close_range(static_cast<unsigned>(options->control) + 1, ~0u, 0);
  const int code = run(*options);
  ::_exit(code);  // The engine's pool threads live on; handlers at exit would meet them.
}

}  // namespace tocsin::store
