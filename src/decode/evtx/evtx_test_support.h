// What the EVTX tests share: a decoder with its batch, sample events, one hand-written record in a file.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/time.h"
#include "decode/decoder.h"
#include "model/event.h"
#include "testing/evtx_writer.h"

namespace tocsin::decode {

using testing::EvtxChunkWriter;
using testing::EvtxEvent;
using testing::EvtxValue;
using testing::evtx_number;
using testing::evtx_text;

inline constexpr std::uint64_t kFiletime = 134'117'966'451'234'567;  // 2026-01-02T03:04:05.1234567Z
inline constexpr std::size_t kChunkBytes = 65'536;
inline constexpr std::size_t kHeaderBytes = 4'096;

// A decoder with its table and batch; keeps the padded input alive.
struct Decoded {
  model::NameTable names;
  model::Batch batch{names};
  std::unique_ptr<Decoder> decoder;
  std::vector<std::unique_ptr<std::string>> inputs;

  explicit Decoded(const DecodeOptions& options = {}) : decoder(make_evtx_decoder(options)) {}
  void add(const std::string& block) {
    inputs.push_back(std::make_unique<std::string>(block));
    inputs.back()->append(kPaddingBytes, '\xAA');
    decoder->decode(std::string_view(*inputs.back()).substr(0, block.size()), batch);
  }
  std::string text(std::size_t event, std::string_view name) const { return std::string(batch.event(event).text(name)); }
  bool has(std::size_t event, std::string_view name) const { return batch.event(event).find(name) != nullptr; }
  std::vector<std::string> causes() const {
    std::vector<std::string> out;
    for (const auto& bad : batch.bad()) out.push_back(bad.cause);
    return out;
  }
};

inline DecodeOptions recovering() {
  DecodeOptions options;
  options.recover_deleted = true;
  return options;
}

inline EvtxEvent sample_event(std::uint64_t id) {
  EvtxEvent event;
  event.channel = "Security";
  event.provider = "Microsoft-Windows-Security-Auditing";
  event.event_id = 4688;
  event.record_id = id;
  event.filetime = kFiletime;
  event.data = {{"New Process Name", evtx_text("C:\\x.exe ")}, {"ProcessId", evtx_number(0x15, 0x1F4, 8)}, {"", evtx_text("one")}};
  return event;
}

inline std::string file_of(std::size_t count) {
  std::vector<EvtxEvent> events;
  for (std::size_t i = 1; i <= count; ++i) events.push_back(sample_event(i));
  return testing::write_evtx(events);
}

// A file of one chunk with one record, whose BinXML `body` writes.
inline std::string one_record(const std::function<void(EvtxChunkWriter&)>& body) {
  EvtxChunkWriter writer;
  writer.begin_record(1, kFiletime);
  body(writer);
  writer.end_record();
  return testing::evtx_file({writer.finish()});
}

inline void open_plain(EvtxChunkWriter& w, const char* name) {
  w.open(name);
  w.start_closed();
}

}  // namespace tocsin::decode
