#include "app/housekeeper.h"

#include <sys/statvfs.h>

#include <charconv>

#include "api/live_json.h"
#include "app/pipeline/finding_maker.h"
#include "core/json_writer.h"
#include "core/log.h"
#include "store/sql_text.h"

namespace tocsin::app {
namespace {

constexpr unsigned kRetainEvery = 300;   // Rounds.
constexpr std::int64_t kAuditPage = 50;  // Asked each second, and mostly for nothing: small.
constexpr std::string_view kAuditKey = "audit";
constexpr const char* kKindsKey = "kinds";
constexpr std::string_view kSilentPrefix = "silent.";  // Before a source's number: since when, in nanoseconds; empty: not.

model::SourceId source_of(std::string_view key, std::string_view prefix) {
  std::uint32_t id = 0;
  std::from_chars(key.data() + prefix.size(), key.data() + key.size(), id);
  return model::SourceId{id};
}

std::string audit_line(const ledger::AuditRecord& record) {
  std::string out;
  core::JsonWriter json(out);
  json.begin_object().member("@timestamp", core::format_iso_time(record.entry.time));
  json.member("product", "tocsin").member("service", "audit");
  json.key("sequence").number(record.sequence);
  json.member("user", record.entry.actor).member("action", record.entry.action);
  json.member_if("object", record.entry.object).member_if("src_ip", record.entry.address);
  json.member_if("detail", record.entry.detail).member("hash", record.hash).end_object();
  out += '\n';
  return out;
}

std::string duration_text(std::int64_t ns) {
  const std::int64_t minutes = ns / 60'000'000'000;
  return minutes < 120 ? std::to_string(minutes) + " minutes" : std::to_string(minutes / 60) + " hours";
}

}  // namespace

Housekeeper::Housekeeper(Parts parts)
    : parts_(std::move(parts)), began_(parts_.clock.now()), began_steady_(parts_.clock.steady_now()) {}
Housekeeper::~Housekeeper() { stop(); }

core::Result<void> Housekeeper::load() {
  return parts_.ledger.read([&](ledger::Tables& tables) -> core::Result<void> {
    auto rows = tables.settings();
    if (!rows.ok()) return rows.error();
    for (const ledger::Setting& row : *rows) {
      if (std::int64_t since = 0; row.key.starts_with(kSilentPrefix) && !row.value.empty()) {
        std::from_chars(row.value.data(), row.value.data() + row.value.size(), since);
        parts_.board.set_silent(source_of(row.key, kSilentPrefix), {since});
      }
      constexpr std::string_view kPrefix = "baseline.";
      if (row.key == kKindsKey) parts_.board.set_kinds(row.value);
      if (!row.key.starts_with(kPrefix)) continue;
      parts_.board.set_baseline(source_of(row.key, kPrefix), row.value);
    }
    return {};
  });
}

void Housekeeper::start() {
  thread_ = std::thread([this] {
    core::Lock lock(mutex_);
    while (!stopping_) {
      lock.wait_for(wake_, std::chrono::seconds(1));
      if (stopping_) break;
      mutex_.unlock();
      round();
      mutex_.lock();
    }
  });
}

void Housekeeper::stop() {
  {
    const core::Lock lock(mutex_);
    if (stopping_) return;
    stopping_ = true;
    wake_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
  feed_audit();
  save_baselines();
}

void Housekeeper::round() {
  states();
  feed_audit();
  const std::int64_t hour = parts_.clock.now().ns / 3'600'000'000'000;
  if (hour != saved_hour_) {
    if (saved_hour_ >= 0) save_baselines();
    saved_hour_ = hour;
  }
  if (rounds_++ % kRetainEvery == 5) retain();
  if (parts_.beat) parts_.beat();
}

void Housekeeper::states() {
  for (const SourceBoard::Change& change : parts_.board.tick()) {
    if (change.to == "silent" || change.from == "silent") note_silence(change);
    if (change.to == "silent" && parts_.settings.flag("silence.enabled")) silence(change);
    const api::SourceStatus status = parts_.board.status(*change.entry);
    if (change.to == "silent" || change.from == "silent" || change.to == "problem") {
      core::log(change.to == "ok" ? core::LogLevel::kInfo : core::LogLevel::kWarning, "source",
                status.name + " is " + (change.to == "ok" ? "back" : change.to) +
                    (status.problem.empty() ? "" : ": " + status.problem));
    }
    parts_.hub.publish({api::LiveEvent::Topic::kSource, status.tenant, api::source_json(status)});
  }
}

// Before its finding: a silence that was noted and has no finding yet gets it at the next start.
void Housekeeper::note_silence(const SourceBoard::Change& change) {
  const std::string key = std::string(kSilentPrefix) + std::to_string(static_cast<std::uint32_t>(change.entry->ref.id));
  const std::string value = change.to == "silent" ? std::to_string(change.silent_since.ns) : std::string();
  const auto saved = parts_.ledger.write(
      [&](ledger::Tables& tables) { return tables.set_setting({key, value, "system", parts_.clock.now()}); });
  if (!saved.ok()) core::log(core::LogLevel::kError, "source", "cannot keep that a source is silent: " + saved.error().text);
}

bool Housekeeper::is_stored(const std::string& finding_id) const {
  store::SqlText sql("SELECT count() FROM findings WHERE id = ");
  sql.text(finding_id);
  const auto answer = parts_.store.query(sql.str(), "TabSeparated", {});
  return answer.ok() && answer->body != "0\n";
}

// A finding of the program's own: the source and since when it is silent name it, so it is there once.
void Housekeeper::silence(const SourceBoard::Change& change) {
  const source::SourceRef& ref = change.entry->ref;
  const core::Timestamp now = parts_.clock.now();
  store::FindingRow row;
  row.id = finding_id(
      {kSilentRuleId, std::to_string(static_cast<std::uint32_t>(ref.id)), std::to_string(change.silent_since.ns)});
  if (is_stored(row.id)) return;
  row.sequence = parts_.processor.done_sequence();
  row.event_time = row.received_at = row.detected_at = now;
  row.tenant = ref.tenant;
  row.site = ref.site;
  row.source = ref.name;
  row.rule_id = kSilentRuleId;
  row.rule_title = "Source has fallen silent";
  row.level = "medium";
  row.severity_id = 3;
  row.tactics = {"defense-evasion"};
  row.techniques = {"T1562"};
  const double expected = change.expected_per_hour.value_or(0);
  const std::string reason = "nothing from " + ref.name + " for " + duration_text(now.ns - change.silent_since.ns) + "; " +
                             std::to_string(static_cast<std::uint64_t>(expected)) +
                             " records an hour are usual at this time of the week";
  row.reason = reason;
  std::string json_text;
  core::JsonWriter json(json_text);
  json.begin_object().key("class_uid").number(2004).member("class_name", "Detection Finding");
  json.key("category_uid").number(2).key("activity_id").number(1).key("type_uid").number(200401);
  json.key("severity_id").number(3).member("severity", "Medium").key("time").number(now.ns / 1'000'000);
  json.member("message", reason);
  json.key("metadata").begin_object().member("version", "1.8.0").key("product").begin_object();
  json.member("name", "Tocsin").member("vendor_name", "Tocsin").end_object().end_object();
  json.key("finding_info").begin_object().member("uid", row.id).member("title", row.rule_title);
  json.key("analytic")
      .begin_object()
      .member("uid", kSilentRuleId)
      .member("name", row.rule_title)
      .member("type", "Statistical");
  json.key("type_id").number(3).end_object().end_object();
  json.key("unmapped").begin_object().key("tocsin").begin_object().key("silence").begin_object();
  json.member("source", ref.name).member("since", core::format_iso_time(change.silent_since));
  json.key("expected_per_hour").number(expected).end_object().end_object().end_object().end_object();
  row.finding = json_text;
  store::Block block;
  block.add(row);
  parts_.writer.put_findings(std::move(block), now, {{api::LiveEvent::Topic::kFinding, ref.tenant, api::finding_json(row)}});
}

void Housekeeper::save_baselines() {
  const auto baselines = parts_.board.baselines();
  std::string kinds = parts_.board.kinds();
  if (kinds.size() > ledger::kMaxJsonBytes) kinds.resize(kinds.rfind('\n', ledger::kMaxJsonBytes - 1) + 1);
  const auto saved = parts_.ledger.write([&](ledger::Tables& tables) -> core::Result<void> {
    for (const auto& [id, text] : baselines) {
      const auto done = tables.set_setting({"baseline." + std::to_string(id), text, "system", parts_.clock.now()});
      if (!done.ok()) return done.error();
    }
    return tables.set_setting({kKindsKey, kinds, "system", parts_.clock.now()});
  });
  if (!saved.ok()) {
    core::log(core::LogLevel::kError, "source", "cannot keep what was learned of sources: " + saved.error().text);
  }
}

bool Housekeeper::clock_jumped() {
  const std::int64_t wall = parts_.clock.now().ns - began_.ns;
  const std::int64_t passed = (parts_.clock.steady_now() - began_steady_).count();
  constexpr std::int64_t kDayNs = 86'400'000'000'000;
  const bool jumped = wall - passed > kDayNs || passed - wall > kDayNs;
  if (jumped && !clock_jumped_) {
    core::log(core::LogLevel::kWarning, "store",
              "the clock has jumped by more than a day since the start: nothing is dropped by age until it is back or the "
              "program is started again");
  }
  clock_jumped_ = jumped;
  return jumped;
}

void Housekeeper::retain() {
  store::Store::Retention retention;
  if (!clock_jumped()) retention.max_age_days = static_cast<unsigned>(parts_.settings.number("retention.days"));
  retention.max_bytes = parts_.settings.number("retention.max_bytes");
  struct statvfs disk{};
  if (retention.max_bytes == 0 && ::statvfs(parts_.data_folder.c_str(), &disk) == 0) {
    retention.max_bytes =
        static_cast<std::uint64_t>(disk.f_blocks) * disk.f_frsize / 100 * parts_.settings.number("retention.disk_percent");
  }
  const auto dropped = parts_.store.apply_retention(retention, parts_.clock.now());
  if (!dropped.ok()) {
    core::log(core::LogLevel::kError, "store", "retention: " + dropped.error().text);
    return;
  }
  for (const store::Store::Dropped& one : *dropped) {
    core::log(core::LogLevel::kWarning, "store",
              "retention dropped " + std::to_string(one.rows) + " rows of " + one.table + " (" + one.partition +
                  "): " + one.reason);
    const auto noted = parts_.ledger.write([&](ledger::Tables& tables) -> core::Result<void> {
      const auto done = tables.append_audit({parts_.clock.now(), "system", "retention.drop", one.table + " " + one.partition,
                                             "", "{\"rows\":" + std::to_string(one.rows) + "}"});
      return done.ok() ? core::Result<void>() : done.error();
    });
    noted.ignore("the drop is logged above");
  }
}

// Records of the audit trail that were not handed in yet, as a source like others.
void Housekeeper::feed_audit() {
  if (audit_sent_ < 0) {
    const std::string kept = parts_.intake.checkpoint(kAuditKey);
    audit_sent_ = 0;
    std::from_chars(kept.data(), kept.data() + kept.size(), audit_sent_);
  }
  std::vector<ledger::AuditRecord> news;
  const auto read = parts_.ledger.read([&](ledger::Tables& tables) -> core::Result<void> {
    ledger::Tables::AuditQuery query;
    query.limit = kAuditPage;
    while (true) {
      auto page = tables.audit(query);
      if (!page.ok()) return page.error();
      for (ledger::AuditRecord& record : *page) {
        if (record.sequence <= audit_sent_) return {};
        query.before = record.sequence;
        news.push_back(std::move(record));
      }
      if (page->size() < static_cast<std::size_t>(kAuditPage)) return {};
    }
  });
  if (!read.ok() || news.empty()) return;
  const auto entry = parts_.board.named("tocsin-audit");
  if (!entry) return;
  model::Delivery delivery;
  delivery.source = entry->ref.id;
  delivery.received_at = parts_.clock.now();
  delivery.format = model::Format::kJson;
  delivery.peer = "tocsin";
  for (auto record = news.rbegin(); record != news.rend(); ++record) delivery.bytes += audit_line(*record);
  delivery.checkpoint_key = kAuditKey;
  delivery.checkpoint_value = std::to_string(news.front().sequence);
  audit_sent_ = news.front().sequence;
  entry->ref.meter->received(news.size(), delivery.bytes.size(), delivery.received_at);
  // Where it fails the checkpoint stays behind, and the next start sends them again.
  parts_.intake.submit(std::move(delivery), [](const core::Result<void>&) {});
}

}  // namespace tocsin::app
