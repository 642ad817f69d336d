#include "cli/rules/rule_check.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <tuple>
#include <unordered_map>

#include "core/unicode.h"
#include "model/attack.h"

namespace tocsin::cli {
namespace {

using detect::sigma::Diagnostic;
using detect::sigma::Expr;
using detect::sigma::Leaf;
using detect::sigma::Rule;

Diagnostic warning(const model::RuleInfo& info, std::string code, std::string message, std::string hint) {
  Diagnostic out;
  out.severity = Diagnostic::Severity::kWarning;
  out.path = info.path;
  out.line = info.line;
  out.code = std::move(code);
  out.message = std::move(message);
  out.hint = std::move(hint);
  out.rule_id = info.id;
  out.rule_title = info.title;
  return out;
}

// --- Constant conditions.

enum class Truth : std::uint8_t { kFalse, kTrue, kUnknown };
Truth negate(Truth value) { return value == Truth::kUnknown ? value : value == Truth::kTrue ? Truth::kFalse : Truth::kTrue; }

// Three-valued; `leaf` and `selection` give the values of what they name.
template <class OfLeaf, class OfSelection>
Truth fold(const Expr& expr, const OfLeaf& leaf, const OfSelection& selection) {
  using Kind = Expr::Kind;
  switch (expr.kind) {
    case Kind::kTrue: return Truth::kTrue;
    case Kind::kFalse: return Truth::kFalse;
    case Kind::kLeaf: return leaf(expr.index);
    case Kind::kSelection: return selection(expr.index);
    case Kind::kNot: return negate(fold(expr.children[0], leaf, selection));
    case Kind::kAnd:
    case Kind::kOr: break;
  }
  const Truth decides = expr.kind == Kind::kAnd ? Truth::kFalse : Truth::kTrue;
  Truth out = negate(decides);
  for (const Expr& child : expr.children) {
    const Truth value = fold(child, leaf, selection);
    if (value == decides) return decides;
    if (value == Truth::kUnknown) out = Truth::kUnknown;
  }
  return out;
}

void collect_selections(const Expr& expr, std::vector<std::uint32_t>& out) {
  if (expr.kind == Expr::Kind::kSelection && std::find(out.begin(), out.end(), expr.index) == out.end())
    out.push_back(expr.index);
  for (const Expr& child : expr.children) collect_selections(child, out);
}

// --- Equal detections: everything that decides a match, written down.

void describe(const Leaf& leaf, std::string& out) {
  const auto add = [&](std::string_view text) {
    out += std::to_string(text.size());
    out += ':';
    out += text;
  };
  out += leaf.keyword ? 'k' : 'f';
  out += static_cast<char>('a' + static_cast<int>(leaf.op));
  for (const bool flag : {leaf.cased, leaf.flag_i, leaf.flag_m, leaf.flag_s, leaf.exists}) out += flag ? '1' : '0';
  out += static_cast<char>('a' + static_cast<int>(leaf.ref_mode));
  out += static_cast<char>('a' + static_cast<int>(leaf.time_part));
  out += static_cast<char>('a' + static_cast<int>(leaf.compare));
  add(leaf.field);
  add(leaf.text);
  add(std::to_string(leaf.number));
  for (const auto& part : leaf.pattern) {
    out += static_cast<char>('a' + static_cast<int>(part.kind));
    add(part.text);
  }
  if (leaf.op == detect::sigma::Op::kCidr) {
    out += leaf.cidr.v6 ? '6' : '4';
    add(std::to_string(leaf.cidr.prefix_bits));
    add({reinterpret_cast<const char*>(leaf.cidr.bytes), sizeof leaf.cidr.bytes});
  }
  out += ';';
}

void describe(const Rule& rule, const Expr& expr, std::string& out) {
  if (expr.kind == Expr::Kind::kLeaf) {
    describe(rule.leaves[expr.index], out);
    return;
  }
  if (expr.kind == Expr::Kind::kSelection) {
    describe(rule, rule.selections[expr.index].expr, out);
    return;
  }
  out += static_cast<char>('A' + static_cast<int>(expr.kind));
  out += '(';
  for (const Expr& child : expr.children) describe(rule, child, out);
  out += ')';
}

std::string describe(const Rule& rule) {
  const model::LogSource& source = rule.info.logsource;
  std::string out = source.product + '\n' + source.category + '\n' + source.service + '\n';
  describe(rule, rule.condition, out);
  return out;
}

// --- Tags.

bool all_of(std::string_view text, std::string_view allowed) {
  return !text.empty() && text.find_first_not_of(allowed) == std::string_view::npos;
}
constexpr std::string_view kDigits = "0123456789";

// "t1059", "t1059.001", "g0016", "s0154", "c0012", "ds0009", "dc0032", "m1036", "ta0002".
bool is_attack_id(std::string_view text) {
  for (const std::string_view prefix : {"ta", "ds", "dc", "t", "g", "s", "c", "m"}) {
    if (!text.starts_with(prefix)) continue;
    std::string_view number = text.substr(prefix.size());
    if (number.size() < 4 || !all_of(number.substr(0, 4), kDigits)) continue;
    if (number.size() == 4) return true;
    return prefix == "t" && number.size() == 8 && number[4] == '.' && all_of(number.substr(5), kDigits);
  }
  return false;
}

// Of the enterprise, mobile and ICS matrices, up to the 2026 split of defense evasion.
constexpr std::array<std::string_view, 21> kTactics{"reconnaissance",
                                                    "resource-development",
                                                    "initial-access",
                                                    "execution",
                                                    "persistence",
                                                    "privilege-escalation",
                                                    "defense-evasion",
                                                    "stealth",
                                                    "defense-impairment",
                                                    "credential-access",
                                                    "discovery",
                                                    "lateral-movement",
                                                    "collection",
                                                    "command-and-control",
                                                    "exfiltration",
                                                    "impact",
                                                    "evasion",
                                                    "inhibit-response-function",
                                                    "impair-process-control",
                                                    "network-effects",
                                                    "remote-service-effects"};

std::string attack_problem(std::string_view rest) {
  if (is_attack_id(rest) || std::find(kTactics.begin(), kTactics.end(), rest) != kTactics.end()) return {};
  std::string hyphens(rest);
  std::replace(hyphens.begin(), hyphens.end(), '_', '-');
  if (std::find(kTactics.begin(), kTactics.end(), hyphens) != kTactics.end()) return "write attack." + hyphens;
  return "expected a tactic (attack.persistence), a technique (attack.t1059.001), a group (attack.g0016) or software "
         "(attack.s0154)";
}

class Checker {
 public:
  Checker(const detect::RuleSet& rules, const detect::LogSourceMap& sources)
      : rules_(rules), sources_(sources), out_(rules.diagnostics) {}

