// Sends events to a running `tocsin serve`, at a rate or as fast as they are taken; bench/serve_bench.py starts it.
//
//   serve_load --lane FILE --to tcp://HOST:PORT [--to ...] [--rate R] [--seconds S | --events N] [--connections C]
//              [--threads T] [--varied-commands PERCENT] [--marks FILE --marks-per-second M]
//   serve_load --lane FILE --to https://HOST:PORT/api/v1/ingest/NAME --token TOKEN ...
//
// TCP: lines, connections dealt out over the addresses and served in turn by T threads; at the end each connection is half
// closed, and the program waits until the server has closed it: then all was read. HTTP: each connection has a thread, sends
// 500 events a request and waits for the answer; 429 and 503 are sent again after a pause. Certificates are not verified.
// Prints one line of JSON: sent, bytes, seconds, wait_share (of the threads' time spent in waiting for the server), and for
// HTTP again (requests that were sent again). Marks: bench/lane_events.h; the file gets a line each, number and the
// nanoseconds since 1970 at which it was sent.
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "lane_events.h"

namespace {

using tocsin::bench::LaneEvents;
using Clock = std::chrono::steady_clock;

constexpr std::uint64_t kEventsAtOnce = 500;
constexpr auto kTick = std::chrono::milliseconds(5);

[[noreturn]] void fail(const std::string& what) {
  std::fprintf(stderr, "serve_load: %s\n", what.c_str());
  std::exit(2);
}

std::int64_t now_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}
double seconds_since(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }

struct Target {
  std::string scheme, host, port, path;
};

Target parse_target(std::string_view text) {
  Target out;
  const std::size_t scheme = text.find("://");
  if (scheme == std::string_view::npos) fail("--to: expected tcp:// http:// or https://");
  out.scheme = text.substr(0, scheme);
  text.remove_prefix(scheme + 3);
  const std::size_t slash = std::min(text.find('/'), text.size());
  out.path = text.substr(slash);
  text = text.substr(0, slash);
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) fail("--to: a port is needed");
  out.host = text.substr(0, colon);
  out.port = text.substr(colon + 1);
  return out;
}

struct Options {
  std::string lane, token, marks;
  std::vector<Target> targets;
  double rate = 0, seconds = 0, marks_per_second = 0;
  std::uint64_t events = 0;
  unsigned connections = 1, threads = 1;
  tocsin::bench::LaneOptions events_options;
};

// A connected socket, plain or through TLS. Blocking; ends the program where the server is gone.
class Connection {
 public:
  Connection(const Target& target, SSL_CTX* tls) {
    addrinfo hints{}, *found = nullptr;
    hints.ai_socktype = SOCK_STREAM;
    if (::getaddrinfo(target.host.c_str(), target.port.c_str(), &hints, &found) != 0) fail("unknown host " + target.host);
    fd_ = ::socket(found->ai_family, SOCK_STREAM, 0);
    const int done = ::connect(fd_, found->ai_addr, found->ai_addrlen);
    ::freeaddrinfo(found);
    if (done != 0) fail("cannot connect to " + target.host + ":" + target.port);
    const int on = 1;
    ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (target.scheme != "https") return;
    tls_.reset(SSL_new(tls));
    SSL_set_fd(tls_.get(), fd_);
    if (SSL_connect(tls_.get()) != 1) fail("no TLS with " + target.host + ":" + target.port);
  }
  ~Connection() { ::close(fd_); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void send(std::string_view bytes) {
    while (!bytes.empty()) {
      std::size_t sent = 0;
      if (tls_) {
        if (SSL_write_ex(tls_.get(), bytes.data(), bytes.size(), &sent) != 1) fail("the server ended a connection");
      } else {
        const ssize_t result = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (result <= 0) fail("the server ended a connection");
        sent = static_cast<std::size_t>(result);
      }
      bytes.remove_prefix(sent);
    }
  }
  // 0: the server closed.
  std::size_t receive(char* to, std::size_t size) {
    std::size_t got = 0;
    if (tls_) return SSL_read_ex(tls_.get(), to, size, &got) == 1 ? got : 0;
    const ssize_t result = ::recv(fd_, to, size, 0);
    return result > 0 ? static_cast<std::size_t>(result) : 0;
  }
  void finish() {
    ::shutdown(fd_, SHUT_WR);
    char rest[256];
    while (receive(rest, sizeof rest) > 0) {
    }
  }

 private:
  int fd_ = -1;
  std::unique_ptr<SSL, void (*)(SSL*)> tls_{nullptr, SSL_free};
};

struct Mark {
  std::uint64_t number;
  std::int64_t sent_ns;
};

struct Outcome {
  std::uint64_t sent = 0, bytes = 0, again = 0;
  double waited_s = 0;
  std::vector<Mark> marks;
};

// How many events are due, of one thread. Past the end: none, and over() is true.
class Pace {
 public:
  Pace(const Options& options, unsigned index, unsigned count)
      : rate_(options.rate / count),
        seconds_(options.seconds),
        limit_(options.events == 0 ? UINT64_MAX : options.events / count + (index < options.events % count ? 1 : 0)) {}
  [[nodiscard]] bool over(std::uint64_t sent) const {
    return sent >= limit_ || (seconds_ > 0 && seconds_since(begin_) >= seconds_);
  }
  [[nodiscard]] std::uint64_t due(std::uint64_t sent) const {
    std::uint64_t out = kEventsAtOnce;
    if (rate_ > 0) {
      const double wanted = rate_ * seconds_since(begin_) - static_cast<double>(sent);
      out = wanted < 1 ? 0 : std::min<std::uint64_t>(kEventsAtOnce, static_cast<std::uint64_t>(wanted));
    }
    return std::min(out, limit_ - sent);
  }
  [[nodiscard]] double elapsed() const { return seconds_since(begin_); }

