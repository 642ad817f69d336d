#include "api/parts/rows.h"

#include <simdjson.h>

#include <algorithm>

#include "core/unicode.h"

namespace tocsin::api {
namespace {

namespace dom = simdjson::dom;
constexpr std::int64_t kExact = std::int64_t{1} << 53;
constexpr int kMaxDepth = 64;

template <class T>
T as(dom::element value) {
  T out{};
  if (value.get(out) != simdjson::SUCCESS) out = T{};
  return out;
}

void write_element(dom::element value, core::JsonWriter& json, int depth) {
  dom::array array;
  dom::object object;
  if (value.get(array) == simdjson::SUCCESS) {
    json.begin_array();
    if (depth < kMaxDepth) {
      for (const dom::element one : array) write_element(one, json, depth + 1);
    }
    json.end_array();
    return;
  }
  if (value.get(object) == simdjson::SUCCESS) {
    json.begin_object();
    if (depth < kMaxDepth) {
      for (const auto& member : object) {
        json.key(member.key);
        write_element(member.value, json, depth + 1);
      }
    }
    json.end_object();
    return;
  }
  switch (value.type()) {
    case dom::element_type::STRING: json.text(as<std::string_view>(value)); return;
    case dom::element_type::INT64: {
      const auto number = as<std::int64_t>(value);
      if (number > kExact || number < -kExact) {
        json.text(std::to_string(number));
      } else {
        json.number(number);
      }
      return;
    }
    case dom::element_type::UINT64: json.text(std::to_string(as<std::uint64_t>(value))); return;
    case dom::element_type::DOUBLE: json.number(as<double>(value)); return;
    case dom::element_type::BOOL: json.boolean(as<bool>(value)); return;
    default: json.null(); return;
  }
}

// Texts of others' logs may hold any bytes; the line formats pass them on.
std::string made_valid(std::string text) {
  if (core::is_valid_utf8(text)) return text;
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const char32_t code = core::next_code_point(text, at);
    core::append_utf8(code >= core::kStrayByte && code <= core::kStrayByte + 0xff ? U'\uFFFD' : code, out);
  }
  return out;
}

}  // namespace

struct Rows::Impl {
  dom::parser parser;
  store::QueryResult result;
  std::vector<std::vector<dom::element>> rows;
  std::vector<std::pair<std::string, std::string>> columns;

  core::Result<dom::element> parse(const std::string& text) {
    dom::element root;
    if (const auto error = parser.parse(text).get(root); error != simdjson::SUCCESS) {
      return core::Error{core::ErrorCode::kUnsupported,
                         std::string("an answer of the store cannot be shown: ") + simdjson::error_message(error)};
    }
    return root;
  }
  void add(dom::element row) {
    std::vector<dom::element> cells;
    dom::array array;
    if (row.get(array) == simdjson::SUCCESS) {
      for (const dom::element cell : array) cells.push_back(cell);
    }
    rows.push_back(std::move(cells));
  }
};

Rows::Rows() : impl_(std::make_unique<Impl>()) {}
Rows::Rows(Rows&&) noexcept = default;
Rows& Rows::operator=(Rows&&) noexcept = default;
Rows::~Rows() = default;
std::size_t Rows::size() const { return impl_->rows.size(); }
const std::vector<std::pair<std::string, std::string>>& Rows::columns() const { return impl_->columns; }
const store::QueryResult& Rows::numbers() const { return impl_->result; }

core::Result<Rows> Rows::read(store::QueryResult result) {
  Rows out;
  const dom::element root = TOCSIN_TRY(out.impl_->parse(result.body));
  result.body.clear();
  out.impl_->result = std::move(result);
  dom::array data, meta;
  if (root["data"].get(data) != simdjson::SUCCESS || root["meta"].get(meta) != simdjson::SUCCESS) {
    return core::Error{core::ErrorCode::kIo, "the store's answer has no rows"};
  }
  for (const dom::element column : meta) {
    std::string_view name, type;
    if (column["name"].get(name) == simdjson::SUCCESS && column["type"].get(type) == simdjson::SUCCESS) {
      out.impl_->columns.emplace_back(name, type);
    }
  }
  for (const dom::element row : data) out.impl_->add(row);
  return out;
}

core::Result<Rows> Rows::read_lines(std::string lines, std::size_t max_rows) {
  Rows out;
  std::string text = "[";
  std::size_t count = 0;
  lines = made_valid(std::move(lines));
  for (std::size_t at = 0; at < lines.size() && count < max_rows + 2;) {
    const std::size_t end = lines.find('\n', at);
    if (end == std::string::npos) break;  // Cut short.
    if (count++ > 0) text += ',';
    text.append(lines, at, end - at);
    at = end + 1;
  }
  text += ']';
  const dom::element root = TOCSIN_TRY(out.impl_->parse(text));
  dom::array array;
  if (root.get(array) != simdjson::SUCCESS) return core::Error{core::ErrorCode::kIo, "the store's answer has no rows"};
  for (const dom::element line : array) out.impl_->add(line);
  std::vector<std::vector<dom::element>>& rows = out.impl_->rows;
  if (rows.size() < 2) {
    rows.clear();
    return out;
  }
  for (std::size_t i = 0; i < std::min(rows[0].size(), rows[1].size()); ++i) {
    std::string_view name, type;
    if (rows[0][i].get(name) == simdjson::SUCCESS && rows[1][i].get(type) == simdjson::SUCCESS) {
      out.impl_->columns.emplace_back(name, type);
    }
  }
  rows.erase(rows.begin(), rows.begin() + 2);
  return out;
}

namespace {
template <class T>
T cell_as(const std::vector<dom::element>& row, std::size_t column) {
  T out{};
  if (column < row.size() && row[column].get(out) != simdjson::SUCCESS) out = T{};
  return out;
}
}  // namespace

std::string_view Row::text() { return cell_as<std::string_view>(rows_.impl_->rows[row_], column_++); }
std::int64_t Row::integer() { return cell_as<std::int64_t>(rows_.impl_->rows[row_], column_++); }
std::uint64_t Row::whole() { return cell_as<std::uint64_t>(rows_.impl_->rows[row_], column_++); }
double Row::number() { return cell_as<double>(rows_.impl_->rows[row_], column_++); }
std::vector<std::string_view> Row::texts() {
  std::vector<std::string_view> out;
  const auto& row = rows_.impl_->rows[row_];
  dom::array array;
  if (const std::size_t at = column_++; at < row.size() && row[at].get(array) == simdjson::SUCCESS) {
    for (const dom::element one : array) out.push_back(as<std::string_view>(one));
  }
  return out;
}
std::vector<std::uint64_t> Row::wholes() {
  std::vector<std::uint64_t> out;
  const auto& row = rows_.impl_->rows[row_];
  dom::array array;
  if (const std::size_t at = column_++; at < row.size() && row[at].get(array) == simdjson::SUCCESS) {
    for (const dom::element one : array) out.push_back(as<std::uint64_t>(one));
  }
  return out;
}
void Row::write(core::JsonWriter& json) {
  const auto& row = rows_.impl_->rows[row_];
  if (column_ < row.size()) {
    write_element(row[column_++], json, 0);
  } else {
    json.null();
  }
}

}  // namespace tocsin::api
