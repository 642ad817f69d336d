// Which rules the value of one slot alone rules out.
//
// A rule is judged with three values of truth: predicates on the slot are known, all others are not. Where it is false
// whatever the others are, no event with that value in the slot can match. For values that come again and again an engine
// keeps that judgement as a bit per rule (MemoEntry::possible) and drops a reached rule that one of its slots rules out.
// Judged are only rules with a literal that the value holds, and those with a predicate that no literal decides; for all
// others the judgement over a value without literals holds, made once (Slot::possible).
#pragma once
#include <cstdint>
#include <vector>

#include "detect/match/program.h"

namespace tocsin::detect {

enum class Truth : std::uint8_t { kFalse, kTrue, kUnknown };

// `of_predicate` and `of_group` tell the truth of those on `slot`; they are asked for no others.
template <typename OfPredicate, typename OfGroup>
Truth judge(const Program& program, std::uint32_t number, std::uint32_t slot, const OfPredicate& of_predicate,
            const OfGroup& of_group) {
  const Node& node = program.nodes[number];
  switch (node.kind) {
    case Node::Kind::kTrue: return Truth::kTrue;
    case Node::Kind::kFalse: return Truth::kFalse;
    case Node::Kind::kPredicate: {
      const Predicate& predicate = program.predicates[node.first];
      return predicate.slot == slot && predicate.op != sigma::Op::kFieldRef ? of_predicate(node.first) : Truth::kUnknown;
    }
    case Node::Kind::kGroup: return node.slot == slot ? of_group(node) : Truth::kUnknown;
    case Node::Kind::kNot: {
      const Truth inner = judge(program, program.children[node.first], slot, of_predicate, of_group);
      return inner == Truth::kUnknown ? inner : inner == Truth::kTrue ? Truth::kFalse : Truth::kTrue;
    }
    case Node::Kind::kAnd:
    case Node::Kind::kOr: break;
  }
  const Truth decisive = node.kind == Node::Kind::kAnd ? Truth::kFalse : Truth::kTrue;
  Truth out = decisive == Truth::kFalse ? Truth::kTrue : Truth::kFalse;
  for (std::uint32_t i = 0; i < node.count; ++i) {
    const Truth child = judge(program, program.children[node.first + i], slot, of_predicate, of_group);
    if (child == decisive) return decisive;
    if (child == Truth::kUnknown) out = child;
  }
  return out;
}

inline bool has_bit(const std::vector<std::uint64_t>& bits, std::uint32_t number) {
  return (bits[number / 64] >> (number % 64) & 1) != 0;
}

// Sorts the rules of each literal and leaves out repeated ones.
LiteralRules by_literal(std::vector<std::vector<std::uint32_t>> lists, std::size_t literal_count);

// Fills in what a Slot keeps for this. `predicate_rules`: the rules with each predicate. `literal_of`: the literal of each
// predicate that is decided or in_rest.
void build_filters(Program& program, const std::vector<std::vector<std::uint32_t>>& predicate_rules,
                   const std::vector<std::uint32_t>& literal_of);

}  // namespace tocsin::detect
