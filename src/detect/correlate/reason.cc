#include "detect/correlate/reason.h"

#include <charconv>

#include "detect/correlate/time_math.h"

namespace tocsin::detect::correlate {
namespace {

using sigma::CorrelationType;
using sigma::CountOp;

constexpr std::size_t kMaxNames = 5;
constexpr std::size_t kMaxShownValue = 100;

std::string shown_number(double value) {
  char text[64];
  const bool whole = value > -1e15 && value < 1e15 && value == static_cast<double>(static_cast<std::int64_t>(value));
  const auto end = whole ? std::to_chars(text, text + sizeof text, static_cast<std::int64_t>(value))
                         : std::to_chars(text, text + sizeof text, value, std::chars_format::general, 6);
  return {text, end.ptr};
}

const char* sign_of(CountOp op) {
  switch (op) {
    case CountOp::kGreater: return "> ";
    case CountOp::kGreaterEqual: return ">= ";
    case CountOp::kLess: return "< ";
    case CountOp::kLessEqual: return "<= ";
    case CountOp::kEqual: return "= ";
    case CountOp::kNotEqual: return "!= ";
  }
  return "";
}

// Cut at a character, control characters made harmless.
std::string shown_text(const std::string& text) {
  std::string shown = text;
  if (shown.size() > kMaxShownValue) {
    std::size_t size = kMaxShownValue;
    while (size > 0 && (static_cast<unsigned char>(shown[size]) & 0xc0) == 0x80) --size;
    shown.resize(size);
    shown += "...";
  }
  for (char& c : shown) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  }
  return shown;
}

std::string names_of(const Plan& plan, const CorrelationPlan& correlation, const char* joint) {
  const sigma::CorrelationRule& rule = *correlation.rule;
  const RuleSet& rules = *plan.rules;
  std::string names;
  for (std::size_t i = 0; i < rule.rules.size() && i < kMaxNames; ++i) {
    const std::uint32_t index = rule.rules[i];
    const model::RuleInfo& info =
        index < rules.rules.size() ? rules.rules[index].info : rules.correlations[index - rules.rules.size()].info;
    if (i > 0) names += joint;
    names += '\'';
    names += shown_text(!info.title.empty() || i >= rule.rule_names.size() ? info.title : rule.rule_names[i]);
    names += '\'';
  }
  if (rule.rules.size() > kMaxNames) names += " and " + std::to_string(rule.rules.size() - kMaxNames) + " more";
  return names;
}

std::string counted(double count, const char* one, const char* many) {
  return shown_number(count) + ' ' + (count == 1 ? one : many);
}

std::string fields_of(const sigma::CorrelationRule& rule) {
  std::string names;
  for (const std::string& field : rule.fields) names += (names.empty() ? "" : " + ") + shown_text(field);
  return names;
}

std::string what_of(const Plan& plan, const CorrelationPlan& correlation, const CorrelationFinding& finding) {
  const sigma::CorrelationRule& rule = *correlation.rule;
  const double events = static_cast<double>(finding.event_count);
  const std::string of = counted(events, "event", "events") + " of " + names_of(plan, correlation, " or ");
  const std::string value = shown_number(finding.value);
  switch (rule.type) {
    case CorrelationType::kEventCount:
      return counted(finding.value, "event", "events") + " of " + names_of(plan, correlation, " or ");
    case CorrelationType::kValueCount:
      return counted(finding.value, "distinct value", "distinct values") + " of " + fields_of(rule) + " in " + of;
    case CorrelationType::kTemporal:
      return counted(finding.value, "rule", "rules") + " of " + names_of(plan, correlation, ", ") + " matched";
    case CorrelationType::kTemporalOrdered:
      return counted(finding.value, "rule", "rules") + " of " + names_of(plan, correlation, ", ") + " matched in this order";
    case CorrelationType::kValueSum: return "sum " + value + " of " + fields_of(rule) + " in " + of;
    case CorrelationType::kValueAvg: return "mean " + value + " of " + fields_of(rule) + " in " + of;
    case CorrelationType::kValuePercentile:
      return "percentile " + shown_number(rule.percentile) + " of " + fields_of(rule) + " is " + value + " in " + of;
  }
  return {};
}

}  // namespace

std::string shown_duration(std::int64_t ns) {
  struct Unit {
    std::int64_t ns;
    const char* name;
  };
  constexpr Unit kUnits[] = {{86'400'000'000'000, "d"}, {3'600'000'000'000, "h"}, {60'000'000'000, "m"},
                             {1'000'000'000, "s"},      {1'000'000, "ms"},        {1'000, "us"}};
  if (ns == 0) return "0s";
  for (const Unit& unit : kUnits) {
    if (ns % unit.ns == 0) return std::to_string(ns / unit.ns) + unit.name;
  }
  return std::to_string(ns) + "ns";
}

std::string reason_of(const Plan& plan, const CorrelationFinding& finding) {
  const CorrelationPlan& correlation = plan.correlations[finding.correlation_index];
  std::string text = what_of(plan, correlation, finding) + " within " + shown_duration(correlation.timespan_ns) + " (";
  bool more = false;
  for (const sigma::CountCondition& condition : correlation.shown) {
    if (more) text += " and ";
    more = true;
    text += sign_of(condition.op) + shown_number(condition.value);
  }
  text += ')';
  for (const auto& [name, value] : finding.group) text += ", " + shown_text(name) + '=' + shown_text(value);
  if (earlier(finding.last.ns, correlation.timespan_ns) > finding.first.ns) {
    const std::int64_t seconds = earlier(finding.last.ns, finding.first.ns) / 1'000'000'000;
    text += "; " + counted(static_cast<double>(finding.event_count), "event", "events") + " in all over " +
            shown_duration(seconds * 1'000'000'000);
  }
  return text;
}

}  // namespace tocsin::detect::correlate
