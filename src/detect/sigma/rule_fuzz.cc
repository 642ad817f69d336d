// Any bytes as a rule file: load_rules must answer, and what it loads must evaluate.
#include <cstdint>
#include <string>
#include <vector>

#include "detect/plain_evaluator.h"
#include "detect/rule_set.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tocsin;
  detect::LoadOptions options;
  options.variables = {{"x", {"a*", "b"}}, {"n", {"10.0.0.0/8"}}};
  const std::string text(reinterpret_cast<const char*>(data), size);
  // Some twice, for the handling of duplicates.
  std::vector<detect::SourceText> sources{{"a.yml", text}};
  if (size % 8 == 0) sources.push_back({"b.yml", text});
  const detect::RuleSet set = detect::load_rules(sources, options);
  detect::PlainEvent event;
  event.fields = {{"A", model::ValueType::kText, "a -b c"},
                  {"B", model::ValueType::kNumber, "5"},
                  {"C", model::ValueType::kNull, ""},
                  {"A", model::ValueType::kText, "2026-01-02T03:04:05Z"},
                  {"D", model::ValueType::kText, "10.1.2.3"}};
  detect::PlainEvaluator evaluator;
  std::size_t leaf_count = 0;
  for (const auto& rule : set.rules) {
    leaf_count += rule.leaves.size();
    if (leaf_count < 2'000) evaluator.match(rule, event);
  }
  if (set.silenced.size() != set.rules.size() + set.correlations.size()) __builtin_trap();
  for (std::size_t i = 0; i < set.correlations.size(); ++i) {
    for (const std::uint32_t index : set.correlations[i].rules) {
      if (index >= set.rules.size() + i) __builtin_trap();  // Referenced ones come first.
    }
  }
  return 0;
}
