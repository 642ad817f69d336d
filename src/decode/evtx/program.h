// A BinXML template compiled to fields: for each field its name and where its value comes from.
//
// Compiled once per template, run for each record. A Program holds no views: it outlives the chunk it came from.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "decode/evtx/binxml.h"
#include "decode/evtx/event_names.h"
#include "model/event.h"

namespace tocsin::decode::evtx {

inline constexpr std::uint32_t kNone = 0xFFFF'FFFF;

// A piece of a value: literal text or a slot of the value array.
struct Part {
  std::uint32_t slot = kNone;  // kNone: literal.
  std::uint32_t text_at = 0;   // Into Program::literals.
  std::uint32_t text_bytes = 0;
};

// One field. Most have one part; an element with none is empty.
struct Op {
  model::NameId name = model::kNoName;  // Resolved against the table in use.
  std::uint32_t name_index = kNone;     // Into Program::names; kNone: emits no text, only what is embedded.
  std::uint32_t first_part = 0;
  std::uint32_t part_count = 0;
  std::uint32_t name_slot = kNone;  // <Data Name="%3">: the slot that holds the name.
  PlaceId place{};                  // Where embedded BinXML in this value stands.
  bool attribute = false;           // Embedded BinXML cannot stand here.
  bool list = false;
  bool keep_empty = false;
  bool empty_is_null = false;
  bool is_time = false;
};

struct Program {
  std::vector<Op> ops;
  std::vector<Part> parts;
  std::vector<std::string> names;
  std::string literals;
  std::uint32_t resolved_for = 0;  // The reader's table generation the NameIds belong to.

  [[nodiscard]] std::size_t memory_bytes() const;
};

// Compiles the elements from in.at on as they stand at `place`; names come from `places`. On a fault, `out` holds what
// was compiled before it.
Fault compile(Cursor& in, ParseOptions options, PlaceId place, Places& places, Program& out);

}  // namespace tocsin::decode::evtx
