// Zeek's TSV logs and the W3C extended log format (IIS, proxies): text with a header in '#' lines, which may come again.
//
// Zeek: #separator, #set_separator, #empty_field, #unset_field, #path, #fields, #types. A field is the cell under its
// name (id.orig_h stays one name), typed by #types; sets and vectors become lists; unset fields and empty sets are
// absent; \xHH is undone. `_path` is #path (as in Zeek's JSON), the time is `ts`.
// W3C: #Fields divides by spaces (by tabs where a row holds one); "-" is absent; '+' stays. Names are kept; cs(Name)
// becomes cs-name, the user agent also c-useragent. Where cs-uri is not given it is put together from stem and query, and
// c-uri repeats it; the time is date and time. Such events have Format::kAccessLog.
// A row that does not fit its header is bad ("zeek-row", "w3c-row") and kept as an event with `message` only; lines
// before any header are text.
#include <algorithm>
#include <string>

#include "decode/decoder.h"
#include "decode/text/fields.h"
#include "decode/text/lines.h"
#include "decode/text/syslog_line.h"

namespace tocsin::decode {
namespace {

using namespace text;
using model::ValueType;

struct Column {
  std::string name;
  std::string other_name;  // A second name for the same value, or "".
  ValueType type = ValueType::kText;
  bool container = false;
  model::NameId id = model::kNoName;  // Of the current batch.
  model::NameId other_id = model::kNoName;
};

// "\x09" or a plain text to the bytes it means.
std::string unescape_hex(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 3 < text.size() && text[i + 1] == 'x' && hex_digit(text[i + 2]) >= 0 &&
        hex_digit(text[i + 3]) >= 0) {
      out += static_cast<char>(hex_digit(text[i + 2]) * 16 + hex_digit(text[i + 3]));
      i += 3;
    } else if (text[i] == '\\' && i + 1 < text.size() && text[i + 1] == '\\') {
      out += text[++i - 1];
    } else {
      out += text[i];
    }
  }
  return out;
}

// The first character; the usual one where that is none or a part of a longer one.
char ascii_or(std::string_view text, char usual) {
  return text.empty() || static_cast<unsigned char>(text.front()) >= 0x80 ? usual : text.front();
}

class ZeekDecoder final : public Decoder {
 public:
  explicit ZeekDecoder(const DecodeOptions& options) : options_(options), lines_(options.max_record_bytes) {}
  [[nodiscard]] bool splittable() const override { return false; }
  [[nodiscard]] std::size_t cut(std::string_view buffer, bool last) override {
    return cut_lines(buffer, last, options_.max_record_bytes);
  }
  void finish(model::Batch&) override { lines_.end_of_stream(); }

  void decode(std::string_view block, model::Batch& out) override {
    lines_.begin(block);
    intern_names(out);
    std::string_view line;
    std::uint64_t before = out.record_count;
    while (lines_.next(out, line)) {
      if (skip(line, "\xEF\xBB\xBF") && line.empty()) line = "#";
      if (line.front() == '#') {
        read_header(line, out);
        --out.record_count;
        continue;
      }
      const std::uint64_t record = record_count_ + (out.record_count - before);
      row(line, record, out);
    }
    record_count_ += out.record_count - before;
  }

 private:
  void intern_names(model::Batch& out) {
    for (Column& column : columns_) {
      column.id = out.intern(std::string_view(column.name).substr(0, model::kMaxNameBytes));
      if (!column.other_name.empty()) column.other_id = out.intern(column.other_name);
    }
  }

  std::string_view header_cell(std::string_view line, std::string_view name, bool& found) const {
    found = line.starts_with(name) && line.size() > name.size() && line[name.size()] == separator_;
    return found ? line.substr(name.size() + 1) : std::string_view{};
  }

  void read_header(std::string_view line, model::Batch& out) {
    line = clean_utf8(line, out.arena());
    bool found = false;
    if (std::string_view text = line; skip(text, "#separator ")) {
      const std::string bytes = unescape_hex(trim(text));
      separator_ = ascii_or(bytes, '\t');
      w3c_ = false;
    } else if (skip(text, "#Fields:")) {
      w3c_ = true;
      read_w3c_fields(text, out);
    } else if (const auto set = header_cell(line, "#set_separator", found); found) {
      set_separator_ = ascii_or(set, ',');
    } else if (const auto empty = header_cell(line, "#empty_field", found); found) {
      empty_field_ = empty;
    } else if (const auto unset = header_cell(line, "#unset_field", found); found) {
      unset_field_ = unset;
    } else if (const auto path = header_cell(line, "#path", found); found) {
      path_ = path;
    } else if (auto fields = header_cell(line, "#fields", found); found) {
      w3c_ = false;
      columns_.clear();
      while (!fields.empty() && columns_.size() < model::kMaxFieldsPerEvent)
        columns_.push_back({std::string(take_until(fields, separator_)), {}});
      intern_names(out);
    } else if (auto types = header_cell(line, "#types", found); found) {
      for (Column& column : columns_) set_type(column, take_until(types, separator_));
    }
  }

  static void set_type(Column& column, std::string_view type) {
    column.container = type.starts_with("set[") || type.starts_with("vector[") || type.starts_with("list[");
    if (column.container) type = type.substr(type.find('[') + 1, type.size() - type.find('[') - 2);
    const bool number =
        type == "count" || type == "int" || type == "port" || type == "double" || type == "interval" || type == "time";
    column.type = type == "bool" ? ValueType::kBool : number ? ValueType::kNumber : ValueType::kText;
  }

