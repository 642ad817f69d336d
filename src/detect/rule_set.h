// Sigma rules, loaded: from YAML texts to an immutable set that engines share.
//
// Pure: the caller reads the files. A rule that cannot be loaded becomes a Diagnostic; the others load. Immutable after
// load_rules; any number of threads may read it.
#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "core/yaml.h"
#include "detect/sigma/ast.h"

namespace tocsin::detect {

struct SourceText {
  std::string path;             // For messages and findings.
  std::string text;             // YAML, one or more documents.
  std::string unreadable = {};  // Not empty: it could not be read, and why; it is then refused (code "unreadable").
};

struct LoadOptions {
  // Values for |expand placeholders: name -> values (from --vars FILE).
  std::map<std::string, std::vector<std::string>> variables;
  // Maps a rule's field name to the one events carry (decode::canonical_name), given by the caller so that detect does
  // not know decode. May be empty: names stay as written (spaces removed).
  std::string (*canonical_name)(std::string_view name) = nullptr;
};

struct RuleSet {
  std::vector<sigma::Rule> rules;                    // In the order given.
  std::vector<sigma::CorrelationRule> correlations;  // Referenced ones before those that refer to them.
  std::vector<bool> silenced;                        // Per rule, then per correlation: referenced by a correlation
                                                     // with generate false, so it gives no finding of its own.
  std::vector<sigma::Diagnostic> diagnostics;
  std::uint32_t filter_count = 0;
  std::uint32_t refused_count = 0;  // Rules, correlations and filters with an error.
};

// Limits on one rule file, against hostile YAML. Reaching one refuses the file (code "limit").
inline constexpr std::size_t kMaxRuleFileBytes = core::kMaxYamlBytes;
using core::kMaxYamlDepth, core::kMaxYamlNodes;
inline constexpr std::size_t kMaxLeavesPerRule = 50'000;          // windash expands 5^n.
inline constexpr std::size_t kMaxExpandedRegexesPerRule = 1'000;  // Where placeholders make more than one of a value.
inline constexpr int kMaxRegexProgram = 100'000;                  // RE2 instructions; the largest public rule has 8,005.

RuleSet load_rules(const std::vector<SourceText>& sources, const LoadOptions& options);

// The file given with --vars: a YAML map of placeholder name to value or list of values.
core::Result<std::map<std::string, std::vector<std::string>>> load_variables(const SourceText& source);

// "path:line:column: error: message; hint [code] (rule title)", without a newline.
std::string format_diagnostic(const sigma::Diagnostic& diagnostic);

}  // namespace tocsin::detect
