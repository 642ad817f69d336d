#include <cstdint>

#include "decode/decoder.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static_cast<void>(tocsin::decode::sniff({reinterpret_cast<const char*>(data), size}));
  return 0;
}
