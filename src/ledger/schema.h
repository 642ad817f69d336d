// The migrations of the ledger's database: statement lists, one a version. Never change a released one: add the next.
#pragma once
#include <span>
#include <string_view>

namespace tocsin::ledger {

struct Migration {
  std::span<const char* const> statements;
};
// Element n leads from version n to n + 1.
std::span<const Migration> migrations();

}  // namespace tocsin::ledger
