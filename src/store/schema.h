// The tables, and how a folder of an earlier version becomes one of this version.
//
// Migrations are lists of statements, each of which may run twice; the version is noted after its statements.
#pragma once
#include <string>
#include <vector>

namespace tocsin::store {

inline constexpr unsigned kSchemaVersion = 1;
// Run at each start: the database and the table of versions.
std::vector<std::string> schema_base();
// What turns version - 1 into `version`; 1 <= version <= kSchemaVersion.
std::vector<std::string> schema_migration(unsigned version);

}  // namespace tocsin::store
