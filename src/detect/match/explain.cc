#include "detect/match/explain.h"

#include <re2/re2.h>

#include <algorithm>
#include <unordered_map>

#include "core/unicode.h"
#include "detect/match/text_match.h"
#include "detect/match/value_rule.h"

namespace tocsin::detect {

using sigma::Expr;
using sigma::Leaf;
using sigma::Op;

namespace {

struct CompiledLeaf {
  CompiledPattern pattern;
  std::shared_ptr<const re2::RE2> regex;
};
using CompiledLeaves = std::vector<CompiledLeaf>;

// A value as the rule sees it, and the event's own name for its field.
struct SeenValue {
  std::string_view text;
  std::string_view event_field;
  bool null = false;
};

class Walk {
 public:
  Walk(const sigma::Rule& rule, const CompiledLeaves& compiled, const SourceRow* row, const model::Event& event)
      : rule_(rule), compiled_(compiled), row_(row), event_(event) {
    out_.condition = rule.condition_text;
  }

  model::Explanation run() {
    condition(rule_.condition, true);
    return std::move(out_);
  }

 private:
  bool holds(const Expr& expr) {
    switch (expr.kind) {
      case Expr::Kind::kTrue: return true;
      case Expr::Kind::kFalse: return false;
      case Expr::Kind::kSelection: return holds(rule_.selections[expr.index].expr);
      case Expr::Kind::kLeaf: return find(expr.index, nullptr);
      case Expr::Kind::kNot: return !holds(expr.children[0]);
      case Expr::Kind::kAnd:
        return std::all_of(expr.children.begin(), expr.children.end(), [&](const Expr& e) { return holds(e); });
      case Expr::Kind::kOr:
        return std::any_of(expr.children.begin(), expr.children.end(), [&](const Expr& e) { return holds(e); });
    }
    return false;
  }

  // Writes down which selections made the condition true. REQUIRES: holds(expr) == positive.
  void condition(const Expr& expr, bool positive) {
    switch (expr.kind) {
      case Expr::Kind::kSelection: selection(rule_.selections[expr.index], positive); break;
      case Expr::Kind::kNot: condition(expr.children[0], !positive); break;
      case Expr::Kind::kAnd:
      case Expr::Kind::kOr:
        for (const Expr& child : expr.children) {
          if (holds(child) == positive) condition(child, positive);
        }
        break;
      default: break;
    }
  }

  void selection(const sigma::Selection& of, bool positive) {
    auto& list = positive ? out_.selections : out_.absent;
    if (std::find(list.begin(), list.end(), of.name) != list.end()) return;
    list.push_back(of.name);
    if (positive) predicates(of, of.expr, true);
  }

  void predicates(const sigma::Selection& of, const Expr& expr, bool positive) {
    if (out_.predicates.size() >= kMaxShownPredicates) return;
    switch (expr.kind) {
      case Expr::Kind::kLeaf: predicate(of, expr.index, positive); break;
      case Expr::Kind::kNot: predicates(of, expr.children[0], !positive); break;
      case Expr::Kind::kAnd:
      case Expr::Kind::kOr:
        for (const Expr& child : expr.children) {
          if (holds(child) == positive) predicates(of, child, positive);
        }
        break;
      default: break;
    }
  }

  void predicate(const sigma::Selection& of, std::uint32_t index, bool positive) {
    const Leaf& leaf = rule_.leaves[index];
    model::PredicateMatch match;
    match.selection = of.name;
    match.field = leaf.shown_field.empty() ? leaf.field : leaf.shown_field;
    match.op = leaf.shown_op;
    match.pattern = leaf.shown_value;
    if (positive) {
      find(index, &match);
    } else {
      match.op = "not " + match.op;
      const std::vector<SeenValue> seen = values(leaf.field);
      if (!seen.empty()) {
        match.value = seen[0].text.substr(0, model::kMaxShownBytes);
        match.event_field = seen[0].event_field;
      }
    }
    if (match.event_field == match.field) match.event_field.clear();
    out_.predicates.push_back(std::move(match));
  }

  std::vector<SeenValue> values(std::string_view rule_field) {
    const FieldRule* rule = rule_for(row_, rule_field);
    const std::string_view name = arena_.copy(event_name(rule, rule_field));
    std::vector<SeenValue> out;
    for (const model::Field& field : event_.fields()) {
      if (event_.name(field) != name) continue;
      const bool null = field.type == model::ValueType::kNull;
      out.push_back({rule == nullptr ? field.text : map_value(*rule, field.text, arena_), name, null});
    }
    return out;
  }

