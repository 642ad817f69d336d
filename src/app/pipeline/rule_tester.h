// A rule tried on stored events: their raw records are decoded again and asked by the engine that is live.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "api/platform.h"
#include "app/detection.h"
#include "core/result.h"
#include "store/store.h"

namespace tocsin::app {

inline constexpr std::uint64_t kMaxTestedEvents = 5'000'000;

// `files`: the rule. What a correlation refers to must be in the same file.
core::Result<api::RuleTestResult> test_rule(const api::RuleTestRequest& request,
                                            const std::vector<detect::SourceText>& files,
                                            const std::map<std::string, std::vector<std::string>>& variables,
                                            const DetectionContent& content, store::Store& store);

}  // namespace tocsin::app
