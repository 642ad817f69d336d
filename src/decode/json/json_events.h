// Runs JSON decoders in tests and shows batches as text.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "decode/json/json_decoder.h"

namespace tocsin::decode::json {

// How the bytes are given to the decoder.
struct Feed {
  std::optional<Layout> layout = std::nullopt;  // Empty: as find_layout says.
  std::size_t step_bytes = 0;                   // The buffer grows by this; 0: all at once.
  std::size_t max_record_bytes = 1u << 20;
  bool show_record = false;  // Record numbers and raw bytes too.
  bool show_time = false;
};

// One line per event and bad record, in the order of events, then bad ones:
//   EventID=#1 Image=C:\x.exe tags[]=a tags[]=b signed=?true gone=~
//   !json-syntax
// '#' marks a number, '?' a bool, '~' null, [] an element of a list.
std::string decode_text(std::string_view bytes, const Feed& feed = {});

}  // namespace tocsin::decode::json
