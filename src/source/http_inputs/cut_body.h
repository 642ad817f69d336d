// Bytes of any log into deliveries that decode without each other.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "source/http_inputs/input.h"

namespace tocsin::source {

struct BodyOrigin {
  SourceRef source;
  model::Format format = model::Format::kUnknown;  // kUnknown: told from the content.
  std::string peer;
  std::string once_key;  // "/0", "/1" ... are added; empty: none.
};

// In order. Refused: kUnsupported, the bytes are no log; kLimit, a unit that no delivery can hold.
core::Result<std::vector<Parcel>> cut_body(const HttpInput& input, const BodyOrigin& origin, std::string_view body);

}  // namespace tocsin::source
