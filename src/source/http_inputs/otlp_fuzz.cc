// OTLP logs in protobuf, and in JSON where the input begins with a brace: every line that comes out is one JSON object.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "source/http_inputs/json_cursor.h"
#include "source/http_inputs/otlp_lines.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tocsin::source;
  const std::string_view body{reinterpret_cast<const char*>(data), size};
  std::uint64_t count = 0;
  OtlpLines lines([&count](std::string_view line) {
    ++count;
    JsonCursor cursor(line);
    cursor.skip();
    if (!cursor.at_end() || line.find_first_of("\r\n") != std::string_view::npos) std::abort();
  });
  const auto result = body.starts_with('{') ? parse_otlp_json(body, lines) : parse_otlp_protobuf(body, lines);
  if (count != lines.taken() || (!result.ok() && lines.taken() + lines.rejected() != 0)) std::abort();
  if ((lines.rejected() == 0) != lines.reason().empty()) std::abort();
  return 0;
}
