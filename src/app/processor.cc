#include "app/processor.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <utility>

#include "api/live_json.h"
#include "app/formats.h"
#include "app/pipeline/finding_bound.h"
#include "app/pipeline/finding_maker.h"
#include "app/pipeline/lanes.h"
#include "app/pipeline/state_bytes.h"
#include "core/log.h"
#include "normalise/rows.h"

namespace tocsin::app {
namespace {

constexpr std::chrono::milliseconds kIdleWait{50};
constexpr std::size_t kMaxDeadLetterBytes = 1u << 20;
constexpr std::chrono::milliseconds kBehind{400}, kMaxFindingDelay{250};
constexpr std::uint64_t kSourceSample = 256;
constexpr std::uint32_t kCostSample = 251;  // A prime: events that come in turn are all met.
// State of the second version was that of the lanes alone.
constexpr std::string_view kStateMark = "tocsin-detection-3\n", kStateMark2 = "tocsin-correlators-2\n";

std::int64_t steady_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

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
        suppressed_(context_.metrics.counter(
            "tocsin_findings_suppressed_total",
            "Findings over the bound of one rule and source (detect.finding_burst, detect.findings_per_second).")),
        silenced_(context_.metrics.counter("tocsin_matches_silenced_total",
                                           "Matches of rules that a suppression silenced; their events are stored.")),
        future_(context_.metrics.counter(
            "tocsin_events_from_future_total",
            "Matches whose event claims a time after its arrival; correlated as of their arrival.")),
        lanes_({owner_.options_.lateness, owner_.options_.hash_seed, owner_.options_.recording_tenant,
                owner_.options_.recording_lateness},
               context_.metrics),
        bound_(owner_.options_.findings),
        events_(context_.writer.empty_block()),
        findings_(context_.writer.empty_finding_block()) {
    adopt();
  }

  core::Result<void> load();
  void run();
  void finish(std::chrono::milliseconds time);

 private:
  using Steady = std::chrono::steady_clock;

  void adopt();
  std::string save_state() const;
  void load_state(std::string_view state);
  void process(stream::StoredDelivery& stored);
  void decode(stream::StoredDelivery& stored, SourceEntry& source);
  void one_event(std::size_t index, const stream::StoredDelivery& stored, SourceEntry& source);
  void one_match(const model::Event& event, const model::EventRow& row, const detect::Match& match);
  [[nodiscard]] bool silenced(const model::Event& event, const model::EventRow& row, const detect::Match& match);
  void give_correlated(std::uint64_t sequence, core::Timestamp received_at);
  void add_finding(store::FindingRow& row);
  void begin_events(core::Timestamp received_at);
  void dead_letters(const stream::StoredDelivery& stored, const SourceEntry& source, model::Format format);
  void dead_letter(const stream::StoredDelivery& stored, const SourceEntry& source, std::uint64_t offset,
                   std::string_view cause, std::string_view detail, std::string_view bytes);
  [[nodiscard]] bool known(model::EventId id);
  void tick_if_due();
  [[nodiscard]] std::chrono::nanoseconds missing_time();
  bool flush(bool all);
  [[nodiscard]] std::chrono::nanoseconds finding_delay() const;
  bool flush_findings();
  bool flush_events();
  void take_costs();
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
  core::Counter& silenced_;
  core::Counter& future_;

