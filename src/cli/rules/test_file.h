// The two forms of test files, read: ours (X.test.yml) and SigmaHQ's (info.yml). Pure.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "model/event.h"
#include "model/rule_info.h"

namespace tocsin::cli {

inline constexpr std::size_t kMaxTestsPerFile = 10'000;

struct RuleTest {
  std::string name;
  std::string rule;  // Id, name or title; empty: the last rule of the file.
  std::uint64_t expect = 0;
  bool at_least = false;  // Regression form: more is fine.
  model::LogSource logsource;
  std::optional<model::Format> format;  // Empty: told from the bytes.
  std::string bytes;                    // Events as JSON lines, or the raw lines.
  std::string file;                     // Instead of bytes: a path relative to the test's folder (or repository).
};

// Unknown keys are errors: a misspelt `expect` must not pass. Errors name the line.
core::Result<std::vector<RuleTest>> parse_tests(std::string_view text);
core::Result<std::vector<RuleTest>> parse_regression_info(std::string_view text);

// The value of `regression_tests_path:` at the first column of a rule's text; empty where there is none.
std::string regression_path_of(std::string_view rule_text);

// A relative path that stays below its folder: no "..", not absolute, not empty.
bool stays_below(std::string_view path);

}  // namespace tocsin::cli
