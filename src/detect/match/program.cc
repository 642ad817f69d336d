#include "detect/match/program.h"

#include <re2/re2.h>

#include <algorithm>
#include <map>
#include <optional>
#include <unordered_map>

#include "core/unicode.h"
#include "detect/match/slot_filter.h"
#include "detect/match/value_rule.h"

namespace tocsin::detect {

using sigma::Expr;
using sigma::Leaf;
using sigma::Op;

struct RegexCache::Impl {
  std::unordered_map<std::string, std::shared_ptr<const re2::RE2>> compiled;
};
RegexCache::RegexCache() : impl_(std::make_unique<Impl>()) {}
RegexCache::~RegexCache() = default;

std::shared_ptr<const re2::RE2> RegexCache::get(const std::string& text) {
  auto& place = impl_->compiled[text];
  if (place == nullptr) {
    re2::RE2::Options options;
    options.set_log_errors(false);
    place = std::make_shared<const re2::RE2>(text, options);
  }
  return place->ok() ? place : nullptr;
}

namespace {

// Rough chance that a predicate holds for an event of its kind; only the order matters. Rules resemble what they look
// for, so how often rules use a text or gram is taken for how common it is.
constexpr double kExactChance = 0.003;
constexpr double kEndChance = 0.003;
constexpr double kContainsChance = 0.002;
constexpr double kPairChance = 0.2;  // Of two letters.
constexpr double kScanCost = 0.001;  // A literal anywhere makes its field be scanned.
constexpr double kTinyLiteralChance = 0.2;
constexpr double kNoWitness = 1e9;
constexpr std::size_t kMinGroup = 4;  // Alternatives of an Or from which a group is worth its node.

// Texts that fill the logs of any Windows, Linux or cloud estate: rules name them often, but as context.
constexpr std::string_view kCommonTexts[] = {"\\windows\\",
                                             "\\windows",
                                             "c:\\",
                                             "\\system32\\",
                                             "\\system32",
                                             "\\syswow64\\",
                                             "\\program files\\",
                                             "\\program files (x86)\\",
                                             "\\programdata\\",
                                             "\\users\\",
                                             "\\appdata\\",
                                             "\\local\\",
                                             "\\roaming\\",
                                             "\\temp\\",
                                             "\\microsoft\\",
                                             "\\microsoft",
                                             ".exe",
                                             ".dll",
                                             "\\software\\",
                                             "\\currentversion\\",
                                             "\\system\\",
                                             "hklm\\",
                                             "hku\\",
                                             "microsoft",
                                             "windows",
                                             "authori",
                                             "autori",
                                             "system",
                                             "http://",
                                             "https://",
                                             "/usr/bin/",
                                             "/usr/sbin/",
                                             "/bin/",
                                             "/tmp/",
                                             "/etc/",
                                             "/var/",
                                             ".com",
                                             "success",
                                             "true",
                                             "false",
                                             "medium",
                                             "high",
                                             "setvalue",
                                             "\\svchost.exe",
                                             "\\explorer.exe",
                                             "\\services.exe",
                                             "\\cmd.exe",
                                             "\\powershell.exe",
                                             "\\conhost.exe"};
constexpr double kCommonShare = 0.7;
constexpr double kCommonChance = 0.3;

struct WitnessSet {
  double chance = kNoWitness;
  std::vector<std::uint32_t> predicates;
};

class Builder {
 public:
  Builder(const std::vector<sigma::Rule>& rules, const SourceRow* row, const std::vector<KnownField>& known,
          RegexCache& regexes)
      : rules_(rules), row_(row), regexes_(regexes), program_(std::make_unique<Program>()) {
    for (const KnownField& field : known) known_.emplace(field.name, &field.state);
    program_->slots.emplace_back();
  }

  std::unique_ptr<Program> build(const std::vector<std::uint32_t>& rule_indexes, std::uint32_t view) {
    program_->view = view;
    for (const std::uint32_t index : rule_indexes) {
      const sigma::Rule& rule = rules_[index];
      leaf_predicates_.assign(rule.leaves.size(), LiteralUse::kNone);
      const std::uint32_t root = expression(rule, rule.condition);
      if (program_->nodes[root].kind == Node::Kind::kFalse) continue;
      add_rule(index, root);
    }
    count_usage();
    for (std::uint32_t i = 0; i < program_->rules.size(); ++i) choose_witnesses(i);
    build_indexes();
    order_children();
    return std::move(program_);
  }

