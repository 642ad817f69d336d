// What findings do to incidents.
#include <algorithm>

#include "core/json_writer.h"
#include "triage/desk/live_desk.h"
#include "triage/summary.h"

namespace tocsin::triage {
namespace {

constexpr std::int64_t kNamedEntities = 400;  // Of an incident, those with the most findings.
constexpr std::size_t kScoredAssets = 32;
constexpr std::size_t kMaxTactics = 64, kMaxTechniques = 200;
constexpr unsigned kForgetEvery = 64;                 // Batches.
constexpr std::int64_t kForgetRows = 5'000;           // Of the ledger, each time.
constexpr std::size_t kMaxFolds = 200'000;            // Of the last hours; those beyond are not folded.
constexpr std::int64_t kSeenStepNs = 60'000'000'000;  // An asset's last sight is written in steps.
constexpr std::int64_t kDayNs = 86'400'000'000'000;

void add_once(std::vector<std::string>& list, const std::vector<std::string>& more, std::size_t most) {
  for (const std::string& item : more) {
    std::string text = ledger_text(item, ledger::kMaxNameBytes);
    std::replace(text.begin(), text.end(), ',', ' ');
    if (text.empty() || list.size() >= most || std::find(list.begin(), list.end(), text) != list.end()) continue;
    list.push_back(std::move(text));
  }
}

std::string plural(std::int64_t count, const char* one, const char* many) {
  return std::to_string(count) + " " + (count == 1 ? one : many);
}

bool is_asset(const model::Entity& entity) {
  return entity.kind == model::EntityKind::kHost || entity.kind == model::EntityKind::kUser ||
         (entity.kind == model::EntityKind::kAddress && entity.role == model::EntityRole::kAffected);
}

const std::string& label_of(const model::Entity& entity) { return entity.label.empty() ? entity.key : entity.label; }

// Each once, for people: an account known by number alone comes after those with a name.
// `count` of them is lessened by those of the same name: an account that one source knows by its SID and another by its
// name.
std::vector<std::string> labels(const std::vector<ledger::IncidentEntity>& entities, model::EntityKind kind,
                                std::int64_t& count) {
  std::vector<std::string> out;
  for (const ledger::IncidentEntity& entity : entities) {
    if (entity.entity.kind != kind) continue;
    std::string label = label_of(entity.entity);
    if (std::ranges::find(out, label) == out.end()) {
      out.push_back(std::move(label));
    } else {
      --count;
    }
  }
  std::ranges::stable_partition(
      out, [](const std::string& label) { return label.find_first_not_of("0123456789") != std::string::npos; });
  return out;
}

}  // namespace

core::Result<void> LiveDesk::take(std::span<const Finding> findings, const DeskPosition& after) {
  const auto done = transact(
      [&](Tables& tables, Batch& batch) NO_THREAD_CHECK -> core::Result<void> {
        for (const Finding& finding : findings) TOCSIN_TRY(take_one(tables, batch, finding));
        TOCSIN_TRY(tables.set_position({after.sequence, after.ids}));
        forget_old(tables);
        batch.after.emplace_back([this, &after, &batch](Joiner&) NO_THREAD_CHECK {
          position_ = after;
          taken_.add(batch.counts.taken);
          joined_.add(batch.counts.joined);
          opened_.add(batch.counts.opened);
          merged_.add(batch.counts.merged);
          folded_.add(batch.counts.folded);
        });
        return {};
      },
      true);
  if (!done.ok()) return done.error();
  return {};
}

core::Result<void> LiveDesk::take_one(Tables& tables, Batch& batch, const Finding& finding) {
  if (TOCSIN_TRY(tables.incident_with(finding.id))) {
    ++batch.counts.passed_over;
    return {};
  }
  ++batch.counts.taken;
  const std::int64_t tomorrow = clock_.now().ns + kDayNs;
  if (finding.event_time.known() && finding.event_time.ns < tomorrow)
    newest_.ns = std::max(newest_.ns, finding.event_time.ns);
  TOCSIN_TRY(learn(tables, batch, finding));
  count_prevalence(finding);
  const std::string key = fold_key(finding);
  if (TOCSIN_TRY(fold(tables, batch, finding, key))) return {};
  const Join join = joiner_->add(finding);
  Work* work = nullptr;
  if (join.opened) {
    ledger::Incident row;
    row.id = join.incident;
    row.tenant = finding.tenant;
    row.site = ledger_text(finding.site, ledger::kMaxNameBytes);
    row.opened_by = "engine";
    work = TOCSIN_TRY(new_work(tables, batch, std::move(row)));
    ++batch.counts.opened;
  } else {
    work = TOCSIN_TRY(work_of(tables, batch, join.incident));
    ++batch.counts.joined;
  }
  for (const IncidentId from : join.merged) {
    const std::string why = join.reasons.empty() ? "" : join.reasons.front().text;
    TOCSIN_TRY(merge_rows(tables, batch, join.incident, from, why, "engine"));
    ++batch.counts.merged;
  }
  TOCSIN_TRY(add_row(tables, *work, finding, join));
  keep_fold(key, finding);
  return {};
}

// A finding of the same rule and entities shortly before stands for it. The joiner gets its keys all the same.
core::Result<bool> LiveDesk::fold(Tables& tables, Batch& batch, const Finding& finding, const std::string& key) {
  const auto kept = folds_.find(key);
  if (kept == folds_.end() || finding.entities.empty()) return false;
  const std::int64_t gap = std::abs(finding.event_time.ns - kept->second.at.ns);
  if (gap > std::chrono::nanoseconds(options_.fold_within).count()) return false;
  const std::string member = kept->second.finding;
  const auto id = TOCSIN_TRY(tables.incident_with(member));
  if (!id) return false;
  if (!batch.works.contains(*id)) {
    const auto row = TOCSIN_TRY(tables.incident(*id));
    if (!row || row->state == model::IncidentState::kClosed) return false;
  }
  Work* work = TOCSIN_TRY(work_of(tables, batch, *id));
  if (!TOCSIN_TRY(tables.add_folded({finding.id, member, finding.event_time, finding.detected_at}))) return true;
  TOCSIN_TRY(tables.fold_into(member, 1));
  joiner_->restore(finding, *id);
  ++batch.counts.folded;
  ++work->row.finding_count;
  ++work->joined[ledger_text(finding.rule_title, ledger::kMaxNameBytes)];
  widen(work->row, finding);
  count_entities(*work, finding, 1);
  return true;
}

void LiveDesk::keep_fold(const std::string& key, const Finding& finding) {
  if (finding.entities.empty() || !finding.event_time.known()) return;
  const auto found = folds_.find(key);
  if (found == folds_.end() && folds_.size() >= kMaxFolds) {
    const std::int64_t oldest = finding.event_time.ns - 2 * std::chrono::nanoseconds(options_.fold_within).count();
    std::erase_if(folds_, [&](const auto& entry) { return entry.second.at.ns < oldest; });
    if (folds_.size() >= kMaxFolds) folds_.clear();
  }
  // The latest stands: times mostly rise.
  if (found == folds_.end() || found->second.at.ns <= finding.event_time.ns) folds_[key] = {finding.id, finding.event_time};
}

core::Result<LiveDesk::Work*> LiveDesk::work_of(Tables& tables, Batch& batch, Number id) {
  if (const auto found = batch.works.find(id); found != batch.works.end()) return &found->second;
  auto row = TOCSIN_TRY(tables.incident(id));
  if (!row) return core::Error{core::ErrorCode::kNotFound, "there is no incident " + std::to_string(id)};
  Work work;
  work.row = std::move(*row);
  work.priority_before = work.row.priority;
  return &batch.works.emplace(id, std::move(work)).first->second;
}

core::Result<LiveDesk::Work*> LiveDesk::new_work(Tables& tables, Batch& batch, ledger::Incident row) {
  row.created_at = row.changed_at = clock_.now();
  row.priority = row.priority.empty() ? "p4" : row.priority;
  row.score_parts = "[]";
  TOCSIN_TRY(tables.insert_incident(row));
  Work work;
  work.row = std::move(row);
  work.fresh = true;
  return &batch.works.emplace(work.row.id, std::move(work)).first->second;
}

void LiveDesk::widen(ledger::Incident& row, const Finding& finding) {
  if (finding.event_time.known()) {
    if (!row.first_event.known() || finding.event_time.ns < row.first_event.ns) row.first_event = finding.event_time;
    if (!row.last_event.known() || finding.event_time.ns > row.last_event.ns) row.last_event = finding.event_time;
  }
  row.severity_id = std::max(row.severity_id, finding.severity_id);
  add_once(row.tactics, finding.tactics, kMaxTactics);
  add_once(row.techniques, finding.techniques, kMaxTechniques);
}

void LiveDesk::count_entities(Work& work, const Finding& finding, std::int64_t sign) {
  std::set<std::pair<model::EntityKind, std::string_view>> seen;
  for (const model::Entity& entity : finding.entities) {
    if (entity.key.empty() || entity.key.size() > ledger::kMaxEntityBytes) continue;
    if (!seen.emplace(entity.kind, entity.key).second) continue;
    std::string key = ledger_text(entity.key, ledger::kMaxEntityBytes);
    auto [found, fresh] = work.entities.try_emplace({entity.kind, key});
    ledger::IncidentEntity& row = found->second;
    if (fresh) {
      row.incident = work.row.id;
      row.entity = {entity.kind, entity.role, key, ledger_text(entity.label, ledger::kMaxEntityBytes)};
      row.first = row.last = finding.event_time;
    }
    row.first.ns = std::min(row.first.ns, finding.event_time.ns);
    row.last.ns = std::max(row.last.ns, finding.event_time.ns);
    row.findings += sign;
  }
}

core::Result<void> LiveDesk::add_row(Tables& tables, Work& work, const Finding& finding, const Join& join) {
  ledger::IncidentMember member = member_of(finding);
  member.incident = work.row.id;
  member.joined_at = clock_.now();
  member.reasons = reasons_json(join.reasons);
  member.added_by = "engine";
  TOCSIN_TRY(tables.add_member(member));
  TOCSIN_TRY(tables.put_joining(finding.id, finding.event_time, write_body(finding)));
  ++work.row.finding_count;
  widen(work.row, finding);
  count_entities(work, finding, 1);
  ++work.joined[ledger_text(finding.rule_title, ledger::kMaxNameBytes)];
  if (!join.opened) {
    if (!join.reasons.empty()) work.strongest_reason = ledger_text(join.reasons.front().text, 400);
    return {};
  }
  TOCSIN_TRY(note(tables, work.row.id, "engine", "opened", "opened by \"" + ledger_text(finding.rule_title, 400) + "\"",
                  member.reasons));
  // Where a new one names a finding, that one is of an incident that takes no more: it was closed.
  for (const model::JoinReason& reason : join.reasons) {
    if (reason.finding.empty()) continue;
    const auto other = TOCSIN_TRY(tables.incident_with(reason.finding));
    if (!other || *other == work.row.id) continue;
    const std::string text = ledger_text(reason.text, ledger::kMaxSentenceBytes);
    TOCSIN_TRY(tables.add_link({*other, work.row.id, "related", text, "engine", clock_.now()}));
  }
  return {};
}

core::Result<void> LiveDesk::merge_rows(Tables& tables, Batch& batch, Number into, Number from, std::string_view why,
                                        std::string_view by) {
  Work* source = TOCSIN_TRY(work_of(tables, batch, from));
  Work* target = TOCSIN_TRY(work_of(tables, batch, into));
  TOCSIN_TRY(flush_entities(tables, *source));
  TOCSIN_TRY(tables.move_members(from, into));
  TOCSIN_TRY(tables.add_entities(into, from));
  for (const std::string& user : TOCSIN_TRY(tables.watchers(from))) TOCSIN_TRY(tables.watch(into, user, true));
  ledger::Incident& gone = source->row;
  ledger::Incident& kept = target->row;
  kept.finding_count += gone.finding_count;
  kept.severity_id = std::max(kept.severity_id, gone.severity_id);
  add_once(kept.tactics, gone.tactics, kMaxTactics);
  add_once(kept.techniques, gone.techniques, kMaxTechniques);
  add_once(kept.tags, gone.tags, kMaxTactics);
  if (gone.first_event.known() && (!kept.first_event.known() || gone.first_event.ns < kept.first_event.ns))
    kept.first_event = gone.first_event;
  if (gone.last_event.known() && gone.last_event.ns > kept.last_event.ns) kept.last_event = gone.last_event;
  // Work that began on either has begun.
  if (gone.acknowledged_at.known() && (!kept.acknowledged_at.known() || gone.acknowledged_at.ns < kept.acknowledged_at.ns))
    kept.acknowledged_at = gone.acknowledged_at;
  if (kept.state == model::IncidentState::kNew && gone.state != model::IncidentState::kClosed) kept.state = gone.state;
  if (kept.owner.empty()) kept.owner = gone.owner;
  gone.merged_into = into;
  const std::string because = why.empty() ? "" : ": " + ledger_text(why, ledger::kMaxSentenceBytes / 2);
  TOCSIN_TRY(note(tables, into, by, "merged", "INC-" + std::to_string(from) + " became part of this" + because,
                  "{\"from\":" + std::to_string(from) + "}"));
  return note(tables, from, by, "merged", "became part of INC-" + std::to_string(into) + because,
              "{\"into\":" + std::to_string(into) + "}");
}

core::Result<void> LiveDesk::learn(Tables& tables, Batch& batch, const Finding& finding) {
  if (!finding.event_time.known()) return {};
  for (const model::Entity& entity : finding.entities) {
    if (!is_asset(entity) || entity.key.empty() || entity.key.size() > ledger::kMaxEntityBytes) continue;
    const std::string key = ledger_text(entity.key, ledger::kMaxEntityBytes);
    const std::string place = finding.tenant + '\n' + model::to_string(entity.kind) + '\n' + key;
    auto found = batch.assets.find(place);
    if (found == batch.assets.end()) {
      ledger::Asset fresh;
      fresh.tenant = finding.tenant;
      fresh.site = ledger_text(finding.site, ledger::kMaxNameBytes);
      fresh.kind = entity.kind;
      fresh.key = key;
      fresh.label = ledger_text(label_of(entity), ledger::kMaxEntityBytes);
      fresh.changed_by = "engine";
      auto row = TOCSIN_TRY(tables.asset(finding.tenant, entity.kind, key));
      found = batch.assets.emplace(place, row ? std::move(*row) : std::move(fresh)).first;
    }
    ledger::Asset& asset = found->second;
    const std::int64_t at = finding.event_time.ns;
    // Marks what must be written: the time of the change.
    if (!asset.first_seen.known() || at < asset.first_seen.ns) {
      asset.first_seen.ns = at;
      asset.changed_at = clock_.now();
    }
    if (!asset.last_seen.known() || at > asset.last_seen.ns + kSeenStepNs) {
      asset.last_seen.ns = at;
      asset.changed_at = clock_.now();
    }
  }
  return {};
}

core::Result<void> LiveDesk::flush_entities(Tables& tables, Work& work) {
  for (const auto& [key, entity] : work.entities) {
    if (entity.findings != 0) TOCSIN_TRY(tables.put_entity(entity));
  }
  work.entities.clear();
  return {};
}

// Incidents that the transaction changed: what follows from their findings, their score, their row.
core::Result<void> LiveDesk::finish(Tables& tables, Batch& batch) {
  const core::Timestamp now = clock_.now();
  for (auto& [place, asset] : batch.assets) {
    if (asset.changed_at != now) continue;
    const auto put = tables.put_asset(asset);
    // The register is full: findings go on.
    if (!put.ok() && put.error().code != core::ErrorCode::kLimit) return put.error();
  }
  for (auto& [id, work] : batch.works) {
    TOCSIN_TRY(flush_entities(tables, work));
    if (work.row.merged_into == 0 && work.row.finding_count > 0) TOCSIN_TRY(describe(tables, work));
    if (!work.joined.empty() && !work.fresh) {
      std::int64_t count = 0;
      std::string text, detail;
      core::JsonWriter json(detail);
      json.begin_object();
      std::size_t shown = 0;
      for (const auto& [rule, findings] : work.joined) {
        count += findings;
        if (++shown > 20) continue;
        text += (text.empty() ? "" : ", ") + rule + " (" + std::to_string(findings) + ")";
        json.key(rule).number(findings);
      }
      json.end_object();
      TOCSIN_TRY(note(tables, id, "engine", "joined",
                      ledger_text(plural(count, "finding", "findings") + " joined: " + text, ledger::kMaxSentenceBytes),
                      detail));
    }
    // Set by hand, it has its entry.
    if (work.row.priority < work.priority_before && !work.row.priority_by_hand) {
      TOCSIN_TRY(note(tables, id, "engine", "priority", "priority " + work.priority_before + " to " + work.row.priority,
                      priority_detail(work.priority_before, work.row.priority)));
    }
    if (work.fresh && work.row.merged_into == 0) TOCSIN_TRY(add_template_tasks(tables, work));
    TOCSIN_TRY(apply_rules(tables, batch, work));
    ++work.row.version;
    work.row.changed_at = now;
    TOCSIN_TRY(tables.update_incident(work.row));
    batch.changed.push_back(work.row);
  }
  return {};
}

// After findings left it.
void LiveDesk::recount(ledger::Incident& row, const std::vector<ledger::RuleCount>& rules) {
  row.severity_id = 0;
  row.first_event = row.last_event = core::kNoTime;
  for (const ledger::RuleCount& rule : rules) {
    row.severity_id = std::max(row.severity_id, rule.severity_id);
    if (!row.first_event.known() || rule.first.ns < row.first_event.ns) row.first_event = rule.first;
    if (!row.last_event.known() || rule.last.ns > row.last_event.ns) row.last_event = rule.last;
  }
}

core::Result<void> LiveDesk::describe(Tables& tables, Work& work) {
  ledger::Incident& row = work.row;
  const auto rules = TOCSIN_TRY(tables.rule_counts(row.id));
  const auto entities = TOCSIN_TRY(tables.entities(row.id, kNamedEntities));
  if (work.recount) recount(row, rules);
  Evidence evidence;
  row.host_count = TOCSIN_TRY(tables.entity_count(row.id, model::EntityKind::kHost));
  row.user_count = TOCSIN_TRY(tables.entity_count(row.id, model::EntityKind::kUser));
  evidence.hosts = labels(entities, model::EntityKind::kHost, row.host_count);
  evidence.users = labels(entities, model::EntityKind::kUser, row.user_count);
  evidence.host_count = row.host_count;
  evidence.user_count = row.user_count;
  row.main_host = evidence.hosts.empty() ? "" : evidence.hosts.front();
  row.main_user = evidence.users.empty() ? "" : evidence.users.front();
  std::map<std::string, Evidence::Rule> by_rule;
  for (const ledger::RuleCount& rule : rules) {
    Evidence::Rule& entry = by_rule[rule.rule_id];
    entry.title = rule.rule_title.empty() ? rule.rule_id : rule.rule_title;
    entry.severity_id = std::max(entry.severity_id, rule.severity_id);
    entry.first = entry.findings == 0 || rule.first.ns < entry.first.ns ? rule.first : entry.first;
    entry.findings += rule.findings;
  }
  for (auto& [id, rule] : by_rule) evidence.rules.push_back(std::move(rule));
  row.rule_count = static_cast<std::int64_t>(by_rule.size());
  evidence.tactics = row.tactics;
  evidence.finding_count = row.finding_count;
  evidence.first_event = row.first_event;
  evidence.last_event = row.last_event;
  evidence.strongest_reason = work.strongest_reason;
  const bool told_by_hand = row.title_by_hand && row.opened_by != "engine";
  if (!told_by_hand) row.summary = ledger_text(incident_summary(evidence), ledger::kMaxSentenceBytes);
  if (!row.title_by_hand) row.title = ledger_text(incident_title(evidence), ledger::kMaxTitleBytes);
  return rate(tables, row, rules, entities);
}

core::Result<void> LiveDesk::rate(Tables& tables, ledger::Incident& row, const std::vector<ledger::RuleCount>& rules,
                                  const std::vector<ledger::IncidentEntity>& entities) {
  ScoreInput input;
  input.worst_severity_id = row.severity_id;
  input.tactics = row.tactics;
  std::map<std::string, ScoreInput::Rule> by_rule;
  std::set<std::string> sources;
  for (const ledger::RuleCount& count : rules) {
    sources.insert(count.source);
    ScoreInput::Rule& rule = by_rule[count.rule_id];
    rule.id = count.rule_id;
    rule.title = count.rule_title;
    rule.severity_id = std::max(rule.severity_id, count.severity_id);
  }
  for (auto& [id, rule] : by_rule) {
    rule.precision = precision_locked(row.tenant, id, rule.severity_id);
    rule.hosts_30d = prevalence_->rule(row.tenant, id).hosts;
    input.rules.push_back(std::move(rule));
  }
  input.independent = static_cast<std::uint32_t>(sources.size());
  input.fleet_hosts = prevalence_->host_count(row.tenant);
  for (const ledger::IncidentEntity& entity : entities) {
    if (input.assets.size() >= kScoredAssets) break;
    if (entity.entity.kind != model::EntityKind::kHost && entity.entity.kind != model::EntityKind::kUser) continue;
    const auto asset = TOCSIN_TRY(tables.asset(row.tenant, entity.entity.kind, entity.entity.key));
    if (!asset) continue;
    input.assets.push_back({asset->label.empty() ? asset->key : asset->label, asset->criticality,
                            asset->exposure == "internet", asset->declared});
  }
  const Score rated = score(*options_.scoring, input);
  row.score = rated.value;
  row.score_parts = parts_json(rated.parts);
  if (!row.priority_by_hand) row.priority = priority_of(*options_.scoring, rated.value);
  return {};
}

core::Result<void> LiveDesk::note(Tables& tables, Number id, std::string_view by, const char* action, std::string text,
                                  std::string detail) {
  ledger::IncidentHistory entry;
  entry.incident = id;
  entry.at = clock_.now();
  entry.actor = by;
  entry.action = action;
  entry.text = ledger_text(text, ledger::kMaxSentenceBytes);
  entry.detail = std::move(detail);
  return tables.add_history(entry);
}

std::string LiveDesk::priority_detail(const std::string& from, const std::string& to) {
  std::string out;
  core::JsonWriter(out).begin_object().member("from", from).member("to", to).end_object();
  return out;
}

void LiveDesk::forget_old(Tables& tables) {
  if (++takes_ % kForgetEvery != 0 || !newest_.known()) return;
  const core::Timestamp before{newest_.ns - std::chrono::nanoseconds(options_.keep_open).count()};
  joiner_->forget_before(before);
  const core::Timestamp counted_since{newest_.ns - std::max(kPrevalenceDays * kDayNs, newest_.ns - before.ns)};
  tables.forget_joining(counted_since, kForgetRows).ignore("tried again with a later batch");
}

}  // namespace tocsin::triage
