// Bodies, times and cursors of anybody: nothing may crash, and a cursor gives back what it was made of.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "api/parts/finding_document.h"
#include "api/parts/input.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tocsin::api;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  Body body(text);
  body.text("name");
  body.texts("columns");
  body.number("limit", 1, 0, 1'000);
  body.optional_boolean("shared");
  body.object("query", 1'000);
  body.when("from", {}, {1'800'000'000'000'000'000});
  parse_when(text, {1'800'000'000'000'000'000});
  for (std::size_t parts = 1; parts < 5; ++parts) {
    const auto read = read_cursor(text, parts);
    if (read && make_cursor(*read) != text) std::abort();
  }
  std::string out;
  tocsin::core::JsonWriter json(out);
  json.begin_object();
  write_explanation(text, json);
  json.end_object();
  return 0;
}