  std::vector<Diagnostic> run() {
    for (const Rule& rule : rules_.rules) {
      check_logsource(rule.info);
      check_tags(rule.info);
      check_constant(rule);
      check_duplicate(rule);
    }
    for (const auto& correlation : rules_.correlations) check_tags(correlation.info);
    std::stable_sort(out_.begin(), out_.end(), [](const Diagnostic& a, const Diagnostic& b) {
      return std::tie(a.path, a.line, a.column) < std::tie(b.path, b.line, b.column);
    });
    return std::move(out_);
  }

 private:
  void check_logsource(const model::RuleInfo& info) {
    const model::LogSource& source = info.logsource;
    if (is_served(source, sources_)) return;
    std::string shown;
    for (const auto& [key, value] :
         {std::pair{"product ", &source.product}, {"category ", &source.category}, {"service ", &source.service}}) {
      if (!value->empty()) shown += (shown.empty() ? "" : ", ") + std::string(key) + *value;
    }
    out_.push_back(
        warning(info, "logsource-unknown", "no log is recognised as " + shown,
                "it sees only events that name this source themselves; add a row with --logsource-map, or use --logsource"));
  }

  void check_tags(const model::RuleInfo& info) {
    for (const std::string& tag : info.tags) {
      const std::string problem = tag_problem(tag);
      if (!problem.empty()) {
        out_.push_back(warning(info, "tag-format", "the tag '" + tag + "' is not well formed", problem));
        continue;
      }
      for (const model::AttackTag& attack : model::parse_attack_tags({&tag, 1})) {
        const auto* technique =
            attack.kind == model::AttackTag::Kind::kTechnique ? model::find_technique(attack.id) : nullptr;
        if (technique == nullptr || technique->replaced_by.empty()) continue;
        out_.push_back(warning(info, "tag-replaced",
                               "ATT&CK replaced " + attack.id + " by " + std::string(technique->replaced_by),
                               "write attack." + core::fold_utf8(technique->replaced_by)));
      }
    }
  }

