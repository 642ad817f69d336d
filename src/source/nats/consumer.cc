// Two threads. The fetcher connects, finds or makes the consumer, fetches and submits; a full backlog simply holds it up.
// The acknowledger answers messages, since `done` must not block and a fetch may last, and extends the time of the rest.
#include <nats/nats.h>

#include <algorithm>
#include <atomic>
#include <thread>

#include "source/nats.h"
#include "source/nats/held_messages.h"

namespace tocsin::source {
namespace {

using namespace nats;
using std::chrono::milliseconds;

constexpr int kFetchMessages = 500;
constexpr std::int64_t kFetchBytes = 4 << 20;
constexpr milliseconds kFetchWait{250};  // stop() must not wait for longer.
constexpr milliseconds kConnectWait{1'000};
constexpr milliseconds kRetryWait{1'000};            // Between attempts to connect, and before what was refused comes again.
constexpr milliseconds kMaxExtendWait{10'000};       // Between extensions; at most a third of the time to acknowledge.
constexpr milliseconds kLookWait{250};               // The longest the acknowledger sleeps.
constexpr milliseconds kCloseWait{200};              // Of the grace, kept for sending the last acknowledgements.
constexpr int kMaxFailures = 5;                      // Of fetches in a row, until the consumer is looked for again.
constexpr std::size_t kMaxMessageBytes = 16u << 20;  // The longest record a decoder takes.
constexpr std::int64_t kNsPerMs = 1'000'000;

using Connection = std::shared_ptr<natsConnection>;
using Message = std::unique_ptr<natsMsg, void (*)(natsMsg*)>;
using Context = std::unique_ptr<jsCtx, void (*)(jsCtx*)>;
using Subscription = std::unique_ptr<natsSubscription, void (*)(natsSubscription*)>;

core::Error failed(const std::string& what, natsStatus status, jsErrCode code = static_cast<jsErrCode>(0)) {
  std::string text = what + ": " + natsStatus_GetText(status);
  if (const char* more = nats_GetLastError(nullptr); more != nullptr && *more != '\0') text += std::string(", ") + more;
  if (code != 0) text += " (JetStream error " + std::to_string(static_cast<int>(code)) + ")";
  return {core::ErrorCode::kIo, std::move(text)};
}

class Consumer final : public LiveSource {
 public:
  Consumer(NatsOptions options, const SourceContext& context)
      : options_(std::move(options)),
        context_(context),
        held_(std::make_shared<HeldMessages>()),
        backlog_(std::make_shared<Backlog>(options_.max_backlog_bytes, context_.all_backlogs)) {}
  ~Consumer() override { stop(milliseconds(500)); }

  core::Result<void> start() {
    natsOptions* raw = nullptr;
    if (const natsStatus status = natsOptions_Create(&raw); status != NATS_OK) return failed("NATS", status);
    nats_options_.reset(raw);
    TOCSIN_TRY(configure(raw));
    fetcher_ = std::thread([this] { fetch_all(); });
    acknowledger_ = std::thread([this] { acknowledge_all(); });
    return {};
  }

  void stop(milliseconds grace) override {
    const core::Lock only_once(stop_mutex_);
    if (!acknowledger_.joinable()) return;
    const auto safe_by = std::chrono::steady_clock::now() + grace - std::min(kCloseWait, grace / 2);
    {
      const core::Lock lock(mutex_);
      stopping_ = true;
      changed_.notify_all();
    }
    fetcher_.join();
    const auto left = std::chrono::duration_cast<milliseconds>(safe_by - std::chrono::steady_clock::now());
    held_->wait_below(1, std::max(left, milliseconds(0)));
    held_->close();
    acknowledger_.join();
    if (const Connection connection = current()) natsConnection_FlushTimeout(connection.get(), kCloseWait.count());
    js_.reset();
    set_current(nullptr);
  }

 private:
  core::Result<void> configure(natsOptions* to) {
    std::vector<const char*> servers;
    for (const std::string& server : options_.servers) servers.push_back(server.c_str());
    natsStatus status = natsOptions_SetServers(to, servers.data(), static_cast<int>(servers.size()));
    const auto set = [&status](auto function, auto... arguments) {
      if (status == NATS_OK) status = function(arguments...);
    };
    set(natsOptions_SetName, to, "tocsin");
    set(natsOptions_SetTimeout, to, static_cast<std::int64_t>(kConnectWait.count()));
    set(natsOptions_SetMaxReconnect, to, -1);
    set(natsOptions_SetReconnectWait, to, static_cast<std::int64_t>(kRetryWait.count()));
    set(natsOptions_SetPingInterval, to, static_cast<std::int64_t>(20'000));
    // By default libnats writes errors to standard error.
    set(natsOptions_SetErrorHandler, to, [](natsConnection*, natsSubscription*, natsStatus, void*) {}, nullptr);
    if (options_.tls) {
      const NatsTls& tls = *options_.tls;
      set(natsOptions_SetSecure, to, true);
      if (!tls.ca_path.empty()) set(natsOptions_LoadCATrustedCertificates, to, tls.ca_path.c_str());
      if (!tls.certificate_path.empty()) {
        set(natsOptions_LoadCertificatesChain, to, tls.certificate_path.c_str(), tls.private_key_path.c_str());
      }
    }
    if (!options_.credentials_path.empty()) {
      set(natsOptions_SetUserCredentialsFromFiles, to, options_.credentials_path.c_str(), nullptr);
    }
    if (!options_.user.empty()) {
      set_secret(status, options_.password,
                 [this, to](const char* text) { return natsOptions_SetUserInfo(to, options_.user.c_str(), text); });
    }
    if (!options_.token.empty()) {
      set_secret(status, options_.token, [to](const char* text) { return natsOptions_SetToken(to, text); });
    }
    options_.password = {};
    options_.token = {};
    if (status == NATS_OK) return {};
    core::Error error = failed("NATS: the options of source '" + options_.source.name + "'", status);
    error.code = core::ErrorCode::kInvalid;
    return error;
  }
  template <class F>
  static void set_secret(natsStatus& status, const core::Secret& secret, F set) {
    if (status != NATS_OK) return;
    std::vector<char> text(secret.reveal().begin(), secret.reveal().end());
    text.push_back('\0');
    status = set(text.data());
    volatile char* at = text.data();
    for (std::size_t i = 0; i < text.size(); ++i) at[i] = 0;
  }

  // False: stop() was called.
  bool pause(milliseconds time) {
    const auto until = std::chrono::steady_clock::now() + time;
    core::Lock lock(mutex_);
    while (!stopping_) {
      const auto left = until - std::chrono::steady_clock::now();
      if (left <= std::chrono::nanoseconds(0)) return true;
      lock.wait_for(changed_, left);
    }
    return false;
  }
  bool going_on() { return pause(milliseconds(0)); }
  void problem(const std::string& text) {
    has_problem_ = true;
    options_.source.meter->problem("NATS: " + text);
  }
  void well() {
    if (has_problem_.exchange(false)) options_.source.meter->problem({});
  }

  // --- The fetcher.

  void fetch_all() {
    while (going_on()) {
      const auto ready = connect();
      if (!ready.ok()) {
        problem(ready.error().text);
        pause(kRetryWait);
        continue;
      }
      well();
      fetch_while_it_works();
    }
    subscription_.reset();
  }
  void fetch_while_it_works() {
    const Connection connection = current();
    int failures = 0;
    bool lost = false;
    while (failures < kMaxFailures && going_on()) {
      if (!held_->wait_below(kMaxNatsMessages, kFetchWait)) continue;
      const natsStatus status = fetch(connection.get());
      const bool connected = natsConnection_Status(connection.get()) == NATS_CONN_STATUS_CONNECTED;
      if (status == NATS_OK || (status == NATS_TIMEOUT && connected)) {
        if (failures > 0 || lost) well();
        failures = 0;
        lost = false;
        continue;
      }
      problem(connected ? failed("cannot fetch", status).text : "the connection is lost");
      lost = !connected;
      ++failures;  // Perhaps the consumer is gone.
      // libnats connects again by itself.
      while (natsConnection_IsReconnecting(connection.get()) && pause(kFetchWait)) {
      }
      pause(kFetchWait);
    }
  }

  core::Result<void> connect() {
    subscription_.reset();
    const Connection old = current();
    if (!old || natsConnection_IsClosed(old.get())) {
      js_.reset();
      natsConnection* raw = nullptr;
      const natsStatus status = natsConnection_Connect(&raw, nats_options_.get());
      if (status != NATS_OK) return failed("cannot connect", status);
      set_current(Connection(raw, natsConnection_Destroy));
      jsCtx* js = nullptr;
      const natsStatus made = natsConnection_JetStream(&js, raw, nullptr);
      if (made != NATS_OK) return failed("cannot use JetStream", made);
      js_.reset(js);
    }
    return find_consumer();
  }
  Connection current() {
    const core::Lock lock(mutex_);
    return connection_;
  }
  void set_current(Connection connection) {
    const core::Lock lock(mutex_);
    connection_.swap(connection);
  }

  core::Result<void> find_consumer() {
    jsErrCode code{};
    jsOptions wait;
    jsOptions_Init(&wait);
    wait.Wait = kConnectWait.count();
    jsStreamInfo* stream = nullptr;
    natsStatus status = js_GetStreamInfo(&stream, js_.get(), options_.stream.c_str(), &wait, &code);
    if (status != NATS_OK) return failed("stream '" + options_.stream + "'", status, code);
    once_prefix_ = "nats:" + std::to_string(static_cast<std::uint32_t>(options_.source.id)) + "/" + options_.stream + "@" +
                   std::to_string(stream->Created) + ":";
    jsStreamInfo_Destroy(stream);
    if (!going_on()) return core::Error{core::ErrorCode::kIo, "stopping"};

    jsConsumerInfo* info = nullptr;
    const std::string what = "consumer '" + options_.consumer + "' of stream '" + options_.stream + "'";
    status = js_GetConsumerInfo(&info, js_.get(), options_.stream.c_str(), options_.consumer.c_str(), &wait, &code);
    if (status == NATS_NOT_FOUND || code == JSConsumerNotFoundErr) status = make_consumer(&info, &wait, &code);
    if (status != NATS_OK) return failed(what, status, code);
    const bool usable = info->Config->AckPolicy == js_AckExplicit && info->Config->DeliverSubject == nullptr;
    const std::string filter = info->Config->FilterSubject != nullptr ? info->Config->FilterSubject : "";
    const milliseconds ack_wait(info->Config->AckWait / kNsPerMs);
    jsConsumerInfo_Destroy(info);
    if (!going_on()) return core::Error{core::ErrorCode::kIo, "stopping"};
    if (!usable) return core::Error{core::ErrorCode::kInvalid, what + " is no pull consumer with explicit acknowledgements"};
    extend_wait_ms_ = std::clamp(ack_wait / 3, milliseconds(10), kMaxExtendWait).count();

    // Bound to one that is there, so that libnats does not delete it when the subscription ends.
    jsSubOptions bound;
    jsSubOptions_Init(&bound);
    bound.Stream = options_.stream.c_str();
    bound.Consumer = options_.consumer.c_str();
    natsSubscription* raw = nullptr;
    status = js_PullSubscribe(&raw, js_.get(), filter.c_str(), options_.consumer.c_str(), &wait, &bound, &code);
    if (status != NATS_OK) return failed(what, status, code);
    subscription_.reset(raw);
    return {};
  }
  natsStatus make_consumer(jsConsumerInfo** info, jsOptions* wait, jsErrCode* code) {
    jsConsumerConfig config;
    jsConsumerConfig_Init(&config);
    config.Durable = options_.consumer.c_str();
    config.AckPolicy = js_AckExplicit;
    config.AckWait = options_.ack_wait.count() * kNsPerMs;
    config.MaxAckPending = static_cast<std::int64_t>(2 * kMaxNatsMessages);
    config.DeliverPolicy = options_.from_beginning ? js_DeliverAll : js_DeliverNew;
    if (!options_.subject.empty()) config.FilterSubject = options_.subject.c_str();
    *code = {};
    return js_AddConsumer(info, js_.get(), options_.stream.c_str(), &config, wait, code);
  }

  natsStatus fetch(natsConnection* connection) {
    jsFetchRequest request;
    jsFetchRequest_Init(&request);
    request.Batch = kFetchMessages;
    request.Expires = kFetchWait.count() * kNsPerMs;
    // A message larger than MaxBytes would never come.
    request.MaxBytes = std::max(kFetchBytes, 2 * natsConnection_GetMaxPayload(connection));
    natsMsgList list{};
    const natsStatus status = natsSubscription_FetchRequest(&list, subscription_.get(), &request);
    if (status != NATS_OK) return status;
    std::vector<Message> messages;
    for (int i = 0; i < list.Count; ++i) {
      messages.emplace_back(list.Msgs[i], natsMsg_Destroy);
      list.Msgs[i] = nullptr;
    }
    natsMsgList_Destroy(&list);
    // Held first, all of them: while one waits for room, the time of those behind it is extended too.
    std::vector<std::pair<std::uint64_t, natsMsg*>> fresh;
    for (const Message& message : messages) {
      const std::uint64_t sequence = sequence_of(message.get());
      if (sequence != 0 && held_->hold(sequence, natsMsg_GetReply(message.get()))) {
        fresh.emplace_back(sequence, message.get());
      }
    }
    for (const auto& [sequence, message] : fresh) submit(sequence, message);
    return NATS_OK;
  }
  static std::uint64_t sequence_of(natsMsg* message) {
    jsMsgMetaData* data = nullptr;
    if (natsMsg_GetMetaData(&data, message) != NATS_OK) return 0;
    const std::uint64_t sequence = data->Sequence.Stream;
    jsMsgMetaData_Destroy(data);
    return sequence;
  }

  void submit(std::uint64_t sequence, natsMsg* message) {
    const std::size_t bytes = static_cast<std::size_t>(std::max(0, natsMsg_GetDataLength(message)));
    if (bytes == 0) return held_->answer(sequence, Verdict::kKept);
    if (bytes > kMaxMessageBytes) {
      options_.source.meter->refused("too-long");
      return held_->answer(sequence, Verdict::kUseless);
    }
    while (!backlog_->take(bytes, milliseconds(50))) {
      if (!going_on()) return held_->answer(sequence, Verdict::kRefused);
    }
    model::Delivery delivery;
    delivery.source = options_.source.id;
    delivery.received_at = context_.clock.now();
    delivery.format = options_.source.format;
    delivery.peer = natsMsg_GetSubject(message);
    delivery.bytes.assign(natsMsg_GetData(message), bytes);
    delivery.once_key = once_prefix_ + std::to_string(sequence);
    auto done = [held = held_, backlog = backlog_, meter = options_.source.meter, sequence, bytes,
                 now = delivery.received_at](const core::Result<void>& kept) {
      backlog->give(bytes);
      if (kept.ok()) {
        meter->received(1, bytes, now);
      } else {
        meter->problem("NATS: what came is not kept and asked for again: " + kept.error().text);
      }
      held->answer(sequence, kept.ok() ? Verdict::kKept : Verdict::kRefused);
    };
    context_.intake.submit(std::move(delivery), std::move(done));
  }

  // --- The acknowledger.

  void acknowledge_all() {
    auto extended = std::chrono::steady_clock::now();
    while (true) {
      const milliseconds extend_wait(extend_wait_ms_.load());
      const bool last = held_->closed();
      const std::vector<HeldMessages::Answered> answers = held_->take(last ? milliseconds(0) : kLookWait);
      const Connection connection = current();
      for (const HeldMessages::Answered& answer : answers) acknowledge(connection.get(), answer);
      if (last) return;
      const auto now = std::chrono::steady_clock::now();
      if (now - extended < extend_wait) continue;
      extended = now;
      for (const std::string& subject : held_->waiting()) publish(connection.get(), subject, "+WPI");
    }
  }
  // Where one of these is lost, the message is delivered again and told by its once_key.
  static void publish(natsConnection* connection, const std::string& subject, const std::string& text) {
    if (connection != nullptr) static_cast<void>(natsConnection_PublishString(connection, subject.c_str(), text.c_str()));
  }
  void acknowledge(natsConnection* connection, const HeldMessages::Answered& answer) {
    switch (answer.verdict) {
      case Verdict::kKept: well(); return publish(connection, answer.reply_subject, "+ACK");
      case Verdict::kRefused:
        has_problem_ = true;  // For well() to end it.
        return publish(connection, answer.reply_subject,
                       "-NAK {\"delay\": " + std::to_string(kRetryWait.count() * kNsPerMs) + "}");
      case Verdict::kUseless: return publish(connection, answer.reply_subject, "+TERM");
    }
  }

  NatsOptions options_;
  const SourceContext context_;
  const std::shared_ptr<HeldMessages> held_;
  const std::shared_ptr<Backlog> backlog_;
  std::unique_ptr<natsOptions, void (*)(natsOptions*)> nats_options_{nullptr, natsOptions_Destroy};
  core::Mutex stop_mutex_;
  core::Mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ GUARDED_BY(mutex_) = false;
  std::atomic<bool> has_problem_ = false;
  std::atomic<std::int64_t> extend_wait_ms_ = 1'000;
  Connection connection_ GUARDED_BY(mutex_);
  // Of the fetcher, and of stop() once that has ended.
  Context js_{nullptr, jsCtx_Destroy};
  Subscription subscription_{nullptr, natsSubscription_Destroy};
  std::string once_prefix_;
  std::thread fetcher_, acknowledger_;
};

core::Result<void> check(const NatsOptions& options) {
  const auto invalid = [](std::string text) { return core::Error{core::ErrorCode::kInvalid, "NATS: " + std::move(text)}; };
  if (options.servers.empty()) return invalid("'servers' names no server");
  for (const std::string& server : options.servers) {
    if (server.rfind("nats://", 0) != 0 && server.rfind("tls://", 0) != 0) {
      return invalid("a server begins with nats:// or tls://");
    }
  }
  for (const auto& [what, name] : {std::pair("stream", &options.stream), std::pair("consumer", &options.consumer)}) {
    const bool bad = std::ranges::any_of(*name, [](char c) {
      return static_cast<unsigned char>(c) <= ' ' || c == '.' || c == '*' || c == '>' || c == '/' || c == '\\';
    });
    if (name->empty() || bad) return invalid("'" + *name + "' is no name of a " + what);
  }
  if (options.ack_wait < milliseconds(1'000)) return invalid("'ack_wait' is less than a second");
  if (options.user.empty() && !options.password.empty()) return invalid("a password without a user");
  if (options.tls && options.tls->certificate_path.empty() != options.tls->private_key_path.empty()) {
    return invalid("a certificate and its private key go together");
  }
  return {};
}

}  // namespace

core::Result<std::unique_ptr<LiveSource>> start_nats(NatsOptions options, const SourceContext& context) {
  TOCSIN_TRY(check(options));
  auto consumer = std::make_unique<Consumer>(std::move(options), context);
  const auto started = consumer->start();
  if (!started.ok()) return started.error();
  return std::unique_ptr<LiveSource>(std::move(consumer));
}

}  // namespace tocsin::source
