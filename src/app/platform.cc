#include "app/platform.h"

#include <algorithm>
#include <future>
#include <utility>

#include "app/certificate.h"
#include "app/formats.h"
#include "app/pipeline/row_binary.h"
#include "core/json_writer.h"
#include "store/sql_text.h"

namespace tocsin::app {

std::shared_ptr<void> LiveHub::subscribe(std::function<void(const api::LiveEvent&)> take) {
  const core::Lock lock(state_->mutex);
  const std::uint64_t number = state_->next++;
  state_->takers.emplace(number, std::make_shared<std::function<void(const api::LiveEvent&)>>(std::move(take)));
  return {nullptr, [state = state_, number](void*) {
            const core::Lock end(state->mutex);
            state->takers.erase(number);
          }};
}

void LiveHub::publish(const api::LiveEvent& event) const {
  std::vector<std::shared_ptr<std::function<void(const api::LiveEvent&)>>> takers;
  {
    const core::Lock lock(state_->mutex);
    for (const auto& [number, take] : state_->takers) takers.push_back(take);
  }
  for (const auto& take : takers) (*take)(event);
}

std::vector<api::SourceStatus> LivePlatform::sources() const {
  std::vector<api::SourceStatus> out;
  const auto rules = parts_.rules.detection();
  for (const auto& entry : parts_.board.all()) {
    api::SourceStatus status = parts_.board.status(*entry);
    const std::vector<model::LogSource> kinds = parts_.board.kinds_of(entry->ref.id);
    for (const detect::sigma::Rule& rule : rules->rules->rules) {
      const bool fed =
          std::any_of(kinds.begin(), kinds.end(), [&](const auto& kind) { return fits(rule.info.logsource, kind); });
      status.rule_count += fed ? 1 : 0;
    }
    out.push_back(std::move(status));
  }
  return out;
}

core::Result<api::SourceStatus> LivePlatform::add_source(const api::SourceChange& source, core::Secret& token) {
  return parts_.sources.add(source, token);
}
core::Result<api::SourceStatus> LivePlatform::change_source(std::string_view name, const api::SourcePatch& patch) {
  return parts_.sources.change(name, patch);
}
core::Result<core::Secret> LivePlatform::new_source_token(std::string_view name) { return parts_.sources.new_token(name); }
core::Result<void> LivePlatform::remove_source(std::string_view name) { return parts_.sources.remove(name); }

std::vector<api::RuleStatus> LivePlatform::rules() const { return parts_.rules.rules(parts_.board); }
std::optional<api::RuleDetail> LivePlatform::rule(std::string_view id) const { return parts_.rules.rule(id, parts_.board); }
std::vector<api::RefusedRule> LivePlatform::refused_rules() const { return parts_.rules.refused(); }
core::Result<void> LivePlatform::set_rule_mode(const std::vector<std::string>& ids, ledger::RuleMode mode,
                                               std::string_view by) {
  return parts_.rules.set_mode(ids, mode, by);
}
core::Result<api::Platform::Reload> LivePlatform::reload_rules() { return parts_.rules.reload(); }
core::Result<std::string> LivePlatform::save_rule(std::string_view name, std::string_view text) {
  return parts_.rules.save(name, text);
}
core::Result<void> LivePlatform::remove_rule(std::string_view id) { return parts_.rules.remove(id); }
core::Result<api::RuleTestResult> LivePlatform::test_rule(const api::RuleTestRequest& request) {
  return parts_.rules.test(request, parts_.store);
}

core::Result<api::Platform::Rerun> LivePlatform::rerun_dead_letters(std::string_view source, std::string_view cause) {
  constexpr std::uint64_t kMaxRerun = 100'000;
  store::SqlText sql("SELECT sequence, offset, received_at, source, peer, bytes FROM dead_letters WHERE 1");
  if (!source.empty()) (sql << " AND source = ").text(source);
  if (!cause.empty()) (sql << " AND cause = ").text(cause);
  (sql << " ORDER BY sequence, offset LIMIT ").number(kMaxRerun);
  struct Letter {
    std::uint64_t sequence = 0, offset = 0;
    model::Delivery delivery;
  };
  std::vector<Letter> letters;
  std::string buffer;
  store::QueryLimits limits;
  limits.result_rows = kMaxRerun;
  const auto asked = parts_.store.query_stream(sql.str(), "RowBinary", limits, [&](std::string_view piece) {
    buffer.append(piece);
    std::string_view rest = buffer, name, peer, bytes;
    while (true) {
      std::string_view at = rest;
      Letter letter;
      std::uint64_t received = 0;
      if (!take_u64(at, letter.sequence) || !take_u64(at, letter.offset) || !take_u64(at, received) ||
          !take_string(at, name) || !take_string(at, peer) || !take_string(at, bytes))
        break;
      rest = at;
      const auto entry = parts_.board.named(name);
      if (!entry) continue;
      letter.delivery.source = entry->ref.id;
      letter.delivery.format = entry->ref.format;
      letter.delivery.received_at.ns = static_cast<std::int64_t>(received);
      letter.delivery.peer = peer;
      letter.delivery.bytes = bytes;
      letters.push_back(std::move(letter));
    }
    buffer.erase(0, buffer.size() - rest.size());
    return true;
  });
  if (!asked.ok()) return asked.error();
  Rerun out;
  model::NameTable names;
  DeliveryDecoder decoder;
  for (Letter& letter : letters) {
    ++out.tried;
    model::Batch batch(names);
    if (!decoder.decode(letter.delivery, batch) || batch.size() == 0 || batch.bad_count() > 0) continue;
    ++out.recovered;
    // The same letter is not taken twice, however often it is tried.
    letter.delivery.once_key = "rerun:" + std::to_string(letter.sequence) + ":" + std::to_string(letter.offset);
    std::promise<core::Result<void>> safe;
    parts_.intake.submit(std::move(letter.delivery),
                         [&](core::Result<void> outcome) { safe.set_value(std::move(outcome)); });
    if (const auto outcome = safe.get_future().get(); !outcome.ok()) return outcome.error();
  }
  return out;
}

std::string LivePlatform::ocsf_event(std::string_view format, std::string_view raw) const {
  model::NameTable names;
  model::Batch batch(names);
  model::Delivery delivery;
  delivery.format =
      format == "evtx" ? model::Format::kJson : decode::format_from_name(format).value_or(model::Format::kUnknown);
  delivery.received_at = parts_.clock.now();
  delivery.bytes = std::string(raw) + "\n";
  DeliveryDecoder decoder;
  if (!decoder.decode(delivery, batch) || batch.size() == 0) return {};
  std::string out;
  core::JsonWriter json(out);
  parts_.rules.content().mapper->write_event(batch.event(0), json);
  return out;
}

std::vector<api::PartHealth> LivePlatform::health() const {
  std::vector<api::PartHealth> out;
  const stream::JournalHealth journal = parts_.journal.health();
  out.push_back(
      {"journal",
       journal.problem.empty(),
       journal.problem,
       {{"first_sequence", std::to_string(journal.first_sequence)},
        {"last_sequence", std::to_string(journal.last_sequence)},
        {"bytes", std::to_string(journal.bytes)},
        {"queued_bytes", std::to_string(journal.queued_bytes)},
        {"waiting_deliveries",
         std::to_string(journal.last_sequence - std::min(journal.last_sequence, parts_.processor.done_sequence()))}}});
  const store::StoreHealth store = parts_.store.health();
  const std::string write_problem = parts_.writer.problem();
  out.push_back({"store",
                 store.ready && store.problem.empty() && write_problem.empty(),
                 store.problem.empty() ? write_problem : store.problem,
                 {{"events", std::to_string(store.events)},
                  {"findings", std::to_string(store.findings)},
                  {"bytes_on_disk", std::to_string(store.bytes_on_disk)},
                  {"restarts", std::to_string(store.restarts)}}});
  const auto rules = parts_.rules.detection();
  const std::string detect_problem = parts_.processor.problem();
  out.push_back({"detect",
                 detect_problem.empty(),
                 detect_problem,
                 {{"rules", std::to_string(rules->rules->rules.size())},
                  {"correlations", std::to_string(rules->rules->correlations.size())},
                  {"refused", std::to_string(rules->rules->refused_count)}}});
  out.push_back(parts_.triage.health());
  const notify::Service::Health notify = parts_.notify.health();
  out.push_back({"notify",
                 notify.problem.empty(),
                 notify.problem,
                 {{"pending", std::to_string(notify.pending)},
                  {"given_up", std::to_string(notify.dead)},
                  {"last_failure", notify.last_failure}}});
  if (parts_.self_test_health) out.push_back(parts_.self_test_health());
  std::size_t silent = 0, problems = 0, total = 0;
  std::string first;
  for (const auto& entry : parts_.board.all()) {
    const api::SourceStatus status = parts_.board.status(*entry);
    ++total;
    silent += status.state == "silent" ? 1 : 0;
    if (status.state == "problem") {
      ++problems;
      if (first.empty()) first = status.name + ": " + status.problem;
    }
  }
  out.push_back(
      {"sources",
       problems == 0,
       first,
       {{"total", std::to_string(total)}, {"silent", std::to_string(silent)}, {"with_problem", std::to_string(problems)}}});
  return out;
}

std::vector<api::Loss> LivePlatform::losses() const {
  std::vector<api::Loss> out;
  const auto add = [&](std::string what, std::uint64_t count) {
    if (count > 0) out.push_back({std::move(what), count});
  };
  const Processor::Counts counts = parts_.processor.counts();
  add("matches that came too late to be correlated in order", counts.late);
  add("correlation windows cut at a limit", counts.evicted);
  add("matches without a time, not correlated", counts.without_time);
  add("states of correlations dropped because their rules changed or they were damaged", counts.correlation_state_dropped);
  std::uint64_t rest = counts.suppressed;
  for (const Processor::Counts::Folded& one : counts.folded) {
    add("rule " + one.rule_title + " about source " + parts_.board.of(one.source)->ref.name +
            ": findings over its bound, counted as hits and not stored",
        one.count);
    rest -= std::min(rest, one.count);
  }
  add("findings over the bound of rules that are gone", rest);
  const stream::JournalHealth journal = parts_.journal.health();
  add("damaged entries of the journal", journal.damaged_entries);
  add("bytes cut from the end of the journal at start (torn by a crash, so never acknowledged; or damaged)",
      journal.truncated_bytes);
  for (const auto& entry : parts_.board.all()) {
    for (const auto& [cause, count] : entry->ref.meter->snapshot().refused)
      add("source " + entry->ref.name + ": " + cause, count);
    add("source " + entry->ref.name + ": records kept as dead letters", entry->bad_records.load());
  }
  return out;
}

api::Rates LivePlatform::rates() const {
  api::Rates out = parts_.board.rates();
  out.lag_ms = static_cast<double>(parts_.writer.event_lag_ns()) / 1e6;
  return out;
}

std::vector<api::Certificate> LivePlatform::certificates() const {
  std::vector<api::Certificate> out;
  for (const auto& [name, path] : parts_.certificates) {
    auto certificate = describe_certificate(name, path);
    if (certificate.ok()) out.push_back(std::move(*certificate));
  }
  return out;
}

core::Result<void> LivePlatform::reload_certificates() {
  parts_.sources.reload_certificates();
  return parts_.reload_api_certificate();
}

std::vector<api::SettingView> LivePlatform::settings() const { return parts_.settings.all(); }
core::Result<void> LivePlatform::set_setting(std::string_view key, std::string_view value, std::string_view by) {
  return parts_.settings.set(key, value, by);
}

std::shared_ptr<void> LivePlatform::subscribe(std::function<void(const api::LiveEvent&)> take) {
  return parts_.hub.subscribe(std::move(take));
}

}  // namespace tocsin::app
