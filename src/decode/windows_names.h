// The one list of native Windows names: how System fields and exports of other tools are called in Sigma rules.
//
// Used by the EVTX, XML and JSON decoders, so that one event has the same field names whichever tool exported it, and
// by the rule loader for rules that address an exporter's own path. Pure.
#pragma once
#include <string>
#include <string_view>

namespace tocsin::decode {

// The Sigma name for a dotted JSON path, or the path itself where nothing is known of it:
//   Event.System.Channel, winlog.channel, Event.System.Provider.#attributes.Name, winlog.provider_name ... -> Channel,
//   Provider_Name; Event.EventData.X, winlog.event_data.X -> X; Event.UserData.<any>.X, winlog.user_data.X -> X.
// Spaces inside an event data name are removed ("Threat Name" -> ThreatName).
std::string canonical_name(std::string_view path);

}  // namespace tocsin::decode
