// One value of a search and the SQL that looks for it. Private to the search language.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "store/search_language.h"

namespace tocsin::store {

struct Value {
  enum Form : std::uint8_t { kText, kPresent, kRegex, kCompare, kRange, kNetwork };
  Form form = kText;
  bool quoted = false;    // No wildcards.
  bool ipv6 = false;      // Of a network.
  std::string text;       // As written; of kCompare the sign and the number.
  std::string low, high;  // Of kRange; empty: open.
};

bool is_whole_number(std::string_view text);
// The offset of the first byte that is NUL or no UTF-8; the size where there is none.
std::size_t first_bad_byte(std::string_view text);
// Empty where it can be compiled.
std::string regex_problem(const std::string& pattern);
// The column or short name that `name` was likely meant to be; empty: none.
std::string nearest(std::string_view name, const std::vector<SearchField>& fields);
// Makes `value` a kCompare where its text is one.
bool read_comparison(Value& value);
// Makes `value` a kNetwork where its text is one.
void read_network(Value& value);

std::string anywhere(std::string_view text, bool quoted);
std::string column_condition(const std::string& column, SearchKind kind, const Value& value);
std::string attribute_condition(std::string_view name, const Value& value);
// A record's own field: in any of `columns`, as far as they can hold such a value, or left over.
std::string own_field_condition(std::string_view name, const std::vector<const SearchField*>& columns, const Value& value);

}  // namespace tocsin::store
