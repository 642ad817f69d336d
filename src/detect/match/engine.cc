#include "detect/engine.h"

#include <re2/re2.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <unordered_map>

#include "core/assert.h"
#include "core/unicode.h"
#include "detect/match/explain.h"
#include "detect/match/router.h"
#include "detect/match/value_memo.h"
#include "detect/match/value_rule.h"

namespace tocsin::detect {

using sigma::Op;

struct CompiledRules::Impl {
  Impl(const RuleSet& set, const LogSourceMap& sources, const CompileOptions& options) : router(set, sources, options) {}
  Router router;
};

CompiledRules::CompiledRules(const RuleSet& rules, const LogSourceMap& sources, CompileOptions options)
    : impl_(std::make_unique<Impl>(rules, sources, options)) {}
CompiledRules::~CompiledRules() = default;
const RuleSet& CompiledRules::rules() const { return impl_->router.rules(); }

namespace {

constexpr std::int32_t kNone = -1;
constexpr std::size_t kFoldSlack = 16;
// So many "contains" of one field are tried one by one before all of them are looked up together.
constexpr std::uint8_t kMaxSingleTries = 4;
constexpr std::uint8_t kRestDone = 255;
constexpr std::uint32_t kSlotIdUnknown = ~0U;
constexpr std::uint32_t kMaxMemoIds = 0xFFF0'0000;  // Then all memos begin anew.
constexpr char kValueSeparator = '\xFF';            // Nowhere in valid UTF-8, which all literals are.

// One value of one slot of the event at hand.
struct Value {
  std::string_view text;
  std::string_view folded;  // Made when first asked for.
  bool has_folded = false;
  bool ascii = true;  // With `folded`.
  bool null = false;
  bool has_bytes = false;
  bool has_memo = false;  // `memo` was asked for.
  std::uint32_t slot = 0;
  MemoEntry* memo = nullptr;
  std::array<std::uint64_t, 2> bytes{};  // The ASCII bytes that `folded` holds, as a set.
  std::int32_t next = kNone;             // Of the same slot.
};

// What an engine keeps per program: which names are its slots, and what is known of the event at hand.
struct ProgramState {
  std::vector<std::int32_t> slot_of_name;    // By name id; kNone.
  std::vector<std::int32_t> next_same_name;  // Slots over the same event field.
  std::unordered_map<std::string, std::int32_t> slot_by_name;
  std::vector<std::int32_t> head, tail;  // Per slot: its values.
  std::vector<std::uint32_t> predicate_epoch, rule_epoch, group_epoch;
  std::vector<std::uint8_t> predicate_value;
  std::vector<ValueMemo> memos;  // Per slot.
  OutcomeMemo outcomes;
  std::vector<std::uint32_t> slot_ids;  // Per slot, for the event at hand: what its value is to `outcomes`.
  std::uint32_t events = 0;             // Seen by the program; stops at kMinMemoEvents.
  std::vector<std::uint8_t> tries;      // Per slot, for the event at hand; kRestDone: Slot::rest was consulted.
};

}  // namespace

struct Engine::Impl {
  Impl(const CompiledRules& compiled, model::NameTable& table) : router(compiled.impl().router), names(table) {
    formats_field = payload_field = kNone;
    const auto& fields = router.fields();
    for (std::size_t i = 0; i < fields.size(); ++i) {
      if (fields[i].name == "_format")
        formats_field = static_cast<std::int32_t>(i);
      else if (fields[i].name == "_payload")
        payload_field = static_cast<std::int32_t>(i);
      else
        kind_by_name.emplace(fields[i].name, static_cast<std::int32_t>(i));
    }
    kind.resize(fields.size());
    kind_values.resize(fields.size());
    intern_names();
  }

  // Before events bring theirs: input that fills the table must not hide the fields that rules and rows ask for.
  void intern_names() {
    for (const KindField& field : router.fields()) names.intern(field.name);
    for (const SourceRow& row : router.sources().rows) {
      for (const FieldRule& field : row.fields) names.intern(field.event_field);
    }
    for (const sigma::Rule& rule : router.rules().rules) {
      for (const sigma::Leaf& leaf : rule.leaves) {
        if (!leaf.keyword) names.intern(leaf.field);
        if (leaf.op == Op::kFieldRef) names.intern(leaf.text);
      }
    }
  }

  Router& router;
  model::NameTable& names;
  EngineStats stats;

