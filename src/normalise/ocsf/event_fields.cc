#include "normalise/ocsf/event_fields.h"

#include <algorithm>

#include "core/unicode.h"

namespace tocsin::normalise::ocsf {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

bool same_ascii(std::string_view folded, std::string_view text) {
  return std::equal(folded.begin(), folded.end(), text.begin(), [](char a, char b) { return a == lower(b); });
}

bool equals(std::string_view folded, std::string_view text) {
  if (folded.size() == text.size() && same_ascii(folded, text)) return true;
  return !core::is_ascii(folded) && core::fold_utf8(text) == folded;
}

bool begins(std::string_view folded, std::string_view text) {
  if (text.size() < folded.size()) return false;
  return same_ascii(folded, text.substr(0, folded.size()));
}

bool any(const Condition& condition, std::string_view text) {
  const auto same = [&](const std::string& value) { return equals(value, text); };
  const auto start = [&](const std::string& prefix) { return begins(prefix, text); };
  return std::ranges::any_of(condition.values, same) || std::ranges::any_of(condition.prefixes, start);
}

bool holds_one(const Condition& condition, const EventFields& fields) {
  const model::EventSlot& slot = *fields.event().slot;
  if (condition.what == Condition::What::kFormat) return any(condition, model::to_string(slot.format));
  if (condition.what == Condition::What::kPayload) return any(condition, model::to_string(slot.payload));
  const model::Field* first = fields.first(condition.slot);
  if (condition.absent) return first == nullptr || first->type == model::ValueType::kNull;
  if (first == nullptr) return false;
  if (condition.present) return true;
  if (any(condition, first->text)) return true;
  if (!first->element) return false;
  bool found = false;
  fields.each(condition.slot, [&](const model::Field& field) { found = found || any(condition, field.text); });
  return found;
}

}  // namespace

EventFields::EventFields(const Mappings& mappings, const model::Event& event) : event_(event) {
  first_.resize(mappings.slots.size());
  const std::span<const model::Field> all = event.fields();
  used_.resize(all.size());
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (i > 0 && all[i].name == all[i - 1].name) continue;
    const auto found = mappings.slots.find(event.name(all[i]));
    if (found == mappings.slots.end() || first_[found->second] != 0) continue;
    first_[found->second] = static_cast<std::uint32_t>(i) + 1;
  }
}

const model::Field* EventFields::first(Slot slot) const {
  const std::uint32_t place = first_[slot];
  return place == 0 ? nullptr : &event_.fields()[place - 1];
}

const model::Field* EventFields::value(Slot slot) const {
  const model::Field* found = first(slot);
  if (found == nullptr || holds_something(*found)) return found;
  const model::Field* out = nullptr;
  each(slot, [&](const model::Field& field) {
    if (out == nullptr) out = &field;
  });
  return out;
}

void EventFields::use_all(Slot slot) {
  each(slot, [&](const model::Field& field) { use(field); });
}

bool holds(const Conditions& conditions, const EventFields& fields) {
  if (conditions.empty()) return true;
  return std::ranges::any_of(conditions, [&](const std::vector<Condition>& set) {
    return std::ranges::all_of(set, [&](const Condition& condition) { return holds_one(condition, fields); });
  });
}

const Row* find_row(const Mappings& mappings, const EventFields& fields) {
  for (const MappingFile& file : mappings.files) {
    if (!holds(file.when, fields)) continue;
    for (const Row& row : file.rows) {
      if (holds(row.when, fields)) return &row;
    }
  }
  return nullptr;
}

}  // namespace tocsin::normalise::ocsf
