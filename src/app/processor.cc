#include "app/processor.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <unordered_map>
#include <utility>

#include "api/live_json.h"
#include "app/formats.h"
#include "app/pipeline/finding_maker.h"
#include "app/pipeline/row_binary.h"
#include "core/log.h"
#include "detect/correlator.h"
#include "normalise/rows.h"

namespace tocsin::app {
namespace {

constexpr std::chrono::milliseconds kIdleWait{50};
constexpr std::size_t kMaxDeadLetterBytes = 1u << 20;
constexpr std::chrono::milliseconds kBehind{400}, kMaxFindingDelay{250};
// Findings of one rule about one source: what a rule that fits everything may put into the store. Hits go on counting.
constexpr double kFindingBurst = 10'000, kFindingsPerSecond = 100;
constexpr std::uint64_t kSourceSample = 256;
constexpr char kLaneMark = '\n';
constexpr std::size_t kMaxSenderLanes = 64;
constexpr std::string_view kStateMark = "tocsin-correlators-2\n";

void append_u64(std::uint64_t value, std::string& out) {
  for (int shift = 0; shift < 64; shift += 8) out += static_cast<char>(value >> shift);
}

bool take_text(std::string_view& in, std::string& out) {
  std::uint64_t size = 0;
  if (!take_u64(in, size) || size > in.size()) return false;
  out.assign(in.substr(0, size));
  in.remove_prefix(size);
  return true;
}

std::string tenant_of(const std::string& lane) { return lane.substr(0, lane.find(kLaneMark)); }

bool is_lines(model::Format format) {
  return format != model::Format::kEvtx && format != model::Format::kWindowsXml && format != model::Format::kAuditd &&
         format != model::Format::kJournaldExport;
}

// The bytes of a bad record, as far as they can be told: its line, or what follows, bounded.
std::string_view bytes_of(const model::BadRecord& bad, std::string_view bytes, model::Format format) {
  std::string_view rest = bytes.substr(std::min<std::size_t>(bad.offset, bytes.size()));
  if (is_lines(format)) rest = rest.substr(0, rest.find('\n'));
  return rest.substr(0, kMaxDeadLetterBytes);
}

struct Bucket {
  double tokens = kFindingBurst;
  std::int64_t at_ns = 0;
  bool take(std::int64_t now_ns) {
    if (now_ns > at_ns && at_ns != 0)
      tokens = std::min(kFindingBurst, tokens + kFindingsPerSecond * static_cast<double>(now_ns - at_ns) / 1e9);
    at_ns = now_ns;  // Also where the clock was set back: else nothing would come until it is where it was.
    if (tokens < 1) return false;
    tokens -= 1;
    return true;
  }
};

}  // namespace

class Processor::Work {
 public:
  Work(Processor& owner)
      : owner_(owner),
        context_(owner.context_),
        batch_(names_),
        rows_(*context_.content.mapper, names_),
        decoded_(context_.metrics.counter("tocsin_events_decoded_total", "Events decoded from what was received.")),
        bad_(context_.metrics.counter("tocsin_dead_letters_total", "Records that could not be read; kept as dead letters.")),
        suppressed_(context_.metrics.counter("tocsin_findings_suppressed_total",
                                             "Findings over the bound of one rule and source (10,000, then 100 a second).")),
        future_(context_.metrics.counter(
            "tocsin_events_from_future_total",
            "Matches whose event claims a time after its arrival; correlated as of their arrival.")),
        backlog_(context_.metrics.counter("tocsin_backlog_matches_total",
                                          "Matches older than what is live, correlated among those of their sender.")),
        events_(context_.writer.empty_block()),
        findings_(context_.writer.empty_finding_block()) {
    adopt();
  }

  core::Result<void> load();
  void run();
  void finish(std::chrono::milliseconds time);

 private:
  using Steady = std::chrono::steady_clock;

