// The values of an event by slot, and which literals of the program they hold.
#include <algorithm>

#include "detect/match/engine_impl.h"
#include "detect/match/value_rule.h"

namespace tocsin::detect {

void Engine::Impl::add_value(std::size_t slot, std::string_view text, bool null) {
  const auto place = static_cast<std::int32_t>(values.size());
  SlotValue& value = values.emplace_back();
  value.text = text;
  value.null = null;
  value.slot = static_cast<std::uint32_t>(slot);
  SlotState& of_slot = state->slots[slot];
  if (of_slot.head == kNone)
    of_slot.head = place;
  else
    values[static_cast<std::size_t>(of_slot.tail)].next = place;
  of_slot.tail = place;
}

// The value is too short for any literal, or was found to hold none before. REQUIRES: the slots are filled.
bool Engine::Impl::is_without_keywords(const model::Field& field, std::size_t shortest) {
  if (field.text.size() < shortest && core::is_ascii(field.text)) return true;  // Folding what is not may lengthen it.
  const auto id = static_cast<std::uint32_t>(field.name);
  if (id >= state->slot_of_name.size()) return false;
  const std::int32_t slot = state->slot_of_name[id];
  if (slot == kNone || program->slots[static_cast<std::size_t>(slot)].rule != nullptr) return false;
  const SlotState& of_slot = state->slots[static_cast<std::size_t>(slot)];
  if (of_slot.head != of_slot.tail) return false;
  const MemoEntry* memo = memo_of(values[static_cast<std::size_t>(of_slot.head)]);
  return memo != nullptr && memo->no_keywords;
}

// After a look at all values that found nothing.
void Engine::Impl::note_without_keywords() {
  for (const SlotValue& value : values) {
    if (value.memo != nullptr && program->slots[value.slot].rule == nullptr) value.memo->no_keywords = true;
  }
}

// Folds all values, or with `cut` those that may hold a keyword, one behind the other.
void Engine::Impl::fill_keywords(bool cut) {
  const model::Event& event = *event_at_hand;
  keyword_text = {};
  keywords_ascii = true;
  keywords_cut = cut;
  const std::size_t shortest = program->slots[kKeywordSlot].index.shortest_bytes();
  std::size_t total = 0;
  for (const model::Field& field : event.fields()) total += field.text.size() + 1;
  char* begin = arena.allocate(total + kFoldSlack);
  char* at = begin;
  for (const model::Field& field : event.fields()) {
    if (field.type == model::ValueType::kNull || (cut && is_without_keywords(field, shortest))) continue;
    if (keywords_ascii) keywords_ascii = fold_ascii(field.text, at);
    if (program->keyword_values) {
      add_value(kKeywordSlot, field.text, false);
      values.back().folded = {at, field.text.size()};
      values.back().has_folded = keywords_ascii;
    }
    at += field.text.size();
    *at++ = kValueSeparator;
  }
  keyword_text = {begin, static_cast<std::size_t>(at - begin)};
  if (keywords_ascii) return;
  // Folding what is not ASCII may change lengths: each value by itself, then together.
  std::string all;
  for (const model::Field& field : event.fields()) {
    if (field.type == model::ValueType::kNull || (cut && is_without_keywords(field, shortest))) continue;
    all += fold(field.text);
    all += kValueSeparator;
  }
  keyword_text = arena.copy(all);
}

void Engine::Impl::fill_slots(const model::Event& event) {
  values.clear();
  event_at_hand = &event;
  std::fill(state->slots.begin(), state->slots.end(), SlotState{});
  if (state->slot_of_name.size() < names.size()) grow(state->slot_of_name, state->slot_by_name, names);
  for (const model::Field& field : event.fields()) {
    const bool null = field.type == model::ValueType::kNull;
    const auto id = static_cast<std::uint32_t>(field.name);
    if (id >= state->slot_of_name.size()) continue;
    for (std::int32_t slot = state->slot_of_name[id]; slot != kNone;
         slot = state->next_same_name[static_cast<std::size_t>(slot)]) {
      const FieldRule* rule = program->slots[static_cast<std::size_t>(slot)].rule;
      add_value(static_cast<std::size_t>(slot), rule == nullptr ? field.text : map_value(*rule, field.text, arena), null);
    }
  }
  if (program->keywords) fill_keywords(program->keywords_anywhere && !program->keyword_values);
}

void Engine::Impl::use_hits(const std::vector<std::uint32_t>& literals, const std::vector<std::uint32_t>& first) {
  for (const std::uint32_t literal : literals) {
    for (std::uint32_t i = first[literal]; i < first[literal + 1]; ++i) {
      const LiteralUse& use = program->uses[i];
      if (use.predicate != LiteralUse::kNone) {
        state->predicate_epoch[use.predicate] = epoch;
        state->predicate_value[use.predicate] = 1;
      }
      if (use.group != LiteralUse::kNone) state->group_epoch[use.group] = epoch;
    }
  }
}

void Engine::Impl::reach_by(const std::vector<std::uint32_t>& literals, const LiteralRules& reached) {
  for (const std::uint32_t literal : literals) {
    for (std::uint32_t i = reached.first[literal]; i < reached.first[literal + 1]; ++i) reach(reached.rules[i]);
  }
}

// All values of the event as one text, with a byte between them that no literal holds.
void Engine::Impl::scan_keywords(const LiteralIndex& index) {
  hits.clear();
  if (!program->keywords_anywhere) {
    for (std::int32_t v = state->slots[kKeywordSlot].head; v != kNone; v = values[static_cast<std::size_t>(v)].next) {
      SlotValue& value = values[static_cast<std::size_t>(v)];
      const std::string_view text = folded(value);
      index.find(text, value.ascii, hits);
    }
  } else if (!keyword_text.empty()) {
    index.find(keyword_text, keywords_ascii, hits);
  }
}

// The literals of the slot's index (or its rest) that the value holds. Valid until the next call.
const std::vector<std::uint32_t>& Engine::Impl::literals_of(SlotValue& value, bool rest) {
  MemoEntry* memo = memo_of(value);
  if (memo != nullptr && (rest ? memo->has_rest : memo->has_hits)) return rest ? memo->rest : memo->hits;
  std::vector<std::uint32_t>& out = memo == nullptr ? hits : rest ? memo->rest : memo->hits;
  out.clear();
  stats.scanned_bytes += value.text.size();
  const Slot& slot = program->slots[value.slot];
  const std::string_view text = folded(value);
  (rest ? slot.rest : slot.index).find(text, value.ascii, out);
  if (memo != nullptr) (rest ? memo->has_rest : memo->has_hits) = true;
  return out;
}

void Engine::Impl::scan_slots() {
  if (const Slot& slot = program->slots[kKeywordSlot]; !slot.index.empty()) {
    scan_keywords(slot.index);
    if (keywords_cut && hits.empty()) note_without_keywords();
    reach_by(hits, slot.reached);
    use_hits(hits, slot.literal_first);
  }
  for (std::uint32_t s = kKeywordSlot + 1; s < program->slots.size(); ++s) {
    const Slot& slot = program->slots[s];
    if (slot.index.empty()) continue;
    if (const MemoEntry* entry = filter(s)) {
      for (const std::uint32_t rule : entry->reached) reach(rule);
      continue;
    }
    // What is not remembered is marked at once: else it would have to be looked up again.
    bool remembered = true;
    for (std::int32_t v = state->slots[s].head; v != kNone; v = values[static_cast<std::size_t>(v)].next) {
      remembered = remembered && (values[static_cast<std::size_t>(v)].null || memo_of(values[static_cast<std::size_t>(v)]));
    }
    state->slots[s].marked = !remembered;
    for (std::int32_t v = state->slots[s].head; v != kNone; v = values[static_cast<std::size_t>(v)].next) {
      SlotValue& value = values[static_cast<std::size_t>(v)];
      if (value.null) continue;
      const auto& literals = literals_of(value, false);
      reach_by(literals, slot.reached);
      if (!remembered) use_hits(literals, slot.literal_first);
    }
  }
}

// Notes for predicates and groups what the slot's literals that were found mean.
void Engine::Impl::mark_slot(std::uint32_t number) {
  SlotState& of_slot = state->slots[number];
  if (of_slot.marked) return;
  of_slot.marked = true;
  const Slot& slot = program->slots[number];
  if (slot.index.empty()) return;
  for (std::int32_t v = of_slot.head; v != kNone; v = values[static_cast<std::size_t>(v)].next) {
    SlotValue& value = values[static_cast<std::size_t>(v)];
    if (!value.null) use_hits(literals_of(value, false), slot.literal_first);
  }
}

void Engine::Impl::consult_rest(std::uint32_t number) {
  state->slots[number].tries = kRestDone;
  const Slot& slot = program->slots[number];
  if (number == kKeywordSlot) {
    if (keywords_cut) fill_keywords(false);
    scan_keywords(slot.rest);
    use_hits(hits, slot.rest_first);
    return;
  }
  for (std::int32_t v = state->slots[number].head; v != kNone; v = values[static_cast<std::size_t>(v)].next) {
    SlotValue& value = values[static_cast<std::size_t>(v)];
    if (value.null) continue;
    use_hits(literals_of(value, true), slot.rest_first);
  }
}

}  // namespace tocsin::detect