 private:
  const double rate_, seconds_;
  const std::uint64_t limit_;
  const Clock::time_point begin_ = Clock::now();
};

void send_lines(const Options& options, unsigned index, Outcome& out) {
  std::vector<std::unique_ptr<Connection>> connections;
  for (unsigned i = index; i < options.connections; i += options.threads)
    connections.push_back(std::make_unique<Connection>(options.targets[i % options.targets.size()], nullptr));
  LaneEvents events(options.lane, options.events_options, index + 1);
  const Pace pace(options, index, options.threads);
  std::string text;
  std::size_t turn = 0;
  const double marks_per_second = index == 0 ? options.marks_per_second : 0;
  while (!pace.over(out.sent)) {
    const std::uint64_t count = pace.due(out.sent);
    text.clear();
    const std::int64_t now = now_ns();
    for (std::uint64_t i = 0; i < count; ++i) events.append(now, text);
    out.sent += count;
    if (marks_per_second > 0 && pace.elapsed() * marks_per_second >= static_cast<double>(out.marks.size() + 1)) {
      LaneEvents::append_mark(out.marks.size(), now, text);
      out.marks.push_back({out.marks.size(), now_ns()});
      ++out.sent;
    }
    if (text.empty()) {
      std::this_thread::sleep_for(kTick);
      continue;
    }
    const auto begin = Clock::now();
    connections[turn]->send(text);
    out.waited_s += seconds_since(begin);
    out.bytes += text.size();
    turn = turn + 1 == connections.size() ? 0 : turn + 1;
  }
  for (const auto& connection : connections) connection->finish();
}

// The status of the next answer; its body is read and dropped.
int read_answer(Connection& connection, std::string& buffer) {
  buffer.clear();
  char piece[4096];
  std::size_t head = std::string::npos, body = 0;
  while (true) {
    if (head == std::string::npos && (head = buffer.find("\r\n\r\n")) != std::string::npos) {
      std::string lower = buffer.substr(0, head);
      for (char& c : lower) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
      if (const std::size_t at = lower.find("content-length: "); at != std::string::npos)
        body = std::strtoull(lower.c_str() + at + 16, nullptr, 10);
    }
    if (head != std::string::npos && buffer.size() >= head + 4 + body) break;
    const std::size_t got = connection.receive(piece, sizeof piece);
    if (got == 0) fail("the server ended a connection");
    buffer.append(piece, got);
  }
  return std::atoi(buffer.c_str() + buffer.find(' '));
}

void send_requests(const Options& options, unsigned index, SSL_CTX* tls, Outcome& out) {
  const Target& target = options.targets[index % options.targets.size()];
  Connection connection(target, tls);
  LaneEvents events(options.lane, options.events_options, index + 1);
  const Pace pace(options, index, options.connections);
  std::string text, head, answer;
  while (!pace.over(out.sent)) {
    const std::uint64_t count = pace.due(out.sent);
    // With a rate, requests are full as well: it waits for the events.
    if (count == 0 || (options.rate > 0 && count < kEventsAtOnce && options.events == 0)) {
      std::this_thread::sleep_for(kTick);
      continue;
    }
    text.clear();
    const std::int64_t now = now_ns();
    for (std::uint64_t i = 0; i < count; ++i) events.append(now, text);
    head = "POST " + target.path + " HTTP/1.1\r\nHost: " + target.host + "\r\nAuthorization: Bearer " + options.token +
           "\r\nContent-Type: application/x-ndjson\r\nContent-Length: " + std::to_string(text.size()) + "\r\n\r\n";
    const auto begin = Clock::now();
    for (int status = 0; status != 200;) {
      connection.send(head);
      connection.send(text);
      status = read_answer(connection, answer);
      if (status == 200) break;
      if (status != 429 && status != 503) fail("answered " + answer);
      ++out.again;
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    out.waited_s += seconds_since(begin);
    out.sent += count;
    out.bytes += text.size();
  }
}

template <class Number>
Number number_of(std::string_view name, std::string_view text) {
  Number out{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error != std::errc() || end != text.data() + text.size()) fail(std::string(name) + ": expected a number");
  return out;
}

Options parse(int argc, char** argv) {
  Options out;
  for (int i = 1; i < argc; i += 2) {
    const std::string_view name = argv[i];
    if (i + 1 >= argc) fail(std::string(name) + " needs a value");
    const std::string_view value = argv[i + 1];
    if (name == "--lane")
      out.lane = value;
    else if (name == "--to")
      out.targets.push_back(parse_target(value));
    else if (name == "--token")
      out.token = value;
    else if (name == "--marks")
      out.marks = value;
    else if (name == "--marks-per-second")
      out.marks_per_second = number_of<double>(name, value);
    else if (name == "--rate")
      out.rate = number_of<double>(name, value);
    else if (name == "--seconds")
      out.seconds = number_of<double>(name, value);
    else if (name == "--events")
      out.events = number_of<std::uint64_t>(name, value);
    else if (name == "--connections")
      out.connections = number_of<unsigned>(name, value);
    else if (name == "--threads")
      out.threads = number_of<unsigned>(name, value);
    else if (name == "--varied-commands")
      out.events_options.varied_commands_percent = number_of<unsigned>(name, value);
    else
      fail("unknown option " + std::string(name));
  }
  if (out.lane.empty() || out.targets.empty() || (out.seconds <= 0 && out.events == 0))
    fail("--lane, --to, and --seconds or --events are needed");
  out.threads = std::clamp(out.threads, 1u, out.connections);
  return out;
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  Options options = parse(argc, argv);
  const bool lines = options.targets.front().scheme == "tcp";
  if (!lines) options.threads = options.connections;
  std::unique_ptr<SSL_CTX, void (*)(SSL_CTX*)> tls(SSL_CTX_new(TLS_client_method()), SSL_CTX_free);
  std::vector<Outcome> outcomes(options.threads);
  std::vector<std::thread> threads;
  const auto begin = Clock::now();
  for (unsigned i = 0; i < options.threads; ++i) {
    threads.emplace_back([&, i] {
      if (lines)
        send_lines(options, i, outcomes[i]);
      else
        send_requests(options, i, tls.get(), outcomes[i]);
    });
  }
  for (std::thread& thread : threads) thread.join();
  const double seconds = seconds_since(begin);
  Outcome all;
  for (const Outcome& outcome : outcomes) {
    all.sent += outcome.sent;
    all.bytes += outcome.bytes;
    all.again += outcome.again;
    all.waited_s += outcome.waited_s;
  }
  if (!options.marks.empty()) {
    std::FILE* file = std::fopen(options.marks.c_str(), "w");
    if (file == nullptr) fail("cannot write " + options.marks);
    for (const Mark& mark : outcomes.front().marks)
      std::fprintf(file, "%llu %lld\n", static_cast<unsigned long long>(mark.number), static_cast<long long>(mark.sent_ns));
    std::fclose(file);
  }
  std::printf("{\"sent\":%llu,\"bytes\":%llu,\"seconds\":%.3f,\"wait_share\":%.3f,\"again\":%llu}\n",
              static_cast<unsigned long long>(all.sent), static_cast<unsigned long long>(all.bytes), seconds,
              all.waited_s / (seconds * options.threads), static_cast<unsigned long long>(all.again));
}
