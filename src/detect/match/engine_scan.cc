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
  if (state->head[slot] == kNone)
    state->head[slot] = place;
  else
    values[static_cast<std::size_t>(state->tail[slot])].next = place;
  state->tail[slot] = place;
}

// Folds all values one behind the other.
void Engine::Impl::fill_keywords(const model::Event& event) {
  keyword_text = {};
  keywords_ascii = true;
  std::size_t total = 0;
  for (const model::Field& field : event.fields()) total += field.text.size() + 1;
  char* begin = arena.allocate(total + kFoldSlack);
  char* at = begin;
  for (const model::Field& field : event.fields()) {
    if (field.type == model::ValueType::kNull) continue;
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
    if (field.type == model::ValueType::kNull) continue;
    all += fold(field.text);
    all += kValueSeparator;
  }
  keyword_text = arena.copy(all);
}

void Engine::Impl::fill_slots(const model::Event& event) {
  values.clear();
  std::fill(state->head.begin(), state->head.end(), kNone);
  std::fill(state->tries.begin(), state->tries.end(), std::uint8_t{0});
  std::fill(state->slot_ids.begin(), state->slot_ids.end(), kSlotIdUnknown);
  if (state->slot_of_name.size() < names.size()) grow(state->slot_of_name, state->slot_by_name, names);
  if (program->keywords) fill_keywords(event);
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
}

void Engine::Impl::use_hits(const std::vector<std::uint32_t>& literals, const std::vector<std::uint32_t>& first) {
  for (const std::uint32_t literal : literals) {
    for (std::uint32_t i = first[literal]; i < first[literal + 1]; ++i) {
      const LiteralUse& use = program->uses[i];
      if (use.predicate != LiteralUse::kNone) {
        state->predicate_epoch[use.predicate] = epoch;
        state->predicate_value[use.predicate] = 1;
      }
      if (use.rule != LiteralUse::kNone && state->rule_epoch[use.rule] != epoch) {
        state->rule_epoch[use.rule] = epoch;
        candidates.push_back(use.rule);
      }
      if (use.group != LiteralUse::kNone) state->group_epoch[use.group] = epoch;
    }
  }
}

// All values of the event as one text, with a byte between them that no literal holds.
void Engine::Impl::scan_keywords(const LiteralIndex& index, const std::vector<std::uint32_t>& first) {
  hits.clear();
  if (!program->keywords_anywhere) {
    for (std::int32_t v = state->head[kKeywordSlot]; v != kNone; v = values[static_cast<std::size_t>(v)].next) {
      SlotValue& value = values[static_cast<std::size_t>(v)];
      const std::string_view text = folded(value);
      index.find(text, value.ascii, hits);
    }
  } else if (!keyword_text.empty()) {
    index.find(keyword_text, keywords_ascii, hits);
  }
  use_hits(hits, first);
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
  if (!program->slots[kKeywordSlot].index.empty()) {
    scan_keywords(program->slots[kKeywordSlot].index, program->slots[kKeywordSlot].literal_first);
  }
  for (std::size_t s = kKeywordSlot + 1; s < program->slots.size(); ++s) {
    const Slot& slot = program->slots[s];
    if (slot.index.empty()) continue;
    for (std::int32_t v = state->head[s]; v != kNone; v = values[static_cast<std::size_t>(v)].next) {
      SlotValue& value = values[static_cast<std::size_t>(v)];
      if (value.null) continue;
      use_hits(literals_of(value, false), slot.literal_first);
    }
  }
}

void Engine::Impl::consult_rest(std::uint32_t number) {
  state->tries[number] = kRestDone;
  const Slot& slot = program->slots[number];
  if (number == kKeywordSlot) {
    scan_keywords(slot.rest, slot.rest_first);
    return;
  }
  for (std::int32_t v = state->head[number]; v != kNone; v = values[static_cast<std::size_t>(v)].next) {
    SlotValue& value = values[static_cast<std::size_t>(v)];
    if (value.null) continue;
    use_hits(literals_of(value, true), slot.rest_first);
  }
}

}  // namespace tocsin::detect
