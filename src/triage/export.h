// An incident for other programs: a table, a Timesketch timeline, a STIX 2.1 bundle. Pure; the same incident gives the same
// bytes.
//
// STIX: a `report` over one `observed-data` for each entity that STIX can say (addresses, domains, URLs, hashes, files,
// users, processes with a pid), an `identity` for each host, and the ATT&CK techniques. No `indicator` is made: that
// something was seen in an incident does not say that it is bad. Sessions, services and cloud resources have no object in
// STIX and are left out.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "ledger/incidents.h"

namespace tocsin::triage {

struct IncidentExport {
  ledger::Incident incident;
  std::vector<ledger::IncidentMember> members;
  std::vector<ledger::IncidentEntity> entities;
  std::vector<ledger::IncidentNote> notes;
};

std::string incident_label(ledger::IncidentNumber number);  // "INC-17"
// A row for each finding; the columns that Timesketch asks for come first.
std::string findings_csv(const IncidentExport& data);
// A line for each finding and each note.
std::string timesketch_lines(const IncidentExport& data);
std::string stix_bundle(const IncidentExport& data);

// RFC 9562 version 5: the name of `name` in the namespace, which is a UUID as text. Empty where it is none.
std::string uuid_of_name(std::string_view name_space, std::string_view name);

}  // namespace tocsin::triage
