// Fields of one <Event>: follows the parser's tokens with the same places and names as the EVTX template compiler.
//
//   <Event xmlns="..."><System><Provider Name="Linux-Sysmon" Guid="{ff03...}"/>     Provider_Name, Provider_Guid
//     <EventID>1</EventID></System>                                                 EventID
//     <EventData><Data Name="Image">/bin/a&amp;b</Data></EventData></Event>         Image = /bin/a&b
#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "decode/evtx/event_names.h"
#include "decode/evtx/xml_pull.h"
#include "decode/windows_xml.h"

namespace tocsin::decode {
namespace {

using evtx::FieldName;
using evtx::PlaceId;
using evtx::XmlToken;
using model::ValueType;

// Where the next "<Event" that is that element, not <Events> or <EventData>, begins.
std::size_t find_event(std::string_view xml, std::size_t from) {
  constexpr std::string_view kOpening = "<Event";
  while (true) {
    const std::size_t at = xml.find(kOpening, from);
    if (at == std::string_view::npos) return at;
    const char after = at + kOpening.size() < xml.size() ? xml[at + kOpening.size()] : '\0';
    if (after == ' ' || after == '>' || after == '\t' || after == '\r' || after == '\n' || after == '/') return at;
    from = at + kOpening.size();
  }
}

// The numbers of <System>: what EVTX stores as such.
bool is_system_number(const FieldName& field, std::string_view text) {
  static constexpr std::array<std::string_view, 9> kNames{"EventID",       "Version",   "Level",    "Task",      "Opcode",
                                                          "EventRecordID", "ProcessID", "ThreadID", "Qualifiers"};
  if (!field.in_system || text.empty() || text.size() > 20 || (text.size() > 1 && text[0] == '0')) return false;
  if (text.find_first_not_of("0123456789") != std::string_view::npos) return false;
  return std::find(kNames.begin(), kNames.end(), field.name) != kNames.end();
}

// "{5770385f-...}" -> "5770385F-...", the form EVTX values have.
std::string_view plain_guid(std::string_view text, core::Arena& arena) {
  if (text.size() != 38 || text.front() != '{' || text.back() != '}') return text;
  char* out = arena.allocate(36);
  for (std::size_t i = 0; i < 36; ++i) {
    const char c = text[i + 1];
    out[i] = c >= 'a' && c <= 'f' ? static_cast<char>(c - 'a' + 'A') : c;
  }
  return {out, 36};
}

// Event Viewer writes nine digits, the last two of them zero; EVTX has seven.
std::string_view seven_digits(std::string_view text, core::Arena& arena) {
  constexpr std::size_t kNineDigits = 30;  // "2026-01-02T03:04:05.123456700Z"
  if (text.size() != kNineDigits || text[19] != '.' || !text.ends_with("00Z")) return text;
  char* out = arena.allocate(kNineDigits - 2);
  std::copy_n(text.data(), kNineDigits - 3, out);
  out[kNineDigits - 3] = 'Z';
  return {out, kNineDigits - 2};
}

}  // namespace

struct EventXmlReader::Impl {
  struct Frame {
    PlaceId parent{};
    PlaceId place{};
    std::string_view element;
    bool has_child = false;
    bool has_attribute = false;
  };

  evtx::Places places;
  std::vector<model::NameId> ids;  // Of the fields of `places`, in `names`; kNoName: not yet known.
  const model::NameTable* names = nullptr;
  std::vector<Frame> frames;
  // The text of the innermost element so far: one view, or joined pieces.
  std::string_view text;
  std::string joined;
  bool is_joined = false;
  bool any_text = false;
  std::string unescaped;
  model::Batch* out = nullptr;
  core::Timestamp time;

  void begin(model::Batch& batch) {
    out = &batch;
    time = core::kNoTime;
    if (places.full() || names != &batch.names()) {
      places.reset();
      ids.clear();
    }
    names = &batch.names();
    frames.clear();
    clear_text();
  }

  const char* run(evtx::XmlPull& xml) {
    while (true) {
      switch (xml.next()) {
        case XmlToken::kOpen: open(xml.name()); break;
        case XmlToken::kAttribute: attribute(xml.name(), xml.value()); break;
        case XmlToken::kTagEnd: break;
        case XmlToken::kClose: close(); break;
        case XmlToken::kText: add_text(xml.value(), xml.value().find('&') != std::string_view::npos); break;
        case XmlToken::kCData: add_text(xml.value(), false); break;
        case XmlToken::kEnd: return nullptr;
        case XmlToken::kTooDeep: return "xml-nesting-limit";
        case XmlToken::kError: return "xml-syntax";
      }
    }
  }

