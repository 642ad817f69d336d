// `tocsin rules test`: samples that must fire and samples that must not, run against their rules.
//
// Two forms. Ours: X.test.yml beside X.yml, a list `tests` of {name, expect, rule, logsource, format, and one of events,
// lines, file}. SigmaHQ's: a rule with `regression_tests_path`, an info.yml found from the rule's folder upward, whose
// samples must give at least match_count matches, and their JSON twins the same number. What a test may read lies below
// its own folder (or the folder that path was found in). One thread; prints nothing.
#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "core/yaml.h"
#include "detect/log_source_map.h"
#include "detect/rule_set.h"

namespace tocsin::cli {

inline constexpr std::size_t kMaxTestFileBytes = core::kMaxYamlBytes;
inline constexpr std::size_t kMaxSampleFileBytes = 256u << 20;

// Where test files and samples come from: the disk, or the built-in content.
using ReadFile = std::function<core::Result<std::string>(const std::string& path, std::size_t max_bytes)>;

struct RuleTestOptions {
  std::vector<std::string> under_test;  // Paths of rule files whose tests are run, as in RuleSet infos.
  std::vector<std::string> orphans;     // Test files found that belong to no rule file: each is a failure.
  ReadFile read;
  bool twins = true;  // Regression samples: also the JSON twin.
  // Called after each test; for --verbose. May be empty.
  std::function<void(const std::string& file, const std::string& name, bool passed)> each;
};

struct TestFailure {
  std::string file;  // The test file (or info.yml).
  std::string name;  // Of the test; empty where the file itself is at fault.
  std::string expected, got;
  std::vector<std::string> why;  // Lines.
};

struct RuleTestReport {
  std::uint64_t tests = 0, failed = 0;
  std::uint64_t rules = 0, untested_rules = 0;  // Files of rules under test, and those without any test.
  std::uint64_t missing_samples = 0;            // regression_tests_path that is not there: not run, not failed.
  std::vector<TestFailure> failures;
};

RuleTestReport run_rule_tests(const detect::RuleSet& rules, const detect::LogSourceMap& sources,
                              const RuleTestOptions& options);

// "dir/x.yml" -> "dir/x.test.yml".
std::string test_path_of(std::string_view rule_path);
bool is_test_path(std::string_view path);
// "dir/x.test.yml" -> "dir/x.yml".
std::string rule_path_of(std::string_view test_path);

}  // namespace tocsin::cli
