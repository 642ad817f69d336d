// YAML values as JSON: the events of a rule's test, written as a log would hold them. Pure.
#pragma once
#include "core/json_writer.h"
#include "core/yaml.h"

namespace tocsin::cli {

// Plain scalars that are JSON numbers, booleans or null stay that; the rest is text as written. Recursion is bounded by
// core::kMaxYamlDepth.
void write_json(const core::YamlNode& value, core::JsonWriter& out);

}  // namespace tocsin::cli
