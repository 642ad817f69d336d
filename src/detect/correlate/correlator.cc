#include "detect/correlator.h"

#include <utility>

#include "detect/correlate/engine.h"

namespace tocsin::detect {

struct Correlator::Impl {
  Impl(const RuleSet& rules, CorrelatorOptions given)
      : options(given), engine(std::make_unique<correlate::Engine>(rules, given)) {}

  CorrelatorOptions options;
  std::unique_ptr<correlate::Engine> engine;
};

Correlator::Correlator(const RuleSet& rules, CorrelatorOptions options) : impl_(std::make_unique<Impl>(rules, options)) {}
Correlator::~Correlator() = default;
Correlator::Correlator(Correlator&&) noexcept = default;

bool Correlator::wants(std::uint32_t rule_index) const {
  const auto& uses = impl_->engine->plan().rule_uses;
  return rule_index < uses.size() && !uses[rule_index].empty();
}

std::span<const std::string> Correlator::needed_fields(std::uint32_t rule_index) const {
  const auto& fields = impl_->engine->plan().rule_fields;
  return rule_index < fields.size() ? std::span<const std::string>(fields[rule_index]) : std::span<const std::string>();
}

void Correlator::add(Occurrence occurrence, std::vector<CorrelationFinding>& out) {
  impl_->engine->add(std::move(occurrence), out);
}

void Correlator::advance(core::Timestamp newest, std::vector<CorrelationFinding>& out) {
  if (newest.known()) impl_->engine->pass(newest.ns, out);
}

core::Timestamp Correlator::watermark() const { return {impl_->engine->watermark()}; }

core::Timestamp Correlator::due() const { return {impl_->engine->due()}; }

void Correlator::finish(std::vector<CorrelationFinding>& out) { impl_->engine->finish(out); }

const CorrelatorStats& Correlator::stats() const { return impl_->engine->stats(); }

std::string Correlator::save() const { return impl_->engine->save(); }

core::Result<RestoreReport> Correlator::restore(const std::string& state) {
  auto fresh = std::make_unique<correlate::Engine>(*impl_->engine->plan().rules, impl_->options);
  const RestoreReport report = TOCSIN_TRY(fresh->load(state));
  impl_->engine = std::move(fresh);
  return report;
}

}  // namespace tocsin::detect
