#include "app/self_test.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>

#include "auth/token.h"
#include "core/json_writer.h"
#include "core/log.h"
#include "store/sql_text.h"

namespace tocsin::app {

const char* const kSelfTestRulePath = "rules/tocsin/self_test.yml";
const char* const kSelfTestRule = R"(title: Self-test of the pipeline
id: 5e1f7e57-0000-4000-8000-70c51e57a10f
status: stable
description: An event that Tocsin sends to itself to see that logs come through. In no incident where its token is real.
author: Tocsin
level: informational
logsource: {product: tocsin, category: self_test}
detection:
  selection: {self_test|startswith: tst_}
  condition: selection
)";

namespace {

using std::chrono::milliseconds;

constexpr milliseconds kLook{250};
constexpr milliseconds kSendTime{5'000};
constexpr std::chrono::seconds kQueryTime{10};
constexpr std::int64_t kBeforeNs = 60'000'000'000;  // A finding is not older than its event; clocks jump.

core::Error failed(const std::string& what) { return {core::ErrorCode::kIo, what + ": " + std::strerror(errno)}; }

class Socket {
 public:
  explicit Socket(int fd) : fd_(fd) {}
  ~Socket() {
    if (fd_ >= 0) ::close(fd_);
  }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  [[nodiscard]] int get() const { return fd_; }
  [[nodiscard]] bool ready() const {
    pollfd look{fd_, POLLOUT, 0};
    return ::poll(&look, 1, static_cast<int>(kSendTime.count())) == 1;
  }

 private:
  int fd_;
};

// "[::]:514", "0.0.0.0:514".
bool read_address(const std::string& where, sockaddr_storage& out, socklen_t& size) {
  const std::size_t colon = where.rfind(':');
  if (colon == std::string::npos) return false;
  std::string host = where.substr(0, colon);
  if (host.size() > 2 && host.front() == '[') host = host.substr(1, host.size() - 2);
  if (host == "0.0.0.0" || host == "localhost" || host.empty()) host = "127.0.0.1";
  if (host == "::") host = "::1";
  std::uint16_t port = 0;
  const char* end = where.data() + where.size();
  if (std::from_chars(where.data() + colon + 1, end, port).ptr != end || port == 0) return false;
  auto* four = reinterpret_cast<sockaddr_in*>(&out);
  auto* six = reinterpret_cast<sockaddr_in6*>(&out);
  if (::inet_pton(AF_INET, host.c_str(), &four->sin_addr) == 1) {
    four->sin_family = AF_INET;
    four->sin_port = htons(port);
    size = sizeof *four;
    return true;
  }
  if (::inet_pton(AF_INET6, host.c_str(), &six->sin6_addr) != 1) return false;
  six->sin6_family = AF_INET6;
  six->sin6_port = htons(port);
  size = sizeof *six;
  return true;
}

// Every token in the text; a document has one, or is made to have some.
std::vector<std::string> tokens_in(std::string_view text) {
  constexpr std::size_t kMaxTokens = 8;
  std::vector<std::string> out;
  for (std::size_t at = text.find(kSelfTestTokenPrefix); at != std::string_view::npos && out.size() < kMaxTokens;
       at = text.find(kSelfTestTokenPrefix, at + 1)) {
    const std::string token(text.substr(at, kSelfTestTokenPrefix.size() + auth::kTokenTextBytes));
    if (auth::is_token(token, kSelfTestTokenPrefix) && std::find(out.begin(), out.end(), token) == out.end()) {
      out.push_back(token);
    }
  }
  return out;
}

}  // namespace

core::Result<void> send_syslog_tcp(const std::string& where, const std::string& line, core::Timestamp now) {
  sockaddr_storage to{};
  socklen_t size = 0;
  if (!read_address(where, to, size)) return core::Error{core::ErrorCode::kInvalid, "'" + where + "' is no address"};
  const Socket socket(::socket(to.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (socket.get() < 0) return failed("cannot make a socket");
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&to), size) != 0 && errno != EINPROGRESS)
    return failed("cannot connect to " + where);
  int problem = 0;
  socklen_t length = sizeof problem;
  if (!socket.ready()) return core::Error{core::ErrorCode::kIo, "cannot connect to " + where + " in time"};
  if (::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &problem, &length) != 0 || problem != 0) {
    errno = problem;
    return failed("cannot connect to " + where);
  }
  const std::string text = "<134>1 " + core::format_iso_time(now) + " tocsin tocsin - self-test - " + line + "\n";
  for (std::string_view rest = text; !rest.empty();) {
    const ssize_t sent = ::send(socket.get(), rest.data(), rest.size(), MSG_NOSIGNAL);
    if (sent > 0) rest.remove_prefix(static_cast<std::size_t>(sent));
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0 && (errno != EAGAIN || !socket.ready())) return failed("cannot send to " + where);
  }
  return {};
}