  // Correlations of one lane. Tenants never mix: each has a lane, and one more for each sender that brings older events than
  // those that are late by then (a backlog, files of another day), so that they are correlated among themselves.
  struct Correlations {
    std::unique_ptr<detect::Correlator> correlator;
    std::uint64_t used = 0;                   // Sequence of the last delivery that had something for it.
    core::Timestamp newest, newest_received;  // The newest event time seen, and when it came: from there on time passes.
    void saw(core::Timestamp event_time, core::Timestamp received_at) {
      if (newest.known() && event_time < newest) return;
      newest = event_time;
      newest_received = received_at;
    }
    [[nodiscard]] core::Timestamp event_time_at(core::Timestamp now) const {
      return {newest.ns + std::max<std::int64_t>(0, now.ns - newest_received.ns)};
    }
  };

  void adopt();
  std::string save_state() const;
  void load_state(std::string_view state);
  void restore(const std::string& lane, const std::string& state);
  Correlations& correlations(const std::string& lane);
  Correlations& lane_for(core::Timestamp event_time);
  void bound_lanes();

  void process(stream::StoredDelivery& stored);
  void decode(stream::StoredDelivery& stored, SourceEntry& source);
  void one_event(std::size_t index, const stream::StoredDelivery& stored, SourceEntry& source);
  void one_match(const model::Event& event, const model::EventRow& row, const detect::Match& match);
  void give_correlated(const std::string& tenant, std::uint64_t sequence, core::Timestamp received_at);
  void add_finding(store::FindingRow& row);
  void begin_events(core::Timestamp received_at);
  void dead_letters(const stream::StoredDelivery& stored, const SourceEntry& source, model::Format format);
  void dead_letter(const stream::StoredDelivery& stored, const SourceEntry& source, std::uint64_t offset,
                   std::string_view cause, std::string_view detail, std::string_view bytes);
  [[nodiscard]] bool known(model::EventId id);
  void tick_if_due();
  void pass_time(const stream::StoredDelivery& tick);
  bool flush(bool all);
  [[nodiscard]] std::chrono::nanoseconds finding_delay() const;
  bool flush_findings();
  bool flush_events();
  void publish_counts();

  Processor& owner_;
  const Processor::Context& context_;
  model::NameTable names_;
  model::Batch batch_;
  DeliveryDecoder decoder_;
  normalise::RowMaker rows_;
  core::Arena row_arena_;
  core::Counter& decoded_;
  core::Counter& bad_;
  core::Counter& suppressed_;
  core::Counter& future_;
  core::Counter& backlog_;

  std::shared_ptr<const Detection> detection_;
  std::unique_ptr<detect::Engine> engine_;
  std::map<std::string, Correlations> correlations_;  // By tenant.
  std::vector<detect::Match> matches_;
  std::vector<detect::CorrelationFinding> correlated_;
  std::map<std::pair<std::uint32_t, std::uint32_t>, Bucket> buckets_;  // Rule, source.
  std::uint32_t source_number_ = 0;                                    // Of the delivery at hand, as are these.
  std::string tenant_, peer_, header_;
  model::EventRow row_;

  store::Store::Known known_;
  std::size_t next_known_ = 0;
  std::uint64_t known_until_ = 0;  // Sequences up to here may be in the store already.

