// Users, second factors and API tokens.
#include <sodium.h>

#include <algorithm>

#include "auth/auth.h"
#include "auth/seal.h"
#include "auth/token.h"
#include "auth/totp.h"
#include "core/text.h"

namespace tocsin::auth {
namespace {

constexpr const char* kSetupHash = "auth.setup_token_hash";
constexpr const char* kSetupEnd = "auth.setup_token_end";
constexpr std::size_t kMaxUserNameBytes = 64;
constexpr std::size_t kTotpSecretBytes = 20;

core::Error denied(const char* text) { return {core::ErrorCode::kDenied, text}; }
core::Error invalid(const char* text) { return {core::ErrorCode::kInvalid, text}; }

bool name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '@' || c == '-';
}
bool within(const std::vector<std::string>& tenants, const Principal& by) {
  if (by.tenants.empty()) return true;
  return !tenants.empty() && std::all_of(tenants.begin(), tenants.end(), [&](const auto& t) { return by.may_see(t); });
}
// No one hands out, or takes over, rights that are not one's own: a token for users.write alone must not make an admin.
bool covers(const Principal& by, Role role) { return (rights_of(role) & ~by.rights).none(); }
core::Result<ledger::User> required(core::Result<std::optional<ledger::User>> found) {
  if (!found.ok()) return found.error();
  if (!*found) return core::Error{core::ErrorCode::kNotFound, "auth: there is no such user"};
  return std::move(**found);
}
core::Result<bool> has_admin(ledger::Tables& tables) {
  const auto users = TOCSIN_TRY(tables.users());
  return std::any_of(users.begin(), users.end(), [](const ledger::User& user) {
    return user.enabled && user.tenants.empty() && user.role == to_string(Role::kAdmin);
  });
}
core::Result<void> still_no_user(ledger::Tables& tables) {
  if (TOCSIN_TRY(tables.user_count()) > 0) return denied("auth: set-up is done: there are users");
  return {};
}

}  // namespace

core::Result<ledger::User> Auth::prepare(NewUser& user) {
  user.name = core::ascii_lower(user.name);
  if (user.name.empty() || user.name.size() > kMaxUserNameBytes ||
      !std::all_of(user.name.begin(), user.name.end(), name_character)) {
    return invalid("auth: a user name is 1 to 64 of a-z 0-9 . _ @ -");
  }
  if (auto good = check_password_policy(user.name, user.password.reveal()); !good.ok()) return good.error();
  ledger::User row;
  row.name = user.name;
  row.display_name = user.display_name;
  row.role = to_string(user.role);
  row.tenants = user.tenants;
  row.password_hash = TOCSIN_TRY(hash(user.password.reveal()));
  row.created_at = row.password_changed_at = clock_.now();
  return row;
}

core::Result<core::Secret> Auth::new_setup_token() {
  core::Secret token = new_token("");
  const core::Timestamp now = clock_.now();
  const core::Timestamp end{now.ns + std::chrono::nanoseconds(options_.setup_life).count()};
  auto done = ledger_.write([&](ledger::Tables& tables) -> core::Result<void> {
    if (auto free = still_no_user(tables); !free.ok()) return free;
    if (auto set = tables.set_setting({kSetupEnd, std::to_string(end.ns), "system", now}); !set.ok()) return set;
    return tables.set_setting({kSetupHash, hash_token(token.reveal()), "system", now});
  });
  if (!done.ok()) return done.error();
  return token;
}

core::Result<void> Auth::set_up(std::string_view setup_token, NewUser admin, std::string_view address) {
  // The token is checked before the costly hash and again in the transaction that uses it up.
  const auto check = [&](ledger::Tables& tables) -> core::Result<void> {
    if (auto free = still_no_user(tables); !free.ok()) return free;
    const auto hash = TOCSIN_TRY(tables.setting(kSetupHash));
    const auto end = TOCSIN_TRY(tables.setting(kSetupEnd));
    if (!hash || !end || hash->value != hash_token(setup_token) || clock_.now().ns >= std::stoll(end->value)) {
      return denied("auth: the set-up token is wrong or has expired");
    }
    return {};
  };
  if (auto good = ledger_.read(check); !good.ok()) return good;
  admin.role = Role::kAdmin;
  admin.tenants.clear();
  const auto row = TOCSIN_TRY(prepare(admin));
  return ledger_.write([&](ledger::Tables& tables) -> core::Result<void> {
    if (auto good = check(tables); !good.ok()) return good;
    TOCSIN_TRY(tables.insert_user(row));
    TOCSIN_TRY(tables.delete_setting(kSetupHash));
    TOCSIN_TRY(tables.delete_setting(kSetupEnd));
    return audit(tables, "system", "user.setup", row.name, address);
  });
}

