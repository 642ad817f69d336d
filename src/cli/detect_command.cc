#include "cli/detect_command.h"

#include <algorithm>
#include <chrono>
#include <unordered_map>

#include "cli/bad_records.h"
#include "detect/correlator.h"

namespace tocsin::cli {
namespace {

// Occurrences wait until the end of the input, so that events of several files meet in the order they happened. Past
// this much the oldest are released early (and counted). With kMaxWindowEvents this holds the promise of 350 MB in all:
// what the allocator adds is half as much again.
constexpr std::size_t kMaxPendingOccurrences = 4'000'000;
constexpr std::size_t kMaxPendingBytes = 96u << 20;
constexpr std::size_t kMaxWindowEvents = 1'000'000;

struct FoundInBlock {
  std::uint32_t rule_index = 0;
  std::uint64_t record = 0;
  core::Timestamp time;
  std::string host, event_record_id, reason, json;
};

struct DetectResult : BlockResult {
  std::vector<FoundInBlock> found;
  std::vector<detect::Occurrence> occurrences;  // record: within the block.
  std::uint64_t unrouted = 0, outside_time = 0;
  core::Timestamp first, last;
};

void widen(core::Timestamp time, core::Timestamp& first, core::Timestamp& last) {
  if (!time.known()) return;
  if (!first.known() || time < first) first = time;
  if (!last.known() || last < time) last = time;
}

class DetectWorker : public BlockWorker {
 public:
  struct Shared {
    const detect::RuleSet& rules;
    const detect::CompiledRules& compiled;
    const detect::Correlator& correlator;  // Only asked what it wants: immutable.
    const normalise::Mapper& mapper;
    const DetectOptions& options;
    const std::vector<bool>& shown;  // Per rule: gives findings of its own.
    bool needs_json = false;
  };

  explicit DetectWorker(const Shared& shared) : shared_(shared), engine_(shared.compiled, names_) {}

  model::NameTable& names() override { return names_; }

  std::unique_ptr<BlockResult> work(const model::Batch& batch, const StreamInfo& stream, std::size_t& next) override {
    auto result = std::make_unique<DetectResult>();
    const std::uint64_t unrouted_before = engine_.stats().unrouted_events;
    for (; next < batch.size() && result->kept_bytes < kPartBytes; ++next) {
      const model::Event event = batch.event(next);
      const core::Timestamp time = event.slot->time;
      if (time.known() && ((shared_.options.from.known() && time < shared_.options.from) ||
                           (shared_.options.to.known() && shared_.options.to < time))) {
        ++result->outside_time;
        continue;
      }
      widen(time, result->first, result->last);
      matches_.clear();
      engine_.match(event, matches_);
      for (const detect::Match& match : matches_) take(event, match, stream, *result);
    }
    result->unrouted = engine_.stats().unrouted_events - unrouted_before;
    return result;
  }

 private:
  void take(const model::Event& event, const detect::Match& match, const StreamInfo& stream, DetectResult& result) {
    if (shared_.correlator.wants(match.rule_index)) {
      detect::Occurrence occurrence;
      occurrence.rule_index = match.rule_index;
      occurrence.event_time = event.slot->time;
      occurrence.record = event.slot->record;
      occurrence.file = stream.name;
      occurrence.host = shared_.mapper.host(event);
      for (const std::string& field : shared_.correlator.needed_fields(match.rule_index)) {
        occurrence.values.push_back(engine_.values(event, match, field));
      }
      result.kept_bytes += sizeof occurrence;
      for (const auto& values : occurrence.values) {
        for (const std::string& value : values) result.kept_bytes += sizeof value + value.size();
      }
      result.occurrences.push_back(std::move(occurrence));
    }
    if (!shared_.shown[match.rule_index]) return;
    FoundInBlock found;
    found.rule_index = match.rule_index;
    found.record = event.slot->record;
    found.time = event.slot->time;
    found.host = shared_.mapper.host(event);
    found.event_record_id = event.text("EventRecordID");
    const model::Explanation why = engine_.explain(event, match);
    found.reason = normalise::reason_of(why);
    if (shared_.needs_json) {
      normalise::write_finding(shared_.mapper, event, shared_.rules.rules[match.rule_index].info, why,
                               {stream.name, 0, found.event_record_id}, found.json);
    }
    result.kept_bytes += sizeof found + found.json.capacity() + found.reason.size();
    result.found.push_back(std::move(found));
  }

