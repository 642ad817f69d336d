// Which conversion a mapping names, and which one an attribute's name implies. Pure functions over constant tables.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "normalise/ocsf/mapping.h"

namespace tocsin::normalise::ocsf {

// Of the last part of a path: integers, times and booleans by their names in OCSF, all others text.
Convert convert_by_name(std::string_view leaf);
// What `as:` says; empty where there is no such conversion.
std::optional<Convert> find_convert(std::string_view name);
// "text, int, ...": for messages.
std::string all_convert_names();

}  // namespace tocsin::normalise::ocsf
