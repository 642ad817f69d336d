// An intake that keeps what it is given, and a directory of one tenant: what tests of live sources run against.
#pragma once
#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/clock.h"
#include "core/metrics.h"
#include "core/mutex.h"
#include "source/live.h"
#include "testing/patience.h"

namespace tocsin::source::testing {

// Answers at once, or holds answers back until release(); or refuses all.
class FakeIntake final : public model::Intake {
 public:
  void submit(model::Delivery delivery, Done done) override {
    std::optional<core::Error> refuse;
    {
      const core::Lock lock(mutex_);
      refuse = refuse_;
      if (!refuse) {
        if (!delivery.checkpoint_key.empty()) checkpoints_[delivery.checkpoint_key] = delivery.checkpoint_value;
        deliveries_.push_back(std::move(delivery));
        changed_.notify_all();
        if (holding_) {
          held_.push_back(std::move(done));
          return;
        }
      }
    }
    done(refuse ? core::Result<void>(*refuse) : core::Result<void>());
  }
  [[nodiscard]] std::string checkpoint(std::string_view key) const override {
    const core::Lock lock(mutex_);
    const auto found = checkpoints_.find(std::string(key));
    return found == checkpoints_.end() ? std::string() : found->second;
  }

  void refuse(std::optional<core::Error> error) {
    const core::Lock lock(mutex_);
    refuse_ = std::move(error);
  }
  void hold() {
    const core::Lock lock(mutex_);
    holding_ = true;
  }
  void release() {
    std::vector<Done> held;
    {
      const core::Lock lock(mutex_);
      holding_ = false;
      held.swap(held_);
    }
    for (const Done& done : held) done({});
  }
  // Waits for `ready` of what has come so far; false: patience is at its end.
  bool wait(const std::function<bool(const std::vector<model::Delivery>&)>& ready) const {
    const auto until = std::chrono::steady_clock::now() + tocsin::testing::kPatience;
    core::Lock lock(mutex_);
    while (!ready(deliveries_)) {
      const auto left = until - std::chrono::steady_clock::now();
      if (left <= std::chrono::nanoseconds(0)) return false;
      lock.wait_for(changed_, left);
    }
    return true;
  }
  bool wait_count(std::size_t count) const {
    return wait([count](const std::vector<model::Delivery>& all) { return all.size() >= count; });
  }
  [[nodiscard]] std::vector<model::Delivery> deliveries() const {
    const core::Lock lock(mutex_);
    return deliveries_;
  }
  // All bytes in the order they came; deliveries need not be single messages.
  [[nodiscard]] std::string bytes() const {
    const core::Lock lock(mutex_);
    std::string out;
    for (const model::Delivery& delivery : deliveries_) out += delivery.bytes;
    return out;
  }

 private:
  mutable core::Mutex mutex_;
  mutable std::condition_variable changed_;
  std::vector<model::Delivery> deliveries_ GUARDED_BY(mutex_);
  std::map<std::string, std::string> checkpoints_ GUARDED_BY(mutex_);
  std::vector<Done> held_ GUARDED_BY(mutex_);
  std::optional<core::Error> refuse_ GUARDED_BY(mutex_);
  bool holding_ GUARDED_BY(mutex_) = false;
};

// Sources by name, token and certificate, as given before the source starts.
class FakeDirectory final : public SourceDirectory {
 public:
  std::map<std::string, SourceRef> tokens, names, certificates;
  [[nodiscard]] std::optional<SourceRef> by_token(std::string_view token) const override { return look(tokens, token); }
  [[nodiscard]] std::optional<SourceRef> by_name(std::string_view name) const override { return look(names, name); }
  [[nodiscard]] std::optional<SourceRef> by_certificate(std::string_view subject) const override {
    return look(certificates, subject);
  }

 private:
  static std::optional<SourceRef> look(const std::map<std::string, SourceRef>& map, std::string_view key) {
    const auto found = map.find(std::string(key));
    return found == map.end() ? std::nullopt : std::optional(found->second);
  }
};

// Every format as lines.
class LineFormats final : public Formats {
 public:
  [[nodiscard]] std::unique_ptr<Cutter> cutter(model::Format format, std::string_view head) const override {
    if (head.find('\0') != std::string_view::npos) return nullptr;
    return std::make_unique<LineCutter>(format == model::Format::kUnknown ? model::Format::kText : format);
  }

 private:
  class LineCutter final : public Cutter {
   public:
    explicit LineCutter(model::Format format) : format_(format) {}
    std::size_t cut(std::string_view buffer, bool last) override {
      const std::size_t end = buffer.rfind('\n');
      return last ? buffer.size() : end == std::string_view::npos ? 0 : end + 1;
    }
    [[nodiscard]] std::string_view header() const override { return {}; }
    [[nodiscard]] model::Format format() const override { return format_; }

   private:
    model::Format format_;
  };
};

// All of it together.
struct World {
  core::Metrics metrics;
  core::SystemClock clock;
  FakeIntake intake;
  FakeDirectory directory;
  LineFormats formats;
  SourceRef ref(std::uint32_t id, std::string name) {
    return {
        model::SourceId{id}, name, "default", "main", model::Format::kUnknown, std::make_shared<SourceMeter>(metrics, name)};
  }
  SourceContext context() { return {intake, clock, metrics, directory, formats}; }
};

}  // namespace tocsin::source::testing