core::Result<void> Auth::create_first_admin(NewUser admin) {
  if (auto free = ledger_.read(still_no_user); !free.ok()) return free;
  admin.role = Role::kAdmin;
  admin.tenants.clear();
  const auto row = TOCSIN_TRY(prepare(admin));
  return ledger_.write([&](ledger::Tables& tables) -> core::Result<void> {
    if (auto free = still_no_user(tables); !free.ok()) return free;
    TOCSIN_TRY(tables.insert_user(row));
    return audit(tables, "system", "user.setup", row.name, "");
  });
}

core::Result<ledger::UserId> Auth::create_user(const Principal& by, NewUser user, std::string_view address) {
  if (!by.may(Right::kUsersWrite) || !within(user.tenants, by) || !covers(by, user.role))
    return denied("auth: not allowed to create this user");
  const auto row = TOCSIN_TRY(prepare(user));
  ledger::UserId id;
  auto done = ledger_.write([&](ledger::Tables& tables) -> core::Result<void> {
    id = TOCSIN_TRY(tables.insert_user(row));
    return audit(tables, by.name, "user.create", row.name, address);
  });
  if (!done.ok()) return done.error();
  return id;
}

core::Result<void> Auth::change_user(const Principal& by, std::string_view name, const UserChange& change,
                                     std::string_view address) {
  if (!by.may(Right::kUsersWrite)) return denied("auth: not allowed to change users");
  return ledger_.write([&](ledger::Tables& tables) -> core::Result<void> {
    auto user = TOCSIN_TRY(required(tables.user_named(name)));
    const auto before = parse_role(user.role);
    if (!within(user.tenants, by) || (change.tenants && !within(*change.tenants, by)) ||
        (change.role && !covers(by, *change.role)) || (before && !covers(by, *before))) {
      return denied("auth: not allowed to change this user");
    }
    const bool disabled = change.enabled && !*change.enabled;
    if (change.role) user.role = to_string(*change.role);
    if (change.enabled) user.enabled = *change.enabled;
    if (change.display_name) user.display_name = *change.display_name;
    if (change.tenants) user.tenants = *change.tenants;
    if (auto done = tables.update_user(user); !done.ok()) return done;
    if (!TOCSIN_TRY(has_admin(tables))) return invalid("auth: no enabled admin of all tenants would be left");
    if (disabled) TOCSIN_TRY(tables.delete_sessions(user.id, ""));
    return audit(tables, by.name, disabled ? "user.disable" : "user.change", user.name, address);
  });
}

core::Result<void> Auth::reset_user(const Principal& by, std::string_view name, const core::Secret& new_password,
                                    std::string_view address) {
  if (by.session_hash.empty()) return denied("auth: a user is reset from a session only");
  if (!by.may(Right::kUsersWrite)) return denied("auth: not allowed to change users");
  if (auto good = check_password_policy(name, new_password.reveal()); !good.ok()) return good;
  const std::string hashed = TOCSIN_TRY(hash(new_password.reveal()));
  return ledger_.write([&](ledger::Tables& tables) -> core::Result<void> {
    auto user = TOCSIN_TRY(required(tables.user_named(name)));
    if (!within(user.tenants, by)) return denied("auth: not allowed to change this user");
    user.password_hash = hashed;
    user.password_changed_at = clock_.now();
    user.totp_sealed.clear();
    user.totp_pending.clear();
    if (auto done = tables.update_user(user); !done.ok()) return done;
    if (auto done = tables.set_recovery_codes(user.id, {}); !done.ok()) return done;
    TOCSIN_TRY(tables.delete_sessions(user.id, ""));
    for (const auto& token : TOCSIN_TRY(tables.tokens(user.id))) TOCSIN_TRY(tables.delete_token(token.id));
    return audit(tables, by.name, "user.reset", user.name, address);
  });
}

