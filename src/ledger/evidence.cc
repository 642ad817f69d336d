#include "ledger/evidence.h"

#include <algorithm>
#include <array>

#include "ledger/connection.h"

namespace tocsin::ledger {
namespace {

constexpr std::size_t kSha256HexBytes = 64;

struct EvidenceColumns {
  Evidence row;
  long long id = 0, incident = 0, size = 0, at = 0;
  void exchange(soci::statement& s) {
    for (std::string* text : {&row.name, &row.sha256, &row.media_type, &row.note, &row.added_by}) {
      s.exchange(soci::into(*text));
    }
    for (long long* value : {&id, &incident, &size, &at}) s.exchange(soci::into(*value));
  }
  Evidence take() {
    row.id = id;
    row.incident = incident;
    row.size_bytes = size;
    row.at.ns = at;
    return row;
  }
};
constexpr const char* kEvidence = "select name, sha256, media_type, note, added_by, id, incident, size, at from evidence ";

struct CustodyColumns {
  Custody row;
  long long sequence = 0, evidence = 0, at = 0;
  void exchange(soci::statement& s) {
    for (std::string* text : {&row.actor, &row.action, &row.sha256, &row.text}) s.exchange(soci::into(*text));
    for (long long* value : {&sequence, &evidence, &at}) s.exchange(soci::into(*value));
  }
  Custody take() {
    row.sequence = sequence;
    row.evidence = evidence;
    row.at.ns = at;
    return row;
  }
};

bool is_sha256(std::string_view text) {
  return text.size() == kSha256HexBytes && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

core::Result<void> check_evidence(const Evidence& evidence) {
  if (evidence.name.empty()) return core::Error{core::ErrorCode::kInvalid, "ledger: evidence needs a name"};
  for (const std::string* text : {&evidence.name, &evidence.media_type, &evidence.added_by}) {
    if (auto fits = check_text("a text of evidence", *text, kMaxNameBytes); !fits.ok()) return fits;
  }
  if (auto fits = check_text("a note of evidence", evidence.note, kMaxEvidenceNoteBytes); !fits.ok()) return fits;
  if (!is_sha256(evidence.sha256) || evidence.size_bytes < 0)
    return core::Error{core::ErrorCode::kInvalid, "ledger: evidence needs a size and a SHA-256"};
  return {};
}

}  // namespace

Connection& EvidenceTables::connection() { return tables_.connection_; }

core::Result<std::int64_t> EvidenceTables::add(const Evidence& evidence) {
  if (auto good = check_evidence(evidence); !good.ok()) return good.error();
  const auto added = guarded([&]() -> core::Result<std::int64_t> {
    const auto files = count(connection(), "select count(*) from evidence where incident = :a", number(evidence.incident));
    if (files >= kMaxEvidencePerIncident) {
      return core::Error{core::ErrorCode::kLimit,
                         "the incident has " + std::to_string(files) + " files of evidence already, the most"};
    }
    const auto bytes =
        count(connection(), "select coalesce(sum(size), 0) from evidence where incident = :a", number(evidence.incident));
    if (evidence.size_bytes > kMaxEvidenceBytesPerIncident - bytes) {
      return core::Error{core::ErrorCode::kLimit, "the evidence of the incident has " + std::to_string(bytes) +
                                                      " bytes; with this file it would be "
                                                      "more than " +
                                                      std::to_string(kMaxEvidenceBytesPerIncident) + ", the most"};
    }
    change(connection(),
           "insert into evidence (incident, name, size, sha256, media_type, note, added_by, at) values (:a, :b, :c, :d, :e, "
           ":f, :g, :h)",
           number(evidence.incident), evidence.name, number(evidence.size_bytes), evidence.sha256, evidence.media_type,
           evidence.note, evidence.added_by, number(evidence.at.ns));
    return last_id(connection());
  });
  if (!added.ok()) return added;
  const auto noted = add_custody({0, *added, evidence.at, evidence.added_by, "added", evidence.sha256, ""});
  if (!noted.ok()) return noted.error();
  return added;
}

core::Result<std::vector<Evidence>> EvidenceTables::of_incident(IncidentNumber incident) {
  return guarded([&]() -> core::Result<std::vector<Evidence>> {
    return select<EvidenceColumns>(connection(), std::string(kEvidence) + "where incident = :a order by id",
                                   number(incident));
  });
}

core::Result<std::optional<Evidence>> EvidenceTables::evidence(IncidentNumber incident, std::int64_t id) {
  return guarded([&] {
    return first<EvidenceColumns>(connection(), std::string(kEvidence) + "where incident = :a and id = :b", number(incident),
                                  number(id));
  });
}

core::Result<void> EvidenceTables::add_custody(const Custody& entry) {
  constexpr std::array<std::string_view, 4> kActions{"added", "read", "verified", "exported"};
  if (std::find(kActions.begin(), kActions.end(), entry.action) == kActions.end())
    return core::Error{core::ErrorCode::kInvalid, "ledger: '" + entry.action + "' is nothing that is done with evidence"};
  if (!entry.sha256.empty() && !is_sha256(entry.sha256))
    return core::Error{core::ErrorCode::kInvalid, "ledger: a row of custody has a SHA-256 or none"};
  if (auto fits = check_text("an actor", entry.actor, kMaxNameBytes); !fits.ok()) return fits;
  if (auto fits = check_text("a text of custody", entry.text, kMaxEvidenceNoteBytes); !fits.ok()) return fits;
  return guarded([&]() -> core::Result<void> {
    change(connection(),
           "insert into evidence_custody (evidence, at, actor, action, sha256, text) values (:a, :b, :c, :d, :e, :f)",
           number(entry.evidence), number(entry.at.ns), entry.actor, entry.action, entry.sha256, entry.text);
    return {};
  });
}

core::Result<std::vector<Custody>> EvidenceTables::custody(std::int64_t evidence) {
  return guarded([&]() -> core::Result<std::vector<Custody>> {
    return select<CustodyColumns>(connection(),
                                  "select actor, action, sha256, text, sequence, evidence, at from (select * from "
                                  "evidence_custody where evidence = :a order by sequence desc limit :b) order by sequence",
                                  number(evidence), number(kMaxCustodyShown));
  });
}

}  // namespace tocsin::ledger
