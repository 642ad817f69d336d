// For the tests of this folder: events from short lists, and the engine beside the plain evaluator.
#pragma once
#include <algorithm>
#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "detect/engine.h"
#include "detect/plain_evaluator.h"
#include "detect/rule_set.h"

namespace tocsin::detect {

// Events of any fields, in a batch of their own.
class TestEvents {
 public:
  explicit TestEvents(model::NameTable& names) : batch_(names) {}

  // Valid until the next add().
  model::Event add_plain(const PlainEvent& event, model::Format format = model::Format::kJson) {
    kept_.push_back(event);
    batch_.begin_event();
    for (const PlainField& field : kept_.back().fields) batch_.add(batch_.intern(field.name), field.type, field.value);
    batch_.end_event().format = format;
    return batch_.event(batch_.size() - 1);
  }
  model::Event add(const std::vector<std::pair<std::string, std::string>>& fields,
                   model::Format format = model::Format::kJson) {
    PlainEvent event;
    for (const auto& [name, value] : fields) event.fields.push_back({name, model::ValueType::kText, value});
    return add_plain(event, format);
  }
  [[nodiscard]] const model::Batch& batch() const { return batch_; }

 private:
  std::deque<PlainEvent> kept_;
  model::Batch batch_;
};

// Rules, a log source table and an engine over them.
class TestEngine {
 public:
  explicit TestEngine(const std::string& rules, const std::string& table = {}, CompileOptions options = {})
      : set(load_rules({{"rules.yml", rules}}, {})),
        map(table.empty() ? LogSourceMap{} : load_log_sources({{"table.yml", table}})),
        compiled(set, map, std::move(options)),
        engine(compiled, names),
        events(names) {}

  std::vector<Match> match(const std::vector<std::pair<std::string, std::string>>& fields,
                           model::Format format = model::Format::kJson) {
    return match_event(events.add(fields, format));
  }
  std::vector<Match> match_event(const model::Event& event) {
    std::vector<Match> out;
    engine.match(event, out);
    return out;
  }
  // The titles of the rules that match, each followed by a space.
  std::string titles(const std::vector<std::pair<std::string, std::string>>& fields,
                     model::Format format = model::Format::kJson) {
    return titles_of(events.add(fields, format));
  }
  std::string titles_of(const model::Event& event) {
    std::string out;
    for (const Match& match : match_event(event)) out += set.rules[match.rule_index].info.title + " ";
    return out;
  }

  model::NameTable names;
  RuleSet set;
  LogSourceMap map;
  CompiledRules compiled;
  Engine engine;
  TestEvents events;
};

// The condition of a rule by the plain evaluator's leaves: `fields` as the rule's view shows them, keywords over `raw`.
class PlainView {
 public:
  bool match(const sigma::Rule& rule, const PlainEvent& fields, const PlainEvent& raw) {
    return holds(rule, rule.condition, fields, raw);
  }

 private:
  bool holds(const sigma::Rule& rule, const sigma::Expr& expr, const PlainEvent& fields, const PlainEvent& raw) {
    using ExprKind = sigma::Expr::Kind;
    const auto child = [&](const sigma::Expr& of) { return holds(rule, of, fields, raw); };
    switch (expr.kind) {
      case ExprKind::kTrue: return true;
      case ExprKind::kFalse: return false;
      case ExprKind::kAnd: return std::all_of(expr.children.begin(), expr.children.end(), child);
      case ExprKind::kOr: return std::any_of(expr.children.begin(), expr.children.end(), child);
      case ExprKind::kNot: return !child(expr.children[0]);
      case ExprKind::kLeaf:
        return plain_.match_leaf(rule.leaves[expr.index], rule.leaves[expr.index].keyword ? raw : fields);
      case ExprKind::kSelection: return child(rule.selections[expr.index].expr);
    }
    return false;
  }
  PlainEvaluator plain_;
};

}  // namespace tocsin::detect
