// Users, sessions and tokens.
#include <algorithm>

#include "ledger/connection.h"
#include "ledger/ledger.h"

namespace tocsin::ledger {
namespace {

constexpr std::size_t kMaxListItems = 256;

struct UserColumns {
  User row;
  std::string tenants;
  long long id = 0, enabled = 0, last_step = 0, created = 0, changed = 0, login = 0;
  void exchange(soci::statement& s) {
    s.exchange(soci::into(id));
    for (std::string* text :
         {&row.name, &row.display_name, &row.password_hash, &row.role, &tenants, &row.totp_sealed, &row.totp_pending}) {
      s.exchange(soci::into(*text));
    }
    for (long long* value : {&enabled, &last_step, &created, &changed, &login}) s.exchange(soci::into(*value));
  }
  User take() {
    row.id = {id};
    row.tenants = split_list(tenants);
    row.enabled = enabled != 0;
    row.totp_last_step = last_step;
    row.created_at.ns = created;
    row.password_changed_at.ns = changed;
    row.last_login_at.ns = login;
    return row;
  }
};
const std::string kSelectUser =
    "select id, name, display_name, password_hash, role, tenants, totp_sealed, totp_pending, enabled, totp_last_step, "
    "created_at, password_changed_at, last_login_at from users ";

struct SessionColumns {
  Session row;
  long long user = 0, created = 0, seen = 0, expires = 0;
  void exchange(soci::statement& s) {
    for (std::string* text : {&row.token_hash, &row.address, &row.agent}) s.exchange(soci::into(*text));
    for (long long* value : {&user, &created, &seen, &expires}) s.exchange(soci::into(*value));
  }
  Session take() {
    row.user = {user};
    row.created_at.ns = created;
    row.seen_at.ns = seen;
    row.expires_at.ns = expires;
    return row;
  }
};
const std::string kSelectSession =
    "select token_hash, address, agent, user_id, created_at, seen_at, expires_at from sessions ";

struct TokenColumns {
  ApiToken row;
  std::string scopes;
  long long id = 0, user = 0, created = 0, expires = 0, used = 0;
  void exchange(soci::statement& s) {
    for (std::string* text : {&row.name, &row.token_hash, &scopes}) s.exchange(soci::into(*text));
    for (long long* value : {&id, &user, &created, &expires, &used}) s.exchange(soci::into(*value));
  }
  ApiToken take() {
    row.id = {id};
    row.user = {user};
    row.scopes = split_list(scopes);
    row.created_at.ns = created;
    row.expires_at.ns = expires;
    row.used_at.ns = used;
    return row;
  }
};
const std::string kSelectToken =
    "select name, token_hash, scopes, id, user_id, created_at, expires_at, used_at from api_tokens ";

core::Result<void> check_user(const User& user) {
  for (const std::string* text : {&user.name, &user.display_name, &user.role}) {
    if (auto fits = check_text("a user's text", *text, kMaxNameBytes); !fits.ok()) return fits;
  }
  if (user.name.empty()) return core::Error{core::ErrorCode::kInvalid, "ledger: a user needs a name"};
  return check_list("a user's tenants", user.tenants);
}

core::Error too_many(const char* what, std::int64_t most) {
  return {core::ErrorCode::kLimit,
          std::string("ledger: there are ") + std::to_string(most) + " " + what + " already, the most"};
}

}  // namespace

std::string join_list(const std::vector<std::string>& list) {
  std::vector<std::string> sorted = list;
  std::sort(sorted.begin(), sorted.end());
  sorted.erase(std::unique(sorted.begin(), sorted.end()), sorted.end());
  std::string text;
  for (const std::string& item : sorted) text.append(text.empty() ? "" : ",").append(item);
  return text;
}

std::vector<std::string> split_list(const std::string& text) {
  std::vector<std::string> list;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find(',', at), text.size());
    list.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return list;
}

core::Result<void> check_text(const char* what, std::string_view text, std::size_t max_bytes) {
  if (text.size() > max_bytes) {
    return core::Error{core::ErrorCode::kInvalid, std::string("ledger: ") + what + " has " + std::to_string(text.size()) +
                                                      " bytes, at most " + std::to_string(max_bytes) + " are kept"};
  }
  if (text.find('\0') != std::string_view::npos) {
    return core::Error{core::ErrorCode::kInvalid, std::string("ledger: ") + what + " has a NUL in it"};
  }
  return {};
}

core::Result<void> check_list(const char* what, const std::vector<std::string>& list) {
  if (list.size() > kMaxListItems) {
    return core::Error{core::ErrorCode::kInvalid,
                       std::string("ledger: ") + what + " are more than " + std::to_string(kMaxListItems)};
  }
  for (const std::string& item : list) {
    if (auto fits = check_text(what, item, kMaxNameBytes); !fits.ok()) return fits;
    if (item.empty() || item.find(',') != std::string::npos) {
      return core::Error{core::ErrorCode::kInvalid,
                         std::string("ledger: one of ") + what + " is empty or has a comma in it"};
    }
  }
  return {};
}

