// The body of Splunk's event collector: every line that comes out is one JSON object that begins with its sourcetype.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "source/http_inputs/hec_events.h"
#include "source/http_inputs/json_cursor.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tocsin::source;
  const std::string_view body{reinterpret_cast<const char*>(data), size};
  std::size_t count = 0;
  const HecOutcome outcome =
      parse_hec(body, {.host = "h", .source = {}, .sourcetype = {}, .index = {}}, [&count](std::string_view line) {
        ++count;
        JsonCursor cursor(line);
        cursor.skip();
        if (!cursor.at_end() || !line.starts_with("{\"sourcetype\":")) std::abort();
        if (line.find_first_of("\r\n") != std::string_view::npos) std::abort();
      });
  if (count != outcome.good_count || outcome.bad_index > outcome.good_count) std::abort();
  if ((outcome.code == HecCode::kSuccess) != (outcome.good_count > 0 && outcome.bad_count == 0)) std::abort();
  return 0;
}
