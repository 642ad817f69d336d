// The fields of one event by slot, and which of them have found their place.
//
// Made for one event and used on one thread; views live as long as the event's batch. Costs one hash look-up a field.
#pragma once
#include <cstdint>
#include <string_view>
#include <vector>

#include "model/event.h"
#include "normalise/ocsf/mapping.h"

namespace tocsin::normalise::ocsf {

class EventFields {
 public:
  EventFields(const Mappings& mappings, const model::Event& event);

  // The first value of that name with something in it (not null, not empty, neither "-" nor the SID of
  // nobody), or null.
  [[nodiscard]] const model::Field* value(Slot slot) const;
  // The first field of that name, whatever it holds, or null.
  [[nodiscard]] const model::Field* first(Slot slot) const;
  // Calls visit(field) for all fields of that name with something in them.
  template <class Visit>
  void each(Slot slot, Visit visit) const {
    const model::Field* found = first(slot);
    if (found == nullptr) return;
    const std::span<const model::Field> all = event_.fields();
    for (auto i = static_cast<std::size_t>(found - all.data()); i < all.size(); ++i) {
      if (all[i].name == found->name && holds_something(all[i])) visit(all[i]);
      if (!found->element) return;
    }
  }
  void use(const model::Field& field) { used_[static_cast<std::size_t>(&field - event_.fields().data())] = true; }
  void use_all(Slot slot);
  [[nodiscard]] bool used(std::size_t index) const { return used_[index]; }
  [[nodiscard]] const model::Event& event() const { return event_; }

  static bool holds_something(const model::Field& field) {
    return field.type != model::ValueType::kNull && !field.text.empty() && field.text != "-" && field.text != "S-1-0-0";
  }

 private:
  const model::Event& event_;
  std::vector<std::uint32_t> first_;  // Per slot: index + 1, or 0.
  std::vector<bool> used_;
};

bool holds(const Conditions& conditions, const EventFields& fields);
// The row an event is of, or null.
const Row* find_row(const Mappings& mappings, const EventFields& fields);

}  // namespace tocsin::normalise::ocsf
