// Formats as live sources need them (source::Formats), and decoders for deliveries: what joins source and decode.
#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "core/time.h"
#include "decode/decoder.h"
#include "model/delivery.h"
#include "model/event.h"
#include "source/live.h"

namespace tocsin::app {

// Units: a line, a chunk of EVTX, an <Event>, the lines of one audit event, a whole JSON document that is not made of lines.
class DecoderFormats final : public source::Formats {
 public:
  [[nodiscard]] std::unique_ptr<source::Cutter> cutter(model::Format format, std::string_view head) const override;
};

// Decodes deliveries, each for itself: what a delivery gives depends on nothing else. One thread.
class DeliveryDecoder {
 public:
  DeliveryDecoder();
  ~DeliveryDecoder();
  // Appends to `out`, which keeps the bytes alive. False: the bytes are no log of any format. Offsets of bad records are
  // made relative to delivery.bytes. Times without a year are read as of the day it was received.
  bool decode(model::Delivery& delivery, model::Batch& out);
  // The format it was last decoded as.
  [[nodiscard]] model::Format format() const { return format_; }

 private:
  decode::Decoder& decoder(model::Format format, std::string_view head, core::Timestamp received_at);
  struct Kept {
    std::int64_t day = 0;
    std::unique_ptr<decode::Decoder> decoder;
  };
  std::map<model::Format, Kept> kept_;  // Those that keep nothing from block to block.
  std::unique_ptr<decode::Decoder> other_;
  model::Format format_ = model::Format::kUnknown;
};

// What begins a stream of that format and is needed to decode what follows (CSV, Zeek); else empty.
std::string_view header_of(model::Format format, std::string_view head);

// The year of a record without one is chosen as of this instant: the end of the next day, so that clocks may run ahead.
core::Timestamp reference_time(core::Timestamp received_at);

}  // namespace tocsin::app
