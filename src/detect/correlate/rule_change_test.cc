// State saved with one rule set and restored with another: what did not change goes on as if nothing had happened.
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "detect/correlate/random_streams.h"
#include "detect/correlate/state.h"

namespace tocsin::detect {
namespace {

using namespace correlate;  // NOLINT(google-build-using-namespace)

// Titles are unique in these tests, and never change.
const std::string& title_of(const RuleSet& set, std::uint32_t index) {
  return index < set.rules.size() ? set.rules[index].info.title : set.correlations[index - set.rules.size()].info.title;
}

std::uint32_t rule_titled(const RuleSet& set, const std::string& title) {
  std::uint32_t index = 0;
  while (index < set.rules.size() + set.correlations.size() && title_of(set, index) != title) ++index;
  return index;
}

sigma::Rule plain_rule(const std::string& title) {
  sigma::Rule rule;
  rule.info.title = title;
  rule.info.id = "id of " + title;
  return rule;
}

// A rule set in pieces, so that rules and correlations may come, go and change places.
class Editor {
 public:
  explicit Editor(const RuleSet& set) : rules(set.rules) {
    for (const sigma::CorrelationRule& rule : set.correlations) {
      correlations.push_back({rule, {}});
      for (const std::uint32_t index : rule.rules) correlations.back().refers.push_back(title_of(set, index));
    }
  }
  struct Item {
    sigma::CorrelationRule rule;
    std::vector<std::string> refers;  // Titles.
  };
  Item& correlation(const std::string& title) {
    return *std::find_if(correlations.begin(), correlations.end(),
                         [&](const Item& item) { return item.rule.info.title == title; });
  }
  // With all that refer to it, near and far.
  void remove(const std::string& title) {
    std::erase_if(rules, [&](const sigma::Rule& rule) { return rule.info.title == title; });
    std::erase_if(correlations, [&](const Item& item) { return item.rule.info.title == title; });
    for (const std::string& dependent : dependents(title)) remove(dependent);
  }
  [[nodiscard]] std::vector<std::string> dependents(const std::string& title) const {
    std::vector<std::string> found;
    for (const Item& item : correlations) {
      if (std::find(item.refers.begin(), item.refers.end(), title) != item.refers.end())
        found.push_back(item.rule.info.title);
    }
    return found;
  }
  // Correlations in the order given, but for those whose turn has to wait for one they refer to.
  [[nodiscard]] RuleSet set() const {
    RuleSet set;
    set.rules = rules;
    std::vector<Item> left = correlations;
    while (!left.empty()) {
      const auto known = [&](const std::string& title) {
        return rule_titled(set, title) < set.rules.size() + set.correlations.size();
      };
      const auto ready = std::find_if(left.begin(), left.end(), [&](const Item& item) {
        return std::all_of(item.refers.begin(), item.refers.end(), known);
      });
      if (ready == left.end()) break;
      ready->rule.rules.clear();
      for (const std::string& title : ready->refers) ready->rule.rules.push_back(rule_titled(set, title));
      set.correlations.push_back(ready->rule);
      left.erase(ready);
    }
    EXPECT_TRUE(left.empty());
    return set;
  }

