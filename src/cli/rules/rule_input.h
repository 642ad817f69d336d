// The rules, log source table and tests that a `rules` command works on: from paths, or the content that is built in.
#pragma once
#include <string>
#include <vector>

#include "cli/content.h"
#include "cli/rules/rule_tests.h"
#include "core/result.h"
#include "detect/log_source_map.h"
#include "detect/rule_set.h"

namespace tocsin::cli {

struct RuleInput {
  std::vector<detect::SourceText> files;  // Rule files, by the order of the paths.
  std::vector<std::string> under_test;    // Of these, what the paths name (not what only completes them).
  std::vector<std::string> test_files;    // X.test.yml found beside them.
  ReadFile read;                          // Valid as long as the Content given.
};

// No paths: the rules in `content`. A path may be a file, a test file (which stands for its rule) or a folder.
core::Result<RuleInput> find_rules(const std::vector<std::string>& paths, const std::vector<std::string>& more,
                                   const Content& content);

core::Result<detect::RuleSet> load_rule_files(const RuleInput& input, const std::string& variables_path);

// The content's table and the user's. A faulty one is an error.
core::Result<detect::LogSourceMap> load_source_table(const Content& content, const std::vector<std::string>& files);

}  // namespace tocsin::cli
