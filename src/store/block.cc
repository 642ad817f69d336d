// Rows to Native blocks.
//
// A Native block without revision is: varint columns, varint rows, then each column: name, type, values. Fixed values and
// array ends (UInt64, running) are little-endian. A LowCardinality column is: UInt64 1 (version of keys), UInt64 width of an
// index (0: 1 byte, 1: 2, 2: 4) | 0x600, UInt64 words, the words, UInt64 rows, the indexes. In Array(LowCardinality) the
// version comes first, then the ends, then the rest over the elements, and nothing where there are no elements.
//
// Example, one column `a LowCardinality(String)` with the rows x, y, x:
//   01 03 | 01 'a' 16 "LowCardinality(String)" | 1u64 | 0x600u64 | 2u64 01 'x' 01 'y' | 3u64 | 00 01 00
#include "store/block.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "core/assert.h"

namespace tocsin::store {
namespace {

static_assert(std::endian::native == std::endian::little);

constexpr std::int64_t kNsPerSecond = 1'000'000'000;
constexpr std::int64_t kSecondsPerDay = 86'400;
// An event is kept under the day when it happened where it came within this time; else under the day when it came. So a
// sender of made-up times cannot make more than nine partitions a day.
constexpr std::int64_t kMaxLateDays = 7;
constexpr std::int64_t kMaxEarlyDays = 1;

void put_varint(std::string& out, std::uint64_t value) {
  while (value >= 0x80) {
    out += static_cast<char>(value | 0x80);
    value >>= 7;
  }
  out += static_cast<char>(value);
}
std::uint64_t take_varint(const char*& at) {
  std::uint64_t value = 0;
  for (unsigned shift = 0;; shift += 7) {
    const auto byte = static_cast<unsigned char>(*at++);
    value |= std::uint64_t{byte & 0x7Fu} << shift;
    if (byte < 0x80) return value;
  }
}
void put_u64(std::string& out, std::uint64_t value) { out.append(reinterpret_cast<const char*>(&value), sizeof value); }
void put_text(std::string& out, std::string_view text) {
  put_varint(out, text.size());
  out += text;
}

std::int64_t floor_divide(std::int64_t value, std::int64_t by) { return value / by - (value % by < 0 ? 1 : 0); }
std::int64_t nanoseconds(core::Timestamp time) { return time.known() ? time.ns : 0; }
std::uint64_t bits(core::Timestamp time) { return static_cast<std::uint64_t>(nanoseconds(time)); }
// DateTime ends in 2106.
std::uint64_t clamped_seconds(core::Timestamp time) {
  return static_cast<std::uint64_t>(std::clamp<std::int64_t>(floor_divide(nanoseconds(time), kNsPerSecond), 0, 0xFFFF'FFFF));
}
std::uint64_t kept_day(core::Timestamp event, core::Timestamp received) {
  const std::int64_t own = floor_divide(nanoseconds(event), kNsPerSecond * kSecondsPerDay);
  const std::int64_t arrival = floor_divide(nanoseconds(received), kNsPerSecond * kSecondsPerDay);
  const std::int64_t day = own >= arrival - kMaxLateDays && own <= arrival + kMaxEarlyDays ? own : arrival;
  return static_cast<std::uint64_t>(std::clamp<std::int64_t>(day, 0, 0xFFFF));
}

// Fills the columns of one row from left to right.
class RowWriter {
 public:
  explicit RowWriter(TableRows& table) : table_(table) {}
  ~RowWriter() {
    TOCSIN_ASSERT(at_ == table_.columns.size());
    ++table_.rows;
  }
  RowWriter(const RowWriter&) = delete;
  RowWriter& operator=(const RowWriter&) = delete;
  void number(std::uint64_t value) { next(ColumnKind::kFixed).add_fixed(value); }
  void text(std::string_view value) { next(ColumnKind::kText).add_text(value); }
  void word(std::string_view value) { next(ColumnKind::kWord).add_word(value); }
  template <class Range>
  void words(const Range& values) {
    Column& column = next(ColumnKind::kWordArray);
    for (const auto& value : values) column.add_word(value);
    column.end_array();
  }
  Column& next(ColumnKind kind) {
    Column& column = table_.columns[at_++];
    TOCSIN_ASSERT(column.definition().kind == kind);
    return column;
  }

 private:
  TableRows& table_;
  std::size_t at_ = 0;
};

void note(TableRows& table, std::uint64_t position, std::string key) {
  table.lowest = std::min(table.lowest, position);
  table.highest = std::max(table.highest, position);
  table.keys.push_back(std::move(key));
}

std::uint64_t mix(std::uint64_t hash, std::string_view bytes) {
  for (const char byte : bytes) hash = (hash ^ static_cast<unsigned char>(byte)) * 0x100'0000'01B3u;
  return (hash ^ 0xFFu) * 0x100'0000'01B3u;
}

}  // namespace

void Column::add_text(std::string_view text) {
  put_text(data_, text);
  ++element_count_;
}

void Column::add_word(std::string_view text) {
  if (!indexes_.empty() && words_[indexes_.back()] == text) {
    indexes_.push_back(indexes_.back());
    return;
  }
  auto place = places_.find(text);
  if (place == places_.end()) {
    words_.emplace_back(text);
    dictionary_bytes_ += text.size() + 64;
    place = places_.emplace(words_.back(), static_cast<std::uint32_t>(words_.size() - 1)).first;
  }
  indexes_.push_back(place->second);
}

std::size_t Column::element_count() const {
  switch (definition_->kind) {
    case ColumnKind::kFixed:
    case ColumnKind::kFixedArray: return data_.size() / definition_->width;
    case ColumnKind::kText:
    case ColumnKind::kTextArray: return element_count_;
    case ColumnKind::kWord:
    case ColumnKind::kWordArray: return indexes_.size();
  }
  return 0;
}

void Column::end_array() { ends_.push_back(element_count()); }

void Column::clear() {
  data_.clear();
  ends_.clear();
  indexes_.clear();
  places_.clear();
  words_.clear();
  dictionary_bytes_ = 0;
  element_count_ = 0;
}

// For arrays: `keep` of rows spread over their elements.
std::vector<bool> Column::kept_elements(const std::vector<bool>& keep) const {
  if (keep.empty() || definition_->kind < ColumnKind::kFixedArray) return keep;
  std::vector<bool> elements;
  std::uint64_t begin = 0;
  for (std::size_t row = 0; row < ends_.size(); ++row) {
    elements.insert(elements.end(), ends_[row] - begin, keep[row]);
    begin = ends_[row];
  }
  return elements;
}

void Column::encode_texts(const std::vector<bool>& keep, std::string& out) const {
  if (keep.empty()) {
    out += data_;
    return;
  }
  const char* at = data_.data();
  for (std::uint64_t i = 0; i < element_count_; ++i) {
    const char* const begin = at;
    const std::uint64_t size = take_varint(at);
    at += size;
    if (keep[i]) out.append(begin, static_cast<std::size_t>(at - begin));
  }
}

void Column::encode_fixed(const std::vector<bool>& keep, std::string& out) const {
  if (keep.empty()) {
    out += data_;
    return;
  }
  const std::size_t width = definition_->width;
  for (std::size_t i = 0; i * width < data_.size(); ++i) {
    if (keep[i]) out.append(data_, i * width, width);
  }
}

// The whole dictionary is written even where rows are left out: words that no row uses are not stored.
void Column::encode_words(const std::vector<bool>& keep, std::string& out) const {
  const auto count = keep.empty() ? indexes_.size() : static_cast<std::size_t>(std::count(keep.begin(), keep.end(), true));
  if (count == 0 && definition_->kind == ColumnKind::kWordArray) return;
  const std::uint64_t width_code = words_.size() <= 0x100 ? 0 : words_.size() <= 0x1'0000 ? 1 : 2;
  put_u64(out, width_code | 0x600);
  put_u64(out, words_.size());
  for (const std::string& word : words_) put_text(out, word);
  put_u64(out, count);
  const std::size_t width = std::size_t{1} << width_code;
  for (std::size_t i = 0; i < indexes_.size(); ++i) {
    if (keep.empty() || keep[i]) out.append(reinterpret_cast<const char*>(&indexes_[i]), width);
  }
}

void Column::encode(const std::vector<bool>& keep, std::string& out) const {
  put_text(out, definition_->name);
  put_text(out, definition_->type);
  const ColumnKind kind = definition_->kind;
  if (kind == ColumnKind::kWord || kind == ColumnKind::kWordArray) put_u64(out, 1);
  std::uint64_t begin = 0, end = 0;
  for (std::size_t row = 0; row < ends_.size(); ++row) {
    if (keep.empty() || keep[row]) put_u64(out, end += ends_[row] - begin);
    begin = ends_[row];
  }
  const std::vector<bool> elements = kept_elements(keep);
  // No element at all, and some row left out: `elements` is empty but does not mean "all"; there is nothing either way.
  switch (kind) {
    case ColumnKind::kFixed:
    case ColumnKind::kFixedArray: return encode_fixed(elements, out);
    case ColumnKind::kText:
    case ColumnKind::kTextArray: return encode_texts(elements, out);
    case ColumnKind::kWord:
    case ColumnKind::kWordArray: return encode_words(elements, out);
  }
}

TableRows::TableRows(TableId table) : id(table) {
  for (const ColumnDefinition& definition : table_definition(table).columns) columns.emplace_back(definition);
}

std::size_t TableRows::bytes() const {
  std::size_t sum = 0;
  for (const Column& column : columns) sum += column.bytes();
  return sum;
}

void TableRows::clear() {
  for (Column& column : columns) column.clear();
  rows = 0;
  keys.clear();
  lowest = ~std::uint64_t{0};
  highest = 0;
}

void TableRows::encode(const std::vector<bool>& keep, std::string& out) const {
  put_varint(out, columns.size());
  put_varint(out, keep.empty() ? rows : static_cast<std::size_t>(std::count(keep.begin(), keep.end(), true)));
  for (const Column& column : columns) column.encode(keep, out);
}

std::string TableRows::fingerprint(const std::vector<bool>& keep) const {
  std::uint64_t first = 0xCBF2'9CE4'8422'2325u, second = 0x9E37'79B9'7F4A'7C15u;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (!keep.empty() && !keep[i]) continue;
    first = mix(first, keys[i]);
    second = mix(second, keys[i]) ^ std::rotl(second, 23);
  }
  std::string out(table_definition(id).name);
  for (const std::uint64_t part : {first, second}) {
    for (unsigned shift = 0; shift < 64; shift += 4) out += "0123456789abcdef"[(part >> shift) & 15];
  }
  return out;
}

std::string event_key(std::uint64_t id) { return {reinterpret_cast<const char*>(&id), sizeof id}; }
std::string dead_letter_key(std::uint64_t sequence, std::uint64_t offset) { return event_key(sequence) + event_key(offset); }

Block::Block() : impl_(std::make_unique<Impl>()) {}
Block::~Block() = default;
Block::Block(Block&&) noexcept = default;
Block& Block::operator=(Block&&) noexcept = default;

void Block::add(const model::EventRow& event) {
  TableRows& table = impl_->tables[0];
  note(table, event.id, event_key(event.id));
  const core::Timestamp time = event.time.known() ? event.time : event.received_at;
  RowWriter row(table);
  for (const std::uint64_t value : {event.id, clamped_seconds(time), bits(time), std::uint64_t{event.time_known},
                                    bits(event.received_at), kept_day(time, event.received_at)}) {
    row.number(value);
  }
  for (const std::string_view value : {event.tenant, event.site, event.source, event.format, event.product, event.service}) {
    row.word(value);
  }
  row.number(event.class_uid);
  row.number(event.activity_id);
  row.number(event.severity_id);
  for (const std::string_view value :
       {event.status, event.event_code, event.host, event.user, event.actor_user, event.process_name}) {
    row.word(value);
  }
  row.text(event.process_cmd_line);
  row.number(event.process_pid);
  row.word(event.parent_name);
  for (const std::string_view value :
       {event.parent_cmd_line, event.file_path, event.hashes, event.registry_key, event.src_ip, event.dst_ip}) {
    row.text(value);
  }
  row.number(event.src_port);
  row.number(event.dst_port);
  for (const std::string_view value : {event.domain, event.url, event.http_user_agent, event.message}) row.text(value);
  Column& names = row.next(ColumnKind::kWordArray);
  for (const model::NamedValue& attribute : event.attributes) names.add_word(attribute.name);
  names.end_array();
  Column& values = row.next(ColumnKind::kTextArray);
  for (const model::NamedValue& attribute : event.attributes) values.add_text(attribute.value);
  values.end_array();
  row.text(event.raw);
}

void Block::add(const FindingRow& finding) {
  TableRows& table = impl_->tables[1];
  note(table, finding.sequence, finding.id);
  RowWriter row(table);
  row.text(finding.id);
  for (const std::uint64_t value :
       {finding.sequence, clamped_seconds(finding.event_time), bits(finding.event_time), bits(finding.received_at),
        bits(finding.detected_at), kept_day(finding.event_time, finding.received_at)}) {
    row.number(value);
  }
  for (const std::string_view value : {finding.tenant, finding.site, finding.source, finding.rule_id, finding.rule_title,
                                       finding.level, finding.host, finding.user}) {
    row.word(value);
  }
  row.number(finding.severity_id);
  row.words(finding.tactics);
  row.words(finding.techniques);
  Column& ids = row.next(ColumnKind::kFixedArray);
  for (const model::EventId id : finding.event_ids) ids.add_fixed(id);
  ids.end_array();
  row.text(finding.reason);
  row.text(finding.finding);
}

void Block::add(const DeadLetterRow& letter) {
  TableRows& table = impl_->tables[2];
  note(table, letter.sequence, dead_letter_key(letter.sequence, letter.offset));
  RowWriter row(table);
  for (const std::uint64_t value : {letter.sequence, letter.offset, clamped_seconds(letter.received_at),
                                    bits(letter.received_at), kept_day(letter.received_at, letter.received_at)}) {
    row.number(value);
  }
  row.word(letter.tenant);
  row.word(letter.source);
  row.text(letter.peer);
  row.word(letter.cause);
  row.text(letter.detail);
  row.text(letter.bytes);
}

std::size_t Block::event_count() const { return impl_->tables[0].rows; }
std::size_t Block::finding_count() const { return impl_->tables[1].rows; }
std::size_t Block::bytes() const {
  std::size_t sum = 0;
  for (const TableRows& table : impl_->tables) sum += table.bytes();
  return sum;
}
void Block::clear() {
  for (TableRows& table : impl_->tables) table.clear();
}

}  // namespace tocsin::store
