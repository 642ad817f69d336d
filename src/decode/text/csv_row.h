// Rows and headers of delimited text (RFC 4180 and its relatives). Pure.
#pragma once
#include <string_view>
#include <vector>

namespace tocsin::decode::text {

struct CsvCell {
  std::string_view text;  // Without the quotes around it; doubled quotes still doubled.
  bool quoted = false;
  bool doubled = false;  // Holds "" for ".
};

struct CsvRow {
  char delimiter = ',';
  bool one_line = false;  // Quotes end with the line at the latest.
  std::vector<CsvCell> cells;
  bool open = false;  // A quote was still open at the end of the text (or of the line where one_line).
};

// Reads the row at the front of `text` into row.cells and returns its length with the line end. A quote opens only at
// the start of a cell; what follows the closing quote up to the delimiter is dropped.
std::size_t read_csv_row(std::string_view text, CsvRow& row);

struct CsvShape {
  char delimiter = ',';
  std::size_t names = 0;
};

// Whether `line` is a header: at least two names divided by the delimiter of , ; tab | that divides it most often, each
// starting with a letter, '_', '@' or '#', none twice, none longer than 128 bytes.
bool csv_shape(std::string_view line, CsvShape& shape);

}  // namespace tocsin::decode::text
