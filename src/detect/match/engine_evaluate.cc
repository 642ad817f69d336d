// Whether a rule that was reached holds.
#include <re2/re2.h>

#include "detect/match/engine_impl.h"

namespace tocsin::detect {

using sigma::Op;

void Engine::Impl::collect_bytes(SlotValue& value) {
  if (value.has_bytes) return;
  value.has_bytes = true;
  MemoEntry* memo = memo_of(value);
  if (memo != nullptr && memo->has_bytes) {
    value.bytes = memo->bytes;
    return;
  }
  for (const char c : folded(value)) {
    const auto byte = static_cast<unsigned char>(c);
    value.bytes[byte >> 6 & 1] |= std::uint64_t{1} << (byte & 63);
  }
  if (memo != nullptr) {
    memo->bytes = value.bytes;
    memo->has_bytes = true;
  }
}

// False only if a byte of the literal is nowhere in the value: saves most searches for short texts.
bool Engine::Impl::may_contain(SlotValue& value, std::string_view literal) {
  collect_bytes(value);
  for (const char c : literal) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80 && (value.bytes[byte >> 6] >> (byte & 63) & 1) == 0) return false;
  }
  return true;
}

bool Engine::Impl::may_match(const RegexNeeds& needs, SlotValue& value) {
  if (value.text.size() < needs.min_length) return false;
  collect_bytes(value);
  if ((needs.bytes[0] & ~value.bytes[0]) != 0 || (needs.bytes[1] & ~value.bytes[1]) != 0) return false;
  return needs.literal.size() < 2 || find_text(folded(value), needs.literal) != std::string_view::npos;
}

bool Engine::Impl::value_matches(const Predicate& of, SlotValue& value) {
  switch (of.op) {
    case Op::kPattern:
      if (of.pattern.shape == Shape::kContains && !of.pattern.cased && !may_contain(value, of.pattern.literal)) return false;
      return pattern_matches(of.pattern, value.text, of.pattern.cased ? std::string_view{} : folded(value));
    case Op::kRegex:
      if (of.regex == nullptr) return false;
      if (!may_match(of.needs, value)) return false;
      if (of.line_length > 0 && core::is_valid_utf8(value.text))
        return find_long_line(value.text, of.line_length).has_value();
      return re2::RE2::PartialMatch(re2::StringPiece(value.text.data(), value.text.size()), *of.regex);
    case Op::kCidr: return cidr_contains(of.leaf->cidr, value.text);
    case Op::kLess:
    case Op::kLessEqual:
    case Op::kGreater:
    case Op::kGreaterEqual: return number_matches(of.op, of.leaf->number, value.text);
    case Op::kTimePart: return time_part_matches(*of.leaf, value.text);
    case Op::kFieldRef:
      for (std::int32_t o = state->slots[of.other_slot].head; o != kNone; o = values[static_cast<std::size_t>(o)].next) {
        SlotValue& other = values[static_cast<std::size_t>(o)];
        if (other.null) continue;
        const bool held = of.leaf->cased ? reference_matches(of.leaf->ref_mode, value.text, other.text)
                                         : reference_matches(of.leaf->ref_mode, folded(value), folded(other));
        if (held) return true;
      }
      return false;
    case Op::kExists:
    case Op::kNull: break;
  }
  return false;
}

bool Engine::Impl::evaluate_predicate(const Predicate& of) {
  std::int32_t v = state->slots[of.slot].head;
  if (of.op == Op::kExists) return (v != kNone) == of.leaf->exists;
  if (of.op == Op::kNull) {
    for (; v != kNone; v = values[static_cast<std::size_t>(v)].next) {
      if (!values[static_cast<std::size_t>(v)].null) return false;
    }
    return true;
  }
  for (; v != kNone; v = values[static_cast<std::size_t>(v)].next) {
    SlotValue& value = values[static_cast<std::size_t>(v)];
    if (!value.null && (of.costly ? costly_matches(of, value) : value_matches(of, value))) return true;
  }
  return false;
}

bool Engine::Impl::costly_matches(const Predicate& of, SlotValue& value) {
  MemoEntry* memo = memo_of(value);
  if (memo == nullptr) return value_matches(of, value);
  const auto number = static_cast<std::uint32_t>(&of - program->predicates.data());
  for (const auto& [known, held] : memo->outcomes) {
    if (known == number) return held;
  }
  const bool held = value_matches(of, value);
  if (memo->outcomes.size() < kMaxMemoOutcomes) memo->outcomes.emplace_back(number, held);
  return held;
}

