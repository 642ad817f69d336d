// What a rule says of itself: carried by every finding. Plain data, immutable once a rule set is built.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tocsin::model {

// Sigma levels, in order of weight. A rule without a level counts as kMedium for sorting and filters, and has none shown.
enum class Level : std::uint8_t { kInformational, kLow, kMedium, kHigh, kCritical };
std::string_view to_string(Level level);                        // "informational" ... "critical"
std::optional<Level> level_from_string(std::string_view text);  // Case-insensitive.

struct LogSource {
  std::string product, category, service;  // Lower case; empty where not given.
  bool operator==(const LogSource&) const = default;
};

struct RuleInfo {
  std::string id;    // A UUID in lower case, or empty.
  std::string name;  // Sigma's `name`, by which correlations may refer to it.
  std::string title;
  Level level = Level::kMedium;
  bool level_given = false;
  std::string status;  // stable, test, experimental, deprecated, unsupported or empty.
  std::string description, author, date, modified, license;
  std::vector<std::string> references, falsepositives, tags, fields;
  LogSource logsource;
  std::string type;        // "rule", or the correlation type: "event_count" ...
  std::string path;        // As given or found; for messages.
  std::uint32_t line = 1;  // Where the document begins in the file.
};

}  // namespace tocsin::model
