// JSON values to events: the inner part of the JSON decoders.
//
// Remembers key paths between calls; one thread, one stream (or blocks of one). simdjson's first stage finds the tokens of
// a value; a walk over them adds the fields, so nothing is built in between and strings without escapes stay views.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "decode/decoder.h"
#include "model/event.h"

namespace tocsin::decode::json {

// Where a block stands: for record numbers and offsets.
struct BlockPosition {
  std::string_view block;
  std::uint64_t record = 0;  // The number of the last record.

  // 0 for bytes that are not the block's (a repaired copy).
  [[nodiscard]] std::uint64_t offset_of(const char* at) const {
    const auto begin = reinterpret_cast<std::uintptr_t>(block.data()), place = reinterpret_cast<std::uintptr_t>(at);
    return place >= begin && place - begin <= block.size() ? place - begin : 0;
  }
};

class JsonReader {
 public:
  explicit JsonReader(const DecodeOptions& options);
  ~JsonReader();

  // To be called first for each batch.
  void begin(model::Batch& out);

  // Reads a line or an element: usually one object, else several values, a list or a wrapping object, each unwrapped.
  // Each value is an event or a bad record; after a bad one the rest of `bytes` is given up. Cost is linear.
  // REQUIRES: kPaddingBytes readable bytes behind `bytes`.
  void read(std::string_view bytes, BlockPosition& position, model::Batch& out);
  void bad(const char* cause, std::string detail, std::string_view bytes, BlockPosition& position, model::Batch& out);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tocsin::decode::json
