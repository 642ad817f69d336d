// Sigma conditions: text to an Expr over selections.
//
// Grammar, loosest first: or, and, not, then `(...)`, a selection's name, or `1 of`, `any of`, `all of` a pattern or
// `them`. Words are what stands between spaces and parentheses, so `notfilter` and `nothing` are names. Key words may be
// in any case. Recursion is bounded by kMaxConditionDepth. Pure.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "detect/sigma/ast.h"

namespace tocsin::detect::sigma {

inline constexpr std::size_t kMaxConditionBytes = 16'384;  // All conditions of a rule together.
inline constexpr std::size_t kMaxConditionDepth = 64;      // Parentheses and nots within each other.
inline constexpr std::size_t kMaxConditionNodes = 20'000;

struct ConditionProblem {
  std::size_t offset = 0;  // In bytes into the condition.
  std::string code, message, hint;
};

struct ParsedCondition {
  Expr expr;
  std::optional<ConditionProblem> problem;  // Set: `expr` means nothing.
};

// Sets used[i] for each selection that the condition refers to. REQUIRES: used.size() == names.size().
ParsedCondition parse_condition(std::string_view text, const std::vector<std::string_view>& names, std::vector<bool>& used);

// Whether the name is a word of the grammar and could not be referred to.
bool is_reserved_name(std::string_view name);

}  // namespace tocsin::detect::sigma
