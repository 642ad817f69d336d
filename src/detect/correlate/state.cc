#include "detect/correlate/state.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <unordered_map>
#include <utility>

#include "detect/correlate/engine.h"

namespace tocsin::detect::correlate {
namespace {

std::uint64_t* const* fields_of(CorrelatorStats& stats, std::uint64_t* (&fields)[12]) {
  std::uint64_t* const all[12] = {&stats.occurrences,         &stats.without_time,    &stats.late,
                                  &stats.groups_evicted,      &stats.events_evicted,  &stats.released_early,
                                  &stats.without_group_field, &stats.without_value,   &stats.values_cut,
                                  &stats.combinations_cut,    &stats.chained_dropped, &stats.findings};
  std::copy(std::begin(all), std::end(all), std::begin(fields));
  return fields;
}

// What a group with one event in its window takes, at the least.
constexpr std::uint64_t kMinGroupBytes = 100;

std::uint64_t bits(std::int64_t value) { return static_cast<std::uint64_t>(value); }

}  // namespace

void append_u64(std::string& bytes, std::uint64_t value) {
  for (int shift = 0; shift < 64; shift += 8) bytes += static_cast<char>(value >> shift);
}

std::string state_head(std::uint64_t hash_seed) {
  std::string bytes(kStateMagic);
  append_u32(bytes, kStateVersion);
  append_u64(bytes, hash_seed);
  return bytes;
}

std::uint64_t state_checksum(std::string_view bytes) { return keyed_hash(0x746f6373696eu, bytes); }

// Body: counters, texts, the rules of which something waits (name, fields of its values), waiting occurrences (their rule
// by its place among those), then each correlation that has groups: fingerprint, size in bytes of what follows the count,
// count of groups, groups in the order of their deadlines.
class StateWriter {
 public:
  explicit StateWriter(const Engine& engine) : engine_(engine), rule_places_(engine.plan_.rule_uses.size()) {}

  std::string write() {
    for (const Pending& pending : engine_.pending_) add(pending);
    for (std::uint32_t c = 0; c < engine_.by_deadline_.size(); ++c) add_groups(c);
    std::string state = state_head(engine_.options_.hash_seed);
    CorrelatorStats stats = engine_.stats_;
    std::uint64_t* fields[12];
    fields_of(stats, fields);
    for (const std::uint64_t* field : fields) append_u64(state, *field);
    append_u64(state, bits(engine_.newest_));
    append_u64(state, bits(engine_.watermark_));
    append_u64(state, bits(engine_.clock_));
    append_u64(state, engine_.arrivals_);
    append_u64(state, engine_.runs_);
    append_u64(state, engine_.touches_);
    append_u64(state, text_count_);
    state += texts_;
    append_u64(state, rule_count_);
    state += rules_;
    append_u64(state, engine_.pending_.size());
    state += body_;
    append_u64(state, state_checksum(state));
    return state;
  }

