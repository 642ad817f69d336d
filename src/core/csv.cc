#include "core/csv.h"

namespace tocsin::core {
namespace {

// What a spreadsheet may take for a formula, however many ' were put before it.
bool looks_active(std::string_view value) {
  const std::size_t at = value.find_first_not_of('\'');
  if (at == std::string_view::npos) return false;
  const char c = value[at];
  return c == '=' || c == '+' || c == '-' || c == '@' || (c >= '\0' && c < ' ');
}

class Reader {
 public:
  Reader(std::string_view text, const CsvLimits& limits) : text_(text), limits_(limits) {
    if (text_.starts_with("\xEF\xBB\xBF")) at_ = 3;
  }
  Result<std::vector<CsvRow>> run() {
    std::vector<CsvRow> out;
    while (at_ < text_.size()) {
      CsvRow row;
      row.line = line_;
      if (skip_line_end()) continue;  // An empty line.
      do {
        if (row.cells.size() == limits_.max_cells) return limit("more than " + std::to_string(limits_.max_cells) + " cells");
        row.cells.push_back(TOCSIN_TRY(cell()));
      } while (take(','));
      if (at_ < text_.size() && !skip_line_end()) return wrong("text follows the closing quote of a cell");
      if (out.size() == limits_.max_rows) return limit("more than " + std::to_string(limits_.max_rows) + " rows");
      out.push_back(std::move(row));
    }
    return out;
  }

 private:
  bool take(char c) {
    if (at_ == text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  bool skip_line_end() {
    const std::size_t width = text_.substr(at_).starts_with("\r\n") ? 2 : text_.substr(at_).starts_with('\n') ? 1 : 0;
    at_ += width;
    if (width > 0) ++line_;
    return width > 0;
  }
  Result<std::string> cell() {
    std::string out;
    const bool quoted = take('"');
    const std::uint32_t begun = line_;
    for (;; ++at_) {
      if (at_ == text_.size()) {
        if (quoted) return Error{ErrorCode::kInvalid, "line " + std::to_string(begun) + ": a quote does not end"};
        break;
      }
      const char c = text_[at_];
      if (quoted && c == '"') {
        if (text_.substr(at_ + 1).starts_with('"')) {
          ++at_;
        } else {
          ++at_;
          break;
        }
      } else if (!quoted && (c == ',' || c == '\n' || text_.substr(at_).starts_with("\r\n"))) {
        break;
      } else if (!quoted && c == '"') {
        return wrong("a quote stands inside a cell that is not quoted");
      }
      if (quoted && c == '\n') ++line_;
      out += c;
      if (out.size() > limits_.max_cell_bytes) {
        return limit("a cell of more than " + std::to_string(limits_.max_cell_bytes) + " bytes");
      }
    }
    if (out.starts_with('\'') && looks_active(out)) out.erase(0, 1);
    return out;
  }
  [[nodiscard]] Error wrong(const std::string& text) const {
    return {ErrorCode::kInvalid, "line " + std::to_string(line_) + ": " + text};
  }
  [[nodiscard]] Error limit(const std::string& text) const {
    return {ErrorCode::kLimit, "line " + std::to_string(line_) + ": " + text};
  }

  std::string_view text_;
  const CsvLimits& limits_;
  std::size_t at_ = 0;
  std::uint32_t line_ = 1;
};

}  // namespace

void append_csv_cell(std::string_view value, std::string& out) {
  const bool guard = looks_active(value);
  if (!guard && value.find_first_of(",\"\r\n") == std::string_view::npos) {
    out += value;
    return;
  }
  out += '"';
  if (guard) out += '\'';
  for (const char c : value) {
    if (c == '"') out += '"';
    out += c;
  }
  out += '"';
}

void append_csv_row(const std::vector<std::string>& cells, std::string& out) {
  for (std::size_t i = 0; i < cells.size(); ++i) {
    if (i > 0) out += ',';
    append_csv_cell(cells[i], out);
  }
  out += "\r\n";
}

Result<std::vector<CsvRow>> read_csv(std::string_view text, const CsvLimits& limits) { return Reader(text, limits).run(); }

}  // namespace tocsin::core
