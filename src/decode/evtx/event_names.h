// Which field an element or attribute of a Windows event becomes: shared by the EVTX and the XML decoder.
//
// A place in the event (an element under its parents) is a small number, so the names of a place are worked out once.
// The rules, with the place on the left:
//   Event/System/Provider@Name         -> Provider_Name, Provider_Guid, EventSourceName
//   Event/System/X, X@Attribute        -> X (EventID, Channel ...) and the attribute's own name (Qualifiers, ProcessID,
//                                         UserID ...); TimeCreated@SystemTime -> TimeCreated
//   Event/EventData/Data@Name="A B"    -> AB; a Data without a name -> Data, as a list; any other element its own name
//   Event/UserData/<any>/X/Y           -> X.Y; what stands in <any> itself -> <any>
//   Event/RenderingInfo/Message        -> Message; the rest RenderingInfo.X
//   elsewhere                          -> the dotted path below Event; attributes Element.Attribute, xmlns none
//
// One thread. Bounded: past kMaxPlaces, new places yield no fields until reset().
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace tocsin::decode::evtx {

enum class PlaceId : std::uint32_t {};
inline constexpr PlaceId kRootPlace{0};
inline constexpr std::size_t kMaxPlaces = 16'384;  // All public event schemas together have some 10,000.

struct FieldName {
  std::string name;            // Empty: not a field.
  bool list = false;           // Each value is an element of a list.
  bool keep_empty = false;     // An element without content is a field nonetheless, with an empty text
  bool empty_is_null = false;  // or null: <Data> is the one, any other element the other, as JSON exporters write it.
  bool is_time = false;        // The event's own time.
  bool is_guid = false;        // Of a System attribute.
  bool in_system = false;
};

class Places {
 public:
  Places();
  // The place of `element` under `parent`.
  PlaceId child(PlaceId parent, std::string_view element);
  // The place of <Data Name="data_name"> under `parent`.
  PlaceId named_data(PlaceId parent, std::string_view data_name);
  // Whether attribute Name of `element` names the field (see named_data) instead of being one.
  [[nodiscard]] bool takes_name(PlaceId parent, std::string_view element) const;
  // The field an element's own text becomes.
  [[nodiscard]] std::uint32_t text_field(PlaceId place) const { return places_[index(place)].text; }
  // The field an attribute becomes.
  std::uint32_t attribute_field(PlaceId place, std::string_view attribute);
  [[nodiscard]] const FieldName& field(std::uint32_t index) const { return fields_[index]; }
  [[nodiscard]] std::size_t field_count() const { return fields_.size(); }

  [[nodiscard]] bool full() const { return places_.size() + fields_.size() >= kMaxPlaces; }
  // Forgets all places and field indexes but the root. Call it between events.
  void reset();

 private:
  enum class Scope : std::uint8_t {
    kRoot,
    kEvent,
    kSystem,
    kSystemElement,
    kEventData,
    kUserData,
    kUserDataRoot,
    kRendering,
    kPath,
    kNowhere
  };
  struct Place {
    Scope scope = Scope::kRoot;
    std::string path;        // The dotted name of the element.
    std::uint32_t text = 0;  // Index into fields_.
  };
  static std::size_t index(PlaceId place) { return static_cast<std::size_t>(place); }
  PlaceId add(Place place, FieldName text);
  PlaceId remember(PlaceId parent, char kind, std::string_view name, PlaceId (Places::*make)(PlaceId, std::string_view));
  PlaceId make_child(PlaceId parent, std::string_view element);
  PlaceId make_named(PlaceId parent, std::string_view data_name);
  FieldName name_attribute(const Place& place, std::string_view attribute) const;

  std::vector<Place> places_;
  std::vector<FieldName> fields_;
  std::unordered_map<std::string, std::uint32_t> known_;  // Parent, kind and name -> place or field.
  std::string key_;
};

// "Threat Name" -> "ThreatName", cut to model::kMaxNameBytes.
std::string without_spaces(std::string_view name);

}  // namespace tocsin::decode::evtx
