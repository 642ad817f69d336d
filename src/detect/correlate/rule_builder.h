// Correlation rules for tests, without YAML.
#pragma once
#include <string>
#include <utility>
#include <vector>

#include "detect/correlator.h"

namespace tocsin::detect::correlate {

inline constexpr std::int64_t kSecond = 1'000'000'000;

// Rules are numbered from 0, titled "A", "B" ...; correlations follow in the order added.
class RuleBuilder {
 public:
  explicit RuleBuilder(std::size_t rule_count = 3) {
    for (std::size_t i = 0; i < rule_count; ++i) {
      set_.rules.emplace_back();
      set_.rules.back().info.title = std::string(1, static_cast<char>('A' + i));
      set_.rules.back().info.id = "rule-" + std::to_string(i);
    }
  }
  // Over the given rules; the last one added is changed by the functions below.
  RuleBuilder& add(sigma::CorrelationType type, std::vector<std::uint32_t> rules, std::int64_t timespan_seconds) {
    sigma::CorrelationRule rule;
    rule.type = type;
    rule.rules = std::move(rules);
    rule.timespan_ns = timespan_seconds * kSecond;
    rule.info.id = "correlation-" + std::to_string(set_.correlations.size());
    rule.info.title = "C" + std::to_string(set_.correlations.size());
    set_.correlations.push_back(std::move(rule));
    return *this;
  }
  RuleBuilder& by(std::vector<std::string> names) { return last().group_by = std::move(names), *this; }
  RuleBuilder& when(sigma::CountOp op, double value) { return last().conditions.push_back({op, value}), *this; }
  RuleBuilder& of(std::vector<std::string> fields) { return last().fields = std::move(fields), *this; }
  RuleBuilder& percentile(double value) { return last().percentile = value, *this; }
  RuleBuilder& alias(std::string name, std::vector<std::pair<std::uint32_t, std::string>> fields) {
    last().aliases.push_back({std::move(name), std::move(fields)});
    return *this;
  }
  [[nodiscard]] const RuleSet& set() const { return set_; }
  // The number of the correlation `index` in the `rules` of one that refers to it.
  [[nodiscard]] std::uint32_t correlation(std::uint32_t index) const {
    return static_cast<std::uint32_t>(set_.rules.size()) + index;
  }

 private:
  sigma::CorrelationRule& last() { return set_.correlations.back(); }
  RuleSet set_;
};

}  // namespace tocsin::detect::correlate
