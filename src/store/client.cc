#include "store/client.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <vector>

namespace tocsin::store {
namespace {

using core::Error;
using core::ErrorCode;
using std::chrono::steady_clock;

constexpr int kPipeBytes = 1 << 20;

core::ErrorCode code_of(int engine_code) {
  switch (engine_code) {
    case 158:  // TOO_MANY_ROWS
    case 159:  // TIMEOUT_EXCEEDED
    case 160:  // TOO_SLOW
    case 241:  // MEMORY_LIMIT_EXCEEDED
    case 307:  // TOO_MANY_BYTES
    case 396:  // TOO_MANY_ROWS_OR_BYTES
      return ErrorCode::kLimit;
    case 164:  // READONLY
    case 291:  // DATABASE_ACCESS_DENIED
    case 394:  // QUERY_WAS_CANCELLED
    case 497:  // ACCESS_DENIED
      return ErrorCode::kDenied;
    case 47:  // UNKNOWN_IDENTIFIER
    case 60:  // UNKNOWN_TABLE
    case 46:  // UNKNOWN_FUNCTION
      return ErrorCode::kNotFound;
    case 74:   // CANNOT_READ_FROM_FILE_DESCRIPTOR
    case 75:   // CANNOT_WRITE_TO_FILE_DESCRIPTOR
    case 243:  // NOT_ENOUGH_SPACE
    case 252:  // TOO_MANY_PARTS
      return ErrorCode::kIo;
    default: return ErrorCode::kInvalid;
  }
}

// The state of one request: what has come so far over the two descriptors.
class Answer {
 public:
  Answer(const Exchange& what, Fd socket, Fd pipe) : what_(what), socket_(std::move(socket)), pipe_(std::move(pipe)) {}
  ExchangeResult wait();

 private:
  enum class Step : std::uint8_t { kGoOn, kDone };
  ExchangeResult fail(ErrorCode code, std::string text, bool unanswered) {
    ExchangeResult result;
    result.failed = true;
    result.failure = {{code, std::move(text)}, 0, unanswered};
    return result;
  }
  Step read_pipe();
  Step read_frame();

  const Exchange& what_;
  Fd socket_, pipe_;
  ExchangeResult result_;
  std::string piece_ = std::string(256u << 10, '\0');
  bool ended_ = false, refused_more_ = false;
};

Answer::Step Answer::read_pipe() {
  const ssize_t got = ::read(pipe_.get(), piece_.data(), piece_.size());
  if (got < 0 && errno == EINTR) return Step::kGoOn;
  if (got <= 0) {
    pipe_.reset();
    return ended_ ? Step::kDone : Step::kGoOn;
  }
  if (what_.take && !what_.take(std::string_view(piece_).substr(0, static_cast<std::size_t>(got)))) {
    refused_more_ = true;
    return Step::kDone;
  }
  return Step::kGoOn;
}

Answer::Step Answer::read_frame() {
  FrameHeader header;
  std::string body;
  bool whole = receive_all(socket_.get(), reinterpret_cast<char*>(&header), sizeof header) && header.bytes <= kMaxFrameBytes;
  if (whole) {
    body.resize(header.bytes);
    whole = receive_all(socket_.get(), body.data(), body.size());
  }
  if (!whole) {
    result_ = fail(ErrorCode::kIo, "store: its process ended before it answered", true);
    return Step::kDone;
  }
  if (header.kind == FrameKind::kData) {
    if (what_.take && !what_.take(body)) {
      refused_more_ = true;
      return Step::kDone;
    }
    return Step::kGoOn;
  }
  if (header.kind == FrameKind::kError) {
    result_.failed = true;
    result_.failure.error = engine_error(body, &result_.failure.engine_code);
    return Step::kDone;
  }
  if (body.size() == sizeof result_.end) std::memcpy(&result_.end, body.data(), sizeof result_.end);
  ended_ = true;
  return pipe_.valid() ? Step::kGoOn : Step::kDone;
}

ExchangeResult Answer::wait() {
  const auto until = steady_clock::now() + what_.time;
  for (Step step = Step::kGoOn; step == Step::kGoOn;) {
    pollfd watched[3] = {{what_.cancel == nullptr ? -1 : what_.cancel->fd(), POLLIN, 0},
                         {pipe_.get(), POLLIN, 0},
                         {ended_ ? -1 : socket_.get(), POLLIN | POLLRDHUP, 0}};
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - steady_clock::now()).count();
    if (left <= 0) return fail(ErrorCode::kLimit, "store: no answer within the time allowed", true);
    const int got = ::poll(watched, 3, static_cast<int>(std::min<std::int64_t>(left, 1 << 30)));
    if (got < 0 && errno != EINTR) return fail(ErrorCode::kIo, std::string("store: poll: ") + ::strerror(errno), true);
    if (got <= 0) continue;
    if (watched[0].revents != 0) return fail(ErrorCode::kDenied, "cancelled", true);
    if (watched[1].revents != 0) {
      step = read_pipe();
    } else if (watched[2].revents != 0) {
      step = read_frame();
    }
  }
  if (refused_more_) result_ = {};
  return std::move(result_);
}

}  // namespace

CancelToken::CancelToken() : event_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}
void CancelToken::set() {
  const std::uint64_t one = 1;
  if (::write(event_.get(), &one, sizeof one) < 0) return;  // It is set already.
}
std::shared_ptr<CancelToken> make_cancel_token() { return std::make_shared<CancelToken>(); }
void cancel(CancelToken& token) { token.set(); }

core::Error engine_error(std::string_view text, int* code) {
  *code = 0;
  constexpr std::string_view kCode = "Code: ", kException = "DB::Exception: ";
  if (text.starts_with(kCode)) std::from_chars(text.data() + kCode.size(), text.data() + text.size(), *code);
  if (*code == 394) return {ErrorCode::kDenied, "cancelled"};
  const ErrorCode ours = *code == 0 ? ErrorCode::kIo : code_of(*code);
  while (text.starts_with(kCode)) {
    const std::size_t at = text.find(kException);
    if (at == std::string_view::npos) break;
    text.remove_prefix(at + kException.size());
  }
  if (const std::size_t version = text.find(" (version "); version != std::string_view::npos) text = text.substr(0, version);
  return {ours, std::string(text.substr(0, 4096))};
}

ExchangeResult exchange(Child& child, const Exchange& what) {
  ExchangeResult failed;
  failed.failed = true;
  auto socket = child.connect(what.connect_wait);
  if (!socket.ok()) {
    failed.failure = {socket.error(), 0, true};
    return failed;
  }
  Fd reading, writing;
  if (what.request.kind == RequestKind::kRead) {
    int ends[2] = {-1, -1};
    if (::pipe2(ends, O_CLOEXEC) != 0) {
      failed.failure = {{ErrorCode::kIo, std::string("store: no pipe: ") + ::strerror(errno)}, 0, true};
      return failed;
    }
    reading = Fd(ends[0]);
    writing = Fd(ends[1]);
    ::fcntl(writing.get(), F_SETPIPE_SZ, kPipeBytes);
  }
  const int passed = writing.valid() ? writing.get() : what.input;
  if (auto sent = send_request(socket->get(), what.request, passed); !sent.ok()) {
    failed.failure = {sent.error(), 0, true};
    return failed;
  }
  writing.reset();
  return Answer(what, std::move(*socket), std::move(reading)).wait();
}

}  // namespace tocsin::store
