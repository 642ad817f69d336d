// The database session and short calls for statements. Private to ledger's .cc files: it brings SOCI.
//
// One thread at a time. Statements throw what SOCI throws; guarded() turns that into Errors and is around every use.
#pragma once
#include <soci/soci.h>
#include <soci/sqlite3/soci-sqlite3.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/result.h"

namespace tocsin::ledger {

struct Connection {
  soci::session sql;
};

// REQUIRES: called while an exception is handled.
core::Error current_error();

template <class Work>
auto guarded(Work&& work) -> decltype(work()) {
  try {
    return work();
  } catch (...) {
    return current_error();
  }
}

inline long long number(std::int64_t value) { return value; }
inline long long number(bool value) { return value ? 1 : 0; }

// Runs a statement without rows; answers how many rows it changed. Parameters are numbers (long long) or std::string.
template <class... Args>
long long change(Connection& connection, const std::string& text, const Args&... args) {
  soci::statement statement(connection.sql);
  (statement.exchange(soci::use(args)), ...);
  statement.alloc();
  statement.prepare(text);
  statement.define_and_bind();
  statement.execute(true);
  return statement.get_affected_rows();
}

// `Columns` has exchange(statement), which names where the columns go, and take(), which makes the row of them.
template <class Columns, class... Args>
auto select(Connection& connection, const std::string& text, const Args&... args) {
  Columns columns;
  std::vector<decltype(columns.take())> rows;
  soci::statement statement(connection.sql);
  columns.exchange(statement);
  (statement.exchange(soci::use(args)), ...);
  statement.alloc();
  statement.prepare(text);
  statement.define_and_bind();
  statement.execute();
  while (statement.fetch()) rows.push_back(columns.take());
  return rows;
}

// The first row, where there is one.
template <class Columns, class... Args>
auto first(Connection& connection, const std::string& text, const Args&... args) {
  auto rows = select<Columns>(connection, text, args...);
  using Row = typename decltype(rows)::value_type;
  return core::Result<std::optional<Row>>(rows.empty() ? std::nullopt : std::optional<Row>(std::move(rows.front())));
}

struct NumberColumn {
  long long value = 0;
  void exchange(soci::statement& statement) { statement.exchange(soci::into(value)); }
  [[nodiscard]] std::int64_t take() const { return value; }
};

// The one number that an aggregate gives.
template <class... Args>
std::int64_t count(Connection& connection, const std::string& text, const Args&... args) {
  const auto rows = select<NumberColumn>(connection, text, args...);
  return rows.empty() ? 0 : rows.front();
}

inline std::int64_t last_id(Connection& connection) { return count(connection, "select last_insert_rowid()"); }

// Texts of a list as one, and back: "a,b". REQUIRES of the texts: no comma in them (checked by the writers).
std::string join_list(const std::vector<std::string>& list);
std::vector<std::string> split_list(const std::string& text);

// kInvalid where `text` is too long or has a NUL.
core::Result<void> check_text(const char* what, std::string_view text, std::size_t max_bytes);
core::Result<void> check_list(const char* what, const std::vector<std::string>& list);

}  // namespace tocsin::ledger
