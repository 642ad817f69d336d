// CSV as RFC 4180 says, read with bounds and written so that no spreadsheet takes a cell for a formula. Pure functions.
//
// A cell that begins with = + - @ or a control character gets a ' before it (OWASP, CSV injection); the reader takes it off
// again, so that what is written reads back the same.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"

namespace tocsin::core {

// Appends the cell, quoted where it must be.
void append_csv_cell(std::string_view value, std::string& out);
// A whole row and its end.
void append_csv_row(const std::vector<std::string>& cells, std::string& out);

struct CsvRow {
  std::uint32_t line = 0;  // On which it begins, from 1.
  std::vector<std::string> cells;
};
struct CsvLimits {
  std::size_t max_rows = 10'000, max_cells = 64, max_cell_bytes = 4'096;
};
// Rows end with LF or CRLF; empty lines are left out, as is a byte order mark. kInvalid with the line: a quote that does not
// end or stands inside a cell; kLimit: too many rows, cells or bytes.
Result<std::vector<CsvRow>> read_csv(std::string_view text, const CsvLimits& limits);

}  // namespace tocsin::core
