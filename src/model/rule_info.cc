#include "model/rule_info.h"

#include <algorithm>
#include <array>

namespace tocsin::model {
namespace {
constexpr std::array<std::string_view, 5> kLevels{"informational", "low", "medium", "high", "critical"};
}

std::string_view to_string(Level level) { return kLevels[static_cast<std::size_t>(level)]; }

std::optional<Level> level_from_string(std::string_view text) {
  for (std::size_t i = 0; i < kLevels.size(); ++i) {
    const bool same = text.size() == kLevels[i].size() &&
                      std::equal(text.begin(), text.end(), kLevels[i].begin(),
                                 [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a + ('a' - 'A') : a) == b; });
    if (same) return static_cast<Level>(i);
  }
  return {};
}

}  // namespace tocsin::model
