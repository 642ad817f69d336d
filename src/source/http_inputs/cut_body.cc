#include "source/http_inputs/cut_body.h"

#include <algorithm>
#include <memory>
#include <utility>

namespace tocsin::source {
namespace {

constexpr std::size_t kHeadBytes = 64u << 10;

std::uint64_t count_lines(std::string_view bytes) {
  const auto ends = static_cast<std::uint64_t>(std::count(bytes.begin(), bytes.end(), '\n'));
  return ends + (!bytes.empty() && bytes.back() != '\n' ? 1 : 0);
}

// The length of the units to take next; 0 where one is too long.
std::size_t next_length(Cutter& cutter, std::string_view rest) {
  for (std::size_t window = kDeliveryBytes; window <= model::kMaxDeliveryBytes; window *= 2) {
    const bool all = window >= rest.size();
    const std::size_t length = cutter.cut(rest.substr(0, window), all);
    if (length > 0) return std::min(length, rest.size());
    if (all) return rest.size();
  }
  return 0;
}

}  // namespace

core::Result<std::vector<Parcel>> cut_body(const HttpInput& input, const BodyOrigin& origin, std::string_view body) {
  const std::unique_ptr<Cutter> cutter = input.context.formats.cutter(origin.format, body.substr(0, kHeadBytes));
  if (cutter == nullptr) {
    return core::Error{core::ErrorCode::kUnsupported,
                       "the bytes are no log: no format is known that begins like this; name one with ?format="};
  }
  std::vector<Parcel> out;
  const core::Timestamp now = input.context.clock.now();
  for (std::size_t at = 0; at < body.size();) {
    const std::size_t length = next_length(*cutter, body.substr(at));
    if (length == 0) {
      return core::Error{core::ErrorCode::kLimit, "the record at byte " + std::to_string(at) + " has more than " +
                                                      std::to_string(model::kMaxDeliveryBytes) + " bytes"};
    }
    Parcel parcel;
    parcel.delivery.source = origin.source.id;
    parcel.delivery.received_at = now;
    parcel.delivery.format = cutter->format();
    parcel.delivery.peer = origin.peer;
    // The first bytes hold the header themselves.
    if (at > 0) parcel.delivery.header = cutter->header();
    parcel.delivery.bytes = body.substr(at, length);
    if (!origin.once_key.empty()) parcel.delivery.once_key = origin.once_key + "/" + std::to_string(out.size());
    parcel.records = count_lines(parcel.delivery.bytes);
    out.push_back(std::move(parcel));
    at += length;
  }
  return out;
}

}  // namespace tocsin::source