  std::unique_ptr<stream::Journal::Reader> reader_;
  std::uint64_t done_ = 0, saved_ = 0;
  Steady::time_point saved_at_ = Steady::now();
  store::Block events_, findings_;
  bool any_events_ = false, any_findings_ = false;  // Whether they hold rows.
  std::vector<api::LiveEvent> live_;
  core::Timestamp oldest_event_, oldest_finding_;
  Steady::time_point events_since_, findings_since_;
  std::uint64_t last_offset_ = 0;
  bool any_offset_ = false;
  bool tick_under_way_ = false;
  std::uint64_t sampled_ = 0;
  std::uint64_t state_dropped_ = 0;
  bool read_failed_ = false;
};

core::Result<void> Processor::Work::load() {
  auto position = context_.journal.load_position(kPositionName);
  if (!position.ok() && position.error().code != core::ErrorCode::kInvalid) return position.error();
  if (!position.ok()) {
    ++state_dropped_;
    core::log(core::LogLevel::kWarning, "journal",
              position.error().text + "; all that the journal has is read again, correlations begin anew");
  }
  if (position.ok() && position->has_value()) {
    done_ = (*position)->done_sequence;
    load_state((*position)->state);
  } else {
    // Nothing may be removed from the journal before it is done. Of what came before it began nothing is asked: an empty
    // one goes on above all that is stored.
    const stream::JournalHealth health = context_.journal.health();
    const bool empty = health.last_sequence == 0;
    done_ = (empty ? context_.journal.sequence_at({std::numeric_limits<std::int64_t>::max()}) : health.first_sequence) - 1;
    TOCSIN_TRY(context_.journal.save_position(kPositionName, {done_, {}}));
  }
  saved_ = done_;
  known_ = TOCSIN_TRY(context_.store.known_after(done_));
  if (!known_.events.empty()) known_until_ = model::event_sequence(known_.events.back());
  for (const auto& [sequence, offset] : known_.dead_letters) known_until_ = std::max(known_until_, sequence);
  reader_ = context_.journal.read(done_ + 1);
  owner_.done_sequence_ = done_;
  publish_counts();
  return {};
}

// Takes the newest rules; the state of correlations goes on where it can.
void Processor::Work::adopt() {
  auto newest = owner_.detection();
  if (newest == detection_) return;
  std::map<std::string, std::string> states;
  for (auto& [tenant, held] : correlations_) {
    states[tenant] = held.correlator->save();
    held.correlator.reset();
  }
  engine_.reset();
  detection_ = std::move(newest);
  engine_ = std::make_unique<detect::Engine>(*detection_->compiled, names_);
  for (const auto& [tenant, state] : states) restore(tenant, state);
  buckets_.clear();
}

Processor::Work::Correlations& Processor::Work::correlations(const std::string& lane) {
  Correlations& place = correlations_[lane];
  if (!place.correlator) {
    detect::CorrelatorOptions options;
    options.lateness_ns = owner_.options_.lateness.count();
    if (tenant_of(lane) == owner_.options_.recording_tenant)
      options.lateness_ns = std::max<std::int64_t>(options.lateness_ns, owner_.options_.recording_lateness.count());
    options.emit_on_first = true;
    options.hash_seed = owner_.options_.hash_seed;
    place.correlator = std::make_unique<detect::Correlator>(*detection_->rules, options);
  }
  return place;
}

// The tenant's own lane, or where the event is late there, that of its sender. A sender that goes back in time again begins
// anew: what it brought so far is finished.
Processor::Work::Correlations& Processor::Work::lane_for(core::Timestamp event_time) {
  Correlations& live = correlations(tenant_);
  if (!(event_time < live.correlator->watermark())) return live;
  backlog_.add();
  const std::string lane = tenant_ + kLaneMark + std::to_string(source_number_) + kLaneMark + peer_;
  Correlations& own = correlations(lane);
  if (event_time < own.correlator->watermark()) {
    own.correlator->finish(correlated_);
    own = {};
    return correlations(lane);
  }
  return own;
}

// Lanes of senders: those in which nothing is open go, and the one used longest ago where there are too many.
void Processor::Work::bound_lanes() {
  auto oldest = correlations_.end();
  std::size_t count = 0;
  for (auto lane = correlations_.begin(); lane != correlations_.end();) {
    const bool own = lane->first.find(kLaneMark) != std::string::npos;
    if (own && !lane->second.correlator->due().known()) {
      lane = correlations_.erase(lane);
      continue;
    }
    if (own && (++count == 1 || lane->second.used < oldest->second.used)) oldest = lane;
    ++lane;
  }
  if (count <= kMaxSenderLanes) return;
  oldest->second.correlator->finish(correlated_);
  give_correlated(tenant_of(oldest->first), done_, oldest->second.newest_received);
  correlations_.erase(oldest);
}

std::string Processor::Work::save_state() const {
  std::string out(kStateMark);
  for (const auto& [tenant, held] : correlations_) {
    append_u64(tenant.size(), out);
    out += tenant;
    append_u64(held.used, out);
    append_u64(static_cast<std::uint64_t>(held.newest.ns), out);
    append_u64(static_cast<std::uint64_t>(held.newest_received.ns), out);
    const std::string state = held.correlator->save();
    append_u64(state.size(), out);
    out += state;
  }
  return out;
}

void Processor::Work::load_state(std::string_view state) {
  if (!state.starts_with(kStateMark)) return;
  state.remove_prefix(kStateMark.size());
  std::string tenant, bytes;
  std::uint64_t used = 0, newest = 0, received = 0;
  while (take_text(state, tenant) && take_u64(state, used) && take_u64(state, newest) && take_u64(state, received) &&
         take_text(state, bytes)) {
    Correlations& held = correlations(tenant);
    held.used = used;
    held.newest.ns = static_cast<std::int64_t>(newest);
    held.newest_received.ns = static_cast<std::int64_t>(received);
    restore(tenant, bytes);
  }
}

// Correlations that are as they were go on; those that are not begin anew and are counted.
void Processor::Work::restore(const std::string& lane, const std::string& state) {
  const auto restored = correlations(lane).correlator->restore(state);
  if (!restored.ok()) {
    ++state_dropped_;
    core::log(core::LogLevel::kWarning, "detect",
              "correlations of tenant " + tenant_of(lane) + " begin anew: " + restored.error().text);
    return;
  }
  state_dropped_ += restored->dropped_correlations;
  if (!restored->dropped_any()) return;
  core::log(core::LogLevel::kInfo, "detect",
            "correlations of tenant " + tenant_of(lane) + " whose rules changed begin anew: " +
                std::to_string(restored->dropped_correlations) + " (" + std::to_string(restored->dropped_groups) +
                " groups); waiting matches of rules that are gone: " + std::to_string(restored->dropped_occurrences));
}

bool Processor::Work::known(model::EventId id) {
  while (next_known_ < known_.events.size() && known_.events[next_known_] < id) ++next_known_;
  return next_known_ < known_.events.size() && known_.events[next_known_] == id;
}

void Processor::Work::run() {
  while (!owner_.stopping_) {
    const bool waiting = any_events_ || any_findings_;
    auto next = reader_->next(waiting ? std::chrono::milliseconds(2) : kIdleWait);
    if (!next.ok()) {
      if (!read_failed_) core::log(core::LogLevel::kError, "journal", next.error().text);
      read_failed_ = true;
      {
        const core::Lock lock(owner_.mutex_);
        owner_.problem_ = next.error().text;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(200));
      continue;
    }
    if (read_failed_) {
      read_failed_ = false;
      const core::Lock lock(owner_.mutex_);
      owner_.problem_.clear();
    }
    if (next->has_value()) {
      adopt();  // Not before it waits: a change counts for all that comes after it.
      process(**next);
    } else {
      tick_if_due();
      publish_counts();
    }
    if (!flush(!next->has_value())) return;
  }
}

void Processor::Work::finish(std::chrono::milliseconds time) {
  const auto until = Steady::now() + time;
  saved_ = 0;  // Save in any case.
  flush_findings();
  context_.writer.put(std::move(events_), oldest_event_, stream::Journal::Position{done_, save_state()});
  context_.writer.drain(
      std::max(std::chrono::milliseconds(1), std::chrono::duration_cast<std::chrono::milliseconds>(until - Steady::now())));
}

void Processor::Work::process(stream::StoredDelivery& stored) {
  const model::Delivery& delivery = stored.delivery;
  if (delivery.source == model::SourceId{0} && delivery.peer == kTickPeer && delivery.bytes.empty()) {
    tick_under_way_ = false;
    pass_time(stored);
  } else if (!delivery.bytes.empty()) {  // Else it only moves a checkpoint.
    const std::shared_ptr<SourceEntry> source = context_.board.of(delivery.source);
    decode(stored, *source);
  }
  done_ = stored.sequence;
  if (correlations_.size() > kMaxSenderLanes) bound_lanes();
  owner_.done_sequence_.store(done_, std::memory_order_relaxed);
  if (done_ > known_until_ && !known_.events.empty()) known_ = {{}, std::move(known_.findings), {}};
}

void Processor::Work::decode(stream::StoredDelivery& stored, SourceEntry& source) {
  batch_.clear();
  row_arena_.reset();
  any_offset_ = false;
  source_number_ = static_cast<std::uint32_t>(source.ref.id);
  tenant_ = source.ref.tenant;
  peer_ = stored.delivery.peer;
  if (!decoder_.decode(stored.delivery, batch_)) {
    source.bad_records.fetch_add(1, std::memory_order_relaxed);
    dead_letter(stored, source, 0, "unknown-format", "the bytes are no log of any known format", stored.delivery.bytes);
    return;
  }
  const model::Delivery& delivery = stored.delivery;
  header_ = delivery.header.empty() ? std::string(header_of(decoder_.format(), delivery.bytes)) : delivery.header;
  for (std::size_t i = 0; i < batch_.size(); ++i) one_event(i, stored, source);
  decoded_.add(batch_.size());
  source.events.fetch_add(batch_.size(), std::memory_order_relaxed);
  if (batch_.bad_count() > 0) {
    source.bad_records.fetch_add(batch_.bad_count(), std::memory_order_relaxed);
    dead_letters(stored, source, decoder_.format());
  }
}

// Before each row of `events_`. Not by the block's bytes(), which adds up all columns.
void Processor::Work::begin_events(core::Timestamp received_at) {
  if (any_events_) return;
  any_events_ = true;
  oldest_event_ = received_at;
  events_since_ = Steady::now();
}

void Processor::Work::one_event(std::size_t index, const stream::StoredDelivery& stored, SourceEntry& source) {
  const model::Event event = batch_.event(index);
  const model::EventId id = model::make_event_id(stored.sequence, index);
  rows_.make(event, {id, stored.delivery.received_at, source.ref.tenant, source.ref.site, source.ref.name}, row_arena_,
             row_);
  if (!header_.empty()) row_.attributes.push_back({kHeaderAttribute, header_});
  if (!known(id)) {
    begin_events(stored.delivery.received_at);
    events_.add(row_);
  }
  if (row_.time_known) {
    const std::int64_t lag = std::max<std::int64_t>(0, row_.received_at.ns - row_.time.ns);
    const std::int64_t before = source.lag_ns.load(std::memory_order_relaxed);
    source.lag_ns.store(before < 0 ? lag : before + (lag - before) / 64, std::memory_order_relaxed);
  }
  // What the event is taken for tells which rules see anything at all; a sample is enough.
  if (++sampled_ % kSourceSample == 0 || source.events.load(std::memory_order_relaxed) < kSourceSample) {
    for (const model::LogSource& kind : engine_->sources(event)) context_.board.saw(kind, source.ref.id, row_.received_at);
  }
  matches_.clear();
  engine_->match(event, matches_);
  for (const detect::Match& match : matches_) one_match(event, row_, match);
  if (!matches_.empty() && !correlated_.empty()) give_correlated(source.ref.tenant, stored.sequence, row_.received_at);
}

void Processor::Work::one_match(const model::Event& event, const model::EventRow& row, const detect::Match& match) {
  const LiveRule& live = detection_->live[match.rule_index];
  live.count->hits.fetch_add(1, std::memory_order_relaxed);
  live.count->last_hit_ns.store(row.received_at.ns, std::memory_order_relaxed);
  if (live.mode == ledger::RuleMode::kDraft) return;
  if (correlations(tenant_).correlator->wants(match.rule_index)) {
    detect::Occurrence occurrence;
    occurrence.rule_index = match.rule_index;
    occurrence.event_time = std::min(row.time, row.received_at);
    Correlations& held = lane_for(occurrence.event_time);
    held.used = model::event_sequence(row.id);
    if (row.received_at < row.time) future_.add();
    occurrence.order = row.id;
    occurrence.record = row.id;
    occurrence.file = row.source;
    occurrence.host = row.host;
    for (const std::string& field : held.correlator->needed_fields(match.rule_index))
      occurrence.values.push_back(engine_->values(event, match, field));
    held.saw(occurrence.event_time, row.received_at);
    held.correlator->add(std::move(occurrence), correlated_);
  }
  if (!live.gives_findings) return;
  if (!buckets_[{match.rule_index, source_number_}].take(row.received_at.ns)) {
    suppressed_.add();
    return;
  }
  std::string reason, ocsf;
  const FindingMaker maker{*detection_, *context_.content.mapper, context_.clock.now()};
  store::FindingRow finding = maker.match(event, row, match.rule_index, engine_->explain(event, match), reason, ocsf);
  add_finding(finding);
}

void Processor::Work::give_correlated(const std::string& tenant, std::uint64_t sequence, core::Timestamp received_at) {
  const std::size_t first = detection_->rules->rules.size();
  for (const detect::CorrelationFinding& found : correlated_) {
    if (found.update) continue;
    const LiveRule& live = detection_->live[first + found.correlation_index];
    if (!live.counts) continue;
    live.count->hits.fetch_add(1, std::memory_order_relaxed);
    live.count->last_hit_ns.store(received_at.ns, std::memory_order_relaxed);
    if (!live.gives_findings) continue;
    std::string user, ocsf;
    const FindingMaker maker{*detection_, *context_.content.mapper, context_.clock.now()};
    store::FindingRow finding = maker.correlation(found, tenant, sequence, received_at, user, ocsf);
    add_finding(finding);
  }
  correlated_.clear();
}

void Processor::Work::add_finding(store::FindingRow& row) {
  if (std::binary_search(known_.findings.begin(), known_.findings.end(), row.id)) return;
  if (!any_findings_) {
    any_findings_ = true;
    oldest_finding_ = row.received_at;
    findings_since_ = Steady::now();
  }
  findings_.add(row);
  live_.push_back({api::LiveEvent::Topic::kFinding, std::string(row.tenant), api::finding_json(row)});
  context_.board.count_findings(1);
}

void Processor::Work::dead_letters(const stream::StoredDelivery& stored, const SourceEntry& source, model::Format format) {
  const std::string_view bytes = stored.delivery.bytes;
  if (batch_.bad_count() > batch_.bad().size()) {
    // Too many to tell apart: all of the delivery is kept, and read again as a whole.
    dead_letter(stored, source, 0, "many-bad-records",
                std::to_string(batch_.bad_count()) + " records of this delivery could not be read, the first: " +
                    (batch_.bad().empty() ? std::string() : batch_.bad().front().detail),
                bytes);
    return;
  }
  for (const model::BadRecord& bad : batch_.bad())
    dead_letter(stored, source, bad.offset, bad.cause, bad.detail, bytes_of(bad, bytes, format));
}

void Processor::Work::dead_letter(const stream::StoredDelivery& stored, const SourceEntry& source, std::uint64_t offset,
                                  std::string_view cause, std::string_view detail, std::string_view bytes) {
  bad_.add();
  // Two of one place would be one in the store.
  if (any_offset_ && offset <= last_offset_) offset = last_offset_ + 1;
  last_offset_ = offset;
  any_offset_ = true;
  if (std::binary_search(known_.dead_letters.begin(), known_.dead_letters.end(), std::pair(stored.sequence, offset))) return;
  begin_events(stored.delivery.received_at);
  events_.add(store::DeadLetterRow{stored.sequence, offset, stored.delivery.received_at, source.ref.tenant, source.ref.name,
                                   stored.delivery.peer, cause, detail, bytes});
}

// Appends an entry that lets time pass, where something waits for it.
void Processor::Work::tick_if_due() {
  if (tick_under_way_) return;
  const core::Timestamp now = context_.clock.now();
  bool due = false;
  for (const auto& [tenant, held] : correlations_) {
    const core::Timestamp at = held.correlator->due();
    due = due || (at.known() && held.newest.known() && at <= held.event_time_at(now));
  }
  if (!due) return;
  tick_under_way_ = true;
  model::Delivery tick;
  tick.received_at = now;
  tick.peer = kTickPeer;
  context_.journal.append(std::move(tick), [](const core::Result<std::uint64_t>&) {});
}

void Processor::Work::pass_time(const stream::StoredDelivery& tick) {
  for (auto& [lane, held] : correlations_) {
    if (!held.newest.known()) continue;
    held.correlator->advance(held.event_time_at(tick.delivery.received_at), correlated_);
    if (!correlated_.empty()) give_correlated(tenant_of(lane), tick.sequence, tick.delivery.received_at);
  }
  bound_lanes();
}

// `all`: nothing more is at hand. False: the writer is stopping.
bool Processor::Work::flush(bool all) {
  const auto now = Steady::now();
  // While the last findings are being written more gather, so that events go on; up to a bound.
  const bool many = findings_.finding_count() >= kMaxBlockFindings;
  const bool due = any_findings_ && (all || many || now - findings_since_ >= finding_delay());
  const bool room = due && (context_.writer.findings_idle() || many);
  if (room && !flush_findings()) return false;
  const bool full = events_.event_count() >= kMaxBlockRows || events_.bytes() >= kMaxBlockBytes;
  const bool old = any_events_ && now - events_since_ >= owner_.options_.event_delay && context_.writer.idle();
  const bool save = done_ > saved_ && now - saved_at_ >= kSavePositionEvery && context_.writer.idle();
  return !(full || old || save) || flush_events();
}

// Behind by so much that nobody sees findings at once anyway: then more of them go in one insert, each of which is synced
// and merged later, and the store has more time for events.
std::chrono::nanoseconds Processor::Work::finding_delay() const {
  const std::chrono::nanoseconds least = owner_.options_.finding_delay;
  if (!oldest_finding_.known()) return least;
  const std::chrono::nanoseconds behind(context_.clock.now().ns - oldest_finding_.ns);
  if (behind < kBehind) return least;
  return std::max<std::chrono::nanoseconds>(least, std::min<std::chrono::nanoseconds>(behind / 4, kMaxFindingDelay));
}

bool Processor::Work::flush_findings() {
  if (!any_findings_) return true;
  if (!context_.writer.put_findings(std::move(findings_), oldest_finding_, std::move(live_))) return false;
  findings_ = context_.writer.empty_finding_block();
  any_findings_ = false;
  live_.clear();
  return true;
}

bool Processor::Work::flush_events() {
  std::optional<stream::Journal::Position> position;
  if (Steady::now() - saved_at_ >= kSavePositionEvery) {
    // Findings of what the position covers go first.
    if (!flush_findings()) return false;
    position = stream::Journal::Position{done_, save_state()};
    saved_at_ = Steady::now();
    saved_ = done_;
  }
  if (!context_.writer.put(std::move(events_), oldest_event_, std::move(position))) return false;
  events_ = context_.writer.empty_block();
  any_events_ = false;
  publish_counts();
  return true;
}

void Processor::Work::publish_counts() {
  Counts counts;
  for (const auto& [tenant, held] : correlations_) {
    const detect::CorrelatorStats& stats = held.correlator->stats();
    counts.late += stats.late;
    counts.evicted += stats.groups_evicted + stats.events_evicted + stats.released_early;
    counts.without_time += stats.without_time;
  }
  counts.correlation_state_dropped = state_dropped_;
  counts.suppressed = suppressed_.value();
  const core::Lock lock(owner_.mutex_);
  owner_.counts_ = counts;
}

Processor::Processor(Context context, ProcessorOptions options, std::shared_ptr<const Detection> detection)
    : context_(context), options_(options), detection_(std::move(detection)) {}

Processor::~Processor() { stop(std::chrono::milliseconds(0)); }

core::Result<void> Processor::start() {
  work_ = std::make_unique<Work>(*this);
  TOCSIN_TRY(work_->load());
  thread_ = std::thread([this] { work_->run(); });
  return {};
}

void Processor::set_detection(std::shared_ptr<const Detection> detection) {
  const core::Lock lock(mutex_);
  detection_ = std::move(detection);
}

std::shared_ptr<const Detection> Processor::detection() const {
  const core::Lock lock(mutex_);
  return detection_;
}

void Processor::stop(std::chrono::milliseconds time) {
  stopping_ = true;
  if (!thread_.joinable()) return;
  thread_.join();
  if (time > std::chrono::milliseconds(0)) work_->finish(time);
  work_.reset();
}

std::string Processor::problem() const {
  const core::Lock lock(mutex_);
  return problem_;
}

Processor::Counts Processor::counts() const {
  const core::Lock lock(mutex_);
  return counts_;
}

}  // namespace tocsin::app