  std::shared_ptr<const Detection> detection_;
  std::unique_ptr<detect::Engine> engine_;
  std::unique_ptr<detect::PlainEvaluator> filters_;  // Of suppressions; knows the expressions of these rules alone.
  Lanes lanes_;
  FindingBound bound_;
  std::vector<detect::Match> matches_;
  std::vector<LaneFinding> correlated_;
  std::vector<detect::RuleCost> costs_;
  std::uint32_t source_number_ = 0;  // Of the delivery at hand, as are these.
  std::string tenant_, sender_, header_;
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
  // Both at one moment: from there on time passes by the steady clock. None before all that had come was read.
  std::optional<std::pair<std::chrono::nanoseconds, std::int64_t>> steady_;
  std::uint64_t sampled_ = 0;
  std::uint64_t state_dropped_ = 0;
  bool read_failed_ = false;
  bool refused_ = false;  // The writer took no more.
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
  take_costs();
  engine_.reset();
  const auto before = std::move(detection_);  // Until the lanes have let go of its rules.
  detection_ = std::move(newest);
  engine_ = std::make_unique<detect::Engine>(*detection_->compiled, names_);
  engine_->sample_costs(steady_ns, kCostSample);
  filters_ = std::make_unique<detect::PlainEvaluator>();
  lanes_.adopt(*detection_->rules);
  bound_.adopt(*detection_);
}

std::string Processor::Work::save_state() const {
  std::string out(kStateMark);
  lanes_.save(out);
  bound_.save(out);
  return out;
}

void Processor::Work::load_state(std::string_view state) {
  if (state.starts_with(kStateMark2)) {
    lanes_.load_version_2(state.substr(kStateMark2.size()));
    return;
  }
  if (state.empty()) return;
  bool whole = state.starts_with(kStateMark);
  if (whole) {
    state.remove_prefix(kStateMark.size());
    whole = lanes_.load(state) && bound_.load(state);
  }
  if (whole) return;
  ++state_dropped_;
  core::log(core::LogLevel::kWarning, "detect", "the saved state of detection is damaged or of another version");
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
    refused_ = !flush(!next->has_value());
    if (refused_) return;
  }
}

void Processor::Work::finish(std::chrono::milliseconds time) {
  const auto until = Steady::now() + time;
  // A position covers all before it: none is saved where something was not taken.
  if (!refused_ && flush_findings())
    context_.writer.put(std::move(events_), oldest_event_, stream::Journal::Position{done_, save_state()});
  context_.writer.drain(
      std::max(std::chrono::milliseconds(1), std::chrono::duration_cast<std::chrono::milliseconds>(until - Steady::now())));
}

void Processor::Work::process(stream::StoredDelivery& stored) {
  const model::Delivery& delivery = stored.delivery;
  if (delivery.source == model::SourceId{0} && delivery.peer == kTickPeer && delivery.bytes.empty()) {
    tick_under_way_ = false;
    std::int64_t missing = 0;  // Of an older version's tick.
    std::from_chars(delivery.header.data(), delivery.header.data() + delivery.header.size(), missing);
    lanes_.tick(delivery.received_at, std::chrono::nanoseconds(missing), correlated_);
  } else {
    lanes_.entry(delivery.received_at);
  }
  if (!delivery.bytes.empty()) {  // Else it only moves a checkpoint.
    const std::shared_ptr<SourceEntry> source = context_.board.of(delivery.source);
    decode(stored, *source);
  }
  lanes_.bound(correlated_);
  if (!correlated_.empty()) give_correlated(stored.sequence, delivery.received_at);
  done_ = stored.sequence;
  owner_.done_sequence_.store(done_, std::memory_order_relaxed);
  if (done_ > known_until_ && !known_.events.empty()) known_ = {{}, std::move(known_.findings), {}};
}

void Processor::Work::decode(stream::StoredDelivery& stored, SourceEntry& source) {
  batch_.clear();
  row_arena_.reset();
  any_offset_ = false;
  source_number_ = static_cast<std::uint32_t>(source.ref.id);
  tenant_ = source.ref.tenant;
  sender_ = std::to_string(source_number_) + '\n' + stored.delivery.peer;
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
  if (!matches_.empty() && !correlated_.empty()) give_correlated(stored.sequence, row_.received_at);
}

void Processor::Work::one_match(const model::Event& event, const model::EventRow& row, const detect::Match& match) {
  const LiveRule& live = detection_->live[match.rule_index];
  if (!live.suppressions.empty() && silenced(event, row, match)) return;
  live.count->hits.fetch_add(1, std::memory_order_relaxed);
  live.count->last_hit_ns.store(row.received_at.ns, std::memory_order_relaxed);
  if (live.mode == ledger::RuleMode::kDraft) return;
  if (lanes_.wants(match.rule_index)) {
    detect::Occurrence occurrence;
    occurrence.rule_index = match.rule_index;
    occurrence.event_time = std::min(row.time, row.received_at);
    if (row.received_at < row.time) future_.add();
    occurrence.order = row.id;
    occurrence.record = row.id;
    occurrence.file = row.source;
    occurrence.host = row.host;
    for (const std::string& field : lanes_.needed_fields(match.rule_index))
      occurrence.values.push_back(engine_->values(event, match, field));
    lanes_.add(tenant_, sender_, std::move(occurrence), model::event_sequence(row.id), correlated_);
  }
  if (!live.gives_findings) return;
  if (!bound_.take(match.rule_index, source_number_, row.received_at)) {
    suppressed_.add();
    return;
  }
  std::string reason, ocsf;
  const FindingMaker maker{*detection_, *context_.content.mapper, context_.clock.now()};
  store::FindingRow finding = maker.match(event, row, match.rule_index, engine_->explain(event, match), reason, ocsf);
  add_finding(finding);
}

