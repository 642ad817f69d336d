// A JSON object inside another record's message: flattened into the open event.
//
// Pure, no state. Bounded by model::kMaxDepth (deeper parts are kept as their JSON text) and kMaxFieldsPerEvent.
#pragma once
#include <string_view>

#include "model/event.h"

namespace tocsin::decode {

// Adds the members of the one object `json` consists of to the OPEN event of `out`: nested names dotted ("a.b.c"), lists
// as runs of elements, lists of objects by their dotted names. Names are kept as they are. `json` needs no padding;
// all values are copied to out.arena(). False where it is not exactly one well-formed object: nothing is added then.
bool decode_json_object(std::string_view json, model::Batch& out);

}  // namespace tocsin::decode
