// The chain of value modifiers behind a field's name, parsed and checked for order and combination.
//
// Pure apart from the Report. The rules of order: `re`, `cidr`, `exists`, `fieldref`, a comparison or a part of time
// gives the value its type and must stand first (`expand`, `all` and `neq` do not count); `i m s` stand behind `re`.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "detect/sigma/ast.h"
#include "detect/sigma/report.h"

namespace tocsin::detect::sigma {

enum class Modifier : std::uint8_t {
  kAll,
  kNeq,
  kCased,
  kExpand,  // Of the whole item.
  kContains,
  kStartsWith,
  kEndsWith,
  kWindash,
  kBase64,
  kBase64Offset,
  kUtf16Le,
  kUtf16Be,
  kUtf16,  // Rewrite text.
  kRe,
  kCidr,
  kExists,
  kFieldRef,
  kLess,
  kLessEqual,
  kGreater,
  kGreaterEqual,  // Give a type.
  kMinute,
  kHour,
  kDay,
  kWeek,
  kMonth,
  kYear,  // Give a type; go with a comparison.
  kFlagI,
  kFlagM,
  kFlagS,
};

struct Chain {
  enum class Type : std::uint8_t { kText, kRegex, kCidr, kExists, kFieldRef, kCompare, kTimePart } type = Type::kText;
  bool all = false, neq = false, cased = false, expand = false;
  bool flag_i = false, flag_m = false, flag_s = false;
  std::vector<Modifier> rewrites;  // In the order written; for kText.
  RefMode ref_mode = RefMode::kEquals;
  std::optional<Compare> compare;  // For kCompare, and kTimePart where given.
  TimePart time_part = TimePart::kHour;
};

// `text` is the key behind the field's name, beginning with '|', at `offset` bytes into the key. Empty where an error
// was reported.
std::optional<Chain> parse_chain(std::string_view text, const YamlNode& key, std::size_t offset, bool keyword,
                                 Report& report);

}  // namespace tocsin::detect::sigma
