// Files that people put to an incident, and who did what with each: rows and their tables. The bytes: evidence_files.h.
//
// Used within a transaction, as IncidentTables is. Both tables only grow: triggers of the database refuse to change or
// remove a row.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/result.h"
#include "ledger/incidents.h"

namespace tocsin::ledger {

inline constexpr std::int64_t kMaxEvidencePerIncident = 500;
inline constexpr std::int64_t kMaxEvidenceBytesPerIncident = std::int64_t{1} << 30;
inline constexpr std::size_t kMaxEvidenceNoteBytes = 2'048;
inline constexpr std::int64_t kMaxCustodyShown = 1'000;  // The newest.

struct Evidence {
  std::int64_t id = 0;
  IncidentNumber incident = 0;
  std::string name;  // As shown: no path, no control characters.
  std::int64_t size_bytes = 0;
  std::string sha256;      // Lower-case hex.
  std::string media_type;  // As the one who added it said; nobody relies on it.
  std::string note, added_by;
  core::Timestamp at;
};

struct Custody {
  std::int64_t sequence = 0, evidence = 0;
  core::Timestamp at;
  std::string actor;
  std::string action;  // "added", "read", "verified", "exported".
  std::string sha256;  // As found at that moment; empty: there was no file.
  std::string text;
};

class EvidenceTables {
 public:
  // REQUIRES: used no longer than `tables`.
  explicit EvidenceTables(Tables& tables) : tables_(tables) {}

  // With its first row of custody. kLimit: the incident has as many files or bytes as it may.
  core::Result<std::int64_t> add(const Evidence& evidence);
  core::Result<std::vector<Evidence>> of_incident(IncidentNumber incident);  // By id.
  core::Result<std::optional<Evidence>> evidence(IncidentNumber incident, std::int64_t id);
  core::Result<void> add_custody(const Custody& entry);
  core::Result<std::vector<Custody>> custody(std::int64_t evidence);  // In order of time.

 private:
  Connection& connection();
  Tables& tables_;
};

}  // namespace tocsin::ledger
