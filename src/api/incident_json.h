// Incidents and what belongs to them as JSON, in the shapes of docs/incidents.md. Pure.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "core/json_writer.h"
#include "ledger/incidents.h"
#include "triage/sla.h"

namespace tocsin::api {

// By which service levels an incident is shown, and when.
struct SlaView {
  const triage::SlaPolicy* policy = nullptr;  // Null: sla_due and sla_breached are left out.
  core::Timestamp now;
};
std::string incident_json(const ledger::Incident& incident, const SlaView& sla);  // As in lists, and in live updates.
void write_incident(core::JsonWriter& json, const ledger::Incident& incident, const SlaView& sla);
// The same without braces, so that more members can follow.
void write_incident_members(core::JsonWriter& json, const ledger::Incident& incident, const SlaView& sla);
void write_member(core::JsonWriter& json, const ledger::IncidentMember& member);
// `revertable`: it is an automatic decision that nobody has undone.
void write_history(core::JsonWriter& json, const ledger::IncidentHistory& entry, bool revertable = false);
void write_comment(core::JsonWriter& json, const ledger::IncidentComment& comment);
void write_task(core::JsonWriter& json, const ledger::IncidentTask& task);
void write_note(core::JsonWriter& json, const ledger::IncidentNote& note);
void write_asset(core::JsonWriter& json, const ledger::Asset& asset);
// kind, key, label: in braces.
void write_entity_name(core::JsonWriter& json, model::EntityKind kind, std::string_view key, std::string_view label);

// Seconds of an incident from one moment to another; none where either is not known or the second is before the first.
struct IncidentTimes {
  std::optional<double> detect, acknowledge, contain, recover;
};
// detect: first event to its opening; the others from its opening.
IncidentTimes times_of(const ledger::Incident& incident);
void write_times(core::JsonWriter& json, const char* name, const IncidentTimes& times);

}  // namespace tocsin::api
