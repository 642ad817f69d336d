// Sources that never end: what each is given, what it must do, and what it counts. The contract of every live source.
//
// A source adds origin and arrival time to bytes, cuts them at records, and hands them to the Intake; it never decodes. Its
// sender is told "received" only from the Intake's `done`. It bounds what it has under way (Backlog below) and past that
// stops reading its sender: nothing is dropped silently; what is refused is counted by cause in its SourceMeter.
#pragma once
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/clock.h"
#include "core/metrics.h"
#include "core/mutex.h"
#include "core/result.h"
#include "core/time.h"
#include "model/delivery.h"
#include "model/event.h"

namespace tocsin::source {

// What a source counts about one origin. Any thread. Lives as long as the process.
class SourceMeter {
 public:
  // `name`: of the source, a label of its metrics: tocsin_source_records_total, _bytes_total, _refused_total{cause}.
  SourceMeter(core::Metrics& metrics, std::string name);
  // Bytes taken in, and how many records the source knows them to be (messages, lines, documents).
  void received(std::uint64_t records, std::uint64_t bytes, core::Timestamp now);
  // `cause`: from a short fixed list of each source, lower case with hyphens: "too-long", "bad-frame", "kernel-drop" ...
  void refused(std::string_view cause, std::uint64_t count = 1);
  // What the source waits for or suffers from, as one sentence; empty: well.
  void problem(std::string text);

  struct Snapshot {
    std::uint64_t records = 0, bytes = 0;
    core::Timestamp last_received;  // kNoTime: never.
    std::map<std::string, std::uint64_t> refused;
    std::string problem;
  };
  [[nodiscard]] Snapshot snapshot() const;

 private:
  core::Metrics& metrics_;
  const std::string name_;
  core::Counter& records_;
  core::Counter& bytes_;
  std::atomic<std::int64_t> last_received_ns_;
  mutable core::Mutex mutex_;
  std::map<std::string, core::Counter*> refused_ GUARDED_BY(mutex_);
  std::string problem_ GUARDED_BY(mutex_);
};

// A source as configured, with its meter.
struct SourceRef {
  model::SourceId id{};
  std::string name, tenant, site;
  model::Format format = model::Format::kUnknown;  // kUnknown: told from the content.
  std::shared_ptr<SourceMeter> meter;
};

// Whose bytes these are. Implemented by app over the ledger; any thread, never blocks for long.
class SourceDirectory {
 public:
  virtual ~SourceDirectory() = default;
  // The enabled source with this token (as the client sent it), whatever its kind. Compared by hash, in constant time.
  [[nodiscard]] virtual std::optional<SourceRef> by_token(std::string_view token) const = 0;
  [[nodiscard]] virtual std::optional<SourceRef> by_name(std::string_view name) const = 0;
  // The enabled source whose configuration names this subject (RFC 2253) of a client certificate.
  [[nodiscard]] virtual std::optional<SourceRef> by_certificate(std::string_view subject) const = 0;
};

// What sources need to know of formats, without knowing decoders. Implemented by app.
//
// One stream, one thread. A unit is a run of bytes that decodes without its neighbours, but for `header`.
class Cutter {
 public:
  virtual ~Cutter() = default;
  // The length of the longest prefix of `buffer` that is whole units; 0: offer more. `last`: no more comes; then all.
  virtual std::size_t cut(std::string_view buffer, bool last) = 0;
  // What must be put before units for the decoder (CSV, Zeek); known once cut() has answered more than 0.
  [[nodiscard]] virtual std::string_view header() const = 0;
  [[nodiscard]] virtual model::Format format() const = 0;
};
class Formats {
 public:
  virtual ~Formats() = default;
  // `head`: the first bytes of the stream (up to 64 KB); the format is told from them where `format` is kUnknown. Null: no
  // log at all.
  [[nodiscard]] virtual std::unique_ptr<Cutter> cutter(model::Format format, std::string_view head) const = 0;
};

// All outlive the sources.
class SharedBacklog;
struct SourceContext {
  model::Intake& intake;
  const core::Clock& clock;
  core::Metrics& metrics;
  const SourceDirectory& directory;
  const Formats& formats;
  std::shared_ptr<SharedBacklog> all_backlogs = nullptr;  // Null: each source is bounded by itself alone.
};

class LiveSource {
 public:
  virtual ~LiveSource() = default;  // As stop().
  // Takes nothing new, waits at most `grace` for what is under way to be safe and answered, then closes. Idempotent.
  virtual void stop(std::chrono::milliseconds grace) = 0;
  // Where it listens; 0 where it does not. For tests with port 0, and for people.
  [[nodiscard]] virtual std::uint16_t port() const { return 0; }
};

// The sum over all sources, so that memory does not grow with their number. Any thread.
class SharedBacklog {
 public:
  explicit SharedBacklog(std::size_t max_bytes) : max_bytes_(max_bytes) {}
  bool try_take(std::size_t bytes);
  void take(std::size_t bytes) { bytes_ += bytes; }  // Also over the bound.
  void give(std::size_t bytes) { bytes_ -= bytes; }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }

 private:
  const std::size_t max_bytes_;
  std::atomic<std::size_t> bytes_ = 0;
};
inline constexpr std::size_t kAllBacklogBytes = 64u << 20;

// Bytes handed to the Intake and not yet answered. Any thread; shared with the `done` functions, so held by shared_ptr.
// A source that has nothing under way may always hand over one delivery, whatever the others have: none starves.
class Backlog {
 public:
  explicit Backlog(std::size_t max_bytes, std::shared_ptr<SharedBacklog> all = nullptr)
      : max_bytes_(max_bytes), all_(std::move(all)) {}
  // Waits for room (one delivery larger than all fits alone). False: `time` is up, nothing was taken.
  bool take(std::size_t bytes, std::chrono::milliseconds time);
  bool try_take(std::size_t bytes) { return take(bytes, std::chrono::milliseconds(0)); }
  void give(std::size_t bytes);
  bool wait_empty(std::chrono::milliseconds time);  // False: time is up.
  [[nodiscard]] std::size_t bytes() const;

 private:
  bool fits(std::size_t bytes) REQUIRES_LOCK(mutex_);  // Then it is taken of all.

  const std::size_t max_bytes_;
  const std::shared_ptr<SharedBacklog> all_;
  mutable core::Mutex mutex_;
  std::condition_variable changed_;
  std::size_t bytes_ GUARDED_BY(mutex_) = 0;
};
inline constexpr std::size_t kBacklogBytes = 16u << 20;  // Of one source.

}  // namespace tocsin::source
