// Structured messages inside a syslog envelope: which one it is, and its fields.
#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "decode/json_object.h"
#include "decode/syslog_message.h"
#include "decode/text/audit_record.h"
#include "decode/text/fields.h"
#include "decode/text/syslog_line.h"
#include "decode/text/time_text.h"
#include "decode/windows_xml.h"

namespace tocsin::decode {
namespace {

using namespace text;
using model::Payload;

constexpr std::string_view kSeverities[] = {"emergency", "alert",  "critical",      "error",
                                            "warning",   "notice", "informational", "debug"};

// Up to the next '|' that has no backslash before it.
std::string_view take_bar(std::string_view& text, core::Arena& arena) {
  std::size_t end = 0;
  while (end < text.size() && text[end] != '|') end += text[end] == '\\' && end + 1 < text.size() ? 2 : 1;
  const std::string_view cell = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return unescape(cell, "|", arena);
}

// The place of the last key in `text`: "... a value key=" -> start of "key". npos where there is none.
struct CefKey {
  std::size_t start = std::string_view::npos;
  std::size_t equals = std::string_view::npos;
};
CefKey find_cef_key(std::string_view text, std::size_t from) {
  for (std::size_t equals = text.find('=', from); equals != std::string_view::npos; equals = text.find('=', equals + 1)) {
    if (equals > 0 && text[equals - 1] == '\\') continue;
    std::size_t start = equals;
    while (start > from && (is_alnum(text[start - 1]) || text[start - 1] == '_' || text[start - 1] == '.' ||
                            text[start - 1] == '-' || text[start - 1] == '[' || text[start - 1] == ']'))
      --start;
    if (start < equals && (start == 0 || text[start - 1] == ' ')) return {start, equals};
  }
  return {};
}

// CEF values may hold spaces: a value ends where the next " key=" begins. "\=" "\\" "\n" are escapes.
std::string_view cef_value(std::string_view text, core::Arena& arena) {
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  text = unescape(text, "=|", arena);
  if (text.find("\\n") == std::string_view::npos && text.find("\\r") == std::string_view::npos) return text;
  char* const out = arena.allocate(text.size());
  std::size_t used = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool escape = text[i] == '\\' && i + 1 < text.size() && (text[i + 1] == 'n' || text[i + 1] == 'r');
    out[used++] = escape ? (text[++i] == 'n' ? '\n' : '\r') : text[i];
  }
  return {out, used};
}

// "cs1=value cs1Label=Rule Name" also gives the field "Rule Name".
void resolve_labels(model::Batch& out, std::size_t first) {
  constexpr std::string_view kLabel = "Label";
  const std::size_t count = out.open_fields().size();
  std::vector<std::pair<std::string_view, std::size_t>> places;
  for (std::size_t i = first; i < count; ++i) places.emplace_back(out.name(out.open_fields()[i].name), i);
  std::ranges::sort(places);
  for (std::size_t i = first; i < count; ++i) {
    const model::Field label = out.open_fields()[i];
    const std::string_view name = out.name(label.name);
    if (!name.ends_with(kLabel) || label.text.empty()) continue;
    const std::string_view base = name.substr(0, name.size() - kLabel.size());
    const auto place = std::ranges::lower_bound(places, base, {}, [](const auto& entry) { return entry.first; });
    if (place == places.end() || place->first != base) continue;
    const model::Field value = out.open_fields()[place->second];
    add(out, label.text, value.text, value.type);
  }
}

bool read_cef(std::string_view text, model::Batch& out, core::Timestamp& time) {
  if (!skip(text, "CEF:")) return false;
  skip(text, " ");
  if (text.empty() || !is_digit(text.front()) || std::ranges::count(text, '|') < 6) return false;
  const std::size_t first = out.open_fields().size();
  constexpr std::string_view kHeader[] = {"CEFVersion",  "DeviceVendor", "DeviceProduct", "DeviceVersion",
                                          "SignatureID", "Name",         "Severity"};
  for (const std::string_view name : kHeader) {
    const std::string_view value = take_bar(text, out.arena());
    name == "Severity" || name == "SignatureID" ? add_typed(out, name, value) : add(out, name, value);
  }
  CefKey key = find_cef_key(text, 0);
  while (key.start != std::string_view::npos) {
    const CefKey next = find_cef_key(text, key.equals + 1);
    const std::size_t end = std::min(next.start, text.size());
    add_typed(out, text.substr(key.start, key.equals - key.start),
              cef_value(text.substr(key.equals + 1, end - key.equals - 1), out.arena()));
    key = next;
  }
  resolve_labels(out, first);
  if (!time.known()) {
    const std::string_view receipt = open_text(out, "rt");
    if (const auto parsed = core::parse_any_time(receipt)) time = *parsed;
  }
  return true;
}

// LEEF:1.0|vendor|product|version|id|<tab separated>; LEEF:2.0 has a sixth cell: the delimiter, as such or as 0x09.
bool read_leef(std::string_view text, model::Batch& out, core::Timestamp& time) {
  if (!skip(text, "LEEF:")) return false;
  skip(text, " ");
  if (text.empty() || !is_digit(text.front()) || std::ranges::count(text, '|') < 4) return false;
  constexpr std::string_view kHeader[] = {"LEEFVersion", "DeviceVendor", "DeviceProduct", "DeviceVersion", "EventID"};
  const bool second = text.starts_with("2");
  for (const std::string_view name : kHeader) add_typed(out, name, take_bar(text, out.arena()));
  char delimiter = '\t';
  if (second && text.substr(0, 8).find('|') != std::string_view::npos) {
    std::string_view named = take_until(text, '|');
    if (named.empty() && text.starts_with('|')) text.remove_prefix(1);  // The delimiter is the bar itself... or empty.
    if (named.size() == 1) delimiter = named.front();
    if (skip(named, "0x") || skip(named, "x")) {
      unsigned value = 0;
      for (const char c : named) value = value * 16 + static_cast<unsigned>(std::max(hex_digit(c), 0));
      delimiter = static_cast<char>(value & 0x7F);
    }
  }
  while (!text.empty()) {
    std::string_view value = take_until(text, delimiter);
    const std::size_t equals = value.find('=');
    if (equals == std::string_view::npos || equals == 0) continue;
    add_typed(out, trim(value.substr(0, equals)), value.substr(equals + 1));
  }
  if (!time.known()) {
    if (const auto parsed = core::parse_any_time(open_text(out, "devTime"))) time = *parsed;
  }
  return true;
}

bool key_char(char c) { return is_alnum(c) || c == '_' || c == '-' || c == '.' || c == '/' || c == '@'; }

struct Pair {
  std::string_view key;
  std::string_view value;
  bool quoted = false;
};

// One key=value off the front; false where there is none. The separators (spaces, commas, semicolons, bars) are skipped.
bool take_pair(std::string_view& text, Pair& pair) {
  while (!text.empty() && (is_space(text.front()) || text.front() == ',' || text.front() == ';' || text.front() == '|'))
    text.remove_prefix(1);
  std::size_t length = 0;
  while (length < text.size() && key_char(text[length])) ++length;
  if (length == 0 || length >= text.size() || text[length] != '=') return false;
  pair.key = text.substr(0, length);
  text.remove_prefix(length + 1);
  pair.quoted = !text.empty() && text.front() == '"';
  if (!pair.quoted) {
    pair.value = text.substr(0, text.find_first_of(" \t,;|"));
    text.remove_prefix(pair.value.size());
    return true;
  }
  std::size_t end = 1;
  while (end < text.size() && text[end] != '"') end += text[end] == '\\' && end + 1 < text.size() ? 2 : 1;
  end = std::min(end, text.size());
  pair.value = text.substr(1, end - 1);
  text.remove_prefix(std::min(end + 1, text.size()));
  return true;
}

// The message as a whole must be pairs: at least three, and at most one word in three that is none.
bool read_key_values(std::string_view text, model::Batch& out, core::Timestamp& time) {
  constexpr std::size_t kLeastPairs = 3;
  const std::size_t first = out.open_fields().size();
  std::size_t pair_count = 0, word_count = 0;
  Pair pair;
  if (text.find('=') == std::string_view::npos) return false;
  while (!trim_left(text).empty()) {
    if (take_pair(text, pair)) {
      ++pair_count;
      const std::string_view value = pair.quoted ? unescape(pair.value, "\"", out.arena()) : pair.value;
      add(out, pair.key, value, pair.quoted ? model::ValueType::kText : type_of(value));
      continue;
    }
    ++word_count;
    text = trim_left(text);
    text.remove_prefix(std::min(text.find_first_of(" \t", 1), text.size()));
    if (word_count > 4 && word_count > pair_count) break;
  }
  if (pair_count < kLeastPairs || word_count * 2 > pair_count) {
    out.truncate_open(first);
    return false;
  }
  group_lists(out, first);
  if (!time.known()) {
    const std::string_view date = open_text(out, "date"), clock = open_text(out, "time");
    if (!date.empty() && !clock.empty()) {
      if (const auto parsed = core::parse_iso_time(std::string(date) + ' ' + std::string(clock))) time = *parsed;
    }
  }
  return true;
}

// "audit: type=1400 audit(1.2:3): ...", "type=SYSCALL msg=audit(...): ...", and journald's "SYSCALL arch=..." for the
// tag "audit".
bool read_audit(std::string_view appname, std::string_view text, model::Batch& out, core::Timestamp& time) {
  AuditHead head;
  if (text.starts_with("type=") || text.starts_with("audit") || text.starts_with("node=")) {
    if (!find_audit_record(text, head)) return false;
    if (head.time.known()) time = head.time;
    add_if(out, "node", head.node);
  } else if (appname == "audit") {
    head.body = text;
    std::string_view type = take_until(head.body, ' ');
    if (skip(type, "<audit-")) type = audit_type_name(type.substr(0, type.find('>')));
    if (type.empty() || head.body.find('=') == std::string_view::npos) return false;
    for (const char c : type) {
      if (!is_upper(c) && c != '_' && !is_digit(c)) return false;
    }
    head.type = type;
  } else {
    return false;
  }
  AuditFields fields(out);
  fields.add_record(head);
  fields.finish();
  return true;
}

}  // namespace

