// What every fuzz target of this folder does with its decoder: decode the input, cut in different ways, look at every byte
// of the result, and check what a Batch promises.
#pragma once
#include <cstdint>

#include "decode/fuzz_batches.h"
#include "decode/text/scan.h"

namespace tocsin::decode::text {

inline void check_numbers(const model::Batch& batch) {
  for (const model::Field& field : batch.fields()) {
    if (field.type == model::ValueType::kNumber) fuzz_require(is_json_number(field.text) || field.text.size() > 24);
  }
}

// The first byte of the input says how: most decode it at once; of eight values one also decodes it cut into blocks and
// compares, and one sets a small limit. `make` builds a new decoder.
template <class Make>
int fuzz_decoder(const std::uint8_t* data, std::size_t size, Make make) {
  if (size == 0) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  // Not many steps, for cut() starts anew each time.
  const std::size_t step = 1 + data[0] / 4u + input.size() / 16;
  const bool limited = data[0] % 8 == 3;
  DecodeOptions options;
  options.reference_time = core::Timestamp{1'772'323'200'000'000'000};
  if (limited) options.max_record_bytes = 32;  // Every limit is soon reached.
  FuzzBatches& batches = FuzzBatches::clean();
  const auto decoder = make(options);
  batches.feed(*decoder, input, limited ? step : size, batches.first);
  check_batch(batches.first);
  check_numbers(batches.first);
  if (data[0] % 8 == 7) {
    const auto stepped = make(options);
    batches.feed(*stepped, input, step, batches.second);
    fuzz_require(same_events(batches.first, batches.second));
  }
  return 0;
}

}  // namespace tocsin::decode::text
