// journald's export format (journalctl -o export): entries of fields, ended by an empty line.
//
//   KEY=value\n                               text
//   KEY\n<8 bytes: size, little-endian><bytes>\n   anything, also with newlines and NULs
//
// So an entry's end is found only by walking it: cut() does, from the start of its buffer, which is the start of an
// entry. An entry that runs past max_record_bytes is let go in one part ("record-too-long"); the next one is searched at
// "\n__CURSOR=". Field names stay; `message`, `hostname`, `appname`, `procid`, `severity` and `facility` are added under
// syslog's names and the message is read as in syslog. Several fields of one name are a list.
#include <algorithm>

#include "decode/decoder.h"
#include "decode/syslog_message.h"
#include "decode/text/fields.h"
#include "decode/text/lines.h"
#include "decode/text/syslog_line.h"

namespace tocsin::decode {
namespace {

using namespace text;

constexpr std::string_view kNextEntry = "\n__CURSOR=";
constexpr std::size_t kMaxKeyBytes = 64;  // journald's own limit.
constexpr std::size_t kSizeBytes = 8;

bool is_key(std::string_view key) {
  return !key.empty() && key.size() <= kMaxKeyBytes &&
         std::ranges::all_of(key, [](char c) { return is_upper(c) || is_digit(c) || c == '_'; });
}

enum class Step { kField, kEnd, kTorn, kBad };

struct Cursor {
  explicit Cursor(std::string_view whole) : text(whole) {}
  std::string_view text;
  std::size_t at = 0;
  std::string_view key, value;

  // Reads one line or binary field. kEnd: an empty line. kTorn: the text ends within it. kBad: a line that is no field
  // (it is skipped).
  Step next() {
    const std::string_view rest = text.substr(at);
    const std::size_t newline = rest.find('\n');
    if (newline == std::string_view::npos) return Step::kTorn;
    const std::string_view line = rest.substr(0, newline);
    if (line.empty() || line == "\r") {
      at += newline + 1;
      return Step::kEnd;
    }
    const std::size_t equals = line.find('=');
    key = line.substr(0, equals);
    if (!is_key(key)) {
      at += newline + 1;
      return Step::kBad;
    }
    if (equals != std::string_view::npos) {
      value = line.substr(equals + 1);
      at += newline + 1;
      return Step::kField;
    }
    const std::string_view data = rest.substr(newline + 1);
    if (data.size() < kSizeBytes) return Step::kTorn;
    std::uint64_t size = 0;
    for (std::size_t i = kSizeBytes; i > 0; --i) size = size << 8 | static_cast<unsigned char>(data[i - 1]);
    if (size >= data.size() - kSizeBytes) return Step::kTorn;  // With its newline it needs one more.
    value = data.substr(kSizeBytes, size);
    at += newline + 1 + kSizeBytes + size + 1;
    return Step::kField;
  }
};

class JournaldDecoder final : public Decoder {
 public:
  explicit JournaldDecoder(const DecodeOptions& options) : options_(options) {}
  [[nodiscard]] bool splittable() const override { return true; }

  [[nodiscard]] std::size_t cut(std::string_view buffer, bool last) override {
    if (last) return buffer.size();
    Cursor cursor(buffer);
    std::size_t end = 0;
    while (true) {
      const Step step = cursor.next();
      if (step == Step::kEnd) end = cursor.at;
      if (step != Step::kTorn) continue;
      if (buffer.size() - end <= options_.max_record_bytes) return end;
      const std::size_t next = buffer.find(kNextEntry, cursor.at);
      if (next == std::string_view::npos) return end > 0 ? end : buffer.size();
      end = cursor.at = next + 1;
    }
  }

  void decode(std::string_view block, model::Batch& out) override {
    Cursor cursor(block);
    while (cursor.at < block.size()) {
      if (resync_) {
        const std::size_t start =
            block.substr(cursor.at).starts_with(kNextEntry.substr(1)) ? cursor.at : block.find(kNextEntry, cursor.at);
        if (start == std::string_view::npos) return;
        cursor.at = start == cursor.at ? start : start + 1;
        resync_ = false;
      }
      entry(block, cursor, out);
    }
  }

  void finish(model::Batch&) override { resync_ = false; }

