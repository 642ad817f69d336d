// For the tests of this folder: decodes a text and prints its events as one line each.
#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "decode/decoder.h"
#include "model/event.h"

namespace tocsin::decode::text {

struct Decoded {
  model::NameTable names;
  std::vector<std::unique_ptr<std::string>> blocks;
  std::vector<std::unique_ptr<model::Batch>> batches;  // Of all blocks, and of finish().
  std::uint64_t bad_count = 0;

  // The n-th event over all batches.
  [[nodiscard]] model::Event event(std::size_t index) const;
  [[nodiscard]] std::size_t size() const;
  [[nodiscard]] std::vector<model::BadRecord> bad() const;
  [[nodiscard]] std::string text(std::size_t index, std::string_view name) const;
};

// Feeds `input` as a caller would: a buffer that grows by `step_bytes` until cut() finds a record's end.
std::unique_ptr<Decoded> decode_all(Decoder& decoder, std::string_view input, std::size_t step_bytes = 1u << 20);

// "name=value" by spaces in the order of the fields, lists as name=[a|b], null as name=null.
std::string dump(const model::Event& event);
std::vector<std::string> dump_all(const Decoded& decoded);

}  // namespace tocsin::decode::text
