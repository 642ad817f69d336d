// Rules of automatic triage and task templates, applied; and what people do with them.
//
// What a person decided stands: a priority set by hand, an owner, an incident somebody works on are left as they are.
#include <simdjson.h>

#include <algorithm>

#include "core/json_writer.h"
#include "triage/desk/live_desk.h"

namespace tocsin::triage {
namespace {

using model::IncidentState;

constexpr std::int64_t kAskedEntities = 400;
constexpr std::int64_t kAskedHistory = 500;
constexpr std::size_t kMaxTags = 50;
constexpr std::int64_t kDryRunPage = 50;  // In one transaction: others use the ledger too.

core::Error invalid(std::string text) { return {core::ErrorCode::kInvalid, std::move(text)}; }
core::Error not_found(std::string text) { return {core::ErrorCode::kNotFound, std::move(text)}; }
std::string named(ledger::IncidentNumber id) { return "INC-" + std::to_string(id); }
std::string listed(const std::vector<std::string>& list) {
  std::string out;
  for (const std::string& item : list) out += (out.empty() ? "" : "; ") + item;
  return out;
}

// p1 is the most urgent.
std::string stepped(const std::string& priority, int down) {
  const int now = priority.size() == 2 ? priority[1] - '0' : 4;
  return "p" + std::to_string(std::clamp(now + down, 1, 4));
}

// What an automatic decision changed: the detail of its history, by which it is undone.
struct Decided {
  bool priority = false, priority_was_by_hand = false, owner = false, closed = false;
  std::string priority_before, priority_after, owner_after, state_before;
  std::vector<std::string> tags_added;
  [[nodiscard]] bool any() const { return priority || owner || closed || !tags_added.empty(); }
};

std::string detail_of(const AutoRule& rule, const Decided& decided) {
  std::string out;
  core::JsonWriter json(out);
  json.begin_object().member("rule", rule.id).member("title", ledger_text(rule.title, 400)).key("before").begin_object();
  if (decided.priority) {
    json.member("priority", decided.priority_before);
    json.key("priority_by_hand").boolean(decided.priority_was_by_hand);
  }
  if (decided.owner) json.member("owner", "");
  if (decided.closed) json.member("state", decided.state_before);
  json.end_object().key("after").begin_object();
  if (decided.priority) json.member("priority", decided.priority_after);
  if (decided.owner) json.member("owner", decided.owner_after);
  if (decided.closed) json.member("state", "closed");
  json.end_object().key("tags_added").begin_array();
  for (const std::string& tag : decided.tags_added) json.text(tag);
  json.end_array().end_object();
  return out;
}

std::string text_at(const simdjson::dom::element& root, const char* pointer) {
  std::string_view text;
  return root.at_pointer(pointer).get(text) == simdjson::SUCCESS ? std::string(text) : std::string();
}
std::optional<Decided> read_detail(const std::string& detail) {
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  if (parser.parse(detail).get(root) != simdjson::SUCCESS) return std::nullopt;
  Decided out;
  out.priority_before = text_at(root, "/before/priority");
  out.priority_after = text_at(root, "/after/priority");
  out.priority = !out.priority_after.empty();
  bool by_hand = false;
  if (root.at_pointer("/before/priority_by_hand").get(by_hand) == simdjson::SUCCESS) out.priority_was_by_hand = by_hand;
  out.owner_after = text_at(root, "/after/owner");
  out.owner = !out.owner_after.empty();
  out.state_before = text_at(root, "/before/state");
  out.closed = !out.state_before.empty();
  simdjson::dom::array tags;
  if (root.at_pointer("/tags_added").get(tags) == simdjson::SUCCESS) {
    for (const auto tag : tags) {
      std::string_view text;
      if (tag.get(text) == simdjson::SUCCESS) out.tags_added.emplace_back(text);
    }
  }
  return out;
}

// Who set the priority that stands: a person, or the automatic decision that is answered.
struct PriorityBy {
  bool person = true;
  Decided decided;
};
core::Result<PriorityBy> priority_by(ledger::IncidentTables& tables, ledger::IncidentNumber id) {
  const auto history = TOCSIN_TRY(tables.history(id, kAskedHistory));
  for (auto entry = history.rbegin(); entry != history.rend(); ++entry) {
    if (entry->action == "priority") break;
    if (entry->action != "automatic") continue;
    auto decided = read_detail(entry->detail);
    if (decided && decided->priority) return PriorityBy{false, std::move(*decided)};
  }
  return PriorityBy{};
}

core::Result<bool> can_work(ledger::Tables& all, const std::string& user, const std::string& tenant) {
  const auto found = TOCSIN_TRY(all.user_named(user));
  if (!found || !found->enabled || found->role == "viewer") return false;
  return found->tenants.empty() || std::find(found->tenants.begin(), found->tenants.end(), tenant) != found->tenants.end();
}

}  // namespace

core::Result<bool> LiveDesk::rule_holds(Tables& tables, const Conditions& when, const ledger::Incident& row, Facts& facts) {
  if (!row_holds(when, row)) return false;
  if (needs_rules(when) && !facts.rules) facts.rules = TOCSIN_TRY(tables.rule_counts(row.id));
  if (needs_entities(when) && !facts.entities) {
    facts.entities.emplace();
    for (ledger::IncidentEntity& one : TOCSIN_TRY(tables.entities(row.id, kAskedEntities))) {
      auto asset = TOCSIN_TRY(tables.asset(row.tenant, one.entity.kind, one.entity.key));
      facts.entities->push_back({std::move(one.entity), std::move(asset)});
    }
  }
  static const std::vector<ledger::RuleCount> kNoRules;
  static const std::vector<IncidentFacts::EntityFact> kNoEntities;
  return hold(when, {row, facts.rules ? *facts.rules : kNoRules, facts.entities ? *facts.entities : kNoEntities});
}

bool LiveDesk::is_enabled(const AutoRule& rule) const {
  const auto state = rule_states_.find(rule.id);
  return state == rule_states_.end() ? rule.enabled : state->second;
}

// A priority that a rule raised rises further with the score; one that a person set does not.
core::Result<void> LiveDesk::follow_score(Tables& tables, ledger::Incident& row) {
  if (!row.priority_by_hand) return {};
  const std::string scored = priority_of(*options_.scoring, row.score);
  if (scored >= row.priority) return {};
  const PriorityBy by = TOCSIN_TRY(priority_by(tables, row.id));
  if (!by.person && by.decided.priority_after < by.decided.priority_before) row.priority = scored;
  return {};
}

core::Result<void> LiveDesk::apply_rules(Tables& tables, Batch& batch, Work& work) {
  ledger::Incident& row = work.row;
  if (row.merged_into != 0 || row.state == IncidentState::kClosed || automatic_->rules.empty()) return {};
  TOCSIN_TRY(follow_score(tables, row));
  ledger::TuningTables tuning(*batch.all);
  std::map<std::string, ledger::TriageRuleUse> uses;
  if (!work.fresh) {
    for (ledger::TriageRuleUse& use : TOCSIN_TRY(tuning.uses(row.id))) uses.emplace(use.rule_id, std::move(use));
  }
  Facts facts;
  for (const AutoRule& rule : automatic_->rules) {
    if (!is_enabled(rule)) continue;
    auto& use =
        uses.try_emplace(rule.id, ledger::TriageRuleUse{row.id, rule.id, false, false, 0, core::kNoTime}).first->second;
    if (use.reverted) continue;
    const bool holds = TOCSIN_TRY(rule_holds(tables, rule.when, row, facts));
    if (holds == use.holds) continue;
    use.holds = holds;
    if (holds) {
      const bool waits =
          !options_.automatic_close && std::all_of(rule.outcomes.begin(), rule.outcomes.end(),
                                                   [](const Outcome& one) { return one.kind == Outcome::Kind::kClose; });
      if (waits) continue;
      if (TOCSIN_TRY(apply_rule(tables, batch, work, rule))) {
        ++use.times;
        use.last_at = clock_.now();
      }
    }
    TOCSIN_TRY(tuning.put_use(use));
    if (row.state == IncidentState::kClosed) return {};
  }
  return {};
}

core::Result<bool> LiveDesk::apply_rule(Tables& tables, Batch& batch, Work& work, const AutoRule& rule) {
  ledger::Incident& row = work.row;
  Decided decided;
  std::vector<std::string> said;
  for (const Outcome& outcome : rule.outcomes) {
    switch (outcome.kind) {
      case Outcome::Kind::kRaise:
      case Outcome::Kind::kLower:
      case Outcome::Kind::kPriority: {
        const std::string wanted =
            outcome.kind == Outcome::Kind::kPriority
                ? outcome.value
                : stepped(row.priority, outcome.kind == Outcome::Kind::kRaise ? -outcome.steps : outcome.steps);
        if (wanted == row.priority) break;
        if (row.priority_by_hand && !decided.priority && TOCSIN_TRY(priority_by(tables, row.id)).person) break;
        if (!decided.priority) {
          decided.priority = true;
          decided.priority_before = row.priority;
          decided.priority_was_by_hand = row.priority_by_hand;
        }
        said.push_back("priority " + row.priority + " to " + wanted);
        row.priority = decided.priority_after = wanted;
        row.priority_by_hand = true;
        break;
      }
      case Outcome::Kind::kTag:
        if (row.tags.size() >= kMaxTags || std::find(row.tags.begin(), row.tags.end(), outcome.value) != row.tags.end())
          break;
        row.tags.push_back(outcome.value);
        decided.tags_added.push_back(outcome.value);
        said.push_back("tagged " + outcome.value);
        break;
      case Outcome::Kind::kAssign:
        if (!row.owner.empty()) break;
        if (!TOCSIN_TRY(can_work(*batch.all, outcome.value, row.tenant))) {
          said.push_back("not assigned to " + outcome.value + ", who cannot work on it");
          break;
        }
        row.owner = decided.owner_after = outcome.value;
        decided.owner = true;
        said.push_back("assigned to " + outcome.value);
        break;
      case Outcome::Kind::kClose:
        if (!options_.automatic_close || row.state != IncidentState::kNew || (!row.owner.empty() && !decided.owner)) break;
        decided.closed = true;
        decided.state_before = model::to_string(row.state);
        row.state = IncidentState::kClosed;
        row.verdict = model::Verdict::kBenign;
        row.cause = outcome.value;
        row.closed_at = clock_.now();
        TOCSIN_TRY(decide(tables, batch, row, 1));
        batch.after.emplace_back([id = row.id](Joiner& joiner) { joiner.close(id); });
        said.push_back("closed as benign: " + outcome.value);
        break;
    }
    if (decided.closed) break;
  }
  if (!said.empty()) {
    TOCSIN_TRY(note(tables, row.id, "rule:" + rule.id, "automatic", listed(said) + " (" + rule.title + ")",
                    detail_of(rule, decided)));
  }
  return decided.any();
}

core::Result<void> LiveDesk::add_template_tasks(Tables& tables, Work& work) {
  if (!options_.templates || options_.templates->templates.empty()) return {};
  Facts facts;
  std::vector<std::string> used;
  std::set<std::string> there;
  for (const ledger::IncidentTask& task : TOCSIN_TRY(tables.tasks(work.row.id))) there.insert(task.title);
  auto position = static_cast<std::int64_t>(there.size());
  std::size_t added = 0;
  for (const TaskTemplate& one : options_.templates->templates) {
    if (!TOCSIN_TRY(rule_holds(tables, one.when, work.row, facts))) continue;
    const std::size_t before = added;
    for (const TaskTemplate::Task& wanted : one.tasks) {
      if (position >= ledger::kMaxTasksPerIncident || !there.insert(wanted.title).second) continue;
      ledger::IncidentTask task;
      task.incident = work.row.id;
      task.title = wanted.title;
      task.phase = wanted.phase;
      task.position = ++position;
      TOCSIN_TRY(tables.add_task(task));
      ++added;
    }
    if (added > before) used.push_back(one.title);
  }
  if (added == 0) return {};
  return note(tables, work.row.id, "engine", "task",
              std::to_string(added) + (added == 1 ? " task" : " tasks") + " by template: " + listed(used));
}

std::vector<Automatic::RuleView> LiveDesk::rules() const {
  const core::Lock lock(mutex_);
  std::vector<RuleView> out;
  for (const AutoRule& rule : automatic_->rules) {
    RuleView view{rule.id, rule.title, rule.description, rule.when.text, rule.path, {}, is_enabled(rule), {}};
    for (const Outcome& outcome : rule.outcomes) {
      view.outcomes.push_back(outcome.text);
      if (outcome.kind == Outcome::Kind::kClose && !options_.automatic_close)
        view.problem = "it does not close anything: triage.automatic_close is off";
    }
    out.push_back(std::move(view));
  }
  for (const AutoRuleProblem& problem : automatic_->problems)
    out.push_back({{}, problem.path, {}, {}, problem.path, {}, false, problem.text});
  if (options_.templates) {
    for (const AutoRuleProblem& problem : options_.templates->problems)
      out.push_back({{}, problem.path, {}, {}, problem.path, {}, false, problem.text});
  }
  return out;
}

void LiveDesk::set_rules(std::shared_ptr<const AutoRules> rules) {
  const core::Lock lock(mutex_);
  automatic_ = std::move(rules);
}

core::Result<void> LiveDesk::enable(std::string_view rule, bool on, std::string_view by) {
  const core::Lock lock(mutex_);
  const std::string id(rule);
  if (std::none_of(automatic_->rules.begin(), automatic_->rules.end(), [&](const AutoRule& one) { return one.id == id; }))
    return not_found("there is no rule " + id);
  const auto done = ledger_.write([&](ledger::Tables& all) {
    return ledger::TuningTables(all).set_triage_rule_state({id, on, std::string(by), clock_.now()});
  });
  if (done.ok()) rule_states_[id] = on;
  return done;
}

core::Result<Automatic::DryRunResult> LiveDesk::dry_run(const DryRun& asked) {
  std::shared_ptr<const AutoRules> rules;
  if (!asked.yaml.empty()) {
    rules = read_auto_rules({{"rule.yml", asked.yaml}});
    if (!rules->problems.empty()) return invalid(rules->problems.front().text);
    if (rules->rules.size() != 1) return invalid("expected one rule, there are " + std::to_string(rules->rules.size()));
  } else {
    const core::Lock lock(mutex_);
    rules = automatic_;
  }
  const auto rule = std::find_if(rules->rules.begin(), rules->rules.end(),
                                 [&](const AutoRule& one) { return !asked.yaml.empty() || one.id == asked.rule; });
  if (rule == rules->rules.end()) return not_found("there is no rule " + asked.rule);
  DryRunResult out;
  ledger::IncidentQuery query;
  query.tenants = asked.tenants;
  query.with_closed = true;
  query.from = asked.from;
  query.order = ledger::IncidentQuery::Order::kNewest;
  query.limit = kDryRunPage;
  bool more = true;
  while (more && out.looked_at < kMaxDryRunIncidents) {
    const auto done = ledger_.read([&](ledger::Tables& all) -> core::Result<void> {
      Tables tables(all);
      const auto page = TOCSIN_TRY(tables.incidents(query));
      for (const ledger::Incident& row : page.items) {
        ++out.looked_at;
        Facts facts;
        if (!TOCSIN_TRY(rule_holds(tables, rule->when, row, facts))) continue;
        if (out.matches.size() >= kMaxDryRunMatches) {
          out.complete = false;
          continue;
        }
        DryRunResult::Match match{row.id, row.title, {}};
        for (const Outcome& outcome : rule->outcomes) match.outcomes.push_back(outcome.text);
        out.matches.push_back(std::move(match));
      }
      query.offset += kDryRunPage;
      more = query.offset < page.total;
      return {};
    });
    if (!done.ok()) return done.error();
  }
  out.complete = out.complete && !more;
  return out;
}

core::Result<ledger::Incident> LiveDesk::revert(Number id, std::int64_t sequence, std::string_view by) {
  return one(id, [&](Tables& tables, Batch& batch) -> core::Result<void> {
    ledger::TuningTables tuning(*batch.all);
    const auto entry = TOCSIN_TRY(tuning.history_entry(sequence));
    if (!entry || entry->incident != id)
      return not_found(named(id) + " has no entry " + std::to_string(sequence) + " in its history");
    const auto decided = entry->action == "automatic" ? read_detail(entry->detail) : std::nullopt;
    if (!decided || !entry->actor.starts_with("rule:"))
      return invalid("this was no automatic decision: it cannot be undone");
    const auto undone = TOCSIN_TRY(tuning.reverted(id));
    if (std::find(undone.begin(), undone.end(), sequence) != undone.end()) return invalid("this was undone before");
    ledger::Incident& row = TOCSIN_TRY(work_of(tables, batch, id))->row;
    if (row.merged_into != 0) return invalid(named(id) + " became part of " + named(row.merged_into));
    std::vector<std::string> said;
    if (decided->closed && row.state == IncidentState::kClosed) {
      TOCSIN_TRY(decide(tables, batch, row, -1));
      row.state = model::parse_incident_state(decided->state_before).value_or(IncidentState::kNew);
      row.verdict = model::Verdict::kNone;
      row.cause.clear();
      row.closed_at = core::kNoTime;
      batch.after.emplace_back([id](Joiner& joiner) { joiner.reopen(id); });
      said.emplace_back("open again");
    }
    if (decided->priority && row.priority == decided->priority_after && row.priority_by_hand) {
      row.priority = decided->priority_before;
      row.priority_by_hand = decided->priority_was_by_hand;
      if (!row.priority_by_hand && row.finding_count > 0) row.priority = priority_of(*options_.scoring, row.score);
      said.push_back("priority " + row.priority);
    }
    if (decided->owner && row.owner == decided->owner_after) {
      row.owner.clear();
      said.emplace_back("given back");
    }
    for (const std::string& tag : decided->tags_added) {
      if (std::erase(row.tags, tag) > 0) said.push_back("not tagged " + tag);
    }
    const std::string rule = entry->actor.substr(std::string_view("rule:").size());
    ledger::TriageRuleUse use{id, rule, true, true, 0, entry->at};
    for (const ledger::TriageRuleUse& one : TOCSIN_TRY(tuning.uses(id))) {
      if (one.rule_id == rule) use = one;
    }
    use.reverted = true;
    TOCSIN_TRY(tuning.put_use(use));
    TOCSIN_TRY(tuning.set_reverted(sequence, by, clock_.now()));
    return note(tables, id, by, "reverted",
                "undid what the rule " + rule +
                    " did: " + (said.empty() ? std::string("nothing, all of it was changed since") : listed(said)),
                "{\"sequence\":" + std::to_string(sequence) + "}");
  });
}

}  // namespace tocsin::triage
