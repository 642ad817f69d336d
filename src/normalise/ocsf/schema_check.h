// What OCSF 1.8.0 demands of an event, for tests: attributes each class must have and may have, by the schema's facts.
#pragma once
#include <string>
#include <vector>

namespace tocsin::normalise {

// What is wrong with one OCSF event (JSON text): attributes that are required and missing, that the class does not know,
// ids that do not fit one another, members that objects need. Empty: nothing.
std::vector<std::string> check_schema(const std::string& json);

}  // namespace tocsin::normalise