core::Result<ledger::User> Auth::check_own_password(const Principal& who, const core::Secret& password,
                                                    std::string_view address) {
  ledger::User user;
  auto looked = ledger_.read([&](ledger::Tables& tables) -> core::Result<void> {
    user = TOCSIN_TRY(required(tables.user(who.user)));
    return {};
  });
  if (!looked.ok()) return looked.error();
  // A stolen session must not become a place to guess the password: the same throttle.
  const Throttle::Attempt attempt{who.name, address, true};
  if (throttle_.begin(attempt) > std::chrono::nanoseconds(0)) return denied("auth: too many wrong passwords, wait");
  const auto matched = matches(user.password_hash, password.reveal());
  if (!matched.ok() || *matched) throttle_.taken_back(attempt);  // Too busy to look is no wrong password.
  if (!matched.ok()) return matched.error();
  if (!*matched) return denied("auth: the password is wrong");
  return user;
}

core::Result<void> Auth::change_password(const Principal& who, const core::Secret& old_password,
                                         const core::Secret& new_password, std::string_view address) {
  if (who.session_hash.empty()) return denied("auth: a password is changed from a session only");
  if (auto good = check_password_policy(who.name, new_password.reveal()); !good.ok()) return good;
  const ledger::User before = TOCSIN_TRY(check_own_password(who, old_password, address));
  const std::string hashed = TOCSIN_TRY(hash(new_password.reveal()));
  return ledger_.write([&](ledger::Tables& tables) -> core::Result<void> {
    auto user = TOCSIN_TRY(required(tables.user(who.user)));
    if (user.password_hash != before.password_hash) return denied("auth: the password was changed meanwhile");
    user.password_hash = hashed;
    user.password_changed_at = clock_.now();
    if (auto done = tables.update_user(user); !done.ok()) return done;
    TOCSIN_TRY(tables.delete_sessions(user.id, who.session_hash));
    return audit(tables, user.name, "user.password", user.name, address);
  });
}

core::Result<void> Auth::end_totp(const Principal& who, const core::Secret& password, std::string_view address) {
  if (who.session_hash.empty()) return denied("auth: a second factor is switched off from a session only");
  TOCSIN_TRY(check_own_password(who, password, address));
  return ledger_.write([&](ledger::Tables& tables) -> core::Result<void> {
    auto user = TOCSIN_TRY(required(tables.user(who.user)));
    user.totp_sealed.clear();
    user.totp_pending.clear();
    if (auto done = tables.update_user(user); !done.ok()) return done;
    if (auto done = tables.set_recovery_codes(user.id, {}); !done.ok()) return done;
    return audit(tables, user.name, "user.totp.off", user.name, address);
  });
}

core::Result<core::Secret> Auth::begin_totp(const Principal& who) {
  if (who.session_hash.empty()) return denied("auth: a second factor is set from a session only");
  std::string bytes(kTotpSecretBytes, '\0');
  randombytes_buf(bytes.data(), bytes.size());
  core::Secret secret(std::move(bytes));
  auto done = ledger_.write([&](ledger::Tables& tables) -> core::Result<void> {
    auto user = TOCSIN_TRY(required(tables.user(who.user)));
    if (!user.totp_sealed.empty()) return denied("auth: there is a second factor already");
    user.totp_pending = seal(secret.reveal(), seal_key_);
    return tables.update_user(user);
  });
  if (!done.ok()) return done.error();
  return secret;
}