 private:
  // --- Rules to nodes.
  std::uint32_t add_node(Node node) {
    program_->nodes.push_back(node);
    return static_cast<std::uint32_t>(program_->nodes.size() - 1);
  }
  std::uint32_t constant(bool value) { return add_node({value ? Node::Kind::kTrue : Node::Kind::kFalse, 0, 0}); }

  std::uint32_t expression(const sigma::Rule& rule, const Expr& expr) {
    switch (expr.kind) {
      case Expr::Kind::kTrue: return constant(true);
      case Expr::Kind::kFalse: return constant(false);
      case Expr::Kind::kSelection: return expression(rule, rule.selections[expr.index].expr);
      case Expr::Kind::kLeaf: return leaf(rule, expr.index);
      case Expr::Kind::kNot: return negation(expression(rule, expr.children[0]));
      case Expr::Kind::kAnd:
      case Expr::Kind::kOr: return group(rule, expr);
    }
    return constant(false);
  }

  void add_rule(std::uint32_t index, std::uint32_t root) {
    predicate_rules_.resize(program_->predicates.size());
    ProgramRule rule{
        .rule_index = index, .root = root, .first_slot = static_cast<std::uint32_t>(program_->rule_slots.size())};
    bool keyword = false;
    collect_slots(root, keyword);
    const auto begin = program_->rule_slots.begin() + rule.first_slot;
    std::sort(begin, program_->rule_slots.end());
    program_->rule_slots.erase(std::unique(begin, program_->rule_slots.end()), program_->rule_slots.end());
    rule.slot_count = static_cast<std::uint32_t>(program_->rule_slots.size()) - rule.first_slot;
    rule.memoisable = !keyword && rule.slot_count <= ProgramRule::kMaxMemoSlots;
    program_->rules.push_back(rule);
  }

  void collect_slots(std::uint32_t number, bool& keyword) {
    const Node& node = program_->nodes[number];
    for (std::uint32_t i = 0; i < node.count; ++i) collect_slots(program_->children[node.first + i], keyword);
    if (node.kind != Node::Kind::kPredicate) return;
    const Predicate& predicate = program_->predicates[node.first];
    const auto rule = static_cast<std::uint32_t>(program_->rules.size());
    auto& rules = predicate_rules_[node.first];
    if (rules.empty() || rules.back() != rule) rules.push_back(rule);
    if (predicate.slot == kKeywordSlot)
      keyword = true;
    else
      program_->rule_slots.push_back(predicate.slot);
    if (predicate.op == Op::kFieldRef) program_->rule_slots.push_back(predicate.other_slot);
  }

  std::uint32_t negation(std::uint32_t child) {
    const Node::Kind kind = program_->nodes[child].kind;
    if (kind == Node::Kind::kTrue || kind == Node::Kind::kFalse) return constant(kind == Node::Kind::kFalse);
    const auto first = static_cast<std::uint32_t>(program_->children.size());
    program_->children.push_back(child);
    return add_node({Node::Kind::kNot, first, 1});
  }

  std::uint32_t group(const sigma::Rule& rule, const Expr& expr) {
    const bool all = expr.kind == Expr::Kind::kAnd;
    const Node::Kind neutral = all ? Node::Kind::kTrue : Node::Kind::kFalse;
    std::vector<std::uint32_t> kept;
    for (const Expr& child : expr.children) {
      const std::uint32_t node = expression(rule, child);
      const Node::Kind kind = program_->nodes[node].kind;
      if (kind == neutral) continue;
      if (kind == Node::Kind::kTrue || kind == Node::Kind::kFalse) return constant(!all);
      if (kind == (all ? Node::Kind::kAnd : Node::Kind::kOr)) {
        const Node& inner = program_->nodes[node];
        for (std::uint32_t i = 0; i < inner.count; ++i) kept.push_back(program_->children[inner.first + i]);
      } else {
        kept.push_back(node);
      }
    }
    if (kept.empty()) return constant(all);
    if (kept.size() == 1) return kept[0];
    const auto first = static_cast<std::uint32_t>(program_->children.size());
    program_->children.insert(program_->children.end(), kept.begin(), kept.end());
    return add_node({all ? Node::Kind::kAnd : Node::Kind::kOr, first, static_cast<std::uint32_t>(kept.size())});
  }

  std::uint32_t leaf(const sigma::Rule& rule, std::uint32_t index) {
    const Leaf& from = rule.leaves[index];
    if (const auto decided = decide(from)) return constant(*decided);
    if (leaf_predicates_[index] == LiteralUse::kNone) leaf_predicates_[index] = predicate(from);
    return add_node({Node::Kind::kPredicate, leaf_predicates_[index], 0});
  }