  // --- Kind of event.
  std::unordered_map<std::string, std::int32_t> kind_by_name;
  std::vector<std::int32_t> kind_of_name;  // By name id; kNone.
  std::int32_t formats_field, payload_field;
  Kind kind;
  std::vector<std::string_view> kind_values;
  std::vector<char> key_buffer;
  std::string_view key;  // In key_buffer.
  std::string last_key;
  std::shared_ptr<const Route> last_route;
  std::unordered_map<std::string, std::shared_ptr<const Route>> routes;

  // --- Evaluation.
  std::unordered_map<const Program*, ProgramState> states;
  const Program* program = nullptr;
  ProgramState* state = nullptr;
  std::vector<Value> values;
  core::Arena arena{64 * 1024};
  std::string scratch;
  std::string_view keyword_text;  // All values, folded, kValueSeparator between them; for programs with keywords.
  bool keywords_ascii = true;
  std::vector<std::uint32_t> hits;
  std::vector<std::uint32_t> candidates;
  std::uint32_t epoch = 0;
  std::size_t memos_left = kMaxMemos;
  std::uint32_t memo_ids = OutcomeMemo::kFirstId;
  Explainer explainer;

  // The state of a program, with everything sized for it.
  ProgramState& state_of(const Program& of) {
    const auto [place, fresh] = states.try_emplace(&of);
    ProgramState& out = place->second;
    if (!fresh) return out;
    out.next_same_name.assign(of.slots.size(), kNone);
    for (std::size_t s = 1; s < of.slots.size(); ++s) {
      const auto [known, first] = out.slot_by_name.try_emplace(of.slots[s].event_field, static_cast<std::int32_t>(s));
      if (first) continue;
      out.next_same_name[s] = known->second;
      known->second = static_cast<std::int32_t>(s);
    }
    out.head.assign(of.slots.size(), kNone);
    out.tail.assign(of.slots.size(), kNone);
    out.tries.assign(of.slots.size(), 0);
    out.memos.resize(of.slots.size());
    out.slot_ids.assign(of.slots.size(), 0);
    out.predicate_epoch.assign(of.predicates.size(), 0);
    out.predicate_value.assign(of.predicates.size(), 0);
    out.rule_epoch.assign(of.rules.size(), 0);
    out.group_epoch.assign(of.group_count, 0);
    return out;
  }

  // Name tables grow as events bring new names; so do the look-up arrays.
  static void grow(std::vector<std::int32_t>& of_name, const std::unordered_map<std::string, std::int32_t>& by_name,
                   const model::NameTable& table) {
    for (std::size_t id = of_name.size(); id < table.size(); ++id) {
      const auto found = by_name.find(std::string(table.text(model::NameId{static_cast<std::uint32_t>(id)})));
      of_name.push_back(found == by_name.end() ? kNone : found->second);
    }
  }

  std::uint16_t kind_value(const KindField& field, std::string_view text) {
    if (field.coarse) {
      if (field.longest_prefix == 0) return kKindOther;
      text = text.substr(0, 4 * field.longest_prefix);  // Folding changes a character's length by less.
    }
    return field.number_of(std::string(fold(text)));
  }

  std::string_view fold(std::string_view text, bool* ascii = nullptr) {
    char* out = arena.allocate(text.size() + kFoldSlack);
    const bool is_ascii = fold_ascii(text, out);
    if (ascii != nullptr) *ascii = is_ascii;
    if (is_ascii) return {out, text.size()};
    arena.give_back(text.size() + kFoldSlack);
    core::fold_utf8(text, scratch);
    return arena.copy(scratch);
  }