core::Result<std::vector<std::string>> Auth::confirm_totp(const Principal& who, std::string_view code,
                                                          std::string_view address) {
  if (who.session_hash.empty()) return denied("auth: a second factor is set from a session only");
  std::vector<std::string> codes, hashes;
  for (std::size_t i = 0; i < kRecoveryCodes; ++i) {
    codes.emplace_back(new_token("").reveal().substr(0, 16));  // 96 bits: a plain hash is enough.
    hashes.push_back(hash_token(codes.back()));
  }
  auto done = ledger_.write([&](ledger::Tables& tables) -> core::Result<void> {
    auto user = TOCSIN_TRY(required(tables.user(who.user)));
    const auto secret = unseal(user.totp_pending, seal_key_);
    const auto step = secret ? match_totp(secret->reveal(), code, clock_.now(), 0) : std::nullopt;
    if (!step) return denied("auth: the code is wrong");
    user.totp_sealed = std::move(user.totp_pending);
    user.totp_pending.clear();
    user.totp_last_step = *step;
    if (auto kept = tables.update_user(user); !kept.ok()) return kept;
    if (auto kept = tables.set_recovery_codes(user.id, hashes); !kept.ok()) return kept;
    return audit(tables, user.name, "user.totp", user.name, address);
  });
  if (!done.ok()) return done.error();
  return codes;
}

core::Result<core::Secret> Auth::create_token(const Principal& who, const NewToken& token, std::string_view address) {
  if (who.session_hash.empty()) return denied("auth: a token is made from a session only");
  if ((token.scopes & ~who.rights).any()) return denied("auth: a token cannot have rights its maker has not");
  const core::Timestamp now = clock_.now();
  if (token.name.empty() || token.scopes.none() || token.expires_at <= now) {
    return invalid("auth: a token needs a name, a scope and an expiry that is to come");
  }
  ledger::ApiToken row;
  row.user = who.user;
  row.name = token.name;
  row.created_at = now;
  row.expires_at = token.expires_at;
  for (std::size_t i = 0; i < kRightCount; ++i) {
    if (token.scopes.test(i)) row.scopes.emplace_back(to_string(static_cast<Right>(i)));
  }
  core::Secret text = new_token(kApiTokenPrefix);
  row.token_hash = hash_token(text.reveal());
  auto done = ledger_.write([&](ledger::Tables& tables) -> core::Result<void> {
    TOCSIN_TRY(tables.insert_token(row));
    return audit(tables, who.name, "token.create", row.name, address);
  });
  if (!done.ok()) return done.error();
  return text;
}

core::Result<void> Auth::revoke_token(const Principal& who, ledger::TokenId id, std::string_view address) {
  return ledger_.write([&](ledger::Tables& tables) -> core::Result<void> {
    const auto token = TOCSIN_TRY(tables.token(id));
    const bool own = token && token->user == who.user && !who.session_hash.empty();
    const bool admin = who.may(Right::kUsersWrite) && who.tenants.empty();
    if (!token || (!own && !admin)) return denied("auth: not allowed to revoke this token");
    TOCSIN_TRY(tables.delete_token(id));
    return audit(tables, who.name, "token.revoke", token->name, address);
  });
}

core::Result<Principal> Auth::from_api_token(std::string_view text) {
  if (!is_token(text, kApiTokenPrefix)) return denied("auth: no such token");
  const std::string hash = hash_token(text);
  const core::Timestamp now = clock_.now();
  std::optional<ledger::ApiToken> token;
  std::optional<ledger::User> user;
  auto looked = ledger_.read([&](ledger::Tables& tables) -> core::Result<void> {
    token = TOCSIN_TRY(tables.token_with_hash(hash));
    if (token) user = TOCSIN_TRY(tables.user(token->user));
    return {};
  });
  if (!looked.ok()) return looked.error();
  if (!user || now >= token->expires_at) return denied("auth: no such token");
  auto who = TOCSIN_TRY(principal(*user));
  RightSet scopes;
  for (const std::string& name : token->scopes) {
    if (const auto right = parse_right(name)) scopes.set(static_cast<std::size_t>(*right));
  }
  who.rights &= scopes;
  if (!token->used_at.known() || now.ns - token->used_at.ns >= std::chrono::nanoseconds(kSeenStep).count()) {
    auto touched = ledger_.write([&](ledger::Tables& tables) { return tables.touch_token(token->id, now); });
    if (!touched.ok()) return touched.error();
  }
  return who;
}

}  // namespace tocsin::auth