 private:
  void number(std::uint64_t value) { append_u64(body_, value); }
  void time(std::int64_t value) { append_u64(body_, bits(value)); }
  void small(std::uint32_t value) { append_u32(body_, value); }
  static void text(std::string& bytes, std::string_view value) {
    append_u32(bytes, static_cast<std::uint32_t>(value.size()));
    bytes += value;
  }
  void text(std::string_view value) { text(body_, value); }
  // The place of an interned text in the table of the state, from 1; 0 for the empty text.
  void interned(std::uint32_t id) {
    if (id == 0) return small(0);
    const auto [at, fresh] = places_.try_emplace(id, static_cast<std::uint32_t>(text_count_ + 1));
    if (fresh) {
      ++text_count_;
      text(texts_, engine_.texts_.text(id));
    }
    small(at->second);
  }
  // The place of a rule in the table of rules, from 1.
  std::uint32_t place_of(std::uint32_t rule) {
    if (rule_places_[rule] == 0) {
      rule_places_[rule] = ++rule_count_;
      text(rules_, engine_.plan_.stable_names[rule]);
      append_u32(rules_, static_cast<std::uint32_t>(engine_.plan_.rule_fields[rule].size()));
      for (const std::string& field : engine_.plan_.rule_fields[rule]) text(rules_, field);
    }
    return rule_places_[rule];
  }
  void add_groups(std::uint32_t correlation) {
    const auto& groups = engine_.by_deadline_[correlation];
    if (groups.front() == nullptr) return;
    number(engine_.plan_.correlations[correlation].fingerprint);
    std::string before = std::exchange(body_, {});
    std::uint64_t count = 0;
    for (const Group* group = groups.front(); group != nullptr; group = group->by_deadline.after, ++count) add(*group);
    append_u64(before, body_.size());
    append_u64(before, count);
    before += body_;
    body_ = std::move(before);
  }
  void add(const Moment& moment) {
    time(moment.time);
    number(moment.order);
    number(moment.record);
    interned(moment.file);
    interned(moment.host);
  }
  void add(const Pending& pending) {
    add(pending.moment);
    number(pending.arrival);
    small(place_of(pending.rule));
    for (const auto& values : pending.values) {
      small(static_cast<std::uint32_t>(values.size()));
      for (const std::string& value : values) text(value);
    }
  }
  void add(const Group& group) {
    text(std::string_view(*group.key).substr(kKeyHead));
    time(group.first);
    number(group.last_order);
    number(group.touched);
    const Ring<Entry>& entries = group.window.entries();
    number(entries.size());
    for (std::size_t i = 0; i < entries.size(); ++i) {
      const Entry& entry = entries[i];
      add(Moment{entry.time, entry.order, entry.record, entry.file, entry.host});
      number(entry.code);
      small(entry.position);
      small(entry.continued ? 1 : 0);
    }
    small(group.window.summed_count());
    number(std::bit_cast<std::uint64_t>(group.window.back_sum()));
    if (engine_.plan_of(group).rule->type == sigma::CorrelationType::kTemporalOrdered) add(*group.window.chains());
    small(group.run ? 1 : 0);
    if (group.run) add(*group.run);
  }
  void add(const Chains& chains) {
    for (const std::int64_t start : chains.start) time(start);
    for (const std::int64_t start : chains.start_before) time(start);
    time(chains.time);
    number(chains.order);
  }
  void add(const Run& run) {
    number(run.id);
    time(run.first);
    time(run.last);
    number(std::bit_cast<std::uint64_t>(run.peak));
    number(run.event_count);
    small(run.announced ? 1 : 0);
    small(static_cast<std::uint32_t>(run.origins.size()));
    for (const Origin& origin : run.origins) {
      time(origin.time);
      number(origin.record);
      interned(origin.file);
      small(origin.position);
    }
    small(static_cast<std::uint32_t>(run.hosts.size()));
    for (const std::uint32_t host : run.hosts) interned(host);
  }

  const Engine& engine_;
  std::string body_, texts_, rules_;
  std::uint64_t text_count_ = 0;
  std::uint32_t rule_count_ = 0;
  std::vector<std::uint32_t> rule_places_;  // Per rule; 0: not in the table.
  std::unordered_map<std::uint32_t, std::uint32_t> places_;
};

std::string Engine::save() const { return StateWriter(*this).write(); }

// Reads until something is wrong; after that every read gives 0 and good() is false.
class StateReader {
 public:
  StateReader(Engine& engine, std::string_view body) : engine_(engine), bytes_(body) {}

