// Any bytes as an input file: every stream inside is read to its end, under small limits, and nothing may go wrong.
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "source/file_input.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tocsin::source;
  const ReadOptions options{.max_expansion = 20,
                            .unchecked_expanded_bytes = 16 * 1024,
                            .max_expanded_bytes = 128 * 1024,
                            .max_members = 64,
                            .max_archive_depth = 3,
                            .max_nested_bytes = 64 * 1024,
                            .stop = {}};
  InputReader reader("input", {reinterpret_cast<const char*>(data), size}, options);
  std::array<char, 4096> buffer;
  std::uint64_t total_bytes = 0;
  for (std::uint32_t count = 0; Stream* stream = reader.next(); ++count) {
    if (count > options.max_members) std::abort();
    if (display_name(stream->name()) != stream->name()) std::abort();
    if (count % 3 == 2) continue;  // Left unread.
    while (const std::size_t got = stream->read(buffer)) total_bytes += got;
  }
  if (total_bytes > options.max_expanded_bytes + size + kHeadBytes) std::abort();
  return 0;
}
