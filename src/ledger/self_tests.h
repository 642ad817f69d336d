// Runs of the pipeline's test of itself: what was sent, how long its finding took, and which finding that is.
//
// A run is known by the hash of its token, which nobody has before it is sent. One finding claims a token; later ones with
// the same token are as any other. Used within a transaction, as IncidentTables is.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/result.h"
#include "ledger/ledger.h"

namespace tocsin::ledger {

inline constexpr std::int64_t kMaxSelfTests = 5'000;  // The newest are kept.

struct SelfTest {
  std::int64_t id = 0;
  std::string source, kind, token_hash;
  core::Timestamp at;
  std::string finding;         // Its id; empty: none yet.
  std::string state;           // "running", "ok", "missed".
  std::int64_t detect_ns = 0;  // Of "ok": from sending to the stored finding.
  std::string problem;
};

class SelfTestTables {
 public:
  // REQUIRES: used no longer than `tables`.
  explicit SelfTestTables(Tables& tables) : tables_(tables) {}

  core::Result<std::int64_t> insert(const SelfTest& test);  // Running. Removes the oldest past kMaxSelfTests.
  // Whether that finding is the one of that token.
  core::Result<bool> claim(const std::string& token_hash, const std::string& finding);
  core::Result<void> finish(const SelfTest& test);             // State, time and problem, by id.
  core::Result<void> end_running(const std::string& problem);  // What an ended program left is missed.
  core::Result<std::vector<SelfTest>> newest(std::int64_t limit);

 private:
  Connection& connection();
  Tables& tables_;
};

}  // namespace tocsin::ledger
