// Fuzzes the EVTX decoder. The first byte chooses: bit 0 recovers deleted records, bit 1 decodes twice with one decoder
// (cached templates) and compares. The rest is the block; wrong checksums in it are reported, but stop nothing.
#include <cstddef>
#include <cstdint>

#include "decode/fuzz_batches.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tocsin::decode;
  if (size == 0) return 0;
  const unsigned choice = data[0];
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  DecodeOptions options;
  options.recover_deleted = (choice & 1) != 0;
  const auto decoder = make_evtx_decoder(options);
  FuzzBatches& batches = FuzzBatches::clean();
  batches.feed(*decoder, bytes, size, batches.first);
  check_batch(batches.first);
  // Output is bounded by input: see Budget in record_reader.h.
  fuzz_require(batches.first.arena().reserved_bytes() <= (4u << 20) + 32 * bytes.size());
  if ((choice & 2) != 0) {
    batches.feed(*decoder, bytes, size, batches.second);
    fuzz_require(same_events(batches.first, batches.second));
  }
  return 0;
}