SelfTest::SelfTest(Parts parts)
    : parts_(std::move(parts)),
      ok_(parts_.metrics.counter("tocsin_self_tests_total", "Events of the self-test, by outcome.", {{"outcome", "ok"}})),
      missed_(parts_.metrics.counter("tocsin_self_tests_total", "Events of the self-test, by outcome.",
                                     {{"outcome", "missed"}})),
      detect_(parts_.metrics.gauge(
          "tocsin_self_test_detect_seconds",
          "From sending an event of the self-test to its stored finding, the slowest of the last run.")) {}

void SelfTest::start() {
  parts_.ledger
      .write(
          [](ledger::Tables& all) { return ledger::SelfTestTables(all).end_running("the program was stopped meanwhile"); })
      .ignore("they stay as running, which harms nobody");
  thread_ = std::thread([this] { loop(); });
}

void SelfTest::stop() {
  {
    const core::Lock lock(mutex_);
    stopping_ = true;
    if (query_) store::cancel(*query_);
    changed_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
}

void SelfTest::run_soon() {
  const core::Lock lock(mutex_);
  asked_ = true;
  changed_.notify_all();
}

bool SelfTest::rest(milliseconds time, bool until_asked) {
  const auto until = std::chrono::steady_clock::now() + time;
  core::Lock lock(mutex_);
  while (!stopping_ && !(until_asked && asked_)) {
    const auto left = until - std::chrono::steady_clock::now();
    if (left <= std::chrono::nanoseconds(0)) break;
    lock.wait_for(changed_, left);
  }
  return !stopping_;
}

void SelfTest::loop() {
  constexpr std::chrono::seconds kLookAtSetting{10};
  auto due = std::chrono::steady_clock::now() + parts_.first;
  while (true) {
    if (!rest(kLookAtSetting, true)) return;
    bool asked = false;
    {
      const core::Lock lock(mutex_);
      asked = std::exchange(asked_, false);
    }
    const std::chrono::seconds every = parts_.every();
    const auto now = std::chrono::steady_clock::now();
    if (!asked && (every.count() == 0 || now < due)) {
      if (every.count() > 0) due = std::min(due, now + every);
      continue;
    }
    due = now + every;
    if (const auto done = run(); !done.ok()) {
      const core::Lock lock(mutex_);
      if (stopping_) return;
      problem_ = done.error().text;
    }
  }
}

core::Result<SelfTest::Sent> SelfTest::send(const SelfTestWay& way) {
  Sent out;
  const core::Secret token = auth::new_token(kSelfTestTokenPrefix);
  out.token = std::string(token.reveal());
  out.row.source = way.source;
  out.row.kind = way.kind;
  out.row.token_hash = auth::hash_token(out.token);
  out.row.at = parts_.clock.now();
  const auto kept = parts_.ledger.write([&](ledger::Tables& all) -> core::Result<void> {
    out.row.id = TOCSIN_TRY(ledger::SelfTestTables(all).insert(out.row));
    return {};
  });
  if (!kept.ok()) return kept.error();
  std::string line;
  core::JsonWriter json(line);
  json.begin_object().member("@timestamp", core::format_iso_time(out.row.at)).member("product", "tocsin");
  json.member("category", "self_test").member("self_test", out.token).member("way", way.kind).end_object();
  out.at = std::chrono::steady_clock::now();
  const auto sent = way.send(line);
  if (!sent.ok()) TOCSIN_TRY(finish(out, sent.error().text));
  return out;
}

core::Result<std::string> SelfTest::find(const Sent& sent) {
  store::SqlText sql("SELECT id FROM findings WHERE rule_id = ");
  sql.text(kSelfTestRuleId) << " AND detected_at >= ";
  sql.number(sent.row.at.ns - kBeforeNs) << " AND position(finding, ";
  sql.text(sent.token) << ") > 0 LIMIT 1";
  auto token = store::make_cancel_token();
  {
    const core::Lock lock(mutex_);
    if (stopping_) return core::Error{core::ErrorCode::kDenied, "self-test: stopping"};
    query_ = token;
  }
  store::QueryLimits limits;
  limits.time = kQueryTime;
  const auto answer = parts_.store.query(sql.str(), "TabSeparated", limits, token);
  const core::Lock lock(mutex_);
  query_.reset();
  if (!answer.ok()) return answer.error();
  return answer->body.substr(0, answer->body.find('\n'));
}

core::Result<void> SelfTest::finish(Sent& sent, const std::string& problem) {
  sent.row.state = problem.empty() ? "ok" : "missed";
  sent.row.problem = problem;
  (problem.empty() ? ok_ : missed_).add();
  return parts_.ledger.write([&](ledger::Tables& all) { return ledger::SelfTestTables(all).finish(sent.row); });
}

core::Result<void> SelfTest::run() {
  std::vector<Sent> sent;
  for (const SelfTestWay& way : parts_.ways()) sent.push_back(TOCSIN_TRY(send(way)));
  const auto until = std::chrono::steady_clock::now() + parts_.patience;
  double slowest = 0;
  std::string trouble;  // With asking the store.
  const auto waits = [](const Sent& one) { return one.row.state.empty(); };
  while (std::any_of(sent.begin(), sent.end(), waits) && std::chrono::steady_clock::now() < until) {
    for (Sent& one : sent) {
      if (!waits(one)) continue;
      const auto finding = find(one);
      if (!finding.ok()) trouble = "; " + finding.error().text;
      if (!finding.ok() || finding->empty()) continue;
      one.row.detect_ns =
          std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now() - one.at).count();
      slowest = std::max(slowest, static_cast<double>(one.row.detect_ns) / 1e9);
      TOCSIN_TRY(finish(one, ""));
    }
    if (!rest(kLook, false)) return {};
  }
  std::string problem;
  for (Sent& one : sent) {
    if (waits(one)) {
      const auto patience = std::chrono::duration_cast<std::chrono::seconds>(parts_.patience).count();
      TOCSIN_TRY(finish(one, "its finding was not stored within " + std::to_string(patience) + " s" + trouble));
    }
    if (one.row.state == "missed") problem += (problem.empty() ? "" : "; ") + one.row.source + ": " + one.row.problem;
  }
  detect_.set(slowest);
  if (!problem.empty()) core::log(core::LogLevel::kWarning, "self-test", problem);
  const core::Lock lock(mutex_);
  problem_ = problem;
  last_ = core::format_iso_time(parts_.clock.now());
  return {};
}

core::Result<bool> SelfTest::marks(std::string_view rule_id, std::string_view finding_id, std::string_view document) {
  if (rule_id != kSelfTestRuleId) return false;
  bool out = false;
  for (const std::string& token : tokens_in(document)) {
    const auto done = parts_.ledger.write([&](ledger::Tables& all) -> core::Result<void> {
      out = TOCSIN_TRY(ledger::SelfTestTables(all).claim(auth::hash_token(token), std::string(finding_id)));
      return {};
    });
    if (!done.ok()) return done.error();
    if (out) return true;
  }
  return false;
}

core::Result<std::vector<ledger::SelfTest>> SelfTest::newest(std::int64_t limit) {
  std::vector<ledger::SelfTest> out;
  const auto done = parts_.ledger.read([&](ledger::Tables& all) -> core::Result<void> {
    out = TOCSIN_TRY(ledger::SelfTestTables(all).newest(limit));
    return {};
  });
  if (!done.ok()) return done.error();
  return out;
}

api::PartHealth SelfTest::health() const {
  const core::Lock lock(mutex_);
  return {"self-test", problem_.empty(), problem_, {{"last_run", last_.empty() ? "none yet" : last_}}};
}

}  // namespace tocsin::app
