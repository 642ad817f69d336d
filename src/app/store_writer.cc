#include "app/store_writer.h"

#include <utility>

#include "core/log.h"

namespace tocsin::app {
namespace {

constexpr std::chrono::seconds kPatience{30};
constexpr std::chrono::milliseconds kRetryAfter{500};
constexpr std::size_t kMaxSpare = 3;

std::int64_t smoothed(std::int64_t before, std::int64_t value) {
  return before == 0 ? value : before + (value - before) / 8;
}

}  // namespace

StoreWriter::StoreWriter(store::Store& store, stream::Journal& journal, const core::Clock& clock, core::Metrics& metrics,
                         Publish publish)
    : store_(store),
      journal_(journal),
      clock_(clock),
      publish_(std::move(publish)),
      retries_(metrics.counter("tocsin_store_insert_retries_total", "Inserts that failed and were tried again.")),
      events_written_(metrics.counter("tocsin_events_stored_total", "Events written to the store.")),
      findings_written_(metrics.counter("tocsin_findings_stored_total", "Findings written to the store.")),
      event_blocks_(metrics.counter("tocsin_event_blocks_stored_total", "Inserts of events into the store.")),
      finding_blocks_(metrics.counter("tocsin_finding_blocks_stored_total", "Inserts of findings into the store.")) {
  metrics.gauge_from("tocsin_event_lag_seconds", "From the arrival of events to being stored.", {},
                     [this] { return static_cast<double>(event_lag_ns()) / 1e9; });
  metrics.gauge_from("tocsin_finding_lag_seconds", "From the arrival of an event to its finding being stored.", {},
                     [this] { return static_cast<double>(finding_lag_ns()) / 1e9; });
  event_thread_ = std::thread([this] { run_events(); });
  finding_thread_ = std::thread([this] { run_findings(); });
}

StoreWriter::~StoreWriter() { stop(); }

bool StoreWriter::put(store::Block block, core::Timestamp oldest, std::optional<stream::Journal::Position> after) {
  core::Lock lock(mutex_);
  while (!stopping_ && !hurry_ && events_.size() >= kMaxWaiting) lock.wait(changed_);
  if (stopping_ || events_.size() >= kMaxWaiting) return false;
  events_.push_back({std::move(block), oldest, std::move(after), findings_put_, {}});
  changed_.notify_all();
  return true;
}

bool StoreWriter::put_findings(store::Block block, core::Timestamp oldest, std::vector<api::LiveEvent> live) {
  core::Lock lock(mutex_);
  while (!stopping_ && !hurry_ && findings_.size() >= kMaxWaiting) lock.wait(changed_);
  if (stopping_ || findings_.size() >= kMaxWaiting) return false;
  findings_.push_back({std::move(block), oldest, {}, 0, std::move(live)});
  ++findings_put_;
  changed_.notify_all();
  return true;
}

bool StoreWriter::idle() const {
  const core::Lock lock(mutex_);
  return events_.empty() && !events_busy_;
}

bool StoreWriter::findings_idle() const {
  const core::Lock lock(mutex_);
  return findings_.empty() && !findings_busy_;
}

store::Block StoreWriter::taken_from(std::vector<store::Block> StoreWriter::* spare) {
  const core::Lock lock(mutex_);
  std::vector<store::Block>& blocks = this->*spare;
  if (blocks.empty()) return store::Block();
  store::Block out = std::move(blocks.back());
  blocks.pop_back();
  return out;
}

void StoreWriter::hurry() {
  const core::Lock lock(mutex_);
  hurry_ = true;
  changed_.notify_all();
}

bool StoreWriter::drain(std::chrono::milliseconds time) {
  const auto until = std::chrono::steady_clock::now() + time;
  core::Lock lock(mutex_);
  while (!events_.empty() || !findings_.empty() || events_busy_ || findings_busy_) {
    const auto left = until - std::chrono::steady_clock::now();
    if (left <= std::chrono::nanoseconds(0)) return false;
    lock.wait_for(changed_, left);
  }
  return true;
}

void StoreWriter::stop() {
  {
    const core::Lock lock(mutex_);
    stopping_ = true;
    changed_.notify_all();
  }
  if (event_thread_.joinable()) event_thread_.join();
  if (finding_thread_.joinable()) finding_thread_.join();
}

std::string StoreWriter::problem() const {
  const core::Lock lock(mutex_);
  return problem_;
}

std::optional<StoreWriter::Item> StoreWriter::next(std::deque<Item>& queue, bool& busy) NO_THREAD_CHECK {
  core::Lock lock(mutex_);
  busy = false;
  changed_.notify_all();
  while (!stopping_ && queue.empty()) lock.wait(changed_);
  if (stopping_) return {};
  Item item = std::move(queue.front());
  queue.pop_front();
  busy = true;
  changed_.notify_all();
  return item;
}

// Until it is in. False: stopping.
bool StoreWriter::write(const store::Block& block) {
  while (true) {
    const auto outcome = store_.insert(block, kPatience);
    core::Lock lock(mutex_);
    if (outcome.ok()) {
      problem_.clear();
      return true;
    }
    if (problem_.empty()) core::log(core::LogLevel::kError, "store", "cannot write, trying again: " + outcome.error().text);
    problem_ = outcome.error().text;
    retries_.add();
    if (!stopping_) lock.wait_for(changed_, kRetryAfter);
    if (stopping_) return false;
  }
}

void StoreWriter::run_events() {
  while (auto item = next(events_, events_busy_)) {
    const std::size_t count = item->block.event_count();
    if (item->block.bytes() > 0 && !write(item->block)) return;
    events_written_.add(count);
    if (count > 0) event_blocks_.add();
    if (count > 0 && item->oldest.known())
      event_lag_ns_.store(smoothed(event_lag_ns_.load(), clock_.now().ns - item->oldest.ns));
    if (item->after) {
      {
        core::Lock lock(mutex_);
        while (!stopping_ && findings_done_ < item->finding_ticket) lock.wait(changed_);
        if (findings_done_ < item->finding_ticket) return;
      }
      if (const auto saved = journal_.save_position(kPositionName, *item->after); !saved.ok())
        core::log(core::LogLevel::kError, "journal", "cannot save the position: " + saved.error().text);
    }
    item->block.clear();
    const core::Lock lock(mutex_);
    if (spare_.size() < kMaxSpare) spare_.push_back(std::move(item->block));
  }
}

void StoreWriter::run_findings() {
  while (auto item = next(findings_, findings_busy_)) {
    if (!write(item->block)) return;
    findings_written_.add(item->block.finding_count());
    finding_blocks_.add();
    if (item->oldest.known()) finding_lag_ns_.store(smoothed(finding_lag_ns_.load(), clock_.now().ns - item->oldest.ns));
    for (const api::LiveEvent& live : item->live) publish_(live);
    item->block.clear();
    const core::Lock lock(mutex_);
    if (spare_findings_.size() < kMaxSpare) spare_findings_.push_back(std::move(item->block));
    ++findings_done_;
    changed_.notify_all();
  }
}

}  // namespace tocsin::app
