// Values of events as JSON: always valid, never longer than a bound.
//
// Free functions over a Budget that one event (or finding) owns. Nothing fails: what does not fit is cut and counted.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/json_writer.h"
#include "model/event.h"

namespace tocsin::normalise::ocsf {

struct Budget {
  std::size_t end_bytes = 0;  // JsonWriter::size() past which optional things are left out.
  std::uint64_t cut_value_count = 0;
  std::uint64_t dropped_field_count = 0;
  [[nodiscard]] bool spent(const core::JsonWriter& out) const { return out.size() >= end_bytes; }
  [[nodiscard]] bool touched() const { return cut_value_count + dropped_field_count > 0; }
};

// At most `max_bytes` of `text`, ending between code points.
std::string_view cut_utf8(std::string_view text, std::size_t max_bytes);

// Cut to kMaxValueBytes (to a few bytes where the budget is spent), with a mark and the length where it was cut.
void write_text(std::string_view text, core::JsonWriter& out, Budget& budget);

// A number where `text` is one that any JSON reader takes (64-bit integer or finite double); else as text.
void write_number(std::string_view text, core::JsonWriter& out, Budget& budget);
bool is_safe_number(std::string_view text);

// By the field's own type.
void write_value(const model::Field& field, core::JsonWriter& out, Budget& budget);

}  // namespace tocsin::normalise::ocsf
