// The database session and short calls for statements. Private to ledger's .cc files: it brings SOCI.
//
// One thread at a time. Statements throw what SOCI throws; guarded() turns that into Errors and is around every use.
#pragma once
#include <soci/soci.h>
#include <soci/sqlite3/soci-sqlite3.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <typeinfo>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/result.h"
#include "model/delivery.h"

namespace tocsin::ledger {

// A prepared statement and what its parameters and columns are read from and written to.
struct KeptStatement {
  virtual ~KeptStatement() = default;
};
inline constexpr std::size_t kMaxKeptStatements = 256;

struct Connection {
  soci::session sql;
  std::unordered_map<std::string, std::unique_ptr<KeptStatement>> kept;  // By kind and text; ends before the session.
};

// Runs `use` on the statement of that text, which `make` makes the first time: parsing costs more than most statements do.
// One that failed is made anew.
template <class Kept, class Make, class Use>
auto with_kept(Connection& connection, const std::string& text, Make&& make, Use&& use) {
  std::string key = typeid(Kept).name();
  key += text;
  auto found = connection.kept.find(key);
  if (found == connection.kept.end()) {
    if (connection.kept.size() >= kMaxKeptStatements) connection.kept.clear();
    found = connection.kept.emplace(std::move(key), make()).first;
  }
  try {
    return use(static_cast<Kept&>(*found->second));
  } catch (...) {
    connection.kept.erase(found);
    throw;
  }
}

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
inline long long number(model::SourceId id) { return static_cast<long long>(id); }
inline long long number(bool value) { return value ? 1 : 0; }

// Of a statement: `Columns` as of select(), or NoColumns.
struct NoColumns {
  void exchange(soci::statement&) {}
};
template <class Columns, class... Args>
struct Prepared final : KeptStatement {
  Prepared(Connection& connection, const std::string& text, const Args&... args)
      : values(args...), statement(connection.sql) {
    columns.exchange(statement);
    std::apply([this](const auto&... value) { (statement.exchange(soci::use(value)), ...); }, values);
    statement.alloc();
    statement.prepare(text);
    statement.define_and_bind();
  }
  Columns columns;
  std::tuple<Args...> values;
  soci::statement statement;
};

// Runs a statement without rows; answers how many rows it changed. Parameters are numbers (long long) or std::string.
template <class... Args>
long long change(Connection& connection, const std::string& text, const Args&... args) {
  using Kept = Prepared<NoColumns, Args...>;
  return with_kept<Kept>(
      connection, text, [&] { return std::make_unique<Kept>(connection, text, args...); },
      [&](Kept& kept) -> long long {
        kept.values = std::tie(args...);
        kept.statement.execute(true);
        return kept.statement.get_affected_rows();
      });
}

// `Columns` has exchange(statement), which names where the columns go, and take(), which makes the row of them.
template <class Columns, class... Args>
auto select(Connection& connection, const std::string& text, const Args&... args) {
  using Kept = Prepared<Columns, Args...>;
  return with_kept<Kept>(
      connection, text, [&] { return std::make_unique<Kept>(connection, text, args...); },
      [&](Kept& kept) {
        kept.values = std::tie(args...);
        std::vector<decltype(kept.columns.take())> rows;
        kept.statement.execute();
        while (kept.statement.fetch()) rows.push_back(kept.columns.take());
        return rows;
      });
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
