// The reports: an incident, and how a period went, as HTML pages. Pure; the same data gives the same bytes.
#pragma once
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ledger/evidence.h"
#include "ledger/incidents.h"

namespace tocsin::api {

inline constexpr std::int64_t kMaxReportMembers = 1'000, kMaxReportEntities = 500, kMaxReportHistory = 1'000;
inline constexpr std::size_t kMaxReportTimeline = 1'500, kMaxReportCustody = 2'000;

struct IncidentReport {
  ledger::Incident incident;
  std::vector<ledger::IncidentMember> members;  // By event time.
  std::map<std::string, std::string> why;       // Why each finding fired, by its id, as far as known.
  std::vector<ledger::IncidentEntity> entities;
  std::vector<ledger::IncidentNote> notes;
  std::vector<ledger::IncidentTask> tasks;
  std::vector<ledger::IncidentHistory> history;
  std::vector<std::pair<ledger::Evidence, std::vector<ledger::Custody>>> evidence;
  bool complete = true;  // False: findings, entities or history were left out.
  std::string made;      // By whom, when, of which version.
};
std::string incident_report(const IncidentReport& data);

struct PeriodReport {
  std::string measures, reviews;  // The JSON that their routes answer.
  std::string tenants;            // For people.
  std::string tlp, made;
};
std::string period_report(const PeriodReport& data);

}  // namespace tocsin::api
