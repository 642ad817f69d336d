// What all HTTP inputs share: whose request it is, deliveries from lines, and the answer when all of them are safe.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "core/time.h"
#include "http/server.h"
#include "model/delivery.h"
#include "source/http_inputs.h"
#include "source/live.h"

namespace tocsin::source {

inline constexpr std::size_t kDeliveryBytes = 8u << 20;        // A delivery is closed when it would grow past this.
inline constexpr std::size_t kMaxJsonRecordBytes = 16u << 20;  // The longest record a decoder takes.

// One table of routes. Shared by its handlers and by what is under way.
struct HttpInput {
  // `name`: a label of its metrics.
  HttpInput(const char* name, const SourceContext& source_context, const HttpInputOptions& input_options);
  const SourceContext context;
  const HttpInputOptions options;
  Backlog backlog;
  core::Counter& unauthorized;  // Requests of nobody we know, which no source's meter counts.
};

enum class Credentials : std::uint8_t {
  kNone,       // Nothing was said, and there is no default.
  kMalformed,  // A scheme or form we do not know.
  kUnknown,    // No enabled source has it.
  kKnown,
};
struct Caller {
  Credentials credentials = Credentials::kNone;
  std::optional<SourceRef> source;  // Where known.
};
Caller find_caller(const HttpInput& input, const http::Request& request);

// Standard and URL alphabet, with or without padding; empty where it is neither.
std::optional<std::string> decode_base64(std::string_view text);

struct Parcel {
  model::Delivery delivery;
  std::uint64_t records = 0;
};

// Lines of JSON of one source into parcels.
class LineParcels {
 public:
  LineParcels(const HttpInput& input, const SourceRef& source, std::string peer);
  // `line` without its end. Returns the parcel it went to.
  std::size_t add(std::string_view line);
  [[nodiscard]] std::vector<Parcel> take() { return std::move(parcels_); }

 private:
  model::Delivery empty_;
  std::vector<Parcel> parcels_;
};

using Results = std::vector<core::Result<void>>;
// False: there is no room, nothing was handed on. Otherwise `then` is called once, from any thread, maybe before this
// returns, with a result for each parcel. Counts in the source's meter.
bool submit(const std::shared_ptr<HttpInput>& input, const SourceRef& source, std::vector<Parcel> parcels,
            std::function<void(const Results&)> then);
// The first error of them, or null.
const core::Error* first_error(const Results& results);

// Adds Retry-After.
http::Response retry_later(const HttpInput& input, http::Response response);

}  // namespace tocsin::source
