// Fuzzes the Windows event XML decoder. The first byte chooses: whole, in blocks as cut() says (fed in pieces of a size
// that it also gives), or as XML inside another message.
#include <cstddef>
#include <cstdint>

#include "decode/fuzz_batches.h"
#include "decode/windows_xml.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tocsin::decode;
  if (size == 0) return 0;
  const unsigned choice = data[0];
  const std::string_view all(reinterpret_cast<const char*>(data) + 1, size - 1);
  FuzzBatches& batches = FuzzBatches::clean();
  if (choice % 4 == 1) {
    tocsin::core::Timestamp time;
    batches.first.begin_event();
    if (decode_event_xml(batches.block(all), batches.first, time)) {
      batches.first.end_event().record = 1;
    } else {
      batches.first.abandon_event();
    }
  } else {
    DecodeOptions options;
    options.max_record_bytes = choice % 8 == 3 ? 128 : 4'096;
    const std::size_t step = choice % 4 == 3 ? 16 + std::size_t{choice} * 2 : size;
    batches.feed(*make_windows_xml_decoder(options), all, step, batches.first);
  }
  check_batch(batches.first);
  return 0;
}
