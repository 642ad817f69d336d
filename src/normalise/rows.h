// Decoded events as rows of the store: the columns of model::EventRow by the same mappings as OCSF (ocsf.h).
//
// A column holds what Mapper::write_event() writes under the attribute it is named after (rows/columns.cc says which);
// `columns:` of a mapping file goes before that, and the names of content/mappings/columns.yml fill what is still empty.
// Every native field is then either in a column, verbatim, or in `attributes` under its native name: what a column
// shortened or converted is in both. Null values are left out, elements of a list are attributes of one name.
//
// One RowMaker a thread. Nothing fails: text that is no address or port stays an attribute, and what a limit takes away is
// counted in stats(). On the way of every event: no memory is taken once buffers have grown, but from the arena for
// the few values that are not in the event as they stand.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/arena.h"
#include "core/time.h"
#include "model/delivery.h"
#include "model/event.h"
#include "model/event_row.h"
#include "normalise/ocsf.h"

namespace tocsin::normalise {

inline constexpr std::size_t kMaxAttributes = 512;  // Of one row; the rest is left out and counted.
// kMaxValueBytes bounds a value of a column or an attribute, `raw` alone is as long as the record.

// What the event itself does not say. The views must live as long as the row.
struct RowContext {
  model::EventId id = 0;
  core::Timestamp received_at;
  std::string_view tenant, site, source;
};

struct RowStats {
  std::uint64_t row_count = 0;
  std::uint64_t unmapped_event_count = 0;     // No mapping row knows it: class 0, columns by their names alone.
  std::uint64_t cut_value_count = 0;          // Values longer than kMaxValueBytes ...
  std::uint64_t cut_bytes = 0;                // ... and what they lost.
  std::uint64_t dropped_attribute_count = 0;  // Past kMaxAttributes.
  std::uint64_t slow_lookup_count = 0;        // Events whose mapping row had to be searched: new kinds, and odd ones.
};

// A native field and a column that holds its value, as it stands or shortened. A field has as many as the mappings give it,
// but for one that is sure to be in one of them: then the others are left out.
struct NativeColumn {
  std::string name;
  std::string_view column;
};
// By name, then column; of all mappings.
std::vector<NativeColumn> native_columns(const Mapper& mapper);

class RowMaker {
 public:
  // Both must outlive the maker; a reload of the mappings needs a new one.
  RowMaker(const Mapper& mapper, const model::NameTable& names);
  ~RowMaker();

  // Fills all of `out` (its vector is used again). Its views live as long as the event's batch, `context` and `arena`.
  // `raw`: the record byte for byte; of EVTX, which is binary, its fields as one JSON object.
  // REQUIRES: the event's names are of the table given to the constructor.
  void make(const model::Event& event, const RowContext& context, core::Arena& arena, model::EventRow& out);

  [[nodiscard]] const RowStats& stats() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tocsin::normalise
