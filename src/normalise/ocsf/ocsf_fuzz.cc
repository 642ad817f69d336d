// A mapping file and an event of any content: whatever they hold, the output is one line of valid JSON of bounded size.
//
// Input: the mapping as YAML, a line "%%%", then one field a line: name, a type digit, value.
#include <simdjson.h>

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "normalise/ocsf.h"
#include "normalise/ocsf/test_event.h"

namespace {

using namespace tocsin;

void check(bool holds) {
  if (!holds) std::abort();
}

void add_field(std::string_view line, normalise::TestEvent& event) {
  const std::size_t colon = line.find('=');
  const std::string_view name = line.substr(0, colon);
  std::string_view value = colon == std::string_view::npos ? std::string_view() : line.substr(colon + 1);
  const unsigned kind = value.empty() ? 0 : static_cast<unsigned char>(value.front());
  if (!value.empty()) value.remove_prefix(1);
  event.add(std::string(name.substr(0, model::kMaxNameBytes)), static_cast<model::ValueType>(kind % 4), value,
            (kind & 4u) != 0);
}

void check_json(const std::string& json) {
  static simdjson::dom::parser parser;
  simdjson::dom::element root;
  check(!parser.parse(json).get(root));
  check(json.find('\n') == std::string::npos);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input{reinterpret_cast<const char*>(data), size};
  const std::size_t divider = input.find("\n%%%\n");
  const std::string mapping(input.substr(0, divider));
  std::string_view fields = divider == std::string_view::npos ? std::string_view() : input.substr(divider + 5);
  const normalise::Mapper mapper({{"m.yml", mapping}});
  normalise::TestEvent event;
  while (!fields.empty()) {
    const std::size_t end = fields.find('\n');
    add_field(fields.substr(0, end), event);
    fields = end == std::string_view::npos ? std::string_view() : fields.substr(end + 1);
  }
  model::EventSlot& slot = event.end();
  slot.raw = input;
  slot.format = static_cast<model::Format>(size % 11);
  slot.payload = static_cast<model::Payload>(size % 8);
  if (size % 3 != 0) slot.time = {static_cast<std::int64_t>(size) * 1'000'000'007};
  std::string json;
  core::JsonWriter out(json);
  mapper.write_event(event.event(), out);
  check_json(json);
  if (size % 4 != 0) return 0;  // A finding holds the event twice more: not every time.
  model::RuleInfo rule;
  rule.title = mapping.substr(0, 64);
  rule.tags = {"attack.t1059.001", std::string(input.substr(0, 32))};
  std::string finding;
  normalise::write_finding(mapper, event.event(), rule, {}, {input.substr(0, 40), 1, ""}, finding);
  check_json(finding);
  return 0;
}
