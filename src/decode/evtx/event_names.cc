#include "decode/evtx/event_names.h"

#include <array>
#include <cstring>
#include <utility>

#include "model/name_table.h"

namespace tocsin::decode::evtx {
namespace {

constexpr std::uint32_t kNoField = 0;  // fields_[0] is the field that is none.
constexpr PlaceId kNowherePlace{1};

// Attributes of System's elements that are not called by their own name.
struct SystemAttribute {
  std::string_view element, attribute, name;
};
constexpr std::array<SystemAttribute, 3> kSystemAttributes{{
    {"Provider", "Name", "Provider_Name"},
    {"Provider", "Guid", "Provider_Guid"},
    {"TimeCreated", "SystemTime", "TimeCreated"},
}};

std::string cut(std::string name) {
  if (name.size() > model::kMaxNameBytes) {
    std::size_t end = model::kMaxNameBytes;
    while (end > 0 && (static_cast<unsigned char>(name[end]) & 0xC0) == 0x80) --end;  // Not inside a character.
    name.resize(end);
  }
  return name;
}

std::string join(std::string_view path, std::string_view name) {
  std::string out(path);
  if (!out.empty()) out += '.';
  out += name;
  return cut(std::move(out));
}

bool is_namespace(std::string_view attribute) { return attribute == "xmlns" || attribute.starts_with("xmlns:"); }

}  // namespace

std::string without_spaces(std::string_view name) {
  std::string out;
  out.reserve(name.size());
  for (const char c : name) {
    if (c != ' ') out += c;
  }
  return cut(std::move(out));
}

Places::Places() { reset(); }

void Places::reset() {
  places_.clear();
  fields_.assign(1, FieldName{});
  known_.clear();
  places_.push_back({Scope::kRoot, "", kNoField});
  places_.push_back({Scope::kNowhere, "", kNoField});
}

PlaceId Places::add(Place place, FieldName text) {
  if (text.name.empty()) {
    place.text = kNoField;
  } else {
    place.text = static_cast<std::uint32_t>(fields_.size());
    fields_.push_back(std::move(text));
  }
  places_.push_back(std::move(place));
  return PlaceId{static_cast<std::uint32_t>(places_.size() - 1)};
}

PlaceId Places::remember(PlaceId parent, char kind, std::string_view name,
                         PlaceId (Places::*make)(PlaceId, std::string_view)) {
  if (parent == kNowherePlace) return kNowherePlace;
  key_.assign(reinterpret_cast<const char*>(&parent), sizeof parent);
  key_ += kind;
  key_ += name;
  const auto known = known_.find(key_);
  if (known != known_.end()) return PlaceId{known->second};
  if (full()) return kNowherePlace;
  const PlaceId made = (this->*make)(parent, name);
  known_.emplace(key_, static_cast<std::uint32_t>(made));
  return made;
}

PlaceId Places::child(PlaceId parent, std::string_view element) {
  return remember(parent, 'c', element, &Places::make_child);
}

PlaceId Places::named_data(PlaceId parent, std::string_view data_name) {
  return remember(parent, 'n', data_name, &Places::make_named);
}

bool Places::takes_name(PlaceId parent, std::string_view element) const {
  const Scope scope = places_[index(parent)].scope;
  return element == "Data" &&
         (scope == Scope::kEventData || scope == Scope::kUserData || scope == Scope::kUserDataRoot || scope == Scope::kPath);
}

PlaceId Places::make_child(PlaceId parent, std::string_view element) {
  const Scope scope = places_[index(parent)].scope;
  const std::string path = places_[index(parent)].path;
  const bool is_data = takes_name(parent, element);
  switch (scope) {
    case Scope::kRoot:
      if (element == "Event") return add({Scope::kEvent, "Event", 0}, {});
      if (element == "Events") return kRootPlace;
      break;
    case Scope::kEvent:
      if (element == "System") return add({Scope::kSystem, "System", 0}, {});
      if (element == "EventData") return add({Scope::kEventData, "EventData", 0}, {.name = "EventData"});
      if (element == "UserData") return add({Scope::kUserData, "UserData", 0}, {.name = "UserData"});
      if (element == "RenderingInfo") return add({Scope::kRendering, "RenderingInfo", 0}, {});
      break;
    case Scope::kSystem: {
      const std::string name = cut(std::string(element));
      return add({Scope::kSystemElement, name, 0}, {.name = name, .in_system = true});
    }
    case Scope::kUserData: {
      const std::string name = cut(std::string(element));
      return add({Scope::kUserDataRoot, name, 0}, {.name = name});
    }
    case Scope::kRendering:
      if (element == "Message") return add({Scope::kPath, "Message", 0}, {.name = "Message"});
      break;
    case Scope::kEventData:
    case Scope::kUserDataRoot: {
      const std::string name = cut(std::string(element));
      return add({Scope::kPath, name, 0}, {.name = name, .list = is_data, .keep_empty = true, .empty_is_null = !is_data});
    }
    default: break;
  }
  const std::string name = join(scope == Scope::kRoot || scope == Scope::kEvent ? "" : path, element);
  return add({Scope::kPath, name, 0},
             {.name = name, .list = is_data, .keep_empty = scope == Scope::kPath, .empty_is_null = !is_data});
}

PlaceId Places::make_named(PlaceId parent, std::string_view data_name) {
  const Place& place = places_[index(parent)];
  const std::string name =
      place.scope == Scope::kPath ? join(place.path, without_spaces(data_name)) : without_spaces(data_name);
  return add({Scope::kPath, name, 0}, {.name = name, .keep_empty = true});
}

std::uint32_t Places::attribute_field(PlaceId place, std::string_view attribute) {
  if (place == kNowherePlace || is_namespace(attribute)) return kNoField;
  key_.assign(reinterpret_cast<const char*>(&place), sizeof place);
  key_ += 'a';
  key_ += attribute;
  const auto known = known_.find(key_);
  if (known != known_.end()) return known->second;
  if (full()) return kNoField;
  fields_.push_back(name_attribute(places_[index(place)], attribute));
  const auto made = static_cast<std::uint32_t>(fields_.size() - 1);
  known_.emplace(key_, made);
  return made;
}

FieldName Places::name_attribute(const Place& place, std::string_view attribute) const {
  if (place.scope != Scope::kSystemElement) return {.name = join(place.path, attribute)};
  for (const auto& [element, name, field] : kSystemAttributes) {
    if (place.path == element && attribute == name) {
      return {.name = std::string(field),
              .is_time = field == "TimeCreated",
              .is_guid = field == "Provider_Guid",
              .in_system = true};
    }
  }
  const bool is_guid = attribute == "ActivityID" || attribute == "RelatedActivityID";
  return {.name = cut(std::string(attribute)), .is_guid = is_guid, .in_system = true};
}

}  // namespace tocsin::decode::evtx