  // Whether the whole body made sense.
  bool read() {
    std::uint64_t* fields[12];
    fields_of(engine_.stats_, fields);
    for (std::uint64_t* field : fields) *field = number();
    engine_.newest_ = time();
    engine_.watermark_ = time();
    engine_.clock_ = time();
    engine_.arrivals_ = number();
    engine_.runs_ = number();
    engine_.touches_ = number();
    for (std::uint64_t left = number(); left > 0 && good_; --left) {
      const std::string_view value = text();
      check(!value.empty());
      ids_.push_back(engine_.texts_.acquire(value));
    }
    read_rules();
    for (std::uint64_t left = number(); left > 0 && good_; --left) read_pending();
    check(arrivals_differ());
    read_correlations();
    if (good_) link_by_touch();
    for (const std::uint32_t id : ids_) engine_.texts_.release(id);
    return good_;
  }
  [[nodiscard]] RestoreReport report() const { return report_; }

 private:
  void check(bool condition) { good_ = good_ && condition; }
  std::string_view take(std::size_t size) {
    check(size <= bytes_.size());
    if (!good_) return {};
    const std::string_view taken = bytes_.substr(0, size);
    bytes_.remove_prefix(size);
    return taken;
  }
  std::uint32_t small() {
    const std::string_view taken = take(4);
    return good_ ? read_u32(taken, 0) : 0;
  }
  std::uint64_t number() {
    const std::uint64_t low = small();
    return low | static_cast<std::uint64_t>(small()) << 32;
  }
  std::int64_t time() { return static_cast<std::int64_t>(number()); }
  double real() { return std::bit_cast<double>(number()); }
  bool flag() {
    const std::uint32_t value = small();
    check(value <= 1);
    return value == 1;
  }
  std::string_view text() { return take(small()); }
  // With a use of its own.
  std::uint32_t interned() {
    const std::uint32_t place = small();
    check(place <= ids_.size());
    return good_ && place > 0 ? engine_.texts_.add_use(ids_[place - 1]) : 0;
  }
  Moment moment() {
    Moment read;
    read.time = time();
    read.order = number();
    read.record = number();
    read.file = interned();
    read.host = interned();
    check(read.time != kNever);
    return read;
  }

  // A rule of the state, as it stands in the rule set of now.
  struct SavedRule {
    std::uint32_t rule = kNoSlot;      // kNoSlot: not there, or no correlation refers to it.
    std::vector<std::uint32_t> slots;  // Per field of the state: where its values go, or kNoSlot.
  };

  void read_rules() {
    const Plan& plan = engine_.plan_;
    std::unordered_map<std::string_view, std::uint32_t> rules;
    for (std::uint32_t rule = 0; rule < plan.rule_uses.size(); ++rule) {
      if (!plan.rule_uses[rule].empty()) rules.emplace(plan.stable_names[rule], rule);
    }
    for (std::uint64_t left = number(); left > 0 && good_; --left) {
      SavedRule saved;
      const auto found = rules.find(text());
      if (found != rules.end()) saved.rule = found->second;
      for (std::uint32_t left_fields = small(); left_fields > 0 && good_; --left_fields) {
        const std::string_view field = text();
        saved.slots.push_back(saved.rule == kNoSlot ? kNoSlot : slot_in(plan.rule_fields[saved.rule], field));
      }
      rules_.push_back(std::move(saved));
    }
  }

  void read_pending() {
    Pending pending;
    pending.moment = moment();
    pending.arrival = number();
    const std::uint32_t place = small();
    check(place > 0 && place <= rules_.size());
    if (!good_) return;
    const SavedRule& saved = rules_[place - 1];
    pending.rule = saved.rule;
    if (saved.rule != kNoSlot) pending.values.resize(engine_.plan_.rule_fields[saved.rule].size());
    for (const std::uint32_t slot : saved.slots) {
      std::vector<std::string> values = read_values();
      if (slot != kNoSlot) pending.values[slot] = std::move(values);
    }
    if (saved.rule == kNoSlot) {
      ++report_.dropped_occurrences;
      engine_.texts_.release(pending.moment.file);
      engine_.texts_.release(pending.moment.host);
      return;
    }
    engine_.pending_bytes_ += pending.bytes();
    engine_.pending_.push_back(std::move(pending));
  }

