// The body of _bulk: every item in order, every document taken one JSON object on one line.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "source/http_inputs/bulk.h"
#include "source/http_inputs/json_cursor.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tocsin::source;
  const std::string_view body{reinterpret_cast<const char*>(data), size};
  const auto items = parse_bulk(body, "i");
  if (!items.ok()) return 0;
  for (const BulkItem& item : items.value()) {
    if (item.index.empty() || item.index.size() > kMaxIndexBytes || item.id.size() > kMaxDocumentIdBytes) std::abort();
    if (item.status != 0) {
      if (item.error_reason.empty() || !item.document.empty()) std::abort();
      continue;
    }
    if (item.action != "create" && item.action != "index") std::abort();
    JsonCursor cursor(item.document);
    if (cursor.peek() != '{' || item.document.find('\n') != std::string_view::npos) std::abort();
    cursor.skip();
    if (!cursor.at_end()) std::abort();
  }
  return 0;
}
