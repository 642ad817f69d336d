// The values of a field as a view of the event shows them.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "core/arena.h"
#include "detect/log_source_map.h"
#include "model/event.h"

namespace tocsin::detect {

// The mapped value: the text itself, a view into `rule`, or made in `arena`.
std::string_view map_value(const FieldRule& rule, std::string_view text, core::Arena& arena);

// The rule of `row` for a field that rules name so, an exact one before one that ends in '*'; null where it is not mapped
// (or row is null).
const FieldRule* rule_for(const SourceRow* row, std::string_view rule_field);

// The event's name of a rule's field; `rule` as rule_for() gave it.
std::string event_name(const FieldRule* rule, std::string_view rule_field);

// All non-null values of a rule's field.
std::vector<std::string> mapped_values(const SourceRow* row, const model::Event& event, std::string_view rule_field);

}  // namespace tocsin::detect
