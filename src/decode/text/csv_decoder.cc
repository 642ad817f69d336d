// Delimited text with a header line. The first record is the header, whatever it looks like; its delimiter is the one of
// , ; tab | that it holds most of. Names go through canonical_name, so an export of Windows events has Sigma's names.
//
// A record ends at a newline outside quotes. A quote that never closes would swallow the rest of the stream, so cut()
// lets a record span at most kMaxQuotedBytes: then the block ends at a plain newline, and decode(), which finds the quote
// open at the block's end, reports "csv-quote-open" and reads the block from that record on line by line, quotes ending
// with their line. So damage stays where it is and no byte is read more than twice.
//
// A row with fewer cells than the header is kept as far as it goes and counted as "csv-row-short". One with more is
// misaligned: it is counted as "csv-row-long" and kept as an event with `message` only, so that keyword rules see it.
// Empty cells are absent, so are trailing empty ones past the header.
#include <algorithm>
#include <array>
#include <string>

#include "decode/decoder.h"
#include "decode/text/csv_row.h"
#include "decode/text/fields.h"
#include "decode/text/lines.h"
#include "decode/text/syslog_line.h"
#include "decode/windows_names.h"

namespace tocsin::decode {
namespace text {
namespace {

constexpr std::size_t kMaxNameLength = 128;

std::size_t count_outside_quotes(std::string_view line, char delimiter) {
  CsvRow row;
  row.delimiter = delimiter;
  row.one_line = true;
  read_csv_row(line, row);
  return row.cells.size();
}

}  // namespace

std::size_t read_csv_row(std::string_view text, CsvRow& row) {
  row.cells.clear();
  row.open = false;
  const char stops[] = {row.delimiter, '\n'};
  std::size_t at = 0;
  while (true) {
    CsvCell cell;
    if (at < text.size() && text[at] == '"') {
      cell.quoted = true;
      const std::size_t begin = ++at;
      while (true) {
        at = row.one_line ? text.find_first_of("\"\n", at) : text.find('"', at);
        if (at == std::string_view::npos || text[at] == '\n') break;
        if (at + 1 >= text.size() || text[at + 1] != '"') break;
        cell.doubled = true;
        at += 2;
      }
      row.open = at == std::string_view::npos || text[at] == '\n';
      at = std::min(at, text.size());
      cell.text = text.substr(begin, at - begin);
      at = std::min(text.find_first_of(std::string_view(stops, 2), at), text.size());
    } else {
      const std::size_t begin = at;
      at = std::min(text.find_first_of(std::string_view(stops, 2), at), text.size());
      cell.text = text.substr(begin, at - begin);
    }
    const bool last = at >= text.size() || text[at] == '\n';
    if (last && cell.text.ends_with('\r')) cell.text.remove_suffix(1);
    row.cells.push_back(cell);
    if (last) return std::min(at + 1, text.size());
    ++at;
  }
}

bool csv_shape(std::string_view line, CsvShape& shape) {
  shape.names = 0;
  for (const char delimiter : {',', '\t', ';', '|'}) {
    const std::size_t count = count_outside_quotes(line, delimiter);
    if (count > shape.names) shape = {delimiter, count};
  }
  if (shape.names < 2) return false;
  CsvRow row;
  row.delimiter = shape.delimiter;
  row.one_line = true;
  read_csv_row(line, row);
  std::vector<std::string_view> names;
  for (const CsvCell& cell : row.cells) {
    const std::string_view name = trim(cell.text);
    const bool start = !name.empty() && (is_alpha(name[0]) || name[0] == '_' || name[0] == '@' || name[0] == '#' ||
                                         static_cast<unsigned char>(name[0]) >= 0x80);
    if (!start || name.size() > kMaxNameLength || name.find_first_of("{}=\"") != std::string_view::npos) return false;
    names.push_back(name);
  }
  std::ranges::sort(names);
  return std::ranges::adjacent_find(names) == names.end();
}

}  // namespace text

namespace {

using namespace text;

constexpr std::size_t kMaxQuotedBytes = 1u << 20;  // A recorded PowerShell script block has at most 64 KB.

// Names whose value is when the event happened, best first; compared without case, spaces, '_' and '-'.
constexpr std::string_view kTimeNames[] = {"@timestamp",    "timestamp",     "time",         "timecreated",
                                           "systemtime",    "utctime",       "eventtime",    "datetime",
                                           "eventdatetime", "timegenerated", "creationdate", "date"};

std::size_t time_rank(std::string_view name) {
  std::string plain;
  for (const char c : name.substr(0, 64)) {
    if (c != ' ' && c != '_' && c != '-') plain += lower(c);
  }
  return static_cast<std::size_t>(std::ranges::find(kTimeNames, plain) - std::begin(kTimeNames));
}

class CsvDecoder final : public Decoder {
 public:
  explicit CsvDecoder(const DecodeOptions& options) : options_(options) {}
  [[nodiscard]] bool splittable() const override { return false; }

