// Logs users in, knows who a request is from, and changes users, sessions and API tokens, each with its audit record.
//
// Any number of threads. Wrong passwords, codes and tokens are kDenied without saying which; unknown users cost the same
// time as known ones. At most kMaxHashesAtOnce passwords are hashed at once and kMaxHashesWaiting wait; past it kLimit.
#pragma once
#include <chrono>
#include <condition_variable>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "auth/password.h"
#include "auth/rights.h"
#include "auth/throttle.h"
#include "core/secret.h"
#include "ledger/ledger.h"

namespace tocsin::auth {

inline constexpr unsigned kMaxHashesAtOnce = 2;  // 64 MiB each.
inline constexpr unsigned kMaxHashesWaiting = 64;
inline constexpr std::size_t kRecoveryCodes = 10;
inline constexpr std::chrono::minutes kSeenStep{1};  // Last-seen times are written no more often.

struct AuthOptions {
  PasswordCost cost = kPasswordCost;
  std::chrono::minutes session_idle{12 * 60};
  std::chrono::hours session_life{168}, setup_life{24};
};

// Who a request is from, and what it may do.
struct Principal {
  ledger::UserId user;
  std::string name;
  Role role = Role::kViewer;
  RightSet rights;                   // Of the role; of an API token: also of its scopes.
  std::vector<std::string> tenants;  // Empty: all.
  std::string session_hash;          // Empty: an API token.
  [[nodiscard]] bool may(Right right) const { return has(rights, right); }
  [[nodiscard]] bool may_see(std::string_view tenant) const;
};

struct LoginRequest {
  std::string name, address, agent;
  core::Secret password;
  std::string code;  // A one-time or a recovery code; empty where not asked for yet.
};
struct Login {
  enum class Outcome { kOk, kCodeNeeded, kDenied, kWait } outcome = Outcome::kDenied;
  std::chrono::nanoseconds wait{0};
  core::Secret session_token, csrf_token;
};
struct NewUser {
  std::string name, display_name;  // name: 1 to 64 of a-z 0-9 . _ @ -; capitals become small.
  core::Secret password;
  Role role = Role::kViewer;
  std::vector<std::string> tenants;
};
struct NewToken {
  std::string name;
  RightSet scopes;
  core::Timestamp expires_at;
};

struct UserChange {  // What is absent stays.
  std::optional<Role> role;
  std::optional<bool> enabled;
  std::optional<std::vector<std::string>> tenants;
  std::optional<std::string> display_name;
};
inline constexpr std::size_t kSessionIdBytes = 16;
struct OwnSession {
  std::string id;  // The beginning of its token's hash: names it, opens nothing.
  core::Timestamp created_at, seen_at;
  std::string address, agent;
  bool current = false;
};

// The key of `path`, 32 bytes; made (mode 0600) where absent. kDenied: others may read the file.
core::Result<core::Secret> load_seal_key(const std::string& path);

// A small secret as text for the ledger, and back; empty: sealed with another key, or damaged.
std::string seal_secret(std::string_view plain, const core::Secret& seal_key);
std::optional<core::Secret> unseal_secret(std::string_view sealed, const core::Secret& seal_key);

class Auth {
 public:
  // `ledger` and `clock` must outlive it. `seal_key`: of load_seal_key.
  static core::Result<std::unique_ptr<Auth>> open(ledger::Ledger& ledger, const core::Clock& clock, core::Secret seal_key,
                                                  AuthOptions options);

  // Set-up: only while there is no user. A new set-up token ends the one before.
  core::Result<core::Secret> new_setup_token();
  core::Result<void> set_up(std::string_view setup_token, NewUser admin, std::string_view address);
  core::Result<void> create_first_admin(NewUser admin);  // With a password that the operator gave.

  core::Result<Login> log_in(const LoginRequest& request);
  core::Result<Principal> from_session(std::string_view session_token);  // kDenied: none, or it has ended.
  core::Result<Principal> from_api_token(std::string_view token);
  core::Result<void> log_out(const Principal& who, std::string_view address);

  // Rights are checked here too: users.write, tenants within the caller's own, and no role with a right the caller has not.
  core::Result<ledger::UserId> create_user(const Principal& by, NewUser user, std::string_view address);
  // Ends the user's sessions where disabled. kInvalid: it would leave no enabled admin.
  core::Result<void> change_user(const Principal& by, std::string_view name, const UserChange& change,
                                 std::string_view address);
  core::Result<void> set_access(const Principal& by, std::string_view name, Role role, bool enabled,
                                std::string_view address) {
    return change_user(by, name, {role, enabled, {}, {}}, address);
  }
  // For one who lost the password or the second factor: sets the one, removes the other, ends all sessions and API tokens.
  // Needs a session.
  core::Result<void> reset_user(const Principal& by, std::string_view name, const core::Secret& new_password,
                                std::string_view address);
  // Ends all other sessions of the user. Needs a session.
  core::Result<void> change_password(const Principal& who, const core::Secret& old_password,
                                     const core::Secret& new_password, std::string_view address);

  // Second factor. Answers the secret's 20 bytes; it counts from a right code on, which gives the recovery codes, once.
  core::Result<core::Secret> begin_totp(const Principal& who);
  core::Result<std::vector<std::string>> confirm_totp(const Principal& who, std::string_view code, std::string_view address);

  // Switches the second factor off; the recovery codes go with it. Needs a session.
  core::Result<void> end_totp(const Principal& who, const core::Secret& password, std::string_view address);

  // The caller's own sessions that have not ended, the one seen last first. Needs a session.
  core::Result<std::vector<OwnSession>> sessions(const Principal& who);
  core::Result<void> end_session(const Principal& who, std::string_view id, std::string_view address);

  // Scopes within the caller's rights; needs a session. The text is given once.
  core::Result<core::Secret> create_token(const Principal& who, const NewToken& token, std::string_view address);
  core::Result<void> revoke_token(const Principal& who, ledger::TokenId id, std::string_view address);

  [[nodiscard]] std::uint64_t throttle_evicted_count() const { return throttle_.evicted_count(); }

 private:
  Auth(ledger::Ledger& ledger, const core::Clock& clock, core::Secret seal_key, AuthOptions options)
      : ledger_(ledger), clock_(clock), seal_key_(std::move(seal_key)), options_(options), throttle_(clock) {}
  core::Result<void> start_hashing();
  void end_hashing();
  core::Result<std::string> hash(std::string_view password);
  core::Result<bool> matches(const std::string& hash, std::string_view password);
  core::Result<ledger::User> prepare(NewUser& user);
  // The user's record where it is the password; guesses are slowed down.
  core::Result<ledger::User> check_own_password(const Principal& who, const core::Secret& password,
                                                std::string_view address);
  core::Result<Principal> principal(const ledger::User& user) const;
  core::Result<bool> code_good(ledger::Tables& tables, ledger::User& user, std::string_view code) const;
  core::Result<void> finish_login(const ledger::User& checked, const LoginRequest& request, Login& login);
  core::Result<void> audit(ledger::Tables& tables, std::string_view actor, const char* action, std::string_view object,
                           std::string_view address) const;

  ledger::Ledger& ledger_;
  const core::Clock& clock_;
  const core::Secret seal_key_;
  const AuthOptions options_;
  Throttle throttle_;
  std::string dummy_hash_;  // Compared with where there is no such user.
  core::Mutex mutex_;
  std::condition_variable hash_ended_;
  unsigned hashing_ GUARDED_BY(mutex_) = 0, waiting_ GUARDED_BY(mutex_) = 0;
};

}  // namespace tocsin::auth