core::Result<UserId> Tables::insert_user(const User& user) {
  if (auto good = check_user(user); !good.ok()) return good.error();
  return guarded([&]() -> core::Result<UserId> {
    if (count(connection_, "select count(*) from users") >= kMaxUsers) return too_many("users", kMaxUsers);
    change(connection_,
           "insert into users (name, display_name, password_hash, role, tenants, enabled, totp_sealed, totp_pending, "
           "totp_last_step, created_at, password_changed_at, last_login_at) values (:a, :b, :c, :d, :e, :f, :g, :h, :i, :j, "
           ":k, :l)",
           user.name, user.display_name, user.password_hash, user.role, join_list(user.tenants), number(user.enabled),
           user.totp_sealed, user.totp_pending, number(user.totp_last_step), number(user.created_at.ns),
           number(user.password_changed_at.ns), number(user.last_login_at.ns));
    return UserId{last_id(connection_)};
  });
}

core::Result<void> Tables::update_user(const User& user) {
  if (auto good = check_user(user); !good.ok()) return good;
  return guarded([&]() -> core::Result<void> {
    const long long changed =
        change(connection_,
               "update users set name = :a, display_name = :b, password_hash = :c, role = :d, tenants = :e, enabled = :f, "
               "totp_sealed = :g, totp_pending = :h, totp_last_step = :i, password_changed_at = :j, last_login_at = :k "
               "where id = :l",
               user.name, user.display_name, user.password_hash, user.role, join_list(user.tenants), number(user.enabled),
               user.totp_sealed, user.totp_pending, number(user.totp_last_step), number(user.password_changed_at.ns),
               number(user.last_login_at.ns), number(user.id.value));
    if (changed == 0) return core::Error{core::ErrorCode::kNotFound, "ledger: there is no such user"};
    return {};
  });
}

core::Result<std::optional<User>> Tables::user(UserId id) {
  return guarded([&] { return first<UserColumns>(connection_, kSelectUser + "where id = :a", number(id.value)); });
}
core::Result<std::optional<User>> Tables::user_named(std::string_view name) {
  return guarded([&] { return first<UserColumns>(connection_, kSelectUser + "where name = :a", std::string(name)); });
}
core::Result<std::vector<User>> Tables::users() {
  return guarded(
      [&] { return core::Result<std::vector<User>>(select<UserColumns>(connection_, kSelectUser + "order by name")); });
}
core::Result<std::int64_t> Tables::user_count() {
  return guarded([&] { return core::Result<std::int64_t>(count(connection_, "select count(*) from users")); });
}

core::Result<void> Tables::set_recovery_codes(UserId user, const std::vector<std::string>& hashes) {
  return guarded([&]() -> core::Result<void> {
    change(connection_, "delete from recovery_codes where user_id = :a", number(user.value));
    for (const std::string& hash : hashes) {
      change(connection_, "insert into recovery_codes (user_id, code_hash) values (:a, :b)", number(user.value), hash);
    }
    return {};
  });
}
core::Result<bool> Tables::take_recovery_code(UserId user, std::string_view hash) {
  return guarded([&]() -> core::Result<bool> {
    return change(connection_, "delete from recovery_codes where user_id = :a and code_hash = :b", number(user.value),
                  std::string(hash)) > 0;
  });
}
core::Result<std::int64_t> Tables::recovery_code_count(UserId user) {
  return guarded([&]() -> core::Result<std::int64_t> {
    return count(connection_, "select count(*) from recovery_codes where user_id = :a", number(user.value));
  });
}

core::Result<void> Tables::remember_address(UserId user, std::string_view address, core::Timestamp at) {
  if (auto fits = check_text("an address", address, kMaxNameBytes); !fits.ok()) return fits;
  return guarded([&]() -> core::Result<void> {
    change(connection_, "insert or replace into known_addresses (user_id, address, seen_at) values (:a, :b, :c)",
           number(user.value), std::string(address), number(at.ns));
    change(connection_,
           "delete from known_addresses where user_id = :a and address not in (select address from known_addresses where "
           "user_id = :b order by seen_at desc limit :c)",
           number(user.value), number(user.value), number(kMaxAddressesPerUser));
    return {};
  });
}
core::Result<bool> Tables::knows_address(UserId user, std::string_view address) {
  return guarded([&]() -> core::Result<bool> {
    return count(connection_, "select count(*) from known_addresses where user_id = :a and address = :b", number(user.value),
                 std::string(address)) > 0;
  });
}
core::Result<void> Tables::forget_addresses(UserId user) {
  return guarded([&]() -> core::Result<void> {
    change(connection_, "delete from known_addresses where user_id = :a", number(user.value));
    return {};
  });
}

