// Reads the BinXML of records into the open event of a batch; keeps the compiled templates.
//
// One thread. Per block begin_block(), per chunk begin_chunk(), then read() for each record. Templates live from block to
// block, keyed by GUID, structure and place; the cache is emptied when it holds kMaxPrograms or kMaxProgramBytes. What one
// chunk may yield is bounded (Budget), for templates can multiply their input: past that, its records are faults (kTooMuch).
#pragma once
#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/time.h"
#include "decode/evtx/binxml.h"
#include "decode/evtx/event_names.h"
#include "decode/evtx/program.h"
#include "model/event.h"

namespace tocsin::decode::evtx {

inline constexpr std::size_t kMaxPrograms = 4'096;
inline constexpr std::size_t kMaxProgramBytes = 16u << 20;  // 459 templates of a 300 MB corpus take 1 MB.

// What is left for the chunk at hand. Chunks of 500 real logs yield at most 59 KB of text in 3,900 fields.
struct Budget {
  std::size_t output_bytes = 512 * 1024;
  std::size_t fields = 32'768;
  std::size_t steps = 1u << 19;             // Operations, pieces and values looked at.
  std::size_t template_bytes = 256 * 1024;  // Definitions compiled; those of one chunk do not overlap, so 64 KB a place.
};

class RecordReader {
 public:
  void begin_block(const model::Batch& out);
  // `chunk.bytes` must stay valid until the next begin_chunk().
  void begin_chunk(Chunk chunk);
  // Adds the fields of the BinXML in [at, end) of the chunk to the open event of `out`, and sets `time` where TimeCreated
  // says it. On a fault some fields may have been added.
  Fault read(std::size_t at, std::size_t end, model::Batch& out, core::Timestamp& time);

  [[nodiscard]] std::size_t program_count() const { return programs_.size(); }

 private:
  struct Value {
    std::uint32_t at = 0;
    std::uint16_t size_bytes = 0;
    std::uint8_t type = 0;
  };
  // The value array of the template instance being run: a range of values_.
  struct Values {
    std::size_t first = 0;
    std::size_t count = 0;
  };
  struct Key {
    std::array<std::uint64_t, 2> guid{};
    std::uint64_t fingerprint = 0;
    PlaceId place{};
    bool operator==(const Key&) const = default;
  };
  struct KeyHash {
    std::size_t operator()(const Key& key) const {
      return static_cast<std::size_t>(key.guid[0] ^ (key.guid[1] * 31) ^ key.fingerprint ^
                                      (static_cast<std::uint64_t>(key.place) << 20));
    }
  };
  struct Found {
    Program* program = nullptr;
    Fault fault = nullptr;
  };

  Fault fragments(Cursor in, PlaceId place, std::size_t depth);
  Fault element(Cursor& in, PlaceId place, std::size_t depth);
  Fault instance(Cursor& in, PlaceId place, std::size_t depth);
  Fault read_values(Cursor& in, Values& out);
  Found definition(std::size_t offset, std::uint32_t id, PlaceId place);
  Found make_program(std::size_t offset, std::uint32_t id, PlaceId place);
  void resolve(Program& program);
  Fault run(const Program& program, Values values, std::size_t depth);
  Fault run_slot(const Op& op, const Value& value, Values values, std::size_t depth);
  Fault run_array(const Op& op, const Value& value, Values values);
  Fault run_pieces(const Program& program, const Op& op, Values values, std::size_t depth);
  Fault put(const Op& op, model::ValueType type, std::string_view text, bool list, Values values);
  model::NameId name_of(const Op& op, Values values);
  Value value_at(Values values, std::uint32_t slot) const {
    return slot < values.count ? values_[values.first + slot] : Value{};
  }
  bool spend_step() { return budget_.steps > 0 && budget_.steps-- > 0; }

  Chunk chunk_;
  Budget budget_;
  Places places_;
  std::unordered_map<Key, std::unique_ptr<Program>, KeyHash> programs_;
  std::size_t program_bytes_ = 0;
  std::unordered_map<std::uint64_t, Found> in_chunk_;  // Definition offset and place.
  std::vector<Value> values_;                          // A stack: nested instances on top.
  const model::NameTable* names_ = nullptr;
  std::uint32_t generation_ = 0;  // Of the table names are resolved against.
  bool has_batch_names_ = false;  // Some names went to the batch, for the table was full.
  model::Batch* out_ = nullptr;
  core::Timestamp time_;
};

}  // namespace tocsin::decode::evtx