  std::vector<std::string> read_values() {
    std::vector<std::string> values;
    const std::uint32_t count = small();
    check(count <= kMaxValuesPerField);
    for (std::uint32_t i = 0; i < count && good_; ++i) {
      values.emplace_back(text());
      check(values.back().size() <= kMaxGroupValueBytes);
    }
    return values;
  }

  // The last thing that orders what waits: two alike would have no order, and be saved the other way round.
  bool arrivals_differ() const {
    std::vector<std::uint64_t> arrivals;
    for (const Pending& pending : engine_.pending_) arrivals.push_back(pending.arrival);
    std::sort(arrivals.begin(), arrivals.end());
    return std::adjacent_find(arrivals.begin(), arrivals.end()) == arrivals.end();
  }

  void read_correlations() {
    std::unordered_map<std::uint64_t, std::uint32_t> by_fingerprint;
    for (std::uint32_t c = 0; c < engine_.by_deadline_.size(); ++c) {
      by_fingerprint.emplace(engine_.plan_.correlations[c].fingerprint, c);
    }
    while (good_ && !bytes_.empty()) {
      const auto found = by_fingerprint.find(number());
      const std::uint64_t size = number(), count = number();
      const std::string_view groups = take(size);
      check(count > 0 && count <= size / kMinGroupBytes);
      if (!good_) return;
      if (found == by_fingerprint.end()) {
        ++report_.dropped_correlations;
        report_.dropped_groups += count;
        continue;
      }
      check(engine_.by_deadline_[found->second].front() == nullptr);
      ++report_.kept_correlations;
      report_.kept_groups += count;
      const std::string_view rest = std::exchange(bytes_, groups);
      for (std::uint64_t left = count; left > 0 && good_; --left) read_group(found->second);
      check(bytes_.empty());
      bytes_ = rest;
    }
  }

  bool key_fits(std::string_view key, std::uint32_t correlation) const {
    std::size_t used = kKeyHead;
    const std::vector<std::string> values = values_of_key(key);
    for (const std::string& value : values) used += 4 + value.size();
    return used == key.size() && values.size() == engine_.plan_.correlations[correlation].rule->group_by.size();
  }

  void read_group(std::uint32_t correlation) {
    std::string key;
    append_u32(key, correlation);
    key += text();
    check(key_fits(key, correlation));
    if (!good_) return;
    const auto [made, fresh] = engine_.groups_.try_emplace(std::move(key));
    check(fresh);
    if (!good_) return;
    Group& group = made->second;
    group.key = &made->first;
    group.correlation = correlation;
    group.first = time();
    group.last_order = number();
    group.touched = number();
    read_window(group);
    if (flag()) read_run(group);
    if (!good_) return;
    auto& row = engine_.by_deadline_[correlation];
    check(last_in_row_ == nullptr || last_in_row_->correlation != correlation ||
          engine_.deadline(*last_in_row_) <= engine_.deadline(group));
    row.push_back(group);
    last_in_row_ = &group;
    by_touch_.push_back(&group);
  }

  void read_window(Group& group) {
    const CorrelationPlan& plan = engine_.plan_of(group);
    const std::size_t steps = plan.rule->rules.size();
    const std::uint64_t count = number();
    check(count > 0);
    std::vector<Entry> entries;
    for (std::uint64_t i = 0; i < count && good_; ++i) {
      const Moment at = moment();
      Entry entry{.time = at.time,
                  .order = at.order,
                  .code = number(),
                  .record = at.record,
                  .file = at.file,
                  .host = at.host,
                  .position = small(),
                  .continued = flag()};
      check(entry.position < steps);
      check(!plan.metric || std::isfinite(std::bit_cast<double>(entry.code)));
      check(entries.empty() ? !entry.continued : entries.back().time <= entry.time);
      check(!entry.continued ||
            (!entries.empty() && entries.back().time == entry.time && entry.file == 0 && entry.host == 0));
      entries.push_back(entry);
    }
    const std::uint32_t summed = small();
    const double back_sum = real();
    check(summed <= entries.size() && std::isfinite(back_sum));
    std::unique_ptr<Chains> chains;
    if (plan.rule->type == sigma::CorrelationType::kTemporalOrdered) {
      chains = std::make_unique<Chains>();
      for (auto* row : {&chains->start, &chains->start_before}) {
        for (std::size_t i = 0; i < steps && good_; ++i) row->push_back(time());
      }
      chains->time = time();
      chains->order = number();
    }
    if (!good_) return;
    check(group.first <= entries.front().time);
    group.last = entries.back().time;
    engine_.event_total_ += entries.size();
    group.window.restore(plan, entries, summed, back_sum, std::move(chains));
  }

