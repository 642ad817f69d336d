// The specification, line by line: slow, obvious, and the judge of the fast engine.
//
// Shares no matching code with it (only core's case folding and time parsing, which are definitions). One object per
// thread: it remembers compiled expressions. Cannot fail. Cost: pattern length times value length, per value. Rules come
// from load_rules, so their expressions compile; one that does not matches nothing.
#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "detect/sigma/ast.h"
#include "model/event.h"

namespace tocsin::detect {

struct PlainField {
  std::string name;
  model::ValueType type = model::ValueType::kText;
  std::string value;
};
// All values of an event; a list is several fields of one name.
struct PlainEvent {
  std::vector<PlainField> fields;
};
PlainEvent to_plain_event(const model::Event& event);

class PlainEvaluator {
 public:
  PlainEvaluator();
  ~PlainEvaluator();
  PlainEvaluator(const PlainEvaluator&) = delete;
  PlainEvaluator& operator=(const PlainEvaluator&) = delete;

  // Whether the rule's condition holds. The logsource is the caller's affair.
  bool match(const sigma::Rule& rule, const PlainEvent& event);
  // One leaf, for tests.
  bool match_leaf(const sigma::Leaf& leaf, const PlainEvent& event);

 private:
  bool holds(const sigma::Rule& rule, const sigma::Expr& expr, const PlainEvent& event);
  bool matches_value(const sigma::Leaf& leaf, const PlainField& field);
  bool matches_regex(const sigma::Leaf& leaf, std::string_view value);

  struct Regexes;
  std::unique_ptr<Regexes> regexes_;
};

// The parts of it that tests and the documentation speak of.
bool plain_glob(const sigma::Pattern& pattern, std::string_view value, bool cased);
bool plain_in_network(const sigma::Cidr& cidr, std::string_view value);

}  // namespace tocsin::detect