bool Engine::Impl::predicate(std::uint32_t number) {
  if (state->predicate_epoch[number] == epoch) return state->predicate_value[number] != 0;
  const Predicate& of = program->predicates[number];
  if (of.in_rest) {
    std::uint8_t& tries = state->slots[of.slot].tries;
    if (tries == kRestDone) return false;
    if (of.slot == kKeywordSlot || (of.pattern.shape == Shape::kContains && ++tries > kMaxSingleTries)) {
      consult_rest(of.slot);
      return state->predicate_epoch[number] == epoch && state->predicate_value[number] != 0;
    }
  }
  const bool held = !of.decided && evaluate_predicate(of);
  state->predicate_epoch[number] = epoch;
  state->predicate_value[number] = held ? 1 : 0;
  return held;
}

bool Engine::Impl::evaluate(std::uint32_t number) {
  const Node& node = program->nodes[number];
  switch (node.kind) {
    case Node::Kind::kTrue: return true;
    case Node::Kind::kFalse: return false;
    case Node::Kind::kPredicate: return predicate(node.first);
    case Node::Kind::kGroup:
      if (node.in_rest && state->slots[node.slot].tries != kRestDone) consult_rest(node.slot);
      return state->group_epoch[node.first] == epoch;
    case Node::Kind::kNot: return !evaluate(program->children[node.first]);
    case Node::Kind::kAnd: return all_or_any(node, false);
    case Node::Kind::kOr: return all_or_any(node, true);
  }
  return false;
}

// Goes on until a child is `decisive`. Predicates, most of the children, are looked at in place.
bool Engine::Impl::all_or_any(const Node& node, bool decisive) {
  const std::uint32_t* child = program->children.data() + node.first;
  const std::uint32_t* end = child + node.count;
  for (; child != end; ++child) {
    const Node& inner = program->nodes[*child];
    bool held = false;
    if (inner.kind == Node::Kind::kPredicate) {
      if (state->predicate_epoch[inner.first] == epoch)
        held = state->predicate_value[inner.first] != 0;
      else
        held = !program->predicates[inner.first].decided && predicate(inner.first);
    } else {
      held = evaluate(*child);
    }
    if (held == decisive) return decisive;
  }
  return !decisive;
}

// What the slot's value is to the outcome memo; 0: nothing it could remember.
std::uint32_t Engine::Impl::slot_id(std::uint32_t slot) {
  std::uint32_t& id = state->slots[slot].id;
  if (id != kSlotIdUnknown) return id;
  const std::int32_t v = state->slots[slot].head;
  if (v == kNone) return id = OutcomeMemo::kAbsent;
  SlotValue& value = values[static_cast<std::size_t>(v)];
  if (value.next != kNone) return id = 0;
  if (value.null) return id = OutcomeMemo::kNull;
  const MemoEntry* memo = memo_of(value);
  return id = memo == nullptr ? 0 : memo->id;
}

bool Engine::Impl::decide(const ProgramRule& rule) {
  for (std::uint32_t i = 0; i < rule.slot_count; ++i) mark_slot(program->rule_slots[rule.first_slot + i]);
  return evaluate(rule.root);
}

// Whether the rule holds: remembered, where the values it depends on were met before.
bool Engine::Impl::outcome(std::uint32_t number) {
  const ProgramRule& rule = program->rules[number];
  if (!rule.memoisable || state->events < kMinMemoEvents) return decide(rule);
  OutcomeMemo::Key asked{.rule = number};
  for (std::uint32_t i = 0; i < rule.slot_count; ++i) {
    asked.values[i] = slot_id(program->rule_slots[rule.first_slot + i]);
    if (asked.values[i] == 0) return decide(rule);
  }
  if (!state->outcomes.allocated()) {
    if (memos_left == 0) return decide(rule);
    --memos_left;
  }
  OutcomeMemo::Entry& entry = state->outcomes.place(asked);
  if (entry.key == asked) return entry.held;
  const bool held = decide(rule);
  entry = {asked, held};
  return held;
}

}  // namespace tocsin::detect
