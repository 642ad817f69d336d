// SQL put together from pieces that cannot be mistaken: fixed text of the program, literals, and other SQL. Plain value.
//
// A value from outside gets in as a literal only: fixed text is known when the program is compiled.
#pragma once
#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "store/sql_guard.h"

namespace tocsin::store {

class SqlText {
 public:
  struct Fixed {
    template <std::size_t n>
    consteval Fixed(const char (&fixed)[n]) : text(fixed, n - 1) {}  // NOLINT(google-explicit-constructor)
    std::string_view text;
  };
  SqlText() = default;
  explicit SqlText(Fixed fixed) : sql_(fixed.text) {}

  SqlText& operator<<(Fixed fixed) {
    sql_ += fixed.text;
    return *this;
  }
  SqlText& operator<<(const SqlText& other) {
    sql_ += other.sql_;
    return *this;
  }
  SqlText& text(std::string_view value) {
    sql_ += sql_quoted(value);
    return *this;
  }
  SqlText& number(std::integral auto value) {
    sql_ += std::to_string(value);
    return *this;
  }
  // "'a', 'b'"; nothing for none.
  SqlText& texts(const std::vector<std::string>& values) {
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (i > 0) sql_ += ", ";
      text(values[i]);
    }
    return *this;
  }
  // A condition that search_condition() made, or the name of a column from a table of ours.
  SqlText& made(std::string_view sql) {
    sql_ += sql;
    return *this;
  }
  [[nodiscard]] const std::string& str() const { return sql_; }
  [[nodiscard]] bool empty() const { return sql_.empty(); }

 private:
  std::string sql_;
};

}  // namespace tocsin::store
