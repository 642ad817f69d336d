// Events and findings as the API shows them: which columns, how they are asked for, how a row becomes JSON. Plain functions.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "api/parts/call.h"

namespace tocsin::api {

struct EventColumn {
  enum class Kind : std::uint8_t { kText, kNumber, kTime, kId };
  std::string_view name;
  Kind kind = Kind::kText;
  std::string_view help;
};
// Those of docs/store.md that people ask for, in the order in which they are shown; without attributes.
const std::vector<EventColumn>& event_columns();
const EventColumn* find_event_column(std::string_view name);

// What is asked of table events, and how its rows are written.
class EventSelect {
 public:
  // Names of event_columns() and "attributes"; "time" and "id" always come along. Empty: all but raw.
  static core::Result<EventSelect> of(const std::vector<std::string>& names);
  static EventSelect everything();  // With raw.
  [[nodiscard]] const store::SqlText& list() const { return list_; }
  // One object; `more`: members of it, as JSON, or empty.
  void write(Row& row, core::JsonWriter& json, std::string_view more = {}) const;

 private:
  void finish();
  std::vector<const EventColumn*> columns_;
  bool attributes_ = false;
  store::SqlText list_;
};

// The value of a column or, as "attr.Name", of a leftover field, as text.
std::optional<store::SqlText> value_of_field(std::string_view field);

// The columns of a finding in a list, and a row of them as JSON.
store::SqlText finding_list();
void write_finding_row(Row& row, core::JsonWriter& json, std::string_view more = {});

// The word's values counted over time, as a histogram. Rows: word, bucket, count.
struct HistogramRange {
  core::Timestamp from, to;
  std::int64_t step_ns = 1;
  std::size_t buckets = 1;
};
// REQUIRES: from < to.
HistogramRange histogram_range(core::Timestamp from, core::Timestamp to, std::int64_t buckets);
void write_histogram(core::JsonWriter& json, const HistogramRange& range, const Rows& rows);
// "intDiv(column - from, step)".
store::SqlText bucket_of(store::SqlText::Fixed column, const HistogramRange& range);

}  // namespace tocsin::api
