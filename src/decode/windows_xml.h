// Windows event XML found inside another message (Sysmon for Linux in syslog, Splunk's _raw, a JSON "message").
//
// Pure; the XML dialect of Windows events only (no DTD, the five named and the numeric entities, CDATA). Bounded by
// model::kMaxDepth and model::kMaxFieldsPerEvent. Values are views into the XML or into the batch's arena; what is not
// valid UTF-8 becomes U+FFFD.
#pragma once
#include <memory>
#include <string_view>

#include "core/time.h"
#include "model/event.h"

namespace tocsin::decode {

// Adds the fields of the first <Event>...</Event> of `xml` (UTF-8; text before and after it is skipped) to the OPEN
// event of `out`, under the same native names as the EVTX decoder, and sets `time` from TimeCreated where it is there.
// Values are views into `xml` or into out.arena(). False where there is no whole, well-formed <Event>: the open event
// and `time` are then as before.
bool decode_event_xml(std::string_view xml, model::Batch& out, core::Timestamp& time);

// The same with a memory: it keeps names from event to event, so a decoder that meets many should own one. One thread.
class EventXmlReader {
 public:
  EventXmlReader();
  ~EventXmlReader();
  EventXmlReader(EventXmlReader&&) noexcept;
  EventXmlReader& operator=(EventXmlReader&&) noexcept;

  // As decode_event_xml; returns nullptr for true, otherwise the cause, in the words of a BadRecord: "xml-record-torn",
  // "xml-syntax", "xml-nesting-limit".
  const char* read(std::string_view xml, model::Batch& out, core::Timestamp& time);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tocsin::decode
