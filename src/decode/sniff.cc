// Which format a stream is in, decided from its first bytes by these rules, in this order:
//
//   1. "ElfFile\0" is EVTX. Behind a UTF-16 BOM: Windows XML, JSON (as PowerShell writes it), or kUnknown.
//   2. The first thing in it is <Event, <Events or an XML declaration with one of them near: Windows XML.
//   3. Its first lines are looked at (at most kMaxLines whole ones; the last may be torn). A format is taken when most of
//      them are in it: '{' or '[' with JSON behind it, "type=X msg=audit(", access log, syslog. Lines that only a header
//      can be decide alone: "#separator", "#Fields:", "__CURSOR=", and for CSV a line of names with rows that fit it.
//   4. Otherwise it is text, or kUnknown where too many control bytes are in it.
#include <algorithm>
#include <string>
#include <vector>

#include "decode/decoder.h"
#include "decode/text/access_log_line.h"
#include "decode/text/audit_record.h"
#include "decode/text/csv_row.h"
#include "decode/text/scan.h"
#include "decode/text/syslog_line.h"

namespace tocsin::decode {
namespace {

using model::Format;
using namespace text;

constexpr std::size_t kMaxHeadBytes = 64 * 1'024;
constexpr std::size_t kMaxLines = 50;
constexpr std::size_t kMaxLineBytes = 4'096;  // Enough of a line to tell what it is.

std::vector<std::string_view> first_lines(std::string_view head) {
  std::vector<std::string_view> lines;
  while (!head.empty() && lines.size() < kMaxLines) {
    const std::size_t newline = head.find('\n');
    if (newline == std::string_view::npos && !lines.empty()) break;  // Torn.
    std::string_view line = head.substr(0, newline);
    head.remove_prefix(newline == std::string_view::npos ? head.size() : newline + 1);
    while (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    if (!trim(line).empty()) lines.push_back(line.substr(0, kMaxLineBytes));
  }
  return lines;
}

bool is_binary(std::string_view head) {
  const std::string_view sample = head.substr(0, 4'096);
  const auto control_count = std::ranges::count_if(sample, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 && !is_space(c) && c != '\x1b' && c != '\x1d' && c != '\x01';
  });
  return static_cast<std::size_t>(control_count) * 20 > sample.size();
}

// '{' then '"' or '}', '[' then what may begin a JSON value.
bool looks_like_json(std::string_view text) {
  text = trim_left(text);
  if (text.empty()) return false;
  const bool object = text.front() == '{';
  if (!object && text.front() != '[') return false;
  text = trim_left(text.substr(1));
  if (text.empty()) return true;  // "{" alone on its line: pretty-printed.
  if (object) return text.front() == '"' || text.front() == '}';
  if (text.front() == '{' || text.front() == '[') return looks_like_json(text.substr(0, 64));
  return text.front() == ']';
}

bool is_event_xml(std::string_view head) {
  head = trim_left(head);
  if (head.empty() || head.front() != '<') return false;
  const std::string_view near = head.substr(0, 4'096);
  for (std::size_t at = near.find("<Event"); at != std::string_view::npos; at = near.find("<Event", at + 1)) {
    const std::string_view after = near.substr(at + 6, 1);
    if (after.empty() || after == ">" || after == " " || after == "s" || after == "\n" || after == "\r" || after == "\t") {
      return at == 0 || near.starts_with("<?xml") || near.starts_with("<!--");
    }
  }
  return false;
}

Format sniff_utf16(std::string_view head) {
  const std::size_t low = head.starts_with("\xFF\xFE") ? 0 : 1;
  std::string text;
  for (std::size_t i = 2; i + 1 < head.size() && text.size() < 4'096; i += 2) {
    text += head[i + 1 - low] == '\0' ? head[i + low] : '?';
  }
  if (is_event_xml(text)) return Format::kWindowsXml;
  return looks_like_json(text) ? Format::kJson : Format::kUnknown;
}

// Lines that only one format has, at the start of one of the first lines.
Format by_header(const std::vector<std::string_view>& lines) {
  for (const std::string_view line : lines) {
    if (line.starts_with("#separator ") || line.starts_with("#fields\t") || line.starts_with("#Fields:"))
      return Format::kZeekTsv;
    if (line.starts_with("__CURSOR=") || line.starts_with("__REALTIME_TIMESTAMP=")) return Format::kJournaldExport;
    if (line.front() != '#' && line.find('=') == std::string_view::npos) break;
  }
  return Format::kUnknown;
}

Format by_majority(const std::vector<std::string_view>& lines) {
  std::size_t json = 0, audit = 0, access = 0, syslog = 0;
  AuditHead audit_head;
  AccessLine access_line;
  for (const std::string_view line : lines) {
    if (looks_like_json(line)) {
      ++json;
    } else if (find_audit_record(line, audit_head)) {
      ++audit;
    } else if (split_access_line(line, access_line)) {
      ++access;
    } else if (looks_like_syslog(line)) {
      ++syslog;
    }
  }
  const std::size_t most = lines.size();
  if (json * 2 > most) return Format::kJson;
  if (audit * 2 > most) return Format::kAuditd;
  if (access * 2 > most) return Format::kAccessLog;
  if (syslog * 2 > most || (syslog + audit) * 2 > most) return Format::kSyslog;
  return Format::kText;
}

// At least three names in the first line and, as far as rows are seen, as many cells in most of them.
bool is_csv(std::string_view head) {
  CsvShape shape;
  if (!csv_shape(head.substr(0, head.find('\n')), shape) || shape.names < 3) return false;
  CsvRow row;
  row.delimiter = shape.delimiter;
  std::size_t row_count = 0, fit_count = 0;
  std::string_view rest = head;
  while (!rest.empty() && row_count < kMaxLines) {
    const std::size_t length = read_csv_row(rest, row);
    if (row.open || (length == rest.size() && !rest.ends_with("\n") && row_count > 1)) break;  // Torn.
    rest.remove_prefix(length);
    if (row.cells.size() == 1 && row.cells.front().text.empty()) continue;
    ++row_count;
    fit_count += row.cells.size() == shape.names;
  }
  return row_count > 0 && fit_count * 10 >= row_count * 8;
}

}  // namespace

Format sniff(std::string_view head) {
  head = head.substr(0, kMaxHeadBytes);
  if (head.starts_with(std::string_view("ElfFile\0", 8))) return Format::kEvtx;
  if (head.starts_with("\xFF\xFE") || head.starts_with("\xFE\xFF")) return sniff_utf16(head);
  skip(head, "\xEF\xBB\xBF");
  if (is_event_xml(head)) return Format::kWindowsXml;
  const std::vector<std::string_view> lines = first_lines(head);
  if (lines.empty()) return head.empty() || !is_binary(head) ? Format::kText : Format::kUnknown;
  if (const Format format = by_header(lines); format != Format::kUnknown) return format;
  if (is_binary(head)) return Format::kUnknown;
  const Format format = by_majority(lines);
  if (format == Format::kText && looks_like_json(head)) return Format::kJson;  // One document over many lines.
  if (format == Format::kText && is_csv(trim_left(head))) return Format::kCsv;
  return format;
}

}  // namespace tocsin::decode
