// The records of the ledger as plain values. Times unknown (core::kNoTime) are stored as such.
//
// Nothing here is a secret: passwords and tokens come as hashes, TOTP secrets sealed.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "core/time.h"

namespace tocsin::ledger {

struct UserId {
  std::int64_t value = 0;  // 0: none.
  auto operator<=>(const UserId&) const = default;
};
struct TokenId {
  std::int64_t value = 0;
  auto operator<=>(const TokenId&) const = default;
};
struct SourceId {
  std::int64_t value = 0;
  auto operator<=>(const SourceId&) const = default;
};
struct SearchId {
  std::int64_t value = 0;
  auto operator<=>(const SearchId&) const = default;
};

// Users are disabled, never removed, so that a name in the audit trail stays whose it was.
struct User {
  UserId id;
  std::string name;  // Unique, lower case.
  std::string display_name, password_hash, role;
  std::vector<std::string> tenants;  // Empty: all. Sorted.
  bool enabled = true;
  std::string totp_sealed;   // Empty: no second factor.
  std::string totp_pending;  // Sealed; not confirmed by a code yet.
  std::int64_t totp_last_step = 0;
  core::Timestamp created_at, password_changed_at, last_login_at;
};
struct Session {
  std::string token_hash;
  UserId user;
  core::Timestamp created_at, seen_at, expires_at;
  std::string address, agent;
};
struct ApiToken {
  TokenId id;
  UserId user;
  std::string name, token_hash;
  std::vector<std::string> scopes;  // Names of rights. Sorted.
  core::Timestamp created_at, expires_at, used_at;
};
struct Source {
  SourceId id;
  std::string name;  // Unique.
  std::string kind, tenant, site;
  std::string config;      // JSON.
  std::string token_hash;  // Empty: no token. Unique otherwise.
  bool enabled = true;
  core::Timestamp created_at, changed_at;
};
enum class RuleMode : std::uint8_t { kOff, kDraft, kOn };
const char* to_string(RuleMode mode);
struct RuleState {
  std::string rule_id;
  RuleMode mode = RuleMode::kOn;
  std::string changed_by;
  core::Timestamp changed_at;
};
struct SavedSearch {
  SearchId id;
  UserId owner;
  std::string name;   // Unique for its owner.
  std::string query;  // JSON of the console.
  bool shared = false;
  core::Timestamp changed_at;
};
struct Setting {
  std::string key, value;
  std::string changed_by;
  core::Timestamp changed_at;
};

// What is appended to the trail. Texts are cut at kMaxAuditTextBytes, NUL becomes '?'.
struct AuditEntry {
  core::Timestamp time;
  std::string actor;   // A user name, "source:<name>" or "system".
  std::string action;  // "login.ok", "user.create" ...
  std::string object, address;
  std::string detail;  // JSON, or empty.
};
struct AuditRecord {
  std::int64_t sequence = 0;  // From 1, without gaps.
  AuditEntry entry;
  std::string previous_hash, hash;  // SHA-256 in hex.
};

}  // namespace tocsin::ledger
