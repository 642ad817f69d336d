#include "cli/rule_runner.h"

#include <algorithm>
#include <limits>

#include "decode/decoder.h"
#include "detect/correlator.h"
#include "detect/plain_evaluator.h"
#include "source/file_input.h"

namespace tocsin::cli {
namespace {

constexpr std::size_t kMaxProblemsShown = 5;
constexpr std::size_t kMaxStreamBytes = 256u << 20;  // Of one stream of a file: samples are small.

// The bytes with what decoders may read past their end.
std::shared_ptr<const std::string> padded(std::string_view bytes) {
  auto out = std::make_shared<std::string>();
  out->reserve(bytes.size() + decode::kPaddingBytes);
  out->append(bytes);
  out->append(decode::kPaddingBytes, '\0');
  return out;
}

// False where the bytes are no log at all.
bool decode_all(std::string_view bytes, std::optional<model::Format> format, core::Timestamp reference,
                model::Batch& batch) {
  const std::string_view head = bytes.substr(0, source::kHeadBytes);
  const model::Format kind = format ? *format : decode::sniff(head);
  if (kind == model::Format::kUnknown) return false;
  decode::DecodeOptions options;
  options.reference_time = reference;
  const auto decoder = decode::make_decoder_for(kind, head, options);
  const auto owner = padded(bytes);
  batch.set_owner(owner);
  decoder->decode(std::string_view(*owner).substr(0, bytes.size()), batch);
  decoder->finish(batch);
  return true;
}

detect::CompileOptions compile_options(const RunnerOptions& options) {
  detect::CompileOptions out;
  out.enabled = options.enabled;
  out.any_source = options.any_source;
  out.input_source = options.input_source;
  return out;
}

detect::CorrelatorOptions correlator_options() {
  detect::CorrelatorOptions out;
  // As in `detect`: all events first, then in the order they happened.
  out.lateness_ns = std::numeric_limits<std::int64_t>::max() / 4;
  return out;
}

}  // namespace

struct RuleRunner::Impl {
  Impl(const detect::RuleSet& set, const detect::LogSourceMap& sources, RunnerOptions wanted)
      : rules(set), options(std::move(wanted)), compiled(set, sources, compile_options(options)), engine(compiled, names) {}

  // One run: what all its streams share.
  struct Run {
    explicit Run(const detect::RuleSet& set) : correlator(set, correlator_options()) {
      outcome.rule_counts.resize(set.rules.size());
      outcome.correlation_counts.resize(set.correlations.size());
    }
    detect::Correlator correlator;
    std::vector<detect::CorrelationFinding> found;
    RunOutcome outcome;
    std::uint64_t order = 0;
  };

  void read(std::string_view name, std::string_view bytes, std::optional<model::Format> format, Run& run) {
    model::Batch batch(names);
    if (!decode_all(bytes, format, options.reference_time, batch)) {
      problem(run.outcome, std::string(name) + ": its bytes look like no log");
      return;
    }
    const std::uint64_t unrouted_before = engine.stats().unrouted_events;
    std::vector<detect::Match> matches;
    for (std::size_t i = 0; i < batch.size(); ++i) {
      const model::Event event = batch.event(i);
      if (!event.slot->time.known()) ++run.outcome.events_without_time;
      matches.clear();
      engine.match(event, matches);
      for (const detect::Match& match : matches) take(event, match, name, run);
    }
    run.outcome.events += batch.size();
    run.outcome.unrouted_events += engine.stats().unrouted_events - unrouted_before;
    run.outcome.bad_records += batch.bad_count();
    for (const model::BadRecord& bad : batch.bad()) {
      problem(run.outcome,
              std::string(name) + ": record " + std::to_string(bad.record) + ": " + bad.cause + ": " + bad.detail);
    }
  }