  std::vector<sigma::Rule> rules;
  std::vector<Item> correlations;
};

RuleSet with_first_rule(const RuleSet& set) {
  Editor editor(set);
  editor.rules.insert(editor.rules.begin(), plain_rule("new"));
  return editor.set();
}

struct Event {
  std::string rule = "A";
  std::int64_t second = 0;
  std::string user = "bob", value = "1";
};

void give(Correlator& correlator, const RuleSet& set, const Event& event, std::vector<CorrelationFinding>& out) {
  Occurrence occurrence;
  occurrence.rule_index = rule_titled(set, event.rule);
  occurrence.event_time.ns = event.second * kSecond;
  occurrence.order = occurrence.record = static_cast<std::uint64_t>(event.second);
  occurrence.file = "f";
  for (const std::string& field : correlator.needed_fields(occurrence.rule_index))
    occurrence.values.push_back({field == "user" ? event.user : event.value});
  correlator.add(std::move(occurrence), out);
}

// The state after these events.
std::string state_after(const RuleSet& set, const std::vector<Event>& events, CorrelatorOptions options = {}) {
  Correlator correlator(set, options);
  std::vector<CorrelationFinding> out;
  for (const Event& event : events) give(correlator, set, event, out);
  return correlator.save();
}

// Titles of the correlations that find something in these events, having gone on from `state`.
std::multiset<std::string> found_after(const RuleSet& set, const std::string& state, const std::vector<Event>& events,
                                       RestoreReport* report = nullptr) {
  Correlator correlator(set, {});
  const auto restored = correlator.restore(state);
  EXPECT_TRUE(restored.ok());
  if (restored.ok() && report != nullptr) *report = *restored;
  std::vector<CorrelationFinding> out;
  for (const Event& event : events) give(correlator, set, event, out);
  correlator.finish(out);
  std::multiset<std::string> titles;
  for (const CorrelationFinding& finding : out) titles.insert(set.correlations[finding.correlation_index].info.title);
  return titles;
}

using Titles = std::multiset<std::string>;

// C0: three of A within 100 s, by user.
RuleBuilder three_of_a() {
  RuleBuilder rules;
  rules.add(CorrelationType::kEventCount, {0}, 100).by({"user"}).when(CountOp::kGreaterEqual, 3);
  return rules;
}

TEST(RuleChange, WindowsOutliveAnAddedRule) {
  const RuleBuilder rules = three_of_a();
  RestoreReport report;
  EXPECT_EQ(found_after(with_first_rule(rules.set()), state_after(rules.set(), {{.second = 1}, {.second = 2}}),
                        {{.second = 3}}, &report),
            Titles{"C0"});
  EXPECT_EQ(report.kept_correlations, 1u);
  EXPECT_EQ(report.kept_groups, 1u);
  EXPECT_FALSE(report.dropped_any());
}

TEST(RuleChange, RulesWithoutIdAreKnownByPathAndTitle) {
  Editor editor(three_of_a().set());
  editor.rules[0].info.id.clear();
  editor.rules[0].info.path = "rules/a.yml";
  editor.correlations[0].rule.info.id.clear();
  editor.correlations[0].rule.info.path = "rules/a.yml";
  const RuleSet before = editor.set();
  const std::string state = state_after(before, {{.second = 1}, {.second = 2}});
  EXPECT_EQ(found_after(with_first_rule(before), state, {{.second = 3}}), Titles{"C0"});
  editor.rules[0].info.path = "rules/b.yml";
  EXPECT_EQ(found_after(editor.set(), state, {{.second = 3}}), Titles{});
}

TEST(RuleChange, RulesOfOneNameAreToldApartByTheirOrder) {
  Editor editor(three_of_a().set());
  for (sigma::Rule& rule : editor.rules) rule.info.id = "same";
  const RuleSet before = editor.set();
  const std::string state = state_after(before, {{.second = 1}, {.second = 2}});
  EXPECT_EQ(found_after(with_first_rule(before), state, {{.second = 3}}), Titles{"C0"});
  editor.correlations[0].refers = {"B"};  // The second of that name.
  EXPECT_EQ(found_after(editor.set(), state, {{.rule = "B", .second = 3}}), Titles{});
}

TEST(RuleChange, AChangedMeaningBeginsAnewAndIsCounted) {
  const RuleBuilder rules = three_of_a();
  const std::string state = state_after(rules.set(), {{.second = 1}, {.second = 2}, {.second = 2, .user = "eve"}});
  const auto changed = [&](auto change) {
    Editor editor(rules.set());
    change(editor.correlations[0]);
    RestoreReport report;
    EXPECT_EQ(found_after(editor.set(), state, {{.second = 3}}, &report), Titles{});
    EXPECT_EQ(report.kept_correlations, 0u);
    EXPECT_EQ(report.dropped_correlations, 1u);
    EXPECT_EQ(report.dropped_groups, 2u);
  };
  changed([](Editor::Item& item) { item.rule.timespan_ns += kSecond; });
  changed([](Editor::Item& item) { item.rule.conditions[0].value = 2; });
  changed([](Editor::Item& item) { item.rule.conditions[0].op = CountOp::kGreater; });
  changed([](Editor::Item& item) { item.rule.group_by.clear(); });
  changed([](Editor::Item& item) { item.rule.info.id = "another"; });
  changed([](Editor::Item& item) { item.rule.aliases.push_back({"user", {{0, "target"}}}); });
  changed([](Editor::Item& item) { item.refers.push_back("B"); });
}

TEST(RuleChange, WhatIsOnlyShownMayChange) {
  const RuleBuilder rules = three_of_a();
  Editor editor(rules.set());
  editor.correlations[0].rule.info.level = model::Level::kCritical;
  editor.correlations[0].rule.info.title = "Renamed";
  editor.rules[0].info.description = "words";
  EXPECT_EQ(found_after(editor.set(), state_after(rules.set(), {{.second = 1}, {.second = 2}}), {{.second = 3}}),
            Titles{"Renamed"});
}

// C0 three of A; C1 two of C0 by user; C2 C1 and B.
RuleBuilder chain() {
  RuleBuilder rules = three_of_a();
  rules.add(CorrelationType::kEventCount, {rules.correlation(0)}, 1'000).by({"user"}).when(CountOp::kGreaterEqual, 2);
  rules.add(CorrelationType::kTemporal, {rules.correlation(1), 1}, 1'000).by({"user"});
  return rules;
}

const std::vector<Event> kTwice = {{.second = 1},   {.second = 2},   {.second = 3},
                                   {.second = 301}, {.second = 302}, {.second = 303}};

TEST(RuleChange, ChainsGoOnWhereTheirLinksAreTheSame) {
  const RuleBuilder rules = chain();
  for (std::size_t cut = 0; cut <= kTwice.size(); ++cut) {
    const auto at = kTwice.begin() + static_cast<std::ptrdiff_t>(cut);
    std::vector<Event> rest(at, kTwice.end());
    rest.push_back({.rule = "B", .second = 400});
    EXPECT_EQ(found_after(with_first_rule(rules.set()), state_after(rules.set(), {kTwice.begin(), at}), rest).count("C2"),
              1u)
        << cut;
  }
}

TEST(RuleChange, AChangedMiddleOfAChainLosesItsOwnWindowsOnly) {
  const RuleBuilder rules = chain();
  Editor editor(rules.set());
  editor.correlation("C1").rule.timespan_ns += kSecond;
  RestoreReport report;
  // Before C1 has found anything: what it counted is gone, so the second C0 is its first.
  EXPECT_EQ(found_after(editor.set(), state_after(rules.set(), {kTwice.begin(), kTwice.begin() + 5}),
                        {kTwice.back(), {.rule = "B", .second = 400}}, &report),
            Titles{"C0"});
  EXPECT_EQ(report.kept_correlations, 1u);
  EXPECT_EQ(report.dropped_correlations, 1u);
  // After: what C1 handed on stays with C2.
  EXPECT_EQ(found_after(editor.set(), state_after(rules.set(), kTwice), {{.rule = "B", .second = 400}}, &report),
            (Titles{"C0", "C2"}));
  EXPECT_EQ(report.kept_correlations, 2u);
  EXPECT_EQ(report.dropped_correlations, 1u);
}

CorrelatorOptions late(std::int64_t seconds) {
  CorrelatorOptions options;
  options.lateness_ns = seconds * kSecond;
  return options;
}

TEST(RuleChange, WaitingOccurrencesFindTheirFieldsAgain) {
  const RuleBuilder rules = three_of_a();
  Editor editor(with_first_rule(rules.set()));
  // Another that wants another field of A, ahead of the one that waits.
  RuleBuilder more;
  more.add(CorrelationType::kValueCount, {0}, 50).by({"host"}).of({"v"}).when(CountOp::kGreaterEqual, 1);
  editor.correlations.insert(editor.correlations.begin(), {more.set().correlations[0], {"A"}});
  editor.correlations[0].rule.info.title = editor.correlations[0].rule.info.id = "other";
  RestoreReport report;
  EXPECT_EQ(found_after(editor.set(), state_after(rules.set(), {{.second = 1}, {.second = 2}, {.second = 3}}, late(60)), {},
                        &report),
            Titles{"C0"})
      << "the new one has no values to take of what waited";
  EXPECT_FALSE(report.dropped_any());
  const RuleSet both = editor.set();
  EXPECT_EQ(found_after(rules.set(), state_after(both, {{.second = 1}, {.second = 2}, {.second = 3}}, late(60)), {}),
            Titles{"C0"})
      << "the field that nobody wants any more is passed over";
}

TEST(RuleChange, WaitingOccurrencesOfARuleThatIsGoneAreCounted) {
  RuleBuilder rules = three_of_a();
  rules.add(CorrelationType::kEventCount, {1}, 100).when(CountOp::kGreaterEqual, 1);
  const std::string state = state_after(rules.set(), {{.second = 1}, {.second = 2}, {.rule = "B", .second = 2}}, late(60));
  RestoreReport report;
  Editor gone(rules.set());
  gone.remove("A");
  EXPECT_EQ(found_after(gone.set(), state, {}, &report), Titles{"C1"});
  EXPECT_EQ(report.dropped_occurrences, 2u);
  Editor unused(rules.set());
  unused.remove("C0");
  EXPECT_EQ(found_after(unused.set(), state, {}, &report), Titles{"C1"});
  EXPECT_EQ(report.dropped_occurrences, 2u);
}

TEST(RuleChange, NothingOfAForeignStateIsLeftBehind) {
  const RuleBuilder rules = all_types();
  RuleBuilder other;
  other.add(CorrelationType::kEventCount, {2}, 5).when(CountOp::kGreaterEqual, 2);
  std::vector<Event> events;
  for (int i = 0; i < 30; ++i) events.push_back({.rule = std::string(1, static_cast<char>('A' + i % 2)), .second = i});
  Correlator correlator(other.set(), {});
  const auto report = correlator.restore(state_after(rules.set(), events, late(3)));
  ASSERT_TRUE(report.ok());
  EXPECT_EQ(report->kept_correlations, 0u);
  EXPECT_GT(report->dropped_correlations, 5u);
  EXPECT_GT(report->dropped_occurrences, 0u);
  std::vector<CorrelationFinding> out;
  correlator.finish(out);
  EXPECT_TRUE(out.empty());
  EXPECT_FALSE(correlator.due().known());
  Correlator again(other.set(), {});
  const auto second = again.restore(correlator.save());
  ASSERT_TRUE(second.ok());
  EXPECT_FALSE(second->dropped_any());
}

// Rule sets made of the first one, at random, as an operator may edit it. `keep_order`: what was there stays in its order.
class RandomEdits {
 public:
  RandomEdits(RuleSet first, Random& random, bool keep_order)
      : first_(std::move(first)), random_(random), keep_order_(keep_order) {}

  RuleSet next() {
    Editor editor(first_);
    if (!random_.one_in(3)) {
      const std::string title = title_of(first_, pick(first_.rules.size() + first_.correlations.size()));
      if (random_.one_in(2)) {
        editor.remove(title);
        touch(title);
      } else if (rule_titled(first_, title) >= first_.rules.size()) {
        editor.correlation(title).rule.timespan_ns += (1 + random_.below(3)) * kSecond;
        touch(title);
      }
    }
    if (!keep_order_) {
      for (std::size_t i = editor.rules.size(); i > 1; --i) std::swap(editor.rules[i - 1], editor.rules[pick(i)]);
    }
    for (std::int64_t i = random_.below(4); i > 0; --i) {
      const auto at = editor.rules.begin() + static_cast<std::ptrdiff_t>(pick(editor.rules.size() + 1));
      editor.rules.insert(at, plain_rule("new " + std::to_string(number_++)));
    }
    for (std::int64_t i = random_.below(3); i > 0; --i) add_correlation(editor);
    for (std::size_t i = editor.correlations.size(); i > 1 && !keep_order_; --i) {
      std::swap(editor.correlations[i - 1], editor.correlations[pick(i)]);
    }
    return editor.set();
  }
  // Whether it was the same all the time, and all that it rests on.
  [[nodiscard]] bool untouched(const std::string& title) const { return !touched_.contains(title); }

 private:
  std::uint32_t pick(std::size_t size) { return static_cast<std::uint32_t>(random_.below(static_cast<std::int64_t>(size))); }
  void touch(const std::string& title) {
    touched_.insert(title);
    for (const std::string& dependent : Editor(first_).dependents(title)) touch(dependent);
  }
  void add_correlation(Editor& editor) {
    if (editor.rules.empty()) return;
    const RuleBuilder made = random_rule(random_, static_cast<CorrelationType>(random_.below(7)));
    Editor::Item item{made.set().correlations[0], {}};
    item.rule.info.title = item.rule.info.id = "new " + std::to_string(number_++);
    for (std::size_t i = 0; i < item.rule.rules.size(); ++i) {
      const bool chained = !editor.correlations.empty() && random_.one_in(3);
      item.refers.push_back(chained ? editor.correlations[pick(editor.correlations.size())].rule.info.title
                                    : editor.rules[pick(editor.rules.size())].info.title);
    }
    // Ahead of what it refers to it may stand too: set() puts that right.
    const auto at = editor.correlations.begin() + static_cast<std::ptrdiff_t>(pick(editor.correlations.size() + 1));
    editor.correlations.insert(at, std::move(item));
  }

  RuleSet first_;
  Random& random_;
  bool keep_order_;
  std::set<std::string> touched_;
  int number_ = 0;
};

struct Shown {
  Found found;
  std::string reason;
  bool ongoing, update;
  std::vector<std::string> hosts;
  std::multiset<std::pair<std::uint64_t, std::string>> events;
  auto operator<=>(const Shown&) const = default;
};
// In no order: a rule less may let time go on later, and more findings become certain at once.
using ByTitle = std::map<std::string, std::multiset<Shown>>;

// `names`: with the rule of each event.
void collect(const RuleSet& set, bool names, std::vector<CorrelationFinding>& out, ByTitle& all) {
  for (const CorrelationFinding& finding : out) {
    Shown shown{found_of(finding), finding.reason, finding.ongoing, finding.update, finding.hosts, {}};
    for (const auto& event : finding.events) {
      shown.events.emplace(event.record, names ? title_of(set, event.rule_index) : std::string());
    }
    all[set.correlations[finding.correlation_index].info.title].insert(std::move(shown));
  }
  out.clear();
}

void give(Correlator& correlator, const RuleSet& set, const RuleSet& first, PlainEvent event,
          std::vector<CorrelationFinding>& out) {
  event.rule = rule_titled(set, first.rules[event.rule].info.title);
  if (event.rule < set.rules.size()) correlator.add(occurrence_of(event, correlator), out);
}

RuleSet some_without_id(Random& random) {
  RuleSet set = all_types().set();
  for (sigma::Rule& rule : set.rules) {
    rule.info.path = "rules.yml";
    if (random.one_in(3)) rule.info.id.clear();
  }
  for (sigma::CorrelationRule& rule : set.correlations) {
    rule.info.path = "rules.yml";
    if (random.one_in(3)) rule.info.id.clear();
  }
  return set;
}

// One run that changes its rules over and over beside one that never does. Gives the number of findings compared.
std::size_t compare_runs(std::uint64_t seed) {
  Random random(seed);
  const bool keep_order = random.one_in(2);
  const RuleSet first = some_without_id(random);
  RandomEdits edits(first, random, keep_order);
  CorrelatorOptions options;
  options.lateness_ns = random.below(10) * kSecond;
  options.emit_on_first = random.one_in(2);
  options.hash_seed = seed;
  std::vector<PlainEvent> events = shuffled(random_stream(random), options.lateness_ns, random);
  // Where one event matches several rules, or makes several correlations hold, these go in the order of the rule set: that
  // is then part of what is found.
  std::set<std::uint64_t> orders;
  if (!keep_order) std::erase_if(events, [&](const PlainEvent& event) { return !orders.insert(event.order).second; });
  Correlator whole(first, options);
  auto set = std::make_unique<RuleSet>(first);
  auto broken = std::make_unique<Correlator>(*set, options);
  std::vector<CorrelationFinding> out;
  ByTitle expected, found;
  for (const PlainEvent& event : events) {
    give(whole, first, first, event, out);
    collect(first, keep_order, out, expected);
    give(*broken, *set, first, event, out);
    collect(*set, keep_order, out, found);
    if (!random.one_in(8)) continue;
    auto next = std::make_unique<RuleSet>(random.one_in(5) ? first : edits.next());
    auto restored = std::make_unique<Correlator>(*next, options);
    EXPECT_TRUE(restored->restore(broken->save()).ok());
    broken = std::move(restored);
    set = std::move(next);
  }
  whole.finish(out);
  collect(first, keep_order, out, expected);
  broken->finish(out);
  collect(*set, keep_order, out, found);
  std::size_t compared = 0;
  for (const sigma::CorrelationRule& rule : first.correlations) {
    const std::string& title = rule.info.title;
    if (!edits.untouched(title)) continue;
    EXPECT_EQ(found[title] == expected[title], true)
        << title << ": " << found[title].size() << " findings, not " << expected[title].size();
    compared += expected[title].size();
  }
  return compared;
}

TEST(RuleChange, UntouchedCorrelationsFindTheSameAsAnUninterruptedRun) {
  std::size_t compared = 0;
  for (std::uint64_t seed = 1; seed <= 500 && !HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    compared += compare_runs(seed);
  }
  EXPECT_GT(compared, 2'000u) << "the streams must give findings to compare";
}

}  // namespace
}  // namespace tocsin::detect
