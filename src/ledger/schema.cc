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

constexpr std::array kMigrations{Migration{kVersion1}, Migration{kVersion2}};

}  // namespace

std::span<const Migration> migrations() { return kMigrations; }

}  // namespace tocsin::ledger
