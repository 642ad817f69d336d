// The inside of an Engine: what it remembers between events, and what it knows of the event at hand.
//
// engine_kind.cc finds the programs for an event, engine_scan.cc the values and which literals they hold,
// engine_evaluate.cc decides the rules reached; engine.cc joins them. One thread.
#pragma once
#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/arena.h"
#include "core/unicode.h"
#include "detect/engine.h"
#include "detect/match/explain.h"
#include "detect/match/router.h"
#include "detect/match/value_memo.h"

namespace tocsin::detect {

struct CompiledRules::Impl {
  Impl(const RuleSet& set, const LogSourceMap& sources, const CompileOptions& options) : router(set, sources, options) {}
  Router router;
};

inline constexpr std::int32_t kNone = -1;
inline constexpr std::size_t kFoldSlack = 16;
// So many "contains" of one field are tried one by one before all of them are looked up together.
inline constexpr std::uint8_t kMaxSingleTries = 4;
inline constexpr std::uint8_t kRestDone = 255;
inline constexpr std::uint32_t kSlotIdUnknown = ~0U;
inline constexpr std::uint32_t kMaxMemoIds = 0xFFF0'0000;  // Then all memos begin anew.
inline constexpr char kValueSeparator = '\xFF';            // Nowhere in valid UTF-8, which all literals are.

// One value of one slot of the event at hand.
struct SlotValue {
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

// What is known of a slot in the event at hand.
struct SlotState {
  std::int32_t head = kNone, tail = kNone;  // Its values.
  std::uint32_t id = kSlotIdUnknown;        // What its value is to the outcome memo.
  std::uint8_t tries = 0;                   // kRestDone: Slot::rest was consulted.
  bool marked = false;                      // What the literals found mean for predicates and groups was noted.
  bool filter_known = false;
  const MemoEntry* filter = nullptr;        // With `filter_known`: filtered, the only value; or null.
  const std::uint64_t* possible = nullptr;  // Of `filter`.
};

// What an engine keeps per program: which names are its slots, and what is known of the event at hand.
struct ProgramState {
  std::vector<std::int32_t> slot_of_name;    // By name id; kNone.
  std::vector<std::int32_t> next_same_name;  // Slots over the same event field.
  std::unordered_map<std::string, std::int32_t> slot_by_name;
  std::vector<SlotState> slots;
  std::vector<std::uint32_t> predicate_epoch, rule_epoch, group_epoch;
  std::vector<std::uint8_t> predicate_value;
  std::vector<ValueMemo> memos;  // Per slot.
  OutcomeMemo outcomes;
  std::uint32_t events = 0;  // Seen by the program; stops at kMinMemoEvents.
};

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
        if (leaf.op == sigma::Op::kFieldRef) names.intern(leaf.text);
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
  std::vector<SlotValue> values;
  core::Arena arena{64 * 1024};
  std::string scratch;
  // All values, folded, kValueSeparator between them; for programs with keywords. With `keywords_cut`: without those that
  // hold no literal of the keyword slot's index.
  std::string_view keyword_text;
  bool keywords_ascii = true;
  bool keywords_cut = false;
  const model::Event* event_at_hand = nullptr;
  std::vector<std::uint32_t> hits;
  std::vector<std::uint32_t> candidates;
  std::uint32_t epoch = 0;
  std::size_t memos_left = kMaxMemos;
  std::uint32_t memo_ids = OutcomeMemo::kFirstId;
  Explainer explainer;

  // --- Costs of rules.
  CostClock cost_clock = nullptr;
  std::uint32_t cost_every = 0, cost_left = 0;  // Events until the next one that is timed.
  std::int64_t clock_ns = 0;                    // What reading the clock takes.
  bool timed = false;                           // The event at hand.
  std::vector<RuleCost> costs;                  // By rule; empty until the first one.
  std::vector<std::uint32_t> costed;            // Rules that have some.

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
    out.slots.assign(of.slots.size(), {});
    out.memos.resize(of.slots.size());
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
    return field.number_of(fold(text));
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
  void decide_timed(const Program& of, const std::vector<bool>& base_rules, std::vector<Match>& out);
  void fill_slots(const model::Event& event);
  void fill_keywords(bool cut);
  bool is_without_keywords(const model::Field& field, std::size_t shortest);
  void note_without_keywords();
  void add_value(std::size_t slot, std::string_view text, bool null);
  void scan_slots();
  void use_hits(const std::vector<std::uint32_t>& literals, const std::vector<std::uint32_t>& first);
  const std::vector<std::uint32_t>& literals_of(SlotValue& value, bool rest);
  void collect_bytes(SlotValue& value);
  bool may_contain(SlotValue& value, std::string_view literal);
  bool may_match(const RegexNeeds& needs, SlotValue& value);
  void scan_keywords(const LiteralIndex& index);
  void consult_rest(std::uint32_t slot);
  void reach(std::uint32_t rule) {
    if (state->rule_epoch[rule] == epoch) return;
    state->rule_epoch[rule] = epoch;
    candidates.push_back(rule);
  }
  void reach_by(const std::vector<std::uint32_t>& literals, const LiteralRules& reached);
  void mark_slot(std::uint32_t slot);
  const MemoEntry* filter(std::uint32_t slot);
  void make_filter(std::uint32_t slot, MemoEntry& entry);
  bool ruled_out(const ProgramRule& rule);
  bool decide(const ProgramRule& rule);
  std::uint32_t slot_id(std::uint32_t slot);
  bool outcome(std::uint32_t rule);
  bool evaluate(std::uint32_t node);
  bool all_or_any(const Node& node, bool decisive);
  bool predicate(std::uint32_t number);
  bool evaluate_predicate(const Predicate& predicate);
  bool value_matches(const Predicate& predicate, SlotValue& value);
  bool costly_matches(const Predicate& predicate, SlotValue& value);
  std::string_view folded(SlotValue& value) {
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
  MemoEntry* memo_of(SlotValue& value) {
    if (!value.has_memo) {
      value.has_memo = true;
      if (value.slot != kKeywordSlot && state->events >= kMinMemoEvents) {
        value.memo = state->memos[value.slot].find(value.text, epoch, memos_left, memo_ids);
      }
    }
    return value.memo;
  }
};

}  // namespace tocsin::detect
