// Which SQL of a user may go to the engine, and how a text is put into ours. Pure.
//
// The engine's own readonly mode stops changes, but not what reads files (`file('...')` as a scalar function, DESCRIBE of a
// table function), writes them (INTO OUTFILE), ends others' queries (KILL) or hides a second statement. This is the second
// lock: where it cannot be sure how the engine cuts the text into tokens, it refuses.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"

namespace tocsin::store {

inline constexpr std::size_t kMaxSqlBytes = 256u << 10;  // The engine's max_query_size.

// The one statement without its final semicolon; kDenied or kInvalid with the reason.
core::Result<std::string> check_read_sql(std::string_view sql);
// The same for one who may see some tenants only: SELECT and DESCRIBE of the tables of database tocsin, without what
// reads tables past the filter of tenant_setting() or shows what others ask.
core::Result<std::string> check_tenant_sql(std::string_view sql);
// The engine's setting, as SET takes it, that leaves only rows of `tenants` in each table. REQUIRES: not empty.
std::string tenant_setting(const std::vector<std::string>& tenants);
// The one place where a text becomes a literal of SQL.
std::string sql_quoted(std::string_view text);
// Letters and digits, at most 64: what a format's name may be.
bool is_format_name(std::string_view name);

}  // namespace tocsin::store
