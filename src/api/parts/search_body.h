// What every search of events says: its text, its range of time, its tenants. One thread.
#pragma once
#include <expected>
#include <string>

#include "api/parts/call.h"

namespace tocsin::api {

struct SearchBody {
  store::SqlText where;  // Tenants, time and the text's condition.
  std::string query, id;
  core::Timestamp from, to;           // Whole seconds where the request has no time of its own, or one by "now".
  store::SqlText tenants, condition;  // Of `where`.
  [[nodiscard]] bool everything() const { return condition.str() == "1" || condition.str() == "(1)"; }
  [[nodiscard]] store::SqlText where_within(core::Timestamp from, core::Timestamp to) const;
};
// Call it last: it answers for all that is wrong with `body`.
std::expected<SearchBody, Reply> read_search(const Call& call, Body& body);
// Of the trail: what was searched. A failure is counted; the search goes on.
void audit_search(const Call& call, const char* action, const SearchBody& search);

}  // namespace tocsin::api
