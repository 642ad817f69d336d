// Any bytes as rules of automatic triage and as task templates: each is read or is a problem; what is read can be asked.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "triage/auto_rules.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tocsin;
  const std::string text(reinterpret_cast<const char*>(data), size);
  const auto rules = triage::read_auto_rules({{"rule.yml", text}});
  const auto templates = triage::read_task_templates(text, "tasks.yml");
  ledger::Incident row;
  row.title = text.substr(0, 64);
  row.tags = {"a", "b"};
  row.techniques = {"T1059.001"};
  const std::vector<ledger::RuleCount> counts(1);
  std::vector<triage::IncidentFacts::EntityFact> entities(1);
  entities[0].asset.emplace();
  for (const triage::AutoRule& rule : rules->rules) {
    if (rule.id.empty() || rule.outcomes.empty() || rule.when.text.empty()) std::abort();
    static_cast<void>(triage::hold(rule.when, {row, counts, entities}));
  }
  for (const triage::TaskTemplate& one : templates->templates) {
    if (one.id.empty() || one.tasks.empty()) std::abort();
    static_cast<void>(triage::hold(one.when, {row, counts, entities}));
  }
  return 0;
}
