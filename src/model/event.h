// Decoded events: named fields as views, many events to a batch.
//
// A Batch is filled by one decoder from one block of input and read by one thread at a time. All views point into the
// block (kept alive by `owner`) or into `arena`; they are valid until Batch::clear(). Every value is UTF-8 text as Sigma
// compares it (numbers in decimal as written, booleans true/false) plus its type. Text is whatever the source held: it
// may contain NUL bytes; decoders replace what is not valid UTF-8 by U+FFFD.
#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/arena.h"
#include "core/time.h"
#include "model/name_table.h"

namespace tocsin::model {

enum class ValueType : std::uint8_t {
  kNull,  // Present with no value; text is empty. Sigma's null matches it as it does an absent field.
  kText,
  kNumber,  // Text form is a JSON number.
  kBool,    // "true" or "false".
};

// One value of one event. A list is a run of fields with the same name, each with kElement set; a list of objects
// gives each member its dotted name ("targets.name"), again repeated. Nested objects are dotted ("a.b.c").
struct Field {
  NameId name = kNoName;
  ValueType type = ValueType::kNull;
  bool element = false;  // Part of a list (also of a list of one).
  std::string_view text;
};

// What the bytes were. The name of each is also what --input-format takes and what `format:`
// in content/mappings/ compares with.
enum class Format : std::uint8_t {
  kUnknown,
  kEvtx,
  kWindowsXml,
  kJson,
  kSyslog,
  kAuditd,
  kJournaldExport,
  kZeekTsv,
  kCsv,
  kAccessLog,
  kText,
};
inline constexpr Format kLastFormat = Format::kText;

// How an event's message was read inside its envelope (syslog, journald, JSON "message").
enum class Payload : std::uint8_t { kNone, kCef, kLeef, kKeyValue, kJson, kAuditd, kXml, kCisco };
// "evtx", "windows-xml", "json" ... ; "none", "cef", "leef", "key-value", "json", "auditd", "xml", "cisco".
std::string_view to_string(Format format);
std::string_view to_string(Payload payload);

struct EventSlot {
  std::uint32_t first_field = 0;
  std::uint32_t field_count = 0;
  std::uint64_t record = 0;  // Counted from 1 within the input stream or, for split input, within the block.
  core::Timestamp time;      // When it happened; kNoTime where the record does not say.
  std::string_view raw;      // The native record, byte for byte.
  Format format = Format::kUnknown;
  Payload payload = Payload::kNone;
};

// A record or part of one that could not be read. It is counted by `cause` and never stops the rest.
struct BadRecord {
  std::string cause;         // From a short fixed list: "json-syntax", "evtx-record-torn" ... lower case, hyphens.
  std::string detail;        // One sentence: what was expected, what was there.
  std::uint64_t record = 0;  // As EventSlot::record of the record it would have been; 0 where unknown.
  std::uint64_t offset = 0;  // In bytes from the start of the block handed to the decoder.
  std::string sample;        // The first kMaxSampleBytes bytes of it.
};
inline constexpr std::size_t kMaxSampleBytes = 256;
inline constexpr std::size_t kMaxBadKept = 1'000;         // Kept per batch; the rest is only counted in bad_count.
inline constexpr std::size_t kMaxFieldsPerEvent = 4'096;  // More are dropped and counted in dropped_field_count.
inline constexpr std::size_t kMaxDepth = 64;              // Nesting of JSON, XML, BinXML.

// A view of one event of a batch, handed about by value.
class Batch;
struct Event {
  const Batch* batch = nullptr;
  const EventSlot* slot = nullptr;
  [[nodiscard]] std::span<const Field> fields() const;
  [[nodiscard]] std::string_view name(const Field& field) const;
  // The first field of that name, or null. Linear: for reports and mappings, not for the hot path.
  [[nodiscard]] const Field* find(std::string_view name) const;
  // Its text, or "" where absent.
  [[nodiscard]] std::string_view text(std::string_view name) const;
};

class Batch {
 public:
  explicit Batch(NameTable& names) : names_(&names) {}  // `names` must outlive the batch.

  // Forgets all events, fields, bad records and arena bytes; keeps the memory.
  void clear();

  // --- For decoders. Begin an event, add its fields, then end it; or abandon it, which drops its fields.
  void begin_event();
  void add(NameId name, ValueType type, std::string_view text, bool element = false) {
    if (fields_.size() - open_first_ >= kMaxFieldsPerEvent) {
      ++dropped_field_count_;
      return;
    }
    fields_.push_back({name, type, element, text});
  }
  // Interns a name, in the table or, where that is full, in this batch.
  NameId intern(std::string_view name);
  EventSlot& end_event();  // The slot to complete (time, raw, format, record).
  void abandon_event();
  [[nodiscard]] std::span<Field> open_fields() { return std::span(fields_).subspan(open_first_); }
  void truncate_open(std::size_t field_count) { fields_.resize(open_first_ + field_count); }
  void add_bad(BadRecord bad);
  // The block had `header_bytes` bytes in front that are not the caller's: takes them off the offsets of the bad records.
  void shift_bad_offsets(std::uint64_t header_bytes) {
    for (BadRecord& record : bad_) record.offset -= record.offset < header_bytes ? record.offset : header_bytes;
  }

  core::Arena& arena() { return arena_; }
  NameTable& names() { return *names_; }
  [[nodiscard]] const NameTable& names() const { return *names_; }
  // Keeps the input bytes alive as long as the batch's content.
  void set_owner(std::shared_ptr<const void> owner) { owner_ = std::move(owner); }
  [[nodiscard]] const std::shared_ptr<const void>& owner() const { return owner_; }

  // --- For readers.
  [[nodiscard]] std::size_t size() const { return slots_.size(); }
  [[nodiscard]] Event event(std::size_t index) const { return {this, &slots_[index]}; }
  [[nodiscard]] std::span<const Field> fields() const { return fields_; }
  std::vector<EventSlot>& slots() { return slots_; }
  [[nodiscard]] std::string_view name(NameId id) const {
    const auto number = static_cast<std::uint32_t>(id);
    return number >= kExtraNames ? extra_names_[number - kExtraNames] : names_->text(id);
  }
  [[nodiscard]] const std::vector<BadRecord>& bad() const { return bad_; }
  [[nodiscard]] std::uint64_t bad_count() const { return bad_count_; }
  [[nodiscard]] std::uint64_t dropped_field_count() const { return dropped_field_count_; }
  // Records seen in this batch, good and bad: what the next block's numbering starts after.
  std::uint64_t record_count = 0;

 private:
  NameTable* names_;
  core::Arena arena_;
  std::vector<Field> fields_;
  std::vector<EventSlot> slots_;
  std::vector<std::string_view> extra_names_;
  std::vector<BadRecord> bad_;
  std::uint64_t bad_count_ = 0;
  std::uint64_t dropped_field_count_ = 0;
  std::size_t open_first_ = 0;
  std::shared_ptr<const void> owner_;
};

inline std::span<const Field> Event::fields() const { return batch->fields().subspan(slot->first_field, slot->field_count); }
inline std::string_view Event::name(const Field& field) const { return batch->name(field.name); }

}  // namespace tocsin::model
