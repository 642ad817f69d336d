// One Lumberjack connection: reads frames, hands pieces to the Intake, writes acknowledgements. Include in .cc files only.
//
// All of it runs on the network thread, but for what the Intake calls back, which posts to it. Two coroutines: read_all
// and answer_all; the session ends when both have. Every wait of theirs ends by force_close() at the latest.
#pragma once
#include <boost/asio.hpp>
#include <boost/asio/ssl.hpp>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "http/listener.h"
#include "http/tls_context.h"
#include "source/lumberjack.h"
#include "source/lumberjack/frame_reader.h"
#include "source/lumberjack/window_book.h"

namespace tocsin::source::lumberjack {

namespace net = boost::asio;
using boost::system::error_code;
using net::ip::tcp;
using std::chrono::milliseconds;

inline constexpr std::size_t kReadBytes = 32u << 10;
inline constexpr std::size_t kPieceBytes = 1u << 20;
inline constexpr std::size_t kMaxUnsentBytes = 4'096;  // Of acknowledgements to a sender that does not read them.
inline constexpr std::size_t kFramesAtOnce = 1'000;    // Then it is the others' turn: a frame can expand to millions.
inline constexpr std::size_t kMaxPiecesUnderWay = 64;  // Of one connection: windows can be tiny.
inline constexpr const char* kIdle = "idle";
inline constexpr milliseconds kRoomCheck{50};  // For the rare wake that was missed.

class Connection : public http::ListenerConnection {
 public:
  virtual void wake_room() = 0;  // There may be room in a backlog.
};

// Shared by the listener and its connections. Members belong to the network thread, but for what has its own lock.
struct Shared final : http::Listener, std::enable_shared_from_this<Shared> {
  Shared(LumberjackOptions o, const SourceContext& c)
      : Listener({"listener '" + o.name + "'", o.address, o.port, o.tls, o.max_connections, o.max_connections_per_address}),
        options(std::move(o)),
        context(c),
        meter(options.source ? options.source->meter : std::make_shared<SourceMeter>(c.metrics, options.name)),
        backlog(std::make_shared<Backlog>(options.max_backlog_bytes, context.all_backlogs)) {}
  void wake_all() {
    for (const auto& [_, connection] : connections()) static_cast<Connection&>(*connection).wake_room();
  }

  const LumberjackOptions options;
  const SourceContext context;
  const std::shared_ptr<SourceMeter> meter;  // Of what is refused before a source is known.
  const std::shared_ptr<Backlog> backlog;
  Backlog frame_memory{kMaxFrameMemoryBytes};

 private:
  std::shared_ptr<http::ListenerConnection> connect(Socket socket, const std::string& peer,
                                                    const http::SharedTls& tls) override;
  void refused(Refused cause) override {
    meter->refused(cause == Refused::kConnections             ? "connections"
                   : cause == Refused::kConnectionsPerAddress ? "connections-per-address"
                                                              : "accept");
  }
};

template <class S>
class Session final : public Connection, public std::enable_shared_from_this<Session<S>> {
 public:
  static constexpr bool kTls = !std::is_same_v<S, tcp::socket>;
  template <class... Args>
  Session(std::shared_ptr<Shared> shared, std::string peer, Args&&... args)
      : shared_(std::move(shared)), peer_(std::move(peer)), stream_(std::forward<Args>(args)...) {}

  void start() override {
    auto self = this->shared_from_this();
    net::co_spawn(shared_->io(), [self] { return self->run(); }, [self](std::exception_ptr) { self->ended(); });
  }
  void begin_stop() override {
    stopping_ = true;
    error_code ignored;
    if (reading_) socket().shutdown(tcp::socket::shutdown_receive, ignored);
    if (!answering_) force_close();
    read_timer_.cancel();
    room_.cancel();
    wake_answers();
  }
  void force_close() override {
    closing_ = true;
    error_code ignored;
    socket().close(ignored);
    read_timer_.cancel();
    write_timer_.cancel();
    room_.cancel();
    linger_.cancel();
    wake_answers();
  }
  void wake_room() override {
    if (waiting_for_room_) room_.cancel();
  }

