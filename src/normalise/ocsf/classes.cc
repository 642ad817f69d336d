#include "normalise/ocsf/classes.h"

#include <array>

namespace tocsin::normalise::ocsf {
namespace {
// clang-format off
#include "normalise/ocsf/classes.inc"
// clang-format on
}  // namespace

const EventClass& base_event() { return kClasses[0]; }

const EventClass* find_class(std::string_view name) {
  for (const EventClass& known : kClasses) {
    if (known.name == name) return &known;
  }
  return nullptr;
}

std::string_view activity_caption(const EventClass& event_class, int id) {
  if (id == 0) return "Unknown";
  if (id == 99) return "Other";
  for (const Activity& activity : event_class.activities) {
    if (activity.id == id) return activity.caption;
  }
  return "";
}

std::string_view status_caption(int id) {
  if (id == 0) return "Unknown";
  if (id == 1) return "Success";
  if (id == 2) return "Failure";
  return id == 99 ? "Other" : "";
}

std::string_view severity_caption(int id) {
  constexpr std::array<std::string_view, 7> kNames{"Unknown", "Informational", "Low", "Medium", "High", "Critical", "Fatal"};
  if (id == 99) return "Other";
  return id >= 0 && id < static_cast<int>(kNames.size()) ? kNames[static_cast<std::size_t>(id)] : "";
}

}  // namespace tocsin::normalise::ocsf