  const Shared shared_;
  model::NameTable names_;
  detect::Engine engine_;
  std::vector<detect::Match> matches_;
};

std::string with_record(const std::string& json, std::uint64_t record) {
  const std::string number = std::to_string(record);
  std::string out;
  out.reserve(json.size() + 32);
  std::size_t at = 0;
  for (std::size_t mark = json.find(normalise::kRecordMark); mark != std::string::npos;
       mark = json.find(normalise::kRecordMark, at)) {
    out.append(json, at, mark - at);
    out += number;
    at = mark + 1;
  }
  return out.append(json, at);
}

// The calling thread's side: takes block results in order, feeds sinks and the correlator.
class Taker {
 public:
  Taker(const detect::RuleSet& rules, detect::Correlator& correlator, const DetectOptions& options,
        const std::vector<FindingSink*>& sinks, RunSummary& summary)
      : rules_(rules),
        correlator_(correlator),
        options_(options),
        sinks_(sinks),
        summary_(summary),
        errors_(options.errors_path) {}

  [[nodiscard]] BadRecordWriter& errors() { return errors_; }

  void take(BlockResult& base) {
    auto& result = static_cast<DetectResult&>(base);
    summary_.unrouted_events += result.unrouted;
    summary_.events_outside_time += result.outside_time;
    widen(result.first, summary_.first_event, summary_.last_event);
    widen(result.last, summary_.first_event, summary_.last_event);
    for (const model::BadRecord& bad : result.bad) {
      ++summary_.bad_by_cause[bad.cause];
      errors_.write(bad, *result.stream);
    }
    if (result.bad_count > result.bad.size())
      summary_.bad_by_cause["not listed (over 1,000 in one block)"] += result.bad_count - result.bad.size();
    for (FoundInBlock& in : result.found) {
      Found found;
      found.rule = &rules_.rules[in.rule_index].info;
      found.time = found.first = in.time;
      found.host = std::move(in.host);
      found.file = result.stream->name;
      found.record = result.first_record + in.record;
      found.event_record_id = std::move(in.event_record_id);
      found.reason = std::move(in.reason);
      if (!in.json.empty()) found.json = with_record(in.json, found.record);
      give(found);
    }
    for (detect::Occurrence& occurrence : result.occurrences) {
      occurrence.record += result.first_record;
      occurrence.order = order_++;
      correlator_.add(std::move(occurrence), correlated_);
    }
    give_correlated();
  }

  void finish() {
    correlator_.finish(correlated_);
    give_correlated();
  }

 private:
  void give(const Found& found) {
    ++summary_.findings;
    ++summary_.findings_by_level[found.rule->level];
    for (FindingSink* sink : sinks_) sink->add(found);
  }

  void give_correlated() {
    for (const detect::CorrelationFinding& in : correlated_) {
      const std::size_t index = in.correlation_index;
      if (rules_.silenced[rules_.rules.size() + index]) continue;
      const model::RuleInfo& info = rules_.correlations[index].info;
      if (!takes_part(info, options_.filter)) continue;
      Found found;
      found.rule = &info;
      found.time = in.last;
      found.first = in.first;
      found.event_count = in.event_count;
      found.host = in.hosts.empty() ? std::string() : in.hosts[0];
      if (in.hosts.size() > 1) found.host += " +" + std::to_string(in.hosts.size() - 1);
      if (!in.events.empty()) found.file = in.events[0].file;
      found.reason = in.reason;
      normalise::CorrelationView view{&info,          in.first,  in.last, in.group, in.value,
                                      in.event_count, in.events, {},      in.hosts, in.reason};
      for (const model::Contribution& event : in.events) {
        view.event_rules.push_back(event.rule_index < rules_.rules.size()
                                       ? &rules_.rules[event.rule_index].info
                                       : &rules_.correlations[event.rule_index - rules_.rules.size()].info);
      }
      normalise::write_correlation_finding(view, found.json);
      give(found);
    }
    correlated_.clear();
  }

  const detect::RuleSet& rules_;
  detect::Correlator& correlator_;
  const DetectOptions& options_;
  const std::vector<FindingSink*>& sinks_;
  RunSummary& summary_;
  std::vector<detect::CorrelationFinding> correlated_;
  std::uint64_t order_ = 0;
  BadRecordWriter errors_;
};

bool same_text(std::string_view a, std::string_view b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) {
           const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
           return lower(x) == lower(y);
         });
}

bool has_tag(const model::RuleInfo& rule, std::string_view wanted) {
  return std::any_of(rule.tags.begin(), rule.tags.end(), [&](const std::string& tag) {
    const bool longer = tag.size() > wanted.size() && (tag[wanted.size()] == '.' || wanted.ends_with('.'));
    return (tag.size() == wanted.size() || longer) && same_text(std::string_view(tag).substr(0, wanted.size()), wanted);
  });
}

