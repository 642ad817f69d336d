// The rules that can apply to one kind of event, compiled.
//
// A kind of event (a Route) is what its discriminating fields say: channel, event id, format ... For each kind there is
// one Program per view (the fields as they are; fields mapped for a category). In a Program
// - predicates on discriminating fields are decided, so a rule for another event id is not even in it;
// - equal predicates of different rules are one Predicate, evaluated at most once per event, and only when asked for;
// - where a reached rule asks for many texts in one field, they are looked up together (Slot::rest) instead of one by one;
// - each rule is reached through its witnesses: a set of literals of which at least one must be present where the rule
//   matches, chosen to be rare. All witnesses on one field are in one LiteralIndex. A rule without witnesses is always
//   evaluated;
// - for each slot it is prepared what its value alone can rule out (slot_filter.h).
// Immutable once built; shared by threads. Example: `Image endswith \cmd.exe and CommandLine contains (' /c ping',
// ' /c nslookup')` has two candidate sets: {\cmd.exe as suffix of Image}, used by hundreds of rules, and the two command
// line texts, used by none; the latter become its witnesses.
#pragma once
#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "detect/log_source_map.h"
#include "detect/match/literal_index.h"
#include "detect/match/text_match.h"
#include "detect/sigma/ast.h"

namespace tocsin::detect {

// What is known of a discriminating field in a Route.
struct FieldState {
  enum class Kind : std::uint8_t {
    kUnknown,  // Several values, or more kinds than we keep: nothing is decided.
    kAbsent,
    kNull,
    kKnown,  // One value, which some rule or table row names (folded).
    kOther,  // One value, which no rule and no row names.
  } kind = Kind::kUnknown;
  std::string value;
};
struct KnownField {
  std::string name;
  FieldState state;
};

// Rules (numbers in Program::rules) by literal.
struct LiteralRules {
  std::vector<std::uint32_t> first;  // Of each literal in `rules` (size + 1).
  std::vector<std::uint32_t> rules;
};

struct Slot {
  std::string event_field;                   // The event's name of it.
  const FieldRule* rule = nullptr;           // Its value mapping, or null.
  LiteralIndex index;                        // The witnesses.
  std::vector<std::uint32_t> literal_first;  // Literal number -> first of its LiteralUse in Program::uses (size + 1).
  LiteralIndex rest;                         // The other predicates that a literal decides; consulted on demand.
  std::vector<std::uint32_t> rest_first;     // As literal_first, for `rest`.
  LiteralRules reached;                      // By literal of `index`: the rules it is a witness of.
  LiteralRules index_rules, rest_rules;      // By literal: the rules with a predicate that it decides.
  std::vector<std::uint32_t> other_rules;    // With a predicate on the slot that only evaluating it decides.
  std::vector<std::uint64_t> possible;       // Bit per rule: not false where the slot has a value without any literal.
};
inline constexpr std::uint32_t kKeywordSlot = 0;  // Slot 0 stands for "any value of the event".

struct Predicate {
  sigma::Op op = sigma::Op::kPattern;
  std::uint32_t slot = 0;
  std::uint32_t other_slot = 0;  // kFieldRef.
  bool decided = false;          // The slot's index finds it exactly: not found means false.
  bool in_rest = false;          // The slot's `rest` finds it exactly.
  bool costly = false;           // Depends on the value alone and is worth remembering.
  CompiledPattern pattern;
  std::shared_ptr<const re2::RE2> regex;
  RegexNeeds needs;             // kRegex.
  std::size_t line_length = 0;  // kRegex: line_length_asked().
  const sigma::Leaf* leaf = nullptr;
};

struct Node {
  // kGroup: any of many predicates of one slot that an index finds: true once one was found.
  enum class Kind : std::uint8_t { kTrue, kFalse, kAnd, kOr, kNot, kPredicate, kGroup } kind = Kind::kTrue;
  std::uint32_t first = 0;  // kAnd, kOr, kNot: of its children in Program::children; kPredicate: its number; kGroup: its.
  std::uint32_t count = 0;
  std::uint32_t slot = 0;  // kGroup: its slot ...
  bool in_rest = false;    // ... and whether that slot's `rest` must have been consulted.
};

struct ProgramRule {
  static constexpr std::size_t kMaxMemoSlots = 4;
  std::uint32_t rule_index = 0;
  std::uint32_t root = 0;
  // The slots its outcome depends on, in Program::rule_slots; not the keyword slot.
  std::uint32_t first_slot = 0, slot_count = 0;
  bool memoisable = false;  // They are few, and the keyword slot is none of them.
};

// What a literal's presence means, each or kNone: a predicate is true, a group is true.
struct LiteralUse {
  static constexpr std::uint32_t kNone = ~0U;
  std::uint32_t predicate = kNone;
  std::uint32_t group = kNone;
};

struct Program {
  std::uint32_t view = 0;
  std::vector<Slot> slots;  // [kKeywordSlot] first.
  std::vector<Predicate> predicates;
  std::vector<Node> nodes;
  std::vector<std::uint32_t> children;
  std::vector<ProgramRule> rules;
  std::vector<std::uint32_t> rule_slots;
  std::vector<LiteralUse> uses;
  std::vector<std::uint32_t> always;  // In rules: without witnesses.
  std::uint32_t group_count = 0;
  bool keywords = false;           // Some predicate looks at any value.
  bool keywords_anywhere = false;  // All literals of the keyword slot are texts anywhere.
  bool keyword_values = false;     // Some keyword predicate is evaluated value by value.
};

// Compiled regular expressions by text, shared by all programs.
class RegexCache {
 public:
  RegexCache();
  ~RegexCache();
  // Null where RE2 refuses it: such a leaf never matches (the loader refuses such rules).
  std::shared_ptr<const re2::RE2> get(const std::string& text);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// REQUIRES: `rules` and `row` outlive the program. Rules that cannot match given `known` are left out.
std::unique_ptr<Program> build_program(const std::vector<sigma::Rule>& rules, const std::vector<std::uint32_t>& rule_indexes,
                                       const SourceRow* row, std::uint32_t view, const std::vector<KnownField>& known,
                                       RegexCache& regexes);

}  // namespace tocsin::detect
