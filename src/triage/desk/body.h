// What the ledger keeps of a finding so that it can be given to the joiner again. Private to triage; pure.
#pragma once
#include <string>
#include <string_view>

#include "core/result.h"
#include "ledger/incidents.h"
#include "model/incident.h"
#include "triage/finding.h"

namespace tocsin::triage {

// Texts as the ledger takes them: NUL becomes '?', cut between characters.
std::string ledger_text(std::string_view text, std::size_t max_bytes);

// Entities beyond a limit and those with a key that is too long are left out.
std::string write_body(const Finding& finding);
// kInvalid where it is none.
core::Result<Finding> read_body(std::string_view body, const ledger::IncidentMember& member, std::string_view tenant);

// A member's row but for incident, reasons and who added it.
ledger::IncidentMember member_of(const Finding& finding);
std::string reasons_json(const std::vector<model::JoinReason>& reasons);
std::string parts_json(const std::vector<model::ScorePart>& parts);
// The same for findings that say the same again: of tenant, rule and entities.
std::string fold_key(const Finding& finding);

}  // namespace tocsin::triage
