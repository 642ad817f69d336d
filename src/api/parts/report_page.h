// A report as one HTML page: no script, nothing from elsewhere, light, made to be printed. Pure.
//
// All text is escaped here; marks of direction and control characters are shown as what they are. The marking (TLP) stands
// above and below each printed page: head and foot of a table are repeated by browsers where it goes on.
#pragma once
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/time.h"

namespace tocsin::api {

inline constexpr std::size_t kMaxReportCellBytes = 4'096;  // Longer texts are cut, and say so.

// Appends `text` so that it is only text in HTML, also within a quoted attribute.
void append_html(std::string_view text, std::string& out);
std::string report_time(core::Timestamp time);     // "2026-11-24 10:00:00 UTC"; "-" where not known.
std::string report_number(double value);           // At most one digit behind the point.
std::string report_duration(double seconds);       // "42 s", "3.5 min", "2.1 h", "4.0 d".
std::string_view tlp_label(std::string_view tlp);  // "TLP:AMBER+STRICT"; what is none counts as amber.

class ReportPage {
 public:
  struct Head {
    std::string title, tlp, made;  // `made`: by whom, when, of which version.
  };
  explicit ReportPage(Head head);

  void section(std::string_view heading);
  void paragraph(std::string_view text);
  void note(std::string_view text);  // Small: what was left out, what figures rest on.
  void facts(const std::vector<std::pair<std::string, std::string>>& facts);
  // Rows with as many cells as there are columns. A table without rows says `none`.
  void table(std::initializer_list<const char*> columns, const std::vector<std::vector<std::string>>& rows,
             std::string_view none);
  std::string finish() &&;

 private:
  std::string out_;
  const Head head_;
};

}  // namespace tocsin::api
