// The hash that chains the records of the audit trail.
//
// Each record's hash covers the hash before it and all its own fields, each with its length in front, so that no two
// different records have the same canonical text. Pure functions.
#pragma once
#include <string>

#include "ledger/rows.h"

namespace tocsin::ledger {

// What stands before the first record: 64 zeros.
std::string audit_genesis();
// Of sequence, entry and previous_hash; `record.hash` is not read. Lower-case hex.
std::string audit_hash(const AuditRecord& record);

}  // namespace tocsin::ledger
