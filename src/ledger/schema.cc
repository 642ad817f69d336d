#include "ledger/schema.h"

#include <array>

namespace tocsin::ledger {
namespace {

constexpr auto kVersion1 = std::to_array<const char*>({
    "create table users (id integer primary key autoincrement, name text not null unique, display_name text not null, "
    "password_hash text not null, role text not null, tenants text not null, enabled bigint not null, "
    "totp_sealed text not null, totp_pending text not null, created_at bigint not null, "
    "password_changed_at bigint not null, last_login_at bigint not null)",
    "create table sessions (token_hash text primary key, user_id bigint not null references users(id), "
    "created_at bigint not null, seen_at bigint not null, expires_at bigint not null, address text not null, "
    "agent text not null) without rowid",
    "create index sessions_user on sessions(user_id)",
    "create table api_tokens (id integer primary key autoincrement, user_id bigint not null references users(id), "
    "name text not null, token_hash text not null unique, scopes text not null, created_at bigint not null, "
    "expires_at bigint not null, used_at bigint not null)",
    "create index api_tokens_user on api_tokens(user_id)",
    "create table sources (id integer primary key autoincrement, name text not null unique, kind text not null, "
    "tenant text not null, site text not null, config text not null, token_hash text not null, enabled bigint not null, "
    "created_at bigint not null, changed_at bigint not null)",
    "create unique index sources_token on sources(token_hash) where token_hash <> ''",
    "create table rule_states (rule_id text primary key, mode text not null check (mode in ('off', 'draft', 'on')), "
    "changed_by text not null, changed_at bigint not null) without rowid",
    "create table saved_searches (id integer primary key autoincrement, owner bigint not null references users(id), "
    "name text not null, query text not null, shared bigint not null, changed_at bigint not null, unique (owner, name))",
    "create table settings (key text primary key, value text not null, changed_by text not null, "
    "changed_at bigint not null) without rowid",
    "create table audit (sequence integer primary key, time bigint not null, actor text not null, action text not null, "
    "object text not null, address text not null, detail text not null, previous_hash text not null, hash text not null)",
});

// The second factor's replay guard and recovery codes, addresses a user has logged in from, the end of the audit trail.
constexpr auto kVersion2 = std::to_array<const char*>({
    "alter table users add column totp_last_step bigint not null default 0",
    "create table recovery_codes (user_id bigint not null references users(id), code_hash text not null, "
    "primary key (user_id, code_hash)) without rowid",
    "create table known_addresses (user_id bigint not null references users(id), address text not null, "
    "seen_at bigint not null, primary key (user_id, address)) without rowid",
    "create table audit_head (only_row integer primary key check (only_row = 1), sequence bigint not null, "
    "hash text not null)",
    "insert into audit_head select 1, sequence, hash from audit order by sequence desc limit 1",
});

// Incidents and the work on them, assets, decisions. Members, history and the incidents themselves are never removed.
constexpr auto kVersion3 = std::to_array<const char*>({
    "create table incidents (id integer primary key, tenant text not null, site text not null, title text not null, "
    "summary text not null, title_by_hand bigint not null, state text not null, verdict text not null, cause text not null, "
    "severity_id bigint not null, score double not null, score_parts text not null, priority text not null, "
    "priority_by_hand bigint not null, owner text not null, tlp text not null, pap text not null, tags text not null, "
    "tactics text not null, techniques text not null, finding_count bigint not null, host_count bigint not null, "
    "user_count bigint not null, rule_count bigint not null, main_host text not null, main_user text not null, "
    "opened_by text not null, merged_into bigint not null, version bigint not null, first_event bigint not null, "
    "last_event bigint not null, created_at bigint not null, changed_at bigint not null, acknowledged_at bigint not null, "
    "contained_at bigint not null, recovered_at bigint not null, closed_at bigint not null)",
    // The queue: what is open is few beside what was ever there.
    "create index incidents_open_score on incidents(score desc, id desc) where state <> 'closed' and merged_into = 0",
    "create index incidents_open_event on incidents(last_event, id) where state <> 'closed' and merged_into = 0",
    "create index incidents_score on incidents(score desc, id desc) where merged_into = 0",
    "create index incidents_event on incidents(last_event, id) where merged_into = 0",
    "create table incident_members (finding text primary key, incident bigint not null references incidents(id), "
    "event_time bigint not null, detected_at bigint not null, joined_at bigint not null, rule_id text not null, "
    "rule_title text not null, host text not null, user text not null, source text not null, severity_id bigint not null, "
    "tactics text not null, reasons text not null, added_by text not null, folded bigint not null)",
    "create index incident_members_time on incident_members(incident, event_time, finding)",
    "create table incident_folded (finding text primary key, member text not null references incident_members(finding), "
    "event_time bigint not null, detected_at bigint not null) without rowid",
    "create index incident_folded_member on incident_folded(member, event_time)",
    // What joining needs again after a restart, for as long as it looks back.
    "create table incident_joining (finding text primary key, event_time bigint not null, body text not null)",
    "create index incident_joining_time on incident_joining(event_time)",
    "create table incident_entities (incident bigint not null references incidents(id), kind text not null, "
    "key text not null, role text not null, label text not null, first bigint not null, last bigint not null, "
    "findings bigint not null, primary key (incident, kind, key)) without rowid",
    "create index incident_entities_key on incident_entities(kind, key, incident)",
    "create table incident_history (sequence integer primary key autoincrement, incident bigint not null "
    "references incidents(id), at bigint not null, actor text not null, action text not null, text text not null, "
    "detail text not null)",
    "create index incident_history_incident on incident_history(incident, sequence)",
    "create trigger incident_history_kept before update on incident_history begin "
    "select raise(abort, 'constraint failed: history is not changed'); end",
    "create trigger incident_history_stays before delete on incident_history begin "
    "select raise(abort, 'constraint failed: history is not removed'); end",
    "create table incident_comments (id integer primary key autoincrement, incident bigint not null "
    "references incidents(id), at bigint not null, author text not null, text text not null)",
    "create index incident_comments_incident on incident_comments(incident, id)",
    "create table incident_tasks (id integer primary key autoincrement, incident bigint not null references incidents(id), "
    "title text not null, phase text not null, assignee text not null, done bigint not null, due bigint not null, "
    "done_at bigint not null, done_by text not null, position bigint not null)",
    "create index incident_tasks_incident on incident_tasks(incident, position, id)",
    "create table incident_notes (id integer primary key autoincrement, incident bigint not null references incidents(id), "
    "event_time bigint not null, at bigint not null, author text not null, text text not null, lane text not null, "
    "event_id text not null)",
    "create index incident_notes_incident on incident_notes(incident, event_time)",
    "create table incident_links (one bigint not null references incidents(id), other bigint not null "
    "references incidents(id), kind text not null, reason text not null, added_by text not null, at bigint not null, "
    "primary key (one, other, kind)) without rowid",
    "create index incident_links_other on incident_links(other)",
    "create index incident_links_kind on incident_links(kind)",
    "create table incident_watchers (incident bigint not null references incidents(id), user text not null, "
    "primary key (incident, user)) without rowid",
    "create table assets (id integer primary key autoincrement, tenant text not null, site text not null, "
    "kind text not null, key text not null, label text not null, aliases text not null, addresses text not null, "
    "criticality bigint not null, owner text not null, zone text not null, exposure text not null, os text not null, "
    "tags text not null, declared bigint not null, first_seen bigint not null, last_seen bigint not null, "
    "changed_at bigint not null, changed_by text not null, unique (tenant, kind, key))",
    "create table decisions (tenant text not null, key text not null, true_positive bigint not null, "
    "benign bigint not null, false_positive bigint not null, primary key (tenant, key)) without rowid",
    "create table triage_position (only_row integer primary key check (only_row = 1), sequence bigint not null, "
    "ids text not null)",
});

// Notifications: where they go, what is to be sent, what of the history is looked at, what was told once.
constexpr auto kVersion4 = std::to_array<const char*>({
    "create table notify_channels (id integer primary key autoincrement, name text not null unique, kind text not null, "
    "enabled bigint not null, tenant text not null, target text not null, secret_sealed text not null, events text not "
    "null, "
    "min_priority text not null, quiet text not null, escalate_after_s bigint not null, created_by text not null, "
    "created_at bigint not null, changed_at bigint not null)",
    "create table notify_outbox (id integer primary key autoincrement, channel bigint not null, channel_name text not null, "
    "event text not null, incident bigint not null, tenant text not null, priority text not null, body text not null, "
    "state text not null check (state in ('pending', 'sent', 'dead')), attempts bigint not null, next_at bigint not null, "
    "problem text not null, created_at bigint not null, sent_at bigint not null)",
    "create index notify_outbox_due on notify_outbox(next_at, id) where state = 'pending'",
    "create index notify_outbox_state on notify_outbox(state, id)",
    "create index notify_outbox_channel on notify_outbox(channel, id) where state = 'pending'",
    "create table notify_position (only_row integer primary key check (only_row = 1), sequence bigint not null)",
    "create table notify_marks (incident bigint not null references incidents(id), mark text not null, at bigint not null, "
    "primary key (incident, mark)) without rowid",
});

// Suppressions; rules of automatic triage and what they did to incidents. Suppressions are never removed: they end.
constexpr auto kVersion5 = std::to_array<const char*>({
    "create table suppressions (id integer primary key autoincrement, tenant text not null, title text not null, "
    "rule_id text not null, rule_title text not null, fields text not null, yaml text not null, reason text not null, "
    "author text not null, enabled bigint not null, created_at bigint not null, expires_at bigint not null, "
    "ended_at bigint not null, ended_by text not null, changed_at bigint not null, changed_by text not null)",
    "create index suppressions_rule on suppressions(rule_id)",
    "create table triage_rule_states (rule_id text primary key, enabled bigint not null, changed_by text not null, "
    "changed_at bigint not null) without rowid",
    // What a rule did to an incident: `holds` is whether its conditions held when it was last asked.
    "create table triage_rule_uses (incident bigint not null references incidents(id), rule_id text not null, "
    "holds bigint not null, reverted bigint not null, times bigint not null, last_at bigint not null, "
    "primary key (incident, rule_id)) without rowid",
    "create index triage_rule_uses_rule on triage_rule_uses(rule_id)",
    // Automatic decisions that were undone, by their place in the history.
    "create table triage_reverted (sequence integer primary key, reverted_by text not null, at bigint not null)",
});

// Evidence and its chain of custody, both only growing; blind reviews, which an answer makes final; tests of the pipeline.
constexpr auto kVersion6 = std::to_array<const char*>({
    "create table evidence (id integer primary key autoincrement, incident bigint not null references incidents(id), "
    "name text not null, size bigint not null, sha256 text not null, media_type text not null, note text not null, "
    "added_by text not null, at bigint not null)",
    "create index evidence_incident on evidence(incident, id)",
    "create trigger evidence_kept before update on evidence begin "
    "select raise(abort, 'constraint failed: evidence is not changed'); end",
    "create trigger evidence_stays before delete on evidence begin "
    "select raise(abort, 'constraint failed: evidence is not removed'); end",
    "create table evidence_custody (sequence integer primary key autoincrement, evidence bigint not null "
    "references evidence(id), at bigint not null, actor text not null, action text not null, sha256 text not null, "
    "text text not null)",
    "create index evidence_custody_evidence on evidence_custody(evidence, sequence)",
    "create trigger evidence_custody_kept before update on evidence_custody begin "
    "select raise(abort, 'constraint failed: custody is not changed'); end",
    "create trigger evidence_custody_stays before delete on evidence_custody begin "
    "select raise(abort, 'constraint failed: custody is not removed'); end",
    "create table reviews (id integer primary key autoincrement, incident bigint not null references incidents(id), "
    "closing bigint not null, closed_at bigint not null, first_verdict text not null, first_by text not null, "
    "shown_to text not null, shown_at bigint not null, verdict text not null, why text not null, answered_at bigint not "
    "null, "
    "unique (incident, closing))",
    "create index reviews_open on reviews(shown_to) where verdict = ''",
    "create trigger reviews_kept before update on reviews when old.verdict <> '' begin "
    "select raise(abort, 'constraint failed: an answered review is not changed'); end",
    "create trigger reviews_stay before delete on reviews begin "
    "select raise(abort, 'constraint failed: reviews are not removed'); end",
    "create table self_tests (id integer primary key autoincrement, source text not null, kind text not null, "
    "token_hash text not null unique, at bigint not null, finding text not null, state text not null, "
    "detect_ns bigint not null, problem text not null)",
    "create index incidents_closed on incidents(closed_at, id) where state = 'closed' and merged_into = 0",
    "create index incident_history_closed on incident_history(incident, sequence) where action = 'closed'",
});

constexpr std::array kMigrations{Migration{kVersion1}, Migration{kVersion2}, Migration{kVersion3},
                                 Migration{kVersion4}, Migration{kVersion5}, Migration{kVersion6}};

}  // namespace

std::span<const Migration> migrations() { return kMigrations; }

}  // namespace tocsin::ledger
