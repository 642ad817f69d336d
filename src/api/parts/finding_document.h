// The OCSF document of a finding, taken apart. Pure.
#pragma once
#include <string_view>

#include "core/json_writer.h"

namespace tocsin::api {

// Members "why" (its matches, or what the correlation counted) and "ocsf" (the document). A document that is no JSON gives
// "why" null and no "ocsf".
void write_explanation(std::string_view document, core::JsonWriter& json);

}  // namespace tocsin::api