  std::vector<SeenValue> all_values() const {
    std::vector<SeenValue> out;
    for (const model::Field& field : event_.fields()) {
      if (field.type != model::ValueType::kNull) out.push_back({field.text, event_.name(field), false});
    }
    return out;
  }

  bool find(std::uint32_t index, model::PredicateMatch* match) {
    const Leaf& leaf = rule_.leaves[index];
    const std::vector<SeenValue> seen = leaf.keyword ? all_values() : values(leaf.field);
    if (leaf.op == Op::kExists) return seen.empty() != leaf.exists;
    if (leaf.op == Op::kNull) return std::all_of(seen.begin(), seen.end(), [](const SeenValue& v) { return v.null; });
    for (const SeenValue& value : seen) {
      if (value.null) continue;
      const auto span = compare(leaf, compiled_[index], value.text);
      if (!span) continue;
      if (match != nullptr) {
        match->value = value.text.substr(0, model::kMaxShownBytes);
        match->event_field = value.event_field;
        match->position = span->position;
        match->length = span->length;
      }
      return true;
    }
    return false;
  }

  std::optional<Span> compare(const Leaf& leaf, const CompiledLeaf& compiled, std::string_view value) {
    const auto whole = [&](bool held) { return held ? std::optional(Span{0, value.size()}) : std::nullopt; };
    switch (leaf.op) {
      case Op::kPattern: {
        core::fold_utf8(value, folded_);
        auto span = find_pattern(compiled.pattern, value, folded_);
        if (span && !leaf.cased && !core::is_ascii(value)) {
          const std::size_t begin = original_position(value, span->position);
          span = Span{begin, original_position(value, span->position + span->length) - begin};
        }
        return span;
      }
      case Op::kRegex: {
        const std::size_t line_length = line_length_asked(leaf);
        if (line_length > 0 && core::is_valid_utf8(value)) return find_long_line(value, line_length);
        re2::StringPiece found;
        if (compiled.regex == nullptr || !compiled.regex->Match(re2::StringPiece(value.data(), value.size()), 0,
                                                                value.size(), re2::RE2::UNANCHORED, &found, 1)) {
          return {};
        }
        return Span{static_cast<std::size_t>(found.data() - value.data()), found.size()};
      }
      case Op::kCidr: return whole(cidr_contains(leaf.cidr, value));
      case Op::kFieldRef: return whole(refers(leaf, value));
      case Op::kTimePart: return whole(time_part_matches(leaf, value));
      default: return whole(number_matches(leaf.op, leaf.number, value));
    }
  }

  bool refers(const Leaf& leaf, std::string_view value) {
    for (const SeenValue& other : values(leaf.text)) {
      if (other.null) continue;
      const bool held = leaf.cased ? reference_matches(leaf.ref_mode, value, other.text)
                                   : reference_matches(leaf.ref_mode, core::fold_utf8(value), core::fold_utf8(other.text));
      if (held) return true;
    }
    return false;
  }

  const sigma::Rule& rule_;
  const CompiledLeaves& compiled_;
  const SourceRow* row_;
  const model::Event& event_;
  core::Arena arena_{4096};
  std::string folded_;
  model::Explanation out_;
};

}  // namespace

struct Explainer::Impl {
  std::unordered_map<const sigma::Rule*, CompiledLeaves> compiled;
};

Explainer::Explainer() : impl_(std::make_unique<Impl>()) {}
Explainer::~Explainer() = default;

model::Explanation Explainer::explain(const sigma::Rule& rule, const SourceRow* row, const model::Event& event) const {
  CompiledLeaves& leaves = impl_->compiled[&rule];
  if (leaves.empty()) {
    leaves.resize(rule.leaves.size());
    for (std::size_t i = 0; i < rule.leaves.size(); ++i) {
      const Leaf& leaf = rule.leaves[i];
      if (leaf.op == Op::kPattern) leaves[i].pattern = compile_pattern(leaf.pattern, leaf.cased);
      if (leaf.op == Op::kRegex) {
        re2::RE2::Options options;
        options.set_log_errors(false);
        auto regex = std::make_shared<const re2::RE2>(regex_text(leaf), options);
        if (regex->ok()) leaves[i].regex = std::move(regex);
      }
    }
  }
  return Walk(rule, leaves, row, event).run();
}

}  // namespace tocsin::detect
