// Records that change under transactions: users, sessions, tokens, sources, rule states, settings and the audit trail.
//
// SQLite in one file (WAL, synchronous=FULL): what write() acknowledged survives a crash and, with the disk's word, power
// loss. Any number of threads; one connection, so one transaction runs at a time. A transaction's function runs with the
// lock held: keep it short, never hash a password or call the Ledger in it. What the disk refuses is kIo and the
// transaction is undone; a broken constraint (a name taken) is kInvalid.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/mutex.h"
#include "core/result.h"
#include "ledger/rows.h"

namespace tocsin::ledger {

inline constexpr std::int64_t kMaxUsers = 10'000;
inline constexpr std::int64_t kMaxSources = 100'000;
inline constexpr std::int64_t kMaxSessionsPerUser = 32;  // The one seen longest ago ends for a new one.
inline constexpr std::int64_t kMaxTokensPerUser = 100;
inline constexpr std::int64_t kMaxSearchesPerUser = 1'000;
inline constexpr std::int64_t kMaxAddressesPerUser = 32;  // Known ones; the oldest goes.
inline constexpr std::size_t kMaxNameBytes = 256;         // Names, kinds, tenants, sites, keys.
inline constexpr std::size_t kMaxJsonBytes = 64 * 1024;   // A source's config, a saved query, a setting, a detail.
inline constexpr std::size_t kMaxAuditTextBytes = 1'024;
inline constexpr std::int64_t kMaxAuditPage = 1'000;

struct Connection;  // The database library's; private.

// The tables, inside one transaction. Valid only within the function given to Ledger::write or read. After an error
// return it: the transaction is to be undone.
class Tables {
 public:
  core::Result<UserId> insert_user(const User& user);
  core::Result<void> update_user(const User& user);  // All fields but created_at, by id.
  core::Result<std::optional<User>> user(UserId id);
  core::Result<std::optional<User>> user_named(std::string_view name);
  core::Result<std::vector<User>> users();  // By name.
  core::Result<std::int64_t> user_count();

  core::Result<void> set_recovery_codes(UserId user, const std::vector<std::string>& hashes);  // Replaces all.
  core::Result<bool> take_recovery_code(UserId user, std::string_view hash);                   // False: not there.
  core::Result<std::int64_t> recovery_code_count(UserId user);
  core::Result<void> remember_address(UserId user, std::string_view address, core::Timestamp at);
  core::Result<bool> knows_address(UserId user, std::string_view address);
  core::Result<void> forget_addresses(UserId user);

  core::Result<void> insert_session(const Session& session);
  core::Result<std::optional<Session>> session(std::string_view token_hash);
  core::Result<std::vector<Session>> sessions(UserId user);
  core::Result<void> touch_session(std::string_view token_hash, core::Timestamp seen_at);
  core::Result<bool> delete_session(std::string_view token_hash);
  // All of the user but `keep_hash` (which may be empty); answers how many.
  core::Result<std::int64_t> delete_sessions(UserId user, std::string_view keep_hash);
  core::Result<std::int64_t> delete_old_sessions(core::Timestamp expired_before, core::Timestamp idle_since);

  core::Result<TokenId> insert_token(const ApiToken& token);
  core::Result<std::optional<ApiToken>> token(TokenId id);
  core::Result<std::optional<ApiToken>> token_with_hash(std::string_view token_hash);
  core::Result<std::vector<ApiToken>> tokens(std::optional<UserId> user);  // None: everyone's.
  core::Result<void> touch_token(TokenId id, core::Timestamp used_at);
  core::Result<bool> delete_token(TokenId id);

  core::Result<SourceId> insert_source(const Source& source);
  core::Result<void> update_source(const Source& source);  // All fields but created_at, by id. kNotFound.
  core::Result<std::optional<Source>> source(SourceId id);
  core::Result<std::optional<Source>> source_named(std::string_view name);
  core::Result<std::optional<Source>> source_with_token(std::string_view token_hash);
  core::Result<std::vector<Source>> sources();    // By name.
  core::Result<bool> delete_source(SourceId id);  // Its id is never given again.

  core::Result<void> set_rule_state(const RuleState& state);
  core::Result<std::vector<RuleState>> rule_states();  // By rule id.

  core::Result<SearchId> insert_search(const SavedSearch& search);
  core::Result<void> update_search(const SavedSearch& search);  // By id and owner. kNotFound.
  core::Result<bool> delete_search(SearchId id, UserId owner);
  core::Result<std::vector<SavedSearch>> searches(UserId reader);  // Own and shared ones, by name.

  core::Result<void> set_setting(const Setting& setting);
  core::Result<std::optional<Setting>> setting(std::string_view key);
  core::Result<std::vector<Setting>> settings();
  core::Result<bool> delete_setting(std::string_view key);

  core::Result<AuditRecord> append_audit(AuditEntry entry);
  struct AuditQuery {
    std::int64_t before = 0;    // Sequences below it; 0: from the newest.
    std::int64_t limit = 100;   // At most kMaxAuditPage.
    std::string actor, action;  // Empty: any. `action` also finds what begins with it and a dot: "login".
  };
  core::Result<std::vector<AuditRecord>> audit(const AuditQuery& query);  // Newest first.

 private:
  friend class Ledger;
  friend class IncidentTables;
  friend class NotifyTables;
  friend class TuningTables;
  friend class EvidenceTables;
  friend class ReviewTables;
  friend class SelfTestTables;
  explicit Tables(Connection& connection) : connection_(connection) {}
  Connection& connection_;
};

struct AuditHead {
  std::int64_t sequence = 0;
  std::string hash;
};
struct AuditVerdict {
  std::int64_t checked = 0;       // Records found whole before the first broken one.
  std::int64_t first_broken = 0;  // 0: the chain holds.
  std::string reason;
  AuditHead head;  // Kept elsewhere, it shows later that the trail was not rewritten as a whole.
  [[nodiscard]] bool intact() const { return first_broken == 0; }
};

class Ledger {
 public:
  // Makes the file (mode 0600) where absent, migrates it to this version. kUnsupported: made by a newer version.
  static core::Result<std::unique_ptr<Ledger>> open(const std::string& path);
  ~Ledger();
  Ledger(const Ledger&) = delete;
  Ledger& operator=(const Ledger&) = delete;

  // Runs `work` in a transaction that writes: an error of `work` or of the commit undoes all of it.
  core::Result<void> write(const std::function<core::Result<void>(Tables&)>& work);
  // The same without a commit: whatever `work` writes is undone.
  core::Result<void> read(const std::function<core::Result<void>(Tables&)>& work);

  // Recomputes the chain from the first record, a page at a time. Finds an altered, removed, added or swapped record, and
  // records missing at the end. One who can rewrite the whole file can make a new chain: compare `head` with a copy.
  core::Result<AuditVerdict> verify_audit();
  // A consistent copy as a new file; fails where `path` exists.
  core::Result<void> backup(const std::string& path);

  [[nodiscard]] static int schema_version();

 private:
  Ledger();
  core::Result<void> run(const std::function<core::Result<void>(Tables&)>& work, bool commit);
  core::Mutex mutex_;
  std::unique_ptr<Connection> connection_ GUARDED_BY(mutex_);
};

}  // namespace tocsin::ledger
