// What the remembered value of one slot rules out; the method is described in slot_filter.h.
#include <algorithm>

#include "detect/match/engine_impl.h"
#include "detect/match/slot_filter.h"

namespace tocsin::detect {

// What the slot's value says of rules; null where it has none, several or one that is not remembered well enough.
const MemoEntry* Engine::Impl::filter(std::uint32_t number) {
  SlotState& of_slot = state->slots[number];
  if (of_slot.filter_known) return of_slot.filter;
  of_slot.filter_known = true;
  if (of_slot.head == kNone || of_slot.head != of_slot.tail) return nullptr;
  SlotValue& value = values[static_cast<std::size_t>(of_slot.head)];
  if (value.null) return nullptr;
  MemoEntry* entry = memo_of(value);
  if (entry == nullptr || entry->use_count < kUsesBeforeFilter) return nullptr;
  if (!entry->filtered) make_filter(number, *entry);
  of_slot.possible = entry->possible.data();
  return of_slot.filter = entry;
}

// REQUIRES: `entry` is of the only value of the slot.
void Engine::Impl::make_filter(std::uint32_t number, MemoEntry& entry) {
  const Slot& slot = program->slots[number];
  mark_slot(number);
  if (!slot.rest.empty() && state->slots[number].tries != kRestDone) consult_rest(number);
  entry.possible = slot.possible;
  const auto judge_rule = [&](std::uint32_t rule) {
    const Truth truth = judge(
        *program, program->rules[rule].root, number,
        [&](std::uint32_t p) { return predicate(p) ? Truth::kTrue : Truth::kFalse; },
        [&](const Node& group) { return state->group_epoch[group.first] == epoch ? Truth::kTrue : Truth::kFalse; });
    const std::uint64_t bit = std::uint64_t{1} << (rule % 64);
    if (truth == Truth::kFalse)
      entry.possible[rule / 64] &= ~bit;
    else
      entry.possible[rule / 64] |= bit;
  };
  const auto judge_rules = [&](const std::vector<std::uint32_t>& literals, const LiteralRules& rules) {
    for (const std::uint32_t literal : literals) {
      for (std::uint32_t i = rules.first[literal]; i < rules.first[literal + 1]; ++i) judge_rule(rules.rules[i]);
    }
  };
  judge_rules(entry.hits, slot.index_rules);
  judge_rules(entry.rest, slot.rest_rules);
  for (const std::uint32_t rule : slot.other_rules) {
    if (has_bit(entry.possible, rule)) judge_rule(rule);
  }
  entry.reached.clear();
  for (const std::uint32_t literal : entry.hits) {
    for (std::uint32_t i = slot.reached.first[literal]; i < slot.reached.first[literal + 1]; ++i) {
      if (has_bit(entry.possible, slot.reached.rules[i])) entry.reached.push_back(slot.reached.rules[i]);
    }
  }
  std::sort(entry.reached.begin(), entry.reached.end());
  entry.reached.erase(std::unique(entry.reached.begin(), entry.reached.end()), entry.reached.end());
  entry.filtered = true;
}

bool Engine::Impl::ruled_out(const ProgramRule& rule) {
  const auto number = static_cast<std::uint32_t>(&rule - program->rules.data());
  const std::uint32_t* slot = program->rule_slots.data() + rule.first_slot;
  for (const std::uint32_t* end = slot + rule.slot_count; slot != end; ++slot) {
    const SlotState& of_slot = state->slots[*slot];
    if (!of_slot.filter_known) filter(*slot);
    if (of_slot.possible != nullptr && (of_slot.possible[number / 64] >> (number % 64) & 1) == 0) return true;
  }
  return false;
}

}  // namespace tocsin::detect