  void check_constant(const Rule& rule) {
    const Constancy constancy = constancy_of(rule);
    if (constancy == Constancy::kAlwaysTrue) {
      out_.push_back(warning(rule.info, "detection-always-true", "the condition holds for every event of its logsource",
                             "check 'condition' and its 'not's"));
    } else if (constancy == Constancy::kAlwaysFalse) {
      out_.push_back(warning(rule.info, "detection-always-false", "the condition can never hold",
                             "check 'condition' for a selection and its negation"));
    }
  }

  void check_duplicate(const Rule& rule) {
    const auto [first, fresh] = seen_.try_emplace(describe(rule), &rule.info);
    if (fresh) return;
    out_.push_back(warning(rule.info, "duplicate-detection",
                           "logsource and detection are those of '" + first->second->title + "' in " + first->second->path,
                           "leave one of them out: each event would be found twice"));
  }

  const detect::RuleSet& rules_;
  const detect::LogSourceMap& sources_;
  std::vector<Diagnostic> out_;
  std::unordered_map<std::string, const model::RuleInfo*> seen_;
};

}  // namespace

std::vector<Diagnostic> check_rules(const detect::RuleSet& rules, const detect::LogSourceMap& sources) {
  return Checker(rules, sources).run();
}

Constancy constancy_of(const Rule& rule) {
  const auto free_leaf = [](std::uint32_t) { return Truth::kUnknown; };
  const auto none = [](std::uint32_t) { return Truth::kUnknown; };
  std::vector<std::uint32_t> used;
  collect_selections(rule.condition, used);
  std::vector<Truth> values(rule.selections.size(), Truth::kUnknown);
  std::vector<std::uint32_t> free;
  for (const std::uint32_t index : used) {
    values[index] = fold(rule.selections[index].expr, free_leaf, none);
    if (values[index] == Truth::kUnknown) free.push_back(index);
  }
  const auto of_selection = [&](std::uint32_t index) { return values[index]; };
  const auto result = [](Truth truth) {
    return truth == Truth::kUnknown ? Constancy::kVaries
           : truth == Truth::kTrue  ? Constancy::kAlwaysTrue
                                    : Constancy::kAlwaysFalse;
  };
  const Truth folded = fold(rule.condition, free_leaf, of_selection);
  if (folded != Truth::kUnknown || free.size() > kMaxTriedSelections) return result(folded);
  Truth common = Truth::kUnknown;
  for (std::size_t bits = 0; bits < (std::size_t{1} << free.size()); ++bits) {
    for (std::size_t i = 0; i < free.size(); ++i) values[free[i]] = ((bits >> i) & 1) != 0 ? Truth::kTrue : Truth::kFalse;
    const Truth value = fold(rule.condition, free_leaf, of_selection);
    if (common == Truth::kUnknown)
      common = value;
    else if (value != common)
      return Constancy::kVaries;
  }
  return result(common);
}

bool is_served(const model::LogSource& source, const detect::LogSourceMap& sources) {
  if (source.product.empty() && source.category.empty() && source.service.empty()) return true;
  bool product = source.product.empty();
  bool category = source.category.empty();
  bool service = source.service.empty();
  for (const detect::SourceRow& row : sources.rows) {
    if (!source.product.empty() && !row.source.product.empty() && row.source.product != source.product) continue;
    product |= row.source.product == source.product;
    category |= row.source.category == source.category;
    service |= row.source.service == source.service;
  }
  return product && category && service;
}

std::string tag_problem(std::string_view tag) {
  constexpr std::string_view kNameChars = "abcdefghijklmnopqrstuvwxyz0123456789_-";
  constexpr std::string_view kRestChars = "abcdefghijklmnopqrstuvwxyz0123456789_-.";
  const std::size_t dot = tag.find('.');
  if (dot == std::string_view::npos) return "expected a namespace and a name with a dot between, as attack.t1059";
  const std::string_view space = tag.substr(0, dot);
  const std::string_view rest = tag.substr(dot + 1);
  if (!all_of(space, kNameChars) || !all_of(rest, kRestChars) || rest.starts_with('.') || rest.ends_with('.')) {
    return "expected lower-case letters, digits, '-', '_' and '.'";
  }
  return space == "attack" ? attack_problem(rest) : std::string();
}

}  // namespace tocsin::cli
