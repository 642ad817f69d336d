// The parts of the program and how they do, as a JSON member. Pure.
#pragma once
#include <vector>

#include "api/platform.h"
#include "core/json_writer.h"

namespace tocsin::api {

void write_parts(core::JsonWriter& json, const char* name, const std::vector<PartHealth>& parts);

}  // namespace tocsin::api
