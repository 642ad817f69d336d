// An answer of the store, read: rows of values in the order of the SELECT. One thread. simdjson stays in rows.cc.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/json_writer.h"
#include "core/result.h"
#include "core/time.h"
#include "store/store.h"

namespace tocsin::api {

class Rows;
// The values of one row, each taken once, from the left. Views live as long as the Rows.
class Row {
 public:
  std::string_view text();
  std::int64_t integer();  // 0 where it is none, as for whole() and number().
  std::uint64_t whole();
  double number();
  core::Timestamp time() { return {integer()}; }
  std::vector<std::string_view> texts();
  std::vector<std::uint64_t> wholes();
  void write(core::JsonWriter& json);  // As it is; whole numbers beyond 2^53 as texts.
  void skip() { ++column_; }

 private:
  friend class Rows;
  Row(const Rows& rows, std::size_t row) : rows_(rows), row_(row) {}
  const Rows& rows_;
  std::size_t row_, column_ = 0;
};

class Rows {
 public:
  // REQUIRES: the format was kFormat.
  static core::Result<Rows> read(store::QueryResult result);
  // Of lines, each an array: names, types, then rows; at most `max_rows`.
  static core::Result<Rows> read_lines(std::string lines, std::size_t max_rows);
  static constexpr const char* kFormat = "JSONCompact";
  static constexpr const char* kLineFormat = "JSONCompactEachRowWithNamesAndTypes";
  Rows(Rows&&) noexcept;
  Rows& operator=(Rows&&) noexcept;
  ~Rows();
  [[nodiscard]] std::size_t size() const;
  [[nodiscard]] Row row(std::size_t index) const { return {*this, index}; }
  [[nodiscard]] const std::vector<std::pair<std::string, std::string>>& columns() const;  // Name, type.
  [[nodiscard]] const store::QueryResult& numbers() const;

 private:
  friend class Row;
  Rows();
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tocsin::api