  const FieldRule* field_rule(const std::string& field) const { return rule_for(row_, field); }

  // The value of the leaf where the kind of event tells it already.
  std::optional<bool> decide(const Leaf& from) const {
    if (from.keyword || from.op == Op::kFieldRef) return {};
    const FieldRule* rule = field_rule(from.field);
    if (rule != nullptr && !rule->values.empty()) return {};
    const std::string field = event_name(rule, from.field);
    const auto known = known_.find(field);
    const FieldState* state = known == known_.end() ? nullptr : known->second;
    if (state == nullptr || state->kind == FieldState::Kind::kUnknown) return {};
    const bool absent = state->kind == FieldState::Kind::kAbsent;
    if (from.op == Op::kExists) return absent != from.exists;
    if (from.op == Op::kNull) return absent || state->kind == FieldState::Kind::kNull;
    if (absent || state->kind == FieldState::Kind::kNull) return false;
    if (from.op != Op::kPattern || from.cased) return {};
    const CompiledPattern pattern = compile_pattern(from.pattern, false);
    if (state->kind == FieldState::Kind::kKnown) return pattern_matches(pattern, state->value, state->value);
    if (pattern.shape == Shape::kExact) return false;
    if (pattern.shape == Shape::kAny) return true;
    return {};
  }

  std::uint32_t slot_for(const std::string& field) {
    const FieldRule* rule = field_rule(field);
    const std::string event_field = event_name(rule, field);
    if (rule != nullptr && rule->values.empty()) rule = nullptr;
    auto [place, fresh] = slot_numbers_.try_emplace({event_field, rule}, static_cast<std::uint32_t>(program_->slots.size()));
    if (fresh) {
      Slot& slot = program_->slots.emplace_back();
      slot.event_field = event_field;
      slot.rule = rule;
    }
    return place->second;
  }

  // Equal comparisons give equal keys; what has no useful key stays alone.
  std::string predicate_key(const Leaf& from, std::uint32_t slot) const {
    std::string key = std::to_string(slot) + '/' + std::to_string(static_cast<int>(from.op)) + (from.cased ? "c" : "i");
    if (from.op == Op::kPattern) {
      for (const sigma::PatternPart& part : from.pattern) {
        key += std::to_string(static_cast<int>(part.kind)) + ':' + std::to_string(part.text.size()) + ':' +
               (from.cased ? part.text : core::fold_utf8(part.text));
      }
    } else if (from.op == Op::kRegex) {
      key += regex_text(from);
    } else if (from.op == Op::kExists) {
      key += from.exists ? '1' : '0';
    } else if (from.op != Op::kNull) {
      return {};
    }
    return key;
  }

  std::uint32_t predicate(const Leaf& from) {
    const std::uint32_t slot = from.keyword ? kKeywordSlot : slot_for(from.field);
    std::string key = predicate_key(from, slot);
    if (!key.empty()) {
      const auto found = predicate_numbers_.find(key);
      if (found != predicate_numbers_.end()) return found->second;
    }
    const auto number = static_cast<std::uint32_t>(program_->predicates.size());
    if (!key.empty()) predicate_numbers_.emplace(std::move(key), number);
    Predicate made;
    made.op = from.op;
    made.slot = slot;
    made.leaf = &from;
    if (from.op == Op::kPattern) made.pattern = compile_pattern(from.pattern, from.cased);
    if (from.op == Op::kRegex) {
      made.regex = regexes_.get(regex_text(from));
      made.needs = regex_needs(from.text);
      made.line_length = line_length_asked(from);
    }
    made.costly = from.op == Op::kRegex || from.op == Op::kCidr || from.op == Op::kTimePart ||
                  (from.op == Op::kPattern && made.pattern.shape == Shape::kGlob);
    if (from.op == Op::kFieldRef) made.other_slot = slot_for(from.text);
    if (from.keyword) program_->keywords = true;
    program_->predicates.push_back(std::move(made));
    return number;
  }

