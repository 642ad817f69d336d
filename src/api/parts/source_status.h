// A source's status as JSON, in lists and in live updates. Pure.
#pragma once
#include <string_view>

#include "api/platform.h"
#include "core/json_writer.h"

namespace tocsin::api {

// `token`: shown where it is not empty.
void write_source(core::JsonWriter& json, const SourceStatus& source, std::string_view token);

}  // namespace tocsin::api