 private:
  tcp::socket& socket() {
    if constexpr (kTls) {
      return stream_.next_layer();
    } else {
      return stream_;
    }
  }
  const LumberjackOptions& options() const { return shared_->options; }
  SourceMeter& meter() { return source_ ? *source_->meter : *shared_->meter; }
  [[nodiscard]] bool ending() const { return closing_ || stopping_ || failed_; }

  // Closes the connection when `time` is up before the timer is cancelled; `cause` is counted.
  void arm(net::steady_timer& timer, milliseconds time, const char* cause) {
    timer.expires_after(time);
    timer.async_wait([weak = this->weak_from_this(), cause, &timer, time](error_code ec) {
      const auto self = weak.lock();
      if (ec || !self || self->closing_) return;
      // Who waits for an answer is not idle.
      if (cause == kIdle && self->book_.pieces_under_way() > 0) return self->arm(timer, time, cause);
      self->meter().refused(cause);
      self->force_close();
    });
  }

  void ended() {
    force_close();
    shared_->backlog->give(piece_.size());
    release_frame_memory();
    shared_->ended(*this, peer_);
    shared_->wake_all();
  }

  net::awaitable<void> run() {
    const bool known = co_await find_source();
    if (!known || ending()) co_return;
    answering_ = true;
    auto self = this->shared_from_this();
    net::co_spawn(
        shared_->io(), [self] { return self->answer_all(); },
        [self](std::exception_ptr) {
          self->answering_ = false;
          self->force_close();
        });
    reading_ = true;
    co_await read_all();
    reading_ = false;
    finish_reading();
    while (answering_) {
      error_code ignored;
      room_.expires_after(std::chrono::hours(1));
      co_await room_.async_wait(net::redirect_error(net::use_awaitable, ignored));
    }
  }

  net::awaitable<bool> find_source() {
    if constexpr (kTls) {
      error_code ec;
      arm(read_timer_, options().handshake_timeout, "tls-handshake");
      co_await stream_.async_handshake(net::ssl::stream_base::server, net::redirect_error(net::use_awaitable, ec));
      read_timer_.cancel();
      if (ec) {
        if (!closing_) shared_->meter->refused("tls-handshake");
        co_return false;
      }
      const std::string subject = http::verified_subject(stream_.native_handle());
      if (!subject.empty()) source_ = shared_->context.directory.by_certificate(subject);
    }
    if (!source_) source_ = options().source;
    if (!source_) shared_->meter->refused("unknown-certificate");
    co_return source_.has_value();
  }

  net::awaitable<void> read_all() {
    std::vector<char> bytes(kReadBytes);
    while (!ending()) {
      const bool more = co_await take_frames();
      if (!more) co_return;
      if (reader_.in_frame()) {
        arm(read_timer_, options().frame_timeout, "slow");
      } else {
        arm(read_timer_, options().idle_timeout, kIdle);
      }
      error_code ec;
      const std::size_t got =
          co_await stream_.async_read_some(net::buffer(bytes), net::redirect_error(net::use_awaitable, ec));
      read_timer_.cancel();
      if (ec) {
        if (reader_.in_frame() && !ending()) meter().refused("cut-off");
        co_return;
      }
      reader_.feed({bytes.data(), got});
    }
  }