  const Route* route(const model::Event& event);
  void read_key(const model::Event& event);
  void read_kind(const model::Event& event);
  void run(const Program& of, const std::vector<bool>& base_rules, const model::Event& event, std::vector<Match>& out);
  void fill_slots(const model::Event& event);
  void fill_keywords(const model::Event& event);
  void add_value(std::size_t slot, std::string_view text, bool null);
  void scan_slots();
  void use_hits(const std::vector<std::uint32_t>& literals, const std::vector<std::uint32_t>& first);
  const std::vector<std::uint32_t>& literals_of(Value& value, bool rest);
  void collect_bytes(Value& value);
  bool may_contain(Value& value, std::string_view literal);
  bool may_match(const RegexNeeds& needs, Value& value);
  void scan_keywords(const LiteralIndex& index, const std::vector<std::uint32_t>& first);
  void consult_rest(std::uint32_t slot);
  std::uint32_t slot_id(std::uint32_t slot);
  bool outcome(std::uint32_t rule);
  bool evaluate(std::uint32_t node);
  bool all_or_any(const Node& node, bool decisive);
  bool predicate(std::uint32_t number);
  bool evaluate_predicate(const Predicate& predicate);
  bool value_matches(const Predicate& predicate, Value& value);
  bool costly_matches(const Predicate& predicate, Value& value);
  std::string_view folded(Value& value) {
    if (value.has_folded) return value.folded;
    value.has_folded = true;
    MemoEntry* memo = memo_of(value);
    if (memo != nullptr && (!memo->folded.empty() || memo->text.empty())) {
      value.ascii = memo->ascii;
      return value.folded = memo->folded;
    }
    value.folded = fold(value.text, &value.ascii);
    if (memo != nullptr) {
      memo->folded.assign(value.folded);
      memo->ascii = value.ascii;
    }
    return value.folded;
  }
  MemoEntry* memo_of(Value& value) {
    if (!value.has_memo) {
      value.has_memo = true;
      if (value.slot != kKeywordSlot && state->events >= kMinMemoEvents) {
        value.memo = state->memos[value.slot].find(value.text, epoch, memos_left, memo_ids);
      }
    }
    return value.memo;
  }
};

// The key holds the raw values of the discriminating fields (of coarse ones their number): events of one stream mostly
// repeat it, so most routes are found by one comparison with the last event's.
void Engine::Impl::read_key(const model::Event& event) {
  if (kind_of_name.size() < names.size()) grow(kind_of_name, kind_by_name, names);
  const std::size_t max_value_bytes = router.max_known_bytes() + 1;  // A longer value is "other", or has its prefix.
  const std::size_t max_field_bytes = 16 + max_value_bytes;
  std::size_t at = 0;
  const auto put = [&](const void* bytes, std::size_t size) {
    if (size > 0) std::memcpy(key_buffer.data() + at, bytes, size);  // An empty text may point nowhere.
    at += size;
  };
  const auto reserve = [&] {
    if (key_buffer.size() < at + max_field_bytes) key_buffer.resize(2 * (at + max_field_bytes));
  };
  reserve();
  put(&event.slot->format, 1);
  put(&event.slot->payload, 1);
  for (const model::Field& field : event.fields()) {
    const auto id = static_cast<std::uint32_t>(field.name);
    if (id >= kind_of_name.size() || kind_of_name[id] == kNone) continue;
    reserve();
    const auto number = kind_of_name[id];
    put(&number, sizeof number);
    key_buffer[at++] = field.type == model::ValueType::kNull ? 1 : 2;
    if (const KindField& known = router.fields()[static_cast<std::size_t>(number)]; known.coarse) {
      if (known.longest_prefix == 0 || field.type == model::ValueType::kNull) continue;
      const std::uint16_t value = kind_value(known, field.text);
      put(&value, sizeof value);
      continue;
    }
    const auto size = static_cast<std::uint32_t>(field.text.size());
    put(&size, sizeof size);
    put(field.text.data(), std::min<std::size_t>(size, max_value_bytes));
  }
  key = {key_buffer.data(), at};
}

void Engine::Impl::read_kind(const model::Event& event) {
  std::fill(kind.begin(), kind.end(), static_cast<std::uint16_t>(kKindAbsent));
  const auto set = [&](std::int32_t number, std::uint16_t value) {
    auto& place = kind[static_cast<std::size_t>(number)];
    place = place == kKindAbsent || place == value ? value : static_cast<std::uint16_t>(kKindSeveral);
  };
  if (formats_field != kNone)
    set(formats_field,
        kind_value(router.fields()[static_cast<std::size_t>(formats_field)], model::to_string(event.slot->format)));
  if (payload_field != kNone)
    set(payload_field,
        kind_value(router.fields()[static_cast<std::size_t>(payload_field)], model::to_string(event.slot->payload)));
  for (const model::Field& field : event.fields()) {
    const auto id = static_cast<std::uint32_t>(field.name);
    if (id >= kind_of_name.size() || kind_of_name[id] == kNone) continue;
    const std::int32_t number = kind_of_name[id];
    const bool null = field.type == model::ValueType::kNull;
    set(number, null ? static_cast<std::uint16_t>(kKindNull)
                     : kind_value(router.fields()[static_cast<std::size_t>(number)], field.text));
  }
}

const Route* Engine::Impl::route(const model::Event& event) {
  read_key(event);
  if (last_route != nullptr && key == last_key) return last_route.get();
  const auto found = routes.find(std::string(key));
  if (found != routes.end()) {
    last_key = key;
    last_route = found->second;
    return last_route.get();
  }
  read_kind(event);
  std::shared_ptr<const Route> out = router.route(kind, event);
  // Raw values are the input's to choose: the cache is emptied rather than let grow.
  if (routes.size() >= 4 * kMaxRoutes) routes.clear();
  routes.emplace(std::string(key), out);
  last_key = key;
  last_route = std::move(out);
  return last_route.get();
}

void Engine::Impl::add_value(std::size_t slot, std::string_view text, bool null) {
  const auto place = static_cast<std::int32_t>(values.size());
  Value& value = values.emplace_back();
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
      Value& value = values[static_cast<std::size_t>(v)];
      const std::string_view text = folded(value);
      index.find(text, value.ascii, hits);
    }
  } else if (!keyword_text.empty()) {
    index.find(keyword_text, keywords_ascii, hits);
  }
  use_hits(hits, first);
}

