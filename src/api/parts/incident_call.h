// What the routes of incidents, assets and entities share: who may see which, pages of tables, findings of the store.
//
// An incident of a tenant that the caller does not see is not there: kNotFound, as for a number never given.
#pragma once
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/incident_json.h"
#include "api/parts/call.h"
#include "ledger/incidents.h"
#include "triage/finding.h"

namespace tocsin::api {

inline constexpr std::int64_t kMaxViewMembers = 5'000;      // Findings that a timeline or a graph is made of.
inline constexpr std::size_t kMaxDocuments = 500;           // OCSF documents that are read for one answer.
inline constexpr std::int64_t kMaxTableOffset = 1'000'000;  // Of a cursor.

// How the caller is shown incidents.
SlaView sla_view(const Call& call);

// "17" or "INC-17".
std::optional<ledger::IncidentNumber> parse_incident_number(std::string_view text);
core::Result<ledger::Incident> visible_incident(const Call& call, ledger::IncidentTables& tables,
                                                ledger::IncidentNumber number);
// The incident of the path, and within the same transaction what `more` reads.
core::Result<ledger::Incident> read_incident(
    const Call& call, const std::function<core::Result<void>(ledger::IncidentTables&, const ledger::Incident&)>& more = {});
core::Result<void> read_tables(const Call& call, const std::function<core::Result<void>(ledger::IncidentTables&)>& read);

// At most `most`, in pages.
core::Result<std::vector<ledger::IncidentMember>> all_members(ledger::IncidentTables& tables, ledger::IncidentNumber number,
                                                              std::int64_t most);

// Pages of a table by offset.
struct TablePage {
  std::int64_t limit = 0, offset = 0;
  // The cursor of the next page; empty where `total` is reached.
  [[nodiscard]] std::string next(const char* list, std::size_t shown, std::int64_t total) const;
};
TablePage read_page(Query& query, const char* list);

// The tenant asked for, or the only one the caller sees; refuses one that the caller does not see.
std::string tenant_of(const Call& call, std::string_view asked, const std::function<void(std::string)>& refuse);
// A user who can work on incidents of the tenant; empty is nobody, and well.
core::Result<bool> may_work(const Call& call, const std::string& user, const std::string& tenant);

// Findings of the store of that tenant as triage sees them, by id; those not there are left out. At most kMaxDocuments.
core::Result<std::vector<triage::Finding>> findings_of(const Call& call, const std::string& tenant,
                                                       const std::vector<std::string>& ids);
// What a row of `id, sequence, event_time, detected_at, tenant, site, source, rule_id, rule_title, severity_id, finding`
// says.
triage::Finding read_finding_row(Row& row);
store::SqlText finding_columns();

}  // namespace tocsin::api
