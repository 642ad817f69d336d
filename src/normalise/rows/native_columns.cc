// Which columns hold the values of a native field, read off the same plans that rows are made by.
#include <algorithm>
#include <map>
#include <set>
#include <vector>

#include "normalise/rows.h"
#include "normalise/rows/plan.h"

namespace tocsin::normalise {
namespace {

using ocsf::Slot;
using rows::Column;
using rows::Step;
using Found = std::set<std::pair<Slot, Column>>;

// A value with a meaning is another text than the field's own, which is left over then.
bool keeps_text(const ocsf::Source& source) { return source.meanings.empty() && source.prefix_meanings.empty(); }

// The steps of one row, in their order.
void add_steps(const std::vector<Step>& steps, Found& out) {
  std::map<Slot, std::vector<Column>> columns, sure;
  std::set<Column> seen;
  for (const Step& step : steps) {
    const std::vector<Slot>& from = step.source->from;
    const bool first = seen.insert(step.column).second;
    if (!keeps_text(*step.source)) continue;
    for (const Slot slot : from) columns[slot].push_back(step.column);
    if (first && step.take == rows::Take::kValue && !from.empty()) sure[from[0]].push_back(step.column);
  }
  for (const auto& [slot, all] : columns) {
    const auto certain = sure.find(slot);
    for (const Column column : certain == sure.end() ? all : certain->second) out.emplace(slot, column);
  }
}

}  // namespace

std::vector<NativeColumn> native_columns(const Mapper& mapper) {
  const ocsf::Mappings& mappings = mapper.mappings();
  Found found;
  for (const ocsf::MappingFile& file : mappings.files) {
    for (const ocsf::Row& row : file.rows) {
      const rows::RowPlan plan = rows::make_plan(&file, &row);
      std::vector<Step> steps = plan.steps;
      steps.insert(steps.end(), plan.process_steps.begin(), plan.process_steps.end());
      steps.insert(steps.end(), plan.actor_steps.begin(), plan.actor_steps.end());
      add_steps(steps, found);
    }
  }
  for (const ocsf::ColumnSource& alias : mappings.aliases) {
    for (const Slot slot : alias.source.from) found.emplace(slot, alias.column);
  }
  std::vector<std::string_view> names(mappings.slots.size());
  for (const auto& [name, slot] : mappings.slots) names[slot] = name;
  std::vector<NativeColumn> out;
  for (const auto& [slot, column] : found) out.push_back({std::string(names[slot]), rows::info_of(column).name});
  std::ranges::sort(out, {}, [](const NativeColumn& one) { return std::pair(std::string_view(one.name), one.column); });
  return out;
}

}  // namespace tocsin::normalise