// As with a filter in the rules, such a match is none: no finding, no hit, nothing for correlations. It is counted.
bool Processor::Work::silenced(const model::Event& event, const model::EventRow& row, const detect::Match& match) {
  for (const auto& one : detection_->live[match.rule_index].suppressions) {
    if (row.received_at < one->from || row.received_at >= one->until) continue;
    if (!one->tenant.empty() && one->tenant != row.tenant) continue;
    if (!one->filter.silences(*engine_, event, match, *filters_)) continue;
    one->count->silenced.fetch_add(1, std::memory_order_relaxed);
    one->count->last_ns.store(row.received_at.ns, std::memory_order_relaxed);
    silenced_.add();
    return true;
  }
  return false;
}

void Processor::Work::give_correlated(std::uint64_t sequence, core::Timestamp received_at) {
  const std::size_t first = detection_->rules->rules.size();
  for (const auto& [tenant, found] : correlated_) {
    if (found.update) continue;
    const LiveRule& live = detection_->live[first + found.correlation_index];
    if (!live.counts) continue;
    live.count->hits.fetch_add(1, std::memory_order_relaxed);
    live.count->last_hit_ns.store(received_at.ns, std::memory_order_relaxed);
    if (!live.gives_findings) continue;
    std::string user, reason, ocsf;
    const FindingMaker maker{*detection_, *context_.content.mapper, context_.clock.now()};
    store::FindingRow finding = maker.correlation(found, tenant, sequence, received_at, user, reason, ocsf);
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

// What has passed since that the entries of the journal do not tell. REQUIRES: all that had come was read.
std::chrono::nanoseconds Processor::Work::missing_time() {
  const std::chrono::nanoseconds now = context_.clock.steady_now();
  if (!steady_) steady_ = {now, lanes_.passed_ns()};
  const std::int64_t passed = steady_->second + (now - steady_->first).count();
  return std::chrono::nanoseconds(std::max<std::int64_t>(0, passed - lanes_.passed_ns()));
}

// Appends an entry that lets time pass, where something waits for it.
void Processor::Work::tick_if_due() {
  if (tick_under_way_) return;
  const std::chrono::nanoseconds missing = missing_time();
  if (!lanes_.due(missing)) return;
  tick_under_way_ = true;
  model::Delivery tick;
  tick.received_at = context_.clock.now();
  tick.peer = kTickPeer;
  tick.header = std::to_string(missing.count());
  context_.journal.append(std::move(tick), [](const core::Result<std::uint64_t>&) {});
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

void Processor::Work::take_costs() {
  if (!engine_) return;
  costs_.clear();
  engine_->take_costs(costs_);
  for (const detect::RuleCost& cost : costs_) {
    RuleCount& count = *detection_->live[cost.rule_index].count;
    count.cost_ns.fetch_add(cost.ns, std::memory_order_relaxed);
    count.cost_samples.fetch_add(cost.evaluations, std::memory_order_relaxed);
  }
}

void Processor::Work::publish_counts() {
  take_costs();
  Counts counts;
  const Lanes::Counts lanes = lanes_.counts();
  counts.late = lanes.late;
  counts.evicted = lanes.evicted;
  counts.without_time = lanes.without_time;
  counts.correlation_state_dropped = state_dropped_ + lanes.state_dropped;
  counts.suppressed = bound_.folded_total();
  for (const FindingBound::Folded& one : bound_.folded())
    counts.folded.push_back({detection_->live[one.rule_index].id, detection_->info(one.rule_index).title,
                             model::SourceId{one.source}, one.count});
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
  context_.writer.hurry();
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
