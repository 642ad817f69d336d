// The body of Splunk's HTTP Event Collector: JSON objects one after another, with or without space between. Pure.
#pragma once
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace tocsin::source {

// Reply codes as Splunk documents them.
enum class HecCode {
  kSuccess = 0,
  kTokenRequired = 2,
  kInvalidAuthorization = 3,
  kInvalidToken = 4,
  kNoData = 5,
  kInvalidFormat = 6,
  kInternalError = 8,
  kServerBusy = 9,
  kChannelMissing = 10,
  kInvalidChannel = 11,
  kEventRequired = 12,
  kEventBlank = 13,
  kBadFields = 15,
  kQueryToken = 16,
  kHealthy = 17,
  kQueuesFull = 18,
  kHealthInvalidToken = 21,
};

// What the query of a request says of all its events; an event's own values go first. Empty: nothing.
struct HecDefaults {
  std::string host, source, sourcetype, index;
};

struct HecOutcome {
  HecCode code = HecCode::kSuccess;  // Of the first bad event.
  std::size_t bad_index = 0;         // Its place, from 0.
  std::size_t good_count = 0, bad_count = 0;
};
// Damaged objects are skipped to the next line that begins with a brace: so often, and until twice the body was read in
// vain; then the rest is one bad event.
inline constexpr std::size_t kMaxHecSkips = 1'000;

// Gives each good event's line (without its end, valid until the next) to `take`.
HecOutcome parse_hec(std::string_view body, const HecDefaults& defaults, const std::function<void(std::string_view)>& take);

}  // namespace tocsin::source
