// The JSON decoders: one for lines, one for documents, and the rule which is meant.
//
// Beside make_json_decoder (decode/decoder.h), which decides by the first bytes it is given and is not splittable, this
// one decides by the first bytes of the stream, so that the usual case, NDJSON, can be split.
#pragma once
#include <cstdint>
#include <memory>
#include <string_view>

#include "decode/decoder.h"

namespace tocsin::decode::json {

enum class Layout : std::uint8_t {
  kLines,      // NDJSON: each line stands alone, blocks can be decoded in any order.
  kDocuments,  // Arrays, wrapping objects, pretty-printed or concatenated documents: elements are looked for.
  kUtf16,      // Any of these in UTF-16 with a byte order mark.
};

// `head`: the first bytes of the stream, some 64 KB or the whole of it. Lines, where the first line that begins with a brace
// holds whole objects and no wrapping one.
Layout find_layout(std::string_view head);

std::unique_ptr<Decoder> make_json_decoder_for(std::string_view head, const DecodeOptions& options);
std::unique_ptr<Decoder> make_json_decoder(Layout layout, const DecodeOptions& options);

}  // namespace tocsin::decode::json
