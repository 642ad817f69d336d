// Which events a rule's logsource means: the table that routes events to rules, and how field names and values are
// mapped on the way. Data: content/mappings/logsources/*.yml (format: docs/logsources.md); users may add
// files of their own.
//
// Immutable after loading; shared by any number of threads. Pure: the caller reads the files.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "detect/rule_set.h"
#include "model/event.h"
#include "model/rule_info.h"

namespace tocsin::detect {

// True if any value of `field` equals any of `values` or begins with any of `prefixes` (case-insensitively, as text);
// `negated`: if it has a value and none does. `present`: the field is there with any value. Field "_format" is the format's
// name, "_payload" the payload's.
struct SourceCondition {
  std::string field;
  std::vector<std::string> values;    // Folded.
  std::vector<std::string> prefixes;  // Folded.
  bool present = false;
  bool absent = false;
  bool negated = false;
};

// How a value of the event becomes the value that rules expect, for one mapped field.
struct ValueRule {
  enum class Kind : std::uint8_t { kEquals, kPrefix, kHexToDecimal, kDevicePath } kind = Kind::kEquals;
  std::string from, to;  // kEquals, kPrefix; compared case-insensitively. kDevicePath: \Device\HarddiskVolumeN\ -> C:\ .
};

struct FieldRule {
  std::string rule_field;         // As rules write it; "a.*" stands for all names that begin with "a.".
  std::string event_field;        // Where the event has it; "b.*" puts "b." in the place of "a.", "b" has them all.
  std::vector<ValueRule> values;  // The first that applies; none: as it is.
};

// One row: events for which all of `when` hold are of this source. Rows without `fields` add to what an event is;
// a row with `fields` gives rules of its category (or service) a view of the event of its own.
struct SourceRow {
  model::LogSource source;
  std::vector<SourceCondition> when;
  std::vector<FieldRule> fields;
  std::string path;
  std::uint32_t line = 0;
};

struct LogSourceMap {
  std::vector<SourceRow> rows;
  std::vector<sigma::Diagnostic> diagnostics;
};

LogSourceMap load_log_sources(const std::vector<SourceText>& sources);

}  // namespace tocsin::detect