  // All that is whole. False: no more can come.
  net::awaitable<bool> take_frames() {
    for (std::size_t count = 1; !ending(); ++count) {
      if (count % kFramesAtOnce == 0) co_await net::post(shared_->io(), net::use_awaitable);
      const auto frame = reader_.next(kSmallFrameBytes + frame_memory_);
      if (!frame.ok()) {
        meter().refused(frame.error().code == core::ErrorCode::kLimit ? "too-long" : "bad-frame");
        co_return false;
      }
      bool taken = true;
      if (!frame->has_value()) {
        const std::size_t wanted = reader_.wanted_bytes();
        if (wanted <= kSmallFrameBytes + frame_memory_) co_return true;
        taken = co_await take_frame_memory(wanted);
      } else if ((*frame)->kind == Frame::Kind::kWindow) {
        submit();
        book_.begin((*frame)->version, (*frame)->number);
        wake_answers();
      } else if (!book_.open()) {
        meter().refused("bad-frame");
        taken = false;
      } else {
        taken = co_await take_event(**frame);
        release_frame_memory();
      }
      if (!taken) co_return false;
    }
    co_return false;
  }

  net::awaitable<bool> take_event(Frame frame) {
    const std::size_t bytes = frame.json.empty() ? 0 : frame.json.size() + 1;
    const auto must_wait = [this] {
      return book_.pieces_under_way() >= kMaxPiecesUnderWay || book_.unsent_bytes() > kMaxUnsentBytes;
    };
    while (!ending() && (must_wait() || !shared_->backlog->try_take(bytes))) {
      if (book_.pieces_under_way() < kMaxPiecesUnderWay) submit();
      co_await wait_for_room();
    }
    if (ending()) co_return false;
    if (piece_records_ == 0) begin_linger();
    book_.add(frame.number);
    ++piece_records_;
    if (bytes > 0) {
      piece_ += frame.json;
      piece_ += '\n';
    }
    if (book_.full() || piece_.size() >= kPieceBytes) submit();
    co_return true;
  }

  // Large frames share a memory of their own, so that those who announce them cannot hold up small ones.
  net::awaitable<bool> take_frame_memory(std::size_t wanted) {
    release_frame_memory();
    arm(read_timer_, options().frame_timeout, "no-room");
    while (!ending() && !shared_->frame_memory.try_take(wanted)) co_await wait_for_room();
    read_timer_.cancel();
    if (ending()) co_return false;
    frame_memory_ = wanted;
    co_return true;
  }
  void release_frame_memory() {
    if (frame_memory_ == 0) return;
    shared_->frame_memory.give(frame_memory_);
    frame_memory_ = 0;
    shared_->wake_all();
  }
  net::awaitable<void> wait_for_room() {
    error_code ignored;
    waiting_for_room_ = true;
    room_.expires_after(kRoomCheck);
    co_await room_.async_wait(net::redirect_error(net::use_awaitable, ignored));
    waiting_for_room_ = false;
  }

  void begin_linger() {
    linger_.expires_after(options().linger);
    linger_.async_wait([weak = this->weak_from_this(), number = piece_number_](error_code ec) {
      const auto self = weak.lock();
      if (ec || !self || self->closing_ || self->piece_number_ != number) return;
      if (self->book_.pieces_under_way() < kMaxPiecesUnderWay) self->submit();
    });
  }

  void submit() {
    if (piece_records_ == 0) return;
    const std::uint64_t number = book_.piece();
    const std::uint64_t records = std::exchange(piece_records_, 0);
    ++piece_number_;
    if (piece_.empty()) return answered(number, true);
    model::Delivery delivery;
    delivery.source = source_->id;
    delivery.received_at = shared_->context.clock.now();
    delivery.format = model::Format::kJson;
    delivery.peer = peer_;
    delivery.bytes = std::exchange(piece_, {});
    const std::size_t bytes = delivery.bytes.size();
    std::weak_ptr<Session> weak = this->shared_from_this();
    std::weak_ptr<Shared> weak_shared = shared_;
    auto done = [weak, weak_shared, number, records, bytes, backlog = shared_->backlog, meter = source_->meter,
                 now = delivery.received_at](const core::Result<void>& kept) {
      backlog->give(bytes);
      if (kept.ok()) {
        meter->received(records, bytes, now);
        meter->problem({});
      } else {
        meter->refused("not-kept", records);
        meter->problem("the senders of this source must wait: " + kept.error().text);
      }
      const auto shared = weak_shared.lock();
      if (!shared) return;
      net::post(shared->io(), [weak, weak_shared, number, ok = kept.ok()] {
        if (const auto self = weak.lock()) self->answered(number, ok);
        if (const auto still = weak_shared.lock()) still->wake_all();
      });
    };
    shared_->context.intake.submit(std::move(delivery), std::move(done));
  }

