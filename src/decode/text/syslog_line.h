// One line of a log to the fields of an event: syslog where it is that, else text. Also used by the other decoders for
// lines that are not theirs.
#pragma once
#include <cstdint>
#include <string_view>

#include "core/time.h"
#include "model/event.h"

namespace tocsin::decode::text {

// "emergency" ... "debug"; empty above 7.
std::string_view severity_name(std::uint64_t number);
// "kern" ... "local7"; empty above 23.
std::string_view facility_name(std::uint64_t number);

struct CiscoHead {
  std::string_view facility;  // With the sub-facility: "LINK-SP".
  unsigned severity = 0;
  std::string_view mnemonic;
};
// Cuts "%FAC-SEV-MNEM: " off the front of `text`.
bool read_cisco_head(std::string_view& text, CiscoHead& head);

// A whole event (begin to end) from one line, with raw, time, format (kSyslog or kText) and payload; the caller sets
// the record number in the slot it gets. The line must live as long as the batch's content.
model::EventSlot& decode_syslog_line(std::string_view line, core::Timestamp reference, model::Batch& out);

// A whole event that has only `message`: for lines the decoder of their format cannot read.
model::EventSlot& add_text_event(std::string_view line, model::Batch& out);

// The host in a syslog header whose tag may be cut off ("<30>Oct 11 22:14:15 web1 audispd:"); "" where there is none.
std::string_view syslog_host(std::string_view header);

// Whether the line starts like syslog: a priority, or a time as syslog writes it, with what must follow it. For sniff().
bool looks_like_syslog(std::string_view line);

}  // namespace tocsin::decode::text