// The literals of the slot's index (or its rest) that the value holds. Valid until the next call.
const std::vector<std::uint32_t>& Engine::Impl::literals_of(Value& value, bool rest) {
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
      Value& value = values[static_cast<std::size_t>(v)];
      if (value.null) continue;
      use_hits(literals_of(value, false), slot.literal_first);
    }
  }
}

void Engine::Impl::collect_bytes(Value& value) {
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
bool Engine::Impl::may_contain(Value& value, std::string_view literal) {
  collect_bytes(value);
  for (const char c : literal) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80 && (value.bytes[byte >> 6] >> (byte & 63) & 1) == 0) return false;
  }
  return true;
}

bool Engine::Impl::may_match(const RegexNeeds& needs, Value& value) {
  if (value.text.size() < needs.min_length) return false;
  collect_bytes(value);
  if ((needs.bytes[0] & ~value.bytes[0]) != 0 || (needs.bytes[1] & ~value.bytes[1]) != 0) return false;
  return needs.literal.size() < 2 || find_text(folded(value), needs.literal) != std::string_view::npos;
}

bool Engine::Impl::value_matches(const Predicate& of, Value& value) {
  switch (of.op) {
    case Op::kPattern:
      if (of.pattern.shape == Shape::kContains && !of.pattern.cased && !may_contain(value, of.pattern.literal)) return false;
      return pattern_matches(of.pattern, value.text, of.pattern.cased ? std::string_view{} : folded(value));
    case Op::kRegex:
      if (of.regex == nullptr) return false;
      if (!may_match(of.needs, value)) return false;
      return re2::RE2::PartialMatch(re2::StringPiece(value.text.data(), value.text.size()), *of.regex);
    case Op::kCidr: return cidr_contains(of.leaf->cidr, value.text);
    case Op::kLess:
    case Op::kLessEqual:
    case Op::kGreater:
    case Op::kGreaterEqual: return number_matches(of.op, of.leaf->number, value.text);
    case Op::kTimePart: return time_part_matches(*of.leaf, value.text);
    case Op::kFieldRef:
      for (std::int32_t o = state->head[of.other_slot]; o != kNone; o = values[static_cast<std::size_t>(o)].next) {
        Value& other = values[static_cast<std::size_t>(o)];
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
  std::int32_t v = state->head[of.slot];
  if (of.op == Op::kExists) return (v != kNone) == of.leaf->exists;
  if (of.op == Op::kNull) {
    for (; v != kNone; v = values[static_cast<std::size_t>(v)].next) {
      if (!values[static_cast<std::size_t>(v)].null) return false;
    }
    return true;
  }
  for (; v != kNone; v = values[static_cast<std::size_t>(v)].next) {
    Value& value = values[static_cast<std::size_t>(v)];
    if (!value.null && (of.costly ? costly_matches(of, value) : value_matches(of, value))) return true;
  }
  return false;
}

bool Engine::Impl::costly_matches(const Predicate& of, Value& value) {
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

void Engine::Impl::consult_rest(std::uint32_t number) {
  state->tries[number] = kRestDone;
  const Slot& slot = program->slots[number];
  if (number == kKeywordSlot) {
    scan_keywords(slot.rest, slot.rest_first);
    return;
  }
  for (std::int32_t v = state->head[number]; v != kNone; v = values[static_cast<std::size_t>(v)].next) {
    Value& value = values[static_cast<std::size_t>(v)];
    if (value.null) continue;
    use_hits(literals_of(value, true), slot.rest_first);
  }
}

bool Engine::Impl::predicate(std::uint32_t number) {
  if (state->predicate_epoch[number] == epoch) return state->predicate_value[number] != 0;
  const Predicate& of = program->predicates[number];
  if (of.in_rest) {
    std::uint8_t& tries = state->tries[of.slot];
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
      if (node.rest_slot != Node::kNoSlot && state->tries[node.rest_slot] != kRestDone) consult_rest(node.rest_slot);
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
  std::uint32_t& id = state->slot_ids[slot];
  if (id != kSlotIdUnknown) return id;
  const std::int32_t v = state->head[slot];
  if (v == kNone) return id = OutcomeMemo::kAbsent;
  Value& value = values[static_cast<std::size_t>(v)];
  if (value.next != kNone) return id = 0;
  if (value.null) return id = OutcomeMemo::kNull;
  const MemoEntry* memo = memo_of(value);
  return id = memo == nullptr ? 0 : memo->id;
}

// Whether the rule holds: remembered, where the values it depends on were met before.
bool Engine::Impl::outcome(std::uint32_t number) {
  const ProgramRule& rule = program->rules[number];
  if (rule.slot_count > ProgramRule::kMaxSlots || state->events < kMinMemoEvents) return evaluate(rule.root);
  OutcomeMemo::Key asked{.rule = number};
  for (std::uint32_t i = 0; i < rule.slot_count; ++i) {
    asked.values[i] = slot_id(rule.slots[i]);
    if (asked.values[i] == 0) return evaluate(rule.root);
  }
  if (!state->outcomes.allocated()) {
    if (memos_left == 0) return evaluate(rule.root);
    --memos_left;
  }
  OutcomeMemo::Entry& entry = state->outcomes.place(asked);
  if (entry.key == asked) return entry.held;
  const bool held = evaluate(rule.root);
  entry = {asked, held};
  return held;
}

void Engine::Impl::run(const Program& of, const std::vector<bool>& base_rules, const model::Event& event,
                       std::vector<Match>& out) {
  program = &of;
  state = &state_of(of);
  if (state->events < kMinMemoEvents) ++state->events;
  ++epoch;
  if (epoch == 0 || memo_ids > kMaxMemoIds) {  // After 4 billion events the marks of old ones must not be taken for new.
    states.clear();
    memos_left = kMaxMemos;
    memo_ids = OutcomeMemo::kFirstId;
    state = &state_of(of);
    epoch = 1;
  }
  candidates.assign(of.always.begin(), of.always.end());
  fill_slots(event);
  scan_slots();
  stats.candidate_rules += candidates.size();
  for (const std::uint32_t rule : candidates) {
    const std::uint32_t index = of.rules[rule].rule_index;
    if (of.view == kBaseView && !base_rules.empty() && !base_rules[index]) continue;
    if (outcome(rule)) out.push_back({index, of.view});
  }
}

Engine::Engine(const CompiledRules& rules, model::NameTable& names) : impl_(std::make_unique<Impl>(rules, names)) {}
Engine::~Engine() = default;

void Engine::match(const model::Event& event, std::vector<Match>& out) {
  ++impl_->stats.events;
  impl_->arena.reset();
  const Route* route = impl_->route(event);
  if (!route->told) ++impl_->stats.unrouted_events;
  const std::size_t first = out.size();
  for (const auto& program : route->programs) impl_->run(*program, route->base_rules, event, out);
  if (out.size() - first < 2) return;
  const auto begin = out.begin() + static_cast<std::ptrdiff_t>(first);
  std::sort(begin, out.end(), [](const Match& a, const Match& b) {
    return a.rule_index != b.rule_index ? a.rule_index < b.rule_index : a.view < b.view;
  });
  out.erase(std::unique(begin, out.end(), [](const Match& a, const Match& b) { return a.rule_index == b.rule_index; }),
            out.end());
}

std::vector<model::LogSource> Engine::sources(const model::Event& event) {
  impl_->arena.reset();
  if (impl_->kind_of_name.size() < impl_->names.size()) Impl::grow(impl_->kind_of_name, impl_->kind_by_name, impl_->names);
  impl_->read_kind(event);
  return impl_->router.sources_of(impl_->kind, event);
}

model::Explanation Engine::explain(const model::Event& event, const Match& match) const {
  const SourceRow* row = match.view == kBaseView ? nullptr : &impl_->router.sources().rows[match.view - 1];
  return impl_->explainer.explain(impl_->router.rules().rules[match.rule_index], row, event);
}

std::vector<std::string> Engine::values(const model::Event& event, const Match& match, std::string_view field) const {
  const SourceRow* row = match.view == kBaseView ? nullptr : &impl_->router.sources().rows[match.view - 1];
  return mapped_values(row, event, field);
}

const EngineStats& Engine::stats() const { return impl_->stats; }

}  // namespace tocsin::detect
