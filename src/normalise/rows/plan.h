// What one mapping row means for the columns: steps to try in order, made once from the row's tree of attributes.
//
// Plain data over ocsf::Mappings, whose sources it points to; they must outlive it. Immutable.
#pragma once
#include <cstdint>
#include <vector>

#include "normalise/ocsf/mapping.h"
#include "normalise/rows/columns.h"

namespace tocsin::normalise::rows {

// What a step takes: the value of a source, or one member of what the source writes into an object (`as: user` ...).
enum class Take : std::uint8_t {
  kValue,
  kAccountName,
  kFileName,
  kFilePath,
  kEndpointAddress,
  kEndpointName,
  kEndpointPort,
  kUrlText,
  kUrlHost,
  kUrlPort,
  kRegistryPath,
  kRegistryName,
};

struct Step {
  Column column{};
  Take take = Take::kValue;
  const ocsf::Source* source = nullptr;
};

// A number by a source, and which numbers its attribute knows; others are 99.
struct NumberPlan {
  const ocsf::Source* source = nullptr;  // Null: `fixed`.
  int fixed = 0;
  std::uint64_t known[2] = {};  // Bits of 0 to 127.
};

struct RowPlan {
  const ocsf::EventClass* event_class = nullptr;
  NumberPlan activity, severity, status;
  const ocsf::Source* time = nullptr;             // Of events that have none.
  const std::vector<ocsf::Slot>* host = nullptr;  // Null: none but the generic names.
  std::vector<Step> steps;
  std::vector<Step> process_steps, actor_steps;  // The second only where the first give nothing.
};

// `file` and `row` null: of the events that no row knows.
RowPlan make_plan(const ocsf::MappingFile* file, const ocsf::Row* row);

}  // namespace tocsin::normalise::rows
