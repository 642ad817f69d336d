#include <cstdint>
#include <cstdlib>

#include "store/search_language.h"
#include "store/sql_guard.h"

// Whatever is written, the condition is one that the guard lets through, and an error points into the text.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  static const auto fields = tocsin::store::event_search_fields(
      {{"EventID", "event_code"}, {"p", "src_port"}, {"h", "hashes"}, {"i", "src_ip"}, {"i", "host"}});
  const auto got = tocsin::store::search_condition(text, fields);
  if (!got) {
    if (got.error().position > size || got.error().expected.empty()) std::abort();
  } else if (got->size() < (200u << 10) && !tocsin::store::check_read_sql("SELECT id FROM events WHERE " + *got).ok()) {
    std::abort();
  }
  return 0;
}