  void open(std::string_view element) {
    if (!frames.empty()) {
      flush(/*leaf=*/false);
      frames.back().has_child = true;
    }
    const PlaceId parent = frames.empty() ? evtx::kRootPlace : frames.back().place;
    frames.push_back({parent, places.child(parent, element), element});
  }

  void attribute(std::string_view name, std::string_view raw_value) {
    Frame& frame = frames.back();
    std::string_view value = raw_value;
    if (value.find('&') != std::string_view::npos) {
      unescaped.clear();
      evtx::unescape(value, unescaped);
      value = out->arena().copy(unescaped);
    }
    if (name == "Name" && places.takes_name(frame.parent, frame.element)) {
      if (!value.empty()) frame.place = places.named_data(frame.parent, value);
      return;
    }
    frame.has_attribute = true;
    if (!value.empty()) put(places.attribute_field(frame.place, name), value);
  }

  void close() {
    flush(!frames.back().has_child);
    frames.pop_back();
  }

  void add_text(std::string_view piece, bool escaped) {
    if (!any_text && !escaped) {
      text = piece;
    } else {
      if (!is_joined) joined.assign(text);
      is_joined = true;
      if (escaped)
        evtx::unescape(piece, joined);
      else
        joined += piece;
    }
    any_text = true;
  }

  void clear_text() {
    text = {};
    is_joined = any_text = false;
  }

  void flush(bool leaf) {
    const Frame& frame = frames.back();
    const std::uint32_t index = places.text_field(frame.place);
    const FieldName& field = places.field(index);
    std::string_view value = is_joined ? std::string_view(joined) : text;
    if (field.name.empty()) {
      clear_text();
      return;
    }
    const bool keeps_empty = field.keep_empty && leaf && !frame.has_attribute;
    if (evtx::is_blank(value) && !(leaf && field.keep_empty)) value = {};
    if (!value.empty()) {
      put(index, is_joined ? out->arena().copy(value) : value);
    } else if (keeps_empty) {
      out->add(id(index), field.empty_is_null ? ValueType::kNull : ValueType::kText, {}, field.list);
    }
    clear_text();
  }

  void put(std::uint32_t index, std::string_view value) {
    const FieldName& field = places.field(index);
    if (field.name.empty()) return;
    if (field.is_guid) value = plain_guid(value, out->arena());
    if (field.is_time) {
      time = core::parse_iso_time(value).value_or(time);
      value = seven_digits(value, out->arena());
    }
    out->add(id(index), is_system_number(field, value) ? ValueType::kNumber : ValueType::kText, value, field.list);
  }

  model::NameId id(std::uint32_t index) {
    if (ids.size() < places.field_count()) ids.resize(places.field_count(), model::kNoName);
    if (ids[index] != model::kNoName) return ids[index];
    const model::NameId made = out->intern(places.field(index).name);
    if (static_cast<std::uint32_t>(made) < model::kExtraNames) ids[index] = made;  // Others die with the batch.
    return made;
  }
};

EventXmlReader::EventXmlReader() : impl_(std::make_unique<Impl>()) {}
EventXmlReader::~EventXmlReader() = default;
EventXmlReader::EventXmlReader(EventXmlReader&&) noexcept = default;
EventXmlReader& EventXmlReader::operator=(EventXmlReader&&) noexcept = default;

const char* EventXmlReader::read(std::string_view xml, model::Batch& out, core::Timestamp& time) {
  const std::size_t start = find_event(xml, 0);
  if (start == std::string_view::npos) return "xml-record-torn";
  xml.remove_prefix(start);
  if (!evtx::is_utf8(xml)) xml = out.arena().copy(evtx::replace_invalid_utf8(xml));
  const std::size_t fields_before = out.open_fields().size();
  impl_->begin(out);
  evtx::XmlPull pull(xml);
  const char* cause = impl_->run(pull);
  if (cause != nullptr) {
    out.truncate_open(fields_before);
    return cause;
  }
  if (impl_->time.known()) time = impl_->time;
  return nullptr;
}

bool decode_event_xml(std::string_view xml, model::Batch& out, core::Timestamp& time) {
  EventXmlReader reader;
  return reader.read(xml, out, time) == nullptr;
}

}  // namespace tocsin::decode
