#include "decode/text/decoder_fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return tocsin::decode::text::fuzz_decoder(data, size, tocsin::decode::make_journald_export_decoder);
}
