// Ready-made EVTX files for tests: plain events, and one hand-written record. Used by tests only.
#pragma once
#include <cstdint>
#include <functional>
#include <string>

#include "testing/evtx_writer.h"

namespace tocsin::testing {

inline constexpr std::uint64_t kEvtxFiletime = 134'117'966'451'234'567;  // 2026-01-02T03:04:05.1234567Z
inline constexpr std::size_t kEvtxChunkBytes = 65'536;
inline constexpr std::size_t kEvtxHeaderBytes = 4'096;

inline EvtxEvent sample_evtx_event(std::uint64_t id) {
  EvtxEvent event;
  event.channel = "Security";
  event.provider = "Microsoft-Windows-Security-Auditing";
  event.event_id = 4688;
  event.record_id = id;
  event.filetime = kEvtxFiletime;
  event.data = {
      {"New Process Name", evtx_text("C:\\x.exe ")}, {"ProcessId", evtx_number(0x15, 0x1F4, 8)}, {"", evtx_text("one")}};
  return event;
}

// `count` events with the record ids 1, 2 ...
inline std::string sample_evtx(std::size_t count) {
  std::vector<EvtxEvent> events;
  for (std::size_t i = 1; i <= count; ++i) events.push_back(sample_evtx_event(i));
  return write_evtx(events);
}

// A file of one chunk with one record, whose BinXML `body` writes.
inline std::string evtx_with_record(const std::function<void(EvtxChunkWriter&)>& body) {
  EvtxChunkWriter writer;
  writer.begin_record(1, kEvtxFiletime);
  body(writer);
  writer.end_record();
  return evtx_file({writer.finish()});
}

// <name>, without attributes.
inline void open_element(EvtxChunkWriter& w, const char* name) {
  w.open(name);
  w.start_closed();
}

}  // namespace tocsin::testing