  // --- Witnesses.
  // The literal through which a predicate can be found; empty: none.
  struct Handle {
    Shape shape = Shape::kContains;
    std::string text;
    bool exact = false;  // Finding the literal decides the predicate.
  };
  static Handle handle_of(const Predicate& from) {
    Handle out;
    if (from.op == Op::kRegex) {
      out.text = from.needs.literal;
    } else if (from.op == Op::kPattern && from.pattern.shape == Shape::kGlob) {
      out.text = core::fold_utf8(required_literal(from.pattern));
    } else if (from.op == Op::kPattern && from.pattern.shape >= Shape::kExact) {
      out = {from.pattern.shape, core::fold_utf8(from.pattern.literal), !from.pattern.cased};
      if (out.shape == Shape::kExact) return out;
    }
    if (!indexable(out.shape, out.text)) out.text.clear();
    return out;
  }

  static std::string use_key(std::uint32_t slot, const Handle& handle) {
    return std::to_string(slot) + '/' + std::to_string(static_cast<int>(handle.shape)) + '/' + handle.text;
  }

  void count_usage() {
    handles_.reserve(program_->predicates.size());
    for (const Predicate& predicate : program_->predicates) handles_.push_back(handle_of(predicate));
    // Once per rule and predicate, as nodes are one per leaf.
    for (const Node& node : program_->nodes) {
      if (node.kind != Node::Kind::kPredicate) continue;
      const Handle& handle = handles_[node.first];
      if (handle.text.empty()) continue;
      const std::uint32_t slot = program_->predicates[node.first].slot;
      ++use_counts_[use_key(slot, handle)];
      for (std::size_t at = 0; at + 4 <= handle.text.size(); ++at) ++gram_counts_[gram_key(slot, handle.text, at)];
    }
  }

  static std::uint64_t gram_key(std::uint32_t slot, std::string_view text, std::size_t at) {
    std::uint32_t gram = 0;
    std::memcpy(&gram, text.data() + at, 4);
    return static_cast<std::uint64_t>(slot) << 32 | gram;
  }

  // How much of a literal is made of texts that are everywhere, from 0 to 1.
  static double common_share(std::string_view text) {
    std::vector<bool> covered(text.size());
    for (const std::string_view common : kCommonTexts) {
      for (std::size_t at = text.find(common); at != std::string_view::npos; at = text.find(common, at + 1)) {
        std::fill_n(covered.begin() + static_cast<std::ptrdiff_t>(at), common.size(), true);
      }
    }
    return static_cast<double>(std::count(covered.begin(), covered.end(), true)) /
           static_cast<double>(std::max<std::size_t>(1, text.size()));
  }

  // Of 2 or 3 bytes, or not ASCII.
  static double short_chance(std::string_view text) {
    if (!core::is_ascii(text)) return kContainsChance;
    double chance = text.size() == 2 ? kPairChance : kPairChance / 4;
    for (const char c : text) {
      if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == ' ' || c == '-' || c == '/' || c == '.')) chance /= 4;
    }
    return chance;
  }

  double chance_of(std::uint32_t number) const {
    const Handle& handle = handles_[number];
    const std::uint32_t slot = program_->predicates[number].slot;
    if (handle.text.empty()) return kNoWitness;
    double chance = common_share(handle.text) >= kCommonShare ? kCommonChance : 0;
    if (handle.shape == Shape::kContains) {
      std::uint32_t rarest = ~0U;
      for (std::size_t at = 0; at + 4 <= handle.text.size(); ++at)
        rarest = std::min(rarest, gram_counts_.at(gram_key(slot, handle.text, at)));
      if (rarest == ~0U) return short_chance(handle.text);
      chance +=
          kContainsChance * rarest * 8 / static_cast<double>(std::min<std::size_t>(handle.text.size(), 32)) + kScanCost;
    } else {
      chance += (handle.shape == Shape::kExact ? kExactChance : kEndChance) * use_counts_.at(use_key(slot, handle));
      if (handle.text.size() <= 2) chance += kTinyLiteralChance;
    }
    return chance;
  }

  // The best set of predicates of which one must be true for `node` to be.
  WitnessSet witnesses(std::uint32_t number) const {
    const Node& node = program_->nodes[number];
    WitnessSet out;
    if (node.kind == Node::Kind::kPredicate) {
      out.chance = chance_of(node.first);
      if (out.chance < kNoWitness) out.predicates.push_back(node.first);
    } else if (node.kind == Node::Kind::kAnd) {
      for (std::uint32_t i = 0; i < node.count; ++i) {
        WitnessSet child = witnesses(program_->children[node.first + i]);
        if (child.chance < out.chance) out = std::move(child);
      }
    } else if (node.kind == Node::Kind::kOr) {
      out.chance = 0;
      for (std::uint32_t i = 0; i < node.count; ++i) {
        WitnessSet child = witnesses(program_->children[node.first + i]);
        if (child.chance >= kNoWitness) return {};
        out.chance += child.chance;
        out.predicates.insert(out.predicates.end(), child.predicates.begin(), child.predicates.end());
      }
    }
    return out;
  }

