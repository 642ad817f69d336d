// Statements whose number of parameters is known at run time. Private to ledger's .cc files of incidents.
#pragma once
#include <deque>
#include <string>
#include <variant>
#include <vector>

#include "ledger/connection.h"
#include "ledger/incidents.h"

namespace tocsin::ledger {

// Parameters of one statement.
class Parameters {
 public:
  // Keeps the value and answers its place: ":p3".
  template <class Value>
  std::string add(Value value) {
    if constexpr (std::is_convertible_v<Value, std::string_view>) {
      values_.emplace_back(std::string(std::string_view(value)));
    } else if constexpr (std::is_floating_point_v<Value>) {
      values_.emplace_back(static_cast<double>(value));
    } else {
      values_.emplace_back(static_cast<long long>(value));
    }
    return ":p" + std::to_string(values_.size());
  }
  // Takes over the values of `other`. False: they are of other kinds or another number.
  bool assign(const Parameters& other) {
    if (values_.size() != other.values_.size()) return false;
    for (std::size_t i = 0; i < values_.size(); ++i) {
      if (values_[i].index() != other.values_[i].index()) return false;
    }
    for (std::size_t i = 0; i < values_.size(); ++i) {
      std::visit([&](auto& value) { value = std::get<std::remove_reference_t<decltype(value)>>(other.values_[i]); },
                 values_[i]);
    }
    return true;
  }
  // By name: the order of evaluation in the text that was put together does not matter.
  void bind(soci::statement& statement) {
    std::size_t place = 0;
    for (auto& value : values_) {
      const std::string name = "p" + std::to_string(++place);
      std::visit([&](auto& one) { statement.exchange(soci::use(one, name)); }, value);
    }
  }

 private:
  std::deque<std::variant<std::string, long long, double>> values_;  // Addresses stay.
};

template <class Columns>
auto select_with(Connection& connection, const std::string& text, Parameters& parameters) {
  Columns columns;
  std::vector<decltype(columns.take())> rows;
  soci::statement statement(connection.sql);
  columns.exchange(statement);
  parameters.bind(statement);
  statement.alloc();
  statement.prepare(text);
  statement.define_and_bind();
  statement.execute();
  while (statement.fetch()) rows.push_back(columns.take());
  return rows;
}

struct TextColumn {
  std::string value;
  void exchange(soci::statement& statement) { statement.exchange(soci::into(value)); }
  [[nodiscard]] std::string take() const { return value; }
};

// As "actor, action, text, detail, sequence, incident, at".
struct HistoryColumns {
  IncidentHistory row;
  long long sequence = 0, incident = 0, at = 0;
  void exchange(soci::statement& s) {
    for (std::string* text : {&row.actor, &row.action, &row.text, &row.detail}) s.exchange(soci::into(*text));
    for (long long* value : {&sequence, &incident, &at}) s.exchange(soci::into(*value));
  }
  IncidentHistory take() {
    row.sequence = sequence;
    row.incident = incident;
    row.at.ns = at;
    return row;
  }
};

// Lists whose texts may hold commas, but no ends of line.
std::string join_lines(const std::vector<std::string>& list);
std::vector<std::string> split_lines(const std::string& text);

}  // namespace tocsin::ledger
