// Stored rows against the OCSF view of the same events, for tests.
#pragma once
#include <string>
#include <vector>

#include "model/event.h"
#include "model/event_row.h"

namespace tocsin::normalise {

// What is wrong with `row` whatever the mapping says: a field that is nowhere, an attribute that is no field, an address
// that is not canonical, a limit that does not hold.
std::vector<std::string> check_row(const model::EventRow& row, const model::Event& event);

// Where the columns differ from `json`, what write_event() makes of the same event. Mappings without `columns` only.
std::vector<std::string> compare_with_ocsf(const model::EventRow& row, const std::string& json);

// Class, activity, severity and status alone.
std::vector<std::string> compare_class(const model::EventRow& row, const std::string& json);

// The text of a column by its name.
std::string column_text(const model::EventRow& row, std::string_view name);

}  // namespace tocsin::normalise