namespace text {

std::string_view severity_name(std::uint64_t number) { return number < 8 ? kSeverities[number] : std::string_view{}; }

// "%LINK-SP-3-UPDOWN: text" -> LINK-SP, 3, UPDOWN.
bool read_cisco_head(std::string_view& text, CiscoHead& head) {
  if (text.size() < 8 || text.front() != '%') return false;
  const std::size_t colon = text.substr(0, 96).find(':');
  if (colon == std::string_view::npos) return false;
  const std::string_view code = text.substr(1, colon - 1);
  const std::size_t last = code.rfind('-');
  if (last == std::string_view::npos || last < 3 || last + 1 >= code.size() || code[last - 2] != '-' ||
      !is_digit(code[last - 1]))
    return false;
  for (const char c : code) {
    if (!is_alnum(c) && c != '-' && c != '_' && c != '/') return false;
  }
  head.facility = code.substr(0, last - 2);
  head.severity = static_cast<unsigned>(code[last - 1] - '0');
  head.mnemonic = code.substr(last + 1);
  text = trim_left(text.substr(colon + 1));
  return head.severity < 8;
}

}  // namespace text

model::Payload add_message_payload(std::string_view appname, std::string_view message, model::Batch& out,
                                   core::Timestamp& time) {
  std::string_view text = trim(message);
  skip(text, "\xEF\xBB\xBF");
  if (text.empty()) return Payload::kNone;
  const std::size_t slash = appname.rfind('/');
  if (slash != std::string_view::npos) appname.remove_prefix(slash + 1);
  if (text.starts_with("CEF:")) return read_cef(text, out, time) ? Payload::kCef : Payload::kNone;
  if (text.starts_with("LEEF:")) return read_leef(text, out, time) ? Payload::kLeef : Payload::kNone;
  if (text.front() == '<') {
    const bool xml = text.starts_with("<Event>") || text.starts_with("<Event ");
    return xml && decode_event_xml(text, out, time) ? Payload::kXml : Payload::kNone;
  }
  if (text.starts_with("@cee:")) text = trim_left(text.substr(5));
  if (!text.empty() && text.front() == '{') return decode_json_object(text, out) ? Payload::kJson : Payload::kNone;
  if (read_audit(appname, text, out, time)) return Payload::kAuditd;
  std::string_view rest = text;
  CiscoHead cisco;
  if (read_cisco_head(rest, cisco)) {
    add(out, "facility", cisco.facility);
    add(out, "severity", severity_name(cisco.severity));
    add(out, "mnemonic", cisco.mnemonic);
    return Payload::kCisco;
  }
  return read_key_values(text, out, time) ? Payload::kKeyValue : Payload::kNone;
}

}  // namespace tocsin::decode