 private:
  void entry(std::string_view block, Cursor& cursor, model::Batch& out) {
    const std::size_t start = cursor.at;
    core::Timestamp time, source_time;
    std::size_t bad_at = std::string_view::npos;
    std::size_t line_start = cursor.at;
    out.begin_event();
    Step step;
    while ((step = cursor.next()) != Step::kEnd && step != Step::kTorn) {
      if (step == Step::kBad) {
        if (bad_at == std::string_view::npos) bad_at = line_start;
      } else {
        field(cursor, time, source_time, out);
      }
      line_start = cursor.at;
    }
    if (step == Step::kTorn) {  // The last line of a stream may lack its newline.
      torn(block, cursor, start, time, source_time, bad_at, out);
    }
    const bool long_part = cursor.at - start > options_.max_record_bytes;
    if (long_part && bad_at == std::string_view::npos) bad_at = start;
    const bool empty = out.open_fields().empty();
    if (empty && bad_at == std::string_view::npos) return out.abandon_event();  // Blank lines in a row.
    ++out.record_count;
    if (bad_at != std::string_view::npos) {
      model::BadRecord bad = bad_record(long_part ? "record-too-long" : "journald-field",
                                        long_part ? "an entry is longer than the limit for one record"
                                                  : "a line is no field of the export format, or its data is torn",
                                        block.substr(bad_at, 512));
      bad.record = out.record_count;
      bad.offset = bad_at;
      out.add_bad(std::move(bad));
    }
    if (empty || long_part) return out.abandon_event();
    finish_event(block.substr(start, cursor.at - start), source_time.known() ? source_time : time, out);
  }

  // What is left of the block is no whole field: a "KEY=value" without newline is taken, anything else is bad.
  void torn(std::string_view block, Cursor& cursor, std::size_t start, core::Timestamp& time, core::Timestamp& source_time,
            std::size_t& bad_at, model::Batch& out) {
    const std::size_t at = cursor.at;
    const std::string_view rest = block.substr(at);
    cursor.at = block.size();
    if (rest.empty()) return;
    const std::size_t equals = rest.find('=');
    if (rest.find('\n') == std::string_view::npos && equals != std::string_view::npos && is_key(rest.substr(0, equals))) {
      cursor.key = rest.substr(0, equals);
      cursor.value = rest.substr(equals + 1);
      field(cursor, time, source_time, out);
      return;
    }
    if (bad_at == std::string_view::npos) bad_at = at;
    // A size that lies may have swallowed entries: the next one is looked for behind this entry's start.
    const std::size_t next = block.find(kNextEntry, at);
    if (next != std::string_view::npos) {
      cursor.at = next + 1;
    } else {
      resync_ = block.size() - start > options_.max_record_bytes;
    }
  }

  static void field(const Cursor& cursor, core::Timestamp& time, core::Timestamp& source_time, model::Batch& out) {
    add(out, cursor.key, clean_utf8(cursor.value, out.arena()));
    if (!cursor.key.ends_with("REALTIME_TIMESTAMP")) return;
    const auto micros = to_number(cursor.value);
    if (!micros || *micros > 9'000'000'000'000'000) return;
    const core::Timestamp parsed{static_cast<std::int64_t>(*micros) * 1'000};
    if (cursor.key == "__REALTIME_TIMESTAMP") time = parsed;
    if (cursor.key == "_SOURCE_REALTIME_TIMESTAMP") source_time = parsed;
  }

  static void finish_event(std::string_view raw, core::Timestamp time, model::Batch& out) {
    const auto copy = [&](std::string_view native, std::string_view ours) {
      const std::string_view value = open_text(out, native);
      add_if(out, ours, value);
      return value;
    };
    const std::string_view message = copy("MESSAGE", "message");
    copy("_HOSTNAME", "hostname");
    std::string_view appname = copy("SYSLOG_IDENTIFIER", "appname");
    if (appname.empty()) appname = copy("_COMM", "appname");
    std::string_view procid = open_text(out, "SYSLOG_PID");
    if (procid.empty()) procid = open_text(out, "_PID");
    if (!procid.empty()) add_typed(out, "procid", procid);
    if (const auto number = to_number(open_text(out, "PRIORITY"))) add_if(out, "severity", severity_name(*number));
    if (const auto number = to_number(open_text(out, "SYSLOG_FACILITY"))) add_if(out, "facility", facility_name(*number));
    model::Payload payload = model::Payload::kNone;
    const std::size_t before = out.open_fields().size();
    add_syslog_extras(appname, message, out);
    if (out.open_fields().size() == before) payload = add_message_payload(appname, message, out, time);
    group_lists(out);
    model::EventSlot& slot = out.end_event();
    slot.raw = raw;
    slot.time = time;
    slot.record = out.record_count;
    slot.format = model::Format::kJournaldExport;
    slot.payload = payload;
  }

  DecodeOptions options_;
  bool resync_ = false;
};

}  // namespace

std::unique_ptr<Decoder> make_journald_export_decoder(const DecodeOptions& options) {
  return std::make_unique<JournaldDecoder>(options);
}

}  // namespace tocsin::decode