  void choose_witnesses(std::uint32_t rule) {
    const WitnessSet set = witnesses(program_->rules[rule].root);
    if (set.predicates.empty()) {
      program_->always.push_back(rule);
      return;
    }
    for (const std::uint32_t predicate : set.predicates) witness_rules_[predicate].push_back(rule);
  }

  // Which literals each slot looks for, and what their presence means.
  struct SlotUses {
    std::vector<std::vector<LiteralUse>> witnesses, rest;
    std::vector<std::vector<std::uint32_t>> reached;
  };

  void build_indexes() {
    std::map<std::string, std::uint32_t> literal_numbers;
    std::vector<SlotUses> uses(program_->slots.size());
    literal_of_.assign(program_->predicates.size(), LiteralUse::kNone);
    for (std::uint32_t p = 0; p < program_->predicates.size(); ++p) {
      const auto found = witness_rules_.find(p);
      if (found == witness_rules_.end()) continue;
      Predicate& predicate = program_->predicates[p];
      const Handle& handle = handles_[p];
      const std::string key = use_key(predicate.slot, handle);
      auto place = literal_numbers.find(key);
      if (place == literal_numbers.end()) {
        place = literal_numbers.emplace(key, program_->slots[predicate.slot].index.add(handle.shape, handle.text)).first;
        uses[predicate.slot].witnesses.emplace_back();
        uses[predicate.slot].reached.emplace_back();
      }
      literal_of_[p] = place->second;
      predicate.decided = handle.exact;
      if (handle.exact) uses[predicate.slot].witnesses[place->second].push_back({p, LiteralUse::kNone});
      auto& reached = uses[predicate.slot].reached[place->second];
      reached.insert(reached.end(), found->second.begin(), found->second.end());
    }
    build_rest(uses);
    build_groups(uses);
    program_->keywords_anywhere = keywords_anywhere();
    program_->keyword_values = !program_->keywords_anywhere ||
                               std::any_of(program_->predicates.begin(), program_->predicates.end(), [](const Predicate& p) {
                                 return p.slot == kKeywordSlot && !p.decided && !p.in_rest;
                               });
    for (std::size_t s = 0; s < program_->slots.size(); ++s) {
      Slot& slot = program_->slots[s];
      slot.index.build();
      slot.rest.build();
      flatten(uses[s].witnesses, slot.literal_first);
      flatten(uses[s].rest, slot.rest_first);
      slot.reached = by_literal(std::move(uses[s].reached), slot.index.size());
    }
    predicate_rules_.resize(program_->predicates.size());  // The last ones may be of rules that were left out.
    build_filters(*program_, predicate_rules_, literal_of_);
  }

  bool keywords_anywhere() const {
    for (std::uint32_t p = 0; p < program_->predicates.size(); ++p) {
      if (program_->predicates[p].slot == kKeywordSlot && literal_of_[p] != LiteralUse::kNone &&
          handles_[p].shape != Shape::kContains)
        return false;
    }
    return true;
  }

  void flatten(const std::vector<std::vector<LiteralUse>>& lists, std::vector<std::uint32_t>& first) {
    for (const auto& list : lists) {
      first.push_back(static_cast<std::uint32_t>(program_->uses.size()));
      program_->uses.insert(program_->uses.end(), list.begin(), list.end());
    }
    first.push_back(static_cast<std::uint32_t>(program_->uses.size()));
  }

  void build_rest(std::vector<SlotUses>& uses) {
    for (std::uint32_t p = 0; p < program_->predicates.size(); ++p) {
      Predicate& predicate = program_->predicates[p];
      const Handle& handle = handles_[p];
      if (predicate.decided || !handle.exact || handle.text.empty()) continue;
      predicate.in_rest = true;
      literal_of_[p] = program_->slots[predicate.slot].rest.add(handle.shape, handle.text);
      uses[predicate.slot].rest.push_back({{p, LiteralUse::kNone}});
    }
  }

