// Adding fields to the open event of a batch, and making lists of repeated names.
#pragma once
#include <string_view>

#include "decode/text/scan.h"
#include "model/event.h"

namespace tocsin::decode::text {

// Names longer than model::kMaxNameBytes are cut. REQUIRES: texts live as long as the batch's content.
inline void add(model::Batch& out, std::string_view name, std::string_view text,
                model::ValueType type = model::ValueType::kText) {
  out.add(out.intern(name.substr(0, model::kMaxNameBytes)), type, text);
}
inline void add_if(model::Batch& out, std::string_view name, std::string_view text) {
  if (!text.empty()) add(out, name, text);
}
// As a number where the text is one.
inline void add_typed(model::Batch& out, std::string_view name, std::string_view text) {
  add(out, name, text, type_of(text));
}

// The first value of that name in the open event; "" where absent.
std::string_view open_text(model::Batch& out, std::string_view name);
bool open_has(model::Batch& out, std::string_view name);

// Brings fields of one name together (at the place of the first, order kept) and marks them as elements of a list.
// Only fields from index `first` of the open event are looked at.
void group_lists(model::Batch& out, std::size_t first = 0);

// A decimal number as text in the arena.
std::string_view number_text(std::uint64_t value, core::Arena& arena);

}  // namespace tocsin::decode::text
