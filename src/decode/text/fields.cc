#include "decode/text/fields.h"

#include <algorithm>
#include <charconv>
#include <vector>

namespace tocsin::decode::text {

std::string_view open_text(model::Batch& out, std::string_view name) {
  for (const model::Field& field : out.open_fields()) {
    if (out.name(field.name) == name) return field.text;
  }
  return {};
}

bool open_has(model::Batch& out, std::string_view name) {
  for (const model::Field& field : out.open_fields()) {
    if (out.name(field.name) == name) return true;
  }
  return false;
}

void group_lists(model::Batch& out, std::size_t first) {
  struct Place {
    model::NameId name;
    std::uint32_t index;
    std::uint32_t group;  // Index of the first field of that name.
    bool repeated;
  };
  const std::span<model::Field> fields = out.open_fields().subspan(std::min(first, out.open_fields().size()));
  std::vector<Place> places;
  places.reserve(fields.size());
  for (std::size_t i = 0; i < fields.size(); ++i) {
    places.push_back({fields[i].name, static_cast<std::uint32_t>(i), 0, fields[i].element});
  }
  std::ranges::sort(places,
                    [](const Place& a, const Place& b) { return a.name != b.name ? a.name < b.name : a.index < b.index; });
  bool any_repeated = false;
  for (std::size_t i = 0; i < places.size();) {
    std::size_t end = i + 1;
    while (end < places.size() && places[end].name == places[i].name) ++end;
    for (std::size_t j = i; j < end; ++j) {
      places[j].group = places[i].index;
      places[j].repeated = places[j].repeated || end - i > 1;
    }
    any_repeated = any_repeated || end - i > 1;
    i = end;
  }
  if (!any_repeated) return;
  std::ranges::sort(
      places, [](const Place& a, const Place& b) { return a.group != b.group ? a.group < b.group : a.index < b.index; });
  std::vector<model::Field> sorted;
  sorted.reserve(fields.size());
  for (const Place& place : places) {
    sorted.push_back(fields[place.index]);
    sorted.back().element = place.repeated;
  }
  std::ranges::copy(sorted, fields.begin());
}

std::string_view number_text(std::uint64_t value, core::Arena& arena) {
  constexpr std::size_t kMaxDigits = 20;
  char* const out = arena.allocate(kMaxDigits);
  const char* const end = std::to_chars(out, out + kMaxDigits, value).ptr;
  arena.give_back(kMaxDigits - static_cast<std::size_t>(end - out));
  return {out, static_cast<std::size_t>(end - out)};
}

}  // namespace tocsin::decode::text