  void take(const model::Event& event, const detect::Match& match, std::string_view name, Run& run) {
    if (run.outcome.rule_counts[match.rule_index]++ < kMaxShownHits) {
      run.outcome.hits.push_back({match.rule_index, event.slot->record, engine.explain(event, match)});
    }
    if (!run.correlator.wants(match.rule_index)) return;
    detect::Occurrence occurrence;
    occurrence.rule_index = match.rule_index;
    occurrence.event_time = event.slot->time;
    occurrence.order = run.order++;
    occurrence.record = event.slot->record;
    occurrence.file = name;
    for (const std::string& field : run.correlator.needed_fields(match.rule_index)) {
      occurrence.values.push_back(engine.values(event, match, field));
    }
    run.correlator.add(std::move(occurrence), run.found);
  }

  static void problem(RunOutcome& outcome, std::string text) {
    if (outcome.problems.size() < kMaxProblemsShown) outcome.problems.push_back(std::move(text));
  }

  static RunOutcome finish(Run& run) {
    run.correlator.finish(run.found);
    for (const detect::CorrelationFinding& found : run.found) {
      if (found.update) continue;
      ++run.outcome.correlation_counts[found.correlation_index];
      if (run.outcome.reasons.size() < kMaxShownHits) run.outcome.reasons.push_back(found.reason);
    }
    return std::move(run.outcome);
  }

  const detect::RuleSet& rules;
  RunnerOptions options;
  detect::CompiledRules compiled;
  model::NameTable names;
  detect::Engine engine;
};

RuleRunner::RuleRunner(const detect::RuleSet& rules, const detect::LogSourceMap& sources, RunnerOptions options)
    : impl_(std::make_unique<Impl>(rules, sources, std::move(options))) {}
RuleRunner::~RuleRunner() = default;

RunOutcome RuleRunner::run(std::string_view name, std::string_view bytes, std::optional<model::Format> format) {
  Impl::Run run(impl_->rules);
  impl_->read(name, bytes, format, run);
  return Impl::finish(run);
}

RunOutcome RuleRunner::run_file_bytes(const std::string& name, std::string_view bytes, std::optional<model::Format> format) {
  Impl::Run run(impl_->rules);
  source::InputReader reader(name, bytes);
  while (source::Stream* stream = reader.next()) {
    std::string content;
    std::vector<char> buffer(64 * 1024);
    while (const std::size_t size = stream->read(buffer)) {
      content.append(buffer.data(), size);
      if (content.size() > kMaxStreamBytes) break;
    }
    if (content.size() > kMaxStreamBytes)
      Impl::problem(run.outcome, stream->name() + ": larger than " + std::to_string(kMaxStreamBytes) + " bytes");
    else if (!content.empty())
      impl_->read(stream->name(), content, format, run);
  }
  for (const source::Problem& problem : reader.problems().kept())
    Impl::problem(run.outcome, problem.name + ": " + problem.detail);
  return Impl::finish(run);
}

std::vector<std::string> selections_that_hold(const detect::sigma::Rule& rule, std::string_view bytes,
                                              std::optional<model::Format> format, std::size_t max_events) {
  std::vector<std::string> out;
  model::NameTable names;
  model::Batch batch(names);
  if (!decode_all(bytes, format, RunnerOptions{}.reference_time, batch)) return out;
  detect::PlainEvaluator evaluator;
  detect::sigma::Rule probe = rule;
  for (std::size_t i = 0; i < std::min(batch.size(), max_events); ++i) {
    const detect::PlainEvent event = detect::to_plain_event(batch.event(i));
    std::string held, missed;
    for (std::uint32_t s = 0; s < rule.selections.size(); ++s) {
      probe.condition = {detect::sigma::Expr::Kind::kSelection, {}, s};
      std::string& list = evaluator.match(probe, event) ? held : missed;
      list += (list.empty() ? "" : ", ") + rule.selections[s].name;
    }
    out.push_back("event " + std::to_string(i + 1) + ": held: " + (held.empty() ? "none" : held) +
                  "; did not hold: " + (missed.empty() ? "none" : missed));
  }
  return out;
}

}  // namespace tocsin::cli
