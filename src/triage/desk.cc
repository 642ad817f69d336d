// Opening, transactions and what is kept in memory; what findings do is in desk/take.cc, what people do in desk/people.cc.
#include "triage/desk.h"

#include <algorithm>

#include "triage/desk/live_desk.h"

namespace tocsin::triage {
namespace {

constexpr std::int64_t kPage = 2'000;
constexpr std::int64_t kMaxFoldedRestored = 1'000;  // Of one member: more says nothing new to the joiner.
constexpr std::int64_t kMaxAddressedAssets = 50'000;
constexpr const char* kApart = "split";

}  // namespace

core::Result<std::unique_ptr<Desk>> Desk::open(ledger::Ledger& ledger, DeskOptions options, const core::Clock& clock,
                                               core::Metrics& metrics, Publish publish) {
  if (!options.joining || !options.scoring) {
    return core::Error{core::ErrorCode::kInvalid, "triage: the desk needs the policies of joining and of scoring"};
  }
  auto desk = std::make_unique<LiveDesk>(ledger, std::move(options), clock, metrics, std::move(publish));
  TOCSIN_TRY(desk->load());
  return std::unique_ptr<Desk>(std::move(desk));
}

LiveDesk::LiveDesk(ledger::Ledger& ledger, DeskOptions options, const core::Clock& clock, core::Metrics& metrics,
                   Publish publish)
    : ledger_(ledger),
      options_(std::move(options)),
      clock_(clock),
      publish_(std::move(publish)),
      taken_(metrics.counter("tocsin_triage_findings_total", "Findings that triage put into an incident.")),
      joined_(metrics.counter("tocsin_triage_joins_total", "Findings that joined an incident that was there.")),
      opened_(metrics.counter("tocsin_triage_incidents_opened_total", "Incidents that a finding opened.")),
      merged_(metrics.counter("tocsin_triage_merges_total", "Incidents that became part of another by a finding.")),
      folded_(metrics.counter("tocsin_triage_folded_total", "Findings that said again what one in the incident said.")),
      failed_(metrics.counter("tocsin_triage_failed_batches_total", "Transactions of triage that failed and were undone.")),
      open_gauge_(metrics.gauge("tocsin_triage_incidents_open", "Incidents that are not closed.")),
      automatic_(options_.automatic ? options_.automatic : std::make_shared<const AutoRules>()) {}

core::Result<void> LiveDesk::load() {
  const core::Lock lock(mutex_);
  return ledger_.read([this](ledger::Tables& all) NO_THREAD_CHECK -> core::Result<void> {
    Tables tables(all);
    for (const auto& state : TOCSIN_TRY(ledger::TuningTables(all).triage_rule_states()))
      rule_states_[state.rule_id] = state.enabled;
    if (const auto position = TOCSIN_TRY(tables.position())) position_ = {position->sequence, position->ids};
    for (ledger::Decisions& row : TOCSIN_TRY(tables.decisions())) decisions_[{row.tenant, row.key}] = row;
    open_gauge_.set(static_cast<double>(TOCSIN_TRY(tables.open_count())));
    return {};
  });
}

core::Result<void> LiveDesk::prepare() {
  const core::Lock lock(mutex_);
  if (joiner_) return {};
  return rebuild();
}

void LiveDesk::keep_stats() {
  const core::Lock lock(stats_mutex_);
  stats_ = joiner_->stats();
}

core::Result<void> LiveDesk::rebuild() {
  counted_ = std::make_unique<CountedPrevalence>();
  prevalence_ = counted_->snapshot();
  joiner_ = std::make_unique<Joiner>(options_.joining, prevalence_, [this]() NO_THREAD_CHECK { return next_++; });
  owners_ = {};
  folds_.clear();
  auto done = reading([this](Tables& tables) NO_THREAD_CHECK { return restore(tables); });
  // A page at a time: others use the ledger too. Nothing changes meanwhile, for that takes the lock of the desk.
  for (std::int64_t after = 0; done.ok();) {
    std::vector<Tables::Joining> page;
    done = reading([&](Tables& tables) NO_THREAD_CHECK -> core::Result<void> {
      page = TOCSIN_TRY(tables.joining_page(after, kPage));
      return restore_page(tables, page);
    });
    if (!done.ok() || page.size() < static_cast<std::size_t>(kPage)) break;
    after = page.back().place;
  }
  if (!done.ok()) {
    joiner_.reset();
  } else {
    keep_stats();
  }
  return done;
}

core::Result<void> LiveDesk::reading(const std::function<core::Result<void>(Tables&)>& work) {
  return ledger_.read([&](ledger::Tables& all) -> core::Result<void> {
    Tables tables(all);
    return work(tables);
  });
}

core::Result<void> LiveDesk::restore(Tables& tables) {
  next_ = TOCSIN_TRY(tables.next_incident_number());
  for (const ledger::IncidentLink& link : TOCSIN_TRY(tables.links_of_kind(kApart)))
    joiner_->keep_apart(link.one, link.other);
  for (const ledger::Asset& asset : TOCSIN_TRY(tables.assets_with_addresses(kMaxAddressedAssets))) {
    for (const std::string& address : asset.addresses) tell_address({asset.tenant, "", asset.key, address, asset.last_seen});
  }
  use_addresses();
  open_gauge_.set(static_cast<double>(TOCSIN_TRY(tables.open_count())));
  return {};
}

// In the order in which they were taken, so that each is judged by what was common then.
core::Result<void> LiveDesk::restore_page(Tables& tables, const std::vector<Tables::Joining>& page) {
  for (const Tables::Joining& row : page) {
    auto finding = TOCSIN_TRY(read_body(row.body, row.member, row.tenant));
    const Number id = row.member.incident;
    count_prevalence(finding);
    joiner_->restore(finding, id);
    if (!row.open) joiner_->close(id);
    newest_.ns = std::max(newest_.ns, std::min(finding.event_time.ns, clock_.now().ns));
    keep_fold(fold_key(finding), finding);
    if (row.member.folded <= 1) continue;
    for (const ledger::FoldedFinding& folded : TOCSIN_TRY(tables.folded(row.member.finding, kMaxFoldedRestored))) {
      finding.id = folded.finding;
      finding.event_time = folded.event_time;
      finding.detected_at = folded.detected_at;
      joiner_->restore(finding, id);
    }
  }
  return {};
}

void LiveDesk::count_prevalence(const Finding& finding) {
  if (!counted_->add(finding)) return;
  prevalence_ = counted_->snapshot();
  joiner_->set_prevalence(prevalence_);
}

core::Result<LiveDesk::Batch> LiveDesk::transact_locked(const Doing& work, bool asks_joiner) {
  if (!joiner_) TOCSIN_TRY(rebuild());
  Batch batch;
  auto done = ledger_.write([&](ledger::Tables& all) NO_THREAD_CHECK -> core::Result<void> {
    Tables tables(all);
    next_ = TOCSIN_TRY(tables.next_incident_number());
    batch.all = &all;
    TOCSIN_TRY(work(tables, batch));
    TOCSIN_TRY(finish(tables, batch));
    batch.all = nullptr;
    batch.open = TOCSIN_TRY(tables.open_count());
    return {};
  });
  if (!done.ok()) {
    if (asks_joiner) {
      joiner_.reset();
      failed_.add();
    }
    return done.error();
  }
  for (const auto& effect : batch.after) effect(*joiner_);
  keep_stats();
  open_gauge_.set(static_cast<double>(batch.open));
  for (const ledger::Decisions& more : batch.decisions) {
    ledger::Decisions& kept = decisions_[{more.tenant, more.key}];
    kept.tenant = more.tenant;
    kept.key = more.key;
    kept.true_positive = std::max<std::int64_t>(0, kept.true_positive + more.true_positive);
    kept.benign = std::max<std::int64_t>(0, kept.benign + more.benign);
    kept.false_positive = std::max<std::int64_t>(0, kept.false_positive + more.false_positive);
  }
  return batch;
}

core::Result<std::vector<ledger::Incident>> LiveDesk::transact(const Doing& work, bool asks_joiner) {
  Batch batch;
  {
    const core::Lock lock(mutex_);
    batch = TOCSIN_TRY(transact_locked(work, asks_joiner));
  }
  if (publish_) {
    for (const ledger::Incident& incident : batch.changed) publish_(incident);
  }
  return std::move(batch.changed);
}

DeskPosition LiveDesk::position() const {
  const core::Lock lock(mutex_);
  return position_;
}

Precision LiveDesk::precision_locked(std::string_view tenant, std::string_view rule_id, std::uint8_t severity_id) const {
  Precision out = prior(*options_.scoring, severity_id);
  const auto found = decisions_.find({std::string(tenant), std::string(rule_id)});
  if (found == decisions_.end()) return out;
  const ledger::Decisions& row = found->second;
  out.alpha += static_cast<double>(row.true_positive);
  out.beta += static_cast<double>(row.benign + row.false_positive);
  out.decided = static_cast<std::uint64_t>(row.true_positive + row.benign + row.false_positive);
  return out;
}

Precision LiveDesk::precision(std::string_view tenant, std::string_view rule_id, std::uint8_t severity_id) const {
  const core::Lock lock(mutex_);
  return precision_locked(tenant, rule_id, severity_id);
}

Joiner::Stats LiveDesk::stats() const {
  const core::Lock lock(stats_mutex_);  // Not that of the desk: health is asked for while findings are read again.
  return stats_;
}

}  // namespace tocsin::triage