void add_notes(const detect::CorrelatorStats& stats, const PipelineStats& input, RunSummary& summary) {
  const auto note = [&](std::uint64_t count, const char* what) {
    if (count > 0) summary.notes.push_back(std::to_string(count) + " " + what);
  };
  note(stats.without_time, "matches without a time could not be correlated");
  note(stats.without_group_field, "matches lacked a group-by field and could not be correlated");
  note(stats.late, "matches came too late to be correlated in order");
  note(stats.groups_evicted, "correlation groups were dropped at the limit");
  note(stats.events_evicted, "events were dropped from correlation windows at the limit");
  note(stats.released_early, "matches were correlated before all input was read, at the limit");
  note(input.dropped_fields, "fields past the limit of an event were dropped");
  note(input.skipped_links, "symbolic links in folders were not followed");
  note(input.skipped_outputs, "files in the folders are written by this run and were not read");
  if (input.stopped) summary.notes.insert(summary.notes.begin(), "stopped before the end of the input");
}

}  // namespace

bool takes_part(const model::RuleInfo& rule, const RuleFilter& filter) {
  if (filter.min_level && rule.level < *filter.min_level) return false;
  const auto any = [](const std::vector<std::string>& list, const auto& test) {
    return std::any_of(list.begin(), list.end(), test);
  };
  if (!filter.statuses.empty() && !any(filter.statuses, [&](const std::string& s) { return same_text(s, rule.status); }))
    return false;
  if (!filter.include_tags.empty() && !any(filter.include_tags, [&](const std::string& tag) { return has_tag(rule, tag); }))
    return false;
  return !any(filter.exclude_rules, [&](const std::string& name) {
    return same_text(name, rule.id) || same_text(name, rule.name) || same_text(name, rule.title);
  });
}

core::Result<RunSummary> run_detect(const detect::RuleSet& rules, const detect::LogSourceMap& sources,
                                    const normalise::Mapper& mapper, const DetectOptions& options,
                                    const std::vector<FindingSink*>& sinks, const Pipeline::Report& report) {
  RunSummary summary;
  summary.command_line = options.command_line;
  summary.version = options.version;
  summary.threads = options.pipeline.threads;
  summary.rule_count = rules.rules.size();
  summary.correlation_count = rules.correlations.size();
  summary.filter_count = rules.filter_count;
  for (const detect::sigma::Diagnostic& diagnostic : rules.diagnostics) {
    if (diagnostic.severity == detect::sigma::Diagnostic::Severity::kError) summary.refused.push_back(diagnostic);
  }

  detect::CorrelatorOptions correlator_options;
  correlator_options.lateness_ns = std::numeric_limits<std::int64_t>::max() / 4;
  correlator_options.max_pending = kMaxPendingOccurrences;
  correlator_options.max_pending_bytes = kMaxPendingBytes;
  correlator_options.max_events = kMaxWindowEvents;
  detect::Correlator correlator(rules, correlator_options);

  // A rule takes part if it is asked for itself, or a correlation that is asked for may need it.
  detect::CompileOptions compile;
  compile.any_source = options.any_source;
  compile.input_source = options.input_source;
  std::vector<bool> shown(rules.rules.size());
  compile.enabled.resize(rules.rules.size());
  for (std::uint32_t i = 0; i < rules.rules.size(); ++i) {
    const bool wanted = takes_part(rules.rules[i].info, options.filter);
    shown[i] = wanted && !rules.silenced[i];
    compile.enabled[i] = wanted || correlator.wants(i);
    if (!wanted) ++summary.skipped_rule_count;
  }
  const detect::CompiledRules compiled(rules, sources, compile);

  const bool needs_json =
      std::any_of(sinks.begin(), sinks.end(), [](const FindingSink* sink) { return sink->needs_json(); });
  const DetectWorker::Shared shared{rules, compiled, correlator, mapper, options, shown, needs_json};
  Taker taker(rules, correlator, options, sinks, summary);
  if (!taker.errors().good()) return core::Error{core::ErrorCode::kIo, "cannot write " + options.errors_path};

  const auto begin = std::chrono::steady_clock::now();
  PipelineOptions pipeline_options = options.pipeline;
  pipeline_options.paths = options.paths;
  Pipeline pipeline(pipeline_options);
  summary.input = pipeline.run([&] { return std::make_unique<DetectWorker>(shared); },
                               [&](BlockResult& result) { taker.take(result); }, report);
  taker.finish();
  summary.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  add_notes(correlator.stats(), summary.input, summary);
  for (FindingSink* sink : sinks) sink->finish(summary);
  if (!taker.errors().finish()) {
    return core::Error{core::ErrorCode::kIo, options.errors_path + " could not be written to its end (disk full?)"};
  }
  return summary;
}

}  // namespace tocsin::cli
