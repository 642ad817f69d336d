#include <array>
#include <utility>

#include "decode/decoder.h"
#include "decode/json/json_decoder.h"

namespace tocsin::decode {
namespace {

using model::Format;

constexpr std::array<std::pair<Format, std::string_view>, 11> kNames{{
    {Format::kUnknown, "unknown"},
    {Format::kEvtx, "evtx"},
    {Format::kWindowsXml, "windows-xml"},
    {Format::kJson, "json"},
    {Format::kSyslog, "syslog"},
    {Format::kAuditd, "auditd"},
    {Format::kJournaldExport, "journald-export"},
    {Format::kZeekTsv, "zeek"},
    {Format::kCsv, "csv"},
    {Format::kAccessLog, "access-log"},
    {Format::kText, "text"},
}};

}  // namespace

std::string_view format_name(Format format) {
  for (const auto& [value, name] : kNames) {
    if (value == format) return name;
  }
  return "unknown";
}

std::optional<Format> format_from_name(std::string_view name) {
  for (const auto& [value, text] : kNames) {
    if (text == name && value != Format::kUnknown) return value;
  }
  return {};
}

std::unique_ptr<Decoder> make_decoder(Format format, const DecodeOptions& options) {
  switch (format) {
    case Format::kEvtx: return make_evtx_decoder(options);
    case Format::kWindowsXml: return make_windows_xml_decoder(options);
    case Format::kJson: return make_json_decoder(options);
    case Format::kAuditd: return make_auditd_decoder(options);
    case Format::kJournaldExport: return make_journald_export_decoder(options);
    case Format::kZeekTsv: return make_zeek_decoder(options);
    case Format::kCsv: return make_csv_decoder(options);
    case Format::kAccessLog: return make_access_log_decoder(options);
    case Format::kSyslog:
    case Format::kText:
    case Format::kUnknown: return make_syslog_decoder(options);
  }
  return nullptr;
}

bool json_is_lines(std::string_view head) { return json::find_layout(head) == json::Layout::kLines; }

std::unique_ptr<Decoder> make_decoder_for(Format format, std::string_view head, const DecodeOptions& options) {
  return format == Format::kJson ? json::make_json_decoder_for(head, options) : make_decoder(format, options);
}

}  // namespace tocsin::decode
