// Syslog in both forms and all habits, and plain text. A line is read from the left, each part optional:
//
//   [count ]<PRI>1 ISO-TIME HOST APP PROCID MSGID [SD]... MSG                RFC 5424 (also without <PRI>)
//   [count ]<PRI>[seq: ][*.]TIME [HOST ]TAG[pid]: MSG                        RFC 3164, rsyslog, Cisco
//
// The host is missing where the first word already looks like a tag ("sshd[5]:"). A line with neither priority nor a
// syslog time is text: its message is the whole line, and its time is what stands in front of it, if it is one. So is a
// line with an ISO time where no "host tag:" follows, for most applications' own logs look like that.
//   "<34>Oct 11 22:14:15 mymachine su[10]: 'su root' failed" -> priority 34, facility auth, severity critical,
//   hostname mymachine, appname su, procid 10, message "'su root' failed".
#include <algorithm>
#include <array>

#include "decode/decoder.h"
#include "decode/syslog_message.h"
#include "decode/text/access_log_line.h"
#include "decode/text/fields.h"
#include "decode/text/lines.h"
#include "decode/text/syslog_line.h"
#include "decode/text/time_text.h"

namespace tocsin::decode {
namespace text {
namespace {

using model::Format;
using model::Payload;
using model::ValueType;

constexpr std::string_view kFacilities[] = {
    "kern", "user",  "mail",  "daemon", "auth",   "syslog", "lpr",    "news",   "uucp",   "cron",   "authpriv", "ftp",
    "ntp",  "audit", "alert", "clock",  "local0", "local1", "local2", "local3", "local4", "local5", "local6",   "local7"};
constexpr unsigned kMaxPriority = 191;
constexpr std::size_t kMaxHostBytes = 255;
constexpr std::size_t kMaxTagBytes = 128;

struct Line {
  std::string_view priority;
  core::Timestamp time;
  std::string_view hostname, appname, procid, msgid, version, message;
  std::string_view structured;  // The SD elements, unread.
  std::string_view sequence;    // Cisco's leading number.
  bool is_syslog = false;
};

bool take_priority(std::string_view& text, std::string_view& priority) {
  std::string_view rest = text;
  if (!skip(rest, "<")) return false;
  const std::string_view digits = take_digits(rest, 3);
  if (digits.empty() || !skip(rest, ">") || *to_number(digits) > kMaxPriority) return false;
  priority = digits;
  text = rest;
  return true;
}

bool host_char(char c) {
  return is_alnum(c) || c == '.' || c == '-' || c == '_' || c == ':' || c == '%' || c == '@' || c == '/';
}

bool is_host(std::string_view word) {
  // Only an IPv6 address stands in brackets; "[error]" is a level.
  if (word.size() > 2 && word.front() == '[' && word.back() == ']') {
    if (word.find(':') == std::string_view::npos) return false;
    word = word.substr(1, word.size() - 2);
  }
  if (word.empty() || (!is_alnum(word.front()) && word.front() != ':')) return false;
  return word.size() <= kMaxHostBytes && std::ranges::all_of(word, host_char) && word.back() != ':';
}

// "sshd[19939]:", "sshd(pam_unix)[1]:", "kernel:"; the colon may miss where there is a process id.
bool take_tag(std::string_view& text, Line& line) {
  std::size_t length = 0;
  while (length < text.size() && length <= kMaxTagBytes && text[length] != ':' && text[length] != '[' &&
         !is_space(text[length]))
    ++length;
  if (length == 0 || length >= text.size() || length > kMaxTagBytes || text.front() == '%' || text.front() == '{')
    return false;
  const std::string_view name = text.substr(0, length);
  if (name.find_first_of("=\"'|,<>") != std::string_view::npos) return false;
  std::string_view rest = text.substr(length);
  std::string_view procid;
  if (skip(rest, "[")) {
    const std::size_t close = rest.substr(0, 64).find(']');
    if (close == std::string_view::npos) return false;
    procid = rest.substr(0, close);
    rest.remove_prefix(close + 1);
    if (!skip(rest, ":") && !rest.empty() && rest.front() != ' ') return false;
  } else {
    if (!skip(rest, ":")) return false;
    if (!rest.empty() && !is_space(rest.front())) return false;  // "12:30:01", "http://": no tag.
  }
  line.appname = name;
  line.procid = procid;
  text = rest;
  skip(text, " ");
  return true;
}

// What Cisco devices put before "%FAC-SEV-MNEM": "000123: ", "*Mar  1 18:46:11.123 UTC: ". Cut off only as a whole.
bool skip_cisco_prefix(std::string_view& text, Line& line, core::Timestamp reference) {
  constexpr std::size_t kMaxCiscoPrefixBytes = 96;
  if (text.substr(0, kMaxCiscoPrefixBytes).find('%') == std::string_view::npos) return false;
  std::string_view rest = text;
  std::string_view sequence = take_digits(rest, 12);
  if (!sequence.empty() && !skip(rest, ": ")) {
    rest = text;
    sequence = {};
  }
  rest = trim_left(rest);
  while (!rest.empty() && (rest.front() == '*' || rest.front() == '.')) rest.remove_prefix(1);
  core::Timestamp time;
  if (take_time(rest, reference, time) != TimeForm::kNone) {
    skip(rest, ":");
    rest = trim_left(rest);
  }
  skip(rest, ": ");
  CiscoHead head;
  std::string_view probe = rest;
  if (!read_cisco_head(probe, head)) return false;
  if (!line.time.known()) line.time = time;
  line.sequence = sequence;
  text = rest;
  return true;
}

// "... HOST APP PROCID MSGID SD MSG", "-" being absent.
bool read_rfc5424(std::string_view text, Line& line) {
  std::string_view version = take_digits(text, 3);
  if (version.empty() || version.front() == '0' || !skip(text, " ")) return false;
  const std::string_view stamp = take_until(text, ' ');
  core::Timestamp time;
  if (stamp != "-") {
    const auto parsed = core::parse_iso_time(stamp);
    if (!parsed) return false;
    time = *parsed;
  }
  std::array<std::string_view, 4> words;
  for (auto& word : words) {
    if (text.empty()) return false;
    word = take_until(text, ' ');
    if (word == "-") word = {};
  }
  line.version = version;
  line.time = time;
  line.hostname = words[0];
  line.appname = words[1];
  line.procid = words[2];
  line.msgid = words[3];
  if (text.starts_with("[")) {
    // To the ']' outside quotes that no further '[' follows.
    std::size_t end = 0;
    bool quoted = false;
    for (; end < text.size(); ++end) {
      if (quoted && text[end] == '\\') {
        ++end;
      } else if (text[end] == '"') {
        quoted = !quoted;
      } else if (!quoted && text[end] == ']' && (end + 1 >= text.size() || text[end + 1] != '[')) {
        ++end;
        break;
      }
    }
    end = std::min(end, text.size());
    line.structured = text.substr(0, end);
    text.remove_prefix(end);
  } else {
    skip(text, "-");
  }
  skip(text, " ");
  skip(text, "\xEF\xBB\xBF");
  line.message = text;
  line.is_syslog = true;
  return true;
}

bool is_level_word(std::string_view word) {
  constexpr std::string_view kLevels[] = {"trace", "debug", "info",  "notice",   "warn",  "warning",
                                          "error", "err",   "fatal", "critical", "severe"};
  return std::ranges::any_of(kLevels, [&](std::string_view level) { return equal_no_case(level, word); });
}

// Behind the time (or the priority): [HOST ]TAG: MSG. `certain`: a word in front is the host whatever follows it.
void read_host_and_tag(std::string_view text, bool certain, core::Timestamp reference, Line& line) {
  text = trim_left(text);
  const bool payload = text.starts_with("CEF:") || text.starts_with("LEEF:");
  if (payload || skip_cisco_prefix(text, line, reference) || take_tag(text, line)) {
    // "rtr1: *Mar  1 18:46:11: %SYS-5-CONFIG_I: ...": what looked like a tag is the host.
    if (!line.appname.empty() && line.procid.empty() && skip_cisco_prefix(text, line, reference)) {
      line.hostname = line.appname;
      line.appname = {};
    }
    line.message = text;
    line.is_syslog = true;
    return;
  }
  std::string_view rest = text;
  std::string_view host = take_until(rest, ' ');
  if (host.ends_with(":") && host.size() > 1 && is_host(host.substr(0, host.size() - 1))) host.remove_suffix(1);
  Line with_host = line;
  if (is_host(host) && !is_level_word(host)) {
    rest = trim_left(rest);
    skip(rest, ": ");
    const bool tagged = skip_cisco_prefix(rest, with_host, reference) || take_tag(rest, with_host);
    if (tagged || certain || rest.starts_with("CEF:") || rest.starts_with("LEEF:")) {
      with_host.hostname = host;
      with_host.message = rest;
      with_host.is_syslog = true;
      line = with_host;
      return;
    }
  }
  line.message = text;
}

// `line` is left with is_syslog false where this is no syslog line.
void read_line(std::string_view text, core::Timestamp reference, Line& line) {
  skip(text, "\xEF\xBB\xBF");
  std::string_view rest = text;
  // RFC 6587: an octet count before the record.
  if (std::string_view counted = text; !take_digits(counted, 6).empty() && skip(counted, " ") && counted.starts_with("<"))
    rest = counted;
  const bool has_priority = take_priority(rest, line.priority);
  if (!has_priority) rest = text;
  if (read_rfc5424(rest, line)) return;
  std::string_view body = rest;
  if (std::string_view cisco = body; skip_cisco_prefix(cisco, line, reference)) {
    line.message = cisco;
    line.is_syslog = true;
    return;
  }
  // "<189>123: host: *Mar ..." and the marks before a time.
  if (std::string_view numbered = body; has_priority && !take_digits(numbered, 12).empty() && skip(numbered, ": "))
    body = numbered;
  std::string_view marked = body;
  while (!marked.empty() && (marked.front() == '*' || marked.front() == '.')) marked.remove_prefix(1);
  const TimeForm form = take_time(marked, reference, line.time);
  const bool timed = (form == TimeForm::kSyslog || form == TimeForm::kIso) &&
                     (marked.empty() || marked.front() == ' ' || marked.front() == ':');
  if (timed) {
    skip(marked, ":");
    read_host_and_tag(marked, has_priority || form == TimeForm::kSyslog, reference, line);
    // "2026-01-02 03:04:05 ERROR: disk full" is an application's own log.
    if (form == TimeForm::kIso && line.hostname.empty() && line.procid.empty() && !line.message.starts_with("CEF:"))
      line.is_syslog = false;
    line.is_syslog = line.is_syslog || has_priority || form == TimeForm::kSyslog;
  } else if (has_priority) {
    line.time = core::kNoTime;
    read_host_and_tag(body, false, reference, line);
    line.is_syslog = true;
  }
}

// [id name="value" ...][id2 ...] -> sd.id.name
void add_structured(std::string_view text, model::Batch& out) {
  std::string name;
  while (skip(text, "[")) {
    std::size_t id_end = text.find_first_of(" ]");
    const std::string_view id = text.substr(0, id_end);
    text.remove_prefix(std::min(id_end, text.size()));
    while (skip(text, " ")) {
      const std::size_t equals = text.find_first_of("= ]");
      if (equals == std::string_view::npos || !text.substr(equals).starts_with("=\"")) break;
      const std::string_view param = text.substr(0, equals);
      text.remove_prefix(equals + 2);
      std::size_t end = 0;
      while (end < text.size() && text[end] != '"') end += text[end] == '\\' && end + 1 < text.size() ? 2 : 1;
      end = std::min(end, text.size());
      name.assign("sd.").append(id.substr(0, 128)).append(".").append(param.substr(0, 128));
      add(out, name, unescape(text.substr(0, end), "\"]", out.arena()));
      text.remove_prefix(std::min(end + 1, text.size()));
    }
    const std::size_t close = text.find(']');
    if (close == std::string_view::npos) return;
    text.remove_prefix(close + 1);
  }
}

void add_header(const Line& line, bool cisco, model::Batch& out) {
  if (!line.priority.empty()) {
    const auto priority = *to_number(line.priority);
    add_typed(out, "priority", number_text(priority, out.arena()));
    if (!cisco) {
      add_if(out, "facility", facility_name(priority / 8));
      add(out, "severity", severity_name(priority % 8));
    }
  }
  if (!line.version.empty()) add_typed(out, "version", line.version);
  add_if(out, "hostname", line.hostname);
  add_if(out, "appname", line.appname);
  if (!line.procid.empty()) add_typed(out, "procid", line.procid);
  add_if(out, "msgid", line.msgid);
  if (!line.sequence.empty()) add(out, "sequence", line.sequence);
}

bool is_web_server(std::string_view appname) {
  return appname == "nginx" || appname == "httpd" || appname == "apache" || appname == "apache2";
}

core::Timestamp leading_time(std::string_view text, core::Timestamp reference) {
  core::Timestamp time;
  skip(text, "[");
  return take_time(text, reference, time) == TimeForm::kNone ? core::kNoTime : time;
}

}  // namespace

std::string_view facility_name(std::uint64_t number) {
  return number < std::size(kFacilities) ? kFacilities[number] : std::string_view{};
}

bool looks_like_syslog(std::string_view line) {
  Line read;
  read_line(line, core::kNoTime, read);
  return read.is_syslog;
}

std::string_view syslog_host(std::string_view header) {
  Line read;
  read_line(header, core::kNoTime, read);
  return read.hostname;
}

model::EventSlot& add_text_event(std::string_view line, model::Batch& out) {
  out.begin_event();
  add(out, "message", clean_utf8(line, out.arena()));
  model::EventSlot& slot = out.end_event();
  slot.raw = line;
  slot.format = Format::kText;
  return slot;
}

model::EventSlot& decode_syslog_line(std::string_view line, core::Timestamp reference, model::Batch& out) {
  const std::string_view text = clean_utf8(line, out.arena());
  Line read;
  read_line(text, reference, read);
  if (!read.is_syslog) {
    read = {};
    read.message = text;
    read.time = leading_time(text, reference);
  }
  out.begin_event();
  CiscoHead head;
  std::string_view probe = read.message;
  const bool cisco = read_cisco_head(probe, head);
  add_header(read, cisco, out);
  add(out, "message", read.message);
  if (!read.structured.empty()) add_structured(read.structured, out);
  core::Timestamp time = read.time;
  Payload payload = Payload::kNone;
  const std::size_t before = out.open_fields().size();
  add_syslog_extras(read.appname, read.message, out);
  if (out.open_fields().size() == before) {
    payload = add_message_payload(read.appname, read.message, out, time);
    if (payload == Payload::kNone && is_web_server(read.appname)) add_access_log_fields(read.message, out, time);
  }
  if (out.open_fields().size() != before) group_lists(out);  // A payload may repeat the header's names.
  model::EventSlot& slot = out.end_event();
  slot.raw = line;
  slot.time = time;
  slot.format = read.is_syslog ? Format::kSyslog : Format::kText;
  slot.payload = payload;
  return slot;
}

}  // namespace text

namespace {

class SyslogDecoder final : public Decoder {
 public:
  explicit SyslogDecoder(const DecodeOptions& options) : options_(options), lines_(options.max_record_bytes) {}
  [[nodiscard]] bool splittable() const override { return true; }
  [[nodiscard]] std::size_t cut(std::string_view buffer, bool last) override {
    return text::cut_lines(buffer, last, options_.max_record_bytes);
  }
  void decode(std::string_view block, model::Batch& out) override {
    lines_.begin(block);
    std::string_view line;
    while (lines_.next(out, line)) text::decode_syslog_line(line, options_.reference_time, out).record = out.record_count;
  }
  void finish(model::Batch&) override { lines_.end_of_stream(); }

 private:
  DecodeOptions options_;
  text::LineReader lines_;
};

}  // namespace

std::unique_ptr<Decoder> make_syslog_decoder(const DecodeOptions& options) {
  return std::make_unique<SyslogDecoder>(options);
}

}  // namespace tocsin::decode
