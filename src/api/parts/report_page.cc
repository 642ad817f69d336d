#include "api/parts/report_page.h"

#include <array>
#include <cmath>
#include <cstdio>

#include "core/assert.h"
#include "core/unicode.h"

namespace tocsin::api {
namespace {

constexpr std::string_view kStyle = R"css(
:root { color-scheme: light; }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 60rem; padding: 1rem; background: #fff; color: #1b1f24;
  font: 10.5pt/1.45 system-ui, "Liberation Sans", Arial, sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.5em; margin: .2em 0 .6em; }
h2 { font-size: 1.1em; margin: 1.4em 0 .4em; border-bottom: 1px solid #c8cdd3; padding-bottom: .15em; break-after: avoid; }
p { margin: .3em 0; white-space: pre-line; }
p.note, p.none { color: #57606a; font-size: .88em; }
table { border-collapse: collapse; width: 100%; }
table.data { font-size: .88em; margin: .3em 0; }
table.data th, table.data td { text-align: left; vertical-align: top; padding: .25em .5em; min-width: 5em;
  border-bottom: 1px solid #e1e4e8; white-space: pre-line; }
table.data th { background: #f3f5f7; font-weight: 600; }
table.data thead { display: table-header-group; }
table.data tr { break-inside: avoid; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .15em 1em; margin: .3em 0; }
dt { color: #57606a; }
dd { margin: 0; }
.page > thead > tr > td, .page > tfoot > tr > td, .page > tbody > tr > td { padding: 0; }
.page > tfoot { display: table-footer-group; }
.bar { display: flex; gap: 1em; justify-content: space-between; align-items: center; font-size: .82em; color: #57606a;
  padding: .35em 0; }
.tlp { background: #000; font-weight: 700; padding: .1em .5em; -webkit-print-color-adjust: exact; print-color-adjust: exact;
  white-space: nowrap; }
.tlp.red { color: #ff2b2b; } .tlp.amber { color: #ffc000; } .tlp.green { color: #33ff00; } .tlp.clear { color: #fff; }
@page { size: A4; margin: 12mm 14mm 14mm; @bottom-center { content: counter(page) " / " counter(pages); font-size: 8pt; } }
@media print { body { max-width: none; padding: 0; font-size: 9.5pt; } }
)css";

const char* colour_of(std::string_view label) {
  if (label == "TLP:RED") return "red";
  if (label == "TLP:GREEN") return "green";
  return label == "TLP:CLEAR" ? "clear" : "amber";
}

// Nothing of it is seen, or it turns round what follows.
bool is_named(char32_t code) {
  return (code < 0x20 && code != '\n' && code != '\t') || (code >= 0x7f && code < 0xa0) ||
         (code >= 0x200b && code <= 0x200f) || (code >= 0x2028 && code <= 0x202e) || (code >= 0x2060 && code <= 0x206f) ||
         code == 0x61c || code == 0xfeff;
}

void append_cell(std::string_view text, std::string& out) {
  append_html(text.substr(0, kMaxReportCellBytes), out);
  if (text.size() > kMaxReportCellBytes) {
    out += " ... (" + std::to_string(text.size() - kMaxReportCellBytes) + " bytes more)";
  }
}

}  // namespace

void append_html(std::string_view text, std::string& out) {
  for (std::size_t at = 0; at < text.size();) {
    const char32_t code = core::next_code_point(text, at);
    if (code == '&') {
      out += "&amp;";
    } else if (code == '<') {
      out += "&lt;";
    } else if (code == '>') {
      out += "&gt;";
    } else if (code == '"') {
      out += "&quot;";
    } else if (code == '\'') {
      out += "&#39;";
    } else if (code >= 0xd800 && code <= 0xdfff) {
      out += "\xef\xbf\xbd";
    } else if (is_named(code)) {
      std::array<char, 16> name{};
      std::snprintf(name.data(), name.size(), "[U+%04X]", static_cast<unsigned>(code));
      out += name.data();
    } else {
      core::append_utf8(code, out);
    }
  }
}

std::string report_time(core::Timestamp time) {
  if (!time.known()) return "-";
  const core::CivilTime civil = core::to_civil(time);
  std::array<char, 40> out{};
  std::snprintf(out.data(), out.size(), "%04d-%02u-%02u %02u:%02u:%02u UTC", civil.year, civil.month, civil.day, civil.hour,
                civil.minute, civil.second);
  return out.data();
}

std::string report_number(double value) {
  std::array<char, 64> out{};
  const bool whole = std::fabs(value - std::round(value)) < 0.05;
  std::snprintf(out.data(), out.size(), whole ? "%.0f" : "%.1f", value);
  return out.data();
}

std::string report_duration(double seconds) {
  std::array<char, 64> out{};
  if (seconds < 90) {
    std::snprintf(out.data(), out.size(), "%.0f s", seconds);
  } else if (seconds < 5'400) {
    std::snprintf(out.data(), out.size(), "%.1f min", seconds / 60);
  } else if (seconds < 129'600) {
    std::snprintf(out.data(), out.size(), "%.1f h", seconds / 3'600);
  } else {
    std::snprintf(out.data(), out.size(), "%.1f d", seconds / 86'400);
  }
  return out.data();
}

std::string_view tlp_label(std::string_view tlp) {
  if (tlp == "red") return "TLP:RED";
  if (tlp == "amber+strict") return "TLP:AMBER+STRICT";
  if (tlp == "green") return "TLP:GREEN";
  return tlp == "clear" ? "TLP:CLEAR" : "TLP:AMBER";
}

ReportPage::ReportPage(Head head) : head_(std::move(head)) {
  const std::string_view label = tlp_label(head_.tlp);
  const std::string mark = std::string("<span class=\"tlp ") + colour_of(label) + "\">" + std::string(label) + "</span>";
  out_ =
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
      "<meta name=\"viewport\" content=\"width=device-width\"><meta name=\"referrer\" content=\"no-referrer\"><title>";
  append_html(head_.title, out_);
  out_ += "</title><style>";
  out_ += kStyle;
  out_ += "</style></head><body><table class=\"page\" role=\"presentation\"><thead><tr><td><div class=\"bar\"><span>";
  append_cell(head_.title, out_);
  out_ += "</span>" + mark + "</div></td></tr></thead><tfoot><tr><td><div class=\"bar\"><span>";
  append_cell(head_.made, out_);
  out_ += "</span>" + mark + "</div></td></tr></tfoot><tbody><tr><td><main><h1>";
  append_cell(head_.title, out_);
  out_ += "</h1>\n";
}

void ReportPage::section(std::string_view heading) {
  out_ += "<h2>";
  append_html(heading, out_);
  out_ += "</h2>\n";
}
void ReportPage::paragraph(std::string_view text) {
  out_ += "<p>";
  append_html(text, out_);
  out_ += "</p>\n";
}
void ReportPage::note(std::string_view text) {
  out_ += "<p class=\"note\">";
  append_html(text, out_);
  out_ += "</p>\n";
}
void ReportPage::facts(const std::vector<std::pair<std::string, std::string>>& facts) {
  out_ += "<dl>";
  for (const auto& [name, value] : facts) {
    out_ += "<dt>";
    append_html(name, out_);
    out_ += "</dt><dd>";
    append_cell(value.empty() ? "-" : value, out_);
    out_ += "</dd>";
  }
  out_ += "</dl>\n";
}
void ReportPage::table(std::initializer_list<const char*> columns, const std::vector<std::vector<std::string>>& rows,
                       std::string_view none) {
  if (rows.empty()) {
    out_ += "<p class=\"none\">";
    append_html(none, out_);
    out_ += "</p>\n";
    return;
  }
  out_ += "<table class=\"data\"><thead><tr>";
  for (const char* column : columns) {
    out_ += "<th scope=\"col\">";
    append_html(column, out_);
    out_ += "</th>";
  }
  out_ += "</tr></thead><tbody>\n";
  for (const auto& row : rows) {
    TOCSIN_ASSERT(row.size() == columns.size());
    out_ += "<tr>";
    for (const std::string& cell : row) {
      out_ += "<td>";
      append_cell(cell, out_);
      out_ += "</td>";
    }
    out_ += "</tr>\n";
  }
  out_ += "</tbody></table>\n";
}

std::string ReportPage::finish() && {
  out_ += "</main></td></tr></tbody></table></body></html>\n";
  return std::move(out_);
}

}  // namespace tocsin::api
