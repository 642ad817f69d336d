// The `detection` of a rule or the `filter` of a filter: selections, value modifiers, condition.
//
// One thread. Every problem goes to the Report, with its place; what is returned is then of no use, but more problems of
// the same document can still be found. Nothing is thrown.
#pragma once
#include <cstddef>
#include <string>
#include <vector>

#include "detect/rule_set.h"
#include "detect/sigma/ast.h"
#include "detect/sigma/regex.h"
#include "detect/sigma/report.h"
#include "detect/sigma/yaml_tree.h"

namespace tocsin::detect::sigma {

inline constexpr std::size_t kMaxSelections = 1'000;        // Per rule; public rules have at most 34.
inline constexpr std::size_t kMaxNameBytes = 256;           // Of a selection's or a field's name.
inline constexpr std::size_t kMaxLeafBytes = 32u << 20;     // Pattern text of one rule after expansion.
inline constexpr std::size_t kMaxLeavesPerSet = 2'000'000;  // Of one load; the public rules give about 60,000.
inline constexpr std::size_t kMaxShownBytes = 512;          // Of Leaf::shown_value.

// What the documents of one load share.
struct LoadContext {
  const LoadOptions& options;
  RegexGuard regexes;
  std::size_t leaf_total = 0;
};

struct Detection {
  std::vector<Leaf> leaves;
  std::vector<Selection> selections;
  Expr condition;
  std::string condition_text;
  bool condition_has_not = false;
  std::size_t leaf_bytes = 0;
};

// `skipped_key` is a key that is no selection (`rules` of a filter), or "".
Detection parse_detection(const YamlNode& map, std::string_view skipped_key, LoadContext& context, Report& report);

// One entry of a selection: "field|modifiers: values". `key` null: a keyword. Adds leaves to `out`.
Expr parse_item(const YamlNode* key, const YamlNode& value, LoadContext& context, Report& report, Detection& out);

// Spaces removed, then the caller's mapping.
std::string field_name(std::string_view written, const LoadOptions& options);

Expr leaf_expr(std::size_t index);
Expr join(Expr::Kind kind, std::vector<Expr> parts);  // One part: that part itself.

}  // namespace tocsin::detect::sigma
