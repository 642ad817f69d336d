#include "source/syslog/handover.h"

#include <utility>

namespace tocsin::source::syslog {
namespace {

// What a delivery costs beside its bytes, so that many small ones are bounded as well.
constexpr std::size_t kDeliveryCostBytes = 512;

}  // namespace

Handover::Handover(SourceContext context, std::shared_ptr<SourceMeter> meter, std::size_t max_bytes,
                   std::function<void()> wake)
    : context_(context),
      meter_(std::move(meter)),
      max_bytes_(max_bytes),
      wake_(std::move(wake)),
      backlog_(max_bytes, context_.all_backlogs) {}

bool Handover::give(const SourceRef& from, const std::string& peer, Batch& batch) {
  if (batch.message_count == 0) return true;
  const std::size_t cost = batch.bytes.size() + kDeliveryCostBytes;
  if (!backlog_.try_take(cost)) {
    wants_room_ = true;
    // Room made between the two lines above woke nobody.
    if (!backlog_.try_take(cost)) {
      show("waits: of what was received, " + std::to_string(backlog_.bytes()) + " bytes are not stored yet, at most " +
           std::to_string(max_bytes_) + " may be under way");
      return false;
    }
    wants_room_ = false;
  }
  auto pending = std::make_shared<Pending>();
  pending->message_count = std::exchange(batch.message_count, 0);
  pending->cost_bytes = cost;
  pending->meter = from.meter;
  model::Delivery& delivery = pending->delivery;
  delivery.source = from.id;
  delivery.received_at = context_.clock.now();
  delivery.format = from.format == model::Format::kUnknown ? model::Format::kSyslog : from.format;
  delivery.peer = peer;
  delivery.bytes = std::exchange(batch.bytes, {});
  from.meter->received(pending->message_count, delivery.bytes.size(), delivery.received_at);
  submit(pending);
  return true;
}

void Handover::submit(const SharedPending& pending) {
  // A copy: where the Intake refuses, the bytes are needed again.
  context_.intake.submit(pending->delivery, [self = shared_from_this(), pending](const core::Result<void>& result) {
    self->answered(pending, result);
  });
}

void Handover::answered(const SharedPending& pending, const core::Result<void>& result) {
  if (!result.ok()) {
    bool given_up = false;
    {
      const core::Lock lock(mutex_);
      given_up = stopped_;
      if (!given_up) refused_.push_back(pending);
    }
    if (given_up) return drop(*pending);
    show("cannot be stored, tried again: " + result.error().text);
    wake_();
    return;
  }
  backlog_.give(pending->cost_bytes);
  if (problem_shown_.exchange(false)) meter_->problem({});
  if (wants_room_.exchange(false)) wake_();
}

bool Handover::has_refused() const {
  const core::Lock lock(mutex_);
  return !refused_.empty();
}

void Handover::try_again() {
  std::vector<SharedPending> again;
  {
    const core::Lock lock(mutex_);
    again.swap(refused_);
  }
  for (const SharedPending& pending : again) submit(pending);
}

void Handover::stop() {
  std::vector<SharedPending> given_up;
  {
    const core::Lock lock(mutex_);
    stopped_ = true;
    given_up.swap(refused_);
  }
  for (const SharedPending& pending : given_up) drop(*pending);
}

void Handover::give_up(const SourceRef& from, const Batch& batch) {
  if (batch.message_count > 0) from.meter->refused("not-stored", batch.message_count);
}

void Handover::drop(const Pending& pending) {
  pending.meter->refused("not-stored", pending.message_count);
  backlog_.give(pending.cost_bytes);
}

void Handover::show(std::string problem) {
  meter_->problem(std::move(problem));
  problem_shown_ = true;
}

}  // namespace tocsin::source::syslog
