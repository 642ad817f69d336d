#include "app/board.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "auth/token.h"

namespace tocsin::app {
namespace {

constexpr std::int64_t kSecondNs = 1'000'000'000;
constexpr std::int64_t kMinuteNs = 60 * kSecondNs;
constexpr std::int64_t kHourNs = 60 * kMinuteNs;
constexpr float kWeight = 0.3F;  // Of the newest week in the mean of an hour.
constexpr float kHourlyWeight = 0.1F;

// Hour 0 is Thursday 00:00 UTC, as 1970 began.
std::size_t hour_of_week(core::Timestamp at) { return static_cast<std::size_t>(at.ns / kHourNs) % Baseline::kHours; }

}  // namespace

std::chrono::nanoseconds silence_limit(double expected_per_hour) {
  const double hours = kSilenceSurprise / std::max(expected_per_hour, 1e-3);
  const double seconds = std::min(hours * 3600, 30.0 * 86400);
  return std::max<std::chrono::nanoseconds>(
      kMinSilence, std::chrono::nanoseconds(static_cast<std::int64_t>(seconds * static_cast<double>(kSecondNs))));
}

bool fits(const model::LogSource& wanted, const model::LogSource& kind) {
  return (wanted.product.empty() || wanted.product == kind.product) &&
         (wanted.category.empty() || wanted.category == kind.category) &&
         (wanted.service.empty() || wanted.service == kind.service);
}

void Baseline::learn(core::Timestamp hour_begin, double records) {
  const std::size_t hour = hour_of_week(hour_begin);
  const auto value = static_cast<float>(records);
  mean[hour] = weeks[hour] == 0 ? value : mean[hour] + kWeight * (value - mean[hour]);
  if (weeks[hour] < 1'000) ++weeks[hour];
  hourly = hours == 0 ? value : hourly + std::max(kHourlyWeight, 1.0F / static_cast<float>(hours + 1)) * (value - hourly);
  ++hours;
}

std::optional<double> Baseline::expected(core::Timestamp at) const {
  if (hours < kMinLearnedHours) return {};
  const std::size_t hour = hour_of_week(at);
  if (weeks[hour] > 0) return mean[hour];
  // A night may be quieter than the day that was seen so far: no alarm before a day is known.
  if (hours < 24) return hourly / 10;
  return hourly;
}

std::string Baseline::to_text() const {
  std::string out = "1 " + std::to_string(hours);
  char number[32];
  std::snprintf(number, sizeof number, " %.6g", static_cast<double>(hourly));
  out += number;
  for (std::size_t i = 0; i < kHours; ++i) {
    std::snprintf(number, sizeof number, " %u:%.6g", static_cast<unsigned>(weeks[i]), static_cast<double>(mean[i]));
    out += number;
  }
  return out;
}

std::optional<Baseline> Baseline::from_text(std::string_view text) {
  const std::string copy(text);
  const char* at = copy.c_str();
  char* end = nullptr;
  if (std::strtoul(at, &end, 10) != 1 || end == at) return {};
  Baseline out;
  out.hours = static_cast<std::uint32_t>(std::strtoul(end, &end, 10));
  out.hourly = std::strtof(end, &end);
  for (std::size_t i = 0; i < kHours; ++i) {
    out.weeks[i] = static_cast<std::uint16_t>(std::min(std::strtoul(end, &end, 10), 1'000UL));
    if (*end != ':') return {};
    out.mean[i] = std::strtof(end + 1, &end);
    if (!std::isfinite(out.mean[i]) || out.mean[i] < 0) return {};
  }
  if (!std::isfinite(out.hourly) || out.hourly < 0) return {};
  return out;
}

SourceBoard::SourceBoard(const core::Clock& clock, core::Metrics& metrics)
    : clock_(clock), metrics_(metrics), started_(clock.now()) {}

std::shared_ptr<source::SourceMeter> SourceBoard::meter(const std::string& name) {
  const core::Lock lock(mutex_);
  std::shared_ptr<source::SourceMeter>& meter = meters_[name];
  if (!meter) meter = std::make_shared<source::SourceMeter>(metrics_, name);
  return meter;
}

std::shared_ptr<SourceEntry> SourceBoard::put(std::shared_ptr<SourceEntry> entry) {
  const core::Lock lock(mutex_);
  const auto id = static_cast<std::uint32_t>(entry->ref.id);
  std::shared_ptr<SourceEntry>& place = entries_[id];
  if (place) {
    entry->events = place->events.load();
    entry->bad_records = place->bad_records.load();
    entry->lag_ns = place->lag_ns.load();
    entry->test_records = place->test_records.load();
    names_.erase(place->ref.name);
  }
  names_[entry->ref.name] = id;
  place = std::move(entry);
  watches_.try_emplace(id);
  return place;
}

void SourceBoard::remove(std::string_view name) {
  const core::Lock lock(mutex_);
  const auto found = names_.find(name);
  if (found == names_.end()) return;
  watches_.erase(found->second);
  names_.erase(found);
}

std::shared_ptr<SourceEntry> SourceBoard::of(model::SourceId id) {
  {
    const core::Lock lock(mutex_);
    const auto found = entries_.find(static_cast<std::uint32_t>(id));
    if (found != entries_.end()) return found->second;
  }
  const std::string name = "unknown-" + std::to_string(static_cast<std::uint32_t>(id));
  auto entry = std::make_shared<SourceEntry>(
      source::SourceRef{id, name, "default", "main", model::Format::kUnknown, meter(name)}, "unknown", "built-in");
  const core::Lock lock(mutex_);
  return entries_.try_emplace(static_cast<std::uint32_t>(id), std::move(entry)).first->second;
}

std::shared_ptr<SourceEntry> SourceBoard::named(std::string_view name) const {
  const core::Lock lock(mutex_);
  const auto found = names_.find(name);
  return found == names_.end() ? nullptr : entries_.at(found->second);
}

std::vector<std::shared_ptr<SourceEntry>> SourceBoard::all() const {
  const core::Lock lock(mutex_);
  std::vector<std::shared_ptr<SourceEntry>> out;
  for (const auto& [name, id] : names_) out.push_back(entries_.at(id));
  return out;
}

std::optional<source::SourceRef> SourceBoard::by_token(std::string_view token) const {
  if (token.empty()) return {};
  const std::string hash = auth::hash_token(token);
  const core::Lock lock(mutex_);
  // The hash is of a long random text: comparing hashes tells nothing of it by time.
  for (const auto& [name, id] : names_) {
    const SourceEntry& entry = *entries_.at(id);
    if (entry.enabled && !entry.token_hash.empty() && entry.token_hash == hash) return entry.ref;
  }
  return {};
}

std::optional<source::SourceRef> SourceBoard::by_name(std::string_view name) const {
  const auto entry = named(name);
  return entry && entry->enabled ? std::optional(entry->ref) : std::nullopt;
}

std::optional<source::SourceRef> SourceBoard::by_certificate(std::string_view subject) const {
  const core::Lock lock(mutex_);
  for (const auto& [name, id] : names_) {
    const SourceEntry& entry = *entries_.at(id);
    if (!entry.enabled) continue;
    if (std::find(entry.certificates.begin(), entry.certificates.end(), subject) != entry.certificates.end())
      return entry.ref;
  }
  return {};
}

void SourceBoard::watch_one(SourceEntry& entry, Watch& watch, core::Timestamp now, std::vector<Change>& out) {
  const source::SourceMeter::Snapshot seen = entry.ref.meter->snapshot();
  // What the self-test sent is taken out of what came: it must neither hide a silence nor be learned.
  const std::uint64_t came = seen.records - std::min(watch.records, seen.records);
  const std::uint64_t sent = entry.test_records.load();
  const std::uint64_t tests = std::min(came, sent - std::min(watch.tests, sent));
  watch.records = seen.records;
  watch.tests += tests;
  if (came > tests) watch.last_own = seen.last_received;
  const std::uint64_t own_records = seen.records - std::min(watch.tests, seen.records);
  watch.second = (watch.second + 1) % watch.second_records.size();
  watch.second_records[watch.second] = seen.records;
  watch.second_bytes[watch.second] = seen.bytes;
  if (const std::int64_t minute = now.ns / kMinuteNs; minute != watch.minute) {
    watch.minute = minute;
    std::rotate(watch.minute_events.begin(), watch.minute_events.begin() + 1, watch.minute_events.end());
    watch.minute_events.back() = entry.events.load();
  }
  if (const std::int64_t hour = now.ns / kHourNs; hour != watch.hour) {
    // Silence is not learned as the rule.
    if (watch.whole_hour && hour == watch.hour + 1 && watch.state != "silent" && watch.state != "off")
      watch.baseline.learn({watch.hour * kHourNs}, static_cast<double>(own_records - watch.hour_records));
    watch.whole_hour = watch.hour >= 0 && hour == watch.hour + 1;
    watch.hour = hour;
    watch.hour_records = own_records;
  }
  std::string state = "ok";
  const std::optional<double> expected = watch.baseline.expected(now);
  core::Timestamp silent_since;
  if (!entry.enabled) {
    state = "off";
  } else if (!seen.problem.empty()) {
    state = "problem";
  } else if (watch.silent_before.known() && !watch.last_own.known()) {
    state = "silent";
    silent_since = watch.silent_before;
  } else if (expected && *expected > 0) {
    const core::Timestamp last = watch.last_own.known() ? std::max(watch.last_own, started_) : started_;
    const auto quiet = std::chrono::nanoseconds(now.ns - last.ns);
    if (quiet > silence_limit(*expected)) {
      state = "silent";
      silent_since = watch.state == "silent" ? watch.silent_since : last;
    } else if (!watch.last_own.known()) {
      state = "waiting";
    }
  } else if (!watch.last_own.known()) {
    state = "waiting";
  }
  watch.silent_since = silent_since;
  if (state != watch.state) {
    out.push_back({entries_.at(static_cast<std::uint32_t>(entry.ref.id)), watch.state, state, silent_since, expected});
    watch.state = state;
  }
}

std::vector<SourceBoard::Change> SourceBoard::tick() {
  const core::Timestamp now = clock_.now();
  std::vector<Change> out;
  const core::Lock lock(mutex_);
  finding_second_ = (finding_second_ + 1) % finding_totals_.size();
  finding_totals_[finding_second_] = findings_.load();
  for (const auto& [name, id] : names_) watch_one(*entries_.at(id), watches_[id], now, out);
  return out;
}

api::SourceStatus SourceBoard::status(const SourceEntry& entry) const {
  api::SourceStatus out;
  out.id = entry.ref.id;
  out.name = entry.ref.name;
  out.kind = entry.kind;
  out.tenant = entry.ref.tenant;
  out.site = entry.ref.site;
  if (entry.ref.format != model::Format::kUnknown) out.format = model::to_string(entry.ref.format);
  out.enabled = entry.enabled;
  out.origin = entry.origin;
  out.where = entry.where;
  out.config = entry.config;
  out.has_token = !entry.token_hash.empty();
  const source::SourceMeter::Snapshot seen = entry.ref.meter->snapshot();
  out.problem = seen.problem;
  out.records = seen.records;
  out.bytes = seen.bytes;
  out.refused = seen.refused;
  out.last_received = seen.last_received;
  out.events = entry.events.load();
  out.bad_records = entry.bad_records.load();
  if (const std::int64_t lag = entry.lag_ns.load(); lag >= 0) out.lag_ms = static_cast<double>(lag) / 1e6;
  const core::Lock lock(mutex_);
  const auto found = watches_.find(static_cast<std::uint32_t>(entry.ref.id));
  if (found == watches_.end()) {
    out.state = "off";
    return out;
  }
  const Watch& watch = found->second;
  out.state = watch.state;
  out.silent_since = watch.silent_since;
  out.expected_per_hour = watch.baseline.expected(clock_.now());
  out.learned_hours = watch.baseline.hours;
  // Over the last minute, or as long as it is watched.
  const std::size_t oldest = (watch.second + 1) % watch.second_records.size();
  out.records_per_s = static_cast<double>(watch.second_records[watch.second] - watch.second_records[oldest]) / 60.0;
  out.bytes_per_s = static_cast<double>(watch.second_bytes[watch.second] - watch.second_bytes[oldest]) / 60.0;
  for (std::size_t i = 1; i < watch.minute_events.size(); ++i)
    out.rates.push_back(
        static_cast<double>(watch.minute_events[i] - std::min(watch.minute_events[i - 1], watch.minute_events[i])));
  return out;
}

api::Rates SourceBoard::rates() const {
  constexpr std::size_t kOver = 5;  // Seconds.
  api::Rates out;
  const core::Lock lock(mutex_);
  for (const auto& [id, watch] : watches_) {
    const std::size_t before = (watch.second + watch.second_records.size() - kOver) % watch.second_records.size();
    out.events_per_s += static_cast<double>(watch.second_records[watch.second] - watch.second_records[before]) / kOver;
    out.bytes_per_s += static_cast<double>(watch.second_bytes[watch.second] - watch.second_bytes[before]) / kOver;
  }
  const std::size_t oldest = (finding_second_ + 1) % finding_totals_.size();
  out.findings_per_min = static_cast<double>(finding_totals_[finding_second_] - finding_totals_[oldest]);
  return out;
}

void SourceBoard::saw(const model::LogSource& kind, model::SourceId id, core::Timestamp at) {
  const core::Lock lock(mutex_);
  Seen& seen = seen_[kind.product + "/" + kind.category + "/" + kind.service];
  seen.kind = kind;
  seen.sources[static_cast<std::uint32_t>(id)] = at;
}

std::string SourceBoard::blind(const model::LogSource& wanted) const {
  const core::Lock lock(mutex_);
  std::string silent;
  for (const auto& [key, seen] : seen_) {
    if (!fits(wanted, seen.kind)) continue;
    for (const auto& [id, at] : seen.sources) {
      if (entries_.count(id) == 0) continue;
      const auto watch = watches_.find(id);
      if (watch != watches_.end() && watch->second.state != "silent" && watch->second.state != "off") return {};
      silent = entries_.at(id)->ref.name +
               (watch == watches_.end() || watch->second.state == "off" ? " is switched off or removed" : " is silent");
    }
  }
  if (!silent.empty()) return "its source " + silent;
  std::string name;
  for (const std::string* part : {&wanted.product, &wanted.category, &wanted.service}) {
    if (!part->empty()) name += (name.empty() ? "" : "/") + *part;
  }
  return "no source has sent " + name + " since " + core::format_iso_time(started_).substr(0, 16) + "Z";
}

std::vector<model::LogSource> SourceBoard::kinds_of(model::SourceId id) const {
  std::vector<model::LogSource> out;
  const core::Lock lock(mutex_);
  for (const auto& [key, seen] : seen_) {
    if (seen.sources.count(static_cast<std::uint32_t>(id)) != 0) out.push_back(seen.kind);
  }
  return out;
}

// product TAB category TAB service TAB source id TAB nanoseconds
std::string SourceBoard::kinds() const {
  std::string out;
  const core::Lock lock(mutex_);
  for (const auto& [key, seen] : seen_) {
    for (const auto& [id, at] : seen.sources) {
      out += seen.kind.product + '\t' + seen.kind.category + '\t' + seen.kind.service + '\t' + std::to_string(id) + '\t' +
             std::to_string(at.ns) + '\n';
    }
  }
  return out;
}

void SourceBoard::set_kinds(std::string_view text) {
  while (!text.empty()) {
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    std::array<std::string, 5> parts;
    for (std::string& part : parts) {
      const std::size_t end = std::min(line.find('\t'), line.size());
      part = line.substr(0, end);
      line.remove_prefix(std::min(line.size(), end + 1));
    }
    const model::SourceId id{static_cast<std::uint32_t>(std::strtoul(parts[3].c_str(), nullptr, 10))};
    const core::Timestamp at{std::strtoll(parts[4].c_str(), nullptr, 10)};
    // What is long gone says nothing of today.
    constexpr std::int64_t kForgetAfterNs = 7 * 24 * kHourNs;
    if (clock_.now().ns - at.ns < kForgetAfterNs) saw({parts[0], parts[1], parts[2]}, id, at);
  }
}

std::map<std::uint32_t, std::string> SourceBoard::baselines() const {
  std::map<std::uint32_t, std::string> out;
  const core::Lock lock(mutex_);
  for (const auto& [id, watch] : watches_) {
    if (watch.baseline.hours > 0) out.emplace(id, watch.baseline.to_text());
  }
  return out;
}

void SourceBoard::set_baseline(model::SourceId id, std::string_view text) {
  auto baseline = Baseline::from_text(text);
  if (!baseline) return;
  const core::Lock lock(mutex_);
  watches_[static_cast<std::uint32_t>(id)].baseline = *baseline;
}

void SourceBoard::set_silent(model::SourceId id, core::Timestamp since) {
  const core::Lock lock(mutex_);
  Watch& watch = watches_[static_cast<std::uint32_t>(id)];
  watch.silent_before = watch.silent_since = since;
}

}  // namespace tocsin::app