  // In each Or, the predicates that one index finds become one group, so that long lists cost one look.
  void build_groups(std::vector<SlotUses>& uses) {
    const std::size_t node_count = program_->nodes.size();
    for (std::uint32_t n = 0; n < node_count; ++n) {
      if (program_->nodes[n].kind != Node::Kind::kOr || program_->nodes[n].count < kMinGroup) continue;
      std::map<std::pair<std::uint32_t, bool>, std::vector<std::uint32_t>> parts;  // (slot, in rest) -> children.
      std::vector<std::uint32_t> others;
      for (std::uint32_t i = 0; i < program_->nodes[n].count; ++i) {
        const std::uint32_t child = program_->children[program_->nodes[n].first + i];
        const Node& node = program_->nodes[child];
        const Predicate* predicate = node.kind == Node::Kind::kPredicate ? &program_->predicates[node.first] : nullptr;
        if (predicate != nullptr && (predicate->decided || predicate->in_rest))
          parts[{predicate->slot, predicate->in_rest}].push_back(child);
        else
          others.push_back(child);
      }
      for (auto& [key, members] : parts) {
        if (members.size() < kMinGroup) {
          others.insert(others.end(), members.begin(), members.end());
          continue;
        }
        const std::uint32_t group = program_->group_count++;
        for (const std::uint32_t member : members) {
          const std::uint32_t p = program_->nodes[member].first;
          auto& lists = key.second ? uses[key.first].rest : uses[key.first].witnesses;
          lists[literal_of_[p]].push_back({LiteralUse::kNone, group});
        }
        others.push_back(add_node({Node::Kind::kGroup, group, 0, key.first, key.second}));
      }
      program_->nodes[n].count = static_cast<std::uint32_t>(others.size());
      std::copy(others.begin(), others.end(), program_->children.begin() + program_->nodes[n].first);
    }
  }

  // --- Order of evaluation: what is known or cheap first, regular expressions and large groups last.
  double leaf_cost(const Node& node) const {
    if (node.kind == Node::Kind::kGroup) return node.in_rest ? 30 : 0;
    if (node.kind == Node::Kind::kPredicate) {
      const Predicate& predicate = program_->predicates[node.first];
      if (predicate.decided) return 0;
      if (predicate.slot == kKeywordSlot) return 200;
      switch (predicate.op) {
        case Op::kRegex: return 100;
        case Op::kPattern:
          return predicate.pattern.shape == Shape::kContains ? 4 : predicate.pattern.shape == Shape::kGlob ? 8 : 1;
        default: return 10;
      }
    }
    return 0;
  }

  void order_children() {
    costs_.assign(program_->nodes.size(), -1);
    for (const ProgramRule& rule : program_->rules) order(rule.root);
  }

  double order(std::uint32_t number) {
    if (costs_[number] >= 0) return costs_[number];
    const Node& node = program_->nodes[number];
    double cost = leaf_cost(node);
    if (node.kind == Node::Kind::kAnd || node.kind == Node::Kind::kOr || node.kind == Node::Kind::kNot) {
      const auto begin = program_->children.begin() + node.first;
      for (std::uint32_t i = 0; i < node.count; ++i) cost += order(begin[i]);
      std::stable_sort(begin, begin + node.count, [&](std::uint32_t a, std::uint32_t b) { return costs_[a] < costs_[b]; });
    }
    return costs_[number] = cost;
  }

  const std::vector<sigma::Rule>& rules_;
  const SourceRow* row_;
  std::unordered_map<std::string_view, const FieldState*> known_;  // By the event's field.
  RegexCache& regexes_;
  std::unique_ptr<Program> program_;
  std::vector<std::uint32_t> leaf_predicates_;
  std::vector<std::vector<std::uint32_t>> predicate_rules_;
  std::map<std::pair<std::string, const FieldRule*>, std::uint32_t> slot_numbers_;
  std::unordered_map<std::string, std::uint32_t> predicate_numbers_;
  std::vector<Handle> handles_;
  std::unordered_map<std::string, std::uint32_t> use_counts_;
  std::unordered_map<std::uint64_t, std::uint32_t> gram_counts_;
  std::unordered_map<std::uint32_t, std::vector<std::uint32_t>> witness_rules_;
  std::vector<std::uint32_t> literal_of_;  // Predicate -> its literal in its slot's index or rest.
  std::vector<double> costs_;
};

}  // namespace

std::unique_ptr<Program> build_program(const std::vector<sigma::Rule>& rules, const std::vector<std::uint32_t>& rule_indexes,
                                       const SourceRow* row, std::uint32_t view, const std::vector<KnownField>& known,
                                       RegexCache& regexes) {
  return Builder(rules, row, known, regexes).build(rule_indexes, view);
}

}  // namespace tocsin::detect
