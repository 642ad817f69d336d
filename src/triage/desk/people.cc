// What people do with incidents.
#include <algorithm>
#include <array>

#include "core/json_writer.h"
#include "triage/desk/live_desk.h"

namespace tocsin::triage {
namespace {

using model::IncidentState;

constexpr std::size_t kMaxMovedFindings = 10'000;
constexpr std::size_t kMaxMerged = 1'000;
constexpr std::int64_t kTellingEntities = 60, kIncidentsOfEntity = 60;

core::Error invalid(std::string text) { return {core::ErrorCode::kInvalid, std::move(text)}; }
core::Error not_found(std::string text) { return {core::ErrorCode::kNotFound, std::move(text)}; }
std::string named(ledger::IncidentNumber id) { return "INC-" + std::to_string(id); }

template <std::size_t kCount>
bool among(const std::array<const char*, kCount>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}
constexpr std::array kPriorities{"p1", "p2", "p3", "p4"};
constexpr std::array kTlp{"red", "amber", "amber+strict", "green", "clear"};
constexpr std::array kPap{"red", "amber", "green", "clear"};
constexpr std::array kPhases{"investigate", "contain", "eradicate", "recover", "learn"};
constexpr std::array kLanes{"host", "user", "network", "response"};

core::Result<void> check_change(const Change& change) {
  if (change.title && (change.title->empty() || change.title->size() > ledger::kMaxTitleBytes))
    return invalid("a title has 1 to " + std::to_string(ledger::kMaxTitleBytes) + " bytes");
  if (change.priority && !change.priority->empty() && !among(kPriorities, *change.priority))
    return invalid("a priority is p1, p2, p3 or p4, or empty for the one of the score");
  if (change.tlp && !among(kTlp, *change.tlp)) return invalid("tlp is red, amber, amber+strict, green or clear");
  if (change.pap && !among(kPap, *change.pap)) return invalid("pap is red, amber, green or clear");
  if (change.state && *change.state == IncidentState::kClosed) return invalid("closing asks for a verdict: use close");
  return {};
}

void enter(ledger::Incident& row, IncidentState state, core::Timestamp now) {
  row.state = state;
  if (state == IncidentState::kNew) return;
  if (!row.acknowledged_at.known()) row.acknowledged_at = now;
  if (state >= IncidentState::kContained && state != IncidentState::kClosed && !row.contained_at.known())
    row.contained_at = now;
  if (state == IncidentState::kRecovered && !row.recovered_at.known()) row.recovered_at = now;
}

std::string because(std::string_view why) { return why.empty() ? "" : ": " + std::string(why); }

std::string listed(const std::vector<std::string>& list) {
  std::string out;
  for (const std::string& item : list) out += (out.empty() ? "" : ", ") + item;
  return out.empty() ? "none" : out;
}

std::vector<model::JoinReason> by_hand(std::string_view why, std::string_view by) {
  model::JoinReason reason;
  reason.kind = "by_hand";
  reason.text = "put here by " + std::string(by) + because(why);
  return {reason};
}

}  // namespace

core::Result<LiveDesk::Work*> LiveDesk::open_work(Tables& tables, Batch& batch, Number id) {
  Work* work = TOCSIN_TRY(work_of(tables, batch, id));
  if (work->row.merged_into != 0) return invalid(named(id) + " became part of " + named(work->row.merged_into));
  if (work->row.state == IncidentState::kClosed) return invalid(named(id) + " is closed: reopen it first");
  return work;
}

core::Result<ledger::Incident> LiveDesk::one(Number id, const Doing& work) {
  const auto changed = TOCSIN_TRY(transact(work, false));
  for (const ledger::Incident& row : changed) {
    if (row.id == id || id == 0) return row;
  }
  return not_found("there is no incident " + std::to_string(id));
}

core::Result<ledger::Incident> LiveDesk::change(Number id, const Change& change, std::string_view by) {
  TOCSIN_TRY(check_change(change));
  return one(id, [&](Tables& tables, Batch& batch) -> core::Result<void> {
    ledger::Incident& row = TOCSIN_TRY(open_work(tables, batch, id))->row;
    if (change.expected_version && *change.expected_version != row.version) {
      return core::Error{core::ErrorCode::kDenied, named(id) + " was changed meanwhile: it has version " +
                                                       std::to_string(row.version) + ", not " +
                                                       std::to_string(*change.expected_version)};
    }
    if (change.title && *change.title != row.title) {
      TOCSIN_TRY(note(tables, id, by, "title", "title was \"" + row.title + "\""));
      row.title = *change.title;
      row.title_by_hand = true;
    }
    if (change.owner && *change.owner != row.owner) {
      TOCSIN_TRY(note(tables, id, by, "assigned", change.owner->empty() ? "given back" : "assigned to " + *change.owner));
      row.owner = *change.owner;
    }
    if (change.priority) {
      TOCSIN_TRY(
          note(tables, id, by, "priority",
               "priority " + row.priority + " to " + (change.priority->empty() ? "that of the score" : *change.priority),
               change.priority->empty() ? "" : priority_detail(row.priority, *change.priority)));
      row.priority_by_hand = !change.priority->empty();
      if (row.priority_by_hand) row.priority = *change.priority;
    }
    if ((change.tlp && *change.tlp != row.tlp) || (change.pap && *change.pap != row.pap)) {
      row.tlp = change.tlp.value_or(row.tlp);
      row.pap = change.pap.value_or(row.pap);
      TOCSIN_TRY(note(tables, id, by, "marking", "TLP " + row.tlp + ", PAP " + row.pap));
    }
    if (change.tags) {
      row.tags = *change.tags;
      TOCSIN_TRY(note(tables, id, by, "tags", "tags: " + listed(row.tags)));
    }
    if (change.state && *change.state != row.state) {
      TOCSIN_TRY(note(tables, id, by, "state",
                      std::string(model::to_string(row.state)) + " to " + model::to_string(*change.state),
                      std::string("{\"from\":\"") + model::to_string(row.state) + "\",\"to\":\"" +
                          model::to_string(*change.state) + "\"}"));
      enter(row, *change.state, clock_.now());
    }
    return {};
  });
}

// One decision for each rule of the incident, and for the rule on its main host.
core::Result<void> LiveDesk::decide(Tables& tables, Batch& batch, const ledger::Incident& row, int sign) {
  ledger::Decisions more;
  more.tenant = row.tenant;
  if (row.verdict == model::Verdict::kTruePositive) more.true_positive = sign;
  if (row.verdict == model::Verdict::kBenign) more.benign = sign;
  if (row.verdict == model::Verdict::kFalsePositive) more.false_positive = sign;
  if (more.true_positive == 0 && more.benign == 0 && more.false_positive == 0) return {};
  std::set<std::string> keys;
  for (const ledger::RuleCount& rule : TOCSIN_TRY(tables.rule_counts(row.id))) {
    keys.insert(rule.rule_id);
    if (!row.main_host.empty()) keys.insert(rule.rule_id + "|host:" + row.main_host);
  }
  for (const std::string& key : keys) {
    more.key = key;
    TOCSIN_TRY(tables.add_decisions(more));
    batch.decisions.push_back(more);
  }
  return {};
}

core::Result<ledger::Incident> LiveDesk::close(Number id, const Closing& closing, std::string_view by) {
  if (closing.verdict == model::Verdict::kNone) return invalid("closing asks for a verdict");
  const bool duplicate = closing.verdict == model::Verdict::kDuplicate;
  if (duplicate != (closing.duplicate_of != 0)) return invalid("a duplicate names the incident it is one of, others do not");
  if (closing.duplicate_of == id) return invalid("an incident is no duplicate of itself");
  return one(id, [&](Tables& tables, Batch& batch) -> core::Result<void> {
    ledger::Incident& row = TOCSIN_TRY(open_work(tables, batch, id))->row;
    if (duplicate) {
      const auto other = TOCSIN_TRY(tables.incident(closing.duplicate_of));
      if (!other || other->tenant != row.tenant) return not_found("there is no incident " + named(closing.duplicate_of));
      TOCSIN_TRY(tables.add_link({id, closing.duplicate_of, "duplicate", closing.cause, std::string(by), clock_.now()}));
    }
    row.verdict = closing.verdict;
    row.cause = closing.cause;
    row.closed_at = clock_.now();
    const std::string from = model::to_string(row.state);
    enter(row, IncidentState::kClosed, clock_.now());
    TOCSIN_TRY(decide(tables, batch, row, 1));
    TOCSIN_TRY(note(tables, id, by, "closed",
                    std::string("closed as ") + model::to_string(closing.verdict) + because(closing.cause),
                    "{\"from\":\"" + from + "\",\"verdict\":\"" + model::to_string(closing.verdict) + "\"}"));
    batch.after.emplace_back([id](Joiner& joiner) { joiner.close(id); });
    return {};
  });
}

core::Result<ledger::Incident> LiveDesk::reopen(Number id, std::string_view why, std::string_view by) {
  return one(id, [&](Tables& tables, Batch& batch) -> core::Result<void> {
    ledger::Incident& row = TOCSIN_TRY(work_of(tables, batch, id))->row;
    if (row.state != IncidentState::kClosed) return invalid(named(id) + " is not closed");
    // What was decided is taken back: the next closing decides again.
    TOCSIN_TRY(decide(tables, batch, row, -1));
    TOCSIN_TRY(note(tables, id, by, "reopened", std::string("reopened, was ") + model::to_string(row.verdict) + because(why),
                    std::string("{\"verdict\":\"") + model::to_string(row.verdict) + "\"}"));
    row.verdict = model::Verdict::kNone;
    row.cause.clear();
    row.closed_at = core::kNoTime;
    row.state = IncidentState::kInvestigating;
    batch.after.emplace_back([id](Joiner& joiner) { joiner.reopen(id); });
    return {};
  });
}

core::Result<ledger::Incident> LiveDesk::create(const NewIncident& incident, std::string_view by) {
  if (incident.title.empty()) return invalid("an incident needs a title");
  if (!incident.priority.empty() && !among(kPriorities, incident.priority)) return invalid("a priority is p1, p2, p3 or p4");
  if (incident.severity_id < 1 || incident.severity_id > 5) return invalid("a severity is 1 to 5");
  if (incident.findings.size() > kMaxMovedFindings) return invalid("these are too many findings");
  Number id = 0;
  const auto making = [&](Tables& tables, Batch& batch) NO_THREAD_CHECK -> core::Result<void> {
    ledger::Incident row;
    row.id = id = next_++;
    row.tenant = incident.tenant;
    row.site = incident.site;
    row.title = incident.title;
    row.title_by_hand = true;
    row.summary = incident.summary;
    row.priority = incident.priority;
    row.priority_by_hand = !incident.priority.empty();
    row.severity_id = incident.severity_id;
    row.first_event = row.last_event = incident.first_event;
    row.tags = incident.tags;
    row.opened_by = by;
    Work* work = TOCSIN_TRY(new_work(tables, batch, std::move(row)));
    TOCSIN_TRY(note(tables, id, by, "opened", "opened by hand"));
    TOCSIN_TRY(rate(tables, work->row, {}, {}));
    return incident.findings.empty() ? core::Result<void>()
                                     : move_rows(tables, batch, incident.findings, id, "opened with it", by);
  };
  const auto changed = transact(making, false);
  if (!changed.ok()) return changed.error();
  for (const ledger::Incident& row : *changed) {  // Those that its findings came from are among them.
    if (row.id == id) return row;
  }
  return not_found("there is no incident " + std::to_string(id));
}

core::Result<ledger::Incident> LiveDesk::merge(Number into, const std::vector<Number>& from, std::string_view why,
                                               std::string_view by) {
  if (from.empty() || from.size() > kMaxMerged)
    return invalid("1 to " + std::to_string(kMaxMerged) + " incidents are merged");
  return one(into, [&](Tables& tables, Batch& batch) -> core::Result<void> {
    const std::string tenant = TOCSIN_TRY(open_work(tables, batch, into))->row.tenant;
    for (const Number id : from) {
      if (id == into) return invalid("an incident is not merged with itself");
      if (TOCSIN_TRY(open_work(tables, batch, id))->row.tenant != tenant)
        return invalid(named(id) + " is of another tenant");
      TOCSIN_TRY(merge_rows(tables, batch, into, id, why, by));
      batch.after.emplace_back([into, id](Joiner& joiner) { joiner.merge(into, id); });
    }
    return {};
  });
}

core::Result<void> LiveDesk::move_rows(Tables& tables, Batch& batch, const std::vector<std::string>& findings, Number to,
                                       std::string_view why, std::string_view by) {
  Work* target = TOCSIN_TRY(open_work(tables, batch, to));
  const std::string reasons = reasons_json(by_hand(why, by));
  std::map<Number, std::int64_t> left;
  for (const std::string& id : findings) {
    const auto member = TOCSIN_TRY(tables.member(id));
    if (!member) {
      if (TOCSIN_TRY(tables.incident_with(id))) return invalid("finding " + id + " is counted on another one: move that");
      return not_found("finding " + id + " is in no incident");
    }
    if (member->incident == to) continue;
    Work* source = TOCSIN_TRY(open_work(tables, batch, member->incident));
    if (source->row.tenant != target->row.tenant) return invalid("finding " + id + " is of another tenant");
    TOCSIN_TRY(tables.move_member(id, to, reasons, by));
    source->row.finding_count -= member->folded;
    target->row.finding_count += member->folded;
    source->recount = true;
    target->recount = target->recount || target->fresh;
    ++left[source->row.id];
    const auto body = TOCSIN_TRY(tables.joining(id));
    Finding finding;
    if (body) finding = TOCSIN_TRY(read_body(*body, *member, source->row.tenant));
    finding.event_time = member->event_time;
    finding.severity_id = member->severity_id;
    finding.tactics = member->tactics;
    widen(target->row, finding);
    if (!body) continue;
    count_entities(*source, finding, -member->folded);
    count_entities(*target, finding, member->folded);
    const Number from = source->row.id;
    batch.after.emplace_back([finding, from, to](Joiner& joiner) { joiner.move(finding, from, to); });
  }
  for (const auto& [from, count] : left) {
    const std::string what = std::to_string(count) + (count == 1 ? " finding" : " findings");
    TOCSIN_TRY(note(tables, from, by, "moved", what + " moved to " + named(to) + because(why)));
    TOCSIN_TRY(note(tables, to, by, "moved", what + " moved here from " + named(from) + because(why)));
    TOCSIN_TRY(
        tables.add_link({from, to, "split", ledger_text(why, ledger::kMaxSentenceBytes), std::string(by), clock_.now()}));
    batch.after.emplace_back([one = from, to](Joiner& joiner) { joiner.keep_apart(one, to); });
  }
  return {};
}

core::Result<ledger::Incident> LiveDesk::split(Number from, const std::vector<std::string>& findings, std::string_view why,
                                               std::string_view by) {
  if (findings.empty() || findings.size() > kMaxMovedFindings) return invalid("name 1 to 10,000 findings to split off");
  Number id = 0;
  const auto changed = transact(
      [&](Tables& tables, Batch& batch) NO_THREAD_CHECK -> core::Result<void> {
        Work* source = TOCSIN_TRY(open_work(tables, batch, from));
        ledger::Incident row;
        row.id = id = next_++;
        row.tenant = source->row.tenant;
        row.site = source->row.site;
        row.tlp = source->row.tlp;
        row.pap = source->row.pap;
        row.opened_by = by;
        TOCSIN_TRY(new_work(tables, batch, std::move(row)));
        TOCSIN_TRY(note(tables, id, by, "split", "split from " + named(from) + because(why)));
        for (const std::string& finding : findings) {
          const auto member = TOCSIN_TRY(tables.member(finding));
          if (!member || member->incident != from) return not_found("finding " + finding + " is not in " + named(from));
        }
        TOCSIN_TRY(move_rows(tables, batch, findings, id, why, by));
        if (source->row.finding_count <= 0) return invalid("these are all findings of " + named(from));
        return {};
      },
      false);
  if (!changed.ok()) return changed.error();
  for (const ledger::Incident& row : *changed) {
    if (row.id == id) return row;
  }
  return not_found("there is no incident " + std::to_string(id));
}

core::Result<void> LiveDesk::move(const std::vector<std::string>& findings, Number to, std::string_view why,
                                  std::string_view by) {
  if (findings.empty() || findings.size() > kMaxMovedFindings) return invalid("name 1 to 10,000 findings to move");
  const auto done =
      transact([&](Tables& tables, Batch& batch) { return move_rows(tables, batch, findings, to, why, by); }, false);
  if (!done.ok()) return done.error();
  return {};
}

core::Result<void> LiveDesk::comment(Number id, std::string_view text, std::string_view by) {
  const auto done = one(id, [&](Tables& tables, Batch& batch) -> core::Result<void> {
    TOCSIN_TRY(work_of(tables, batch, id));
    ledger::IncidentComment comment;
    comment.incident = id;
    comment.at = clock_.now();
    comment.author = by;
    comment.text = text;
    const std::int64_t number = TOCSIN_TRY(tables.add_comment(comment));
    return note(tables, id, by, "comment", "commented", "{\"comment\":" + std::to_string(number) + "}");
  });
  if (!done.ok()) return done.error();
  return {};
}

core::Result<std::int64_t> LiveDesk::add_task(ledger::IncidentTask task, std::string_view by) {
  if (!among(kPhases, task.phase)) return invalid("a task's phase is investigate, contain, eradicate, recover or learn");
  std::int64_t id = 0;
  const auto done = one(task.incident, [&](Tables& tables, Batch& batch) -> core::Result<void> {
    TOCSIN_TRY(work_of(tables, batch, task.incident));
    if (task.position == 0) task.position = static_cast<std::int64_t>(TOCSIN_TRY(tables.tasks(task.incident)).size()) + 1;
    id = TOCSIN_TRY(tables.add_task(task));
    return note(tables, task.incident, by, "task", "task added: " + task.title);
  });
  if (!done.ok()) return done.error();
  return id;
}

core::Result<void> LiveDesk::change_task(const ledger::IncidentTask& task, std::string_view by) {
  const auto done = one(task.incident, [&](Tables& tables, Batch& batch) -> core::Result<void> {
    TOCSIN_TRY(work_of(tables, batch, task.incident));
    const auto tasks = TOCSIN_TRY(tables.tasks(task.incident));
    const auto before = std::find_if(tasks.begin(), tasks.end(), [&](const auto& row) { return row.id == task.id; });
    if (before == tasks.end()) return not_found(named(task.incident) + " has no such task");
    ledger::IncidentTask row = task;
    if (row.done != before->done) {
      row.done_at = row.done ? clock_.now() : core::kNoTime;
      row.done_by = row.done ? std::string(by) : std::string();
    }
    TOCSIN_TRY(tables.update_task(row));
    const char* what = row.done == before->done ? "task changed: " : row.done ? "task done: " : "task open again: ";
    return note(tables, task.incident, by, "task", what + row.title);
  });
  if (!done.ok()) return done.error();
  return {};
}

core::Result<std::int64_t> LiveDesk::annotate(ledger::IncidentNote row, std::string_view by) {
  if (!among(kLanes, row.lane)) return invalid("a note's lane is host, user, network or response");
  if (!row.event_time.known()) return invalid("a note needs a time");
  std::int64_t id = 0;
  const auto done = one(row.incident, [&](Tables& tables, Batch& batch) -> core::Result<void> {
    TOCSIN_TRY(work_of(tables, batch, row.incident));
    row.at = clock_.now();
    row.author = by;
    id = TOCSIN_TRY(tables.add_note(row));
    return note(tables, row.incident, by, "annotated", row.text);
  });
  if (!done.ok()) return done.error();
  return id;
}

core::Result<void> LiveDesk::watch(Number id, std::string_view user, bool on) {
  return ledger_.write([&](ledger::Tables& all) -> core::Result<void> {
    Tables tables(all);
    if (!TOCSIN_TRY(tables.incident(id))) return not_found("there is no incident " + named(id));
    return tables.watch(id, user, on);
  });
}

core::Result<ledger::Asset> LiveDesk::put_asset(ledger::Asset asset, std::string_view by) {
  const core::Lock lock(mutex_);
  const auto done = ledger_.write([&](ledger::Tables& all) -> core::Result<void> {
    Tables tables(all);
    // What was seen stays, unless it is told.
    if (const auto before = TOCSIN_TRY(tables.asset(asset.tenant, asset.kind, asset.key))) {
      if (!asset.first_seen.known()) asset.first_seen = before->first_seen;
      if (!asset.last_seen.known()) asset.last_seen = before->last_seen;
      if (asset.addresses.empty()) asset.addresses = before->addresses;
      if (asset.label.empty()) asset.label = before->label;
    }
    std::sort(asset.aliases.begin(), asset.aliases.end());
    asset.declared = true;
    asset.changed_at = clock_.now();
    asset.changed_by = by;
    asset.id = TOCSIN_TRY(tables.put_asset(asset));
    return {};
  });
  if (!done.ok()) return done.error();
  if (asset.kind == model::EntityKind::kHost && counted_ && joiner_) {
    for (const std::string& address : asset.addresses) {
      if (tells_of_one_host(address)) tell_address({asset.tenant, "", asset.key, address, asset.changed_at});
    }
    use_addresses();
  }
  return asset;
}

core::Result<std::vector<Desk::Similar>> LiveDesk::similar(Number id, std::size_t limit) {
  std::vector<Similar> out;
  const auto done = ledger_.read([&](ledger::Tables& all) -> core::Result<void> {
    Tables tables(all);
    const auto row = TOCSIN_TRY(tables.incident(id));
    if (!row) return not_found("there is no incident " + named(id));
    struct Shared {
      double weight = 0;
      std::vector<std::string> names;
    };
    std::map<Number, Shared> others;
    double whole = 0;
    for (const ledger::IncidentEntity& entity : TOCSIN_TRY(tables.entities(id, kTellingEntities))) {
      const auto incidents =
          TOCSIN_TRY(tables.incidents_of(row->tenant, entity.entity.kind, entity.entity.key, kIncidentsOfEntity));
      // The fewer incidents speak of it, the more it tells.
      const double weight = 1.0 / static_cast<double>(std::max<std::size_t>(1, incidents.size()));
      whole += weight;
      const std::string& label = entity.entity.label.empty() ? entity.entity.key : entity.entity.label;
      for (const Number other : incidents) {
        if (other == id) continue;
        others[other].weight += weight;
        others[other].names.push_back(std::string(model::to_string(entity.entity.kind)) + " " + label);
      }
    }
    std::vector<std::pair<double, Number>> ranked;
    for (const auto& [other, shared] : others) ranked.emplace_back(shared.weight / whole, other);
    std::sort(ranked.begin(), ranked.end(),
              [](const auto& a, const auto& b) { return a.first != b.first ? a.first > b.first : a.second > b.second; });
    if (ranked.size() > limit) ranked.resize(limit);
    for (const auto& [likeness, other] : ranked) {
      auto incident = TOCSIN_TRY(tables.incident(other));
      if (!incident) continue;
      auto names = others[other].names;
      const std::size_t more = names.size() > 5 ? names.size() - 5 : 0;
      names.resize(names.size() - more);
      out.push_back({std::move(*incident), likeness,
                     "shares " + listed(names) + (more > 0 ? " and " + std::to_string(more) + " more" : "")});
    }
    return {};
  });
  if (!done.ok()) return done.error();
  return out;
}

}  // namespace tocsin::triage
