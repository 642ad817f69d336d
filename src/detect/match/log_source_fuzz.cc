// Any bytes as a log source table: it loads, or says where what is wrong; what it loads routes an event.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "detect/engine.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tocsin;
  static const detect::RuleSet kRules = detect::load_rules(
      {{"r.yml", "title: t\nlogsource: {category: proc}\ndetection: {a: {A|contains: x, B: '5'}, condition: a}\n"}}, {});
  const detect::LogSourceMap map = detect::load_log_sources({{"t.yml", {reinterpret_cast<const char*>(data), size}}});
  for (const detect::sigma::Diagnostic& problem : map.diagnostics) {
    if (problem.message.empty() || problem.code.empty()) std::abort();
  }
  for (const detect::SourceRow& row : map.rows) {
    if (row.line == 0) std::abort();
  }
  if (map.rows.empty() || size % 4 != 0) return 0;
  model::NameTable names;
  const detect::CompiledRules compiled(kRules, map, {});
  detect::Engine engine(compiled, names);
  static std::string value;
  value.assign(reinterpret_cast<const char*>(data), size / 4);
  model::Batch batch(names);
  batch.begin_event();
  for (const char* name : {"A", "B", "Channel"}) batch.add(batch.intern(name), model::ValueType::kText, value);
  batch.add(batch.intern("EventID"), model::ValueType::kNumber, "1");
  batch.end_event().format = model::Format::kJson;
  std::vector<detect::Match> found;
  engine.match(batch.event(0), found);
  for (const detect::Match& match : found) static_cast<void>(engine.explain(batch.event(0), match));
  static_cast<void>(engine.sources(batch.event(0)));
  return 0;
}
