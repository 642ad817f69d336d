#include "detect/sigma/detection.h"

#include <algorithm>

#include "detect/sigma/condition.h"

namespace tocsin::detect::sigma {
namespace {

constexpr std::string_view kExpected = "expected a map of fields, a list of such maps or a list of keywords";

class DetectionParser {
 public:
  DetectionParser(LoadContext& context, Report& report, Detection& out) : context_(context), report_(report), out_(out) {}

  void run(const YamlNode& map, std::string_view skipped_key) {
    const YamlNode* condition = nullptr;
    for (const auto& [key, value] : map.entries) {
      if (key->text == "condition") {
        condition = value;
      } else if (key->text == "timeframe") {
        report_.warning(place_of(*key), "timeframe-ignored", "timeframe belongs to the aggregations that Sigma removed",
                        "remove it, or write a correlation rule with a timespan");
      } else if (skipped_key.empty() || key->text != skipped_key) {
        add_selection(*key, *value);
      }
    }
    if (condition == nullptr) {
      report_.error(place_of(map), "missing-condition", "the detection has no condition", "add 'condition: selection'");
    } else {
      parse_conditions(*condition);
    }
  }

 private:
  void add_selection(const YamlNode& key, const YamlNode& value) {
    if (out_.selections.size() >= kMaxSelections || key.text.size() > kMaxNameBytes) {
      report_.error(place_of(key), "limit",
                    "at most " + std::to_string(kMaxSelections) + " selections with names of at most " +
                        std::to_string(kMaxNameBytes) + " bytes",
                    "split the rule");
      return;
    }
    if (is_reserved_name(key.text)) {
      report_.error(place_of(key), "reserved-name", "a selection cannot be called '" + key.text + "'", "rename it");
      return;
    }
    Selection selection;
    selection.name = key.text;
    selection.line = key.line;
    selection.expr = parse_selection(value, key);
    out_.selections.push_back(std::move(selection));
  }

  Expr parse_selection(const YamlNode& value, const YamlNode& key) {
    switch (value.kind) {
      case YamlNode::Kind::kMap: return parse_map(value);
      case YamlNode::Kind::kList: return parse_list(value);
      case YamlNode::Kind::kNull:
        report_.error(place_of(value), "empty-selection", "the selection '" + clip(key.text) + "' is empty",
                      std::string(kExpected));
        return {};
      default: return parse_item(nullptr, value, context_, report_, out_);
    }
  }

  Expr parse_map(const YamlNode& map) {
    if (map.entries.empty()) {
      report_.error(place_of(map), "empty-selection", "an empty map selects nothing", "add a field, or remove the map");
      return {};
    }
    std::vector<Expr> parts;
    for (const auto& [key, value] : map.entries) parts.push_back(parse_item(key, *value, context_, report_, out_));
    return join(Expr::Kind::kAnd, std::move(parts));
  }

  // Depth is bounded by kMaxYamlDepth.
  Expr parse_list(const YamlNode& list) {
    if (list.items.empty()) {
      report_.error(place_of(list), "empty-selection", "an empty list selects nothing",
                    "add a value, or remove the selection");
      return {};
    }
    std::vector<Expr> parts;
    for (const YamlNode* item : list.items) {
      if (item->kind == YamlNode::Kind::kMap) {
        parts.push_back(parse_map(*item));
      } else if (item->kind == YamlNode::Kind::kList) {
        parts.push_back(parse_list(*item));
      } else {
        parts.push_back(parse_item(nullptr, *item, context_, report_, out_));
      }
    }
    return join(Expr::Kind::kOr, std::move(parts));
  }

  void parse_conditions(const YamlNode& node) {
    std::vector<const YamlNode*> conditions;
    if (node.kind == YamlNode::Kind::kList)
      conditions = node.items;
    else
      conditions.push_back(&node);
    std::vector<std::string_view> names;
    for (const Selection& selection : out_.selections) names.push_back(selection.name);
    std::vector<bool> used(names.size());
    std::vector<Expr> parts;
    std::size_t total = 0;
    if (conditions.empty()) {
      report_.error(place_of(node), "missing-condition", "the list of conditions is empty", "add a condition");
      return;
    }
    for (const YamlNode* condition : conditions) {
      if (!condition->is_scalar() || (condition->kind == YamlNode::Kind::kNull && !condition->quoted)) {
        report_.error(place_of(*condition), "wrong-type", "expected a condition as text, found " + describe(*condition),
                      "write 'condition: selection'");
        return;
      }
      if ((total += condition->text.size()) > kMaxConditionBytes) {
        report_.error(place_of(*condition), "limit",
                      "the conditions are longer than " + std::to_string(kMaxConditionBytes) + " bytes",
                      "use '1 of' and 'all of' with patterns");
        return;
      }
      ParsedCondition parsed = parse_condition(condition->text, names, used);
      if (parsed.problem) {
        ConditionProblem& problem = *parsed.problem;
        report_.error(place_in(*condition, problem.offset), problem.code,
                      problem.message + " (character " + std::to_string(problem.offset + 1) + " of the condition)",
                      problem.hint);
        return;
      }
      if (!out_.condition_text.empty()) out_.condition_text += " | ";
      out_.condition_text += condition->text;
      parts.push_back(std::move(parsed.expr));
    }
    out_.condition = join(Expr::Kind::kOr, std::move(parts));
    warn_unused(used);
  }

  void warn_unused(const std::vector<bool>& used) {
    for (std::size_t i = 0; i < used.size(); ++i) {
      const Selection& selection = out_.selections[i];
      if (used[i] || selection.name.starts_with('_')) continue;
      report_.warning({selection.line, 0}, "unused-selection",
                      "the condition does not use the selection '" + clip(selection.name) + "'",
                      "add it to the condition, or begin its name with '_'");
    }
  }

  LoadContext& context_;
  Report& report_;
  Detection& out_;
};

bool contains_not(const Expr& expr) {
  if (expr.kind == Expr::Kind::kNot) return true;
  return std::any_of(expr.children.begin(), expr.children.end(), contains_not);
}

}  // namespace

Expr leaf_expr(std::size_t index) {
  Expr out;
  out.kind = Expr::Kind::kLeaf;
  out.index = static_cast<std::uint32_t>(index);
  return out;
}

Expr join(Expr::Kind kind, std::vector<Expr> parts) {
  if (parts.size() == 1) return std::move(parts.front());
  Expr out;
  out.kind = kind;
  out.children = std::move(parts);
  return out;
}

Detection parse_detection(const YamlNode& map, std::string_view skipped_key, LoadContext& context, Report& report) {
  Detection out;
  DetectionParser(context, report, out).run(map, skipped_key);
  out.condition_has_not = contains_not(out.condition);
  return out;
}

std::string field_name(std::string_view written, const LoadOptions& options) {
  std::string out;
  out.reserve(written.size());
  for (const char c : written) {
    if (c != ' ') out.push_back(c);
  }
  return options.canonical_name == nullptr ? out : options.canonical_name(out);
}

}  // namespace tocsin::detect::sigma