  void read_w3c_fields(std::string_view text, model::Batch& out) {
    columns_.clear();
    has_uri_ = false;
    while (!(text = trim_left(text)).empty() && columns_.size() < model::kMaxFieldsPerEvent) {
      const std::size_t end = std::min(text.find_first_of(" \t"), text.size());
      const std::string_view given = text.substr(0, end);
      text.remove_prefix(end);
      Column column;
      const std::size_t paren = given.find('(');
      if (paren == std::string_view::npos || given.back() != ')') {
        column.name = given;
      } else {
        column.name.append(given.substr(0, paren)).append("-");
        for (const char c : given.substr(paren + 1, given.size() - paren - 2)) column.name += lower(c);
      }
      if (column.name == "cs-user-agent") column.other_name = "c-useragent";
      if (column.name == "cs-uri") column.other_name = "c-uri";
      has_uri_ = has_uri_ || column.name == "cs-uri";
      columns_.push_back(std::move(column));
    }
    intern_names(out);
  }

  void bad_row(std::string_view line, std::uint64_t record, model::Batch& out) {
    model::BadRecord bad =
        bad_record(w3c_ ? "w3c-row" : "zeek-row", "a row has another number of cells than #fields names", line);
    bad.record = record;
    bad.offset = lines_.offset(line);
    out.add_bad(std::move(bad));
    add_text_event(line, out).record = record;
  }

  void row(std::string_view line, std::uint64_t record, model::Batch& out) {
    if (columns_.empty()) {
      decode_syslog_line(line, options_.reference_time, out).record = record;
      return;
    }
    core::Timestamp time;
    out.begin_event();
    const std::string_view text = clean_utf8(line, out.arena());
    if (w3c_ ? !w3c_row(text, time, out) : !zeek_row(text, time, out)) {
      out.abandon_event();
      bad_row(line, record, out);
      return;
    }
    model::EventSlot& slot = out.end_event();
    slot.raw = line;
    slot.time = time;
    slot.record = record;
    slot.format = w3c_ ? model::Format::kAccessLog : model::Format::kZeekTsv;
  }

  bool zeek_row(std::string_view text, core::Timestamp& time, model::Batch& out) {
    if (static_cast<std::size_t>(std::ranges::count(text, separator_)) + 1 != columns_.size()) return false;
    if (!path_.empty()) add(out, "_path", out.arena().copy(path_));
    for (const Column& column : columns_) {
      std::string_view cell = take_until(text, separator_);
      if (cell == unset_field_) continue;
      if (!column.container) {
        if (cell == empty_field_) cell = {};
        value(column, cell, false, out);
        if (column.name == "ts") {
          if (const auto parsed = core::parse_any_time(cell)) time = *parsed;
        }
        continue;
      }
      if (cell == empty_field_ || cell.empty()) continue;
      while (!cell.empty()) value(column, take_until(cell, set_separator_), true, out);
    }
    return true;
  }

  static void value(const Column& column, std::string_view text, bool element, model::Batch& out) {
    if (column.type == ValueType::kBool && (text == "T" || text == "F")) {
      out.add(column.id, ValueType::kBool, text == "T" ? "true" : "false", element);
      return;
    }
    if (column.type == ValueType::kNumber) return out.add(column.id, type_of(text), text, element);
    if (text.find("\\") != std::string_view::npos) text = clean_utf8(out.arena().copy(unescape_hex(text)), out.arena());
    out.add(column.id, ValueType::kText, text, element);
  }

  // One cell of a W3C row; quoted ones may hold the delimiter.
  static std::string_view w3c_cell(std::string_view& text, char delimiter) {
    if (delimiter == ' ') {
      while (text.starts_with(" ")) text.remove_prefix(1);
    }
    if (!text.starts_with("\"")) return take_until(text, delimiter);
    const std::size_t end = text.find('"', 1);
    const std::string_view cell = text.substr(1, end == std::string_view::npos ? end : end - 1);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    take_until(text, delimiter);
    return cell;
  }

  bool w3c_row(std::string_view text, core::Timestamp& time, model::Batch& out) {
    const char delimiter = text.find('\t') != std::string_view::npos ? '\t' : ' ';
    std::string_view date, clock, stem, query;
    for (const Column& column : columns_) {
      if (text.empty()) return false;
      const std::string_view cell = w3c_cell(text, delimiter);
      if (cell == "-" || cell.empty()) continue;
      out.add(column.id, type_of(cell), cell);
      if (!column.other_name.empty()) out.add(column.other_id, type_of(cell), cell);
      if (column.name == "date") date = cell;
      if (column.name == "time") clock = cell;
      if (column.name == "cs-uri-stem" || column.name == "cs-uri-path") stem = cell;
      if (column.name == "cs-uri-query") query = cell;
    }
    if (!trim(text).empty()) return false;
    if (!has_uri_ && !stem.empty()) {
      std::string_view uri = stem;
      if (!query.empty()) {
        const std::string joined = std::string(stem) + (query.starts_with("?") ? "" : "?") + std::string(query);
        uri = out.arena().copy(joined);
      }
      add(out, "cs-uri", uri);
      add(out, "c-uri", uri);
    }
    if (!date.empty() && date.size() < 32 && clock.size() < 32) {
      if (const auto parsed =
              core::parse_iso_time(clock.empty() ? std::string(date) : std::string(date) + ' ' + std::string(clock)))
        time = *parsed;
    }
    return true;
  }

  DecodeOptions options_;
  LineReader lines_;
  std::uint64_t record_count_ = 0;
  char separator_ = '\t';
  char set_separator_ = ',';
  std::string empty_field_ = "(empty)";
  std::string unset_field_ = "-";
  std::string path_;
  std::vector<Column> columns_;
  bool w3c_ = false;
  bool has_uri_ = false;
};

}  // namespace

std::unique_ptr<Decoder> make_zeek_decoder(const DecodeOptions& options) { return std::make_unique<ZeekDecoder>(options); }

}  // namespace tocsin::decode