  void read_run(Group& group) {
    const std::size_t steps = engine_.plan_of(group).rule->rules.size();
    check(engine_.plan_of(group).timing == Timing::kRising);
    auto run = std::make_unique<Run>();
    run->id = number();
    run->first = time();
    run->last = time();
    run->peak = real();
    run->event_count = number();
    run->announced = flag();
    const std::uint32_t origin_count = small();
    check(run->first <= run->last && origin_count <= kMaxContributions);
    for (std::uint32_t i = 0; i < origin_count && good_; ++i) {
      run->origins.push_back({time(), number(), interned(), small()});
      check(run->origins.back().position < steps);
    }
    const std::uint32_t host_count = small();
    check(host_count <= kMaxFindingHosts);
    for (std::uint32_t i = 0; i < host_count && good_; ++i) run->hosts.push_back(interned());
    engine_.event_total_ += run->origins.size();
    group.run = std::move(run);
  }

  void link_by_touch() {
    std::sort(by_touch_.begin(), by_touch_.end(), [](const Group* a, const Group* b) { return a->touched < b->touched; });
    for (Group* group : by_touch_) engine_.by_touch_.push_back(*group);
  }

  Engine& engine_;
  std::string_view bytes_;
  bool good_ = true;
  RestoreReport report_;
  std::vector<std::uint32_t> ids_;  // The table of texts; each holds one use until the end.
  std::vector<SavedRule> rules_;    // The table of rules.
  std::vector<Group*> by_touch_;
  const Group* last_in_row_ = nullptr;
};

core::Result<RestoreReport> Engine::load(std::string_view state) {
  const auto refuse = [](core::ErrorCode code, const char* text) { return core::Error{code, text}; };
  const std::size_t head_size = state_head(0).size();
  if (state.size() < head_size + 8 || !state.starts_with(kStateMagic)) {
    return refuse(core::ErrorCode::kInvalid, "correlation state: not a saved state, or cut short");
  }
  if (read_u32(state, kStateMagic.size()) != kStateVersion) {
    return refuse(core::ErrorCode::kUnsupported, "correlation state: its layout is of another version of the program");
  }
  const std::string_view content = state.substr(0, state.size() - 8);
  std::string sum;
  append_u64(sum, state_checksum(content));
  if (state.substr(state.size() - 8) != sum) {
    return refuse(core::ErrorCode::kInvalid, "correlation state: damaged (wrong checksum)");
  }
  const std::size_t seed_at = head_size - 8;
  const std::uint64_t seed = read_u32(state, seed_at) | static_cast<std::uint64_t>(read_u32(state, seed_at + 4)) << 32;
  options_.hash_seed = seed;
  texts_ = Interner(seed);
  groups_ = Groups(16, KeyHash{seed});
  StateReader reader(*this, content.substr(head_size));
  if (!reader.read()) {
    return refuse(core::ErrorCode::kInvalid, "correlation state: malformed content");
  }
  std::make_heap(pending_.begin(), pending_.end(), later_than);
  for (std::uint32_t c = 0; c < by_deadline_.size(); ++c) arm(c);
  return reader.report();
}

}  // namespace tocsin::detect::correlate
