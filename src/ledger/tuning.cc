#include "ledger/tuning.h"

#include "ledger/connection.h"
#include "ledger/incident_columns.h"

namespace tocsin::ledger {
namespace {

struct SuppressionColumns {
  Suppression row;
  long long id = 0, enabled = 0, created = 0, expires = 0, ended = 0, changed = 0;
  void exchange(soci::statement& s) {
    for (std::string* text : {&row.tenant, &row.title, &row.rule_id, &row.rule_title, &row.fields, &row.yaml, &row.reason,
                              &row.author, &row.ended_by, &row.changed_by}) {
      s.exchange(soci::into(*text));
    }
    for (long long* value : {&id, &enabled, &created, &expires, &ended, &changed}) s.exchange(soci::into(*value));
  }
  Suppression take() {
    row.id = id;
    row.enabled = enabled != 0;
    row.created_at.ns = created;
    row.expires_at.ns = expires;
    row.ended_at.ns = ended;
    row.changed_at.ns = changed;
    return row;
  }
};
const std::string kSelect =
    "select tenant, title, rule_id, rule_title, fields, yaml, reason, author, ended_by, changed_by, id, enabled, "
    "created_at, "
    "expires_at, ended_at, changed_at from suppressions ";

struct StateColumns {
  TriageRuleState row;
  long long enabled = 0, changed = 0;
  void exchange(soci::statement& s) {
    for (std::string* text : {&row.rule_id, &row.changed_by}) s.exchange(soci::into(*text));
    for (long long* value : {&enabled, &changed}) s.exchange(soci::into(*value));
  }
  TriageRuleState take() {
    row.enabled = enabled != 0;
    row.changed_at.ns = changed;
    return row;
  }
};

struct UseColumns {
  TriageRuleUse row;
  long long incident = 0, holds = 0, reverted = 0, times = 0, last = 0;
  void exchange(soci::statement& s) {
    s.exchange(soci::into(row.rule_id));
    for (long long* value : {&incident, &holds, &reverted, &times, &last}) s.exchange(soci::into(*value));
  }
  TriageRuleUse take() {
    row.incident = incident;
    row.holds = holds != 0;
    row.reverted = reverted != 0;
    row.times = times;
    row.last_at.ns = last;
    return row;
  }
};

struct HitsColumns {
  TriageRuleHits row;
  long long hits = 0, last = 0;
  void exchange(soci::statement& s) {
    s.exchange(soci::into(row.rule_id));
    for (long long* value : {&hits, &last}) s.exchange(soci::into(*value));
  }
  TriageRuleHits take() {
    row.hits = hits;
    row.last_at.ns = last;
    return row;
  }
};

core::Result<void> check(const Suppression& row) {
  for (const std::string* name : {&row.tenant, &row.rule_id, &row.author, &row.ended_by, &row.changed_by}) {
    TOCSIN_TRY(check_text("a name of a suppression", *name, kMaxSentenceBytes));
  }
  TOCSIN_TRY(check_text("a suppression's title", row.title, kMaxTitleBytes));
  TOCSIN_TRY(check_text("a rule's title", row.rule_title, kMaxSentenceBytes));
  TOCSIN_TRY(check_text("a suppression's reason", row.reason, kMaxReasonBytes));
  TOCSIN_TRY(check_text("a suppression's fields", row.fields, kMaxSuppressionBytes));
  return check_text("a suppression", row.yaml, kMaxSuppressionBytes);
}

}  // namespace

Connection& TuningTables::connection() { return tables_.connection_; }

core::Result<SuppressionId> TuningTables::insert_suppression(const Suppression& row) {
  TOCSIN_TRY(check(row));
  return guarded([&]() -> core::Result<SuppressionId> {
    Connection& all = connection();
    if (count(all, "select count(*) from suppressions") >= kMaxSuppressions)
      return core::Error{core::ErrorCode::kLimit, "there are as many suppressions as are kept, with those that ended"};
    if (count(all, "select count(*) from suppressions where ended_at = :a and expires_at > :b", number(core::kNoTime.ns),
              number(row.created_at.ns)) >= kMaxSuppressionsInForce) {
      return core::Error{core::ErrorCode::kLimit, "as many suppressions are in force as may be: end some first"};
    }
    change(
        all,
        "insert into suppressions (tenant, title, rule_id, rule_title, fields, yaml, reason, author, enabled, created_at, "
        "expires_at, ended_at, ended_by, changed_at, changed_by) values (:a, :b, :c, :d, :e, :f, :g, :h, :i, :j, :k, :l, "
        ":m, :n, :o)",
        row.tenant, row.title, row.rule_id, row.rule_title, row.fields, row.yaml, row.reason, row.author,
        number(row.enabled), number(row.created_at.ns), number(row.expires_at.ns), number(core::kNoTime.ns), row.ended_by,
        number(row.changed_at.ns), row.changed_by);
    return last_id(all);
  });
}

core::Result<void> TuningTables::update_suppression(const Suppression& row) {
  TOCSIN_TRY(check(row));
  return guarded([&]() -> core::Result<void> {
    if (change(connection(),
               "update suppressions set enabled = :a, reason = :b, expires_at = :c, ended_at = :d, ended_by = :e, "
               "changed_at = :f, changed_by = :g where id = :h",
               number(row.enabled), row.reason, number(row.expires_at.ns), number(row.ended_at.ns), row.ended_by,
               number(row.changed_at.ns), row.changed_by, number(row.id)) == 0) {
      return core::Error{core::ErrorCode::kNotFound, "there is no suppression " + std::to_string(row.id)};
    }
    return {};
  });
}

core::Result<std::optional<Suppression>> TuningTables::suppression(SuppressionId id) {
  return guarded([&]() -> core::Result<std::optional<Suppression>> {
    return first<SuppressionColumns>(connection(), kSelect + "where id = :a", number(id));
  });
}
core::Result<std::vector<Suppression>> TuningTables::suppressions() {
  return guarded([&]() -> core::Result<std::vector<Suppression>> {
    return select<SuppressionColumns>(connection(), kSelect + "order by id desc");
  });
}
core::Result<std::vector<Suppression>> TuningTables::suppressions_after(core::Timestamp time) {
  return guarded([&]() -> core::Result<std::vector<Suppression>> {
    return select<SuppressionColumns>(connection(), kSelect + "where ended_at = :a and expires_at > :b order by id",
                                      number(core::kNoTime.ns), number(time.ns));
  });
}

core::Result<void> TuningTables::set_triage_rule_state(const TriageRuleState& row) {
  TOCSIN_TRY(check_text("a rule's id", row.rule_id, kMaxNameBytes));
  TOCSIN_TRY(check_text("a user's name", row.changed_by, kMaxNameBytes));
  return guarded([&]() -> core::Result<void> {
    change(connection(),
           "insert into triage_rule_states (rule_id, enabled, changed_by, changed_at) values (:a, :b, :c, :d) on conflict "
           "(rule_id) do update set enabled = excluded.enabled, changed_by = excluded.changed_by, changed_at = "
           "excluded.changed_at",
           row.rule_id, number(row.enabled), row.changed_by, number(row.changed_at.ns));
    return {};
  });
}
core::Result<std::vector<TriageRuleState>> TuningTables::triage_rule_states() {
  return guarded([&]() -> core::Result<std::vector<TriageRuleState>> {
    return select<StateColumns>(connection(),
                                "select rule_id, changed_by, enabled, changed_at from triage_rule_states order by rule_id");
  });
}

core::Result<void> TuningTables::put_use(const TriageRuleUse& row) {
  TOCSIN_TRY(check_text("a rule's id", row.rule_id, kMaxNameBytes));
  return guarded([&]() -> core::Result<void> {
    change(connection(),
           "insert into triage_rule_uses (incident, rule_id, holds, reverted, times, last_at) values (:a, :b, :c, :d, :e, "
           ":f) on conflict (incident, rule_id) do update set holds = excluded.holds, reverted = excluded.reverted, times = "
           "excluded.times, last_at = excluded.last_at",
           number(row.incident), row.rule_id, number(row.holds), number(row.reverted), number(row.times),
           number(row.last_at.ns));
    return {};
  });
}
core::Result<std::vector<TriageRuleUse>> TuningTables::uses(IncidentNumber incident) {
  return guarded([&]() -> core::Result<std::vector<TriageRuleUse>> {
    return select<UseColumns>(connection(),
                              "select rule_id, incident, holds, reverted, times, last_at from triage_rule_uses where "
                              "incident = :a order by rule_id",
                              number(incident));
  });
}
core::Result<std::vector<TriageRuleHits>> TuningTables::triage_rule_hits(const std::vector<std::string>& tenants) {
  return guarded([&]() -> core::Result<std::vector<TriageRuleHits>> {
    Parameters parameters;
    std::string where = "where u.times > 0";
    for (std::size_t i = 0; i < tenants.size(); ++i)
      where += (i == 0 ? " and i.tenant in (" : ", ") + parameters.add(std::string_view(tenants[i]));
    if (!tenants.empty()) where += ")";
    return select_with<HitsColumns>(
        connection(),
        "select u.rule_id, sum(u.times), max(u.last_at) from triage_rule_uses u join incidents i "
        "on i.id = u.incident " +
            where + " group by u.rule_id order by u.rule_id",
        parameters);
  });
}

core::Result<std::optional<IncidentHistory>> TuningTables::history_entry(std::int64_t sequence) {
  return guarded([&]() -> core::Result<std::optional<IncidentHistory>> {
    return first<HistoryColumns>(connection(),
                                 "select actor, action, text, detail, sequence, incident, at from incident_history where "
                                 "sequence = :a",
                                 number(sequence));
  });
}
core::Result<void> TuningTables::set_reverted(std::int64_t sequence, std::string_view by, core::Timestamp at) {
  TOCSIN_TRY(check_text("a user's name", by, kMaxNameBytes));
  return guarded([&]() -> core::Result<void> {
    change(connection(), "insert into triage_reverted (sequence, reverted_by, at) values (:a, :b, :c)", number(sequence),
           std::string(by), number(at.ns));
    return {};
  });
}
core::Result<std::vector<std::int64_t>> TuningTables::reverted(IncidentNumber incident) {
  return guarded([&]() -> core::Result<std::vector<std::int64_t>> {
    return select<NumberColumn>(
        connection(),
        "select r.sequence from triage_reverted r join incident_history h on h.sequence = r.sequence "
        "where h.incident = :a order by r.sequence",
        number(incident));
  });
}

}  // namespace tocsin::ledger
