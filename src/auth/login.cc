// Logging in, sessions and the bound on hashing.
#include <algorithm>

#include "auth/auth.h"
#include "auth/seal.h"
#include "auth/token.h"
#include "auth/totp.h"
#include "core/text.h"

namespace tocsin::auth {
namespace {

constexpr std::size_t kMaxAddressBytes = 64, kMaxAgentBytes = 256;

core::Error denied() { return {core::ErrorCode::kDenied, "auth: not logged in, or not allowed"}; }
// Headers of a client may hold anything; what cannot be stored is replaced.
std::string cut(std::string_view text, std::size_t bytes) {
  std::string kept(text.substr(0, bytes));
  std::replace(kept.begin(), kept.end(), '\0', '?');
  return kept;
}
std::int64_t ns(std::chrono::nanoseconds time) { return time.count(); }

}  // namespace

bool Principal::may_see(std::string_view tenant) const {
  return tenants.empty() || std::find(tenants.begin(), tenants.end(), tenant) != tenants.end();
}

core::Result<std::unique_ptr<Auth>> Auth::open(ledger::Ledger& ledger, const core::Clock& clock, core::Secret seal_key,
                                               AuthOptions options) {
  if (seal_key.reveal().size() != 32) return core::Error{core::ErrorCode::kInvalid, "auth: the seal key has not 32 bytes"};
  std::unique_ptr<Auth> auth(new Auth(ledger, clock, std::move(seal_key), options));
  auth->dummy_hash_ = TOCSIN_TRY(hash_password("the password of nobody", options.cost));
  return auth;
}

core::Result<void> Auth::start_hashing() {
  core::Lock lock(mutex_);
  if (waiting_ >= kMaxHashesWaiting) return core::Error{core::ErrorCode::kLimit, "auth: too many logins at once, try again"};
  ++waiting_;
  while (hashing_ >= kMaxHashesAtOnce) lock.wait(hash_ended_);
  --waiting_;
  ++hashing_;
  return {};
}
void Auth::end_hashing() {
  {
    const core::Lock lock(mutex_);
    --hashing_;
  }
  hash_ended_.notify_one();
}
core::Result<std::string> Auth::hash(std::string_view password) {
  if (auto turn = start_hashing(); !turn.ok()) return turn.error();
  auto result = hash_password(password, options_.cost);
  end_hashing();
  return result;
}
core::Result<bool> Auth::matches(const std::string& hash, std::string_view password) {
  if (auto turn = start_hashing(); !turn.ok()) return turn.error();
  const bool result = password_matches(hash, password);
  end_hashing();
  return result;
}

core::Result<void> Auth::audit(ledger::Tables& tables, std::string_view actor, const char* action, std::string_view object,
                               std::string_view address) const {
  auto done = tables.append_audit({clock_.now(), std::string(actor), action, std::string(object), std::string(address), ""});
  return done.ok() ? core::Result<void>() : core::Result<void>(done.error());
}

core::Result<Principal> Auth::principal(const ledger::User& user) const {
  const auto role = parse_role(user.role);
  if (!user.enabled || !role) return denied();
  return Principal{user.id, user.name, *role, rights_of(*role), user.tenants, {}};
}

core::Result<bool> Auth::code_good(ledger::Tables& tables, ledger::User& user, std::string_view code) const {
  if (const auto secret = unseal(user.totp_sealed, seal_key_)) {
    if (const auto step = match_totp(secret->reveal(), code, clock_.now(), user.totp_last_step)) {
      user.totp_last_step = *step;
      return true;
    }
  }
  return tables.take_recovery_code(user.id, hash_token(code));
}

core::Result<void> Auth::finish_login(const ledger::User& checked, const LoginRequest& request, Login& login) {
  const std::string address = cut(request.address, kMaxAddressBytes);
  return ledger_.write([&](ledger::Tables& tables) -> core::Result<void> {
    auto found = TOCSIN_TRY(tables.user(checked.id));
    // The password may have been changed, or the user disabled, while it was hashed.
    if (!found || !found->enabled || found->password_hash != checked.password_hash) return {};
    if (!found->totp_sealed.empty() && !TOCSIN_TRY(code_good(tables, *found, request.code))) {
      return audit(tables, found->name, "login.failed", "code", address);
    }
    const core::Timestamp now = clock_.now();
    found->last_login_at = now;
    if (auto done = tables.update_user(*found); !done.ok()) return done;
    TOCSIN_TRY(tables.delete_old_sessions(now, {now.ns - ns(options_.session_idle)}));
    login.session_token = new_token("");
    const std::string hash = hash_token(login.session_token.reveal());
    if (auto done = tables.insert_session(
            {hash, found->id, now, now, {now.ns + ns(options_.session_life)}, address, cut(request.agent, kMaxAgentBytes)});
        !done.ok()) {
      return done;
    }
    if (auto done = tables.remember_address(found->id, throttle_address(address), now); !done.ok()) return done;
    if (auto done = audit(tables, found->name, "login.ok", "", address); !done.ok()) return done;
    login.csrf_token = csrf_token(login.session_token.reveal());
    login.outcome = Login::Outcome::kOk;
    return {};
  });
}

core::Result<Login> Auth::log_in(const LoginRequest& request) {
  Login login;
  const std::string name = core::ascii_lower(cut(request.name, ledger::kMaxNameBytes)),
                    address = cut(request.address, kMaxAddressBytes);
  std::optional<ledger::User> user;
  Throttle::Attempt attempt{name, address, false};
  auto looked = ledger_.read([&](ledger::Tables& tables) -> core::Result<void> {
    user = TOCSIN_TRY(tables.user_named(name));
    if (user) attempt.known = TOCSIN_TRY(tables.knows_address(user->id, throttle_address(address)));
    return {};
  });
  if (!looked.ok()) return looked.error();
  login.wait = throttle_.begin(attempt);
  if (login.wait > std::chrono::nanoseconds(0)) {
    login.outcome = Login::Outcome::kWait;
    return login;
  }
  auto matched = matches(user ? user->password_hash : dummy_hash_, request.password.reveal());
  if (!matched.ok()) {
    throttle_.taken_back(attempt);
    return matched.error();
  }
  if (!user || !user->enabled || !*matched) {
    // The name of an unknown user is not kept: people type passwords there.
    auto noted = ledger_.write([&](ledger::Tables& tables) {
      return audit(tables, user ? user->name : "unknown", "login.failed", "password", address);
    });
    if (!noted.ok()) return noted.error();
    return login;
  }
  if (!user->totp_sealed.empty() && request.code.empty()) {
    throttle_.taken_back(attempt);  // Not a success: that would clear the failures of guessed codes.
    login.outcome = Login::Outcome::kCodeNeeded;
    return login;
  }
  if (auto done = finish_login(*user, request, login); !done.ok()) return done.error();
  if (login.outcome == Login::Outcome::kOk) throttle_.succeeded(attempt);
  return login;
}

core::Result<Principal> Auth::from_session(std::string_view session_token) {
  if (!is_token(session_token, "")) return denied();
  const std::string hash = hash_token(session_token);
  const core::Timestamp now = clock_.now();
  std::optional<ledger::Session> session;
  std::optional<ledger::User> user;
  auto looked = ledger_.read([&](ledger::Tables& tables) -> core::Result<void> {
    session = TOCSIN_TRY(tables.session(hash));
    if (session) user = TOCSIN_TRY(tables.user(session->user));
    return {};
  });
  if (!looked.ok()) return looked.error();
  if (!user || now >= session->expires_at || now.ns - session->seen_at.ns >= ns(options_.session_idle)) return denied();
  auto who = TOCSIN_TRY(principal(*user));
  who.session_hash = hash;
  if (now.ns - session->seen_at.ns >= ns(kSeenStep)) {
    auto touched = ledger_.write([&](ledger::Tables& tables) { return tables.touch_session(hash, now); });
    if (!touched.ok()) return touched.error();
  }
  return who;
}

core::Result<std::vector<OwnSession>> Auth::sessions(const Principal& who) {
  if (who.session_hash.empty()) return denied();
  const core::Timestamp now = clock_.now();
  std::vector<OwnSession> out;
  auto done = ledger_.read([&](ledger::Tables& tables) -> core::Result<void> {
    for (const auto& one : TOCSIN_TRY(tables.sessions(who.user))) {
      if (now >= one.expires_at || now.ns - one.seen_at.ns >= ns(options_.session_idle)) continue;
      out.push_back({one.token_hash.substr(0, kSessionIdBytes), one.created_at, one.seen_at, one.address, one.agent,
                     one.token_hash == who.session_hash});
    }
    return {};
  });
  if (!done.ok()) return done.error();
  std::stable_sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.seen_at > b.seen_at; });
  return out;
}

core::Result<void> Auth::end_session(const Principal& who, std::string_view id, std::string_view address) {
  if (who.session_hash.empty()) return denied();
  return ledger_.write([&](ledger::Tables& tables) -> core::Result<void> {
    for (const auto& one : TOCSIN_TRY(tables.sessions(who.user))) {
      if (one.token_hash.substr(0, kSessionIdBytes) != id) continue;
      TOCSIN_TRY(tables.delete_session(one.token_hash));
      return audit(tables, who.name, "session.end", one.address, address);
    }
    return core::Error{core::ErrorCode::kNotFound, "auth: there is no such session"};
  });
}

core::Result<void> Auth::log_out(const Principal& who, std::string_view address) {
  return ledger_.write([&](ledger::Tables& tables) -> core::Result<void> {
    TOCSIN_TRY(tables.delete_session(who.session_hash));
    return audit(tables, who.name, "logout", "", address);
  });
}

}  // namespace tocsin::auth
