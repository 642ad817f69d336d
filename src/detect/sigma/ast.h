// A Sigma rule after parsing and after its value modifiers were applied: what both evaluators read.
//
// Source: Sigma specification 2.1.0 (rules, correlation rules, filters, modifiers appendix). Plain data, immutable once
// loaded. Modifiers that only rewrite values (contains, startswith, endswith, windash, base64offset, wide, expand ...)
// are gone: they became patterns and more leaves. `all`, value lists and neq became And, Or and Not.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "model/rule_info.h"

namespace tocsin::detect::sigma {

// A string with wildcards: literals between `*` (any run, also empty, also newlines) and `?` (any one character: one
// Unicode code point). Two `*` never stand side by side. Compared case-insensitively unless Leaf::cased.
struct PatternPart {
  enum class Kind : std::uint8_t { kLiteral, kAnyRun, kAnyOne } kind = Kind::kLiteral;
  std::string text;  // UTF-8 with escapes resolved, never empty; for kLiteral only.
  bool operator==(const PatternPart&) const = default;
};
using Pattern = std::vector<PatternPart>;  // Empty: the empty string.

struct Cidr {
  bool v6 = false;
  std::uint8_t prefix_bits = 0;
  std::uint8_t bytes[16] = {};  // Network order; the first 4 for v4.
};

enum class Op : std::uint8_t {
  kPattern,  // Text compare with `pattern`. Also plain numbers and booleans, which match as text.
  kRegex,    // RE2 search with `text` as the expression and the flags below. '.' does not cross newlines unless flag_s.
  kCidr,
  kFieldRef,  // Compares with the values of the field `text`, by `ref_mode`; true if any pair matches.
  kExists,    // `exists` true: the field is present (also null or empty).
  kNull,      // The field is absent, or all its values are null.
  kLess,
  kLessEqual,
  kGreater,
  kGreaterEqual,  // Numeric, with `number`; a value that is no number does not match.
  kTimePart,      // A part of the timestamp in the field compared by `compare` with `number`.
};
enum class RefMode : std::uint8_t { kEquals, kContains, kStartsWith, kEndsWith };
enum class TimePart : std::uint8_t { kMinute, kHour, kDay, kWeek, kMonth, kYear };
enum class Compare : std::uint8_t { kEqual, kLess, kLessEqual, kGreater, kGreaterEqual };

struct Leaf {
  bool keyword = false;  // No field: true if any value of the event matches (a keyword pattern has `*` on both sides).
  std::string field;     // Canonical name, spaces removed; empty for a keyword.
  Op op = Op::kPattern;
  bool cased = false;  // kPattern, kFieldRef: compare case-sensitively.
  Pattern pattern;
  std::string text;                                     // kRegex: expression; kFieldRef: the other field.
  bool flag_i = false, flag_m = false, flag_s = false;  // kRegex.
  Cidr cidr;
  RefMode ref_mode = RefMode::kEquals;
  bool exists = true;
  double number = 0;
  TimePart time_part = TimePart::kHour;
  Compare compare = Compare::kEqual;
  // For explanations: how the rule wrote it.
  std::string shown_field;  // With spaces, as written.
  std::string shown_op;     // "contains", "endswith|windash", "re|i", "equals" ...
  std::string shown_value;
};

struct Expr {
  enum class Kind : std::uint8_t { kTrue, kFalse, kAnd, kOr, kNot, kLeaf, kSelection } kind = Kind::kTrue;
  std::vector<Expr> children;  // kAnd, kOr: any number; kNot: one.
  std::uint32_t index = 0;     // kLeaf: in Rule::leaves; kSelection: in Rule::selections.
};

struct Selection {
  std::string name;  // The raw YAML key.
  Expr expr;         // Without kSelection.
  std::uint32_t line = 0;
};

struct Rule {
  model::RuleInfo info;
  std::vector<Leaf> leaves;
  std::vector<Selection> selections;  // Of the rule, then those of filters applied to it (named "<filter title>: <key>").
  Expr condition;                     // Of kSelection, kAnd, kOr, kNot, kTrue, kFalse. A list of conditions is an Or.
  std::string condition_text;
};

enum class CorrelationType : std::uint8_t {
  kEventCount,
  kValueCount,
  kTemporal,
  kTemporalOrdered,
  kValueSum,
  kValueAvg,
  kValuePercentile
};
enum class CountOp : std::uint8_t { kGreater, kGreaterEqual, kLess, kLessEqual, kEqual, kNotEqual };
struct CountCondition {
  CountOp op = CountOp::kGreaterEqual;
  double value = 0;
};
struct Alias {
  std::string name;                                           // As used in group-by (and condition field).
  std::vector<std::pair<std::uint32_t, std::string>> fields;  // (index in CorrelationRule::rules, field of that rule).
};
struct CorrelationRule {
  model::RuleInfo info;
  CorrelationType type = CorrelationType::kEventCount;
  // What it refers to, resolved: an index < rules.size() is a rule; the others are correlations (index - rules.size()).
  std::vector<std::uint32_t> rules;
  std::vector<std::string> rule_names;  // As written (id or name), same order.
  std::vector<std::string> group_by;
  std::vector<Alias> aliases;
  std::int64_t timespan_ns = 0;
  std::vector<CountCondition> conditions;  // All must hold (a range is two). Empty: the type's default.
  std::vector<std::string> fields;         // Of value_*: one, or several for a tuple (value_count).
  double percentile = 50;
  bool generate = false;  // Whether the referenced rules' own findings are also given out.
};

// One problem of one file, for people. Severity error: that rule (or file) is not loaded.
struct Diagnostic {
  enum class Severity : std::uint8_t { kError, kWarning } severity = Severity::kError;
  std::string path;
  std::uint32_t line = 0, column = 0;  // From 1; 0 where not known.
  std::string code;                    // "yaml-syntax", "unknown-modifier", "placeholder-unresolved" ...: stable.
  std::string message;                 // What is wrong, what was expected.
  std::string hint;                    // How to fix it.
  std::string rule_id, rule_title;     // Where known.
};

}  // namespace tocsin::detect::sigma
