// Fuzzes the EVTX decoder. The first byte chooses: bit 0 recovers deleted records, bit 1 decodes twice with one decoder
// (cached templates), bit 2 cuts the input in two at a chunk's end. The rest is the block.
#include <cstddef>
#include <cstdint>
#include <string>

#include "decode/decoder.h"

namespace {

// What was decoded must be readable: every view is touched.
std::size_t touch(const tocsin::model::Batch& batch) {
  std::size_t sum = 0;
  for (std::size_t i = 0; i < batch.size(); ++i) {
    for (const auto& field : batch.event(i).fields()) {
      sum += batch.event(i).name(field).size();
      for (const char c : field.text) sum += static_cast<unsigned char>(c);
    }
  }
  return sum;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const unsigned choice = data[0];
  std::string bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::size_t block_bytes = bytes.size();
  bytes.append(tocsin::decode::kPaddingBytes, '\0');
  const std::string_view block = std::string_view(bytes).substr(0, block_bytes);
  tocsin::decode::DecodeOptions options;
  options.recover_deleted = (choice & 1) != 0;
  const auto decoder = tocsin::decode::make_evtx_decoder(options);
  tocsin::model::NameTable names;
  tocsin::model::Batch batch(names);
  const std::size_t cut = (choice & 4) != 0 ? decoder->cut(block, false) : 0;
  for (unsigned pass = 0; pass < ((choice & 2) != 0 ? 2U : 1U); ++pass) {
    batch.clear();
    decoder->decode(block.substr(0, cut), batch);
    decoder->decode(block.substr(cut), batch);
    [[maybe_unused]] volatile std::size_t sum = touch(batch);
    // Output is bounded by input: see Budget in record_reader.h.
    if (batch.arena().reserved_bytes() > (4u << 20) + 32 * block_bytes) __builtin_trap();
  }
  return 0;
}