  [[nodiscard]] std::size_t cut(std::string_view buffer, bool last) override {
    if (last) return buffer.size();
    CsvRow row;
    if (cut_delimiter_ == '\0') {
      bool ended = false;
      const char delimiter = delimiter_of(buffer, ended);
      if (ended) cut_delimiter_ = delimiter;
    }
    row.delimiter = cut_delimiter_ == '\0' ? ',' : cut_delimiter_;
    std::size_t end = 0;
    bool header_seen = cut_header_;
    while (end < buffer.size()) {
      row.one_line = !header_seen;  // As read_header() does.
      const std::size_t length = read_csv_row(buffer.substr(end), row);
      if ((row.open && !row.one_line) || buffer[end + length - 1] != '\n') break;
      header_seen = header_seen || !is_blank(buffer.substr(end, length));
      end += length;
    }
    if (end > 0) {
      cut_header_ = header_seen;
      return end;
    }
    if (row.open && buffer.size() > std::min(kMaxQuotedBytes, options_.max_record_bytes)) {
      const std::size_t newline = buffer.rfind('\n');
      if (newline != std::string_view::npos) return newline + 1;
    }
    return buffer.size() > options_.max_record_bytes ? buffer.size() : 0;
  }

  void decode(std::string_view block, model::Batch& out) override {
    names_.clear();
    for (const std::string& name : header_)
      names_.push_back(out.intern(std::string_view(name).substr(0, model::kMaxNameBytes)));
    std::size_t at = 0;
    row_.one_line = false;
    while (at < block.size()) at += record(block, at, out);
  }

  void finish(model::Batch&) override { in_long_line_ = false; }

 private:
  static bool is_blank(std::string_view line) {
    skip(line, "\xEF\xBB\xBF");
    return trim(line).empty();
  }

  // Of the first line that is not blank; `ended` says whether that is there with its newline.
  static char delimiter_of(std::string_view text, bool& ended) {
    CsvShape shape;
    while (true) {
      const std::size_t newline = text.find('\n');
      std::string_view line = text.substr(0, newline);
      ended = newline != std::string_view::npos;
      if (ended && is_blank(line)) {
        text.remove_prefix(newline + 1);
        continue;
      }
      skip(line, "\xEF\xBB\xBF");
      csv_shape(line, shape);
      return shape.delimiter;
    }
  }

  // Decodes the record at `at` and returns its length.
  std::size_t record(std::string_view block, std::size_t at, model::Batch& out) {
    const std::string_view rest = block.substr(at);
    if (in_long_line_) {
      const std::size_t newline = rest.find('\n');
      in_long_line_ = newline == std::string_view::npos;
      return in_long_line_ ? rest.size() : newline + 1;
    }
    if (!has_header_) return read_header(rest, out);
    const bool whole_line = rest.find('\n') != std::string_view::npos;
    std::size_t length = read_csv_row(rest, row_);
    if (row_.open && !row_.one_line) {
      add_bad(out, record_count_ + 1, at, "csv-quote-open", "a quoted cell has no closing quote", rest);
      row_.one_line = true;
      length = read_csv_row(rest, row_);
    }
    std::string_view raw = rest.substr(0, length);
    if (raw.size() > options_.max_record_bytes) {
      in_long_line_ = !whole_line;
      ++out.record_count;
      add_bad(out, ++record_count_, at, "record-too-long", "a row is longer than the limit for one record", raw);
      return length;
    }
    while (!raw.empty() && (raw.back() == '\n' || raw.back() == '\r')) raw.remove_suffix(1);
    if (!trim(raw).empty()) row(raw, at, out);
    return length;
  }

