// What every fuzz target of this folder does with its decoder: decode the input cut in different ways, look at every byte
// of the result, and check what a Batch promises.
#pragma once
#include <cstdint>
#include <cstdlib>
#include <memory>

#include "decode/text/decode_test_support.h"
#include "decode/text/scan.h"

namespace tocsin::decode::text {

inline void fuzz_require(bool truth) {
  if (!truth) std::abort();
}

inline void check_event(const model::Event& event, core::Arena& arena) {
  fuzz_require(event.slot->record > 0);
  fuzz_require(event.fields().size() <= model::kMaxFieldsPerEvent);
  for (const model::Field& field : event.fields()) {
    fuzz_require(event.name(field).size() <= model::kMaxNameBytes);
    fuzz_require(clean_utf8(field.text, arena).data() == field.text.data());
    if (field.type == model::ValueType::kNumber) fuzz_require(is_json_number(field.text) || field.text.size() > 24);
  }
}

// The first byte of the input gives the steps in which the stream grows. `make` builds a new decoder.
template <class Make>
int fuzz_decoder(const std::uint8_t* data, std::size_t size, Make make) {
  if (size == 0) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::size_t step = 1 + data[0] % 64u + input.size() / 16;  // Not many steps, for cut() starts anew each time.
  DecodeOptions options;
  options.reference_time = core::Timestamp{1'772'323'200'000'000'000};
  const auto whole_decoder = make(options);
  const auto whole = decode_all(*whole_decoder, input);
  core::Arena arena;
  for (std::size_t i = 0; i < whole->size(); ++i) check_event(whole->event(i), arena);
  const auto stepped_decoder = make(options);
  fuzz_require(dump_all(*decode_all(*stepped_decoder, input, step)) == dump_all(*whole));
  options.max_record_bytes = 32;  // Every limit is soon reached.
  const auto limited_decoder = make(options);
  const auto limited = decode_all(*limited_decoder, input, step);
  for (std::size_t i = 0; i < limited->size(); ++i) check_event(limited->event(i), arena);
  return 0;
}

}  // namespace tocsin::decode::text
