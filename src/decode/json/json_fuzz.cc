// The JSON decoders on any bytes. The first byte chooses the layout, whether the input also comes cut into blocks, which
// must give the events that the whole gives, and a small limit.
#include <cstdint>
#include <string_view>

#include "decode/fuzz_batches.h"
#include "decode/json/json_decoder.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tocsin::decode;
  if (size == 0) return 0;
  const unsigned choice = data[0];
  const std::string_view bytes{reinterpret_cast<const char*>(data) + 1, size - 1};
  const std::size_t step = 1 + choice / 4;
  DecodeOptions options;
  if (choice % 8 == 3) options.max_record_bytes = 48;
  FuzzBatches& batches = FuzzBatches::clean();
  if (choice % 64 == 5) {
    batches.feed(*make_json_decoder(options), bytes, step, batches.first);
    check_batch(batches.first);
    return 0;
  }
  const bool marked = bytes.starts_with("\xFF\xFE") || bytes.starts_with("\xFE\xFF");
  const auto layout = marked ? json::Layout::kUtf16 : choice % 2 == 0 ? json::Layout::kDocuments : json::Layout::kLines;
  batches.feed(*json::make_json_decoder(layout, options), bytes, size, batches.first);
  check_batch(batches.first);
  if (choice % 8 != 3 && choice % 8 != 6 && choice % 8 != 7) return 0;
  batches.feed(*json::make_json_decoder(layout, options), bytes, step, batches.second);
  check_batch(batches.second);
  if (options.max_record_bytes > bytes.size()) fuzz_require(same_events(batches.first, batches.second));
  return 0;
}