  std::size_t read_header(std::string_view text, model::Batch& out) {
    std::string_view line = text;
    const std::size_t mark = skip(line, "\xEF\xBB\xBF") ? 3 : 0;
    const std::size_t newline = line.find('\n');  // Blank lines one by one: delimiter_of() would look past all of them.
    if (newline != std::string_view::npos && is_blank(line.substr(0, newline))) return mark + newline + 1;
    bool ended = false;
    row_.delimiter = delimiter_of(line, ended);
    row_.one_line = true;
    const std::size_t length = read_csv_row(line, row_);
    row_.one_line = false;
    if (is_blank(line.substr(0, length))) return mark + length;
    best_rank_ = std::size(kTimeNames);
    for (const CsvCell& cell : row_.cells) {
      if (header_.size() >= model::kMaxFieldsPerEvent) break;
      const std::string_view name = trim(clean_utf8(cell.text, out.arena()));
      const std::size_t rank = time_rank(name);
      if (rank < best_rank_) {
        best_rank_ = rank;
        time_index_ = header_.size();
      }
      header_.push_back(canonical_name(name));
      names_.push_back(out.intern(std::string_view(header_.back()).substr(0, model::kMaxNameBytes)));
    }
    has_header_ = true;
    return mark + length;
  }

  void row(std::string_view raw, std::size_t at, model::Batch& out) {
    ++out.record_count;
    ++record_count_;
    while (row_.cells.size() > header_.size() && row_.cells.back().text.empty()) row_.cells.pop_back();
    if (row_.cells.size() > header_.size()) {
      add_bad(out, record_count_, at, "csv-row-long", "a row has more cells than the header has names", raw);
      model::EventSlot& slot = add_text_event(raw, out);
      slot.record = record_count_;
      slot.format = model::Format::kCsv;
      return;
    }
    if (row_.cells.size() < header_.size()) {
      add_bad(out, record_count_, at, "csv-row-short", "a row has fewer cells than the header has names", raw);
    }
    core::Timestamp time;
    out.begin_event();
    for (std::size_t i = 0; i < row_.cells.size(); ++i) {
      const CsvCell& cell = row_.cells[i];
      std::string_view text = clean_utf8(cell.text, out.arena());
      if (text.empty() || header_[i].empty()) continue;
      if (cell.doubled) text = undouble(text, out.arena());
      out.add(names_[i], cell.quoted ? model::ValueType::kText : type_of(text), text);
      if (i == time_index_ && best_rank_ < std::size(kTimeNames)) {
        if (const auto parsed = core::parse_any_time(text)) time = *parsed;
      }
    }
    group_lists(out);  // A name may stand twice in a header.
    model::EventSlot& slot = out.end_event();
    slot.raw = raw;
    slot.time = time;
    slot.record = record_count_;
    slot.format = model::Format::kCsv;
  }

  static std::string_view undouble(std::string_view text, core::Arena& arena) {
    char* const out = arena.allocate(text.size());
    std::size_t used = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
      out[used++] = text[i];
      if (text[i] == '"' && i + 1 < text.size() && text[i + 1] == '"') ++i;
    }
    arena.give_back(text.size() - used);
    return {out, used};
  }

  static void add_bad(model::Batch& out, std::uint64_t number, std::size_t at, std::string_view cause,
                      std::string_view detail, std::string_view bytes) {
    model::BadRecord bad = bad_record(cause, detail, bytes);
    bad.record = number;
    bad.offset = at;
    out.add_bad(std::move(bad));
  }

  DecodeOptions options_;
  bool cut_header_ = false;    // The header was in what cut() has let go.
  char cut_delimiter_ = '\0';  // cut() may run ahead of decode().
  bool has_header_ = false;
  bool in_long_line_ = false;
  std::vector<std::string> header_;
  std::vector<model::NameId> names_;  // Of the current batch.
  std::size_t time_index_ = 0;
  std::size_t best_rank_ = std::size(kTimeNames);
  CsvRow row_;
  std::uint64_t record_count_ = 0;
};

}  // namespace

std::unique_ptr<Decoder> make_csv_decoder(const DecodeOptions& options) { return std::make_unique<CsvDecoder>(options); }

}  // namespace tocsin::decode
