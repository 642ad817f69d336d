// The body of Elasticsearch's _bulk: an action line, then for all but delete a line with the document. Pure.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"

namespace tocsin::source {

// An answer repeats each item at several times the size of the smallest one.
inline constexpr std::size_t kMaxBulkItems = 100'000;
inline constexpr std::size_t kMaxIndexBytes = 255, kMaxDocumentIdBytes = 512;  // As Elasticsearch has them.

struct BulkItem {
  std::string_view action = "index";  // "create", "index", "update", "delete".
  std::string index, id;
  std::string_view document;  // A JSON object, checked; a view into the body. Empty where status is not 0.
  // 0: to be taken.
  int status = 0;
  const char* error_type = "";
  std::string error_reason;
};

// In order, good and bad. Refused (invalid, limit) only as a whole: no item at all, or too many. `default_index`: of the
// path; may be empty. A malformed action line becomes an item that failed; the line behind it is taken as its document
// unless it is an action itself.
core::Result<std::vector<BulkItem>> parse_bulk(std::string_view body, std::string_view default_index);

// One document as parse_bulk checks it: empty where it can be taken, else why not.
std::string check_document(std::string_view document);

}  // namespace tocsin::source
