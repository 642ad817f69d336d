// The attacks[] of a finding, from the ATT&CK tags of a rule.
#pragma once
#include <string>
#include <vector>

#include "core/json_writer.h"

namespace tocsin::normalise::ocsf {

// Appends the member "attacks": one object a technique, with those tactics of the rule it belongs to, and one for each
// tactic that no technique of the rule explains. Nothing where no tag speaks of ATT&CK.
void write_attacks(const std::vector<std::string>& tags, core::JsonWriter& out);

}  // namespace tocsin::normalise::ocsf
