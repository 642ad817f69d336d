#include "detect/engine.h"

#include <algorithm>
#include <limits>

#include "detect/match/engine_impl.h"
#include "detect/match/value_rule.h"

namespace tocsin::detect {

CompiledRules::CompiledRules(const RuleSet& rules, const LogSourceMap& sources, CompileOptions options)
    : impl_(std::make_unique<Impl>(rules, sources, options)) {}
CompiledRules::~CompiledRules() = default;
const RuleSet& CompiledRules::rules() const { return impl_->router.rules(); }

void Engine::Impl::run(const Program& of, const std::vector<bool>& base_rules, const model::Event& event,
                       std::vector<Match>& out) {
  program = &of;
  state = &state_of(of);
  if (state->events < kMinMemoEvents) ++state->events;
  ++epoch;
  if (epoch == 0 || memo_ids > kMaxMemoIds) {  // After 4 billion events the marks of old ones must not be taken for new.
    states.clear();
    memos_left = kMaxMemos;
    memo_ids = OutcomeMemo::kFirstId;
    state = &state_of(of);
    epoch = 1;
  }
  candidates.assign(of.always.begin(), of.always.end());
  fill_slots(event);
  scan_slots();
  if (timed) {
    decide_timed(of, base_rules, out);
    return;
  }
  for (const std::uint32_t rule : candidates) {
    const std::uint32_t index = of.rules[rule].rule_index;
    if (of.view == kBaseView && !base_rules.empty() && !base_rules[index]) continue;
    if (ruled_out(of.rules[rule])) continue;
    ++stats.candidate_rules;
    if (outcome(rule)) out.push_back({index, of.view});
  }
}

// As the end of run(), with the clock read behind each rule.
void Engine::Impl::decide_timed(const Program& of, const std::vector<bool>& base_rules, std::vector<Match>& out) {
  if (costs.empty()) costs.resize(router.rules().rules.size());
  std::int64_t before = cost_clock();
  for (const std::uint32_t rule : candidates) {
    const std::uint32_t index = of.rules[rule].rule_index;
    if (of.view == kBaseView && !base_rules.empty() && !base_rules[index]) continue;
    if (!ruled_out(of.rules[rule])) {
      ++stats.candidate_rules;
      if (outcome(rule)) out.push_back({index, of.view});
    }
    const std::int64_t now = cost_clock();
    RuleCost& cost = costs[index];
    if (cost.evaluations++ == 0) costed.push_back(index);
    cost.ns += std::max<std::int64_t>(0, now - before - clock_ns);
    before = now;
  }
}

Engine::Engine(const CompiledRules& rules, model::NameTable& names) : impl_(std::make_unique<Impl>(rules, names)) {}
Engine::~Engine() = default;

void Engine::match(const model::Event& event, std::vector<Match>& out) {
  ++impl_->stats.events;
  impl_->arena.reset();
  if (impl_->cost_every > 0) {
    impl_->timed = --impl_->cost_left == 0;
    if (impl_->timed) impl_->cost_left = impl_->cost_every;
  }
  const Route* route = impl_->route(event);
  if (!route->told) ++impl_->stats.unrouted_events;
  const std::size_t first = out.size();
  for (const auto& program : route->programs) impl_->run(*program, route->base_rules, event, out);
  if (out.size() - first < 2) return;
  const auto begin = out.begin() + static_cast<std::ptrdiff_t>(first);
  std::sort(begin, out.end(), [](const Match& a, const Match& b) {
    return a.rule_index != b.rule_index ? a.rule_index < b.rule_index : a.view < b.view;
  });
  out.erase(std::unique(begin, out.end(), [](const Match& a, const Match& b) { return a.rule_index == b.rule_index; }),
            out.end());
}

std::vector<model::LogSource> Engine::sources(const model::Event& event) {
  impl_->arena.reset();
  if (impl_->kind_of_name.size() < impl_->names.size()) Impl::grow(impl_->kind_of_name, impl_->kind_by_name, impl_->names);
  impl_->read_kind(event);
  return impl_->router.sources_of(impl_->kind, event);
}

model::Explanation Engine::explain(const model::Event& event, const Match& match) const {
  const SourceRow* row = match.view == kBaseView ? nullptr : &impl_->router.sources().rows[match.view - 1];
  return impl_->explainer.explain(impl_->router.rules().rules[match.rule_index], row, event);
}

std::vector<std::string> Engine::values(const model::Event& event, const Match& match, std::string_view field) const {
  const SourceRow* row = match.view == kBaseView ? nullptr : &impl_->router.sources().rows[match.view - 1];
  return mapped_values(row, event, field);
}

const EngineStats& Engine::stats() const { return impl_->stats; }

void Engine::sample_costs(CostClock clock, std::uint32_t every) {
  impl_->cost_clock = clock;
  impl_->cost_every = impl_->cost_left = every;
  impl_->timed = false;
  if (every == 0) return;
  constexpr int kReadings = 64;
  impl_->clock_ns = std::numeric_limits<std::int64_t>::max();
  for (int i = 0; i < kReadings; ++i) {
    const std::int64_t before = clock();
    impl_->clock_ns = std::min(impl_->clock_ns, clock() - before);
  }
}

void Engine::take_costs(std::vector<RuleCost>& out) {
  for (const std::uint32_t index : impl_->costed) {
    out.push_back({index, impl_->costs[index].evaluations, impl_->costs[index].ns});
    impl_->costs[index] = {};
  }
  impl_->costed.clear();
}

}  // namespace tocsin::detect
