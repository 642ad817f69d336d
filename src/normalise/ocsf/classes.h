// The classes of OCSF 1.8: numbers, captions and activities. Immutable tables.
#pragma once
#include <span>
#include <string_view>

namespace tocsin::normalise::ocsf {

struct Activity {
  int id = 0;
  std::string_view caption;
};

struct EventClass {
  int uid = 0;
  std::string_view name, caption;  // "process_activity", "Process Activity".
  int category_uid = 0;
  std::string_view category_caption;
  std::span<const Activity> activities;  // Without 0 Unknown and 99 Other.
};

// Class 0.
const EventClass& base_event();
// Null where not known.
const EventClass* find_class(std::string_view name);
// "" where the class has no such activity; 0 is "Unknown" and 99 "Other" in all.
std::string_view activity_caption(const EventClass& event_class, int id);
// Of status_id and severity_id; "" where not known.
std::string_view status_caption(int id);
std::string_view severity_caption(int id);

}  // namespace tocsin::normalise::ocsf
