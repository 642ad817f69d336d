// Random rules on random events: the engine and the plain evaluator agree, also where kinds of events decide parts of
// rules and where fields are mapped. TOCSIN_LONG_TESTS=<factor> runs longer with other seeds.
#include <gtest/gtest.h>

#include <cstdlib>
#include <set>

#include "core/unicode.h"
#include "detect/match/random_rules.h"
#include "detect/match/test_events.h"

namespace tocsin::detect {
namespace {

constexpr std::size_t kRulesPerSet = 10;
constexpr std::size_t kEventsPerSet = 60;
constexpr std::size_t kSets = 1'000;
constexpr std::size_t kPoolEvents = 25;
constexpr std::size_t kRepeatingEvents = 600;  // Well past kMinMemoEvents, and each value past kUsesBeforeFilter.

std::size_t long_factor() {
  const char* text = std::getenv("TOCSIN_LONG_TESTS");
  return text == nullptr ? 1 : std::max<std::size_t>(1, std::strtoul(text, nullptr, 10));
}

std::string show(const PlainEvent& event) {
  std::string out;
  for (const PlainField& field : event.fields) {
    out += "  " + field.name + "=" + (field.type == model::ValueType::kNull ? "null" : "'" + field.value + "'") + "\n";
  }
  return out;
}

std::string rule_file(RandomRules& random, const std::vector<std::string>& sources) {
  std::string out;
  for (std::size_t i = 0; i < kRulesPerSet; ++i) out += (i == 0 ? "" : "---\n") + random.rule(i, sources);
  return out;
}

// What the small table of these tests says of an event, worked out by hand.
constexpr const char* kTable = R"(product: windows
rows:
  - {service: sec, when: {Channel: Sec}}
  - {category: proc, when: {Channel: Sys, EventID: 1}}
  - {category: any_proc, when: {A: '*', B: null}}
  - category: proc
    when: {Channel: Sec, EventID: [1, 2]}
    fields:
      A: MA
      B: {from: MB, as: decimal}
      C: {from: MC, values: {'x': 'mimikatz', '': 'cmd'}, prefixes: {'aa': 'cmd', 'Windows': '\'}}
)";
const std::vector<std::string> kSources{"{product: windows}",
                                        "{product: windows, service: sec}",
                                        "{product: windows, category: proc}",
                                        "{category: proc}",
                                        "{product: linux}",
                                        "{category: any_proc}",
                                        "{category: other}"};

bool has(const PlainEvent& event, const std::string& field, const std::set<std::string>& folded_values) {
  return std::any_of(event.fields.begin(), event.fields.end(), [&](const PlainField& f) {
    return f.name == field && f.type != model::ValueType::kNull && folded_values.contains(core::fold_utf8(f.value));
  });
}
bool has_any(const PlainEvent& event, const std::string& field) {
  return std::any_of(event.fields.begin(), event.fields.end(),
                     [&](const PlainField& f) { return f.name == field && f.type != model::ValueType::kNull; });
}

std::string mapped(const std::string& field, const std::string& value) {
  const std::string folded = core::fold_utf8(value);
  if (field == "B" && folded.size() > 2 && folded.size() <= 18 && folded.starts_with("0x") &&
      folded.find_first_not_of("0123456789abcdef", 2) == std::string::npos) {
    return std::to_string(std::strtoull(value.c_str() + 2, nullptr, 16));
  }
  if (field == "C") {
    if (folded == "x") return "mimikatz";
    if (folded.empty()) return "cmd";
    if (folded.starts_with("aa")) return "cmd" + value.substr(2);
    if (folded.starts_with("windows")) return "\\" + value.substr(7);
  }
  return value;
}

PlainEvent proc_view(const PlainEvent& event) {
  PlainEvent out;
  for (const PlainField& field : event.fields) {
    if (field.name != "A" && field.name != "B" && field.name != "C") out.fields.push_back(field);
    if (field.name.size() == 2 && field.name[0] == 'M') {
      const std::string name = field.name.substr(1);
      out.fields.push_back({name, field.type, field.type == model::ValueType::kNull ? "" : mapped(name, field.value)});
    }
  }
  return out;
}

struct Expected {
  explicit Expected(const PlainEvent& event) : raw(event), view(proc_view(event)) {
    sec = has(event, "Channel", {"sec"});
    proc = has(event, "Channel", {"sys"}) && has(event, "EventID", {"1"});
    any_proc = has_any(event, "A") && !has_any(event, "B");
    mapped_proc = sec && has(event, "EventID", {"1", "2"});
  }
  bool base_applies(const model::LogSource& source) const {
    const bool told = sec || proc || any_proc || mapped_proc;
    if (!told) return source.product.empty();
    const bool category =
        source.category.empty() || (source.category == "proc" && proc) || (source.category == "any_proc" && any_proc);
    return category && (source.product.empty() || source.product == "windows") &&
           (source.service.empty() || (source.service == "sec" && sec));
  }
  bool match(PlainView& plain, const sigma::Rule& rule) const {
    const model::LogSource& source = rule.info.logsource;
    if (base_applies(source) && plain.match(rule, raw, raw)) return true;
    return mapped_proc && source.category == "proc" && plain.match(rule, view, raw);
  }
  PlainEvent raw, view;
  bool sec = false, proc = false, any_proc = false, mapped_proc = false;
};

std::string rule_text(const std::string& file, const std::string& title) {
  const std::size_t begin = file.find("title: " + title + "\n");
  return file.substr(begin, file.find("\n---", begin) - begin);
}

struct Tally {
  std::size_t rules = 0, pairs = 0, matches = 0;
};

using MakeEvents = std::vector<PlainEvent> (*)(RandomRules& random);

std::vector<PlainEvent> fresh_events(RandomRules& random) {
  std::vector<PlainEvent> out;
  for (std::size_t i = 0; i < kEventsPerSet; ++i)
    out.push_back(i > 0 && random.below(8) == 0 ? out[random.below(i)] : random.event());
  return out;
}

// As decoders make them: half a character, which the plain evaluator takes for one and the engine for bytes, becomes text.
PlainEvent valid_event(RandomRules& random) {
  PlainEvent out = random.event();
  for (PlainField& field : out.fields) {
    if (!core::is_valid_utf8(field.value)) field.value = "cmd.exe";
  }
  return out;
}

// Few values that come again and again in new company: what an engine remembers of values is put to use.
std::vector<PlainEvent> repeating_events(RandomRules& random) {
  std::vector<PlainEvent> pool;
  for (std::size_t i = 0; i < kPoolEvents; ++i) pool.push_back(valid_event(random));
  std::vector<PlainEvent> out;
  for (std::size_t i = 0; i < kRepeatingEvents; ++i) {
    PlainEvent event = pool[random.below(pool.size())];
    for (PlainField& field : event.fields) {
      if (random.below(2) == 0) continue;
      const PlainEvent& other = pool[random.below(pool.size())];
      if (const PlainField& from = other.fields[random.below(other.fields.size())]; from.name == field.name) field = from;
    }
    if (random.below(16) == 0) event = valid_event(random);
    out.push_back(std::move(event));
  }
  return out;
}

// Returns false at the first difference.
bool compare(std::uint64_t seed, bool routed, MakeEvents make_events, Tally& tally) {
  RandomRules random(seed);
  const std::string text = rule_file(random, routed ? kSources : std::vector<std::string>{"{product: windows}"});
  CompileOptions options;
  options.any_source = !routed;
  TestEngine engine(text, kTable, options);
  PlainView plain;
  tally.rules += engine.set.rules.size();
  const std::vector<PlainEvent> events = make_events(random);
  for (const PlainEvent& event : events) {
    const Expected expected(event);
    std::set<std::uint32_t> found;
    for (const Match& match : engine.match_event(engine.events.add_plain(event))) found.insert(match.rule_index);
    tally.pairs += 1;
    tally.matches += found.size();
    for (std::uint32_t r = 0; r < engine.set.rules.size(); ++r) {
      const sigma::Rule& rule = engine.set.rules[r];
      const bool wanted = routed ? expected.match(plain, rule) : plain.match(rule, event, event);
      if (wanted == found.contains(r)) continue;
      ADD_FAILURE() << "seed " << seed << (routed ? " routed" : "") << ": " << rule.info.title << " should "
                    << (wanted ? "" : "not ") << "match\n"
                    << show(event) << rule_text(text, rule.info.title);
      return false;
    }
  }
  return true;
}

void run(std::uint64_t first_seed, bool routed, MakeEvents make_events, std::size_t set_count) {
  Tally tally;
  std::size_t failures = 0;
  const std::size_t sets = set_count * long_factor();
  for (std::size_t i = 0; i < sets && failures < 3; ++i)
    failures += compare(first_seed + i, routed, make_events, tally) ? 0 : 1;
  if (failures > 0) return;
  // The generator makes what it should: most rules load, and a fair part of the pairs matches.
  EXPECT_GT(tally.rules, sets * kRulesPerSet * 6 / 10);
  EXPECT_GT(tally.matches * 200, tally.pairs * kRulesPerSet);
  std::printf("%zu rules, %zu (rule set, event) pairs, %zu matches, first seed %llu\n", tally.rules, tally.pairs,
              tally.matches, static_cast<unsigned long long>(first_seed));
}

TEST(EngineProperty, AgreesWithThePlainEvaluatorWhereEveryRuleSeesEveryEvent) { run(1'000'000, false, fresh_events, kSets); }

TEST(EngineProperty, AgreesWhereRoutedAndMapped) { run(2'000'000, true, fresh_events, kSets); }

TEST(EngineProperty, AgreesWhereValuesRepeat) { run(3'000'000, false, repeating_events, kSets / 10); }

TEST(EngineProperty, AgreesWhereRoutedAndMappedValuesRepeat) { run(4'000'000, true, repeating_events, kSets / 10); }

}  // namespace
}  // namespace tocsin::detect
