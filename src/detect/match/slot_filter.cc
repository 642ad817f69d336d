#include "detect/match/slot_filter.h"

#include <algorithm>
#include <utility>

namespace tocsin::detect {
namespace {

void sort_unique(std::vector<std::uint32_t>& list) {
  std::sort(list.begin(), list.end());
  list.erase(std::unique(list.begin(), list.end()), list.end());
}

// Of a slot that has one value, not null, which holds none of the slot's literals.
Truth without_literals(const Predicate& predicate) {
  if (predicate.decided || predicate.in_rest || predicate.op == sigma::Op::kNull) return Truth::kFalse;
  if (predicate.op == sigma::Op::kExists) return predicate.leaf->exists ? Truth::kTrue : Truth::kFalse;
  return Truth::kUnknown;
}

}  // namespace

LiteralRules by_literal(std::vector<std::vector<std::uint32_t>> lists, std::size_t literal_count) {
  LiteralRules out;
  lists.resize(literal_count);
  for (auto& list : lists) {
    sort_unique(list);
    out.first.push_back(static_cast<std::uint32_t>(out.rules.size()));
    out.rules.insert(out.rules.end(), list.begin(), list.end());
  }
  out.first.push_back(static_cast<std::uint32_t>(out.rules.size()));
  return out;
}

void build_filters(Program& program, const std::vector<std::vector<std::uint32_t>>& predicate_rules,
                   const std::vector<std::uint32_t>& literal_of) {
  struct Lists {
    std::vector<std::vector<std::uint32_t>> index, rest;
  };
  std::vector<Lists> lists(program.slots.size());
  for (std::size_t s = 0; s < program.slots.size(); ++s) {
    lists[s].index.resize(program.slots[s].index.size());
    lists[s].rest.resize(program.slots[s].rest.size());
  }
  for (std::size_t p = 0; p < program.predicates.size(); ++p) {
    const Predicate& predicate = program.predicates[p];
    if (predicate.slot == kKeywordSlot || predicate.op == sigma::Op::kFieldRef) continue;
    if (without_literals(predicate) == Truth::kUnknown) {
      auto& rules = program.slots[predicate.slot].other_rules;
      rules.insert(rules.end(), predicate_rules[p].begin(), predicate_rules[p].end());
    } else if (predicate.decided || predicate.in_rest) {
      auto& rules = (predicate.in_rest ? lists[predicate.slot].rest : lists[predicate.slot].index)[literal_of[p]];
      rules.insert(rules.end(), predicate_rules[p].begin(), predicate_rules[p].end());
    }
  }
  for (std::uint32_t s = kKeywordSlot + 1; s < program.slots.size(); ++s) {
    Slot& slot = program.slots[s];
    sort_unique(slot.other_rules);
    slot.index_rules = by_literal(std::move(lists[s].index), slot.index.size());
    slot.rest_rules = by_literal(std::move(lists[s].rest), slot.rest.size());
    slot.possible.assign((program.rules.size() + 63) / 64, ~std::uint64_t{0});
  }
  for (std::uint32_t r = 0; r < program.rules.size(); ++r) {
    const ProgramRule& rule = program.rules[r];
    for (std::uint32_t i = 0; i < rule.slot_count; ++i) {
      const std::uint32_t s = program.rule_slots[rule.first_slot + i];
      const Truth truth = judge(
          program, rule.root, s, [&](std::uint32_t p) { return without_literals(program.predicates[p]); },
          [](const Node&) { return Truth::kFalse; });
      if (truth == Truth::kFalse) program.slots[s].possible[r / 64] &= ~(std::uint64_t{1} << (r % 64));
    }
  }
}

}  // namespace tocsin::detect
