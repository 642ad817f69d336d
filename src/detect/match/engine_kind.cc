// Which programs an event needs.
#include <algorithm>
#include <cstring>

#include "detect/match/engine_impl.h"

namespace tocsin::detect {

// The key holds the raw values of the discriminating fields (of coarse ones their number): events of one stream mostly
// repeat it, so most routes are found by one comparison with the last event's.
void Engine::Impl::read_key(const model::Event& event) {
  if (kind_of_name.size() < names.size()) grow(kind_of_name, kind_by_name, names);
  const std::size_t max_value_bytes = router.max_known_bytes() + 1;  // A longer value is "other", or has its prefix.
  const std::size_t max_field_bytes = 16 + max_value_bytes;
  std::size_t at = 0;
  const auto put = [&](auto value) {
    std::memcpy(key_buffer.data() + at, &value, sizeof value);
    at += sizeof value;
  };
  const auto reserve = [&] {
    if (key_buffer.size() < at + max_field_bytes) key_buffer.resize(2 * (at + max_field_bytes));
  };
  reserve();
  put(event.slot->format);
  put(event.slot->payload);
  for (const model::Field& field : event.fields()) {
    const auto id = static_cast<std::uint32_t>(field.name);
    if (id >= kind_of_name.size() || kind_of_name[id] == kNone) continue;
    reserve();
    const auto number = kind_of_name[id];
    put(number);
    key_buffer[at++] = field.type == model::ValueType::kNull ? 1 : 2;
    if (const KindField& known = router.fields()[static_cast<std::size_t>(number)]; known.coarse) {
      if (known.longest_prefix == 0 || field.type == model::ValueType::kNull) continue;
      put(kind_value(known, field.text));
      continue;
    }
    put(static_cast<std::uint32_t>(field.text.size()));
    const std::size_t size = std::min(field.text.size(), max_value_bytes);
    if (size > 0) std::memcpy(key_buffer.data() + at, field.text.data(), size);  // An empty text may point nowhere.
    at += size;
  }
  key = {key_buffer.data(), at};
}

void Engine::Impl::read_kind(const model::Event& event) {
  std::fill(kind.begin(), kind.end(), static_cast<std::uint16_t>(kKindAbsent));
  const auto set = [&](std::int32_t number, std::uint16_t value) {
    auto& place = kind[static_cast<std::size_t>(number)];
    place = place == kKindAbsent || place == value ? value : static_cast<std::uint16_t>(kKindSeveral);
  };
  if (formats_field != kNone)
    set(formats_field,
        kind_value(router.fields()[static_cast<std::size_t>(formats_field)], model::to_string(event.slot->format)));
  if (payload_field != kNone)
    set(payload_field,
        kind_value(router.fields()[static_cast<std::size_t>(payload_field)], model::to_string(event.slot->payload)));
  for (const model::Field& field : event.fields()) {
    const auto id = static_cast<std::uint32_t>(field.name);
    if (id >= kind_of_name.size() || kind_of_name[id] == kNone) continue;
    const std::int32_t number = kind_of_name[id];
    const bool null = field.type == model::ValueType::kNull;
    set(number, null ? static_cast<std::uint16_t>(kKindNull)
                     : kind_value(router.fields()[static_cast<std::size_t>(number)], field.text));
  }
}

const Route* Engine::Impl::route(const model::Event& event) {
  read_key(event);
  if (last_route != nullptr && key == last_key) return last_route.get();
  const auto found = routes.find(std::string(key));
  if (found != routes.end()) {
    last_key = key;
    last_route = found->second;
    return last_route.get();
  }
  read_kind(event);
  std::shared_ptr<const Route> out = router.route(kind, event);
  // Raw values are the input's to choose: the cache is emptied rather than let grow.
  if (routes.size() >= 4 * kMaxRoutes) routes.clear();
  routes.emplace(std::string(key), out);
  last_key = key;
  last_route = std::move(out);
  return last_route.get();
}

}  // namespace tocsin::detect