  void answered(std::uint64_t number, bool kept) {
    if (kept) {
      book_.safe(number);
    } else {
      failed_ = true;
    }
    wake_answers();
    if (failed_) room_.cancel();
  }

  // What came of a window of version 2 that was cut off is not handed on: its sender, without an answer, sends it again.
  // Version 1 is also spoken by those who never look at answers.
  void finish_reading() {
    linger_.cancel();
    if (piece_records_ > 0 && !failed_ && book_.version() == 1) submit();
    if (piece_records_ > 0) meter().refused("cut-off", piece_records_);
    finished_ = true;
    wake_answers();
  }

  void wake_answers() {
    answers_due_ = true;
    answer_timer_.cancel();
  }

  net::awaitable<void> answer_all() {
    auto last_sent = std::chrono::steady_clock::now();
    while (!closing_) {
      if (!answers_due_) {
        error_code ignored;
        answer_timer_.expires_after(options().keep_alive);
        co_await answer_timer_.async_wait(net::redirect_error(net::use_awaitable, ignored));
      }
      answers_due_ = false;
      if (closing_) co_return;
      const bool failed = failed_;
      std::string text = book_.take_acks();
      const bool waits = book_.pieces_under_way() > 0 || waiting_for_room_;
      const bool late = std::chrono::steady_clock::now() - last_sent >= options().keep_alive;
      if (text.empty() && waits && !failed && late) text = book_.progress();
      if (failed && book_.progressed()) text += book_.progress();
      if (!text.empty()) {
        const bool sent = co_await write_all(text);
        if (!sent) co_return;
        last_sent = std::chrono::steady_clock::now();
      }
      if (failed || (finished_ && !answers_due_ && book_.pieces_under_way() == 0)) co_return co_await close_gently();
    }
  }

  net::awaitable<bool> write_all(const std::string& text) {
    error_code ec;
    arm(write_timer_, options().frame_timeout, "slow");
    co_await net::async_write(stream_, net::buffer(text), net::redirect_error(net::use_awaitable, ec));
    write_timer_.cancel();
    co_return !ec && !closing_;
  }

  net::awaitable<void> close_gently() {
    // A reader may still wait on the socket: TLS allows no shutdown beside it.
    error_code ec;
    arm(write_timer_, milliseconds(1'000), "slow");
    if constexpr (kTls) {
      if (!reading_) co_await stream_.async_shutdown(net::redirect_error(net::use_awaitable, ec));
    }
    if (socket().is_open()) socket().shutdown(tcp::socket::shutdown_send, ec);
    write_timer_.cancel();
  }

  std::shared_ptr<Shared> shared_;
  std::string peer_;
  S stream_;
  std::optional<SourceRef> source_;
  FrameReader reader_;
  WindowBook book_;
  std::string piece_;  // Its bytes are taken from the backlog.
  std::uint64_t piece_records_ = 0, piece_number_ = 0;
  std::size_t frame_memory_ = 0;
  net::steady_timer read_timer_{shared_->io()}, write_timer_{shared_->io()}, room_{shared_->io()}, linger_{shared_->io()},
      answer_timer_{shared_->io()};
  bool stopping_ = false, closing_ = false, failed_ = false, finished_ = false;
  bool reading_ = false, answering_ = false, answers_due_ = false, waiting_for_room_ = false;
};

}  // namespace tocsin::source::lumberjack
