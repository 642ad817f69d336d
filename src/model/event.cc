#include "model/event.h"

#include "core/assert.h"

namespace tocsin::model {

std::string_view to_string(Format format) {
  switch (format) {
    case Format::kUnknown: return "unknown";
    case Format::kEvtx: return "evtx";
    case Format::kWindowsXml: return "windows-xml";
    case Format::kJson: return "json";
    case Format::kSyslog: return "syslog";
    case Format::kAuditd: return "auditd";
    case Format::kJournaldExport: return "journald-export";
    case Format::kZeekTsv: return "zeek";
    case Format::kCsv: return "csv";
    case Format::kAccessLog: return "access-log";
    case Format::kText: return "text";
  }
  return "unknown";
}

std::string_view to_string(Payload payload) {
  switch (payload) {
    case Payload::kNone: return "none";
    case Payload::kCef: return "cef";
    case Payload::kLeef: return "leef";
    case Payload::kKeyValue: return "key-value";
    case Payload::kJson: return "json";
    case Payload::kAuditd: return "auditd";
    case Payload::kXml: return "xml";
    case Payload::kCisco: return "cisco";
  }
  return "none";
}

const Field* Event::find(std::string_view name) const {
  for (const Field& field : fields()) {
    if (batch->name(field.name) == name) return &field;
  }
  return nullptr;
}

std::string_view Event::text(std::string_view name) const {
  const Field* field = find(name);
  return field == nullptr ? std::string_view{} : field->text;
}

void Batch::clear() {
  arena_.reset();
  fields_.clear();
  slots_.clear();
  extra_names_.clear();
  bad_.clear();
  bad_count_ = 0;
  dropped_field_count_ = 0;
  record_count = 0;
  open_first_ = 0;
  owner_.reset();
}

void Batch::begin_event() { open_first_ = fields_.size(); }

NameId Batch::intern(std::string_view name) {
  const NameId id = names_->intern(name);
  if (id != kNoName) return id;
  for (std::size_t i = extra_names_.size(); i > 0 && i + 64 > extra_names_.size(); --i) {
    if (extra_names_[i - 1] == name) return NameId{static_cast<std::uint32_t>(kExtraNames + i - 1)};
  }
  extra_names_.push_back(arena_.copy(name));
  return NameId{static_cast<std::uint32_t>(kExtraNames + extra_names_.size() - 1)};
}

EventSlot& Batch::end_event() {
  EventSlot& slot = slots_.emplace_back();
  slot.first_field = static_cast<std::uint32_t>(open_first_);
  slot.field_count = static_cast<std::uint32_t>(fields_.size() - open_first_);
  open_first_ = fields_.size();
  return slot;
}

void Batch::abandon_event() { fields_.resize(open_first_); }

void Batch::add_bad(BadRecord bad) {
  ++bad_count_;
  if (bad_.size() < kMaxBadKept) bad_.push_back(std::move(bad));
}

}  // namespace tocsin::model