core::Result<void> Tables::insert_session(const Session& session) {
  for (const std::string* text : {&session.address, &session.agent}) {
    if (auto fits = check_text("a session's text", *text, kMaxNameBytes); !fits.ok()) return fits;
  }
  return guarded([&]() -> core::Result<void> {
    change(
        connection_,
        "delete from sessions where user_id = :a and token_hash not in (select token_hash from sessions where user_id = :b "
        "order by seen_at desc limit :c)",
        number(session.user.value), number(session.user.value), number(kMaxSessionsPerUser - 1));
    change(connection_,
           "insert into sessions (token_hash, user_id, created_at, seen_at, expires_at, address, agent) values (:a, :b, :c, "
           ":d, :e, :f, :g)",
           session.token_hash, number(session.user.value), number(session.created_at.ns), number(session.seen_at.ns),
           number(session.expires_at.ns), session.address, session.agent);
    return {};
  });
}
core::Result<std::optional<Session>> Tables::session(std::string_view token_hash) {
  return guarded(
      [&] { return first<SessionColumns>(connection_, kSelectSession + "where token_hash = :a", std::string(token_hash)); });
}
core::Result<std::vector<Session>> Tables::sessions(UserId user) {
  return guarded([&]() -> core::Result<std::vector<Session>> {
    return select<SessionColumns>(connection_, kSelectSession + "where user_id = :a order by seen_at desc",
                                  number(user.value));
  });
}
core::Result<void> Tables::touch_session(std::string_view token_hash, core::Timestamp seen_at) {
  return guarded([&]() -> core::Result<void> {
    change(connection_, "update sessions set seen_at = :a where token_hash = :b", number(seen_at.ns),
           std::string(token_hash));
    return {};
  });
}
core::Result<bool> Tables::delete_session(std::string_view token_hash) {
  return guarded([&]() -> core::Result<bool> {
    return change(connection_, "delete from sessions where token_hash = :a", std::string(token_hash)) > 0;
  });
}
core::Result<std::int64_t> Tables::delete_sessions(UserId user, std::string_view keep_hash) {
  return guarded([&]() -> core::Result<std::int64_t> {
    return change(connection_, "delete from sessions where user_id = :a and token_hash <> :b", number(user.value),
                  std::string(keep_hash));
  });
}
core::Result<std::int64_t> Tables::delete_old_sessions(core::Timestamp expired_before, core::Timestamp idle_since) {
  return guarded([&]() -> core::Result<std::int64_t> {
    return change(connection_, "delete from sessions where expires_at <= :a or seen_at <= :b", number(expired_before.ns),
                  number(idle_since.ns));
  });
}

core::Result<TokenId> Tables::insert_token(const ApiToken& token) {
  if (auto fits = check_text("a token's name", token.name, kMaxNameBytes); !fits.ok()) return fits.error();
  if (auto fits = check_list("a token's scopes", token.scopes); !fits.ok()) return fits.error();
  return guarded([&]() -> core::Result<TokenId> {
    if (count(connection_, "select count(*) from api_tokens where user_id = :a", number(token.user.value)) >=
        kMaxTokensPerUser) {
      return too_many("tokens of this user", kMaxTokensPerUser);
    }
    change(connection_,
           "insert into api_tokens (user_id, name, token_hash, scopes, created_at, expires_at, used_at) values (:a, :b, :c, "
           ":d, :e, :f, :g)",
           number(token.user.value), token.name, token.token_hash, join_list(token.scopes), number(token.created_at.ns),
           number(token.expires_at.ns), number(token.used_at.ns));
    return TokenId{last_id(connection_)};
  });
}
core::Result<std::optional<ApiToken>> Tables::token(TokenId id) {
  return guarded([&] { return first<TokenColumns>(connection_, kSelectToken + "where id = :a", number(id.value)); });
}
core::Result<std::optional<ApiToken>> Tables::token_with_hash(std::string_view token_hash) {
  return guarded(
      [&] { return first<TokenColumns>(connection_, kSelectToken + "where token_hash = :a", std::string(token_hash)); });
}
core::Result<std::vector<ApiToken>> Tables::tokens(std::optional<UserId> user) {
  return guarded([&]() -> core::Result<std::vector<ApiToken>> {
    if (!user) return select<TokenColumns>(connection_, kSelectToken + "order by id");
    return select<TokenColumns>(connection_, kSelectToken + "where user_id = :a order by id", number(user->value));
  });
}
core::Result<void> Tables::touch_token(TokenId id, core::Timestamp used_at) {
  return guarded([&]() -> core::Result<void> {
    change(connection_, "update api_tokens set used_at = :a where id = :b", number(used_at.ns), number(id.value));
    return {};
  });
}
core::Result<bool> Tables::delete_token(TokenId id) {
  return guarded([&]() -> core::Result<bool> {
    return change(connection_, "delete from api_tokens where id = :a", number(id.value)) > 0;
  });
}

}  // namespace tocsin::ledger
