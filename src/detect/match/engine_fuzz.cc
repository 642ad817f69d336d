// The fast engine against the plain evaluator: fixed rules with every kind of predicate, events made from the input.
//
// Input: one field a line: a letter for its name, a digit for type and list, the value. The second engine routes events by
// a small table, maps fields, and explains what it found.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "core/unicode.h"
#include "detect/engine.h"
#include "detect/match/engine_fuzz_rules.h"
#include "detect/plain_evaluator.h"

namespace {

using namespace tocsin;  // NOLINT(google-build-using-namespace)

void check(bool holds) {
  if (!holds) std::abort();
}

// Rules compiled once; events one at a time.
struct Bench {
  explicit Bench(bool any_source) : compiled(set(), table(), options(any_source)), engine(compiled, names), batch(names) {}

  static detect::CompileOptions options(bool any_source) {
    detect::CompileOptions out;
    out.any_source = any_source;
    return out;
  }
  static const detect::RuleSet& set() {
    static const detect::RuleSet kSet = detect::load_rules({{"rules.yml", detect::kFuzzRules}}, {});
    check(kSet.diagnostics.empty() && kSet.rules.size() > 20);
    return kSet;
  }
  static const detect::LogSourceMap& table() {
    static const detect::LogSourceMap kTable = detect::load_log_sources({{"table.yml", detect::kFuzzTable}});
    check(kTable.diagnostics.empty());
    return kTable;
  }

  model::NameTable names;
  detect::CompiledRules compiled;
  detect::Engine engine;
  model::Batch batch;
};

constexpr const char* kNames[] = {"A", "B", "C", "D", "EventID", "Channel", "MA", "MB", "MC", "Other"};

// Events hold valid UTF-8 only: what is not becomes '?'.
std::string valid(std::string_view text) {
  if (core::is_valid_utf8(text)) return std::string(text);
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const char32_t code = core::next_code_point(text, at);
    core::append_utf8(code >= core::kStrayByte && code < core::kStrayByte + 256 ? U'?' : code, out);
  }
  return out;
}

detect::PlainEvent read_event(std::string_view text) {
  detect::PlainEvent out;
  while (text.size() >= 2 && out.fields.size() < 40) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.size() < 2) continue;
    const auto type = static_cast<model::ValueType>(static_cast<unsigned char>(line[1]) % 4);
    const std::string_view value = type == model::ValueType::kNull ? std::string_view() : line.substr(2);
    out.fields.push_back({kNames[static_cast<unsigned char>(line[0]) % std::size(kNames)], type, valid(value)});
  }
  return out;
}

// Its values are views of those of `event`, most of them in memory of their own; an empty one points nowhere.
model::Event add(model::Batch& batch, const detect::PlainEvent& event) {
  batch.clear();
  batch.begin_event();
  for (const detect::PlainField& field : event.fields) {
    const std::string_view text = field.value.empty() ? std::string_view() : std::string_view(field.value);
    batch.add(batch.intern(field.name), field.type, text);
  }
  batch.end_event().format = model::Format::kJson;
  return batch.event(0);
}

// The plain evaluator is slow, so it judges a share of the rules each time: those whose number leaves `share`.
void compare(Bench& bench, const detect::PlainEvent& plain_event, std::uint32_t share) {
  constexpr std::uint32_t kShares = 4;
  static detect::PlainEvaluator plain;
  std::vector<detect::Match> found;
  bench.engine.match(add(bench.batch, plain_event), found);
  std::size_t next = 0;
  for (std::uint32_t i = 0; i < Bench::set().rules.size(); ++i) {
    const bool fast = next < found.size() && found[next].rule_index == i;
    while (next < found.size() && found[next].rule_index == i) ++next;
    if (i % kShares != share % kShares) continue;
    const detect::sigma::Rule& rule = Bench::set().rules[i];
    if (fast == plain.match(rule, plain_event)) continue;
    std::fprintf(stderr, "%s: the engine says %s\n", rule.info.title.c_str(), fast ? "match" : "no match");
    for (const detect::PlainField& field : plain_event.fields) {
      std::fprintf(stderr, "  %s type %d '%s'\n", field.name.c_str(), static_cast<int>(field.type), field.value.c_str());
    }
    std::abort();
  }
  check(next == found.size());
}

void explain(Bench& bench, const detect::PlainEvent& plain_event) {
  const model::Event event = add(bench.batch, plain_event);
  std::vector<detect::Match> found;
  bench.engine.match(event, found);
  for (const detect::Match& match : found) {
    const model::Explanation why = bench.engine.explain(event, match);
    check(!why.condition.empty());
    for (const model::PredicateMatch& predicate : why.predicates)
      check(predicate.value.size() <= model::kMaxShownBytes + 64);
    static_cast<void>(bench.engine.values(event, match, "A"));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static Bench all{true}, routed{false};
  if (size == 0) return 0;
  const detect::PlainEvent event = read_event({reinterpret_cast<const char*>(data) + 1, size - 1});
  if (data[0] % 4 == 1) {
    explain(routed, event);
  } else if (data[0] % 8 == 2) {
    explain(all, event);
  } else {
    compare(all, event, data[0] / 8u);
  }
  return 0;
}
