// The native fields of an event as one JSON object: what stands for the record where that is binary.
#pragma once
#include <string>
#include <utility>
#include <vector>

#include "core/json_writer.h"
#include "model/event.h"

namespace tocsin::normalise::rows {

class NativeJson {
 public:
  // Members in the order of the event, by their native dotted names; fields of one name, and lists, as lists. Valid
  // until the next call.
  std::string_view make(const model::Event& event);

 private:
  void write_runs(const model::Event& event, core::JsonWriter& out);

  std::string text_;
  std::vector<std::pair<model::NameId, std::uint32_t>> order_;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> runs_;  // First place in order_, one past the last.
};

}  // namespace tocsin::normalise::rows
