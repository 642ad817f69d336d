// A mapping file and events of any content, all through one RowMaker: each field is in the row, the kinds it remembers
// give the class that the OCSF view has, and limits hold.
//
// Input: the mapping as YAML, a line "%%%", then events, divided by such lines, one field a line: name, a type digit, value.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "core/unicode.h"
#include "normalise/ocsf.h"
#include "normalise/rows.h"
#include "normalise/rows/row_check.h"

namespace {

using namespace tocsin;

constexpr std::string_view kDivider = "\n%%%\n";

void check(const std::vector<std::string>& problems) {
  for (const std::string& problem : problems) std::fprintf(stderr, "%s\n", problem.c_str());
  if (!problems.empty()) std::abort();
}

std::string_view take(std::string_view& text, std::string_view divider) {
  const std::size_t end = text.find(divider);
  const std::string_view out = text.substr(0, end);
  text = end == std::string_view::npos ? std::string_view() : text.substr(end + divider.size());
  return out;
}

void add_field(std::string_view line, model::Batch& batch) {
  const std::string_view name = take(line, "=");
  const unsigned kind = line.empty() ? 0 : static_cast<unsigned char>(line.front());
  if (!line.empty()) line.remove_prefix(1);
  const auto type = static_cast<model::ValueType>(kind % 4);
  batch.add(batch.intern(name.substr(0, model::kMaxNameBytes)), type, type == model::ValueType::kNull ? "" : line,
            (kind & 4u) != 0);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input{reinterpret_cast<const char*>(data), size};
  if (!core::is_valid_utf8(input)) return 0;  // As decoders guarantee.
  std::string_view rest = input;
  const std::string mapping(take(rest, kDivider));
  const normalise::Mapper mapper({{"m.yml", mapping}});
  model::NameTable names;
  model::Batch batch(names);
  normalise::RowMaker maker(mapper, names);
  core::Arena arena(1024);
  model::EventRow row;
  while (!rest.empty()) {
    batch.clear();
    batch.begin_event();
    std::string_view lines = take(rest, kDivider);
    const std::string_view raw = lines;
    while (!lines.empty()) add_field(take(lines, "\n"), batch);
    model::EventSlot& slot = batch.end_event();
    slot.raw = raw;
    slot.format = static_cast<model::Format>(raw.size() % 11);
    slot.payload = static_cast<model::Payload>(raw.size() % 8);
    arena.reset();
    maker.make(batch.event(0), {}, arena, row);
    check(normalise::check_row(row, batch.event(0)));
    // `status` of columns is not OCSF's.
    if (mapping.find("columns") == std::string::npos)
      check(normalise::compare_class(row, normalise::ocsf_json(mapper, batch.event(0))));
  }
  return 0;
}
