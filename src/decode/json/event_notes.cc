#include "decode/json/event_notes.h"

#include <optional>
#include <utility>

namespace tocsin::decode::json {
namespace {

using model::ValueType;

// Sigma's name, and the words of exporters for it in order of trust.
struct FlatAlias {
  Flat target;
  std::string_view name;
  std::array<Flat, 4> words;
};
constexpr auto kAliases = std::to_array<FlatAlias>({
    {Flat::kEventId, "EventID", {Flat::kEventCode, Flat::kId}},
    {Flat::kChannel, "Channel", {Flat::kLogName}},
    {Flat::kProvider, "Provider_Name", {Flat::kProviderName, Flat::kSourceName}},
    {Flat::kComputer, "Computer", {Flat::kComputerName, Flat::kMachineName, Flat::kHostname}},
    {Flat::kRecordId, "EventRecordID", {Flat::kRecordNumber, Flat::kRecordIdWord}},
    {Flat::kProviderGuid, "Provider_Guid", {Flat::kProviderGuidWord}},
    {Flat::kProcessId, "ProcessID", {Flat::kExecutionProcessId}},
});

// Windows PowerShell's ConvertTo-Json writes times as "\/Date(1600000000000)\/".
std::optional<core::Timestamp> parse_time(std::string_view text) {
  if (text.starts_with("/Date(") && text.ends_with(")/")) text = text.substr(6, text.size() - 8);
  return core::parse_any_time(text);
}

bool may_be_xml_or_json(std::string_view text) {
  for (const char c : text.substr(0, 16)) {
    if (c == '<' || c == '{') return true;
    if (c != ' ' && c != '\n' && c != '\r' && c != '\t') return false;
  }
  return false;
}

}  // namespace

void EventNotes::note(const Path& path, ValueType type, std::string_view text, bool element, std::size_t field_index) {
  if (element || (type != ValueType::kText && type != ValueType::kNumber)) return;
  if (path.time_rank < times_.size() && (time_ranks_ >> path.time_rank & 1) == 0) {
    time_ranks_ |= 1u << path.time_rank;
    times_[path.time_rank] = text;
  }
  const auto flat = static_cast<std::size_t>(path.flat);
  if (flat != 0 && (flat_ >> flat & 1) == 0 && field_index < model::kMaxFieldsPerEvent) {
    flat_ |= 1u << flat;
    flat_fields_[flat] = static_cast<std::uint32_t>(field_index);
  }
  const bool hec = path.special == Special::kEvent && saw_sourcetype;
  const bool raw = path.special == Special::kRaw || hec;
  if ((!raw && path.special != Special::kMessage) || message_count_ >= kMaxMessages) return;
  const bool text_too = hec || text.starts_with("CEF:") || text.starts_with("LEEF:");
  if (text_too || may_be_xml_or_json(text)) messages_[message_count_++] = {.text = text, .raw = raw, .text_too = text_too};
}

core::Timestamp EventNotes::time() const {
  if (xml_time.known()) return xml_time;
  for (std::uint32_t left = time_ranks_; left != 0; left &= left - 1) {
    if (const auto time = parse_time(times_[static_cast<std::size_t>(__builtin_ctz(left))])) return *time;
  }
  return core::kNoTime;
}

void EventNotes::add_flat_windows(model::Batch& out) const {
  const bool has_id = has(Flat::kEventId) || has(Flat::kEventCode) || (has(Flat::kId) && has(Flat::kProviderName));
  const bool has_channel = has(Flat::kChannel) || has(Flat::kLogName);
  if (!has_id || !has_channel) return;
  for (const FlatAlias& alias : kAliases) {
    if (has(alias.target)) continue;
    for (const Flat word : alias.words) {
      if (word == Flat::kNone || !has(word)) continue;
      const model::Field field = out.open_fields()[flat_fields_[static_cast<std::size_t>(word)]];
      out.add(out.intern(alias.name), field.type, field.text);
      break;
    }
  }
}

}  // namespace tocsin::decode::json
